//! What a write does: a deterministic function of the state and a command whose ids are fixed.
//!
//! A [`Draft`] is the state as the commands of one batch change it, so that each sees those before it. A command reads
//! first and writes then: one that is refused, or that cannot read what it needs, leaves the draft as it was.

use std::collections::BTreeMap;

use base::{TweetId, UserId};
use fjall::OwnedWriteBatch;
use prost::Message;
use proto::timeline::Entities;

use super::keys::{self, Table};
use super::record::{
    self, AuthorRecord, CommentsRecord, IndexRecord, ReplyRecord, RequestAgeRecord, RequestRecord, StateRecord,
    TweetRecord, damaged,
};
use super::view::{Tables, View};
use crate::error::{Damage, Refusal, StoreError};

/// A tweet that is to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewTweet {
    pub author: UserId,
    pub text: String,
    pub in_reply_to: Option<TweetId>,
    pub entities: Entities,
    /// Empty for none.
    pub idempotency_key: String,
}

/// A tweet that is to be deleted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delete {
    pub id: TweetId,
    /// Who asks.
    pub user: UserId,
}

/// A tweet that is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tweet {
    pub id: TweetId,
    pub author: UserId,
    pub record: TweetRecord,
}

/// The state as the commands of one batch change it.
pub(super) struct Draft<'a> {
    view: &'a View,
    changes: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
    /// The state's own record; its batch number is set by [`finish`](Self::finish).
    state: StateRecord,
}

impl<'a> Draft<'a> {
    /// Nothing is changed yet.
    pub(super) fn new(view: &'a View, state: StateRecord) -> Self {
        Draft { view, changes: BTreeMap::new(), state }
    }

    /// Whether there is or was a tweet of this id.
    pub(super) fn ever_had(&self, id: TweetId) -> Result<bool, StoreError> {
        Ok(self.get::<IndexRecord>(Table::Index, &keys::id_key(id))?.is_some())
    }

    /// Writes a tweet under this id. The same idempotency key again answers the tweet that it made.
    pub(super) fn post(&mut self, id: TweetId, new: &NewTweet) -> Result<Tweet, StoreError> {
        let NewTweet { author, text, in_reply_to, entities, idempotency_key } = new;
        let request = keys::request(*author, idempotency_key);
        if !idempotency_key.is_empty()
            && let Some(made) = self.get::<RequestRecord>(Table::Requests, &request)?
        {
            return self.repeated(TweetId(made.id), new);
        }
        let answered = in_reply_to.map(|answered| self.answered(answered)).transpose()?;
        let mut of_author = self.get::<AuthorRecord>(Table::Authors, &keys::author_key(*author))?.unwrap_or_default();

        let record = TweetRecord {
            text: text.clone(),
            in_reply_to: in_reply_to.map_or(0, |id| id.0),
            in_reply_to_author: answered.as_ref().map_or(0, |answered| answered.author),
            entities: Some(entities.clone()),
        };
        self.put(Table::Tweets, &keys::tweet(*author, id), &record);
        self.put(Table::Index, &keys::id_key(id), &IndexRecord { author: author.0, deleted: false });
        if let Some(Answered { id: answered, comments, .. }) = answered {
            self.put(Table::Replies, &keys::reply(answered, id), &ReplyRecord { author: author.0 });
            self.put(Table::Comments, &keys::id_key(answered), &CommentsRecord { count: comments + 1 });
        }
        if of_author.newest == 0 {
            of_author.oldest = id.0;
        }
        of_author.newest = id.0;
        of_author.tweets += 1;
        self.put(Table::Authors, &keys::author_key(*author), &of_author);
        if !idempotency_key.is_empty() {
            self.put(Table::Requests, &request, &RequestRecord { id: id.0 });
            self.put(Table::RequestAges, &keys::id_key(id), &RequestAgeRecord { request });
            self.state.requests += 1;
        }
        self.state.greatest = self.state.greatest.max(id.0);
        Ok(Tweet { id, author: *author, record })
    }

