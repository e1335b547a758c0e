//! What is not in the materialised feeds that it belongs to, so that reads can make up for it.
//!
//! - **Authors over the threshold** are not pushed from some entry on: reads merge their streams.
//! - **Skipped entries** did not fit into the queue, or the graph could not tell their recipients. For each such author the last
//!   of them is remembered; a feed that was built before it is rebuilt, if it stands for that author. Too many authors at once,
//!   and every feed that was built before is.
//!
//! Both are told before the entry leaves the queue, and asked after the queue was looked into: so an entry is in one of them, in
//! the queue, or in the feed. An author who falls below the threshold again counts as skipped first, and is pushed then.

use std::sync::atomic::{AtomicU64, Ordering};

use base::{TweetId, UserId};
use parking_lot::RwLock;
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use super::lists::Lists;

/// Authors whose last skipped entry is remembered.
const SKIPPED_MAX: usize = 4096;

/// What is not in the materialised feeds that it belongs to.
#[derive(Debug, Default)]
pub(crate) struct Unpushed {
    /// Changes whenever `over` does; 0 while nobody ever was.
    time: AtomicU64,
    over: RwLock<RoaringBitmap>,
    /// How often something was skipped. Not in the order of ids: of two entries the graph may fail for the newer one first.
    skips: AtomicU64,
    skipped: RwLock<Skipped>,
}

#[derive(Debug, Default)]
struct Skipped {
    authors: FxHashMap<u32, u64>,
    /// The last of all entries that were skipped.
    last: u64,
    /// Up to here nobody knows any more who was skipped.
    everybody_to: u64,
}

impl Unpushed {
    /// An author is over the threshold, or no longer.
    pub(crate) fn set_over(&self, author: UserId, is_over: bool) {
        let mut over = self.over.write();
        let changed = if is_over { over.insert(author.0) } else { over.remove(author.0) };
        if changed {
            self.time.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Whether an author is over the threshold.
    pub(crate) fn is_over(&self, author: UserId) -> bool {
        self.over.read().contains(author.0)
    }

    /// How many are.
    pub(crate) fn over_count(&self) -> u64 {
        self.over.read().len()
    }

    /// The authors of a reader who are over the threshold.
    pub(crate) fn over_of(&self, lists: &Lists) -> std::sync::Arc<[u32]> {
        let over = self.over.read();
        let time = self.time.load(Ordering::Acquire);
        lists.pulled(time, || over.iter().filter(|&author| lists.reader.follows(UserId(author))).collect())
    }

    /// An entry is not delivered to anybody.
    pub(crate) fn skip(&self, author: UserId, id: TweetId) {
        let mut skipped = self.skipped.write();
        if skipped.authors.len() >= SKIPPED_MAX && !skipped.authors.contains_key(&author.0) {
            skipped.everybody_to = skipped.last;
            skipped.authors.clear();
        }
        let last = skipped.authors.entry(author.0).or_insert(id.0);
        *last = (*last).max(id.0);
        skipped.last = skipped.last.max(id.0);
        self.skips.fetch_add(1, Ordering::AcqRel);
    }

    /// Whether something of a reader's authors that is newer than `covered_to` was skipped; where not, how many skips that is
    /// known of. `checked` is what was answered before.
    pub(crate) fn is_missing(&self, lists: &Lists, covered_to: TweetId, checked: u64) -> Result<u64, Missing> {
        if self.skips.load(Ordering::Acquire) == checked {
            return Ok(checked);
        }
        let skipped = self.skipped.read();
        let hit = |(&author, &id): (&u32, &u64)| id > covered_to.0 && lists.reader.follows(UserId(author));
        if covered_to.0 < skipped.everybody_to || skipped.authors.iter().any(hit) {
            return Err(Missing);
        }
        Ok(self.skips.load(Ordering::Acquire))
    }
}

/// A feed does not have all that it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Missing;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rules::Sources;
    use crate::graph::Versions;

    fn lists(followees: &[u32]) -> Lists {
        let followees = followees.iter().copied().collect();
        Lists::new(UserId(1), Versions::default(), Sources { followees, hidden: RoaringBitmap::new() })
    }

    #[test]
    fn a_feed_misses_what_was_skipped_after_it_was_built_in_whatever_order() {
        let unpushed = Unpushed::default();
        let (mine, others) = (lists(&[7]), lists(&[8]));
        assert_eq!(unpushed.is_missing(&mine, TweetId(3), 0), Ok(0));
        unpushed.skip(UserId(9), TweetId(6));
        assert_eq!(unpushed.is_missing(&mine, TweetId(4), 0), Ok(1));
        unpushed.skip(UserId(7), TweetId(5));
        assert_eq!(unpushed.is_missing(&mine, TweetId(4), 1), Err(Missing), "though a newer one was skipped before");
        assert_eq!(unpushed.is_missing(&mine, TweetId(5), 0), Ok(2), "it was built after that");
        assert_eq!(unpushed.is_missing(&others, TweetId(4), 1), Ok(2));
    }

    #[test]
    fn too_many_skipped_authors_are_everybody() {
        let unpushed = Unpushed::default();
        for author in 0..=SKIPPED_MAX as u32 {
            unpushed.skip(UserId(author + 100), TweetId(u64::from(author) + 10));
        }
        let others = lists(&[8]);
        assert_eq!(unpushed.is_missing(&others, TweetId(9), 0), Err(Missing));
        assert!(unpushed.is_missing(&others, TweetId(SKIPPED_MAX as u64 + 10), 0).is_ok());
    }

    #[test]
    fn whoever_is_over_the_threshold_is_found_until_they_are_not() {
        let unpushed = Unpushed::default();
        let mine = lists(&[7, 8]);
        assert_eq!(*unpushed.over_of(&mine), [0; 0]);
        unpushed.set_over(UserId(7), true);
        unpushed.set_over(UserId(9), true);
        assert_eq!(*unpushed.over_of(&mine), [7]);
        assert_eq!((unpushed.is_over(UserId(9)), unpushed.over_count()), (true, 2));
        unpushed.set_over(UserId(7), false);
        assert_eq!(*unpushed.over_of(&mine), [0; 0]);
    }
}
