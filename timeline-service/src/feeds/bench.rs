//! Feeds without a graph and without a store, for benchmarks: everything is in memory.
//!
//! ```text
//! let feeds = MemoryFeeds::new(FeedSettings::default());
//! let posted = feeds.post(author, id);            // ids rise
//! let reader = feeds.reader(user, followees, hidden);
//! feeds.pull(&reader, 20);                        // ids of the newest 20, newest first
//! feeds.materialise(&reader);
//! feeds.deliver(&[posted], &[recipients]);        // appends to the feeds of those who have one
//! feeds.materialised(&reader, 20);                // the same ids, from the reader's feed
//! feeds.stop_pushing(celebrity);                  // from now on it is merged: a hybrid read
//! ```

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{TweetId, UserId};
use parking_lot::RwLock;
use roaring::RoaringBitmap;

use super::entry::{Entry, Others};
use super::lists::Lists;
use super::pull::Stored;
use super::tier::Nowhere;
use super::{Feeds, Mode};
use crate::core::merge::{Order, Stream};
use crate::core::page::{self, Between, Position, Wanted};
use crate::core::rules::{Facts, Sources};
use crate::error::StoreError;
use crate::graph::Versions;
use crate::settings::FeedSettings;
use crate::tweets::Tweet;

/// Feeds without a graph and without a store.
#[derive(Debug)]
pub struct MemoryFeeds {
    feeds: Arc<Feeds>,
    retweets: Arc<Retweets>,
    batch: AtomicU64,
}

/// A reader with their lists.
#[derive(Clone, Debug)]
pub struct MemoryReader(Arc<Lists>);

/// What somebody posted, to be delivered.
#[derive(Clone, Copy, Debug)]
pub struct MemoryEntry(Entry);

impl MemoryFeeds {
    /// Nobody has posted anything.
    pub fn new(settings: FeedSettings) -> Self {
        let feeds = Arc::new(Feeds::new(settings, Box::new(Nowhere), 1));
        MemoryFeeds { feeds, retweets: Arc::default(), batch: AtomicU64::new(1) }
    }

    /// A plain tweet. Its id is greater than any before.
    pub fn post(&self, author: UserId, id: TweetId) -> MemoryEntry {
        self.enter(author, Entry::Plain { id })
    }

    /// A comment on a tweet, `answered`, and who wrote that.
    pub fn comment(&self, author: UserId, id: TweetId, answered: (TweetId, UserId)) -> MemoryEntry {
        self.enter(author, Entry::Comment { id, author, answers: answered })
    }

    /// A retweet of a tweet, `shown`, and who wrote that.
    pub fn retweet(&self, retweeter: UserId, id: TweetId, (shown, author): (TweetId, UserId)) -> MemoryEntry {
        let mut of = self.retweets.of.write();
        let others = of.entry(shown).or_default();
        let is_first = others.is_empty();
        others.push((id, retweeter));
        let retweet = Entry::Retweet { id, retweeter, shown, author, answers: None, others: Others::Unknown };
        self.enter(retweeter, if is_first { retweet.first() } else { retweet })
    }

    /// A tweet is deleted, or a retweet taken back.
    pub fn delete(&self, author: UserId, id: TweetId) {
        self.feeds.leave(author, id, self.batch.fetch_add(1, Ordering::Relaxed));
        self.feeds.gone.turn();
    }

    fn enter(&self, author: UserId, entry: Entry) -> MemoryEntry {
        let batch = self.batch.fetch_add(1, Ordering::Relaxed);
        self.feeds.heads.enter(author, &entry, self.feeds.gone.stamp(), batch, &self.feeds.bounds);
        self.retweets.greatest.fetch_max(entry.id().0, Ordering::AcqRel);
        MemoryEntry(entry)
    }

    /// A reader who follows some people, and from whom some are hidden. They are active from now on.
    pub fn reader(&self, user: UserId, followees: RoaringBitmap, hidden: RoaringBitmap) -> MemoryReader {
        self.feeds.active.join(user);
        MemoryReader(Arc::new(Lists::new(user, Versions::default(), Sources { followees, hidden })))
    }

    /// The newest entries by the merge of all streams, newest first.
    pub fn pull(&self, reader: &MemoryReader, limit: usize) -> Vec<TweetId> {
        self.read(reader, Mode::Pull, limit)
    }

