//! One durable state, to be read from.
//!
//! The committer makes a view after each sync, and readers take the last one: so nobody sees a tweet that a power cut
//! could take back, all reads of one page answer from one state, and whatever is below an entry that somebody has seen
//! was there before it: ids rise with the batches.

use std::sync::Arc;

use base::{TweetId, UserId};
use fjall::{Database, Keyspace, Readable, Snapshot};
use prost::Message;

use super::command::Tweet;
use super::heads::{Heads, Span};
use super::keys::{self, Table};
use super::record::{self, AuthorRecord, CommentsRecord, IndexRecord, TweetRecord, damaged};
use crate::core::merge::{Merge, Order, Stream};
use crate::core::page::Between;
use crate::error::{Damage, StoreError};

/// The engine's handles. The database comes last: it is closed after what is open in it.
pub(crate) struct Tables {
    keyspaces: [Keyspace; Table::ALL.len()],
    pub(super) db: Database,
}

impl Tables {
    /// Opens every table, creating those that do not exist.
    pub(super) fn open(db: Database, options: fn() -> fjall::KeyspaceCreateOptions) -> Result<Self, fjall::Error> {
        let mut keyspaces = Vec::with_capacity(Table::ALL.len());
        for table in Table::ALL {
            keyspaces.push(db.keyspace(table.name(), options)?);
        }
        let Ok(keyspaces) = keyspaces.try_into() else { unreachable!("one keyspace was opened for each table") };
        Ok(Tables { keyspaces, db })
    }

    pub(super) fn keyspace(&self, table: Table) -> &Keyspace {
        &self.keyspaces[table as usize]
    }
}

/// One durable state.
#[derive(Clone)]
pub(crate) struct View {
    snapshot: Snapshot,
    heads: Arc<Heads>,
    tables: Arc<Tables>,
}

impl View {
    /// The state of this moment. Only who knows that it is durable may call this.
    pub(super) fn now(tables: &Arc<Tables>, heads: &Arc<Heads>) -> Self {
        View { snapshot: tables.db.snapshot(), heads: heads.clone(), tables: tables.clone() }
    }

    /// One record.
    pub(super) fn get<M: Message + Default>(&self, table: Table, key: &[u8]) -> Result<Option<M>, StoreError> {
        let value = self.snapshot.get(self.tables.keyspace(table), key)?;
        value.map(|value| record::decode(table, key, &value)).transpose()
    }

    /// The records from a key on, in order, each with its key.
    pub(super) fn from<M: Message + Default>(
        &self,
        table: Table,
        key: &[u8],
    ) -> impl Iterator<Item = Result<(fjall::Slice, M), StoreError>> + use<M> {
        self.snapshot.range(self.tables.keyspace(table), key..).map(move |guard| {
            let (key, value) = guard.into_inner()?;
            let record = record::decode(table, &key, &value)?;
            Ok((key, record))
        })
    }

    /// The records from key `first` to key `last`, both included, each with its key.
    pub(super) fn between<M: Message + Default>(
        &self,
        table: Table,
        order: Order,
        first: &[u8],
        last: &[u8],
    ) -> impl Iterator<Item = Result<(fjall::Slice, M), StoreError>> + use<M> {
        let mut scan = self.snapshot.range(self.tables.keyspace(table), first..=last);
        std::iter::from_fn(move || match order {
            Order::NewestFirst => scan.next_back(),
            Order::OldestFirst => scan.next(),
        })
        .map(move |guard| {
            let (key, value) = guard.into_inner()?;
            let record = record::decode(table, &key, &value)?;
            Ok((key, record))
        })
    }

    /// Who wrote a tweet; none where there is none, or none any more.
    pub(crate) fn author_of(&self, id: TweetId) -> Result<Option<UserId>, StoreError> {
        let index = self.get::<IndexRecord>(Table::Index, &keys::id_key(id))?;
        Ok(index.filter(|index| !index.deleted).map(|index| UserId(index.author)))
    }

