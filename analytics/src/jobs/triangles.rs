//! Triangles: how many pairs of somebody's neighbours are neighbours themselves.
//!
//! Of the undirected simple graph: who is connected in either direction is a neighbour. How they are found is in
//! `oriented`.

use super::oriented::Oriented;
use crate::graph::Graph;
use crate::{JobError, Run};

/// What came out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Triangles {
    /// Of how many triangles each vertex is a corner.
    pub of_vertices: Vec<u64>,
    /// How many triangles there are.
    pub total: u64,
    /// Pairs of neighbours of one vertex, over all vertices.
    pub wedges: u64,
}

impl Triangles {
    /// The global clustering coefficient: which share of the pairs of neighbours of one vertex are neighbours; 0 where
    /// there are no pairs.
    pub fn transitivity(&self) -> f64 {
        if self.wedges == 0 { 0.0 } else { 3.0 * self.total as f64 / self.wedges as f64 }
    }
}

/// Counts the triangles of every vertex.
///
/// # Errors
///
/// Too little memory, a list that cannot be read, or the run was cancelled.
pub fn triangles<G: Graph>(graph: &G, run: &Run<'_>) -> Result<Triangles, JobError> {
    Oriented::reserve("triangles", graph, run)?;
    let oriented = Oriented::new(graph, run)?;
    let of_vertices = oriented.count(|_| 1, run)?;
    let degrees = oriented.degrees().iter().copied().map(u64::from);
    let wedges = degrees.map(|degree| degree * degree.saturating_sub(1) / 2).sum();
    let total = of_vertices.iter().sum::<u64>() / 3;
    Ok(Triangles { of_vertices, total, wedges })
}
