//! Where the graph of a job is from, and by which numbers its vertices are known outside.

use anyhow::Context;
use base::UserId;
use graph_store::Store;
use graph_store::export::{Ids, Names};
use graph_store::store::Snapshot;

use crate::cli::graph::open_existing;
use crate::config::Config;

/// The graph of a data folder at one revision.
pub(super) struct Source {
    store: Store,
    pub(super) snapshot: Snapshot,
    names: Names,
}

impl Source {
    /// The graph as it is now.
    pub(super) fn open(config: &Config) -> anyhow::Result<Source> {
        let store = open_existing(config)?;
        let snapshot = store.snapshot()?;
        let names = Names::new(&snapshot, Ids::External)?;
        Ok(Source { store, snapshot, names })
    }

    /// The external id of a vertex; of one who came without, the number in the store.
    pub(super) fn id(&self, vertex: u32) -> u64 {
        self.names.of(UserId(vertex))
    }

    /// The vertex with an id.
    pub(super) fn vertex(&self, id: u64) -> anyhow::Result<u32> {
        let unnamed =
            || u32::try_from(id).ok().filter(|vertex| *vertex < self.snapshot.users() && self.id(*vertex) == id);
        let vertex = self.snapshot.user(id).map(|user| user.0).or_else(unnamed);
        vertex.with_context(|| format!("nobody in the graph has the id {id}"))
    }

    /// Lets go of the data folder.
    pub(super) fn close(self) {
        self.store.close();
    }
}