    /// Takes a tweet away, its text for good; answers whether it was still there.
    pub(super) fn delete(&mut self, Delete { id, user }: Delete) -> Result<bool, StoreError> {
        let index_key = keys::id_key(id);
        let index = self.get::<IndexRecord>(Table::Index, &index_key)?.ok_or(Refusal::NoTweet(id))?;
        if index.author != user.0 {
            return Err(Refusal::NotTheAuthor.into());
        }
        if index.deleted {
            return Ok(false);
        }
        let tweet_key = keys::tweet(user, id);
        let author_key = keys::author_key(user);
        let record = self.required::<TweetRecord>(Table::Tweets, &tweet_key)?;
        let mut of_author = self.required::<AuthorRecord>(Table::Authors, &author_key)?;
        let answered_key = keys::id_key(TweetId(record.in_reply_to));
        let comments = match record.in_reply_to {
            0 => None,
            _ => Some(self.required::<CommentsRecord>(Table::Comments, &answered_key)?.count),
        };

        self.remove(Table::Tweets, &tweet_key);
        self.put(Table::Index, &index_key, &IndexRecord { deleted: true, ..index });
        of_author.tweets = of_author.tweets.saturating_sub(1);
        self.put(Table::Authors, &author_key, &of_author);
        match comments {
            None => {}
            Some(0 | 1) => self.remove(Table::Comments, &answered_key),
            Some(count) => self.put(Table::Comments, &answered_key, &CommentsRecord { count: count - 1 }),
        }
        Ok(true)
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

    /// The changes as one batch of the engine, with its number, and the state after it.
    pub(super) fn finish(mut self, tables: &Tables) -> (OwnedWriteBatch, StateRecord) {
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
        (batch, state)
    }

    /// The tweet that an idempotency key made, if it is the one that is asked for again.
    fn repeated(&self, id: TweetId, new: &NewTweet) -> Result<Tweet, StoreError> {
        let Some(record) = self.get::<TweetRecord>(Table::Tweets, &keys::tweet(new.author, id))? else {
            return Err(Refusal::KeyOfDeleted.into());
        };
        if record.text != new.text || record.in_reply_to != new.in_reply_to.map_or(0, |answered| answered.0) {
            return Err(Refusal::KeyReused.into());
        }
        Ok(Tweet { id, author: new.author, record })
    }

    fn answered(&self, id: TweetId) -> Result<Answered, StoreError> {
        let index = self.get::<IndexRecord>(Table::Index, &keys::id_key(id))?;
        let Some(IndexRecord { author, deleted: false }) = index else {
            return Err(Refusal::NothingToAnswer(id).into());
        };
        let comments = self.get::<CommentsRecord>(Table::Comments, &keys::id_key(id))?;
        Ok(Answered { id, author, comments: comments.map_or(0, |comments| comments.count) })
    }

    fn get<M: Message + Default>(&self, table: Table, key: &[u8]) -> Result<Option<M>, StoreError> {
        match self.changes.get(&(table, key.to_vec())) {
            Some(Some(value)) => record::decode(table, key, value).map(Some),
            Some(None) => Ok(None),
            None => self.view.get(table, key),
        }
    }

    /// A record that another one says is there: both are written in one batch.
    fn required<M: Message + Default>(&self, table: Table, key: &[u8]) -> Result<M, StoreError> {
        self.get(table, key)?.ok_or_else(|| damaged(table, key, Damage::Missing))
    }

    fn put(&mut self, table: Table, key: &[u8], record: &impl Message) {
        self.changes.insert((table, key.to_vec()), Some(record::encode(table, key, record)));
    }

    fn remove(&mut self, table: Table, key: &[u8]) {
        self.changes.insert((table, key.to_vec()), None);
    }
}

/// The tweet that a new one answers.
struct Answered {
    id: TweetId,
    author: u32,
    comments: u64,
}
