//! Jobs equal their definitions, computed the slow way, on a store with changes over its files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use analytics::jobs::{Cdlp, Sssp, UNREACHED, bfs, cdlp, degrees, kcore, lcc, reciprocity, sssp, triangles, wcc};
use analytics::{Csr, Graph, SnapshotGraph, Undirected};
use graph_store::log::Operation;
use proptest::prelude::*;

use crate::support::{change, random_edges, run, store_of};

const USERS: u32 = 40;

/// Edges as pairs.
#[derive(Clone, Debug)]
struct Model {
    vertices: u32,
    edges: BTreeSet<(u32, u32)>,
}

impl Model {
    fn undirected(&self) -> Model {
        let both = self.edges.iter().flat_map(|(from, to)| [(*from, *to), (*to, *from)]);
        Model { vertices: self.vertices, edges: both.collect() }
    }

    fn lists(&self) -> Vec<Vec<u32>> {
        let mut lists = vec![Vec::new(); self.vertices as usize];
        self.edges.iter().for_each(|(from, to)| lists[*from as usize].push(*to));
        lists
    }

    fn levels(&self, source: u32) -> Vec<u32> {
        let (lists, mut levels) = (self.lists(), vec![UNREACHED; self.vertices as usize]);
        levels[source as usize] = 0;
        let mut queue = VecDeque::from([source]);
        while let Some(vertex) = queue.pop_front() {
            for neighbour in &lists[vertex as usize] {
                if levels[*neighbour as usize] == UNREACHED {
                    levels[*neighbour as usize] = levels[vertex as usize] + 1;
                    queue.push_back(*neighbour);
                }
            }
        }
        levels
    }

    /// By taking away whoever has the fewest neighbours, one after the other.
    fn cores(&self) -> Vec<u32> {
        let mut left: BTreeMap<u32, BTreeSet<u32>> =
            (0..self.vertices).map(|vertex| (vertex, BTreeSet::new())).collect();
        for (from, to) in self.undirected().edges {
            left.entry(from).or_default().insert(to);
        }
        let (mut cores, mut core) = (vec![0; self.vertices as usize], 0);
        while let Some((vertex, degree)) = left.iter().map(|(v, of)| (*v, of.len())).min_by_key(|(_, degree)| *degree) {
            core = core.max(degree as u32);
            cores[vertex as usize] = core;
            left.remove(&vertex);
            for neighbours in left.values_mut() {
                neighbours.remove(&vertex);
            }
        }
        cores
    }

    /// Neighbours in either direction.
    fn around(&self) -> Vec<Vec<u32>> {
        self.undirected().lists()
    }

    fn coefficients(&self) -> Vec<f64> {
        let coefficient = |neighbours: &Vec<u32>| {
            let pairs = neighbours.iter().flat_map(|one| neighbours.iter().map(move |other| (*one, *other)));
            let edges = pairs.filter(|pair| self.edges.contains(pair)).count();
            let possible = neighbours.len() * neighbours.len().saturating_sub(1);
            if possible == 0 { 0.0 } else { edges as f64 / possible as f64 }
        };
        self.around().iter().map(coefficient).collect()
    }

    fn triangles(&self) -> Vec<u64> {
        let undirected = self.undirected();
        let corners = |neighbours: &Vec<u32>| {
            let pairs = neighbours.iter().flat_map(|one| neighbours.iter().map(move |other| (*one, *other)));
            pairs.filter(|pair| undirected.edges.contains(pair)).count() as u64 / 2
        };
        self.around().iter().map(corners).collect()
    }

    fn labels(&self, mut labels: Vec<u64>, iterations: u32) -> Vec<u64> {
        for _ in 0..iterations {
            let mut votes = vec![BTreeMap::<u64, usize>::new(); self.vertices as usize];
            for (from, to) in &self.edges {
                *votes[*from as usize].entry(labels[*to as usize]).or_default() += 1;
                *votes[*to as usize].entry(labels[*from as usize]).or_default() += 1;
            }
            for (label, votes) in labels.iter_mut().zip(votes) {
                let most = votes.values().max().copied();
                *label = votes.into_iter().find(|(_, count)| Some(*count) == most).map_or(*label, |(label, _)| label);
            }
        }
        labels
    }

