//! The pull merge over what is in memory: streams of authors that go on in the store where their heads end.
//!
//! A stream has three parts. Its newest entry, where the table of [bounds](crate::tweets::bounds) is exact, is known without
//! opening anything, and so is how far down the one after it lies: of most authors on a page nothing else is asked. Then comes
//! the [head](super::heads), filled where there is none. What lies below the head is read from the store.

use base::{TweetId, UserId};

use super::Feeds;
use super::entry::Entry;
use super::gone::Epochs;
use super::heads::{HEAD_ENTRIES, Head, State, Told};
use crate::core::merge::{Merge, Order, Stream};
use crate::core::page::Between;
use crate::core::rules::Facts;
use crate::error::StoreError;
use crate::tweets::{Tweet, View};

/// Entries of the store that are read for a head: hidden ones are left out of it.
const READ_MAX: usize = HEAD_ENTRIES * 2;

/// A durable state that streams go on in.
pub(crate) trait Stored: Facts<Error = StoreError> + Send + Sync + 'static {
    /// The stream of an author.
    type Scan<'a>: Stream<Entry = Tweet, Error = StoreError>;

    /// The number of the batch that made it.
    fn batch(&self) -> u64;

    /// No entry is newer.
    fn greatest(&self) -> TweetId;

    /// Whether whatever is not in memory is an error: then nothing is made that is to be kept.
    fn is_in_memory(&self) -> bool {
        false
    }

    /// The stream of an author, between two places; none where nothing is there.
    fn scan(&self, author: UserId, order: Order, between: Between) -> Option<Self::Scan<'_>>;
}

impl Stored for View {
    type Scan<'a> = crate::tweets::AuthorStream<'a>;

    fn batch(&self) -> u64 {
        View::batch(self)
    }

    fn greatest(&self) -> TweetId {
        View::greatest(self)
    }

    fn is_in_memory(&self) -> bool {
        View::is_in_memory(self)
    }

    fn scan(&self, author: UserId, order: Order, between: Between) -> Option<Self::Scan<'_>> {
        self.stream_of(author, order, between)
    }
}

/// An entry that the rules are to judge.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub entry: Entry,
    pub route: Route,
    /// What the store has of it, where it was read from there.
    pub tweet: Option<Box<Tweet>>,
}

/// How an entry came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// From its author's stream.
    Pulled,
    /// From the reader's materialised feed.
    Pushed,
    /// From those that are not delivered yet.
    UnderWay,
}

/// What the streams of one read have in common.
#[derive(Debug)]
pub(crate) struct Source<'a, S> {
    pub feeds: &'a Feeds,
    pub stored: &'a S,
    pub gone: &'a Epochs,
    pub stamp: u64,
}

impl<S> Clone for Source<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Source<'_, S> {}

impl<'a, S: Stored> Source<'a, S> {
    /// The merge of the streams of some authors, newest first.
    pub(crate) fn merge(self, authors: &[u32], between: Between) -> Merge<AuthorStream<'a, S>> {
        let mut streams = Vec::with_capacity(authors.len());
        if let Some((first, last)) = between.bounds() {
            let last = last.min(self.stored.greatest());
            streams.extend(authors.iter().filter_map(|&author| self.stream(UserId(author), first, last)));
        }
        Merge::new(Order::NewestFirst, streams)
    }

    /// The stream of an author from `last` down to `first`, both included.
    pub(crate) fn stream(self, author: UserId, first: TweetId, last: TweetId) -> Option<AuthorStream<'a, S>> {
        let bounds = self.feeds.bounds();
        let top = bounds.top(author);
        if top.newest.0 == 0 || top.newest < first {
            return None;
        }
        let (phase, from) = match top.newest <= last {
            true if top.is_exact => (Phase::Top, top.newest),
            true => (Phase::Head, top.newest),
            // The newest is not asked for; whether anything else is there at all, its oldest place tells.
            false if bounds.of(author).is_some_and(|span| span.oldest > last) => return None,
            false => (Phase::Head, last),
        };
        Some(AuthorStream { source: self, author, phase, first, from, scan: None })
    }

    fn state(&self) -> State<'a> {
        let Source { stored, gone, stamp, .. } = *self;
        State { gone, batch: stored.batch(), greatest: stored.greatest(), stamp }
    }

    /// Reads an author's head from the store.
    #[cold]
    fn fill(&self, author: UserId) -> Result<(), StoreError> {
        let state = self.state();
        let below = state.greatest.0.checked_add(1).map(TweetId);
        let mut entries = Vec::with_capacity(HEAD_ENTRIES);
        let mut complete_from = TweetId(0);
        if let Some(mut scan) = self.stored.scan(author, Order::NewestFirst, Between { above: None, below }) {
            for read in 1.. {
                let Some((id, tweet)) = scan.next()? else { break };
                let entry = Entry::from(&tweet);
                if !is_dead(self.stored, &entry)? {
                    entries.push(entry);
                }
                if entries.len() == HEAD_ENTRIES || read == READ_MAX {
                    complete_from = id;
                    break;
                }
            }
        }
        let mut words = Vec::with_capacity(entries.len());
        entries.iter().rev().for_each(|entry| entry.write(&mut words));
        let head = Head { words, complete_from, stamp: state.stamp, batch: state.batch };
        self.feeds.heads.fill(author, head, &state, &self.feeds.gone, self.feeds.bounds());
        Ok(())
    }
}

