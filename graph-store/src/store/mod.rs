//! The store: all slots, the log before them, the manifest under them.
//!
//! ```text
//!            apply / allocate / update_set                     contains, list, count, …
//!                      │                                                 ▲
//!                ┌─────▼─────┐  records   ┌───────────┐            ┌─────┴─────┐
//!                │ committer ├───────────▶│ ChangeLog │            │   slots   │
//!                └─────┬─────┘  one fsync └───────────┘            └─▲───────▲─┘
//!                      └──────────── applies ────────────────────────┘       │ new segments
//!                                              ┌───────────┐   freeze        │
//!                                              │ compactor ├─────────────────┘
//!                                              └───────────┘   commits by renaming the manifest
//! ```
//!
//! What holds always:
//!
//! - a change is visible only once it is durable, in the lists of both its users at once;
//! - one thread (`committer`) writes the log, one at a time (`compaction`, `bulk`) writes the manifest;
//! - a list is its segment's list under its deltas; the segments and the log together are the whole truth;
//! - readers never wait for a disk but for the pages of a segment.

mod bulk;
mod catalog;
mod check;
pub(crate) mod checkpoint;
mod committer;
mod compaction;
mod error;
mod externals;
mod judge;
mod manifest;
mod open;
mod pins;
mod popular;
mod read;
mod repair;
mod segments;
mod slot;
mod snapshot;
mod stats;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use base::clock::Clock;
use base::disk::{Disk, LockGuard};
use base::{ListRef, Revision, Slots, UserId};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{oneshot, watch as tokio_watch};

pub use bulk::{Bulk, BulkEdges, BulkError, BulkOptions, BulkReport, Columns, EdgeBatch, Gatherer, TooManyPeople};
pub use catalog::NamedSet;
pub use check::Report;
pub use checkpoint::Checkpoint;
pub use committer::{Allocated, Applied, Wanted};
pub use error::StoreError;
pub use judge::{Change, Outcome};
pub use open::{Options, Recovery};
pub use repair::Repairs;
pub use snapshot::Snapshot;
pub use stats::Stats;
pub use watch::CONSUMERS_MAX;

use crate::log::{ChangeLog, Record};
use catalog::Catalog;
use committer::{Job, Queue};
use externals::Externals;
use manifest::Manifest;
use slot::Slot;

/// The follow graph of one data directory. Clones are the same store; it closes when the last one is dropped, or by
/// [`close`](Store::close).
#[derive(Clone, Debug)]
pub struct Store(Arc<Running>);

#[derive(Debug)]
struct Running {
    shared: Arc<Shared>,
    /// None once the store is closed.
    queue: RwLock<Option<Queue>>,
    compactor: compaction::Compactor,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the threads and the readers share.
#[derive(Debug)]
struct Shared {
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    folder: PathBuf,
    options: Options,
    slots: Slots,
    lists: Vec<Slot>,
    directory: RwLock<Directory>,
    log: Box<dyn ChangeLog>,
    /// The newest revision that is durable and visible.
    revision: tokio_watch::Sender<Revision>,
    /// Changes applied since the overlays were last frozen.
    active_changes: AtomicUsize,
    /// Changes in frozen overlays, which stay in memory until a compaction has written them all out.
    frozen_changes: AtomicUsize,
    /// Bytes of the log after it was last trimmed.
    settled_log_bytes: AtomicU64,
    manifest: Mutex<Manifest>,
    popular: popular::Popular,
    /// What is being copied and must stay on the disk.
    pins: pins::Pins,
    _lock: Box<dyn LockGuard>,
}

/// Who there is: ids, external ids, named sets.
#[derive(Clone, Debug, Default)]
struct Directory {
    catalog: Catalog,
    externals: Externals,
    /// Whether this has changed since the files were written.
    dirty: bool,
}

impl Store {
    /// Changes edges, durably and in order. Each change is atomic, the batch is not.
    ///
    /// # Errors
    ///
    /// An unknown user; a full queue; a store that refuses writes.
    pub async fn apply(&self, changes: Vec<Change>) -> Result<Applied, StoreError> {
        self.answered(self.submit_apply(changes)?).await
    }

    /// [`apply`](Self::apply) for those who have no runtime.
    pub fn apply_blocking(&self, changes: Vec<Change>) -> Result<Applied, StoreError> {
        self.submit_apply(changes)?.blocking_recv().map_err(|_| StoreError::Closing)?
    }

    /// Gives out user ids, durably. The same key gives the same ids again.
    pub async fn allocate(&self, wanted: Wanted, key: String) -> Result<Allocated, StoreError> {
        self.answered(self.submit_allocate(wanted, key)?).await
    }

