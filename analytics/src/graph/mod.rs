//! What a job sees of a graph: vertices numbered from 0, and the list of each in either direction.
//!
//! - [`SnapshotGraph`]: the follow graph of a store at one revision, decoded list by list from where it lies.
//! - [`Csr`]: plain arrays, for graphs that fit into memory that way, and to compare with.
//! - [`Undirected`]: any of them with every edge in both directions.
//!
//! Jobs are generic over [`Graph`] and are compiled for each: a call for a list is a call of a function, and what it costs
//! beyond that is decoding.

mod csr;
mod snapshot;
mod undirected;

use std::ops::Range;

use base::Direction;

use crate::JobError;

pub use csr::Csr;
pub use snapshot::SnapshotGraph;
pub use undirected::Undirected;
pub(crate) use undirected::unite;

/// Room for one list, which whoever reads many lists makes once. What is in it is the graph's affair.
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    ids: Vec<u32>,
    /// For a graph that makes its lists out of two others.
    beneath: Option<Box<[Buffer; 2]>>,
}

/// A directed graph without loops, in which nothing changes.
pub trait Graph: Sync {
    /// How many vertices there are; their numbers are those below.
    fn vertices(&self) -> u32;

    /// How many edges there are.
    fn edges(&self) -> u64;

    /// How many members a list has.
    ///
    /// # Errors
    ///
    /// The list cannot be read.
    fn degree(&self, direction: Direction, vertex: u32) -> Result<u32, JobError>;

    /// The same of vertices that follow on one another.
    ///
    /// # Errors
    ///
    /// A list cannot be read.
    fn degrees(&self, direction: Direction, vertices: Range<u32>, degrees: &mut [u32]) -> Result<(), JobError> {
        for (vertex, degree) in vertices.zip(degrees) {
            *degree = self.degree(direction, vertex)?;
        }
        Ok(())
    }

    /// Where the edges of a vertex lead (forward) or come from (reverse): ascending, without repetition, each below
    /// [`vertices`](Graph::vertices). They lie in `buffer`, whose former content is lost, or wherever the graph has them.
    ///
    /// # Errors
    ///
    /// The list cannot be read.
    fn neighbours<'a>(
        &'a self,
        direction: Direction,
        vertex: u32,
        buffer: &'a mut Buffer,
    ) -> Result<&'a [u32], JobError>;

    /// Whether any edge may weigh other than 1.
    fn has_weights(&self) -> bool;

    /// The weight of the edge to each of `neighbours`, which are all of the list, in place of what `weights` held.
    ///
    /// # Errors
    ///
    /// The weights cannot be read.
    fn weights(
        &self,
        direction: Direction,
        vertex: u32,
        neighbours: &[u32],
        weights: &mut Vec<f64>,
    ) -> Result<(), JobError>;

    /// Appends whom a vertex must not be shown, whatever the edges say.
    ///
    /// # Errors
    ///
    /// The graph cannot say.
    fn unwanted(&self, _vertex: u32, _unwanted: &mut Vec<u32>) -> Result<(), JobError> {
        Ok(())
    }

    /// Whether forward and reverse lists are the same, so that one of them is enough.
    fn is_symmetric(&self) -> bool {
        false
    }

    /// Lists of vertices so far apart lie side by side: 1 where they lie in the order of the vertices.
    fn stride(&self) -> u32;

    /// Some vertices in the order in which their lists lie, which is the fastest to read them in.
    fn lying_order(&self, vertices: Range<u32>) -> impl Iterator<Item = u32> {
        let stride = self.stride().max(1);
        let starts = vertices.start..vertices.start.saturating_add(stride).min(vertices.end);
        starts.flat_map(move |start| (start..vertices.end).step_by(stride as usize))
    }
}

impl<G: Graph> Graph for &G {
    fn vertices(&self) -> u32 {
        (**self).vertices()
    }

    fn edges(&self) -> u64 {
        (**self).edges()
    }

    fn degree(&self, direction: Direction, vertex: u32) -> Result<u32, JobError> {
        (**self).degree(direction, vertex)
    }

    fn degrees(&self, direction: Direction, vertices: Range<u32>, degrees: &mut [u32]) -> Result<(), JobError> {
        (**self).degrees(direction, vertices, degrees)
    }

    #[inline]
    fn neighbours<'a>(
        &'a self,
        direction: Direction,
        vertex: u32,
        buffer: &'a mut Buffer,
    ) -> Result<&'a [u32], JobError> {
        (**self).neighbours(direction, vertex, buffer)
    }

    fn has_weights(&self) -> bool {
        (**self).has_weights()
    }

    fn weights(
        &self,
        direction: Direction,
        vertex: u32,
        neighbours: &[u32],
        weights: &mut Vec<f64>,
    ) -> Result<(), JobError> {
        (**self).weights(direction, vertex, neighbours, weights)
    }

    fn unwanted(&self, user: u32, unwanted: &mut Vec<u32>) -> Result<(), JobError> {
        (**self).unwanted(user, unwanted)
    }

    fn is_symmetric(&self) -> bool {
        (**self).is_symmetric()
    }

    fn stride(&self) -> u32 {
        (**self).stride()
    }
}
