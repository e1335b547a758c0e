//! The pull merge over what is in memory: streams of authors that go on in the store where their heads end.
//!
//! A page shows entries of a few of hundreds of authors. So their newest moments are looked at first, and only the streams of those
//! who come first are made; all others are one stream until the page reaches them.
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
use crate::core::rules::{Facts, Reader};
use crate::error::StoreError;
use crate::tweets::bounds::Moment;
use crate::tweets::{Tweet, View};

/// Entries of the store that are read for a head: hidden ones are left out of it.
const READ_MAX: usize = HEAD_ENTRIES * 2;

/// Authors whose tops the memory is asked for at once: more than a core waits for together, few enough to stay in its nearest
/// cache.
const TOGETHER: usize = 64;

/// Authors whose streams a merge makes at first: more than a page has.
const FIRST: usize = 48;

/// Authors of the first page, or some more.
const PAGE: usize = 28;

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

/// How an entry came. A word: entries are handed on many times, which is slow where some of their bytes are copied apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
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
    /// Who reads.
    pub reader: &'a Reader,
}

impl<S> Clone for Source<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Source<'_, S> {}

impl<'a, S: Stored> Source<'a, S> {
    /// The merge of the streams of some authors, newest first.
    pub(crate) fn merge(self, authors: &[u32], between: Between) -> Merge<PulledStream<'a, S>> {
        let mut streams = Vec::new();
        if let Some((first, last)) = between.bounds() {
            streams.reserve(FIRST + 1);
            let last = last.min(self.stored.greatest());
            let mut authors = self.by_moment(authors, first, last);
            if authors.len() > FIRST {
                let (_, latest, _) = authors.select_nth_unstable_by(FIRST, |one, other| other.cmp(one));
                let from = Moment((*latest >> 32) as u32).last().min(last);
                let rest = authors.split_off(FIRST);
                streams.push(PulledStream::Rest(Box::new(Rest {
                    source: self,
                    authors: rest,
                    first,
                    from,
                    merge: None,
                })));
            }
            authors.sort_unstable_by(|one, other| other.cmp(one));
            let authors = authors.iter().map(|author| *author as u32);
            streams.extend(self.streams(authors, first, last).map(PulledStream::Author));
            self.fetch_heads(&streams);
        }
        Merge::new(Order::NewestFirst, streams)
    }

    /// Asks the memory for the heads that a page will open: those of the latest streams of which more than the newest entry may
    /// be on it.
    fn fetch_heads(&self, streams: &[PulledStream<'a, S>]) {
        let authors = || streams.iter().filter_map(PulledStream::author);
        let Some(end) = authors().take(PAGE).last().map(|stream| stream.from) else { return };
        let opened = |stream: &&AuthorStream<'a, S>| match stream.phase {
            Phase::Top => self.feeds.bounds().top(stream.author).next >= end,
            _ => true,
        };
        let opened: Vec<UserId> = authors().take(PAGE).filter(opened).map(|stream| stream.author).collect();
        self.feeds.heads.fetch(&opened, |newest| {
            newest.origin().into_iter().for_each(|origin| self.reader.fetch(&origin));
        });
    }

    /// Those of some authors who may have entries from `last` down to `first`, each below the moment of the newest of these.
    fn by_moment(&self, authors: &[u32], first: TweetId, last: TweetId) -> Vec<u64> {
        let bounds = self.feeds.bounds();
        let (first, last) = (Moment::of(first), Moment::of(last));
        let mut found = Vec::with_capacity(authors.len());
        let mut asked = authors.iter();
        let mut ask = |count| asked.by_ref().take(count).for_each(|author| bounds.fetch_moment(UserId(*author)));
        ask(TOGETHER);
        for author in authors {
            ask(1);
            let moment = bounds.moment(UserId(*author));
            if moment >= first {
                found.push(u64::from(moment.min(last).0) << 32 | u64::from(*author));
            }
        }
        found
    }

    /// The streams of some authors from `last` down to `first`, both included.
    pub(crate) fn streams(
        self,
        authors: impl Iterator<Item = u32> + Clone,
        first: TweetId,
        last: TweetId,
    ) -> impl Iterator<Item = AuthorStream<'a, S>> {
        let bounds = self.feeds.bounds();
        let mut asked = authors.clone();
        authors.enumerate().filter_map(move |(place, author)| {
            if place % TOGETHER == 0 {
                asked.by_ref().take(TOGETHER).for_each(|author| bounds.fetch(UserId(author)));
            }
            self.stream(UserId(author), first, last)
        })
    }

    /// The stream of an author from `last` down to `first`, both included.
    fn stream(self, author: UserId, first: TweetId, last: TweetId) -> Option<AuthorStream<'a, S>> {
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

/// One of the streams of a merge of many.
pub(crate) enum PulledStream<'a, S: Stored> {
    /// Of an author.
    Author(AuthorStream<'a, S>),
    /// Of all whose newest entry comes later than those of the others.
    Rest(Box<Rest<'a, S>>),
}

impl<'a, S: Stored> PulledStream<'a, S> {
    fn author(&self) -> Option<&AuthorStream<'a, S>> {
        match self {
            PulledStream::Author(stream) => Some(stream),
            PulledStream::Rest(_) => None,
        }
    }
}

impl<S: Stored> Stream for PulledStream<'_, S> {
    type Entry = Candidate;
    type Error = StoreError;

    fn earliest(&self) -> TweetId {
        match self {
            PulledStream::Author(stream) => stream.earliest(),
            PulledStream::Rest(rest) => rest.from,
        }
    }

    fn next(&mut self) -> Result<Option<(TweetId, Candidate)>, StoreError> {
        match self {
            PulledStream::Author(stream) => stream.next(),
            PulledStream::Rest(rest) => rest.next(),
        }
    }
}

/// The streams of many authors, none of which is made before it is their turn.
pub(crate) struct Rest<'a, S: Stored> {
    source: Source<'a, S>,
    /// Each below the moment of their newest entry.
    authors: Vec<u64>,
    /// The last place that is asked for.
    first: TweetId,
    /// The next entry is not newer than this.
    from: TweetId,
    merge: Option<Merge<AuthorStream<'a, S>>>,
}

impl<S: Stored> Rest<'_, S> {
    fn next(&mut self) -> Result<Option<(TweetId, Candidate)>, StoreError> {
        let Rest { source, authors, first, from, merge } = self;
        let merge = merge.get_or_insert_with(|| {
            let streams = source.streams(authors.iter().map(|author| *author as u32), *first, *from);
            Merge::new(Order::NewestFirst, streams.collect())
        });
        let next = merge.next().transpose()?;
        if let Some((id, _)) = next {
            self.from = TweetId(id.0.saturating_sub(1));
        }
        Ok(next)
    }
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
