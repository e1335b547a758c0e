//! The bounds of the ids in every author's stream, tweets and retweets, in memory.
//!
//! With them a merge knows, without a look at the disk, whom it need not read at all and where everybody else begins.
//! They are bounds: what is deleted or taken back does not move them, and they may be ahead of the view that is read. They take some
//! 30 bytes for each author who ever wrote.

use base::{TweetId, UserId};
use parking_lot::RwLock;
use rustc_hash::FxHashMap;

/// Growing a map stalls its writer and everybody who waits for it: many small maps grow one at a time.
const SHARDS: u32 = 64;

/// The bounds of an author's ids, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub oldest: TweetId,
    pub newest: TweetId,
}

/// The bounds of all authors' ids.
#[derive(Debug)]
pub(crate) struct Heads {
    shards: Vec<RwLock<FxHashMap<UserId, Span>>>,
}

impl Heads {
    /// Nobody has written anything.
    pub(crate) fn new() -> Self {
        Heads { shards: (0..SHARDS).map(|_| RwLock::default()).collect() }
    }

    /// Widens an author's bounds.
    pub(crate) fn widen(&self, author: UserId, by: Span) {
        let mut shard = self.shard(author).write();
        let span = shard.entry(author).or_insert(by);
        *span = Span { oldest: span.oldest.min(by.oldest), newest: span.newest.max(by.newest) };
    }

    /// An author's bounds; none for somebody who never wrote.
    pub(crate) fn of(&self, author: UserId) -> Option<Span> {
        self.shard(author).read().get(&author).copied()
    }

    fn shard(&self, author: UserId) -> &RwLock<FxHashMap<UserId, Span>> {
        &self.shards[(author.0 % SHARDS) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_widen_and_never_shrink() {
        let heads = Heads::new();
        let span = |oldest, newest| Span { oldest: TweetId(oldest), newest: TweetId(newest) };
        assert_eq!(heads.of(UserId(7)), None);
        for by in [span(5, 5), span(9, 9), span(7, 7), span(3, 4)] {
            heads.widen(UserId(7), by);
        }
        assert_eq!(heads.of(UserId(7)), Some(span(3, 9)));
        assert_eq!(heads.of(UserId(7 + SHARDS)), None);
    }
}
