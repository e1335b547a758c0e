//! The follow graph of a store at one revision.

use std::ops::Range;

use base::{Direction, ListRef, Relation, UserId};
use graph_store::store::Snapshot;

use super::{Buffer, Graph};
use crate::JobError;

/// Who follows whom, as of a snapshot: vertices are user ids, and nothing of the lists is kept in memory besides the one
/// that is being looked at. A user id that was given out is a vertex, with or without edges.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotGraph<'a> {
    snapshot: &'a Snapshot,
    edges: u64,
}

impl<'a> SnapshotGraph<'a> {
    /// All of it.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        SnapshotGraph { snapshot, edges: snapshot.edge_count(Relation::Follow) }
    }

    /// Whose lists these are.
    pub fn snapshot(&self) -> &'a Snapshot {
        self.snapshot
    }
}

fn list(direction: Direction, vertex: u32) -> ListRef {
    ListRef { relation: Relation::Follow, direction, user: UserId(vertex) }
}

/// A list does not repeat itself, so that it has fewer members than there are ids.
fn degree_of(count: u64) -> u32 {
    count.try_into().unwrap_or(u32::MAX)
}

impl Graph for SnapshotGraph<'_> {
    fn vertices(&self) -> u32 {
        self.snapshot.users()
    }

    fn edges(&self) -> u64 {
        self.edges
    }

    fn degree(&self, direction: Direction, vertex: u32) -> Result<u32, JobError> {
        Ok(degree_of(self.snapshot.count(list(direction, vertex))?))
    }

    fn degrees(&self, direction: Direction, vertices: Range<u32>, degrees: &mut [u32]) -> Result<(), JobError> {
        let start = vertices.start;
        self.snapshot.counts(Relation::Follow, direction, vertices, |user, count| {
            degrees[(user.0 - start) as usize] = degree_of(count);
        })?;
        Ok(())
    }

    #[inline]
    fn neighbours<'a>(
        &'a self,
        direction: Direction,
        vertex: u32,
        buffer: &'a mut Buffer,
    ) -> Result<&'a [u32], JobError> {
        self.snapshot.ids_into(list(direction, vertex), &mut buffer.ids)?;
        let vertices = self.vertices();
        // The greatest is the last, unless the list was damaged before its checksum was made.
        match buffer.ids.iter().copied().max() {
            Some(neighbour) if neighbour >= vertices => Err(JobError::UnknownNeighbour { vertex, neighbour, vertices }),
            _ => Ok(&buffer.ids),
        }
    }

    fn has_weights(&self) -> bool {
        self.snapshot.have_weights(Relation::Follow)
    }

    fn weights(
        &self,
        direction: Direction,
        vertex: u32,
        neighbours: &[u32],
        weights: &mut Vec<f64>,
    ) -> Result<(), JobError> {
        *weights = self.snapshot.weights_of(list(direction, vertex), neighbours)?;
        weights.resize(neighbours.len(), 1.0);
        Ok(())
    }

    /// Who is blocked or muted by a user, and who blocks them.
    fn unwanted(&self, user: u32, unwanted: &mut Vec<u32>) -> Result<(), JobError> {
        let user = UserId(user);
        for list in [
            ListRef::forward(Relation::Block, user),
            ListRef::reverse(Relation::Block, user),
            ListRef::forward(Relation::Mute, user),
        ] {
            unwanted.extend(self.snapshot.edges(list)?.into_iter().map(|edge| edge.user.0));
        }
        Ok(())
    }

    fn stride(&self) -> u32 {
        self.snapshot.slots().count().into()
    }
}
