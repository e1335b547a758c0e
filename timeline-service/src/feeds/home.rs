//! A home feed as pages are cut from it: streams from wherever they are cheapest, one merge, and the rules as a filter over it.
//!
//! Whatever the mode, the rules judge every entry by itself, and every stream is complete from its newest entry down to the
//! oldest of the store. So a page is the same whichever streams it was merged from.

use std::sync::Arc;

use base::{TweetId, UserId};

use super::Feeds;
use super::entry::{Backwards, Entry};
use super::gone::Epochs;
use super::lists::Lists;
use super::pull::{AuthorStream, Candidate, PulledStream, Route, Source, Stored};
use crate::core::merge::{Merge, Order, Stream};
use crate::core::page::{Between, Timeline, Visit, each};
use crate::core::rules::Facts;
use crate::error::StoreError;
use crate::tweets::Tweet;

/// Entries of a feed of which the memory is asked at once for what the rules look at: those of a page.
const FETCHED: usize = 32;

/// A home feed in one state.
pub(crate) struct HomeFeed<S> {
    pub(super) feeds: Arc<Feeds>,
    pub(super) stored: Arc<S>,
    pub(super) lists: Arc<Lists>,
    /// What went, known up to the state.
    pub(super) gone: Arc<Epochs>,
    /// The epoch before the state was taken.
    pub(super) stamp: u64,
    /// None where all streams are merged.
    pub(super) pushed: Option<Pushed>,
}

/// What a materialised feed was made of at one moment.
#[derive(Debug)]
pub(crate) struct Pushed {
    /// The newest of its entries, oldest first.
    pub words: Vec<u64>,
    /// They are exact from here up; none where only some were taken, which end where they end.
    pub from: Option<TweetId>,
    /// Entries of the reader's authors that are not delivered yet, oldest first.
    pub under_way: Vec<Entry>,
    /// Authors whose streams are merged in.
    pub pulled: Vec<u32>,
}

impl Pushed {
    /// Whether nothing is to be merged with the materialised feed.
    fn is_all(&self) -> bool {
        self.under_way.is_empty() && self.pulled.is_empty()
    }
}

/// An entry that the rules let through.
#[derive(Debug)]
pub(crate) struct Placed {
    pub entry: Entry,
    pub route: Route,
    /// What the store has of it, where it was read from there.
    pub tweet: Option<Box<Tweet>>,
}

impl<S: Stored> Timeline for HomeFeed<S> {
    type Entry = Placed;
    type Error = StoreError;

    fn walk(&self, order: Order, between: Between, mut visit: impl Visit<Placed>) -> Result<(), StoreError> {
        match (order, &self.pushed) {
            (Order::OldestFirst, _) => self.show(self.upwards(between), visit),
            (Order::NewestFirst, None) => self.show(self.source().merge(self.lists.authors(), between), visit),
            (Order::NewestFirst, Some(pushed)) if pushed.is_all() => {
                let Some((first, last)) = between.bounds() else { return Ok(()) };
                let mut stream = self.feed(pushed, first, last);
                while let Some(entry) = stream.next_pushed() {
                    let shows = self.shows(&entry, false)?;
                    let placed = shows.then_some(Placed { entry, route: Route::Pushed, tweet: None });
                    if visit(entry.id(), placed).is_break() {
                        return Ok(());
                    }
                }
                self.show(std::iter::from_fn(|| stream.next().transpose()), visit)
            }
            (Order::NewestFirst, Some(pushed)) => {
                // What is under way may have been delivered, and an author who is pulled may have been pushed before.
                let mut last = None;
                let merge = self.merge(pushed, between).filter(move |item| match item {
                    Ok((id, _)) => last.replace(*id) != Some(*id),
                    Err(_) => true,
                });
                self.show(merge, visit)
            }
        }
    }
}

