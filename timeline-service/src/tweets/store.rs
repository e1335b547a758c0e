//! Opening and closing the tweets; the handle.
//!
//! ```text
//! <folder>/LOCK         held while the store is open
//! <folder>/HIGH_WATER   the number of the last batch that was made durable
//! <folder>/db/          the storage engine's
//! ```
//!
//! The engine cuts a damaged journal where it stops making sense, in silence. So every batch carries its number, and
//! one that is greater than the last in the store, in the mark beside it, is a shortfall: the store does not open. Nor does
//! it where a journal has lost anything but its end, which [`journal`] finds before the engine cuts it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::TweetId;
use base::clock::Clock;
use base::disk::{Disk, HighWaterMark, LockGuard, RealDisk};
use base::worker::Worker;
use fjall::config::{BlockSizePolicy, CompressionPolicy};
use fjall::{CompressionType, Database, KeyspaceCreateOptions};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, mpsc};

use super::bounds::{Bounds, Span};
use super::check::{self, CheckReport};
use super::command::Command;
use super::committer::{Committer, Published, Waiting, Write};
use super::keys::{self, Table};
use super::known::KnownTweets;
use super::memory::Memory;
use super::record::{AuthorRecord, StateRecord, damaged};
use super::view::{Tables, View};
use super::{journal, stray};
use crate::error::{Damage, OpenError, StoreError};
use crate::ids::TweetIds;
use crate::metrics;
use crate::settings::Settings;

/// Bytes of a block of tweets, which are compressed together: some hundred of them.
const TEXT_BLOCK_BYTES: u32 = 16 << 10;

/// Threads of the engine that write tables. Of several, the first is kept for what is in memory, and hands every compaction
/// that it is given back to a queue that gives it to it again: as long as another compacts, it burns a core.
const ENGINE_THREADS: usize = 1;

/// The tweets. Closed when dropped.
pub(crate) struct Store {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Write>>>>,
    committer: Worker,
    published: Arc<RwLock<Published>>,
    to_deliver: Arc<Notify>,
    deadline: Duration,
    /// Dropped last: until then the engine's files are ours.
    _lock: Box<dyn LockGuard>,
}

impl Store {
    /// Opens the tweets in the settings' folder, which is created where there is none. `disk` keeps lock and mark.
    /// `memory` is told of everything that becomes durable.
    pub(crate) fn open(
        settings: &Settings,
        disk: &dyn Disk,
        clock: Arc<dyn Clock>,
        memory: Arc<dyn Memory>,
    ) -> Result<Self, OpenError> {
        let folder = &settings.folder;
        let lock = lock(disk, folder)?;
        let db_folder = folder.join("db");
        let in_db_folder = |source| OpenError::Folder { path: db_folder.clone(), source };
        if let Some(path) = stray::find(&db_folder).map_err(in_db_folder)? {
            return Err(OpenError::Stray { path });
        }
        if let Some(journal::Damaged { path, offset }) =
            journal::find_damage(&RealDisk, &db_folder).map_err(in_db_folder)?
        {
            return Err(OpenError::Journal { path, offset });
        }
        journal::make_certain(&RealDisk, &db_folder).map_err(in_db_folder)?;
        let mut mark = open_mark(disk, folder, db_folder.is_dir())?;

        let known = Arc::new(KnownTweets::new(settings.tweets_bytes));
        let tables = Arc::new(open_engine(&db_folder, settings.cache_bytes)?);
        let view = View::now(&tables, memory.bounds(), &known, StateRecord::default());
        let state = view.get::<StateRecord>(Table::State, keys::STATE)?.unwrap_or_default();
        if state.batch < mark.value() {
            return Err(OpenError::Shortfall { expected: mark.value(), got: state.batch });
        }
        mark.raise(state.batch).map_err(|source| OpenError::Folder { path: folder.join(MARK), source })?;
        load(&view, memory.bounds())?;
        let view = View::now(&tables, memory.bounds(), &known, state);

        let published = Arc::new(RwLock::new(Published::new(view)));
        let to_deliver = Arc::new(Notify::new());
        let committer = Committer {
            tables,
            memory,
            known,
            published: published.clone(),
            to_deliver: to_deliver.clone(),
            clock,
            mark,
            state,
            ids: TweetIds::after(TweetId(state.greatest)),
            idempotency_keys: settings.idempotency_keys,
            oldest_request: TweetId(0),
            broken: false,
        };
        let (sender, receiver) = mpsc::channel(settings.write_queue.clamp(1, tokio::sync::Semaphore::MAX_PERMITS));
        let committer = Worker::start("tweet-committer", move || committer.run(receiver)).map_err(OpenError::Thread)?;
        tracing::info!(folder = %folder.display(), batch = state.batch, "tweets opened");
        Ok(Store {
            queue: Mutex::new(Some(sender)),
            committer,
            published,
            to_deliver,
            deadline: settings.deadline,
            _lock: lock,
        })
    }

    /// The last durable state.
    pub(crate) fn view(&self) -> Arc<View> {
        self.published.read().view.clone()
    }

    /// The last durable state, as far as it is in memory: what is not is [`StoreError::NotInMemory`].
    pub(crate) fn view_in_memory(&self) -> Arc<View> {
        self.published.read().in_memory.clone()
    }

