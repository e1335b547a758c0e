//! Communities: groups within which there are more edges than chance would have.
//!
//! The Leiden algorithm (Traag, Waltman and van Eck, "From Louvain to Leiden: guaranteeing well-connected communities", 2019)
//! on modularity (Newman and Girvan 2004; with the resolution of Reichardt and Bornholdt 2006):
//!
//! ```text
//! Q = sum over communities C of  in(C) / 2m  -  resolution * (K(C) / 2m)^2
//! ```
//!
//! where *m* is the number of edges, *in(C)* counts the edges within *C* from either end, and *K(C)* is the sum of its degrees.
//! Three steps are repeated, on networks that become smaller:
//!
//! 1. [`moving`]: vertices move to the neighbouring community that gains most, until none gains.
//! 2. [`refining`]: each community is put together anew from single vertices, along edges: into one part or several.
//! 3. [`network`]: the parts are the vertices of the next network, and start it in the communities of step 1.
//!
//! It ends when each community is one part. Parts are connected, and so is every community.
//!
//! Unlike in the paper, step 2 joins where the gain is greatest instead of at random in proportion to it. Edges have the weight
//! 1, so that all sums are of whole numbers, and the same in whatever order they are made.

mod moving;
mod network;
mod refining;

use base::Direction;

use crate::graph::{Buffer, Graph};
use crate::random::mix;
use crate::run::Step;
use crate::{JobError, Run};
use network::{Aggregate, Network, Whole};

/// How often vertices and parts are visited in an iteration, as a rule: what progress is told against.
const VISITS: u64 = 10;

/// The parameters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Communities {
    /// The more, the smaller the communities are; above 0. With 1 it is modularity as it was first defined.
    pub resolution: f64,
    /// How often all of it is done, each time from the communities of the time before. It ends earlier when nothing changes.
    pub iterations: u32,
}

impl Default for Communities {
    fn default() -> Self {
        Communities { resolution: 1.0, iterations: 2 }
    }
}

impl Communities {
    /// Bytes of memory that it takes at the most, for so many vertices and edges in either direction. Networks of parts have
    /// as a rule a fraction of the edges of the graph; how many turns out when they are made.
    pub fn memory(vertices: u32, edges: u64) -> u64 {
        // Seven numbers, a sum and a flag for each vertex; the network of parts has an offset and two sums.
        let of_vertex = 7 * size_of::<u32>() + size_of::<u64>() + size_of::<bool>() + 3 * size_of::<u64>();
        // One network while another is made of it.
        let of_edge = size_of::<u32>() + size_of::<u64>() + size_of::<(u32, u64)>();
        u64::from(vertices) * of_vertex as u64 + edges * of_edge as u64
    }
}

/// What came out.
#[derive(Clone, PartialEq, Debug)]
pub struct Partition {
    /// The community of each vertex, from 0 on, by their smallest vertices.
    pub communities: Vec<u32>,
    /// How many communities there are.
    pub count: u32,
    /// How good they are: from -1/2 to 1 with a resolution of 1.
    pub modularity: f64,
}

/// A search for communities, and what it weighs gains by.
#[derive(Clone, Copy, Debug)]
struct Search<'a> {
    run: &'a Run<'a>,
    step: &'a Step,
    /// `resolution / 2m`: what a degree within a community costs for each degree of a vertex.
    penalty: f64,
    /// What orders follow from.
    seed: u64,
}

/// Finds communities of an undirected graph.
///
/// # Errors
///
/// Parameters out of range, too little memory, a list that cannot be read, or the run was cancelled.
pub fn communities<G: Graph>(graph: &G, parameters: &Communities, run: &Run<'_>) -> Result<Partition, JobError> {
    let Communities { resolution, iterations } = *parameters;
    if !graph.is_symmetric() {
        return Err(JobError::Parameter { name: "the graph", expected: "undirected" });
    }
    if !(resolution.is_finite() && resolution > 0.0) {
        return Err(JobError::Parameter { name: "resolution", expected: "above 0" });
    }
    run.reserve("communities", Communities::memory(graph.vertices(), graph.edges()))?;
    let mut labels: Vec<u32> = (0..graph.vertices()).collect();
    let step = &run.step("searching", VISITS * u64::from(iterations) * u64::from(graph.vertices()));
    let penalty = resolution / graph.edges().max(1) as f64;
    for iteration in 0..iterations {
        let before = labels.clone();
        leiden(graph, &mut labels, Search { run, step, penalty, seed: mix(run.seed() ^ u64::from(iteration)) })?;
        if labels == before {
            break;
        }
    }
    let count = network::renumber(&mut labels);
    let modularity = modularity(graph, &labels, resolution, run)?;
    Ok(Partition { communities: labels, count, modularity })
}

/// Once all of it, from some communities to better ones.
fn leiden<G: Graph>(graph: &G, labels: &mut Vec<u32>, mut search: Search<'_>) -> Result<(), JobError> {
    let mut of_level = std::mem::take(labels);
    let (mut vertices, mut parts) = level(&Whole(graph), &mut of_level, search)?;
    while let Some(aggregate) = parts {
        search.seed = mix(search.seed);
        let (of_part, next) = level(&aggregate, &mut of_level, search)?;
        vertices.iter_mut().for_each(|part| *part = of_part[*part as usize]);
        parts = next;
    }
    *labels = vertices;
    network::renumber(labels);
    Ok(())
}

/// The three steps on one network that is in communities already: the part of each vertex, and the network of the parts,
/// whose communities are then in `labels`. None if it would be the same network again.
fn level<N: Network>(
    network: &N,
    labels: &mut Vec<u32>,
    search: Search<'_>,
) -> Result<(Vec<u32>, Option<Aggregate>), JobError> {
    moving::improve(network, labels, search)?;
    network::renumber(labels);
    let mut parts = refining::parts(network, labels, search)?;
    let count = network::renumber(&mut parts);
    if count == network.len() {
        return Ok((parts, None));
    }
    let aggregate = Aggregate::new(network, &parts, count, search)?;
    let mut of_parts = vec![0; count as usize];
    parts.iter().zip(labels.iter()).for_each(|(part, label)| of_parts[*part as usize] = *label);
    *labels = of_parts;
    Ok((parts, Some(aggregate)))
}

/// How good communities are, numbered from 0 on.
fn modularity<G: Graph>(graph: &G, labels: &[u32], resolution: f64, run: &Run<'_>) -> Result<f64, JobError> {
    let step = run.step("judging", graph.vertices().into());
    let within = run.scan(&step, graph.vertices(), Buffer::default, |buffer, chunk| {
        let mut within = 0;
        for vertex in graph.lying_order(chunk) {
            let label = labels[vertex as usize];
            let neighbours = graph.neighbours(Direction::Forward, vertex, buffer)?;
            within += neighbours.iter().filter(|neighbour| labels[**neighbour as usize] == label).count() as u64;
        }
        Ok(within)
    })?;
    let mut degrees = vec![0_u64; labels.len()];
    for (vertex, label) in (0..).zip(labels) {
        degrees[*label as usize] += u64::from(graph.degree(Direction::Forward, vertex)?);
    }
    let all = graph.edges().max(1) as f64;
    let by_chance: f64 = degrees.iter().map(|degree| (*degree as f64 / all).powi(2)).sum();
    Ok(within.iter().sum::<u64>() as f64 / all - resolution * by_chance)
}