impl<S: Stored> HomeFeed<S> {
    pub(super) fn source(&self) -> Source<'_, S> {
        let HomeFeed { feeds, stored, lists, gone, stamp, .. } = self;
        Source { feeds, stored, gone, stamp: *stamp, reader: &lists.reader }
    }

    /// What the feed is read from.
    pub(crate) fn stored(&self) -> &Arc<S> {
        &self.stored
    }

    /// Whose feed it is.
    pub(crate) fn lists(&self) -> &Lists {
        &self.lists
    }

    /// Whether a materialised feed is part of it.
    pub(crate) const fn is_pushed(&self) -> bool {
        self.pushed.is_some()
    }

    /// Upwards nothing but the store knows the way.
    fn upwards(&self, between: Between) -> Merge<Up<S::Scan<'_>>> {
        let authors = self.lists.authors().iter();
        let scans = authors.filter_map(|&author| self.stored.scan(UserId(author), Order::OldestFirst, between));
        Merge::new(Order::OldestFirst, scans.map(Up).collect())
    }

    fn merge<'a>(&'a self, pushed: &'a Pushed, between: Between) -> Merge<Part<'a, S>> {
        let Some((first, last)) = between.bounds() else { return Merge::new(Order::NewestFirst, Vec::new()) };
        let last = last.min(self.stored.greatest());
        let mut streams = Vec::with_capacity(2 + pushed.pulled.len());
        streams.push(Part::Feed(Box::new(self.feed(pushed, first, last))));
        if !pushed.under_way.is_empty() {
            streams.push(Part::UnderWay(UnderWayStream { home: self, entries: &pushed.under_way, first, last }));
        }
        streams.extend(self.source().streams(pushed.pulled.iter().copied(), first, last).map(Part::Author));
        Merge::new(Order::NewestFirst, streams)
    }

    /// The materialised feed from one id to another.
    fn feed<'a>(&'a self, pushed: &'a Pushed, first: TweetId, last: TweetId) -> FeedStream<'a, S> {
        for entry in Backwards(&pushed.words).take(FETCHED) {
            if let Some(origin) = entry.origin() {
                self.lists.reader.fetch(&origin);
            }
        }
        let from = last.min(self.stored.greatest());
        FeedStream { home: self, words: Backwards(&pushed.words), complete_from: pushed.from, first, from, below: None }
    }

    /// Shows `visit` candidates, hidden where the rules do not let them through.
    fn show(
        &self,
        candidates: impl Iterator<Item = Result<(TweetId, Candidate), StoreError>>,
        visit: impl Visit<Placed>,
    ) -> Result<(), StoreError> {
        let judged = candidates.map(|item| {
            let (id, Candidate { entry, route, tweet }) = item?;
            Ok((id, self.shows(&entry, tweet.is_some())?.then_some(Placed { entry, route, tweet })))
        });
        each(judged, visit)
    }

    /// Whether the rules let an entry through, which was read from the store or from memory.
    #[inline]
    fn shows(&self, entry: &Entry, is_stored: bool) -> Result<bool, StoreError> {
        match entry.origin() {
            // Only authors whom the reader follows are merged.
            None => Ok(true),
            Some(origin) if is_stored => self.lists.reader.shows(&origin, &*self.stored),
            Some(origin) => {
                let facts = KnownAlive { stored: &*self.stored, is_first_retweet: entry.is_first_retweet() };
                self.lists.reader.shows(&origin, &facts)
            }
        }
    }

    fn is_here(&self, entry: &Entry) -> bool {
        !self.gone.hide(entry, self.stored.batch())
    }
}

/// The facts about what lies in memory: that it is not deleted was looked at before, and before the first retweet of a tweet there is none.
struct KnownAlive<'a, S> {
    stored: &'a S,
    is_first_retweet: bool,
}

impl<S: Stored> Facts for KnownAlive<'_, S> {
    type Error = StoreError;

    fn is_deleted(&self, _: TweetId) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn retweeters(
        &self,
        tweet: TweetId,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, UserId), StoreError>> {
        let stored = (!self.is_first_retweet).then_some(self.stored);
        stored.into_iter().flat_map(move |stored| stored.retweeters(tweet, between))
    }

    fn retweet_of(&self, user: UserId, tweet: TweetId) -> Result<Option<TweetId>, StoreError> {
        self.stored.retweet_of(user, tweet)
    }
}