    /// Waits until there is a tweet to tell subscribers of that there was not when this ended last. One can wait at a time.
    pub(crate) async fn to_deliver(&self) {
        self.to_deliver.notified().await;
    }

    /// Whether everything that is stored fits together.
    pub(crate) fn check(&self) -> Result<CheckReport, StoreError> {
        check::check(&self.view())
    }

    /// Writes out what is in memory, and waits until the engine compacts nothing any more.
    pub(crate) fn settle(&self) -> Result<(), StoreError> {
        Ok(self.view().settle()?)
    }

    /// Finishes the writes that were accepted and accepts no more. Reads go on.
    pub(crate) fn close(&self) {
        drop(self.queue.lock().take());
        self.committer.join();
    }

    /// Does what a command says; answers once that is durable.
    pub(crate) async fn write<C: Command>(&self, command: C) -> Result<C::Outcome, StoreError> {
        self.write_within(self.deadline, command).await
    }

    /// The same, for who would rather wait than not know.
    pub(crate) async fn write_within<C: Command>(
        &self,
        deadline: Duration,
        command: C,
    ) -> Result<C::Outcome, StoreError> {
        let (write, answered) = Waiting::new(command, Instant::now() + deadline);
        match self.queue.lock().as_ref() {
            None => return Err(StoreError::Closed),
            Some(queue) => queue.try_send(Box::new(write)).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => StoreError::QueueFull { waiting: queue.max_capacity() },
                // The queue is ours to close: without that, the committer is gone because it panicked.
                mpsc::error::TrySendError::Closed(_) => without_committer(),
            })?,
        }
        match tokio::time::timeout(deadline, answered).await {
            Ok(Ok(outcome)) => outcome,
            // Closing answers all that was accepted; only a panic leaves a writer without an answer.
            Ok(Err(_)) => Err(without_committer()),
            Err(_) => Err(StoreError::Late),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

fn without_committer() -> StoreError {
    metrics::refusing_writes();
    StoreError::ReadOnly
}

const MARK: &str = "HIGH_WATER";

fn lock(disk: &dyn Disk, folder: &Path) -> Result<Box<dyn LockGuard>, OpenError> {
    let path = folder.join("LOCK");
    disk.create_folder(folder).map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
    disk.lock(&path).map_err(|source| match source.kind() {
        std::io::ErrorKind::WouldBlock => OpenError::InUse { path: folder.to_owned() },
        _ => OpenError::Folder { path, source },
    })
}

/// Opens the mark. It is created before the engine's folder, so that only an empty store has none.
fn open_mark(disk: &dyn Disk, folder: &Path, has_tweets: bool) -> Result<HighWaterMark, OpenError> {
    let path = folder.join(MARK);
    let names = disk.names(folder).map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
    match (names.iter().any(|name| name == MARK), has_tweets) {
        (true, _) => Ok(HighWaterMark::open(disk, &path)?),
        (false, true) => Err(OpenError::MarkMissing { path }),
        (false, false) => Ok(HighWaterMark::create(disk, &path, 0)?),
    }
}

/// Opens the engine. Over a damaged journal it can panic, which is made an error here: nothing of it is used afterwards.
fn open_engine(folder: &Path, cache_bytes: u64) -> Result<Tables, OpenError> {
    let open = || {
        let db = Database::builder(folder).cache_size(cache_bytes).worker_threads(ENGINE_THREADS).open()?;
        Tables::open(db, options)
    };
    match std::panic::catch_unwind(open) {
        Ok(opened) => opened.map_err(|source| OpenError::Engine { path: folder.to_owned(), source }),
        Err(panic) => {
            let message = panic.downcast_ref::<String>().map(String::as_str);
            let message = message.or(panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given").to_owned();
            Err(OpenError::EnginePanicked { path: folder.to_owned(), message })
        }
    }
}

/// How a table is laid out. The engine keeps this with a table when it creates it.
///
/// Every level is compressed: what is written in the order of its keys goes down the levels as it is, and most text would
/// never be. The last level has no filters, since almost every key that is asked for is there.
fn options(table: Table) -> KeyspaceCreateOptions {
    let options = KeyspaceCreateOptions::default().max_memtable_size(table.memtable_bytes());
    match table {
        Table::Tweets => options
            .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
            .data_block_size_policy(BlockSizePolicy::all(TEXT_BLOCK_BYTES))
            .expect_point_read_hits(true),
        Table::Index | Table::Authors => options
            .data_block_compression_policy(CompressionPolicy::all(CompressionType::Lz4))
            .expect_point_read_hits(true),
        _ => options,
    }
}

/// Reads the bounds of all authors' ids.
fn load(view: &View, bounds: &Bounds) -> Result<(), StoreError> {
    for author in view.from::<AuthorRecord>(Table::Authors, &[]) {
        let (key, AuthorRecord { oldest, newest, .. }) = author?;
        let author = keys::author_in(&key).ok_or_else(|| damaged(Table::Authors, &key, Damage::Content))?;
        bounds.widen(author, Span { oldest: TweetId(oldest), newest: TweetId(newest) });
    }
    Ok(())
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
