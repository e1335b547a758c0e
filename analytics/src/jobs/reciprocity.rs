//! Reciprocity: how many edges have one that leads back.
//!
//! Of a graph, the share of its edges whose reverse is an edge too. Of a vertex, the share of its edges, in and out, that
//! are such, as networkx has it: twice its mutual neighbours over its in-degree and out-degree together.

use base::Direction;

use crate::graph::{Buffer, Graph, unite};
use crate::{JobError, Run};

/// What came out.
#[derive(Clone, PartialEq, Debug)]
pub struct Reciprocity {
    /// The share of each vertex's edges that are mutual, from 0 to 1; 0 where there are no edges.
    pub of_vertices: Vec<f64>,
    /// Edges whose reverse is an edge: two for each pair who follow each other.
    pub mutual: u64,
    /// All edges.
    pub edges: u64,
}

impl Reciprocity {
    /// The share of all edges that are mutual; 0 where there are no edges.
    pub fn overall(&self) -> f64 {
        if self.edges == 0 { 0.0 } else { self.mutual as f64 / self.edges as f64 }
    }
}

/// Bytes of memory that it takes: a share for each vertex.
pub(crate) fn memory(vertices: u32) -> u64 {
    u64::from(vertices) * size_of::<f64>() as u64
}

/// Compares the two lists of every vertex. Takes eight bytes for each vertex.
///
/// # Errors
///
/// Too little memory, a list that cannot be read, or the run was cancelled.
pub fn reciprocity<G: Graph>(graph: &G, run: &Run<'_>) -> Result<Reciprocity, JobError> {
    let vertices = graph.vertices();
    run.reserve("reciprocity", memory(vertices))?;
    let step = run.step("comparing lists", vertices.into());
    let mut of_vertices = vec![0.0; vertices as usize];
    let mutual = run.pass(&step, &mut of_vertices, <[Buffer; 2]>::default, |[out, back], chunk, shares| {
        let start = chunk.start;
        let mut mutual_in_all = 0;
        for vertex in graph.lying_order(chunk) {
            let followees = graph.neighbours(Direction::Forward, vertex, out)?;
            let followers = graph.neighbours(Direction::Reverse, vertex, back)?;
            let edges = followees.len() + followers.len();
            let mut mutual = 0;
            unite(followees, followers, |_, out, back| mutual += u64::from(out.is_some() && back.is_some()));
            shares[(vertex - start) as usize] = if edges == 0 { 0.0 } else { 2.0 * mutual as f64 / edges as f64 };
            mutual_in_all += mutual;
        }
        Ok(mutual_in_all)
    })?;
    Ok(Reciprocity { of_vertices, mutual: mutual.into_iter().sum(), edges: graph.edges() })
}
