//! PageRank: where somebody is who follows edges at random, and now and then starts anywhere.
//!
//! Brin and Page, "The anatomy of a large-scale hypertextual web search engine" (1998), as the LDBC Graphalytics
//! specification (section 2.3.2) has it: with *n* vertices and damping *d*, the rank of a vertex becomes
//!
//! ```text
//! (1 - d) / n  +  d * sum over edges u -> v of rank(u) / outdegree(u)  +  d / n * sum of the ranks of those without edges out
//! ```
//!
//! starting at 1/n. The ranks always add up to 1.
//!
//! Ranks are pulled along reverse lists: one load from memory for each edge, no writes that threads could quarrel over,
//! and sums that are always made in the same order. An iteration costs reading all reverse lists once.

use std::ops::Range;

use base::Direction;
use base::disk::Scratch;

use super::degrees;
use crate::graph::{Buffer, Graph};
use crate::run::Step;
use crate::{JobError, Run};

/// Running sums of one list: they do not wait for one another.
const LANES: usize = 4;

/// The parameters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PageRank {
    /// The chance of following an edge, from 0 to 1.
    pub damping: f64,
    /// Iterations at the most.
    pub iterations: u32,
    /// Ends it as soon as an iteration changes all ranks together by less.
    pub tolerance: Option<f64>,
}

impl Default for PageRank {
    fn default() -> Self {
        PageRank { damping: 0.85, iterations: 100, tolerance: Some(1e-9) }
    }
}

/// What came out.
#[derive(Clone, PartialEq, Debug)]
pub struct Ranks {
    /// By vertex; all together are 1.
    pub ranks: Vec<f64>,
    /// How many iterations were made.
    pub iterations: u32,
    /// By how much the last of them changed all ranks together.
    pub change: f64,
}

impl PageRank {
    /// Bytes of memory that it takes: two numbers and an out-degree for each vertex.
    pub fn memory(vertices: u32) -> u64 {
        u64::from(vertices) * (2 * size_of::<f64>() + size_of::<u32>()) as u64
    }
}

/// Ranks every vertex.
///
/// # Errors
///
/// Parameters out of range, too little memory, a list that cannot be read, or the run was cancelled.
pub fn pagerank<G: Graph>(graph: &G, parameters: &PageRank, run: &Run<'_>) -> Result<Ranks, JobError> {
    let PageRank { damping, iterations, tolerance } = *parameters;
    if !(0.0..=1.0).contains(&damping) {
        return Err(JobError::Parameter { name: "damping", expected: "from 0 to 1" });
    }
    run.reserve("pagerank", PageRank::memory(graph.vertices()))?;
    let vertices = graph.vertices() as usize;
    if vertices == 0 {
        return Ok(Ranks { ranks: Vec::new(), iterations: 0, change: 0.0 });
    }
    let degrees = degrees::each(graph, Direction::Forward, &run.step("counting edges", vertices as u64), run)?;
    let job = format!("pagerank {parameters:?}");
    let mut ranks = Ranks { ranks: vec![1.0 / vertices as f64; vertices], iterations: 0, change: f64::INFINITY };
    if let Some(saved) = run.resume(&job)?
        && let (Some(before), Some(change)) = (saved.array(0, vertices), saved.array(1, 1))
    {
        ranks = Ranks { ranks: before, iterations: saved.iteration as u32, change: change[0] };
    }
    // Every edge reads it somewhere else: on huge pages that takes half as long.
    let mut shares = Scratch::new(vertices * size_of::<f64>()).map_err(JobError::Room)?;
    let shares: &mut [f64] = bytemuck::cast_slice_mut(shares.bytes_mut());
    let step = run.step("ranking", 2 * u64::from(iterations - ranks.iterations.min(iterations)) * vertices as u64);
    while ranks.iterations < iterations && tolerance.is_none_or(|tolerance| ranks.change >= tolerance) {
        let stuck = share_out(&ranks.ranks, &degrees, shares, &step, run)?;
        let everywhere = (1.0 - damping + damping * stuck) / vertices as f64;
        let pull = |(buffer, before): &mut (Buffer, Vec<f64>), chunk: Range<u32>, ranks: &mut [f64]| {
            before.clear();
            before.extend_from_slice(ranks);
            let start = chunk.start;
            for vertex in graph.lying_order(chunk) {
                let sources = graph.neighbours(Direction::Reverse, vertex, buffer)?;
                ranks[(vertex - start) as usize] = everywhere + damping * gather(shares, sources);
            }
            // In the order of the vertices, however their lists lie: the same sum for every kind of graph.
            Ok(ranks.iter().zip(before).map(|(rank, before)| (rank - *before).abs()).sum::<f64>())
        };
        ranks.change = run.pass(&step, &mut ranks.ranks, Default::default, pull)?.into_iter().sum();
        ranks.iterations += 1;
        run.save(&job, ranks.iterations, &[bytemuck::cast_slice(&ranks.ranks), bytemuck::bytes_of(&ranks.change)]);
    }
    Ok(ranks)
}

