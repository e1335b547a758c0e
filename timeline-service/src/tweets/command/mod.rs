//! What a write does: a deterministic function of the state and a command whose id and time are fixed.
//!
//! A [`Draft`] is the state as the commands of one batch change it, so that each sees those before it. A command reads
//! first and writes then: one that is refused, or that cannot read what it needs, leaves the draft as it was. What others
//! keep in memory learns of it by the draft's [`Effect`]s, once they are durable.
//!
//! - [`post`], [`delete`]: tweets.
//! - [`load`]: many tweets at once, from elsewhere.
//! - [`favorite`], [`retweet`]: what becomes of them; both answer the tweet as it is then.
//! - [`notify`]: what a command does for others to learn of it.
//! - [`follows`], [`deliver`]: notifications that nobody's own command makes: of follows, and of tweets to subscribers.
//! - [`read`], [`subscribe`]: what recipients do about notifications.

mod delete;
mod deliver;
mod engagement;
mod favorite;
mod follows;
mod load;
mod notify;
mod post;
mod read;
mod retweet;
mod subscribe;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use base::{TweetId, UserId};
use fjall::{OwnedWriteBatch, Slice};
use prost::Message;

pub(crate) use self::delete::Delete;
pub(crate) use self::deliver::Deliver;
pub(crate) use self::engagement::Engaged;
pub(crate) use self::favorite::Favorite;
pub(crate) use self::follows::{Follow, NotifyFollows};
pub(crate) use self::load::{Load, Loaded};
pub(crate) use self::notify::addressed;
pub(super) use self::notify::{ACTORS_MAX, KEPT_MAX, joins};
pub(crate) use self::post::NewTweet;
pub(crate) use self::read::Read;
pub(crate) use self::retweet::Retweet;
pub(crate) use self::subscribe::Subscribe;
use super::keys::{self, Table};
use super::record::{self, CountsRecord, IndexRecord, RequestAgeRecord, StateRecord, TweetRecord, damaged};
use super::view::{Tables, View};
use crate::core::rules::Origin;
use crate::error::{Damage, StoreError};

/// What somebody wants to write.
pub(crate) trait Command: Send + 'static {
    /// What they are answered.
    type Outcome: Send;

    /// Who writes: ids carry their slot.
    fn actor(&self) -> UserId;

    /// The tweet after whose id the command's own must come, if there is one.
    fn answers(&self) -> Option<TweetId> {
        None
    }

    /// How many ids it takes: those that follow its own, as [`ids::further`](crate::ids::further) gives them.
    fn ids(&self) -> u64 {
        1
    }

    /// Does it, once. `id` is the command's own: greater than any before, it carries the time, and names what the command
    /// makes.
    fn apply(&mut self, id: TweetId, draft: &mut Draft<'_>) -> Result<Self::Outcome, StoreError>;
}

/// What a durable batch changed that others keep in memory, or wait for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// There is a tweet of which its author's subscribers are to be told.
    ToDeliver,
    /// A tweet has other counts.
    Counted(TweetId),
    /// A tweet or a retweet is at the top of its author's or retweeter's stream.
    Entered {
        /// What came.
        tweet: Tweet,
        /// Whether it is a retweet, and when it came there was no other of the same tweet.
        is_first_retweet: bool,
    },
    /// So is a retweet, but no feed shows it ever: the tweet that it shows answers one that was deleted before.
    EnteredDead {
        /// Whose stream it is in.
        retweeter: UserId,
        /// Which it is.
        id: TweetId,
    },
    /// A tweet was deleted, or a retweet taken back: it is no longer in that stream.
    ///
    /// For a deleted tweet this is all that there is. Whoever holds entries that show it (retweets) or answer it (comments,
    /// and retweets of these) knows by its id that they are hidden now, and where they look is `shown` and `answers` of their
    /// [`Origin`].
    Left {
        /// Whose stream it was in.
        author: UserId,
        /// Which it was.
        id: TweetId,
    },
}

/// An entry of a stream: a tweet, or a retweet, whose author is its retweeter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tweet {
    pub id: TweetId,
    pub author: UserId,
    pub record: TweetRecord,
}

impl Tweet {
    /// What the rules of a feed ask of it.
    pub(crate) fn origin(&self) -> Origin {
        let Tweet { id, author, ref record } = *self;
        let answers =
            (record.in_reply_to != 0).then_some((TweetId(record.in_reply_to), UserId(record.in_reply_to_author)));
        match record.retweet_of {
            0 => Origin { id, shown: id, author, retweeter: None, answers },
            of => {
                let by = UserId(record.retweet_of_author);
                Origin { id, shown: TweetId(of), author: by, retweeter: Some(author), answers }
            }
        }
    }
}

/// The state as the commands of one batch change it.
pub(crate) struct Draft<'a> {
    view: &'a View,
    /// Most keys are short enough to lie in a slice itself.
    changes: BTreeMap<(Table, Slice), Option<Slice>>,
    effects: Vec<Effect>,
    /// The state's own record; its batch number is set by [`finish`](Self::finish).
    state: StateRecord,
}

