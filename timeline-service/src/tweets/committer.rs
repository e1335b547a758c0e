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
use base::{TweetId, UserId};
use fjall::PersistMode;
use parking_lot::RwLock;
use tokio::sync::{Notify, mpsc, oneshot};

use super::command::{Command, Draft, Effect, Finished};
use super::keys::Table;
use super::known::{Known, KnownTweets};
use super::memory::Memory;
use super::record::{CountsRecord, StateRecord};
use super::view::{Tables, View};
use crate::error::StoreError;
use crate::ids::TweetIds;
use crate::metrics;

/// Writes of one batch: bounds how long the first of them waits for the last, and what a batch takes in memory.
const BATCH_MAX: usize = 1024;
/// Ids of one batch, beside those of its first write: bounds the same where a write makes many tweets.
const BATCH_IDS_MAX: u64 = 16_384;

/// Effects of a batch from which on it is an import: its tweets would push out of memory what readers look at.
const KNOWN_AT_ONCE_MAX: usize = 2 * BATCH_MAX;

/// A write that waits for its turn, and then for its batch to be durable.
pub(super) trait Write: Send {
    /// How many ids it takes.
    fn ids(&self) -> u64;

    /// Who writes, and the tweet after whose id the write's own must come; none for a write that nobody waits for any
    /// more, which is not applied.
    fn wanted(&self, now: Instant) -> Option<(UserId, Option<TweetId>)>;

    /// Applies the write to the draft, and keeps the outcome.
    fn apply(&mut self, id: TweetId, draft: &mut Draft<'_>);

    /// Keeps this in place of an outcome.
    fn fail(&mut self, error: StoreError);

    /// Gives the outcome to who waits for it. A writer that went away does not miss it.
    fn answer(self: Box<Self>);
}

/// A command, and who waits for its outcome.
pub(super) struct Waiting<C: Command> {
    command: C,
    /// Nobody waits any more after this.
    deadline: Instant,
    outcome: Result<C::Outcome, StoreError>,
    answer: oneshot::Sender<Result<C::Outcome, StoreError>>,
}

impl<C: Command> Waiting<C> {
    /// A command that is worth doing until `deadline`, and where its outcome will be.
    pub(super) fn new(command: C, deadline: Instant) -> (Self, oneshot::Receiver<Result<C::Outcome, StoreError>>) {
        let (answer, answered) = oneshot::channel();
        (Waiting { command, deadline, outcome: Err(StoreError::Late), answer }, answered)
    }
}

impl<C: Command> Write for Waiting<C> {
    fn ids(&self) -> u64 {
        self.command.ids()
    }

    fn wanted(&self, now: Instant) -> Option<(UserId, Option<TweetId>)> {
        (now <= self.deadline).then(|| (self.command.actor(), self.command.answers()))
    }

    fn apply(&mut self, id: TweetId, draft: &mut Draft<'_>) {
        self.outcome = self.command.apply(id, draft);
    }

    fn fail(&mut self, error: StoreError) {
        self.outcome = Err(error);
    }

    fn answer(self: Box<Self>) {
        drop(self.answer.send(self.outcome));
    }
}

/// The last durable state.
pub(super) struct Published {
    pub view: Arc<View>,
    /// The same, as far as it is in memory.
    pub in_memory: Arc<View>,
}

impl Published {
    pub(super) fn new(view: View) -> Self {
        Published { in_memory: Arc::new(view.in_memory()), view: Arc::new(view) }
    }
}

/// The one thread that writes.
pub(super) struct Committer {
    pub tables: Arc<Tables>,
    pub memory: Arc<dyn Memory>,
    pub known: Arc<KnownTweets>,
    pub published: Arc<RwLock<Published>>,
    /// Told when there is a tweet to tell subscribers of.
    pub to_deliver: Arc<Notify>,
    pub clock: Arc<dyn Clock>,
    pub mark: HighWaterMark,
    pub state: StateRecord,
    pub ids: TweetIds,
    pub idempotency_keys: u64,
    /// No idempotency key is older than this tweet.
    pub oldest_request: TweetId,
    /// A write failed.
    pub broken: bool,
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
    pub(super) fn run(mut self, mut queue: mpsc::Receiver<Box<dyn Write>>) {
        let mut writes = Vec::new();
        while queue.blocking_recv_many(&mut writes, BATCH_MAX) > 0 {
            metrics::queued(queue.len());
            let mut writes = writes.drain(..).peekable();
            while let Some(first) = writes.next() {
                let (mut batch, mut ids) = (vec![first], 0);
                while let Some(next) = writes.next_if(|next| ids + next.ids() <= BATCH_IDS_MAX) {
                    ids += next.ids();
                    batch.push(next);
                }
                self.commit(batch);
            }
        }
        if let Err(error) = self.mark.sync() {
            tracing::warn!(error = %chain(&error), "the high-water mark could not be synced at closing");
        }
    }

