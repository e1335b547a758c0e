//! The change stream: every effective change from a revision on, in order, without end.
//!
//! Each watch has a task that reads the log and puts events into a bounded channel, out of which the caller takes them.
//! A caller who takes none holds up nobody else. The task holds no store while it waits, so an open watch does not
//! keep a store open.
//!
//! # Resuming
//!
//! The revision of an event promises that everything up to it has been told. A block that ended follows is one record
//! and several events; all but the last of them carry the revision *before* the record. So whoever resumes between
//! them is told the whole record again, and misses nothing.
//!
//! # Named readers
//!
//! An event counts as seen once the caller asks for the one after it. Over a network what is asked for and what is
//! dealt with differ by what the connection holds, so a reader who must miss nothing keeps its own revision and names
//! it in `from`; the position kept here then only holds the log for it. A name is for one reader at a time.

mod filter;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use base::{Code, Error, Revision};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use proto::convert;
use proto::graph::watch_response::Event;
use proto::graph::{Progress, WatchRequest, WatchResponse};
use tokio::sync::{mpsc, watch as tokio_watch};
use tokio::time::{Instant, timeout_at};
use tonic::Status;

use self::filter::Filter;
use super::{Inner, blocking, checks, refuse};
use crate::log::Record;
use crate::store::{Store, StoreError};

/// Watches that may be open at once: each reads the log for itself.
pub const WATCHES_MAX: usize = 256;
/// Events that wait to be taken.
const QUEUE_MAX: usize = 256;
/// Records that are read from the log at once.
const READ_RECORDS: usize = 1024;
/// A reader who is told nothing else is told how far the watch is after so many records,
const PROGRESS_RECORDS: u64 = 10_000;
/// or after this long.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Opens a watch.
pub(super) async fn watch(
    inner: &Arc<Inner>,
    request: WatchRequest,
) -> Result<BoxStream<'static, Result<WatchResponse, Status>>, Error> {
    let store = &inner.store;
    let filter = Filter::from_wire(&request.relations, &request.users, store.users())?;
    let asked = convert::revision(request.from.as_ref(), "from")?;
    let newest = store.revisions();
    if asked.is_some_and(|asked| asked > store.revision()) {
        return Err(Error::invalid("from", "no revision that this store has given out"));
    }
    let consumer = match request.consumer {
        name if name.is_empty() => None,
        name => Some(checks::name(name, "consumer")?),
    };
    let permit = inner.watches.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Error::new(Code::ResourceExhausted, "too many watches are open"))?;
    let from = blocking({
        let (store, consumer) = (store.clone(), consumer.clone());
        move || begin(&store, asked, consumer.as_deref())
    })
    .await?;
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    let seen = Arc::new(AtomicU64::new(from.0));
    let watcher = Watcher {
        inner: Arc::downgrade(inner),
        filter,
        position: consumer.map(|name| Position { name, seen: seen.clone(), kept: from }),
        sender,
        at: from,
        told: from,
        told_at: Instant::now(),
        caught_up: false,
    };
    let stopping = inner.stopping.subscribe();
    tokio::spawn(async move {
        let _permit = permit;
        watcher.run(newest, stopping).await;
    });
    Ok(taken(receiver, seen, from))
}

/// Where a watch begins: where it was asked to, where its named reader was, or now. Refuses what the log no longer has.
fn begin(store: &Store, asked: Option<Revision>, consumer: Option<&str>) -> Result<Revision, Error> {
    let kept = || consumer.and_then(|name| store.consumers().get(name).copied());
    let from = asked.or_else(kept).unwrap_or_else(|| store.revision());
    store.records_after(from, 1)?;
    match consumer {
        Some(name) if !store.consumer_is_at(name, from) => {
            Err(Error::new(Code::ResourceExhausted, "there are too many named readers").with_field("consumer"))
        }
        _ => Ok(from),
    }
}

/// What is on its way to the caller.
struct Told {
    revision: Revision,
    event: Event,
}

/// The events as the caller takes them. Asking for the next one tells that the one before was seen.
fn taken(
    receiver: mpsc::Receiver<Result<Told, Status>>,
    seen: Arc<AtomicU64>,
    from: Revision,
) -> BoxStream<'static, Result<WatchResponse, Status>> {
    let take = |(mut receiver, seen, last): (mpsc::Receiver<_>, Arc<AtomicU64>, Revision)| async move {
        seen.store(last.0, Ordering::Relaxed);
        match receiver.recv().await? {
            Ok(Told { revision, event }) => {
                let response = WatchResponse { revision: Some(revision.into()), event: Some(event) };
                Some((Ok(response), (receiver, seen, revision)))
            }
            Err(status) => Some((Err(status), (receiver, seen, last))),
        }
    };
    stream::unfold((receiver, seen, from), take).boxed()
}

/// Why a watch ended.
enum End {
    /// The caller went away.
    Left,
    /// The caller is told this.
    Failed(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        End::Failed(error)
    }
}