/// A draft that is ready to be written.
pub(super) struct Finished {
    /// All changes, as one batch of the engine.
    pub batch: OwnedWriteBatch,
    /// The state after it, with its number.
    pub state: StateRecord,
    /// What it changes in the streams of authors, in order.
    pub effects: Vec<Effect>,
}

impl<'a> Draft<'a> {
    /// Nothing is changed yet.
    pub(super) fn new(view: &'a View, state: StateRecord) -> Self {
        Draft { view, changes: BTreeMap::new(), effects: Vec::new(), state }
    }

    /// Whether there is or was a tweet of this id.
    pub(super) fn ever_had(&self, id: TweetId) -> Result<bool, StoreError> {
        Ok(self.get::<IndexRecord>(Table::Index, &keys::id_key(id))?.is_some())
    }

    /// Forgets the oldest idempotency keys of the view, so that at most `max` are remembered. They are looked for from
    /// `oldest` on, which moves past them: what is removed leaves traces in the engine that are slow to step over.
    pub(super) fn forget_requests(&mut self, max: u64, oldest: &mut TweetId) -> Result<(), StoreError> {
        let excess = self.state.requests.saturating_sub(max);
        let from = keys::id_key(*oldest);
        let view = self.view;
        for forgotten in view.from::<RequestAgeRecord>(Table::RequestAges, &from).take(excess as usize) {
            let (key, age) = forgotten?;
            *oldest = keys::last_id(&key).map_or(*oldest, |id| TweetId(id.0 + 1));
            self.remove(Table::Requests, &age.request);
            self.remove(Table::RequestAges, &key);
            self.state.requests -= 1;
        }
        Ok(())
    }

    /// Whether nothing was changed.
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// What is to be written, as a batch with the next number.
    pub(super) fn finish(mut self, tables: &Tables) -> Finished {
        self.state.batch += 1;
        let state = self.state;
        self.put(Table::State, keys::STATE, &state);
        let mut batch = OwnedWriteBatch::with_capacity(tables.db.clone(), self.changes.len());
        for ((table, key), value) in self.changes {
            match value {
                Some(value) => batch.insert(tables.keyspace(table), key, value),
                None => batch.remove(tables.keyspace(table), key),
            }
        }
        Finished { batch, state, effects: self.effects }
    }

    /// An id was given out to something that is kept.
    fn keep(&mut self, id: TweetId) {
        self.state.greatest = self.state.greatest.max(id.0);
    }

    fn affect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    fn get<M: Message + Default>(&self, table: Table, key: &[u8]) -> Result<Option<M>, StoreError> {
        match self.changes.get(&(table, Slice::from(key))) {
            Some(Some(value)) => record::decode(table, key, value).map(Some),
            Some(None) => Ok(None),
            None => self.view.get(table, key),
        }
    }

    /// The records from key `first` to key `last`, both included, each with its key, in order.
    fn between<M: Message + Default>(
        &self,
        table: Table,
        first: &[u8],
        last: &[u8],
    ) -> impl Iterator<Item = Result<(Vec<u8>, M), StoreError>> {
        let mut stored = self.view.between::<M>(table, first, last).peekable();
        let mut changed = self.changes.range((table, Slice::from(first))..=(table, Slice::from(last))).peekable();
        std::iter::from_fn(move || {
            loop {
                let order = match (stored.peek(), changed.peek()) {
                    (None, None) => return None,
                    (Some(Err(_)), _) | (Some(_), None) => Ordering::Less,
                    (None, Some(_)) => Ordering::Greater,
                    (Some(Ok((key, _))), Some(((_, changed), _))) => key[..].cmp(&changed[..]),
                };
                if order == Ordering::Less {
                    return stored.next().map(|item| item.map(|(key, record)| (key.to_vec(), record)));
                }
                if order == Ordering::Equal {
                    stored.next();
                }
                if let Some(((_, key), Some(value))) = changed.next() {
                    return Some(record::decode(table, key, value).map(|record| (key.to_vec(), record)));
                }
            }
        })
    }

    /// A record that another one says is there: both are written in one batch.
    fn required<M: Message + Default>(&self, table: Table, key: &[u8]) -> Result<M, StoreError> {
        self.get(table, key)?.ok_or_else(|| damaged(table, key, Damage::Missing))
    }

    /// How long the lists of a tweet are.
    fn counts(&self, tweet: TweetId) -> Result<CountsRecord, StoreError> {
        Ok(self.get(Table::Counts, &keys::id_key(tweet))?.unwrap_or_default())
    }

    /// A tweet whose lists are all empty has no record.
    fn put_counts(&mut self, tweet: TweetId, counts: CountsRecord) {
        self.affect(Effect::Counted(tweet));
        match counts == CountsRecord::default() {
            true => self.remove(Table::Counts, &keys::id_key(tweet)),
            false => self.put(Table::Counts, &keys::id_key(tweet), &counts),
        }
    }

    fn put(&mut self, table: Table, key: &[u8], record: &impl Message) {
        let value = record::encode(table, key, record);
        self.changes.insert((table, Slice::from(key)), Some(Slice::from(value)));
    }

    fn remove(&mut self, table: Table, key: &[u8]) {
        self.changes.insert((table, Slice::from(key)), None);
    }
}