    fn commit(&mut self, mut writes: Vec<Box<dyn Write>>) {
        let begun = Instant::now();
        // Before anybody looks at the clock: while there is no room writes may come to be too late.
        if !self.broken
            && let Err(error) = self.tables.wait_for_room()
        {
            self.refuse(&error.into());
        }
        let view = self.published.read().view.clone();
        let mut draft = Draft::new(&view, self.state);
        for write in &mut writes {
            self.apply(&mut **write, &mut draft);
        }
        if !draft.is_empty() && !self.broken {
            match self.make_durable(draft) {
                Ok(()) => metrics::committed(writes.len(), begun.elapsed()),
                Err(error) => self.refuse(&error),
            }
        }
        for mut write in writes {
            if self.broken {
                write.fail(StoreError::ReadOnly);
            }
            write.answer();
        }
    }

    /// Nothing is written any more.
    fn refuse(&mut self, error: &CommitError) {
        tracing::error!(error = %chain(error), "writes are refused until the store is reopened");
        self.broken = true;
        metrics::refusing_writes();
    }

    /// Gives a write its id and applies it, unless it came too late.
    fn apply(&mut self, write: &mut dyn Write, draft: &mut Draft<'_>) {
        let Some((actor, answers)) = write.wanted(Instant::now()) else { return };
        match self.next_id(actor, answers, write.ids(), draft) {
            Ok(id) => write.apply(id, draft),
            Err(error) => write.fail(error),
        }
    }

    fn next_id(
        &mut self,
        actor: UserId,
        answers: Option<TweetId>,
        count: u64,
        draft: &Draft<'_>,
    ) -> Result<TweetId, StoreError> {
        // Ids come after that of a tweet that is answered, but not after whatever number a caller made up: the greatest
        // that there is would leave none for anybody.
        let answered = match answers {
            Some(answered) if draft.ever_had(answered)? => Some(answered),
            _ => None,
        };
        self.ids.next(self.clock.now_ms(), actor, answered, count).map_err(|_| StoreError::IdsExhausted)
    }

    fn make_durable(&mut self, mut draft: Draft<'_>) -> Result<(), CommitError> {
        draft.forget_requests(self.idempotency_keys, &mut self.oldest_request)?;
        let Finished { batch, state, effects } = draft.finish(&self.tables);
        // Synced under the lock that it is written under: the engine's thread syncs the same file, and of a failure one of the two
        // is told, the other one that all is well.
        batch.durability(Some(PersistMode::SyncAll)).commit()?;
        self.tables.rotate_full(Table::memtable_bytes)?;
        self.mark.raise(state.batch)?;
        self.state = state;
        // Memory may be ahead of a view, never behind it.
        self.memory.changed(&effects, state.batch);
        let is_import = effects.len() > KNOWN_AT_ONCE_MAX;
        for effect in &effects {
            match effect {
                Effect::Counted(id) | Effect::Left { id, .. } => self.known.forget(*id, state.batch),
                // What was just posted is what is read next, and nobody has done anything to it yet.
                Effect::Entered { tweet, .. } if tweet.record.retweet_of == 0 && !is_import => {
                    let known = Known { tweet: tweet.clone(), counts: CountsRecord::default() };
                    self.known.put(Arc::new(known), state.batch);
                }
                Effect::Entered { .. } | Effect::EnteredDead { .. } | Effect::ToDeliver => {}
            }
        }
        *self.published.write() = Published::new(View::now(&self.tables, self.memory.bounds(), &self.known, state));
        self.memory.published();
        if effects.contains(&Effect::ToDeliver) {
            self.to_deliver.notify_one();
        }
        Ok(())
    }
}
