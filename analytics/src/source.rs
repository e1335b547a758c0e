//! The graph of a store at one revision, and by which numbers its vertices are known outside.

use base::{Code, Direction, Error, UserId};
use graph_store::export::{ExportError, Ids, Names};
use graph_store::store::Snapshot;

use crate::JobError;
use crate::graph::{Buffer, Graph, SnapshotGraph};

/// Vertices by whom a graph is told from others.
const TELLING: u32 = 4096;

/// The graph of a store at one revision.
#[derive(Debug)]
pub struct Source {
    snapshot: Snapshot,
    ids: Ids,
    names: Names,
}

impl Source {
    /// The graph of a snapshot, whose vertices are known by external ids, as far as they have some, or by the store's own.
    /// Where external ids do not tell everybody apart and nobody relies on them, the store's own it is.
    ///
    /// # Errors
    ///
    /// Two users whom others would know by the same number.
    pub fn new(snapshot: Snapshot, ids: Ids, are_relied_on: bool) -> Result<Source, Error> {
        match Names::new(&snapshot, ids) {
            Ok(names) => Ok(Source { snapshot, ids, names }),
            Err(ExportError::Ambiguous { .. }) if !are_relied_on => Source::new(snapshot, Ids::Users, true),
            Err(ExportError::Store(error)) => Err(error.into()),
            Err(error @ ExportError::Ambiguous { .. }) => Err(Error::new(Code::InvalidArgument, error.to_string())),
            Err(error) => Err(Error::internal(error)),
        }
    }

    /// What jobs see of it.
    pub fn graph(&self) -> SnapshotGraph<'_> {
        SnapshotGraph::new(&self.snapshot)
    }

    /// All of it.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// By which numbers vertices are known.
    pub fn ids(&self) -> Ids {
        self.ids
    }

    /// The number by which a vertex is known.
    pub fn id(&self, vertex: u32) -> u64 {
        self.names.of(UserId(vertex))
    }

    /// The vertex with an id.
    pub fn vertex(&self, id: u64) -> Option<u32> {
        let unnamed =
            || u32::try_from(id).ok().filter(|vertex| *vertex < self.snapshot.users() && self.id(*vertex) == id);
        let named = || self.snapshot.user(id).filter(|_| self.ids == Ids::External).map(|user| user.0);
        named().or_else(unnamed)
    }

    /// The numbers alone, without the graph.
    pub fn into_names(self) -> Names {
        self.names
    }

    /// What tells this graph at this revision from any other. Another store may have as many vertices and edges at the same
    /// revision, such as that of its first import: so some vertices are looked at, all of them where there are few.
    ///
    /// # Errors
    ///
    /// A list that cannot be read.
    pub fn identity(&self, undirected: bool) -> Result<String, JobError> {
        let (users, revision, edges) = (self.snapshot.users(), self.snapshot.revision(), self.graph().edges());
        let direction = if undirected { "undirected" } else { "directed" };
        let (graph, mut buffer, mut checksum) = (self.graph(), Buffer::default(), 0);
        for vertex in (0..users).step_by(users.div_ceil(TELLING).max(1) as usize) {
            let external_id = self.snapshot.external_id(UserId(vertex)).unwrap_or(u64::MAX);
            checksum = crc32c::crc32c_append(checksum, &external_id.to_le_bytes());
            for direction in [Direction::Forward, Direction::Reverse] {
                let neighbours = graph.neighbours(direction, vertex, &mut buffer)?;
                checksum = crc32c::crc32c_append(checksum, &(neighbours.len() as u64).to_le_bytes());
                checksum = crc32c::crc32c_append(checksum, bytemuck::cast_slice(neighbours));
            }
        }
        Ok(format!(
            "{users} vertices and {edges} edges with checksum {checksum:08x}, {direction}, at revision {}",
            revision.0
        ))
    }
}
