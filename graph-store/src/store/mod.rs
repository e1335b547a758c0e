//! The store: all slots, the log before them, the manifest under them.
//!
//! ```text
//!            apply / allocate / update_set                     contains, list, count, …
//!                      │                                                 ▲
//!                ┌─────▼─────┐  records   ┌───────────┐            ┌─────┴─────┐
//!                │ committer ├──appender─▶│ ChangeLog │            │   slots   │
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

mod appender;
mod bulk;
mod catalog;
mod check;
pub(crate) mod checkpoint;
mod committer;
mod compaction;
mod error;
mod externals;
pub(crate) mod fuzz;
mod judge;
mod layers;
mod manifest;
mod open;
mod paced_disk;
mod pins;
mod popular;
mod pressure;
mod published;
mod queue;
mod read;
mod repair;
mod segments;
mod slot;
mod snapshot;
mod stats;
mod view;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::clock::Clock;
use base::disk::{Disk, LockGuard};
use base::worker::Worker;
use base::{ListRef, Revision, Slots, UserId};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{oneshot, watch as tokio_watch};

pub use bulk::{Bulk, BulkEdges, BulkError, BulkOptions, BulkReport, Columns, EdgeBatch, Gatherer, TooManyPeople};
pub use catalog::NamedSet;
pub use check::Report;
pub use checkpoint::Checkpoint;
pub use error::StoreError;
pub use judge::{Change, Outcome};
pub use open::{Options, Recovery};
pub use published::Published;
pub use queue::{Allocated, Applied, Wanted};
pub use repair::Repairs;
pub use snapshot::Snapshot;
pub use stats::Stats;
pub use view::ListView;
pub use watch::CONSUMERS_MAX;

use crate::log::{ChangeLog, Record};
use crate::metrics;
use catalog::Catalog;
use externals::Externals;
use manifest::Manifest;
use pressure::Pressure;
use queue::{Job, Queue};
use slot::Slot;

/// The follow graph of one data directory. Clones are the same store; it closes when the last one is dropped, or by
/// [`close`](Store::close).
#[derive(Clone, Debug)]
pub struct Store(Arc<Running>);

#[derive(Debug)]
struct Running {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    compactor: compaction::Compactor,
    workers: [Worker; 2],
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
    pressure: Arc<Pressure>,
    /// Bytes of the log at which it is worth a look whether it is too long.
    log_bytes_to_look_at: AtomicU64,
    manifest: Mutex<Manifest>,
    popular: popular::Popular,
    published: RwLock<Published>,
    /// Held by whoever publishes.
    publishing: Mutex<()>,
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
    /// An unknown user; a full queue; an overlay that stays full; a store that refuses writes.
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
        self.0.queue.push(Job::UpdateSet { name, remove, add, answer })?;
        self.answered(updated).await
    }

    /// Stops taking writes, finishes those that were taken, and lets go of the folder's files.
    pub fn close(&self) {
        self.0.stop();
    }

    fn submit_apply(&self, changes: Vec<Change>) -> Result<oneshot::Receiver<Result<Applied, StoreError>>, StoreError> {
        self.all_known(changes.iter().flat_map(|change| [change.source, change.target]))?;
        let (answer, applied) = oneshot::channel();
        self.0.queue.push(Job::Apply { changes, answer })?;
        Ok(applied)
    }

    fn submit_allocate(
        &self,
        wanted: Wanted,
        key: String,
    ) -> Result<oneshot::Receiver<Result<Allocated, StoreError>>, StoreError> {
        let (answer, allocated) = oneshot::channel();
        self.0.queue.push(Job::Allocate { wanted, key, answer })?;
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
    fn stop(&self) {
        self.queue.close();
        self.workers.iter().for_each(Worker::join);
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
            Record::Change { .. } => slot::apply(&self.lists, self.slots, record, revision),
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

    /// Makes durable records visible, the last of which has the revision `last`.
    fn apply_all(&self, records: &[Record], last: Revision) {
        for (record, revision) in records.iter().zip(last.0 + 1 - records.len() as u64..) {
            self.apply(record, Revision(revision));
        }
        metrics::overlay_bytes(self.pressure.bytes());
        self.revision.send_replace(last);
    }

    /// Whether it is worth a look what to compact.
    fn may_want_compaction(&self) -> bool {
        self.pressure.wants_compaction() || self.log.bytes() >= self.log_bytes_to_look_at.load(Ordering::Relaxed)
    }
}