/// The stream of an author in the store, upwards.
struct Up<T>(T);

impl<T: Stream<Entry = Tweet, Error = StoreError>> Stream for Up<T> {
    type Entry = Candidate;
    type Error = StoreError;

    fn earliest(&self) -> TweetId {
        self.0.earliest()
    }

    fn next(&mut self) -> Result<Option<(TweetId, Candidate)>, StoreError> {
        let Some((id, tweet)) = self.0.next()? else { return Ok(None) };
        let entry = Entry::from(&tweet);
        Ok(Some((id, Candidate { entry, route: Route::Pulled, tweet: Some(Box::new(tweet)) })))
    }
}

/// One of the streams of a pushed feed.
enum Part<'a, S: Stored> {
    Feed(Box<FeedStream<'a, S>>),
    UnderWay(UnderWayStream<'a, S>),
    Author(AuthorStream<'a, S>),
}

impl<S: Stored> Stream for Part<'_, S> {
    type Entry = Candidate;
    type Error = StoreError;

    fn earliest(&self) -> TweetId {
        match self {
            Part::Feed(stream) => stream.from,
            Part::UnderWay(stream) => stream.last,
            Part::Author(stream) => stream.earliest(),
        }
    }

    fn next(&mut self) -> Result<Option<(TweetId, Candidate)>, StoreError> {
        match self {
            Part::Feed(stream) => stream.next(),
            Part::UnderWay(stream) => Ok(stream.next()),
            Part::Author(stream) => stream.next(),
        }
    }
}

/// The materialised feed, and below its end the merge of all streams.
struct FeedStream<'a, S: Stored> {
    home: &'a HomeFeed<S>,
    words: Backwards<'a>,
    complete_from: Option<TweetId>,
    first: TweetId,
    /// The next entry is not newer than this.
    from: TweetId,
    below: Option<Merge<PulledStream<'a, S>>>,
}

impl<'a, S: Stored> FeedStream<'a, S> {
    /// The next entry of the feed itself; none at its end, or where only older ones than asked for are left.
    #[inline]
    fn next_pushed(&mut self) -> Option<Entry> {
        for entry in self.words.by_ref() {
            let id = entry.id();
            if id > self.from {
                continue;
            }
            self.from = TweetId(id.0.saturating_sub(1));
            if id < self.first {
                return None;
            }
            if self.home.is_here(&entry) {
                return Some(entry);
            }
        }
        None
    }

    fn next(&mut self) -> Result<Option<(TweetId, Candidate)>, StoreError> {
        if self.below.is_none() {
            if let Some(entry) = self.next_pushed() {
                return Ok(Some((entry.id(), Candidate { entry, route: Route::Pushed, tweet: None })));
            }
            if let Some(place) = self.complete_from {
                self.from = self.from.min(TweetId(place.0.saturating_sub(1)));
            }
        }
        let HomeFeed { lists, .. } = self.home;
        let between =
            Between { above: self.first.0.checked_sub(1).map(TweetId), below: self.from.0.checked_add(1).map(TweetId) };
        let below = self.below.get_or_insert_with(|| self.home.source().merge(lists.authors(), between));
        let next = below.next().transpose()?;
        if let Some((id, _)) = next {
            self.from = TweetId(id.0.saturating_sub(1));
        }
        Ok(next)
    }
}

/// What is not delivered yet.
struct UnderWayStream<'a, S> {
    home: &'a HomeFeed<S>,
    /// Oldest first.
    entries: &'a [Entry],
    first: TweetId,
    /// The next entry is not newer than this.
    last: TweetId,
}

impl<S: Stored> UnderWayStream<'_, S> {
    fn next(&mut self) -> Option<(TweetId, Candidate)> {
        while let Some((entry, older)) = self.entries.split_last() {
            self.entries = older;
            let id = entry.id();
            if (self.first..=self.last).contains(&id) && self.home.is_here(entry) {
                self.last = TweetId(id.0.saturating_sub(1));
                return Some((id, Candidate { entry: *entry, route: Route::UnderWay, tweet: None }));
            }
        }
        None
    }
}
