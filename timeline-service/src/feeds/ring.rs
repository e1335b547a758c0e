//! The newest entries of one feed: a ring of words that overwrites its oldest.
//!
//! Entries are read from the newest back, see [`entry`](super::entry), until the words are used up: an entry of which the first
//! words are overwritten is none any more. So appending is a store and two counters, whatever is overwritten.

use base::TweetId;

use super::entry::{Backwards, Entry};

/// A new ring has room for this many words.
const WORDS_MIN: usize = 32;

/// The newest entries of one feed.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    words: Box<[u64]>,
    /// Where the next word goes.
    next: u32,
    /// Words that are used, up to all.
    used: u32,
    /// Words at the most: until then the ring grows instead of overwriting.
    max: u32,
    /// Whether something was overwritten.
    has_lost: bool,
    newest: TweetId,
}

impl Ring {
    /// A ring of some words, with room for `max`.
    pub(crate) fn new(words: &[u64], max: usize) -> Self {
        let max = max.max(words.len()).max(WORDS_MIN);
        let mut ring = Ring { max: max as u32, newest: TweetId(0), ..Ring::default() };
        if let Some((entry, _)) = Entry::last(words) {
            ring.newest = entry.id();
        }
        let room = (words.len() + words.len() / 8).next_multiple_of(8).clamp(WORDS_MIN, max);
        let mut filled = words.to_vec();
        filled.resize(room, 0);
        ring.words = filled.into();
        ring.used = words.len() as u32;
        ring.next = (words.len() % room) as u32;
        ring
    }

    /// Nothing up to here is appended any more: it is there, or went before the ring was filled.
    pub(crate) fn close_to(&mut self, id: TweetId) {
        self.newest = self.newest.max(id);
    }

    /// Appends an entry. One that is not newer than the newest is there already, or was left out for good.
    #[inline]
    pub(crate) fn append(&mut self, id: TweetId, words: &[u64]) -> bool {
        if id <= self.newest {
            return false;
        }
        self.newest = id;
        for &word in words {
            self.push(word);
        }
        true
    }

    #[inline]
    fn push(&mut self, word: u64) {
        if self.used as usize == self.words.len() {
            if self.used < self.max {
                self.grow();
            } else {
                self.has_lost = true;
            }
        } else {
            self.used += 1;
        }
        let next = self.next as usize;
        if let Some(place) = self.words.get_mut(next) {
            *place = word;
        }
        self.next = if next + 1 == self.words.len() { 0 } else { self.next + 1 };
    }

    #[cold]
    fn grow(&mut self) {
        let mut words = Vec::new();
        self.copy(usize::MAX, &mut words);
        let used = words.len();
        words.resize((used * 2).clamp(WORDS_MIN, self.max as usize), 0);
        self.words = words.into();
        self.next = used as u32;
        self.used = used as u32 + 1;
    }

    /// The word that is overwritten next.
    #[inline]
    pub(crate) fn end(&self) -> Option<&u64> {
        self.words.get(self.next as usize)
    }

    /// Copies the newest `count` words, oldest first.
    pub(crate) fn copy(&self, count: usize, into: &mut Vec<u64>) {
        let (next, count) = (self.next as usize, count.min(self.used as usize));
        into.clear();
        if count > next {
            into.extend_from_slice(&self.words[self.words.len() - (count - next)..]);
            into.extend_from_slice(&self.words[..next]);
        } else {
            into.extend_from_slice(&self.words[next - count..next]);
        }
    }

    /// How many words there are.
    pub(crate) const fn len(&self) -> usize {
        self.used as usize
    }

    /// Whether something was overwritten: then what the ring has ends with its oldest whole entry.
    pub(crate) const fn has_lost(&self) -> bool {
        self.has_lost
    }

    /// The id of the oldest whole entry.
    pub(crate) fn oldest(&self) -> TweetId {
        let mut words = Vec::new();
        self.copy(usize::MAX, &mut words);
        Backwards(&words).last().map_or(TweetId(u64::MAX), |entry| entry.id())
    }

    /// Bytes of its words.
    pub(crate) const fn bytes(&self) -> usize {
        self.words.len() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::feeds::entry::tests::entry;

    proptest! {
        /// A ring has the newest entries, whole and in order, and loses the oldest first.
        #[test]
        fn a_ring_has_the_newest_entries(
            mut entries in prop::collection::vec(entry(), 0..80), built in 0_usize..20, max in 1_usize..80, count in 0_usize..90,
        ) {
            entries.sort_by_key(Entry::id);
            entries.dedup_by_key(|entry| entry.id());
            let built = built.min(entries.len());
            let mut words = Vec::new();
            entries[..built].iter().for_each(|entry| entry.write(&mut words));
            let mut ring = Ring::new(&words, max);
            for entry in &entries[built..] {
                let (words, len) = entry.words();
                prop_assert!(ring.append(entry.id(), &words[..len]));
                prop_assert!(!ring.append(entry.id(), &words[..len]), "again is nothing");
            }
            ring.copy(usize::MAX, &mut words);
            let kept: Vec<_> = Backwards(&words).collect();
            prop_assert!(entries.iter().rev().take(kept.len()).eq(kept.iter()));
            prop_assert!(ring.has_lost() || kept.len() == entries.len());
            if let Some(last) = kept.last() {
                prop_assert_eq!(ring.oldest(), last.id());
            }
            let mut some = Vec::new();
            ring.copy(count, &mut some);
            prop_assert!(words.ends_with(&some) && some.len() == count.min(ring.len()));
        }
    }
}
