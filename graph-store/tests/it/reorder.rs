//! New ids: a permutation whatever the graph, the same on any number of threads, and one that finds communities.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::Direction;
use graph_store::adjacency::{Encoding, encode};
use graph_store::reorder::{Adjacency, EdgeArrays, Order, ReorderError, USERS_MAX, reorder};
use proptest::prelude::*;

const ORDERS: [Order; 2] = [Order::BreadthFirst, Order::Bisection];

fn go_on(_: f64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn list(graph: &EdgeArrays, user: u32, direction: Direction) -> Vec<u32> {
    let mut ids = Vec::new();
    graph.neighbours(user, direction, &mut ids);
    ids
}

/// Everything at once in memory, and nothing of it.
const MEMORY: [usize; 2] = [usize::MAX, 0];

proptest! {
    #[test]
    fn every_graph_gets_a_permutation_the_same_on_any_number_of_threads(
        users in 1..200u32,
        ends in proptest::collection::vec(any::<(u32, u32)>(), 0..800),
        threads in 1..5usize,
    ) {
        let edges: Vec<_> = ends.into_iter().map(|(source, target)| (source % users, target % users)).collect();
        let graph = EdgeArrays::new(users, &edges);
        for order in ORDERS {
            let new_ids = reorder(&graph, order, usize::MAX, &go_on).expect("nobody ended it");
            let mut sorted = new_ids.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..users).collect::<Vec<_>>(), "{:?}", order);
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
            for memory in MEMORY {
                let again = pool.install(|| reorder(&graph, order, memory, &go_on)).expect("nobody ended it");
                prop_assert_eq!(&again, &new_ids, "{:?} with {} threads and {} bytes", order, threads, memory);
            }
            let followed = |user: &u32| !list(&graph, *user, Direction::Reverse).is_empty();
            let last = (0..users).filter(followed).map(|user| new_ids[user as usize]).max();
            prop_assert_eq!(last.map_or(0, |id| id as usize + 1), (0..users).filter(followed).count());
        }
    }

    #[test]
    fn arrays_hold_each_edge_once_in_both_directions(edges in proptest::collection::vec((0..20u32, 0..20u32), 0..200)) {
        let graph = EdgeArrays::new(20, &edges);
        let mut expected = edges;
        expected.sort_unstable();
        expected.dedup();
        let of = |direction| (0..20).flat_map(move |user| list(&graph, user, direction).into_iter().map(move |id| (user, id)));
        let forward: Vec<_> = of.clone()(Direction::Forward).collect();
        let mut reverse: Vec<_> = of(Direction::Reverse).map(|(target, source)| (source, target)).collect();
        reverse.sort_unstable();
        prop_assert_eq!(&forward, &expected);
        prop_assert_eq!(&reverse, &expected);
    }
}

/// Communities of so many users each, everybody in one following half of it; ids are scattered over all of them.
fn communities(count: u32, size: u32) -> (u32, Vec<(u32, u32)>) {
    let users = count * size;
    let scattered = |community: u32, member: u32| (member * count + community) * 7919 % users;
    let edges = (0..count).flat_map(|community| {
        (0..size).flat_map(move |source| {
            let targets = (0..size).filter(move |target| target != &source && (source * target + source) % 5 < 2);
            targets.map(move |target| (scattered(community, source), scattered(community, target)))
        })
    });
    (users, edges.collect())
}

/// Bytes of all forward lists under new ids.
fn encoded_bytes(users: u32, edges: &[(u32, u32)], new_ids: &[u32]) -> usize {
    let edges: Vec<_> =
        edges.iter().map(|(source, target)| (new_ids[*source as usize], new_ids[*target as usize])).collect();
    let graph = EdgeArrays::new(users, &edges);
    let mut bytes = Vec::new();
    for user in 0..users {
        encode(&list(&graph, user, Direction::Forward), 0, Encoding::Auto, &mut bytes).expect("ascending");
    }
    bytes.len()
}

#[test]
fn communities_that_were_scattered_come_together() {
    let (count, size) = (32, 64);
    let (users, edges) = communities(count, size);
    let new_ids =
        reorder(&EdgeArrays::new(users, &edges), Order::Bisection, usize::MAX, &go_on).expect("nobody ended it");
    let apart =
        edges.iter().filter(|(source, target)| new_ids[*source as usize] / size != new_ids[*target as usize] / size);
    assert_eq!(apart.count(), 0, "each community has a run of ids of its own");
    let ids: Vec<u32> = (0..users).collect();
    assert!(encoded_bytes(users, &edges, &new_ids) < encoded_bytes(users, &edges, &ids));
}

#[test]
fn a_search_starts_with_the_most_connected_and_meets_their_neighbours_in_order() {
    // User 5 has most edges; 0 and 3 are met from 5, then 4 from 3; 1 and 2 are a component of their own.
    let edges = [(5, 0), (3, 5), (0, 5), (4, 3), (1, 2), (2, 1)];
    let graph = EdgeArrays::new(6, &edges);
    let new_ids = reorder(&graph, Order::BreadthFirst, 0, &go_on).expect("nobody ended it");
    // In the order 5, 0, 3, 4, 1, 2, but 4, whom nobody follows, goes last.
    assert_eq!(new_ids, [1, 3, 4, 2, 5, 0]);
}

#[test]
fn progress_rises_to_one_and_may_end_it_all() {
    let (users, edges) = communities(16, 32);
    let graph = EdgeArrays::new(users, &edges);
    for order in ORDERS {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread can be started");
        let told = parking_lot::Mutex::new(Vec::new());
        let tell = |share| {
            told.lock().push(share);
            ControlFlow::Continue(())
        };
        pool.install(|| reorder(&graph, order, usize::MAX, &tell)).expect("nobody ended it");
        let told = told.into_inner();
        assert!(told.is_sorted(), "{told:?}");
        assert_eq!(told.last(), Some(&1.0));

        for calls in 0..told.len() {
            let heard = AtomicUsize::new(0);
            let tell = |_| {
                if heard.fetch_add(1, Ordering::Relaxed) < calls {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            };
            let ended = pool.install(|| reorder(&graph, order, usize::MAX, &tell));
            assert_eq!(ended, Err(ReorderError::Cancelled), "{order:?} after {calls}");
            assert_eq!(heard.into_inner(), calls + 1, "nobody is asked again");
        }
    }
}

#[test]
fn more_users_than_lists_can_be_numbered_are_refused() {
    struct Empty(u32);
    impl Adjacency for Empty {
        fn users(&self) -> u32 {
            self.0
        }
        fn neighbours(&self, _: u32, _: Direction, _: &mut Vec<u32>) {}
    }
    let users = USERS_MAX + 1;
    let refused = reorder(&Empty(users), Order::Bisection, 0, &go_on);
    assert_eq!(refused, Err(ReorderError::TooManyUsers { users }));
    assert_eq!(reorder(&Empty(0), Order::Bisection, 0, &go_on), Ok(Vec::new()));
}
