//! The newest entries of each author, in memory, exact from a place on.
//!
//! A head is filled from the store when it is first asked for, and entries that come later are appended to it. What it says is
//! the truth for every id from `complete_from` up: whatever lies below is the store's to tell. Two things keep that so:
//!
//! - a head that was read from a view is kept only if the author has nothing newer than that view, which is looked at under
//!   the lock under which entries come in: nothing can fall between the two;
//! - nothing is taken out. What is deleted later is found in [`gone`](super::gone), from the stamp of the head on.

use base::{TweetId, UserId};

use super::entry::{Backwards, Entry};
use super::gone::{Epochs, Gone};
use crate::cache::{Cache, Weigh};
use crate::fetch::fetch;
use crate::tweets::bounds::Bounds;

/// Entries that a head is filled with. It grows to twice as many, and is cut to this number again.
pub(crate) const HEAD_ENTRIES: usize = 32;

/// The heads of all authors.
#[derive(Debug)]
pub(crate) struct Heads {
    cache: Cache<Head>,
}

/// The newest entries of an author.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    /// Oldest first.
    pub words: Vec<u64>,
    /// Nothing from here up is missing.
    pub complete_from: TweetId,
    /// The epoch since which what left is known.
    pub stamp: u64,
    /// The batch of the view that it was read from.
    pub batch: u64,
}

/// Who asks: with which state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State<'a> {
    pub gone: &'a Epochs,
    /// The view's batch.
    pub batch: u64,
    /// The greatest id of the view.
    pub greatest: TweetId,
    /// The epoch before the view was taken.
    pub stamp: u64,
}

/// What a head says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// The next entry.
    Entry(Entry),
    /// There is none from here up: below, the store tells. At 0 there is nothing below.
    CompleteFrom(TweetId),
    /// There is no head that answers for this state.
    Unknown,
}

impl Heads {
    /// No head is known.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Heads { cache: Cache::new(bytes_max) }
    }

    /// The newest entry of an author that is not newer than `from`.
    pub(crate) fn next(&self, author: UserId, from: TweetId, state: &State<'_>) -> Told {
        let mut shard = self.cache.lock(author);
        let Some(head) = shard.get(author) else { return Told::Unknown };
        if head.batch > state.batch || !state.gone.covers(head.stamp) {
            return Told::Unknown;
        }
        for entry in Backwards(&head.words) {
            if entry.id() <= from && !state.gone.hide(&entry, state.batch) {
                return Told::Entry(entry);
            }
        }
        Told::CompleteFrom(head.complete_from)
    }

    /// Asks the memory for the heads of some authors: for where they lie, then for what they are, then for their newest words,
    /// of all authors at once; then `each` gets the newest entries.
    pub(crate) fn fetch(&self, authors: &[UserId], mut each: impl FnMut(Entry)) {
        authors.iter().for_each(|author| self.cache.lock(*author).fetch_place(*author));
        authors.iter().for_each(|author| self.cache.lock(*author).fetch_value(*author));
        for author in authors {
            let shard = self.cache.lock(*author);
            shard.peek(*author).and_then(|head| head.words.last()).into_iter().for_each(fetch);
        }
        for author in authors {
            let shard = self.cache.lock(*author);
            shard
                .peek(*author)
                .and_then(|head| Entry::last(&head.words))
                .into_iter()
                .for_each(|(entry, _)| each(entry));
        }
    }

    /// Keeps a head that was read from the view of `state`, unless the author has written since.
    pub(crate) fn fill(&self, author: UserId, head: Head, state: &State<'_>, gone: &Gone, bounds: &Bounds) {
        let mut shard = self.cache.lock(author);
        let newest = bounds.top(author).newest;
        if newest > state.greatest {
            return;
        }
        // What went since the view, in the epochs of that or in a later one: it is recorded before it leaves under this lock.
        let gone = gone.now();
        let mut entries = Backwards(&head.words);
        if let Some(Entry::Plain { id }) = entries.next()
            && id == newest
            && gone.covers(state.stamp)
            && !gone.has(id, u64::MAX)
        {
            bounds.sharpen(author, id, entries.next().map_or(head.complete_from, |entry| entry.id()));
        }
        self.cache.put(&mut shard, author, head);
    }

    /// An entry is at the top of its author's stream, in a batch that is not published yet.
    pub(crate) fn enter(&self, author: UserId, entry: &Entry, stamp: u64, batch: u64, bounds: &Bounds) {
        let mut shard = self.cache.lock(author);
        let is_first = bounds.of(author).is_none();
        bounds.enter(author, entry.id(), matches!(entry, Entry::Plain { .. }));
        if is_first {
            let mut words = Vec::with_capacity(1);
            entry.write(&mut words);
            let head = Head { words, complete_from: TweetId(0), stamp, batch: batch.saturating_sub(1) };
            self.cache.put(&mut shard, author, head);
        } else {
            self.cache.change(&mut shard, author, |head| head.append(entry));
        }
    }

    /// An entry that no feed ever shows is at the top of its author's stream: a head of it stays as it is.
    pub(crate) fn enter_dead(&self, author: UserId, id: TweetId, bounds: &Bounds) {
        let _shard = self.cache.lock(author);
        bounds.enter(author, id, false);
    }

    /// An entry is no longer in its author's stream. It is recorded as gone before.
    pub(crate) fn leave(&self, author: UserId, id: TweetId, bounds: &Bounds) {
        let _shard = self.cache.lock(author);
        bounds.leave(author, id);
    }

    /// Bytes that all heads take.
    pub(crate) fn bytes(&self) -> usize {
        self.cache.bytes()
    }

    /// How many heads there are.
    pub(crate) fn len(&self) -> usize {
        self.cache.len()
    }

    #[cfg(test)]
    pub(crate) fn forget(&self, author: UserId) {
        self.cache.remove(&mut self.cache.lock(author), author);
    }
}

