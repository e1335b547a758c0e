//! A set of small numbers, one bit each.

use std::ops::Range;

use super::bits::{self, WORD_BYTES};

/// Bits of a word.
const WORD_BITS: usize = WORD_BYTES * 8;

/// Number `i` is there when bit `i` of the bytes is set, in the order of bits of [`bits`](super::bits).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bitmap<'a>(pub(crate) &'a [u8]);

impl<'a> Bitmap<'a> {
    pub(crate) fn contains(self, number: u32) -> bool {
        self.word(number as usize / WORD_BITS) >> (number % WORD_BITS as u32) & 1 == 1
    }

    /// How many numbers are smaller.
    pub(crate) fn rank(self, number: u32) -> usize {
        let index = number as usize / WORD_BITS;
        let before: usize = self.words().take(index).map(|word| word.count_ones() as usize).sum();
        before + (self.word(index) & bits::mask(number % WORD_BITS as u32)).count_ones() as usize
    }

    /// How many numbers there are.
    pub(crate) fn count(self) -> usize {
        self.words().map(|word| word.count_ones() as usize).sum()
    }

    /// The number of which `rank` are smaller.
    pub(crate) fn get(self, mut rank: usize) -> Option<u32> {
        for (index, word) in self.words().enumerate() {
            let here = word.count_ones() as usize;
            if rank < here {
                return Some((index * WORD_BITS) as u32 + bits::select(word, rank as u32));
            }
            rank -= here;
        }
        None
    }

    /// The first number that is not smaller than `from`.
    pub(crate) fn next(self, from: usize) -> Option<u32> {
        let mut index = from / WORD_BITS;
        let mut word = self.word(index) & u64::MAX << (from % WORD_BITS);
        while word == 0 {
            index += 1;
            if index * WORD_BYTES >= self.0.len() {
                return None;
            }
            word = self.word(index);
        }
        Some((index * WORD_BITS) as u32 + word.trailing_zeros())
    }

    /// Appends the numbers in a range, each `more` than it is.
    pub(crate) fn decode_range(self, range: Range<u64>, more: u32, ids: &mut Vec<u32>) {
        let end = range.end.min(self.0.len() as u64 * 8) as usize;
        let mut start = range.start.min(end as u64) as usize;
        let mut at = ids.len();
        ids.resize(at + self.rank(end as u32) - self.rank(start as u32), 0);
        while start < end {
            let index = start / WORD_BITS;
            let word = self.word(index) & u64::MAX << (start % WORD_BITS);
            // Those behind the end have no room.
            at += bits::ones(word, more.wrapping_add((index * WORD_BITS) as u32), &mut ids[at..]);
            start = (index + 1) * WORD_BITS;
        }
    }

    fn word(self, index: usize) -> u64 {
        bits::word(self.0, index * WORD_BYTES)
    }

    fn words(self) -> impl Iterator<Item = u64> {
        (0..self.0.len().div_ceil(WORD_BYTES)).map(move |index| self.word(index))
    }
}

/// Appends the bitmap of strictly increasing ids, each taken as so much less than it is.
pub(crate) fn encode(ids: &[u32], less: u32, out: &mut Vec<u8>) {
    let Some(last) = ids.last() else { return };
    let start = out.len();
    let end = start + ((last - less) as usize + 1).div_ceil(8);
    out.resize(end + WORD_BYTES, 0);
    let (words, _) = out[start..].as_chunks_mut::<WORD_BYTES>();
    let (mut index, mut word) = (0, 0);
    for id in ids {
        let bit = (id - less) as usize;
        if bit / WORD_BITS != index {
            words[index] = u64::to_le_bytes(word);
            (index, word) = (bit / WORD_BITS, 0);
        }
        word |= 1 << (bit % WORD_BITS);
    }
    words[index] = word.to_le_bytes();
    out.truncate(end);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bitmap_is_the_set_it_was_made_of(ids in prop::collection::btree_set(7u32..900, 1..200), probe in 0u32..1000) {
            let ids: Vec<u32> = BTreeSet::into_iter(ids).collect();
            let mut bytes = vec![];
            encode(&ids, 7, &mut bytes);
            let bitmap = Bitmap(&bytes);
            let rank = ids.partition_point(|id| *id < probe + 7);
            prop_assert_eq!((bitmap.count(), bitmap.rank(probe)), (ids.len(), rank));
            prop_assert_eq!(bitmap.contains(probe), ids.binary_search(&(probe + 7)).is_ok());
            prop_assert_eq!(bitmap.get(rank), ids.get(rank).map(|id| id - 7));
            prop_assert_eq!(bitmap.next(probe as usize), ids.get(rank).map(|id| id - 7));
            let mut decoded = vec![];
            bitmap.decode_range(probe.into()..u64::from(probe) + 100, 7, &mut decoded);
            let end = ids.partition_point(|id| *id < probe + 107);
            prop_assert_eq!(&decoded, &ids[rank..end]);
        }
    }
}
