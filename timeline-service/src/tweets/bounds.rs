//! Where the stream of every author begins and ends, in memory.
//!
//! With this a merge knows, without a look at anything else, whom it need not read at all and where everybody else begins.
//! The newest place may be *exact*: then it is that of a plain tweet that is in the stream, and can be shown without opening
//! anything; where the next one may be at the earliest stands beside it, so that most authors of a page are never opened.
//!
//! Beside them stands the half second of the newest place, in four bytes: a merge of hundreds looks at that of each, and at the
//! places themselves of those that come first.
//!
//! User ids are dense, and so is the table: 28 bytes for each id up to the greatest of an author, in blocks. Bounds widen and
//! never shrink: what is deleted does not move them, and they may be ahead of the view that is read.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use base::{TweetId, UserId};

use crate::fetch::fetch;

/// Users of a block: 1.75 MiB.
const BLOCK: usize = 1 << 16;
/// A newest place that is only a bound.
const ROUGH: u64 = 1 << 63;

/// A time to some half a second, which the upper half of an id is: of a greater id it is not smaller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Moment(pub u32);

impl Moment {
    /// Before every id.
    pub(crate) const NEVER: Moment = Moment(0);

    /// When an id was given out: never [`NEVER`](Moment::NEVER).
    pub(crate) fn of(id: TweetId) -> Self {
        Moment(u32::try_from(id.0 >> 31).map_or(u32::MAX, |moment| moment.saturating_add(1)))
    }

    /// No id of this moment is greater.
    pub(crate) fn last(self) -> TweetId {
        TweetId(if self.0 == u32::MAX { u64::MAX } else { (u64::from(self.0) << 31).saturating_sub(1) })
    }
}

/// The bounds of an author's ids, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    pub oldest: TweetId,
    pub newest: TweetId,
}

/// The top of an author's stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Top {
    /// No entry is newer; 0 where there is none at all.
    pub newest: TweetId,
    /// Whether that is a plain tweet of the stream; it may have gone in a batch that is not older than who reads.
    pub is_exact: bool,
    /// The entry after the newest is not newer than this.
    pub next: TweetId,
}

/// The bounds of all authors' ids. One thread widens them; everybody reads.
#[derive(Debug)]
pub(crate) struct Bounds {
    blocks: Box<[OnceLock<Block>]>,
}

#[derive(Debug)]
struct Block {
    /// For each author the moment of the newest place.
    moments: Box<[AtomicU32]>,
    /// For each author the newest place and the one after it: together, so that one cache line answers.
    tops: Box<[[AtomicU64; 2]]>,
    oldest: Box<[AtomicU64]>,
}

impl Bounds {
    /// Nobody has written anything.
    pub(crate) fn new() -> Self {
        let blocks = (u32::MAX as usize + 1) / BLOCK;
        Bounds { blocks: (0..blocks).map(|_| OnceLock::new()).collect() }
    }

    /// Widens an author's bounds by what the store says of them: nothing is known of what lies between.
    pub(crate) fn widen(&self, author: UserId, by: Span) {
        let (block, place) = self.made(author);
        let old = block.tops[place][0].load(Ordering::Relaxed) & !ROUGH;
        if by.newest.0 > old {
            block.moments[place].store(Moment::of(by.newest).0, Ordering::Release);
            block.tops[place][1].store(by.newest.0, Ordering::Release);
            block.tops[place][0].store(by.newest.0 | ROUGH, Ordering::Release);
        }
        let oldest = block.oldest[place].load(Ordering::Relaxed);
        if oldest == 0 || by.oldest.0 < oldest {
            block.oldest[place].store(by.oldest.0, Ordering::Release);
        }
    }

    /// An entry is at the top of its author's stream.
    pub(crate) fn enter(&self, author: UserId, id: TweetId, is_plain: bool) {
        let (block, place) = self.made(author);
        if block.oldest[place].load(Ordering::Relaxed) == 0 {
            block.oldest[place].store(id.0, Ordering::Release);
        }
        let [newest, next] = &block.tops[place];
        block.moments[place].store(Moment::of(id).0, Ordering::Release);
        // Who reads the old newest beside the new next has a bound all the same; the other way round it would be none.
        next.store(newest.load(Ordering::Relaxed) & !ROUGH, Ordering::Release);
        newest.store(if is_plain { id.0 } else { id.0 | ROUGH }, Ordering::Release);
    }

    /// An entry is no longer in its author's stream.
    pub(crate) fn leave(&self, author: UserId, id: TweetId) {
        let (block, place) = self.made(author);
        let newest = &block.tops[place][0];
        if newest.load(Ordering::Relaxed) == id.0 {
            newest.store(id.0 | ROUGH, Ordering::Release);
        }
    }

    /// The stream was read: `newest` is a plain tweet of it, and `next` comes after it. Only under the lock under which
    /// entries come and go.
    pub(crate) fn sharpen(&self, author: UserId, newest: TweetId, next: TweetId) {
        let (block, place) = self.made(author);
        if block.tops[place][0].load(Ordering::Relaxed) == newest.0 | ROUGH {
            block.tops[place][1].store(next.0, Ordering::Release);
            block.tops[place][0].store(newest.0, Ordering::Release);
        }
    }

    /// The top of an author's stream.
    pub(crate) fn top(&self, author: UserId) -> Top {
        let Some((block, place)) = self.block(author) else {
            return Top { newest: TweetId(0), is_exact: false, next: TweetId(0) };
        };
        let [newest, next] = &block.tops[place];
        let newest = newest.load(Ordering::Acquire);
        let next = next.load(Ordering::Acquire);
        Top { newest: TweetId(newest & !ROUGH), is_exact: newest & ROUGH == 0, next: TweetId(next) }
    }

