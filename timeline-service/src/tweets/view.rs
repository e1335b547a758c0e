//! One durable state, to be read from.
//!
//! The committer makes a view after each sync, and readers take the last one: so nobody sees a tweet that a power cut
//! could take back, all reads of one page answer from one state, and whatever is below an entry that somebody has seen
//! was there before it: ids rise with the batches.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base::{TweetId, UserId};
use fjall::{AbstractTree, Database, Keyspace, PersistMode, Readable, Snapshot};
use prost::Message;

use super::bounds::{Bounds, Span};
use super::command::Tweet;
use super::keys::{self, Table};
use super::known::{Known, KnownTweets};
use super::record::{self, AuthorRecord, CountsRecord, IndexRecord, StateRecord, TweetRecord, damaged};
use super::scan::Scan;
use crate::core::merge::{Merge, Order, Stream};
use crate::core::page::Between;
use crate::error::{Damage, StoreError};

/// Runs in the first level from which on writes wait. The engine waits at 30; until the next commit ends there is at most one more
/// for each full memtable.
const RUNS_MAX: usize = 25;

/// Full memtables of a table from which on writes wait. The engine waits at 4, and may make one more during a commit.
const SEALED_MAX: usize = 3;

/// How often is looked whether the engine has got further.
const POLL: Duration = Duration::from_millis(10);

/// Who waits for the engine so long tells of it.
const LONG: Duration = Duration::from_secs(10);

/// An engine that compacted nothing for so long has nothing to compact.
const IDLE: Duration = Duration::from_secs(1);

/// The engine's handles. The database comes last: it is closed after what is open in it.
pub(crate) struct Tables {
    keyspaces: [Keyspace; Table::ALL.len()],
    pub(super) db: Database,
}

impl Tables {
    /// Opens every table, creating those that do not exist.
    pub(super) fn open(db: Database, options: fn(Table) -> fjall::KeyspaceCreateOptions) -> Result<Self, fjall::Error> {
        let mut keyspaces = Vec::with_capacity(Table::ALL.len());
        for table in Table::ALL {
            keyspaces.push(db.keyspace(table.name(), || options(table))?);
        }
        let Ok(keyspaces) = keyspaces.try_into() else { unreachable!("one keyspace was opened for each table") };
        Ok(Tables { keyspaces, db })
    }

    /// Writes out what is in memory, and waits until the engine compacts nothing any more. It does not tell how many
    /// compactions wait for their turn; but one follows the other, so that none running for a while is none waiting.
    fn settle(&self) -> Result<(), fjall::Error> {
        for keyspace in &self.keyspaces {
            keyspace.rotate_memtable()?;
        }
        self.wait_while(|keyspace| keyspace.tree.sealed_memtable_count() > 0)?;
        let mut last = (self.db.compactions_completed(), Instant::now());
        while last.1.elapsed() < IDLE {
            self.db.persist(PersistMode::Buffer)?;
            std::thread::sleep(IDLE / 20);
            let completed = self.db.compactions_completed();
            if self.db.active_compactions() > 0 || completed != last.0 {
                last = (completed, Instant::now());
            }
        }
        Ok(())
    }

    /// Waits until the engine has got so far that it does not wait in the next commit, as it does where it is behind: without
    /// looking whether its thread, for which it waits, has died. To be called before each commit.
    pub(super) fn wait_for_room(&self) -> Result<(), fjall::Error> {
        self.wait_while(|keyspace| {
            keyspace.tree.l0_run_count() >= RUNS_MAX || keyspace.tree.sealed_memtable_count() >= SEALED_MAX
        })
    }

    /// Waits as long as a table says so; an error once the engine's thread has died, which a full disk is enough for.
    fn wait_while(&self, says_so: impl Fn(&Keyspace) -> bool) -> Result<(), fjall::Error> {
        let (begun, mut is_told) = (Instant::now(), false);
        while self.keyspaces.iter().any(&says_so) {
            self.db.persist(PersistMode::Buffer)?;
            std::thread::sleep(POLL);
            if begun.elapsed() > LONG && !is_told {
                tracing::warn!(
                    compactions = self.db.active_compactions(),
                    "the engine of tweets is far behind: writes wait for it"
                );
                is_told = true;
            }
        }
        Ok(())
    }