impl Head {
    fn append(&mut self, entry: &Entry) {
        entry.write(&mut self.words);
        // An entry has at least one word: fewer need not be counted.
        if self.words.len() < HEAD_ENTRIES * 2 {
            return;
        }
        let mut entries = Backwards(&self.words);
        let mut oldest = TweetId(0);
        for _ in 0..HEAD_ENTRIES {
            match entries.next() {
                Some(entry) => oldest = entry.id(),
                None => return,
            }
        }
        let cut = entries.0.len();
        if cut >= HEAD_ENTRIES {
            self.words.drain(..cut);
            self.complete_from = oldest;
        }
    }
}

impl Weigh for Head {
    fn bytes(&self) -> usize {
        // Beside itself a head takes a slot, a place in the map of its part, and the allocation of its words.
        const BESIDE: usize = 40;
        size_of::<Head>() + BESIDE + self.words.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ME: UserId = UserId(7);

    fn plain(id: u64) -> Entry {
        Entry::Plain { id: TweetId(id) }
    }

    /// What the head says from the newest down, and where it ends.
    fn walk(heads: &Heads, state: &State<'_>) -> Option<(Vec<u64>, u64)> {
        let mut from = state.greatest;
        let mut ids = Vec::new();
        loop {
            match heads.next(ME, from, state) {
                Told::Entry(entry) => {
                    ids.push(entry.id().0);
                    from = TweetId(entry.id().0 - 1);
                }
                Told::CompleteFrom(place) => return Some((ids, place.0)),
                Told::Unknown => return None,
            }
        }
    }

    #[test]
    fn a_head_that_was_read_before_a_tweet_is_not_kept_after_it() {
        let (heads, bounds, gone) = (Heads::new(1 << 20), Bounds::new(), Gone::new(9));
        heads.enter(ME, &plain(3), 1, 1, &bounds);
        heads.forget(ME);
        let epochs = gone.now();
        let before = State { gone: &epochs, batch: 1, greatest: TweetId(3), stamp: 1 };
        heads.enter(ME, &plain(5), 1, 2, &bounds);
        let head = Head { words: vec![3], complete_from: TweetId(0), stamp: 1, batch: 1 };
        heads.fill(ME, head.clone(), &before, &gone, &bounds);
        assert_eq!(walk(&heads, &before), None, "tweet 5 would be missing for ever");
        let after = State { batch: 2, greatest: TweetId(5), ..before };
        heads.fill(ME, Head { words: vec![3, 5], batch: 2, ..head }, &after, &gone, &bounds);
        assert_eq!(walk(&heads, &after), Some((vec![5, 3], 0)));
        assert_eq!(walk(&heads, &before), None, "what left before the head was read is not known to older states");
    }

    #[test]
    fn a_slow_read_does_not_make_a_deleted_tweet_the_top_again() {
        let (heads, bounds, gone) = (Heads::new(1 << 20), Bounds::new(), Gone::new(1));
        heads.enter(ME, &plain(3), 1, 1, &bounds);
        let epochs = gone.now();
        let slow = State { gone: &epochs, batch: 1, greatest: TweetId(3), stamp: 1 };
        gone.record(TweetId(2), 2);
        assert!(gone.turn());
        gone.record(TweetId(3), 3);
        heads.leave(ME, TweetId(3), &bounds);
        assert!(!bounds.top(ME).is_exact);
        heads.fill(ME, Head { words: vec![3], complete_from: TweetId(0), stamp: 1, batch: 1 }, &slow, &gone, &bounds);
        assert!(!bounds.top(ME).is_exact, "the epochs of the slow one do not know of it");
    }

    proptest! {
        /// A head says, for every state, what the stream of that state says from some place up.
        #[test]
        fn a_head_is_the_stream_from_a_place_on(steps in prop::collection::vec((0..8, any::<prop::sample::Index>()), 1..150)) {
            let (heads, bounds, gone) = (Heads::new(1 << 20), Bounds::new(), Gone::new(3));
            // For each id the batch in which it came and that in which it went.
            let mut all: Vec<(u64, u64, u64)> = Vec::new();
            for (batch, (step, index)) in (1_u64..).zip(steps) {
                match step {
                    0 if !all.is_empty() => {
                        let place = index.index(all.len());
                        if all[place].2 == u64::MAX {
                            all[place].2 = batch;
                            gone.record(TweetId(all[place].0), batch);
                            gone.turn();
                            heads.leave(ME, TweetId(all[place].0), &bounds);
                        }
                    }
                    1 => heads.forget(ME),
                    2 => {
                        let epochs = gone.now();
                        let greatest = TweetId(all.last().map_or(0, |last| last.0));
                        let state = State { gone: &epochs, batch, greatest, stamp: gone.stamp() };
                        let alive = all.iter().filter(|tweet| tweet.2 == u64::MAX).map(|tweet| tweet.0);
                        let head = Head { words: alive.collect(), complete_from: TweetId(0), stamp: state.stamp, batch };
                        heads.fill(ME, head, &state, &gone, &bounds);
                    }
                    _ => {
                        all.push((batch * 10, batch, u64::MAX));
                        heads.enter(ME, &plain(batch * 10), gone.stamp(), batch, &bounds);
                    }
                }
                let epochs = gone.now();
                for seen in batch.saturating_sub(3)..=batch {
                    let greatest = TweetId(all.iter().filter(|tweet| tweet.1 <= seen).map(|tweet| tweet.0).max().unwrap_or(0));
                    let state = State { gone: &epochs, batch: seen, greatest, stamp: gone.stamp() };
                    let Some((ids, from)) = walk(&heads, &state) else { continue };
                    let stream = all.iter().rev().filter(|tweet| tweet.1 <= seen && seen < tweet.2).map(|tweet| tweet.0);
                    prop_assert!(stream.clone().filter(|&id| id >= from).eq(ids.iter().copied().filter(|&id| id >= from)));
                    let top = bounds.top(ME);
                    if top.is_exact && top.newest <= state.greatest && !epochs.has(top.newest, seen) {
                        prop_assert_eq!(stream.clone().next(), Some(top.newest.0));
                        prop_assert!(stream.clone().nth(1).unwrap_or(0) <= top.next.0);
                    }
                }
            }
        }
    }
}
