//! When each stream and each tweet changed last: whether a page that was read still stands.
//!
//! Writing it down costs a store for each change, and a page of 20 from 200 streams is known to stand after as many loads. Of
//! streams the table is exact, 8 bytes for each user id up to the greatest of an author, in blocks; tweets share places, so that a
//! change of one of them looks like a change of some others: then a page is read once more, and is the same.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{TweetId, UserId};

use crate::tweets::Effect;

/// Users of a block: 512 KiB.
const BLOCK: usize = 1 << 16;
/// Places that tweets share: 1 MiB.
const PLACES: usize = 1 << 17;

/// The batch that changed each stream and each tweet last. One thread writes; everybody reads.
#[derive(Debug)]
pub(crate) struct Changes {
    streams: Box<[OnceLock<Box<[AtomicU64]>>]>,
    tweets: Box<[AtomicU64]>,
}

impl Changes {
    /// Nothing has changed.
    pub(crate) fn new() -> Self {
        let blocks = (u32::MAX as usize + 1) / BLOCK;
        Changes { streams: (0..blocks).map(|_| OnceLock::new()).collect(), tweets: zeros(PLACES) }
    }

    /// Writes down what a batch changed, before anybody can see that.
    pub(crate) fn note(&self, effect: &Effect, batch: u64) {
        match effect {
            Effect::Entered { tweet, .. } => self.stream(tweet.author, batch),
            Effect::Left { author, id } => {
                self.stream(*author, batch);
                self.tweet(*id, batch);
            }
            Effect::Counted(id) => self.tweet(*id, batch),
            // No feed shows it.
            Effect::EnteredDead { .. } | Effect::ToDeliver => {}
        }
    }

    /// An entry came into a stream, or left it.
    fn stream(&self, author: UserId, batch: u64) {
        let block = self.streams[author.0 as usize / BLOCK].get_or_init(|| zeros(BLOCK));
        block[author.0 as usize % BLOCK].store(batch, Ordering::Release);
    }

    /// A tweet has other counts, or is gone.
    fn tweet(&self, id: TweetId, batch: u64) {
        self.tweets[place(id)].store(batch, Ordering::Release);
    }

    /// Whether any of these streams or tweets may have changed after a batch.
    pub(crate) fn any_after(&self, batch: u64, streams: &[u32], mut tweets: impl Iterator<Item = TweetId>) -> bool {
        let stream = |&author: &u32| {
            let block = self.streams[author as usize / BLOCK].get();
            block.is_some_and(|block| block[author as usize % BLOCK].load(Ordering::Acquire) > batch)
        };
        tweets.any(|id| self.tweets[place(id)].load(Ordering::Acquire) > batch) || streams.iter().any(stream)
    }
}

fn zeros(count: usize) -> Box<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

/// The ids of one author's tweets, and those of one moment, lie apart.
fn place(id: TweetId) -> usize {
    (id.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - PLACES.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_after_a_batch_is_told_apart_from_what_changed_before() {
        let changes = Changes::new();
        let (author, other, tweet) = (UserId(7), UserId(7 + BLOCK as u32), TweetId(9));
        let any =
            |batch, streams: &[u32], tweets: &[TweetId]| changes.any_after(batch, streams, tweets.iter().copied());
        assert!(!any(0, &[author.0, other.0], &[tweet]));
        changes.stream(author, 5);
        assert!(any(4, &[other.0, author.0], &[]));
        assert!(!any(5, &[author.0], &[]) && !any(4, &[other.0], &[tweet]));
        changes.tweet(tweet, 6);
        assert!(any(5, &[author.0], &[TweetId(1 << 40), tweet]));
        assert!(!any(6, &[author.0, other.0], &[tweet]) && !any(5, &[author.0], &[TweetId(1 << 40)]));
    }

    #[test]
    fn tweets_of_one_moment_or_author_rarely_share_a_place() {
        let ids = (0..1000)
            .flat_map(|n| [TweetId::from_parts(n, 0, UserId(3)), TweetId::from_parts(77, 0, UserId(n as u32))]);
        let mut places: Vec<_> = ids.map(place).collect();
        places.sort_unstable();
        places.dedup();
        assert!(places.len() > 1900, "{} places for 2,000 tweets", places.len());
    }
}
