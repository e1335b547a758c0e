//! Suggestions: who is never among them, and how often they are right.

use std::collections::{BTreeMap, BTreeSet};

use analytics::graph::Buffer;
use analytics::jobs::{Scored, WhoToFollow, who_to_follow};
use analytics::{Csr, Graph, JobError, SnapshotGraph};
use base::{Direction, Relation, UserId};
use graph_store::log::Operation;
use graph_store::store::Change;
use proptest::prelude::*;
use rand::SeedableRng;
use rand::seq::{IteratorRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::real::edges_of;
use crate::support::{NOW, arrays, change, run, run_on, store_of};

const USERS: u32 = 40;

fn edges() -> impl Strategy<Value = Vec<(u32, u32)>> {
    let edge = (0..USERS, 0..USERS).prop_filter("no loop", |(source, target)| source != target);
    prop::collection::vec(edge, 0..200)
}

fn suggest(graph: &impl Graph, parameters: &WhoToFollow, threads: usize) -> Vec<Vec<Scored>> {
    let everybody: Vec<u32> = (0..graph.vertices()).collect();
    who_to_follow(graph, &everybody, parameters, &run_on(threads)).expect("readable").into_vectors()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn nobody_is_told_to_follow_themselves_whom_they_follow_or_whom_they_block(
        follows in edges(),
        blocks in edges(),
        top in 0usize..50,
    ) {
        let store = store_of(USERS);
        change(&store, Operation::Add, &follows);
        let block = |(source, target): &(u32, u32)| Change {
            relation: Relation::Block,
            operation: Operation::Add,
            source: UserId(*source),
            target: UserId(*target),
            time: NOW,
        };
        store.apply_blocking(blocks.iter().map(block).collect()).expect("the disk works");
        let snapshot = store.snapshot().expect("the disk works");
        let (graph, parameters) = (SnapshotGraph::new(&snapshot), WhoToFollow { top, ..WhoToFollow::default() });
        let all = suggest(&graph, &parameters, 2);

        let follows: BTreeSet<_> = follows.into_iter().collect();
        let unblocked = suggest(&arrays(&snapshot), &parameters, 3);
        for ((user, suggested), unblocked) in (0..USERS).zip(&all).zip(&unblocked) {
            prop_assert!(suggested.len() <= top);
            prop_assert!(suggested.is_sorted_by(|a, b| (b.score, a.vertex) <= (a.score, b.vertex)));
            for Scored { vertex, .. } in suggested {
                let forbidden = blocks.contains(&(user, *vertex)) || blocks.contains(&(*vertex, user));
                prop_assert!(!forbidden && *vertex != user && !follows.contains(&(user, *vertex)));
            }
            // Those who remain are the same, in the same order.
            let allowed = |scored: &&Scored| {
                !blocks.contains(&(user, scored.vertex)) && !blocks.contains(&(scored.vertex, user))
            };
            prop_assert!(unblocked.iter().filter(allowed).zip(suggested).all(|(a, b)| a == b));
        }
    }
}

#[test]
fn parameters_out_of_range_are_refused() {
    let defaults = WhoToFollow::default();
    for (name, wrong) in [
        ("restart", WhoToFollow { restart: 0.0, ..defaults }),
        ("precision", WhoToFollow { precision: f64::NAN, ..defaults }),
        ("reciprocity", WhoToFollow { reciprocity: -1.0, ..defaults }),
    ] {
        let refused = who_to_follow(&Csr::from_edges(2, &[]), &[0], &wrong, &run());
        assert!(matches!(refused, Err(JobError::Parameter { name: named, .. }) if named == name), "{refused:?}");
    }
}

/// One followee of each of some people is taken away, and half as many again are found as by counting who
/// is followed by most of one's followees: 20 % more is what we promise.
#[test]
fn followees_who_were_taken_away_come_back() {
    const PEOPLE: usize = 500;
    let Some((vertices, mut edges)) = edges_of("ego-twitter/ego-twitter.el.gz") else { return };
    let mut random = ChaCha8Rng::seed_from_u64(2);
    edges.shuffle(&mut random);
    let mut followees: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    edges.iter().for_each(|(source, target)| followees.entry(*source).or_default().push(*target));
    let with_two = followees.iter().filter(|(_, followees)| followees.len() >= 2);
    let taken: BTreeMap<u32, u32> =
        with_two.map(|(user, list)| (*user, list[0])).sample(&mut random, PEOPLE).into_iter().collect();
    edges.retain(|(source, target)| taken.get(source) != Some(target));
    let graph = Csr::from_edges(vertices, &edges);
    let users: Vec<u32> = taken.keys().copied().collect();
    let found = |suggested: &[Vec<u32>]| {
        taken.values().zip(suggested).filter(|(taken, suggested)| suggested.contains(taken)).count()
    };

    let suggested = who_to_follow(&graph, &users, &WhoToFollow::default(), &run()).expect("readable");
    let suggested: Vec<Vec<u32>> =
        suggested.into_vectors().iter().map(|list| list.iter().map(|scored| scored.vertex).collect()).collect();
    let common: Vec<Vec<u32>> = users.iter().map(|user| most_common(&graph, *user)).collect();
    let (hits, baseline) = (found(&suggested), found(&common));
    assert!(baseline > PEOPLE / 3 && 5 * hits >= 6 * baseline, "{hits} and {baseline} of {PEOPLE}");
}

/// The ten whom most of a user's followees follow.
fn most_common(graph: &Csr, user: u32) -> Vec<u32> {
    let mut buffers = [Buffer::default(), Buffer::default()];
    let [first, second] = &mut buffers;
    let followees = graph.neighbours(Direction::Forward, user, first).expect("arrays");
    let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
    for followee in followees {
        for candidate in graph.neighbours(Direction::Forward, *followee, second).expect("arrays") {
            *counts.entry(*candidate).or_default() += 1;
        }
    }
    let mut candidates: Vec<_> = counts.into_iter().filter(|(id, _)| *id != user && !followees.contains(id)).collect();
    candidates.sort_by_key(|(candidate, count)| (std::cmp::Reverse(*count), *candidate));
    candidates.into_iter().take(10).map(|(candidate, _)| candidate).collect()
}