    /// [`allocate`](Self::allocate) for those who have no runtime.
    pub fn allocate_blocking(&self, wanted: Wanted, key: String) -> Result<Allocated, StoreError> {
        self.submit_allocate(wanted, key)?.blocking_recv().map_err(|_| StoreError::Closing)?
    }

    /// Changes a named set, durably, and creates it where there is none: `remove` first, then `add`.
    pub async fn update_set(&self, name: String, remove: Vec<u32>, add: Vec<u32>) -> Result<Revision, StoreError> {
        self.all_known(remove.iter().chain(&add).map(|id| UserId(*id)))?;
        let (answer, updated) = oneshot::channel();
        self.0.send(Job::UpdateSet { name, remove, add, answer })?;
        self.answered(updated).await
    }

    /// Stops taking writes, finishes those that were taken, and lets go of the folder's files.
    pub fn close(&self) {
        self.0.stop();
    }

    fn submit_apply(&self, changes: Vec<Change>) -> Result<oneshot::Receiver<Result<Applied, StoreError>>, StoreError> {
        self.all_known(changes.iter().flat_map(|change| [change.source, change.target]))?;
        let waiting = self.0.shared.changes_in_memory();
        if waiting > self.0.shared.options.overlay_changes.saturating_mul(4) {
            return Err(StoreError::OverlayFull { changes: waiting });
        }
        let (answer, applied) = oneshot::channel();
        self.0.send(Job::Apply { changes, answer })?;
        Ok(applied)
    }

    fn submit_allocate(
        &self,
        wanted: Wanted,
        key: String,
    ) -> Result<oneshot::Receiver<Result<Allocated, StoreError>>, StoreError> {
        let (answer, allocated) = oneshot::channel();
        self.0.send(Job::Allocate { wanted, key, answer })?;
        Ok(allocated)
    }

    async fn answered<T>(&self, answer: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
        answer.await.map_err(|_| StoreError::Closing)?
    }

    fn all_known(&self, mut users: impl Iterator<Item = UserId>) -> Result<(), StoreError> {
        let next = self.users();
        users.find(|user| user.0 >= next).map_or(Ok(()), |user| Err(StoreError::UnknownUser { user }))
    }
}

impl Running {
    fn send(&self, job: Job) -> Result<(), StoreError> {
        self.queue.read().as_ref().ok_or(StoreError::Closing)?.send(job)
    }

    fn stop(&self) {
        drop(self.queue.write().take());
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn revision(&self) -> Revision {
        *self.revision.borrow()
    }

    fn contains(&self, list: ListRef, member: UserId) -> Result<bool, StoreError> {
        Ok(self.slot_of(list.user).contains(list, member)?)
    }

    fn slot_of(&self, user: UserId) -> &Slot {
        &self.lists[usize::from(self.slots.slot_of(user).0)]
    }

    /// Makes a durable record visible. Parts of the store that stand for its revision already are left alone.
    fn apply(&self, record: &Record, revision: Revision) {
        match record {
            Record::Change { .. } => {
                slot::apply(&self.lists, self.slots, record, revision);
                self.active_changes.fetch_add(1, Ordering::Relaxed);
            }
            Record::Allocate { first, count, external_ids, key } => {
                let mut directory = self.directory.write();
                directory.catalog.grant(catalog::Granted { first: *first, count: *count }, key);
                for (external_id, user) in external_ids.iter().zip(first.0..) {
                    directory.externals.insert(*external_id, UserId(user));
                }
                directory.dirty = true;
            }
            Record::Set { name, remove, add } => {
                let mut directory = self.directory.write();
                directory.catalog.update_set(name, remove, add, revision);
                directory.dirty = true;
            }
            Record::Import { .. } => {}
        }
    }

    /// Changes that no segment has yet.
    fn changes_in_memory(&self) -> usize {
        self.active_changes.load(Ordering::Relaxed) + self.frozen_changes.load(Ordering::Relaxed)
    }

    /// Freezes all overlays. Only the committer may, between two groups.
    fn freeze(&self) {
        self.lists.iter().for_each(Slot::freeze);
        let frozen = self.active_changes.swap(0, Ordering::Relaxed);
        self.frozen_changes.fetch_add(frozen, Ordering::Relaxed);
    }

    /// Whether the overlay or the log has grown past its bound.
    fn wants_compaction(&self) -> bool {
        let log_growth = self.log.bytes().saturating_sub(self.settled_log_bytes.load(Ordering::Relaxed));
        self.changes_in_memory() >= self.options.overlay_changes || log_growth >= self.options.log_bytes
    }
}
