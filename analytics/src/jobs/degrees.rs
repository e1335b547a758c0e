//! Degrees: how many edges everybody has, in and out.
//!
//! Only the head of each list is read, which says how long it is.

use base::Direction;

use crate::graph::Graph;
use crate::run::Step;
use crate::{JobError, Run};

/// What came out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Degrees {
    /// Edges into each vertex: followers.
    pub incoming: Vec<u32>,
    /// Edges out of each vertex: followees.
    pub outgoing: Vec<u32>,
}

/// Bytes of memory that it takes: two degrees for each vertex.
pub(crate) fn memory(vertices: u32) -> u64 {
    u64::from(vertices) * 2 * size_of::<u32>() as u64
}

/// Counts the edges of every vertex, in either direction.
///
/// Takes eight bytes for each vertex.
///
/// # Errors
///
/// Too little memory, a list that cannot be read, or the run was cancelled.
pub fn degrees<G: Graph>(graph: &G, run: &Run<'_>) -> Result<Degrees, JobError> {
    let vertices = graph.vertices();
    run.reserve("degrees", memory(vertices))?;
    let step = run.step("counting edges", 2 * u64::from(vertices));
    let count = |direction| each(graph, direction, &step, run);
    Ok(Degrees { incoming: count(Direction::Reverse)?, outgoing: count(Direction::Forward)? })
}

/// How many edges every vertex has in one direction: a part of other jobs too.
///
/// # Errors
///
/// A list that cannot be read, or the run was cancelled.
pub(super) fn each<G: Graph>(
    graph: &G,
    direction: Direction,
    step: &Step,
    run: &Run<'_>,
) -> Result<Vec<u32>, JobError> {
    let mut degrees = vec![0; graph.vertices() as usize];
    run.pass(step, &mut degrees, || (), |(), chunk, degrees| graph.degrees(direction, chunk, degrees))?;
    Ok(degrees)
}
