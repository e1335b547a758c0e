//! Every kind of graph shows the same edges.

use std::collections::BTreeSet;

use analytics::graph::Buffer;
use analytics::jobs::{PageRank, pagerank};
use analytics::source::Source;
use analytics::{Graph, SnapshotGraph, Undirected};
use base::Direction;
use graph_store::export::Ids;
use graph_store::log::Operation;
use proptest::prelude::*;

use crate::support::{arrays, change, run, store_of};

const USERS: u32 = 60;

fn edges() -> impl Strategy<Value = Vec<(u32, u32)>> {
    let edge = (0..USERS, 0..USERS).prop_filter("no loop", |(source, target)| source != target);
    prop::collection::vec(edge, 0..300)
}

/// The lists of one direction.
fn lists(graph: &impl Graph, direction: Direction) -> Vec<Vec<u32>> {
    let mut buffer = Buffer::default();
    let mut list = |vertex| {
        let list = graph.neighbours(direction, vertex, &mut buffer).expect("readable").to_vec();
        assert_eq!(graph.degree(direction, vertex).expect("readable"), list.len() as u32);
        list
    };
    let lists: Vec<Vec<u32>> = (0..graph.vertices()).map(&mut list).collect();
    for vertices in [0..graph.vertices(), 3..graph.vertices(), 5..6, 7..7] {
        let expected: Vec<u32> =
            lists[vertices.start as usize..vertices.end as usize].iter().map(|list| list.len() as u32).collect();
        let mut degrees = vec![u32::MAX; vertices.len()];
        graph.degrees(direction, vertices, &mut degrees).expect("readable");
        assert_eq!(degrees, expected, "all at once they are those of each");
    }
    lists
}

#[test]
fn long_lists_are_those_of_the_arrays() {
    let store = store_of(USERS);
    let around =
        |user| (0..USERS).filter(move |other| *other != user).flat_map(move |other| [(user, other), (other, user)]);
    change(&store, Operation::Add, &around(0).chain(around(USERS - 1)).collect::<Vec<_>>());
    store.compact().expect("the disk works");
    change(&store, Operation::Remove, &[(USERS - 1, 20)]);
    let snapshot = store.snapshot().expect("the disk works");
    let graph = SnapshotGraph::new(&snapshot);
    for direction in Direction::ALL {
        assert_eq!(lists(&graph, direction), lists(&arrays(&snapshot), direction));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_store_shows_what_is_in_files_under_what_has_changed_since(
        before in edges(),
        removed in edges(),
        added in edges(),
    ) {
        let store = store_of(USERS);
        change(&store, Operation::Add, &before);
        store.compact().expect("the disk works");
        change(&store, Operation::Remove, &removed);
        change(&store, Operation::Add, &added);
        let snapshot = store.snapshot().expect("the disk works");
        let (graph, arrays) = (SnapshotGraph::new(&snapshot), arrays(&snapshot));

        let removed: BTreeSet<_> = removed.into_iter().collect();
        let mut expected: BTreeSet<_> = before.into_iter().filter(|edge| !removed.contains(edge)).collect();
        expected.extend(added);
        prop_assert_eq!((graph.edges(), arrays.edges()), (expected.len() as u64, expected.len() as u64));
        for direction in Direction::ALL {
            let both = lists(&graph, direction);
            prop_assert_eq!(&both, &lists(&arrays, direction));
            for (list, user) in both.into_iter().zip(0..) {
                let ends = |edge: &(u32, u32)| if direction == Direction::Forward { *edge } else { (edge.1, edge.0) };
                let mut of_user: Vec<u32> =
                    expected.iter().map(ends).filter(|(from, _)| *from == user).map(|(_, to)| to).collect();
                of_user.sort_unstable();
                prop_assert_eq!(list, of_user);
            }
        }

        let run = run();
        let undirected = Undirected::new(graph, &run).expect("readable");
        let both: BTreeSet<_> = expected.iter().flat_map(|(from, to)| [(*from, *to), (*to, *from)]).collect();
        prop_assert_eq!(undirected.edges(), both.len() as u64);
        for direction in Direction::ALL {
            let shown = lists(&undirected, direction).into_iter().zip(0..);
            let shown = shown.flat_map(|(list, from)| list.into_iter().map(move |to| (from, to)));
            prop_assert!(shown.eq(both.iter().copied()));
        }

        let parameters = PageRank { iterations: 3, tolerance: None, ..PageRank::default() };
        let ranks = pagerank(&graph, &parameters, &run).expect("readable");
        prop_assert_eq!(ranks, pagerank(&arrays, &parameters, &run).expect("readable"));
    }
}

#[test]
fn vertices_are_read_in_the_order_of_their_lists_each_once() {
    let store = store_of(11);
    let snapshot = store.snapshot().expect("the disk works");
    let graph = SnapshotGraph::new(&snapshot);
    assert_eq!(graph.lying_order(2..11).collect::<Vec<_>>(), [2, 6, 10, 3, 7, 4, 8, 5, 9]);
    assert_eq!(graph.lying_order(2..4).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(graph.lying_order(4..4).count(), 0);
}

#[test]
fn a_graph_is_told_from_another_of_as_many_edges_at_the_same_revision() {
    let identity = |edges: &[(u32, u32)], is_compact: bool| {
        let store = store_of(USERS);
        change(&store, Operation::Add, edges);
        if is_compact {
            store.compact().expect("the disk works");
        }
        let source = Source::new(store.snapshot().expect("the store is open"), Ids::External, true).expect("no ids");
        source.identity(false).expect("readable")
    };
    let edges = [(1, 2), (2, 3), (7, 3)];
    let turned = edges.map(|(source, target)| (target, source));
    assert_eq!(identity(&edges, false), identity(&edges, true), "however it is kept");
    assert_ne!(identity(&edges, true), identity(&turned, true));
}