    /// Begins a new memtable for each table whose memtable has more bytes than `full` says. To be called after each commit.
    ///
    /// The engine asks its own thread for that: at each commit to a full table, until it gets to it. While it compacts,
    /// a thousand such messages are all that there is room for; and the one that it then comes to has it send another,
    /// for whose room it waits for ever, since nobody else takes any. So no table stays full here, and the bound on
    /// what is in memory holds.
    pub(super) fn rotate_full(&self, full: impl Fn(Table) -> u64) -> Result<(), fjall::Error> {
        for (table, keyspace) in Table::ALL.into_iter().zip(&self.keyspaces) {
            if keyspace.tree.active_memtable().size() > full(table) {
                keyspace.rotate_memtable()?;
            }
        }
        Ok(())
    }

    pub(super) fn keyspace(&self, table: Table) -> &Keyspace {
        &self.keyspaces[table as usize]
    }
}

/// One durable state.
#[derive(Clone)]
pub(crate) struct View {
    snapshot: Snapshot,
    state: StateRecord,
    bounds: Arc<Bounds>,
    known: Arc<KnownTweets>,
    tables: Arc<Tables>,
    /// Whether whatever is not in memory is an error.
    is_in_memory: bool,
}

impl View {
    /// The state of this moment. Only who knows that it is durable may call this.
    pub(super) fn now(
        tables: &Arc<Tables>,
        bounds: &Arc<Bounds>,
        known: &Arc<KnownTweets>,
        state: StateRecord,
    ) -> Self {
        View {
            snapshot: tables.db.snapshot(),
            state,
            bounds: bounds.clone(),
            known: known.clone(),
            tables: tables.clone(),
            is_in_memory: false,
        }
    }

    /// The same state, as far as it is in memory: a read that the engine would have to be asked for is
    /// [`StoreError::NotInMemory`], and nothing ever waits for the disk.
    pub(super) fn in_memory(&self) -> Self {
        View { is_in_memory: true, ..self.clone() }
    }

    /// Whether whatever is not in memory is an error.
    pub(crate) fn is_in_memory(&self) -> bool {
        self.is_in_memory
    }

    fn engine(&self) -> Result<&Snapshot, StoreError> {
        if self.is_in_memory { Err(StoreError::NotInMemory) } else { Ok(&self.snapshot) }
    }

    /// Writes out what is in memory, and waits until the engine compacts nothing any more.
    pub(super) fn settle(&self) -> Result<(), fjall::Error> {
        self.tables.settle()
    }

    /// The number of the batch that made it.
    pub(crate) fn batch(&self) -> u64 {
        self.state.batch
    }

    /// No entry is newer.
    pub(crate) fn greatest(&self) -> TweetId {
        TweetId(self.state.greatest)
    }

    /// One record.
    pub(super) fn get<M: Message + Default>(&self, table: Table, key: &[u8]) -> Result<Option<M>, StoreError> {
        let value = self.engine()?.get(self.tables.keyspace(table), key)?;
        value.map(|value| record::decode(table, key, &value)).transpose()
    }

    /// The records from a key on, in order, each with its key.
    pub(super) fn from<M: Message + Default>(
        &self,
        table: Table,
        key: &[u8],
    ) -> impl Iterator<Item = Result<(fjall::Slice, M), StoreError>> + use<M> {
        let items = self.engine().map(|engine| engine.range(self.tables.keyspace(table), key..));
        records(table, items)
    }

    /// The records from key `first` to key `last`, both included, in order, each with its key.
    pub(super) fn between<M: Message + Default>(
        &self,
        table: Table,
        first: &[u8],
        last: &[u8],
    ) -> impl Iterator<Item = Result<(fjall::Slice, M), StoreError>> + use<M> {
        let items = self.engine().map(|engine| engine.range(self.tables.keyspace(table), first..=last));
        records(table, items)
    }

    /// Whether a table has anything under a prefix.
    pub(super) fn any(&self, table: Table, prefix: &[u8]) -> Result<bool, StoreError> {
        let first = self.engine()?.prefix(self.tables.keyspace(table), prefix).next();
        Ok(first.map(|guard| guard.key()).transpose()?.is_some())
    }

    /// Who wrote a tweet; none where there is none, or none any more.
    pub(crate) fn author_of(&self, id: TweetId) -> Result<Option<UserId>, StoreError> {
        let index = self.get::<IndexRecord>(Table::Index, &keys::id_key(id))?;
        Ok(index.filter(|index| !index.deleted).map(|index| UserId(index.author)))
    }

