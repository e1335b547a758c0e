//! A graph with every edge in both directions.

use std::ops::Range;

use base::Direction;

use super::{Buffer, Graph};
use crate::{JobError, Run};

/// Any graph as an undirected one: who is connected in either direction is a neighbour, once. Both directions are the
/// same, and an edge counts from either end, so that there are twice as many as pairs.
///
/// Four bytes for each vertex; a list costs reading both of the graph beneath.
#[derive(Clone, Debug)]
pub struct Undirected<G> {
    graph: G,
    degrees: Vec<u32>,
    edges: u64,
}

impl<G: Graph> Undirected<G> {
    /// Bytes of memory that it takes beside the graph: a degree for each vertex.
    pub(crate) fn memory(graph: &G) -> u64 {
        u64::from(graph.vertices()) * size_of::<u32>() as u64
    }

    /// Counts the neighbours of every vertex.
    ///
    /// # Errors
    ///
    /// Too little memory, a list that cannot be read, or the run was cancelled.
    pub fn new(graph: G, run: &Run<'_>) -> Result<Self, JobError> {
        run.reserve("an undirected graph", Self::memory(&graph))?;
        let mut degrees = vec![0; graph.vertices() as usize];
        let step = run.step("counting neighbours", graph.vertices().into());
        let counted = run.pass(&step, &mut degrees, Buffer::default, |buffer, chunk, degrees| {
            let start = chunk.start;
            let mut edges = 0;
            for vertex in graph.lying_order(chunk) {
                let degree = neighbours(&graph, vertex, buffer)?.len();
                degrees[(vertex - start) as usize] = degree as u32;
                edges += degree as u64;
            }
            Ok(edges)
        });
        let edges = counted?.into_iter().sum();
        Ok(Undirected { graph, degrees, edges })
    }
}

/// All neighbours of a vertex in both directions.
fn neighbours<'a, G: Graph>(graph: &G, vertex: u32, buffer: &'a mut Buffer) -> Result<&'a [u32], JobError> {
    let Buffer { ids: union, beneath } = buffer;
    let [forward, reverse] = &mut **beneath.get_or_insert_default();
    let forward = graph.neighbours(Direction::Forward, vertex, forward)?;
    let reverse = graph.neighbours(Direction::Reverse, vertex, reverse)?;
    union.clear();
    unite(forward, reverse, |neighbour, _, _| union.push(neighbour));
    Ok(union)
}

/// Calls `each` for every number of two ascending lists, with its places in the one and in the other.
pub(crate) fn unite(first: &[u32], second: &[u32], mut each: impl FnMut(u32, Option<usize>, Option<usize>)) {
    let (mut i, mut j) = (0, 0);
    while i < first.len() || j < second.len() {
        let (left, right) = (first.get(i), second.get(j));
        match (left, right) {
            (Some(left), Some(right)) if left == right => {
                each(*left, Some(i), Some(j));
                (i, j) = (i + 1, j + 1);
            }
            (Some(left), right) if right.is_none_or(|right| left < right) => {
                each(*left, Some(i), None);
                i += 1;
            }
            (_, Some(right)) => {
                each(*right, None, Some(j));
                j += 1;
            }
            // The loop ends before both have.
            (_, None) => return,
        }
    }
}

impl<G: Graph> Graph for Undirected<G> {
    fn vertices(&self) -> u32 {
        self.graph.vertices()
    }

    fn edges(&self) -> u64 {
        self.edges
    }

    fn degree(&self, _direction: Direction, vertex: u32) -> Result<u32, JobError> {
        Ok(self.degrees[vertex as usize])
    }

    fn neighbours<'a>(
        &'a self,
        _direction: Direction,
        vertex: u32,
        buffer: &'a mut Buffer,
    ) -> Result<&'a [u32], JobError> {
        neighbours(&self.graph, vertex, buffer)
    }

    fn has_weights(&self) -> bool {
        self.graph.has_weights()
    }

    /// Where both directions have an edge, the forward one counts from both ends if it is of the smaller vertex.
    fn weights(
        &self,
        _direction: Direction,
        vertex: u32,
        neighbours: &[u32],
        weights: &mut Vec<f64>,
    ) -> Result<(), JobError> {
        weights.clear();
        if !self.has_weights() {
            weights.resize(neighbours.len(), 1.0);
            return Ok(());
        }
        let mut buffers = <[Buffer; 2]>::default();
        let mut of_lists = [const { Vec::new() }; 2];
        let [first, second] = &mut buffers;
        let first = self.graph.neighbours(Direction::Forward, vertex, first)?;
        let second = self.graph.neighbours(Direction::Reverse, vertex, second)?;
        self.graph.weights(Direction::Forward, vertex, first, &mut of_lists[0])?;
        self.graph.weights(Direction::Reverse, vertex, second, &mut of_lists[1])?;
        unite(first, second, |neighbour, forward, reverse| {
            let forward = forward.map(|place| of_lists[0][place]);
            let reverse = reverse.map(|place| of_lists[1][place]);
            let (preferred, other) = if vertex < neighbour { (forward, reverse) } else { (reverse, forward) };
            weights.extend(preferred.or(other));
        });
        Ok(())
    }

    fn unwanted(&self, vertex: u32, unwanted: &mut Vec<u32>) -> Result<(), JobError> {
        self.graph.unwanted(vertex, unwanted)
    }

    fn is_symmetric(&self) -> bool {
        true
    }

    fn stride(&self) -> u32 {
        self.graph.stride()
    }

    fn lying_order(&self, vertices: Range<u32>) -> impl Iterator<Item = u32> {
        self.graph.lying_order(vertices)
    }
}