    /// Makes the reader's feed where there is none.
    pub fn materialise(&self, reader: &MemoryReader) {
        self.read(reader, Mode::Push, 1);
    }

    /// The newest entries from the reader's feed, newest first, and from the streams of those who are not pushed.
    pub fn materialised(&self, reader: &MemoryReader, limit: usize) -> Vec<TweetId> {
        self.read(reader, Mode::Push, limit)
    }

    /// Appends entries, in their order, to the feeds of those of their recipients who have one; answers how many deliveries
    /// that were.
    pub fn deliver(&self, entries: &[MemoryEntry], recipients: &[&[u32]]) -> u64 {
        let entries: Vec<_> = entries.iter().map(|MemoryEntry(entry)| *entry).collect();
        self.feeds.materialised.deliver(&entries, recipients)
    }

    /// An author is over the threshold: reads merge their stream from now on.
    pub fn stop_pushing(&self, author: UserId) {
        self.feeds.unpushed.set_over(author, true);
    }

    /// Bytes of all heads, and how many there are.
    pub fn heads(&self) -> (usize, usize) {
        (self.feeds.heads.bytes(), self.feeds.heads.len())
    }

    /// Bytes of all materialised feeds, and how many there are.
    pub fn feeds(&self) -> (usize, usize) {
        (self.feeds.materialised.bytes(), self.feeds.materialised.len())
    }

    fn read(&self, MemoryReader(lists): &MemoryReader, mode: Mode, limit: usize) -> Vec<TweetId> {
        let wanted = Wanted { position: Position::First, limit };
        let words = super::words_for(wanted);
        let home = self.feeds.home(lists.clone(), mode, words, || self.retweets.clone());
        let page = home.ok().and_then(|home| page::cut(&home, wanted).ok());
        page.map(|page| page.entries.iter().map(|entry| entry.0).collect()).unwrap_or_default()
    }
}

/// A store that knows who retweeted what, and of streams nothing beyond what is in memory.
#[derive(Debug, Default)]
struct Retweets {
    /// The retweets of each tweet, oldest first, and whose they are.
    of: RwLock<HashMap<TweetId, Vec<(TweetId, UserId)>>>,
    greatest: AtomicU64,
}

impl Facts for Retweets {
    type Error = StoreError;

    fn is_deleted(&self, _: TweetId) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn retweeters(
        &self,
        tweet: TweetId,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, UserId), StoreError>> {
        let lies = |id: TweetId| between.bounds().is_some_and(|(first, last)| (first..=last).contains(&id));
        let of = self.of.read();
        let found: Vec<_> = of.get(&tweet).into_iter().flatten().filter(|(id, _)| lies(*id)).copied().collect();
        found.into_iter().map(Ok)
    }

    fn retweet_of(&self, user: UserId, tweet: TweetId) -> Result<Option<TweetId>, StoreError> {
        let of = self.of.read();
        let mut retweets = of.get(&tweet).into_iter().flatten();
        Ok(retweets.find(|(_, retweeter)| *retweeter == user).map(|(id, _)| *id))
    }
}

impl Stored for Retweets {
    type Scan<'a> = NoScan;

    fn batch(&self) -> u64 {
        u64::MAX >> 1
    }

    fn greatest(&self) -> TweetId {
        TweetId(self.greatest.load(Ordering::Acquire))
    }

    fn scan(&self, _: UserId, _: Order, _: Between) -> Option<NoScan> {
        None
    }
}

/// A stream without entries.
#[derive(Debug)]
struct NoScan;

impl Stream for NoScan {
    type Entry = Tweet;
    type Error = StoreError;

    fn earliest(&self) -> TweetId {
        TweetId(0)
    }

    fn next(&mut self) -> Result<Option<(TweetId, Tweet)>, StoreError> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feeds::pull::Source;