    /// The moment of the newest place of an author's stream; [`Moment::NEVER`] where there is none.
    #[inline]
    pub(crate) fn moment(&self, author: UserId) -> Moment {
        self.block(author).map_or(Moment::NEVER, |(block, place)| Moment(block.moments[place].load(Ordering::Acquire)))
    }

    /// Asks the memory for the moment of the newest place of an author's stream.
    #[inline]
    pub(crate) fn fetch_moment(&self, author: UserId) {
        if let Some((block, place)) = self.block(author) {
            fetch(&block.moments[place]);
        }
    }

    /// Asks the memory for the top of an author's stream.
    pub(crate) fn fetch(&self, author: UserId) {
        if let Some((block, place)) = self.block(author) {
            fetch(&block.tops[place]);
        }
    }

    /// An author's bounds; none for somebody who never wrote.
    pub(crate) fn of(&self, author: UserId) -> Option<Span> {
        let (block, place) = self.block(author)?;
        let newest = TweetId(block.tops[place][0].load(Ordering::Acquire) & !ROUGH);
        let oldest = TweetId(block.oldest[place].load(Ordering::Acquire));
        (newest.0 != 0).then_some(Span { oldest, newest })
    }

    fn block(&self, author: UserId) -> Option<(&Block, usize)> {
        let block = self.blocks[author.0 as usize / BLOCK].get()?;
        Some((block, author.0 as usize % BLOCK))
    }

    fn made(&self, author: UserId) -> (&Block, usize) {
        let block = self.blocks[author.0 as usize / BLOCK].get_or_init(|| Block {
            moments: (0..BLOCK).map(|_| AtomicU32::new(0)).collect(),
            tops: (0..BLOCK).map(|_| [AtomicU64::new(0), AtomicU64::new(0)]).collect(),
            oldest: (0..BLOCK).map(|_| AtomicU64::new(0)).collect(),
        });
        (block, author.0 as usize % BLOCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: UserId = UserId(7);

    fn top(newest: u64, is_exact: bool, next: u64) -> Top {
        Top { newest: TweetId(newest), is_exact, next: TweetId(next) }
    }

    #[test]
    fn a_moment_is_not_before_the_ids_that_are_given_out_in_it() {
        assert_eq!(Moment::NEVER.last(), TweetId(0));
        for (id, same) in [(1, (1 << 31) - 1), (1 << 31, (1 << 32) - 1), (u64::MAX >> 1, u64::MAX)] {
            let moment = Moment::of(TweetId(id));
            assert!(moment > Moment::NEVER && moment > Moment::of(TweetId(id / 2)) || id == 1);
            assert_eq!((moment, moment.last()), (Moment::of(TweetId(same)), TweetId(same)));
        }
        let bounds = Bounds::new();
        assert_eq!(bounds.moment(ME), Moment::NEVER);
        bounds.enter(ME, TweetId(7 << 31), false);
        bounds.widen(ME, Span { oldest: TweetId(1), newest: TweetId(9 << 31) });
        bounds.widen(ME, Span { oldest: TweetId(1), newest: TweetId(8 << 31) });
        assert_eq!(bounds.moment(ME), Moment(10));
        bounds.enter(ME, TweetId(11 << 31), true);
        assert_eq!(bounds.moment(ME), Moment(12));
    }

    #[test]
    fn bounds_widen_and_never_shrink() {
        let bounds = Bounds::new();
        let span = |oldest, newest| Span { oldest: TweetId(oldest), newest: TweetId(newest) };
        assert_eq!(bounds.of(ME), None);
        for by in [span(5, 5), span(9, 9), span(7, 7), span(3, 4)] {
            bounds.widen(ME, by);
        }
        assert_eq!(bounds.of(ME), Some(span(3, 9)));
        assert_eq!(bounds.of(UserId(ME.0 + BLOCK as u32)), None);
        assert_eq!(bounds.top(ME), top(9, false, 9));
    }

    #[test]
    fn the_top_is_exact_while_it_is_a_plain_tweet_that_is_there() {
        let bounds = Bounds::new();
        assert_eq!(bounds.top(ME), top(0, false, 0));
        bounds.enter(ME, TweetId(3), true);
        assert_eq!(bounds.top(ME), top(3, true, 0));
        bounds.enter(ME, TweetId(5), true);
        assert_eq!(bounds.top(ME), top(5, true, 3));
        bounds.leave(ME, TweetId(3));
        assert_eq!(bounds.top(ME), top(5, true, 3), "what lies below moves no bound");
        bounds.leave(ME, TweetId(5));
        assert_eq!(bounds.top(ME), top(5, false, 3));
        bounds.enter(ME, TweetId(8), false);
        assert_eq!(bounds.top(ME), top(8, false, 5));
        assert_eq!(bounds.of(ME), Some(Span { oldest: TweetId(3), newest: TweetId(8) }));
    }

    #[test]
    fn what_was_read_makes_the_top_exact_unless_something_came() {
        let bounds = Bounds::new();
        bounds.widen(ME, Span { oldest: TweetId(2), newest: TweetId(9) });
        bounds.sharpen(ME, TweetId(8), TweetId(2));
        assert_eq!(bounds.top(ME), top(9, false, 9), "not the newest");
        bounds.sharpen(ME, TweetId(9), TweetId(2));
        assert_eq!(bounds.top(ME), top(9, true, 2));
    }
}
