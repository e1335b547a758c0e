//! The change stream: the log, read as it grows.

use std::collections::BTreeMap;

use base::Revision;
use tokio::sync::watch::Receiver;

use super::{Store, StoreError};
use crate::log::Record;

/// Named readers that a store remembers.
pub const CONSUMERS_MAX: usize = 64;

impl Store {
    /// Up to `limit` records after a revision, in order, none where there are none yet.
    ///
    /// # Errors
    ///
    /// [`LogError::Trimmed`](crate::log::LogError::Trimmed) where the log no longer reaches back that far.
    pub fn records_after(&self, revision: Revision, limit: usize) -> Result<Vec<(Revision, Record)>, StoreError> {
        Ok(self.0.shared.log.read(revision, limit)?)
    }

    /// The newest revision, as it rises.
    pub fn revisions(&self) -> Receiver<Revision> {
        self.0.shared.revision.subscribe()
    }

    /// Remembers how far a named reader is, which holds the log back, up to
    /// [`Options::consumer_log_bytes`](super::Options). The next manifest makes it durable; a position older than the
    /// reader's own costs it nothing but the records in between.
    ///
    /// # Errors
    ///
    /// False where there are [`CONSUMERS_MAX`] others.
    pub fn consumer_is_at(&self, name: &str, revision: Revision) -> bool {
        let consumers = &mut self.0.shared.manifest.lock().consumers;
        let room = consumers.len() < CONSUMERS_MAX || consumers.contains_key(name);
        if room {
            consumers.insert(name.to_owned(), revision.0);
        }
        room
    }

    /// The named readers, and how far each is.
    pub fn consumers(&self) -> BTreeMap<String, Revision> {
        let manifest = self.0.shared.manifest.lock();
        manifest.consumers.iter().map(|(name, revision)| (name.clone(), Revision(*revision))).collect()
    }
}
