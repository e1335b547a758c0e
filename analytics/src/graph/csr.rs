//! A graph in plain arrays: compressed sparse rows, which is what most analytics systems compute on.

use std::ops::Range;

use base::Direction;

use super::{Buffer, Graph};
use crate::JobError;

/// A graph in memory: four bytes for each edge and eight for each vertex, in either direction, and eight more for each
/// edge where edges have weights.
#[derive(Clone, PartialEq, Debug)]
pub struct Csr {
    rows: [Rows; 2],
}

/// The lists of one direction, side by side.
#[derive(Clone, PartialEq, Debug)]
struct Rows {
    /// Where the list of each vertex starts, and where the last one ends.
    offsets: Vec<u64>,
    members: Vec<u32>,
    /// Aligned with the members; empty where all are 1.
    weights: Vec<f64>,
}

impl Csr {
    /// A graph of so many vertices, 0 and on, with these edges from source to target. Loops, repeated edges and edges of
    /// other vertices are left out.
    pub fn from_edges(vertices: u32, edges: &[(u32, u32)]) -> Csr {
        let weighted = edges.iter().map(|(source, target)| (*source, *target, 1.0)).collect();
        Csr::from_weighted_edges(vertices, weighted)
    }

    /// The same of edges with weights; of those that are repeated the first one counts.
    pub fn from_weighted_edges(vertices: u32, mut edges: Vec<(u32, u32, f64)>) -> Csr {
        edges.retain(|(source, target, _)| source != target && *source.max(target) < vertices);
        edges.sort_by_key(|(source, target, _)| (*source, *target));
        edges.dedup_by_key(|(source, target, _)| (*source, *target));
        let forward = Rows::new(vertices, &edges);
        edges.iter_mut().for_each(|(source, target, _)| std::mem::swap(source, target));
        edges.sort_by_key(|(target, source, _)| (*target, *source));
        Csr { rows: [forward, Rows::new(vertices, &edges)] }
    }

    /// A copy of another graph, without its weights.
    ///
    /// # Errors
    ///
    /// A list of the other cannot be read.
    pub fn copy_of(graph: &impl Graph) -> Result<Csr, JobError> {
        let rows = |direction| {
            let (mut buffer, mut offsets, mut members) = (Buffer::default(), vec![0], Vec::new());
            for vertex in 0..graph.vertices() {
                members.extend_from_slice(graph.neighbours(direction, vertex, &mut buffer)?);
                offsets.push(members.len() as u64);
            }
            Ok::<_, JobError>(Rows { offsets, members, weights: Vec::new() })
        };
        Ok(Csr { rows: [rows(Direction::Forward)?, rows(Direction::Reverse)?] })
    }

    fn rows(&self, direction: Direction) -> &Rows {
        &self.rows[direction as usize]
    }
}

impl Rows {
    /// The lists of edges that are sorted.
    fn new(vertices: u32, edges: &[(u32, u32, f64)]) -> Rows {
        let mut offsets = vec![0; vertices as usize + 1];
        edges.iter().for_each(|(source, _, _)| offsets[*source as usize + 1] += 1);
        let mut end = 0;
        for offset in &mut offsets {
            end += *offset;
            *offset = end;
        }
        let weighted = edges.iter().any(|(_, _, weight)| *weight != 1.0);
        let weights = edges.iter().filter(|_| weighted).map(|(_, _, weight)| *weight).collect();
        Rows { offsets, members: edges.iter().map(|(_, target, _)| *target).collect(), weights }
    }

    #[inline]
    fn range(&self, vertex: u32) -> Range<usize> {
        self.offsets[vertex as usize] as usize..self.offsets[vertex as usize + 1] as usize
    }
}

impl Graph for Csr {
    fn vertices(&self) -> u32 {
        (self.rows[0].offsets.len() - 1) as u32
    }

    fn edges(&self) -> u64 {
        self.rows[0].members.len() as u64
    }

    fn degree(&self, direction: Direction, vertex: u32) -> Result<u32, JobError> {
        Ok(self.rows(direction).range(vertex).len() as u32)
    }

    #[inline]
    fn neighbours<'a>(
        &'a self,
        direction: Direction,
        vertex: u32,
        _buffer: &'a mut Buffer,
    ) -> Result<&'a [u32], JobError> {
        let rows = self.rows(direction);
        Ok(&rows.members[rows.range(vertex)])
    }

    fn has_weights(&self) -> bool {
        !self.rows[0].weights.is_empty()
    }

    fn weights(
        &self,
        direction: Direction,
        vertex: u32,
        neighbours: &[u32],
        weights: &mut Vec<f64>,
    ) -> Result<(), JobError> {
        weights.clear();
        let rows = self.rows(direction);
        if self.has_weights() {
            weights.extend_from_slice(&rows.weights[rows.range(vertex)]);
        }
        weights.resize(neighbours.len(), 1.0);
        Ok(())
    }

    fn stride(&self) -> u32 {
        1
    }
}