    /// What all jobs find on a graph is what the definitions say of the edges.
    fn check(&self, graph: &impl Graph, source: u32) {
        let run = run();
        assert_eq!(bfs(graph, source, &run).expect("readable").levels, self.levels(source));
        let distances = sssp(graph, &Sssp { source, weighted: false }, &run).expect("readable");
        let distance = |level| if level == UNREACHED { f64::INFINITY } else { f64::from(level) };
        assert_eq!(distances, self.levels(source).into_iter().map(distance).collect::<Vec<_>>());

        let undirected = self.undirected();
        let component = |vertex| undirected.levels(vertex).iter().position(|level| *level != UNREACHED);
        let components: Vec<_> = (0..self.vertices).map(|vertex| component(vertex).expect("itself") as u32).collect();
        assert_eq!(wcc(graph, &run).expect("readable"), components);

        assert_eq!(lcc(graph, &run).expect("readable"), self.coefficients());
        let found = triangles(graph, &run).expect("readable");
        assert_eq!(found.of_vertices, self.triangles());
        assert_eq!(found.total, self.triangles().iter().sum::<u64>() / 3);

        // Labels in another order than the vertices, as external ids may be.
        let labels: Vec<u64> = (0..u64::from(self.vertices)).map(|vertex| vertex * 7919 % 101).collect();
        let found = cdlp(graph, &Cdlp { iterations: 3 }, labels.clone(), &run).expect("readable");
        assert_eq!(found.labels, self.labels(labels, 3));

        let found = degrees(graph, &run).expect("readable");
        let count = |end: fn(&(u32, u32)) -> u32| {
            let count = |vertex| self.edges.iter().filter(|edge| end(edge) == vertex).count() as u32;
            (0..self.vertices).map(count).collect::<Vec<_>>()
        };
        assert_eq!((&found.outgoing, &found.incoming), (&count(|edge| edge.0), &count(|edge| edge.1)));

        let mutual = |(from, to): &(u32, u32)| self.edges.contains(&(*to, *from));
        let found = reciprocity(graph, &run).expect("readable");
        assert_eq!(found.mutual, self.edges.iter().filter(|edge| mutual(edge)).count() as u64);
        for (vertex, share) in (0..).zip(found.of_vertices) {
            let of_vertex = self.edges.iter().filter(|edge| edge.0 == vertex || edge.1 == vertex);
            let all = of_vertex.clone().count();
            let mutual = of_vertex.filter(|edge| mutual(edge)).count();
            assert_eq!(share, if all == 0 { 0.0 } else { mutual as f64 / all as f64 });
        }
    }
}

fn edges() -> impl Strategy<Value = Vec<(u32, u32)>> {
    let edge = (0..USERS, 0..USERS).prop_filter("no loop", |(source, target)| source != target);
    prop::collection::vec(edge, 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn jobs_on_a_store_under_changes_are_their_definitions(
        before in edges(),
        removed in edges(),
        added in edges(),
        source in 0..USERS,
    ) {
        let store = store_of(USERS);
        change(&store, Operation::Add, &before);
        store.compact().expect("the disk works");
        change(&store, Operation::Remove, &removed);
        change(&store, Operation::Add, &added);
        let snapshot = store.snapshot().expect("the disk works");
        let graph = SnapshotGraph::new(&snapshot);

        let removed: BTreeSet<_> = removed.into_iter().collect();
        let kept = before.into_iter().filter(|edge| !removed.contains(edge));
        let model = Model { vertices: USERS, edges: kept.chain(added).collect() };
        model.check(&graph, source);
        let undirected = Undirected::new(graph, &run()).expect("readable");
        model.undirected().check(&undirected, source);
        prop_assert_eq!(kcore(&undirected, &run()).expect("readable"), model.cores());
        let arrays = Csr::from_edges(USERS, &model.edges.iter().copied().collect::<Vec<_>>());
        model.check(&arrays, source);
    }

    /// Distances are those of Bellman and Ford, also where weights are 0 or far apart.
    #[test]
    fn distances_are_the_least_sums_of_weights(
        edges in prop::collection::vec((0..30u32, 0..30u32, prop_oneof![Just(0.0), 0.0..1.0, 0.0..1e6]), 0..200),
    ) {
        let graph = Csr::from_weighted_edges(30, edges.clone());
        let mut first = BTreeMap::new();
        for (from, to, weight) in edges.into_iter().filter(|(from, to, _)| from != to) {
            first.entry((from, to)).or_insert(weight);
        }
        let mut distances = vec![f64::INFINITY; 30];
        distances[0] = 0.0;
        for _ in 0..30 {
            for ((from, to), weight) in &first {
                let distance = distances[*from as usize] + weight;
                distances[*to as usize] = distances[*to as usize].min(distance);
            }
        }
        prop_assert_eq!(sssp(&graph, &Sssp { source: 0, weighted: true }, &run()).expect("readable"), distances);
    }
}

/// The search turns round twice on its way: the front is few, then most, then few.
#[test]
fn a_search_that_turns_round_reaches_everybody_in_the_same_number_of_steps() {
    let vertices = 6000;
    let edges: Vec<_> = random_edges(vertices, 60_000);
    // A tail behind the crowd, to come down from it again.
    let tail = (vertices..vertices + 500).map(|vertex| (vertex - 1, vertex));
    let edges: Vec<_> = edges.into_iter().chain(tail).collect();
    let graph = Csr::from_edges(vertices + 500, &edges);
    let model = Model { vertices: vertices + 500, edges: edges.into_iter().collect() };
    let found = bfs(&graph, 17, &run()).expect("readable");
    assert_eq!(found.levels, model.levels(17));
    assert!(found.depth >= 500, "{}", found.depth);
    assert_eq!(found.reached, model.levels(17).iter().filter(|level| **level != UNREACHED).count() as u64);
}

#[test]
fn a_weight_that_is_no_length_is_named() {
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        let graph = Csr::from_weighted_edges(3, vec![(0, 1, 1.0), (1, 2, weight)]);
        let error = sssp(&graph, &Sssp { source: 0, weighted: true }, &run()).expect_err("no length");
        assert!(error.to_string().starts_with("the edge from vertex 1 to 2 weighs"), "{error}");
    }
}