/// How far a named reader is.
struct Position {
    name: String,
    /// The last revision that was seen.
    seen: Arc<AtomicU64>,
    /// The last one that the store was told of.
    kept: Revision,
}

/// The task of one watch.
struct Watcher {
    inner: Weak<Inner>,
    filter: Filter,
    position: Option<Position>,
    sender: mpsc::Sender<Result<Told, Status>>,
    /// Everything up to here has been read.
    at: Revision,
    /// What the caller was told last, and when.
    told: Revision,
    told_at: Instant,
    /// Whether the caller was told that everything of before the watch is through.
    caught_up: bool,
}

impl Watcher {
    /// Works until the caller leaves, something fails, or the service ends.
    async fn run(mut self, newest: tokio_watch::Receiver<Revision>, mut stopping: tokio_watch::Receiver<bool>) {
        let sender = self.sender.clone();
        let end = tokio::select! {
            end = self.follow_log(newest) => end,
            () = sender.closed() => End::Left,
            // An error means that the service is gone, which ends the watch as well.
            _ = stopping.wait_for(|stopping| *stopping) => End::Failed(StoreError::Closing.into()),
        };
        if let Err(End::Failed(error)) = self.keep_position().await {
            error.log("keep a reader's position");
        }
        if let End::Failed(error) = end {
            let status = refuse("watch", &error);
            tokio::select! {
                _ = sender.send(Err(status)) => {}
                // Nobody waits for a caller who takes nothing: the stream just ends.
                _ = stopping.wait_for(|stopping| *stopping) => {}
            }
        }
    }

    async fn follow_log(&mut self, mut newest: tokio_watch::Receiver<Revision>) -> End {
        loop {
            if let Err(end) = self.step(&mut newest).await {
                return end;
            }
        }
    }

    /// Tells what there is, or waits until there is more, at most [`PROGRESS_INTERVAL`].
    async fn step(&mut self, newest: &mut tokio_watch::Receiver<Revision>) -> Result<(), End> {
        self.keep_position().await?;
        let visible = *newest.borrow_and_update();
        let records = if self.at < visible { self.read(visible).await? } else { Vec::new() };
        let idle = records.is_empty();
        for (revision, record) in records {
            self.tell(revision, &record).await?;
        }
        let due = self.told_at + PROGRESS_INTERVAL;
        if idle && !self.caught_up {
            self.caught_up = true;
            self.send(self.at, Event::Progress(Progress {})).await?;
        } else if self.at > self.told && Instant::now() >= due {
            self.send(self.at, Event::Progress(Progress {})).await?;
        } else if idle {
            let until = if self.at > self.told { due } else { Instant::now() + PROGRESS_INTERVAL };
            if let Ok(Err(_)) = timeout_at(until, newest.changed()).await {
                return Err(End::Failed(StoreError::Closing.into()));
            }
        }
        Ok(())
    }

    /// The next records that reads see too.
    async fn read(&self, visible: Revision) -> Result<Vec<(Revision, Record)>, End> {
        let (inner, at) = (self.inner.clone(), self.at);
        let read = blocking(move || {
            let inner = inner.upgrade().ok_or(StoreError::Closing)?;
            let mut records = inner.store.records_after(at, READ_RECORDS)?;
            records.retain(|(revision, _)| *revision <= visible);
            Ok(records)
        });
        Ok(read.await?)
    }

    async fn tell(&mut self, revision: Revision, record: &Record) -> Result<(), End> {
        let mut events = self.filter.events(record);
        let last = events.pop();
        for event in events {
            // Only the last event of a record promises that all of it has been told.
            self.send(Revision(revision.0 - 1), event).await?;
        }
        self.at = revision;
        match last {
            Some(event) => self.send(revision, event).await,
            None if revision.0 - self.told.0 >= PROGRESS_RECORDS => {
                self.send(revision, Event::Progress(Progress {})).await
            }
            None => Ok(()),
        }
    }

    async fn send(&mut self, revision: Revision, event: Event) -> Result<(), End> {
        self.sender.send(Ok(Told { revision, event })).await.map_err(|_| End::Left)?;
        (self.told, self.told_at) = (revision, Instant::now());
        Ok(())
    }

    /// Tells the store how far its named reader is.
    async fn keep_position(&mut self) -> Result<(), End> {
        let Some(position) = &mut self.position else { return Ok(()) };
        let seen = Revision(position.seen.load(Ordering::Relaxed));
        if seen == position.kept {
            return Ok(());
        }
        let (inner, name) = (self.inner.clone(), position.name.clone());
        position.kept = seen;
        let keep = blocking(move || {
            let inner = inner.upgrade().ok_or(StoreError::Closing)?;
            // It had its place since the watch began.
            inner.store.consumer_is_at(&name, seen);
            Ok(())
        });
        Ok(keep.await?)
    }
}
