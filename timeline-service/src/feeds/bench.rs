//! Feeds without a graph and without a store, for benchmarks: everything is in memory.
//!
//! ```text
//! let feeds = MemoryFeeds::new(FeedSettings::default());
//! feeds.post(author, id);                         // ids rise
//! let reader = feeds.reader(user, followees);
//! feeds.pull(&reader, 20);                        // ids of the newest 20, newest first
//! feeds.materialise(&reader);
//! feeds.deliver(&[(author, id)], &[recipients]);  // appends to the feeds of those who have one
//! feeds.materialised(&reader, 20);                // the same ids, from the reader's feed
//! feeds.stop_pushing(celebrity);                  // from now on it is merged: a hybrid read
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{TweetId, UserId};
use roaring::RoaringBitmap;

use super::entry::Entry;
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
    nothing: Arc<Nothing>,
    batch: AtomicU64,
}

/// A reader with their lists.
#[derive(Clone, Debug)]
pub struct MemoryReader(Arc<Lists>);

impl MemoryFeeds {
    /// Nobody has posted anything.
    pub fn new(settings: FeedSettings) -> Self {
        let feeds = Arc::new(Feeds::new(settings, Box::new(Nowhere), 1));
        MemoryFeeds { feeds, nothing: Arc::default(), batch: AtomicU64::new(1) }
    }

    /// A plain tweet. Its id is greater than any before.
    pub fn post(&self, author: UserId, id: TweetId) {
        self.enter(author, Entry::Plain { id });
    }

    /// A comment on a tweet, `answered`, and who wrote that.
    pub fn comment(&self, author: UserId, id: TweetId, answered: (TweetId, UserId)) {
        self.enter(author, Entry::Comment { id, author, answers: answered });
    }

    /// A retweet of a tweet, `shown`, and who wrote that.
    pub fn retweet(&self, retweeter: UserId, id: TweetId, (shown, author): (TweetId, UserId)) {
        self.enter(retweeter, Entry::Retweet { id, retweeter, shown, author, answers: None });
    }

    /// A tweet is deleted, or a retweet taken back.
    pub fn delete(&self, author: UserId, id: TweetId) {
        self.feeds.leave(author, id, self.batch.fetch_add(1, Ordering::Relaxed));
        self.feeds.gone.turn();
    }

    fn enter(&self, author: UserId, entry: Entry) {
        let batch = self.batch.fetch_add(1, Ordering::Relaxed);
        self.feeds.heads.enter(author, &entry, self.feeds.gone.stamp(), batch, &self.feeds.bounds);
        self.nothing.greatest.fetch_max(entry.id().0, Ordering::AcqRel);
    }

    /// A reader who follows some people. They are active from now on.
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
    pub fn deliver(&self, entries: &[(UserId, TweetId)], recipients: &[&[u32]]) -> u64 {
        let entries: Vec<_> = entries.iter().map(|&(_, id)| Entry::Plain { id }).collect();
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
        let home = self.feeds.home(lists.clone(), mode, words, || self.nothing.clone());
        let page = home.ok().and_then(|home| page::cut(&home, wanted).ok());
        page.map(|page| page.entries.iter().map(|entry| entry.0).collect()).unwrap_or_default()
    }
}

/// A store that has nothing beyond what is in memory.
#[derive(Debug, Default)]
struct Nothing {
    greatest: AtomicU64,
}

impl Facts for Nothing {
    type Error = StoreError;

    fn is_deleted(&self, _: TweetId) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn retweeters(&self, _: TweetId, _: Between) -> impl Iterator<Item = Result<(TweetId, UserId), StoreError>> {
        std::iter::empty()
    }

    fn retweet_of(&self, _: UserId, _: TweetId) -> Result<Option<TweetId>, StoreError> {
        Ok(None)
    }
}

impl Stored for Nothing {
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
    use super::*;

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
            feeds.post(author, id(number));
            let recipients: &[u32] = if author.0 <= 9 && author.0 != 3 { &[9] } else { &[] };
            feeds.deliver(&[(author, id(number))], &[recipients]);
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
}