    /// A tweet; none where there is none, or none any more.
    pub(crate) fn tweet(&self, id: TweetId) -> Result<Option<Tweet>, StoreError> {
        let Some(author) = self.author_of(id)? else { return Ok(None) };
        let key = keys::tweet(author, id);
        // Index and tweet are written in one batch.
        let record = self.get(Table::Tweets, &key)?.ok_or_else(|| damaged(Table::Tweets, &key, Damage::Missing))?;
        Ok(Some(Tweet { id, author, record }))
    }

    /// What an author's idempotency key made, if it is remembered.
    pub(crate) fn request(&self, author: UserId, idempotency_key: &str) -> Result<Option<TweetId>, StoreError> {
        let request = self.get::<record::RequestRecord>(Table::Requests, &keys::request(author, idempotency_key))?;
        Ok(request.map(|request| TweetId(request.id)))
    }

    /// How many tweets answer this one.
    pub(crate) fn comments_count(&self, id: TweetId) -> Result<u64, StoreError> {
        Ok(self.get::<CommentsRecord>(Table::Comments, &keys::id_key(id))?.map_or(0, |comments| comments.count))
    }

    /// How many tweets an author has.
    pub(crate) fn tweets_count(&self, author: UserId) -> Result<u64, StoreError> {
        Ok(self.get::<AuthorRecord>(Table::Authors, &keys::author_key(author))?.map_or(0, |author| author.tweets))
    }

    /// The tweets of some authors, merged. Each author costs at most one scan, and none where the bounds of their ids
    /// show that there is nothing to find, or nothing before the walk ends.
    pub(crate) fn tweets_of(
        &self,
        authors: impl Iterator<Item = UserId>,
        order: Order,
        between: Between,
    ) -> Merge<AuthorStream<'_>> {
        let above = between.above.map_or(Some(0), |above| above.0.checked_add(1));
        let below = between.below.map_or(Some(u64::MAX), |below| below.0.checked_sub(1));
        let bounds = above.zip(below).map(|(above, below)| (TweetId(above), TweetId(below)));
        let stream = |author| {
            let (first, last) = bounds?;
            let Span { oldest, newest } = self.heads.of(author)?;
            let ids = Span { oldest: oldest.max(first), newest: newest.min(last) };
            (ids.oldest <= ids.newest).then_some(AuthorStream { view: self, author, order, ids, scan: None })
        };
        Merge::new(order, authors.filter_map(stream).collect())
    }
}

/// The tweets of one author. The scan begins at the first call.
pub(crate) struct AuthorStream<'a> {
    view: &'a View,
    author: UserId,
    order: Order,
    ids: Span,
    scan: Option<fjall::Iter>,
}

impl Stream for AuthorStream<'_> {
    type Entry = (UserId, TweetRecord);
    type Error = StoreError;

    fn earliest(&self) -> TweetId {
        match self.order {
            Order::NewestFirst => self.ids.newest,
            Order::OldestFirst => self.ids.oldest,
        }
    }

    fn next(&mut self) -> Result<Option<(TweetId, Self::Entry)>, StoreError> {
        let scan = self.scan.get_or_insert_with(|| {
            let keys = keys::tweet(self.author, self.ids.oldest)..=keys::tweet(self.author, self.ids.newest);
            self.view.snapshot.range(self.view.tables.keyspace(Table::Tweets), keys)
        });
        let next = match self.order {
            Order::NewestFirst => scan.next_back(),
            Order::OldestFirst => scan.next(),
        };
        let Some(guard) = next else { return Ok(None) };
        let (key, value) = guard.into_inner()?;
        let id = keys::last_id(&key).ok_or_else(|| damaged(Table::Tweets, &key, Damage::Truncated))?;
        let record = record::decode(Table::Tweets, &key, &value)?;
        Ok(Some((id, (self.author, record))))
    }
}
