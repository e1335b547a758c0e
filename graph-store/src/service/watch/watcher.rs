//! The task of one watch: reads the log, and tells what passes the filter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use base::{Error, Revision};
use proto::graph::Progress;
use proto::graph::watch_response::Event;
use tokio::sync::{mpsc, watch as tokio_watch};
use tokio::time::{Instant, timeout_at};
use tonic::Status;

use super::super::{Inner, blocking, refuse};
use super::Told;
use super::filter::Filter;
use crate::log::Record;
use crate::store::StoreError;

/// Records that are read from the log at once.
const READ_RECORDS: usize = 1024;
/// A reader who is told nothing else is told how far the watch is after so many records,
const PROGRESS_RECORDS: u64 = 10_000;
/// or after this long.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// The task of one watch.
pub(super) struct Watcher {
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
    /// A watch of everything after `from`.
    pub(super) fn new(
        inner: Weak<Inner>,
        filter: Filter,
        position: Option<Position>,
        sender: mpsc::Sender<Result<Told, Status>>,
        from: Revision,
    ) -> Self {
        let told_at = Instant::now();
        Watcher { inner, filter, position, sender, at: from, told: from, told_at, caught_up: false }
    }

    /// Works until the caller leaves, something fails, or the service ends.
    pub(super) async fn run(
        mut self,
        newest: tokio_watch::Receiver<Revision>,
        mut stopping: tokio_watch::Receiver<bool>,
    ) {
        let sender = self.sender.clone();
        let end = tokio::select! {
            end = self.follow_log(newest) => end,
            () = sender.closed() => End::Left,
            // An error means that the service is gone, which ends the watch as well.
            _ = stopping.wait_for(|stopping| *stopping) => End::Closing,
        };
        if let Err(End::Failed(error)) = self.keep_position().await {
            error.log("keep a reader's position");
        }
        let status = match end {
            End::Left => return,
            End::Closing => proto::status::to_status(&StoreError::Closing.into()),
            End::Failed(error) => refuse("watch", &error),
        };
        tokio::select! {
            biased;
            _ = sender.send(Err(status)) => {}
            // Nobody waits for a caller who takes nothing: the stream just ends.
            _ = stopping.wait_for(|stopping| *stopping) => {}
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
                return Err(End::Closing);
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
            if let Some(inner) = inner.upgrade() {
                // It had its place since the watch began.
                inner.store.consumer_is_at(&name, seen);
            }
            Ok(())
        });
        Ok(keep.await?)
    }
}

/// How far a named reader is.
pub(super) struct Position {
    name: String,
    /// The last revision that was seen.
    seen: Arc<AtomicU64>,
    /// The last one that the store was told of.
    kept: Revision,
}

impl Position {
    /// A reader of whom the store knows that it is at `kept`, and whose caller tells in `seen` how far it got.
    pub(super) fn new(name: String, seen: Arc<AtomicU64>, kept: Revision) -> Self {
        Position { name, seen, kept }
    }
}

/// Why a watch ended.
enum End {
    /// The caller went away.
    Left,
    /// The service is being ended, which is no failure.
    Closing,
    /// The caller is told this.
    Failed(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        End::Failed(error)
    }
}