    #[test]
    fn a_pull_and_a_materialised_feed_show_the_same() {
        let feeds = MemoryFeeds::new(FeedSettings::default());
        let reader = feeds.reader(UserId(9), (0..9).collect(), RoaringBitmap::new());
        let id = |number| TweetId::from_parts(number, 0, UserId(number as u32 % 12));
        for number in 1..200 {
            feeds.post(UserId(number as u32 % 12), id(number));
        }
        feeds.materialise(&reader);
        feeds.stop_pushing(UserId(3));
        for number in 200..240_u64 {
            let author = UserId(number as u32 % 12);
            let posted = feeds.post(author, id(number));
            let recipients: &[u32] = if author.0 <= 9 && author.0 != 3 { &[9] } else { &[] };
            feeds.deliver(&[posted], &[recipients]);
        }
        feeds.delete(UserId(2), id(230));
        let expected: Vec<_> = (1..240).rev().filter(|number| number % 12 <= 9 && *number != 230).map(id).collect();
        for limit in [1, 20, 150] {
            assert_eq!(feeds.pull(&reader, limit), expected[..limit]);
            assert_eq!(feeds.materialised(&reader, limit), expected[..limit]);
        }
        assert_eq!(feeds.feeds().1, 1);
        assert_eq!(feeds.heads().1, 12);
    }

    proptest! {
        /// So many authors that most are behind those whose streams are made at first.
        #[test]
        fn a_merge_of_many_authors_has_all_of_their_entries_between_two_places(
            posts in prop::collection::vec((0..150_u32, 0..16), 1..300),
            of_reader in 1..150_u32,
            places in prop::collection::vec(any::<prop::sample::Index>(), 2),
        ) {
            let feeds = MemoryFeeds::new(FeedSettings::default());
            let mut time = 0;
            let posts: Vec<(TweetId, u32)> = posts.into_iter().map(|(author, gap)| {
                time += 1_u64 << gap;
                let id = TweetId::from_parts(time, 0, UserId(author));
                feeds.post(UserId(author), id);
                (id, author)
            }).collect();
            let MemoryReader(lists) = feeds.reader(UserId(200), (0..of_reader).collect(), RoaringBitmap::new());
            let gone = feeds.feeds.gone.now();
            let Lists { reader, .. } = &*lists;
            let source = Source { feeds: &feeds.feeds, stored: &*feeds.retweets, gone: &gone, stamp: feeds.feeds.gone.stamp(), reader };
            let place = |index: usize| Some(places[index].get(&posts).0);
            for (above, below) in [(None, None), (place(0), None), (None, place(1)), (place(0), place(1))] {
                let merge = source.merge(lists.authors(), Between { above, below });
                let merged: Vec<TweetId> = merge.map(|entry| entry.expect("it is in memory").0).collect();
                let lies = |id: TweetId| above.is_none_or(|above| id > above) && below.is_none_or(|below| id < below);
                let expected = posts.iter().rev().filter(|(id, author)| *author < of_reader && lies(*id));
                prop_assert_eq!(merged, expected.map(|(id, _)| *id).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn rules_leave_the_same_out_of_a_pull_and_of_a_materialised_feed() {
        let feeds = MemoryFeeds::new(FeedSettings::default());
        let (reader, muted, stranger) = (UserId(9), UserId(2), UserId(7));
        let authors = [7, 1, 3, 3, 1, 3, 3, 2, 3];
        let id = |number: u64| TweetId::from_parts(number, 0, UserId(authors[number as usize - 1]));
        let lists = feeds.reader(reader, [1, 2, 3].into(), [2].into());
        feeds.post(stranger, id(1));
        feeds.post(UserId(1), id(2));
        feeds.materialise(&lists);
        let entries = [
            feeds.comment(UserId(3), id(3), (id(2), UserId(1))),
            feeds.comment(UserId(3), id(4), (id(1), stranger)),
            feeds.retweet(UserId(1), id(5), (id(1), stranger)),
            feeds.retweet(UserId(3), id(6), (id(1), stranger)),
            feeds.retweet(UserId(3), id(7), (id(2), UserId(1))),
            feeds.post(muted, id(8)),
            feeds.post(UserId(3), id(9)),
        ];
        // Those of who is muted go to nobody who mutes them.
        let recipients: Vec<&[u32]> =
            [3, 4, 5, 6, 7, 8, 9].map(|number| if number == 8 { &[][..] } else { &[9] }).into();
        assert_eq!(feeds.deliver(&entries, &recipients), 6);
        for page in [feeds.pull(&lists, 20), feeds.materialised(&lists, 20)] {
            assert_eq!(page, [9, 5, 3, 2].map(id), "no comment to a stranger, no tweet twice in a day, nobody hidden");
        }
    }
}