    /// A tweet; none where there is none, or none any more.
    pub(crate) fn tweet(&self, id: TweetId) -> Result<Option<Tweet>, StoreError> {
        let Some(author) = self.author_of(id)? else { return Ok(None) };
        self.tweet_of(author, id).map(Some)
    }

    /// A tweet of which it is known, in this state, that it is not deleted.
    pub(crate) fn tweet_of(&self, author: UserId, id: TweetId) -> Result<Tweet, StoreError> {
        let key = keys::of_user(author, id);
        // Whatever says that a tweet is there is written in one batch with it.
        let record = self.get(Table::Tweets, &key)?.ok_or_else(|| damaged(Table::Tweets, &key, Damage::Missing))?;
        Ok(Tweet { id, author, record })
    }

    /// A tweet, if it is by this author and not deleted.
    fn tweet_if_by(&self, author: UserId, id: TweetId) -> Result<Option<Tweet>, StoreError> {
        let record = self.get(Table::Tweets, &keys::of_user(author, id))?;
        Ok(record.map(|record| Tweet { id, author, record }))
    }

    /// A tweet of which it is known, in this state, that it is not deleted, with its counts. `author` is who it may be by, if
    /// that can be told.
    pub(super) fn known(&self, author: Option<UserId>, id: TweetId) -> Result<Arc<Known>, StoreError> {
        if let Some(known) = self.known.get(id) {
            return Ok(known);
        }
        let by_author = author.map(|author| self.tweet_if_by(author, id)).transpose()?.flatten();
        self.counted(by_author.map_or_else(|| self.tweet_that_is_there(id), Ok)?)
    }

    /// A tweet that was read from this state, with its counts.
    pub(super) fn counted(&self, tweet: Tweet) -> Result<Arc<Known>, StoreError> {
        if let Some(known) = self.known.get(tweet.id) {
            return Ok(known);
        }
        let counts = self.get::<CountsRecord>(Table::Counts, &keys::id_key(tweet.id))?.unwrap_or_default();
        let known = Arc::new(Known { tweet, counts });
        self.known.put(known.clone(), self.batch());
        Ok(known)
    }

    /// A tweet of which it is known, in this state, that it is not deleted; by whomever it is.
    fn tweet_that_is_there(&self, id: TweetId) -> Result<Tweet, StoreError> {
        self.tweet(id)?.ok_or_else(|| damaged(Table::Index, &keys::id_key(id), Damage::Missing))
    }

    /// What an author's idempotency key made, if it is remembered.
    pub(crate) fn request(&self, author: UserId, idempotency_key: &str) -> Result<Option<TweetId>, StoreError> {
        let request = self.get::<record::RequestRecord>(Table::Requests, &keys::request(author, idempotency_key))?;
        Ok(request.map(|request| TweetId(request.id)))
    }

    /// How many tweets an author has.
    pub(crate) fn tweets_count(&self, author: UserId) -> Result<u64, StoreError> {
        Ok(self.get::<AuthorRecord>(Table::Authors, &keys::author_key(author))?.map_or(0, |author| author.tweets))
    }

    /// The tweets and retweets of some authors, merged. Each author costs at most one scan, and none where the bounds of
    /// their ids show that there is nothing to find, or nothing before the walk ends.
    pub(crate) fn entries_of(
        &self,
        authors: impl Iterator<Item = UserId>,
        order: Order,
        between: Between,
    ) -> Merge<AuthorStream<'_>> {
        Merge::new(order, authors.filter_map(|author| self.stream_of(author, order, between)).collect())
    }

    /// The tweets and retweets of one author; none where the bounds of their ids show that there are none.
    pub(crate) fn stream_of(&self, author: UserId, order: Order, between: Between) -> Option<AuthorStream<'_>> {
        let (first, last) = between.bounds()?;
        let Span { oldest, newest } = self.bounds.of(author)?;
        let ids = Span { oldest: oldest.max(first), newest: newest.min(last) };
        (ids.oldest <= ids.newest).then_some(AuthorStream { view: self, author, order, ids, scan: None })
    }

    /// The records under a prefix, by the id at the end of their keys.
    pub(super) fn scan<M: Message + Default>(
        &self,
        table: Table,
        prefix: &[u8],
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, M), StoreError>> + use<M> {
        let bounds = between.bounds();
        let scan = bounds.map(|(oldest, newest)| self.scan_ids(table, prefix, Span { oldest, newest }, order));
        scan.into_iter().flatten()
    }

    fn scan_ids<M: Message + Default>(&self, table: Table, prefix: &[u8], ids: Span, order: Order) -> Scan<M> {
        Scan::new(table, prefix, ids, order, |keys| Ok(self.engine()?.range(self.tables.keyspace(table), keys)))
    }
}

