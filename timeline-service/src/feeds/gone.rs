//! What is no longer in any stream: tweets that were deleted, retweets that were taken back.
//!
//! What enters memory was alive, with all that it hangs on, when it came in; from then on an id that is found here tells that
//! it is not. So nothing that lies in memory is searched for and taken out, and a push that is late brings nothing back.
//! Each id goes with the batch that removed it, so that a reader sees exactly what the state that they read says.
//!
//! Ids are kept for three *epochs*, each of whole batches. When one is full the next begins, and what lies in memory since before the last one is not
//! trusted any more: its owner rebuilds it. A filter of bits in front answers nearly every question: nothing is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use base::TweetId;
use parking_lot::RwLock;
use rustc_hash::FxHashMap;

use super::entry::Entry;

/// Epochs whose ids are kept.
const EPOCHS: usize = 3;

/// Ids that went, and the batch of each.
type Ids = RwLock<FxHashMap<u64, u64>>;

/// What is no longer in any stream.
#[derive(Debug)]
pub(crate) struct Gone {
    now: RwLock<Arc<Epochs>>,
    /// Ids of one epoch at the most.
    max: usize,
}

/// What went in the last epochs. One that is taken after a view has everything that went up to that view.
#[derive(Debug)]
pub(crate) struct Epochs {
    /// The number of the epoch, from 1.
    number: u64,
    len: AtomicUsize,
    filter: Box<[AtomicU64]>,
    ids: [Arc<Ids>; EPOCHS],
}

impl Gone {
    /// Nothing has gone yet. An epoch has at most `max` ids.
    pub(crate) fn new(max: usize) -> Self {
        let max = max.max(1);
        Gone { now: RwLock::new(Arc::new(Epochs::new(1, max, Default::default()))), max }
    }

    /// The epoch of now: a stamp for what is read from a view that is taken afterwards.
    pub(crate) fn stamp(&self) -> u64 {
        self.now.read().number
    }

    /// What went up to now. Take it after the view.
    pub(crate) fn now(&self) -> Arc<Epochs> {
        self.now.read().clone()
    }

    /// An id went in a batch. The batch is not published yet.
    pub(crate) fn record(&self, id: TweetId, batch: u64) {
        self.now().record(id, batch);
    }

    /// Begins the next epoch where this one is full. Once a batch at the most, after all of it: so a stamp that is from
    /// before the view is at most one epoch after what that view does not know.
    /// Answers whether it did.
    pub(crate) fn turn(&self) -> bool {
        let now = self.now();
        let is_full = now.ids[0].read().len() >= self.max;
        if is_full {
            let [first, second, _] = &now.ids;
            let ids = [Arc::default(), first.clone(), second.clone()];
            *self.now.write() = Arc::new(Epochs::new(now.number + 1, self.max, ids));
        }
        is_full
    }
}

impl Epochs {
    fn new(number: u64, max: usize, ids: [Arc<Ids>; EPOCHS]) -> Self {
        let words = (max * 16 / 64).next_power_of_two();
        let epochs =
            Epochs { number, len: AtomicUsize::new(0), filter: (0..words).map(|_| AtomicU64::new(0)).collect(), ids };
        for old in &epochs.ids {
            old.read().keys().for_each(|&id| epochs.mark(id));
        }
        epochs
    }

    /// Whether something that is stamped so is still covered.
    pub(crate) const fn covers(&self, stamp: u64) -> bool {
        stamp + 1 >= self.number
    }

    /// Whether an entry, or what it hangs on, went up to a batch.
    pub(crate) fn hide(&self, entry: &Entry, batch: u64) -> bool {
        if self.len.load(Ordering::Acquire) == 0 {
            return false;
        }
        match *entry {
            Entry::Plain { id } => self.has(id, batch),
            Entry::Comment { id, answers, .. } => self.has(id, batch) || self.has(answers.0, batch),
            Entry::Retweet { id, shown, answers, .. } => {
                self.has(id, batch)
                    || self.has(shown, batch)
                    || answers.is_some_and(|(answered, _)| self.has(answered, batch))
            }
        }
    }

    /// Whether an id went up to a batch.
    pub(crate) fn has(&self, id: TweetId, batch: u64) -> bool {
        let (word, bit) = self.bit(id.0);
        self.filter[word].load(Ordering::Acquire) & bit != 0
            && self.ids.iter().any(|ids| ids.read().get(&id.0).is_some_and(|&left| left <= batch))
    }

    fn record(&self, id: TweetId, batch: u64) {
        self.ids[0].write().entry(id.0).or_insert(batch);
        self.mark(id.0);
    }

    fn mark(&self, id: u64) {
        let (word, bit) = self.bit(id);
        self.filter[word].fetch_or(bit, Ordering::AcqRel);
        self.len.fetch_add(1, Ordering::AcqRel);
    }

    fn bit(&self, id: u64) -> (usize, u64) {
        let hash = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        ((hash >> 6) as usize & (self.filter.len() - 1), 1 << (hash & 63))
    }
}

#[cfg(test)]
mod tests {
    use base::UserId;
    use proptest::prelude::*;

    use super::*;
    use crate::feeds::entry::Others;

    #[test]
    fn an_entry_is_hidden_with_what_it_shows_or_answers() {
        let gone = Gone::new(10);
        let comment = Entry::Comment { id: TweetId(9), author: UserId(1), answers: (TweetId(5), UserId(2)) };
        let retweet = Entry::Retweet {
            id: TweetId(12),
            retweeter: UserId(3),
            shown: TweetId(9),
            author: UserId(1),
            answers: Some((TweetId(5), UserId(2))),
            others: Others::Unknown,
        };
        let hidden = |entry: &Entry, batch| gone.now().hide(entry, batch);
        assert!(!hidden(&comment, 9) && !hidden(&retweet, 9));
        gone.record(TweetId(5), 4);
        assert!(hidden(&comment, 4) && hidden(&retweet, 4));
        assert!(!hidden(&comment, 3) && !hidden(&retweet, 3), "a reader of an older state sees it");
        gone.record(TweetId(9), 5);
        assert!(hidden(&Entry::Plain { id: TweetId(9) }, 5));
    }

    proptest! {
        /// Whatever was stamped and is still covered finds everything that went since.
        #[test]
        fn what_is_covered_finds_all_that_went_since(max in 1_usize..5, ids in prop::collection::vec(1_u64..99, 1..60)) {
            let gone = Gone::new(max);
            let mut stamps = vec![(gone.stamp(), 0)];
            for (batch, &id) in ids.iter().enumerate() {
                gone.record(TweetId(id), batch as u64);
                // Whoever takes a stamp here, and then the view before this batch, must find it later.
                gone.turn();
                stamps.push((gone.stamp(), batch));
                stamps.push((gone.stamp(), batch + 1));
                let now = gone.now();
                for &(stamp, since) in stamps.iter().filter(|(stamp, _)| now.covers(*stamp)) {
                    for &left in &ids[since..=batch] {
                        prop_assert!(now.has(TweetId(left), batch as u64), "{left} went after {stamp}");
                    }
                }
                prop_assert!(now.covers(gone.stamp()), "what is new is covered");
            }
        }
    }
}
