//! Tweet ids: each greater than any given before.
//!
//! The upper 50 bits of an id, 41 of milliseconds and 9 of a sequence, are counted as one number, the *stamp*: the
//! clock moves it on, and where the clock does not (512 ids in one millisecond, or a step back) the next stamp is one
//! more than the last, which borrows from the milliseconds to come. The generator is seeded with the greatest stored
//! id, so a restart changes nothing.

use base::{TweetId, UserId};

/// The bits of the author's slot, below the stamp.
const SLOT_BITS: u32 = 13;
/// The bits of the sequence, below the milliseconds.
const SEQUENCE_BITS: u32 = 9;
/// The greatest stamp that fits.
const STAMP_MAX: u64 = (1 << 50) - 1;

/// There are no greater ids: the clock is past 2095.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are no tweet ids left")]
pub(crate) struct IdsExhausted;

/// Gives out tweet ids.
#[derive(Debug)]
pub(crate) struct TweetIds {
    last_stamp: u64,
}

impl TweetIds {
    /// Goes on after the greatest id that was ever given out.
    pub(crate) const fn after(greatest: TweetId) -> Self {
        TweetIds { last_stamp: greatest.0 >> SLOT_BITS }
    }

    /// The next `count` ids, of which it answers the first, and [`further`] the others: greater than any before them and
    /// than `answered`, the id of the tweet that is answered.
    pub(crate) fn next(
        &mut self,
        now_ms: u64,
        author: UserId,
        answered: Option<TweetId>,
        count: u64,
    ) -> Result<TweetId, IdsExhausted> {
        let now = now_ms.saturating_sub(TweetId::EPOCH_MS);
        let floor = self.last_stamp.max(answered.map_or(0, |answered| answered.0 >> SLOT_BITS)) + 1;
        let stamp = floor.max(now.saturating_mul(u64::from(TweetId::SEQUENCES)));
        let last = stamp.saturating_add(count.saturating_sub(1));
        if last > STAMP_MAX {
            return Err(IdsExhausted);
        }
        self.last_stamp = last;
        let sequence = (stamp & u64::from(TweetId::SEQUENCES - 1)) as u16;
        Ok(TweetId::from_parts(stamp >> SEQUENCE_BITS, sequence, author))
    }
}

/// The id that comes so many after `first` when they are given out one after the other; of another author.
pub(crate) fn further(first: TweetId, by: u64, author: UserId) -> TweetId {
    let stamp = (first.0 >> SLOT_BITS) + by;
    TweetId::from_parts(stamp >> SEQUENCE_BITS, (stamp & u64::from(TweetId::SEQUENCES - 1)) as u16, author)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = TweetId::EPOCH_MS + 1_000_000;

    fn next(ids: &mut TweetIds, now_ms: u64, author: u32) -> TweetId {
        ids.next(now_ms, UserId(author), None, 1).expect("there are ids left")
    }

    #[test]
    fn an_id_has_its_time_and_its_authors_slot() {
        let id = next(&mut TweetIds::after(TweetId(0)), NOW, 8192 + 5);
        assert_eq!((id.time_ms(), id.sequence(), id.slot().0), (NOW, 0, 5));
    }

    #[test]
    fn ids_rise_within_a_millisecond_and_borrow_the_next() {
        let mut ids = TweetIds::after(TweetId(0));
        // Authors with falling slots, so that the order cannot come from them.
        let given: Vec<_> = (0..1100).rev().map(|author| next(&mut ids, NOW, author)).collect();
        assert!(given.is_sorted_by(|a, b| a < b));
        assert_eq!(given.iter().map(|id| id.time_ms() - NOW).max(), Some(2));
        assert_eq!(next(&mut ids, NOW + 2, 0).time_ms(), NOW + 2);
        assert_eq!(next(&mut ids, NOW + 9, 0).time_ms(), NOW + 9);
    }

    #[test]
    fn many_ids_are_those_that_would_have_come_one_after_the_other() {
        let mut ids = TweetIds::after(TweetId(0));
        let first = ids.next(NOW, UserId(0), None, 1100).expect("there are ids left");
        let many: Vec<_> = (0..1100).map(|place| further(first, place, UserId(place as u32))).collect();
        let mut ids_one_by_one = TweetIds::after(TweetId(0));
        let one_by_one: Vec<_> = (0..1100).map(|author| next(&mut ids_one_by_one, NOW, author)).collect();
        assert_eq!(many, one_by_one);
        assert!(next(&mut ids, NOW, 0) > many[1099]);
    }

    #[test]
    fn a_clock_that_steps_back_changes_nothing() {
        let mut ids = TweetIds::after(TweetId(0));
        let first = next(&mut ids, NOW, 8191);
        let second = next(&mut ids, NOW - 500_000, 0);
        assert!(second > first);
        assert!(next(&mut ids, 0, 0) > second);
    }

    #[test]
    fn a_restart_goes_on_after_the_greatest_id() {
        let last = TweetId::from_parts(1_000_000, 511, UserId(8191));
        assert!(next(&mut TweetIds::after(last), NOW, 0) > last);
        assert!(next(&mut TweetIds::after(last), NOW - 1, 0) > last);
    }

    #[test]
    fn a_comment_comes_after_what_it_answers() {
        let answered = TweetId::from_parts(2_000_000, 7, UserId(8191));
        let id = TweetIds::after(TweetId(0)).next(NOW, UserId(0), Some(answered), 1).expect("there are ids left");
        assert!(id > answered);
    }

    #[test]
    fn the_end_of_time_is_an_error() {
        let mut ids = TweetIds::after(TweetId::from_parts(TweetId::LAST_TICK, 511, UserId(0)));
        assert_eq!(ids.next(NOW, UserId(0), None, 1), Err(IdsExhausted));
        let mut last = TweetIds::after(TweetId::from_parts(TweetId::LAST_TICK, 509, UserId(0)));
        assert_eq!(last.next(NOW, UserId(0), None, 3), Err(IdsExhausted));
        assert!(last.next(NOW, UserId(0), None, 2).is_ok());
        assert_eq!(TweetIds::after(TweetId(0)).next(u64::MAX, UserId(0), None, 1), Err(IdsExhausted));
    }
}
