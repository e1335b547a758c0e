//! Paths against a plain breadth-first search.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use base::{Code, ListRef, Relation, UserId};
use graph_store::query::path::{PATH_EDGES, shortest_path};
use graph_store::query::{EdgeLimit, Metered};
use proptest::prelude::*;

use crate::query_model::{Model, until};

fn path(model: &Model, from: u32, to: u32, depth: u32) -> Option<Vec<u32>> {
    let found = shortest_path(&model.metered(), UserId(from), UserId(to), depth).expect("in time");
    found.map(|path| path.into_iter().map(|user| user.0).collect())
}

/// The number of steps from one user to each that can be reached.
fn distances(model: &Model, from: u32) -> BTreeMap<u32, usize> {
    let mut distances = BTreeMap::from([(from, 0)]);
    let mut frontier = BTreeSet::from([from]);
    for distance in 1.. {
        let reached: BTreeSet<u32> = frontier.iter().flat_map(|user| model.followees(*user)).collect();
        frontier = reached.into_iter().filter(|user| !distances.contains_key(user)).collect();
        if frontier.is_empty() {
            break;
        }
        distances.extend(frontier.iter().map(|user| (*user, distance)));
    }
    distances
}

proptest! {
    #[test]
    fn a_path_is_as_short_as_any(
        follows in proptest::collection::btree_set((0..25u32, 0..25u32), 0..70),
        from in 0..25u32,
        depth in 0..9u32,
    ) {
        let model = Model::of_follows(follows.into_iter().filter(|(source, target)| source != target));
        let distances = distances(&model, from);
        for to in 0..25 {
            let found = path(&model, from, to, depth);
            let expected = distances.get(&to).filter(|distance| **distance <= depth as usize);
            prop_assert_eq!(found.as_ref().map(|path| path.len() - 1), expected.copied());
            if let Some(found) = &found {
                prop_assert_eq!((found.first(), found.last()), (Some(&from), Some(&to)));
                for step in found.windows(2) {
                    prop_assert!(model.followees(step[0]).contains(&step[1]), "{:?}", found);
                }
            }
            prop_assert_eq!(path(&model, from, to, depth), found);
        }
    }
}

proptest! {
    /// A bound on the work changes whether there is an answer, and never which.
    #[test]
    fn a_search_within_a_bound_finds_the_same_path_or_says_that_it_gave_up(
        follows in proptest::collection::btree_set((0..25u32, 0..25u32), 0..70),
        to in 1..25u32,
        max in 0..120u64,
    ) {
        let model = Model::of_follows(follows.into_iter().filter(|(source, target)| source != target));
        match shortest_path(&bounded(&model, max), UserId(0), UserId(to), 8) {
            Ok(found) => {
                let found = found.map(|path| path.into_iter().map(|user| user.0).collect());
                prop_assert_eq!(found, path(&model, 0, to, 8));
            }
            Err(error) => prop_assert_eq!(error.code(), Code::ResourceExhausted),
        }
    }
}

#[test]
fn of_paths_of_the_same_length_the_one_of_the_smallest_ids_is_found() {
    let model = Model::of_follows([(0, 5), (0, 3), (0, 4), (5, 9), (4, 9), (3, 9)]);
    assert_eq!(path(&model, 0, 9, 8), Some(vec![0, 3, 9]));

    // Everything is found from the one end, since the other is famous.
    let follows = [(0, 2), (0, 1), (2, 3), (1, 3), (3, 5), (3, 4), (5, 9), (4, 9)];
    let model = Model::of_follows(follows.into_iter().chain((100..200).map(|user| (user, 9))));
    assert_eq!(path(&model, 0, 9, 8), Some(vec![0, 1, 3, 4, 9]));
}

#[test]
fn the_followers_of_a_celebrity_are_not_read_where_the_other_end_is_quiet() {
    let model = Model::of_follows((10..1000).map(|user| (user, 9)).chain([(0, 1), (1, 10)]));
    assert_eq!(path(&model, 0, 9, 8), Some(vec![0, 1, 10, 9]));
    let celebrity = ListRef::reverse(Relation::Follow, UserId(9));
    assert!(!model.read_whole().contains(&celebrity), "{:?}", model.read_whole());
}

#[test]
fn no_list_is_read_twice() {
    let mutual = |user: u32| [(user, user + 1), (user + 1, user)];
    let model = Model::of_follows((0..20).chain(100..120).flat_map(mutual));
    assert_eq!(path(&model, 0, 100, 8), None);
    let read = model.read_whole();
    assert_eq!(read.iter().collect::<BTreeSet<_>>().len(), read.len(), "{read:?}");
}

/// The lists within so many edges.
fn bounded(model: &Model, max: u64) -> Metered<'_, Model> {
    let budget = until(Instant::now() + Duration::from_secs(3600));
    Metered::new(model, budget.with_edges(EdgeLimit { max, ..PATH_EDGES }))
}

#[test]
fn the_way_to_oneself_is_no_step() {
    assert_eq!(path(&Model::default(), 4, 4, 0), Some(vec![4]));
}

#[test]
fn a_search_ends_at_its_bound_of_edges() {
    // Two stars of a thousand that nothing connects.
    let follows = (1..1000).flat_map(|user| [(0, user), (user, 10_000 + user), (20_000 + user, 5_000)]);
    let model = Model::of_follows(follows.chain((1..1000).map(|user| (30_000 + user, 20_000 + user))));
    assert_eq!(path(&model, 0, 5_000, 8), None);
    let bounded = bounded(&model, 500);
    let error = shortest_path(&bounded, UserId(0), UserId(5_000), 8).unwrap_err();
    assert_eq!((error.code(), error.field()), (Code::ResourceExhausted, Some("max_depth")));
    assert_eq!(error.message(), "takes more than PATH_EDGES_MAX of 500 edges");
    assert!(bounded.spent() <= 500);
}

#[test]
fn a_search_ends_at_its_deadline() {
    let model = Model::of_follows([(0, 1)]);
    let late = Metered::new(&model, until(Instant::now()));
    assert_eq!(shortest_path(&late, UserId(0), UserId(1), 8).unwrap_err().code(), Code::DeadlineExceeded);
    assert!(model.read_whole().is_empty());
}

#[test]
fn a_follow_that_ends_during_the_search_is_no_path() {
    let follows = [(0, 1), (1, 2), (2, 9)].into_iter().chain((100..200).map(|user| (user, 9)));
    let mut model = Model::of_follows(follows);
    // Seen from the one end it was there, and when the search comes back to it it is not.
    model.forget(ListRef::reverse(Relation::Follow, UserId(1)));
    let error = shortest_path(&model.metered(), UserId(0), UserId(9), 8).unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::Unavailable, "the graph changed during the search"));
}
