//! Tweets with their counts, in memory.
//!
//! Most pages show the same few tweets to many readers. What is known of a tweet is never older than the state that a reader
//! looks at: the committer forgets what a batch changed before it publishes the view ([`KnownTweets::forget`]), and what was
//! read from a view is kept only if nothing has changed since in the same part of the map. It may be newer, by the writes that
//! came since the reader took the view.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::TweetId;

use super::command::Tweet;
use super::record::CountsRecord;
use crate::cache::{Cache, SHARDS, Weigh};

/// A tweet with its counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Known {
    pub tweet: Tweet,
    pub counts: CountsRecord,
}

impl Weigh for Arc<Known> {
    fn bytes(&self) -> usize {
        let record = &self.tweet.record;
        let entities = record.entities.as_ref().map_or(0, |entities| {
            (entities.hashtags.len() + entities.mentions.len() + entities.urls.len()) * ENTITY_BYTES
        });
        size_of::<Known>() + OVERHEAD_BYTES + record.text.len() + entities
    }
}

/// What an entity takes, its text included, more or less.
const ENTITY_BYTES: usize = 80;
/// What a value takes beside itself: its place in the map, and what the allocator adds.
const OVERHEAD_BYTES: usize = 96;

/// Tweets with their counts.
#[derive(Debug)]
pub(crate) struct KnownTweets {
    tweets: Cache<Arc<Known>, TweetId>,
    /// For each part of the map the last batch that changed any of its tweets. Set under the part's lock.
    changed: [AtomicU64; SHARDS],
}

impl KnownTweets {
    /// Nothing is known, and never more than so many bytes will be.
    pub(crate) fn new(bytes_max: usize) -> Self {
        KnownTweets { tweets: Cache::new(bytes_max), changed: std::array::from_fn(|_| AtomicU64::new(0)) }
    }

    /// A tweet, if it is known.
    pub(crate) fn get(&self, id: TweetId) -> Option<Arc<Known>> {
        self.tweets.lock(id).get(id).cloned()
    }

    /// Keeps what was read from the view of a batch, unless it may have changed since.
    pub(crate) fn put(&self, known: Arc<Known>, batch: u64) {
        let id = known.tweet.id;
        let mut part = self.tweets.lock(id);
        if self.changed(id).load(Ordering::Relaxed) <= batch {
            self.tweets.put(&mut part, id, known);
        }
    }

    /// Forgets a tweet that a batch changes. The batch is not published yet.
    pub(super) fn forget(&self, id: TweetId, batch: u64) {
        let mut part = self.tweets.lock(id);
        self.changed(id).store(batch, Ordering::Relaxed);
        self.tweets.remove(&mut part, id);
    }

    fn changed(&self, id: TweetId) -> &AtomicU64 {
        &self.changed[Cache::<Arc<Known>, TweetId>::shard_of(id)]
    }
}

#[cfg(test)]
mod tests {
    use base::UserId;

    use super::*;
    use crate::tweets::record::TweetRecord;

    fn known(id: u64, favorites: u64) -> Arc<Known> {
        let tweet = Tweet { id: TweetId(id), author: UserId(1), record: TweetRecord::default() };
        Arc::new(Known { tweet, counts: CountsRecord { favorites, ..CountsRecord::default() } })
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept_after_it() {
        let tweets = KnownTweets::new(1 << 20);
        tweets.put(known(7, 1), 4);
        assert_eq!(tweets.get(TweetId(7)), Some(known(7, 1)));
        tweets.forget(TweetId(7), 5);
        assert_eq!(tweets.get(TweetId(7)), None);
        tweets.put(known(7, 1), 4);
        assert_eq!(tweets.get(TweetId(7)), None, "the view is older than the change");
        tweets.put(known(7, 2), 5);
        assert_eq!(tweets.get(TweetId(7)), Some(known(7, 2)));
    }

    #[test]
    fn memory_is_bounded() {
        let one = Weigh::bytes(&known(0, 0));
        let tweets = KnownTweets::new(100 * one);
        (0..10_000).for_each(|id| tweets.put(known(id, 0), 1));
        assert!(tweets.tweets.bytes() <= (100 + SHARDS) * one);
        assert!(tweets.get(TweetId(9_999)).is_some());
    }
}
