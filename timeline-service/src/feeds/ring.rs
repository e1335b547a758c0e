//! The newest entries of one feed: a ring of words that overwrites its oldest.
//!
//! Entries are read from the newest back, see [`entry`](super::entry), until the words are used up: an entry of which the first
//! words are overwritten is none any more. So appending is a store and two counters, whatever is overwritten.
//!
//! The words of many rings lie far apart in a memory that no cache holds, and most of an append is waiting for it. So the newest
//! few words wait in the first cache line of the ring, and go to the others together: of most appends that line is all.

use base::TweetId;

use super::entry::{Backwards, Entry};

/// A new ring has room for this many words.
const WORDS_MIN: usize = 32;
/// Words that wait: with what an append asks for besides they fill a cache line.
const WAITING: usize = 6;

/// The newest entries of one feed.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Ring {
    newest: TweetId,
    /// The newest words, which are not among the others yet.
    waiting: [u64; WAITING],
    /// How many of these there are.
    waiting_len: u8,
    /// Whether something was overwritten.
    has_lost: bool,
    /// Where the first of these goes.
    next: u32,
    // Here ends the first line.
    words: Box<[u64]>,
    /// Words that are used, up to all.
    used: u32,
    /// Words at the most: until then the ring grows instead of overwriting.
    max: u32,
}

const _: () = assert!(std::mem::offset_of!(Ring, words) == 64, "an append asks for one line");

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

    /// Appends an entry, and answers by how many bytes the ring has grown. None where the entry is not newer than the newest: it
    /// is there already, or was left out for good.
    #[inline]
    pub(crate) fn append(&mut self, id: TweetId, words: &[u64]) -> Option<usize> {
        if id <= self.newest {
            return None;
        }
        self.newest = id;
        let (from, to) = (usize::from(self.waiting_len), usize::from(self.waiting_len) + words.len());
        match self.waiting.get_mut(from..to) {
            Some(places) if to < WAITING => {
                places.copy_from_slice(words);
                self.waiting_len = to as u8;
                Some(0)
            }
            _ => Some(self.append_to_others(words)),
        }
    }

    /// Appends words that have those that wait go to the others, and answers by how many bytes the ring has grown.
    #[inline(never)]
    fn append_to_others(&mut self, words: &[u64]) -> usize {
        let bytes = self.bytes();
        for &word in words {
            if let Some(place) = self.waiting.get_mut(usize::from(self.waiting_len)) {
                *place = word;
            }
            self.waiting_len += 1;
            if usize::from(self.waiting_len) == WAITING {
                self.settle();
            }
        }
        self.bytes() - bytes
    }

    /// Those that wait go to the others.
    fn settle(&mut self) {
        for place in 0..usize::from(std::mem::take(&mut self.waiting_len)) {
            self.push(self.waiting[place]);
        }
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
        let used = self.words.len();
        let mut words = Vec::with_capacity(used * 2);
        self.copy_settled(used, &mut words);
        words.resize((used * 2).clamp(WORDS_MIN, self.max as usize), 0);
        self.words = words.into();
        self.next = used as u32;
        self.used = used as u32 + 1;
    }

    /// Whether an entry of so many words has those that wait go to the others.
    #[inline]
    pub(crate) const fn settles(&self, entry_len: usize) -> bool {
        self.waiting_len as usize + entry_len >= WAITING
    }

    /// The word that is overwritten next.
    #[inline]
    pub(crate) fn end(&self) -> Option<&u64> {
        self.words.get(self.next as usize)
    }

    /// Copies the newest `count` words, oldest first.
    pub(crate) fn copy(&self, count: usize, into: &mut Vec<u64>) {
        into.clear();
        let count = count.min(self.len());
        into.reserve(count);
        let waiting = &self.waiting[..usize::from(self.waiting_len)];
        self.newest(count).for_each(|words| into.extend_from_slice(words));
        into.extend_from_slice(&waiting[waiting.len().saturating_sub(count)..]);
    }

    /// Where the newest `count` words lie, but for those that wait.
    pub(crate) fn newest(&self, count: usize) -> impl Iterator<Item = &[u64]> {
        self.settled(count.min(self.len()).saturating_sub(usize::from(self.waiting_len))).into_iter()
    }

    /// Appends the newest `count` of the words that do not wait.
    fn copy_settled(&self, count: usize, into: &mut Vec<u64>) {
        self.settled(count).into_iter().for_each(|words| into.extend_from_slice(words));
    }

    /// The newest `count` of the words that do not wait, oldest first.
    fn settled(&self, count: usize) -> [&[u64]; 2] {
        let next = self.next as usize;
        if count > next {
            [&self.words[self.words.len() - (count - next)..], &self.words[..next]]
        } else {
            [&[], &self.words[next - count..next]]
        }
    }

    /// How many words there are.
    pub(crate) fn len(&self) -> usize {
        self.all().min(self.max as usize)
    }

    /// Whether something was overwritten, or will be: then what the ring has ends with its oldest whole entry.
    pub(crate) fn has_lost(&self) -> bool {
        self.has_lost || self.all() > self.max as usize
    }

    /// Words that are used, with those that wait and have nothing overwritten yet.
    fn all(&self) -> usize {
        self.used as usize + usize::from(self.waiting_len)
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
                let bytes = ring.bytes();
                let grown = ring.append(entry.id(), &words[..len]);
                prop_assert_eq!(grown, Some(ring.bytes() - bytes));
                prop_assert_eq!(ring.append(entry.id(), &words[..len]), None, "again is nothing");
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