/// Divides each rank among the edges out of its vertex; answers how much is of vertices without any.
fn share_out(ranks: &[f64], degrees: &[u32], shares: &mut [f64], step: &Step, run: &Run<'_>) -> Result<f64, JobError> {
    let stuck = run.pass(
        step,
        shares,
        || (),
        |(), chunk, shares| {
            let chunk = chunk.start as usize..chunk.end as usize;
            let mut stuck = 0.0;
            for ((share, rank), degree) in shares.iter_mut().zip(&ranks[chunk.clone()]).zip(&degrees[chunk]) {
                *share = if *degree == 0 { 0.0 } else { rank / f64::from(*degree) };
                stuck += if *degree == 0 { *rank } else { 0.0 };
            }
            Ok(stuck)
        },
    )?;
    Ok(stuck.into_iter().sum())
}

/// The sum of the shares of some vertices.
#[inline]
fn gather(shares: &[f64], vertices: &[u32]) -> f64 {
    let share = |vertex: u32| shares[vertex as usize];
    let (rounds, rest) = vertices.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for round in rounds {
        for (lane, vertex) in lanes.iter_mut().zip(round) {
            *lane += share(*vertex);
        }
    }
    lanes.into_iter().sum::<f64>() + rest.iter().map(|vertex| share(*vertex)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Csr, RunOptions};

    /// Two who follow each other, one who follows both, one whom all follow and who follows nobody, one alone.
    const EDGES: [(u32, u32); 7] = [(0, 1), (1, 0), (2, 0), (2, 1), (0, 3), (1, 3), (2, 3)];

    fn run() -> Run<'static> {
        Run::new(RunOptions::default()).expect("threads can be started")
    }

    #[test]
    fn an_iteration_is_the_formula() -> Result<(), JobError> {
        let graph = Csr::from_edges(5, &EDGES);
        let parameters = PageRank { damping: 0.5, iterations: 1, tolerance: None };
        let ranks = pagerank(&graph, &parameters, &run())?;
        // Each has a fifth; 3 and 4 have no edges out, so that two fifths go to everybody.
        let everywhere = 0.5 / 5.0 + 0.5 * 0.4 / 5.0;
        let of = |shares: f64| everywhere + 0.5 * 0.2 * shares;
        let expected = [of(0.5 + 1.0 / 3.0), of(0.5 + 1.0 / 3.0), of(0.0), of(0.5 + 0.5 + 1.0 / 3.0), of(0.0)];
        for (rank, expected) in ranks.ranks.iter().zip(expected) {
            assert!((rank - expected).abs() < 1e-15, "{rank} is not {expected}");
        }
        assert_eq!(ranks.iterations, 1);
        Ok(())
    }

    #[test]
    fn ranks_add_up_to_one_and_stop_changing() -> Result<(), JobError> {
        let parameters = PageRank { iterations: 1000, tolerance: Some(1e-14), ..PageRank::default() };
        let ranks = pagerank(&Csr::from_edges(5, &EDGES), &parameters, &run())?;
        assert!((ranks.ranks.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(ranks.change < 1e-14 && ranks.iterations < 1000, "{ranks:?}");
        assert_eq!(ranks.ranks[0], ranks.ranks[1]);
        Ok(())
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_figure() -> Result<(), JobError> {
        let graph = Csr::from_edges(5, &EDGES);
        let run = Run::new(RunOptions { memory_bytes: 99, ..RunOptions::default() })?;
        let error = pagerank(&graph, &PageRank::default(), &run).expect_err("too little");
        assert!(matches!(error, JobError::Memory { job: "pagerank", needed: 100, bound: 99 }), "{error}");
        Ok(())
    }

    #[test]
    fn no_vertices_have_no_ranks() -> Result<(), JobError> {
        assert_eq!(pagerank(&Csr::from_edges(0, &[]), &PageRank::default(), &run())?.ranks, Vec::<f64>::new());
        Ok(())
    }
}