/// Whether what an entry hangs on is deleted. The entry itself was just read.
pub(crate) fn is_dead<S: Stored>(stored: &S, entry: &Entry) -> Result<bool, StoreError> {
    if entry.shown() != entry.id() && stored.is_deleted(entry.shown())? {
        return Ok(true);
    }
    match entry.answers() {
        Some((answered, _)) => stored.is_deleted(answered),
        None => Ok(false),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The next entry is exactly at `from`.
    Top,
    Head,
    /// The head was just filled: if it does not answer now, it will not.
    Filled,
    Store,
}

/// The stream of one author, newest first.
pub(crate) struct AuthorStream<'a, S: Stored> {
    source: Source<'a, S>,
    author: UserId,
    phase: Phase,
    /// The last place that is asked for.
    first: TweetId,
    /// The next entry is not newer than this.
    from: TweetId,
    scan: Option<Box<S::Scan<'a>>>,
}

impl<S: Stored> AuthorStream<'_, S> {
    fn step(&mut self, entry: Entry, tweet: Option<Box<Tweet>>) -> (TweetId, Candidate) {
        let id = entry.id();
        self.from = self.from.min(TweetId(id.0.saturating_sub(1)));
        (id, Candidate { entry, route: Route::Pulled, tweet })
    }
}

impl<S: Stored> Stream for AuthorStream<'_, S> {
    type Entry = Candidate;
    type Error = StoreError;

    fn earliest(&self) -> TweetId {
        self.from
    }

    fn next(&mut self) -> Result<Option<(TweetId, Candidate)>, StoreError> {
        let Source { feeds, stored, gone, .. } = self.source;
        while self.from >= self.first && self.from.0 != 0 {
            match self.phase {
                Phase::Top => {
                    let id = self.from;
                    self.phase = Phase::Head;
                    let entry = Entry::Plain { id };
                    // Whatever came since lies above; then what the table calls next is this one or above it, too.
                    self.from = feeds.bounds().top(self.author).next.min(TweetId(id.0 - 1));
                    if !gone.hide(&entry, stored.batch()) {
                        return Ok(Some(self.step(entry, None)));
                    }
                }
                Phase::Head | Phase::Filled => match feeds.heads.next(self.author, self.from, &self.source.state()) {
                    Told::Entry(entry) if entry.id() < self.first => return Ok(None),
                    Told::Entry(entry) => {
                        feeds.figures.heads.hit();
                        return Ok(Some(self.step(entry, None)));
                    }
                    Told::CompleteFrom(place) => {
                        self.from = self.from.min(TweetId(place.0.saturating_sub(1)));
                        self.phase = Phase::Store;
                    }
                    Told::Unknown if self.phase == Phase::Head => {
                        feeds.figures.heads.miss();
                        self.source.fill(self.author)?;
                        self.phase = Phase::Filled;
                    }
                    Told::Unknown => self.phase = Phase::Store,
                },
                Phase::Store => {
                    if self.scan.is_none() {
                        let between = Between {
                            above: self.first.0.checked_sub(1).map(TweetId),
                            below: self.from.0.checked_add(1).map(TweetId),
                        };
                        let scan = stored.scan(self.author, Order::NewestFirst, between);
                        let Some(scan) = scan else { return Ok(None) };
                        self.scan = Some(Box::new(scan));
                    }
                    let Some(scan) = &mut self.scan else { return Ok(None) };
                    let Some((_, tweet)) = scan.next()? else { return Ok(None) };
                    return Ok(Some(self.step(Entry::from(&tweet), Some(Box::new(tweet)))));
                }
            }
        }
        Ok(None)
    }
}