/// The records of some items of a table, or why there are none.
fn records<M: Message + Default>(
    table: Table,
    items: Result<fjall::Iter, StoreError>,
) -> impl Iterator<Item = Result<(fjall::Slice, M), StoreError>> + use<M> {
    let (items, refused) = match items {
        Ok(items) => (Some(items), None),
        Err(refused) => (None, Some(Err(refused))),
    };
    let records = items.into_iter().flatten().map(move |guard| {
        let (key, value) = guard.into_inner()?;
        let record = record::decode(table, &key, &value)?;
        Ok((key, record))
    });
    refused.into_iter().chain(records)
}

/// The tweets and retweets of one author. The scan begins at the first call.
pub(crate) struct AuthorStream<'a> {
    view: &'a View,
    author: UserId,
    order: Order,
    ids: Span,
    scan: Option<Scan<TweetRecord>>,
}

impl Stream for AuthorStream<'_> {
    type Entry = Tweet;
    type Error = StoreError;

    fn earliest(&self) -> TweetId {
        match self.order {
            Order::NewestFirst => self.ids.newest,
            Order::OldestFirst => self.ids.oldest,
        }
    }

    fn next(&mut self) -> Result<Option<(TweetId, Tweet)>, StoreError> {
        let AuthorStream { view, author, order, ids, ref mut scan } = *self;
        let scan = scan.get_or_insert_with(|| view.scan_ids(Table::Tweets, &keys::author_key(author), ids, order));
        let Some((id, record)) = scan.next().transpose()? else { return Ok(None) };
        Ok(Some((id, Tweet { id, author, record })))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use fjall::KeyspaceCreateOptions;

    use super::*;

    /// Each commit to full tables adds messages to the engine's queue until its only thread, which waits for room for one of its
    /// own, is the only one that could make any.
    #[test]
    fn the_engine_goes_on_however_many_commits_find_their_tables_full() {
        const FULL: u64 = 64;
        let folder = tempfile::tempdir().expect("a folder");
        let db = Database::builder(folder.path()).worker_threads(1).open().expect("an empty folder");
        let tables = Tables::open(db, |_| KeyspaceCreateOptions::default().max_memtable_size(FULL)).expect("tables");
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            for number in 0..60u64 {
                let mut batch = tables.db.batch();
                for table in Table::ALL {
                    batch.insert(tables.keyspace(table), number.to_be_bytes(), [0; FULL as usize]);
                }
                batch.commit().expect("the disk works");
                tables.rotate_full(|_| FULL).expect("the disk works");
                let in_memory = Table::ALL.map(|table| tables.keyspace(table).tree.active_memtable().size());
                assert!(in_memory.iter().all(|bytes| *bytes <= FULL), "{in_memory:?}");
            }
            tables.settle().expect("the disk works");
            ended.send(()).expect("somebody waits");
        });
        end.recv_timeout(Duration::from_secs(300)).expect("the engine's thread waits for itself");
    }

    /// The engine waits for room as long as it takes, though its thread is dead: writes then came too late for ever, and
    /// the store could not be closed.
    #[test]
    fn nobody_waits_for_an_engine_whose_thread_has_died() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Database::builder(folder.path()).worker_threads(1).open().expect("an empty folder");
        let tables = Tables::open(db, |_| KeyspaceCreateOptions::default()).expect("tables");
        let (ended, end) = mpsc::channel();
        let keyspace = tables.keyspace(Table::Tweets).clone();
        keyspace.insert("key", "value").expect("the disk works");
        std::fs::remove_dir_all(keyspace.path()).expect("there is a table");
        thread::spawn(move || {
            let settled = tables.settle();
            // More for the thread to do, as it is when there is no room.
            for sequence in 2..2 + SEALED_MAX as u64 {
                keyspace.tree.insert("key", "value", sequence);
                assert!(keyspace.tree.rotate_memtable().is_some());
            }
            ended.send((settled.is_err(), tables.wait_for_room().is_err())).expect("somebody waits");
        });
        let ended = end.recv_timeout(Duration::from_secs(300)).expect("it is waited for a thread that has died");
        assert_eq!(ended, (true, true));
    }
}
