//! The one thread that writes.
//!
//! It takes all writers that wait, up to [`BATCH_MAX`], fixes their ids and times in the order in which they came, applies their
//! commands to one draft, writes that as one numbered batch of the engine, syncs once, raises the high-water mark,
//! publishes the next view, and answers them all. So a sync is shared by those who wait for it, and the busier the
//! store, the more share it.
//!
//! After a failed write or sync nobody knows what is on the disk. From then on every write is refused, until the store
//! is reopened; the published view stays what it was.

use std::sync::Arc;
use std::time::Instant;

use base::clock::Clock;
use base::disk::HighWaterMark;
use base::error::chain;
use fjall::PersistMode;
use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot};

use super::command::{Delete, Draft, NewTweet, Tweet};
use super::heads::{Heads, Span};
use super::record::StateRecord;
use super::view::{Tables, View};
use crate::error::StoreError;
use crate::ids::TweetIds;
use crate::metrics;

/// Writes of one batch: bounds how long the first of them waits for the last, and what a batch takes in memory.
const BATCH_MAX: usize = 1024;

/// What a writer waits for.
pub(super) enum Write {
    Post(NewTweet, Waiter<Tweet>),
    Delete(Delete, Waiter<bool>),
}

/// A writer that waits.
pub(super) struct Waiter<T> {
    /// Nobody waits any more after this.
    pub deadline: Instant,
    pub answer: oneshot::Sender<Result<T, StoreError>>,
}

/// The one thread that writes.
pub(super) struct Committer {
    pub tables: Arc<Tables>,
    pub heads: Arc<Heads>,
    pub published: Arc<RwLock<Arc<View>>>,
    pub clock: Arc<dyn Clock>,
    pub mark: HighWaterMark,
    pub state: StateRecord,
    pub ids: TweetIds,
    pub idempotency_keys: u64,
    /// No idempotency key is older than this tweet.
    pub oldest_request: base::TweetId,
    /// A write failed.
    pub broken: bool,
}

/// An answer that is given once the batch is durable.
enum Answer {
    Post(Waiter<Tweet>, Result<Tweet, StoreError>),
    Delete(Waiter<bool>, Result<bool, StoreError>),
}

/// A write of the batch or of the mark failed.
#[derive(Debug, thiserror::Error)]
enum CommitError {
    #[error("the batch could not be made durable")]
    Engine(#[from] fjall::Error),
    #[error("the high-water mark could not be raised")]
    Mark(#[from] std::io::Error),
    #[error("old idempotency keys could not be read")]
    Requests(#[from] StoreError),
}

impl Committer {
    /// Writes until the queue is closed and empty.
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Write>) {
        let mut writes = Vec::new();
        while queue.blocking_recv_many(&mut writes, BATCH_MAX) > 0 {
            metrics::queued(queue.len());
            self.commit(writes.drain(..));
        }
        if let Err(error) = self.mark.sync() {
            tracing::warn!(error = %chain(&error), "the high-water mark could not be synced at closing");
        }
    }

    fn commit(&mut self, writes: impl Iterator<Item = Write>) {
        let begun = Instant::now();
        let view = self.published.read().clone();
        let mut draft = Draft::new(&view, self.state);
        let mut answers: Vec<_> = writes.map(|write| self.apply(write, &mut draft)).collect();
        if !draft.is_empty() && !self.broken {
            match self.make_durable(draft, &answers) {
                Ok(()) => metrics::committed(answers.len(), begun.elapsed()),
                Err(error) => {
                    tracing::error!(error = %chain(&error), "writes are refused until the store is reopened");
                    self.broken = true;
                    metrics::refusing_writes();
                }
            }
        }
        if self.broken {
            answers = answers.into_iter().map(Answer::refused).collect();
        }
        answers.into_iter().for_each(Answer::give);
    }

    fn apply(&mut self, write: Write, draft: &mut Draft<'_>) -> Answer {
        let late = |deadline: Instant| Instant::now() > deadline;
        match write {
            Write::Post(_, waiter) if late(waiter.deadline) => Answer::Post(waiter, Err(StoreError::Late)),
            Write::Post(new, waiter) => Answer::Post(waiter, self.post(&new, draft)),
            Write::Delete(_, waiter) if late(waiter.deadline) => Answer::Delete(waiter, Err(StoreError::Late)),
            Write::Delete(delete, waiter) => Answer::Delete(waiter, draft.delete(delete)),
        }
    }

    fn post(&mut self, new: &NewTweet, draft: &mut Draft<'_>) -> Result<Tweet, StoreError> {
        // Ids come after that of a tweet that is answered, but not after whatever number a caller made up: the greatest
        // that there is would leave none for anybody.
        let answered = match new.in_reply_to {
            Some(answered) if draft.ever_had(answered)? => Some(answered),
            _ => None,
        };
        let id = self.ids.next(self.clock.now_ms(), new.author, answered).map_err(|_| StoreError::IdsExhausted)?;
        draft.post(id, new)
    }

    fn make_durable(&mut self, mut draft: Draft<'_>, answers: &[Answer]) -> Result<(), CommitError> {
        draft.forget_requests(self.idempotency_keys, &mut self.oldest_request)?;
        let (batch, state) = draft.finish(&self.tables);
        batch.commit()?;
        self.tables.db.persist(PersistMode::SyncAll)?;
        self.mark.raise(state.batch)?;
        self.state = state;
        // The bounds may be ahead of a view, never behind it.
        for answer in answers {
            if let Answer::Post(_, Ok(Tweet { id, author, .. })) = answer {
                self.heads.widen(*author, Span { oldest: *id, newest: *id });
            }
        }
        *self.published.write() = Arc::new(View::now(&self.tables, &self.heads));
        Ok(())
    }
}

impl Answer {
    fn refused(self) -> Self {
        match self {
            Answer::Post(waiter, _) => Answer::Post(waiter, Err(StoreError::ReadOnly)),
            Answer::Delete(waiter, _) => Answer::Delete(waiter, Err(StoreError::ReadOnly)),
        }
    }

    /// Gives the answer. A writer that went away does not miss it.
    fn give(self) {
        match self {
            Answer::Post(waiter, outcome) => drop(waiter.answer.send(outcome)),
            Answer::Delete(waiter, outcome) => drop(waiter.answer.send(outcome)),
        }
    }
}
