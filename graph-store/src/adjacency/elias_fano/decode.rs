//! Reading ids one after the other.

use std::ops::Range;

use super::{EliasFano, Place, STRIDE};
use crate::adjacency::{CorruptList, bits};

impl<'a> EliasFano<'a> {
    pub(crate) fn iter(&self) -> Iter<'a> {
        Iter::at(*self, 0, self.high_start)
    }

    /// From the first id that is not smaller than `id`.
    pub(crate) fn iter_from(&self, id: u32) -> Iter<'a> {
        let place = self.find(id);
        Iter::at(*self, place.rank, place.bit)
    }

    /// Appends the ids in a range and answers how many are smaller: the same as [`iter_from`](Self::iter_from), and faster.
    pub(crate) fn decode_range(&self, range: Range<u64>, ids: &mut Vec<u32>) -> usize {
        let Ok(first) = u32::try_from(range.start) else { return self.len };
        let from = if first == 0 { self.start() } else { self.find(first) };
        let end = u32::try_from(range.end).map_or(self.len, |end| self.find(end).rank);
        let start = ids.len();
        // Parsing has seen to it that there are bits for so many.
        ids.resize(start + end.saturating_sub(from.rank), 0);
        let found = self.ones(from.bit, &mut ids[start..]);
        ids.truncate(start + found);
        self.put_together(from.rank, &mut ids[start..]);
        from.rank
    }

    /// Whether every bit is as [`encode`](super::encode) writes it: the ids strictly increase and nothing is left over.
    pub(crate) fn validate(&self) -> Result<(), CorruptList> {
        let mut previous = None;
        let mut decoded = 0;
        let mut next_sample = 1;
        for id in self.iter() {
            if previous.is_some_and(|previous| previous >= id) {
                return Err(CorruptList::Unsorted { position: decoded });
            }
            while next_sample * STRIDE <= (id >> self.low_bits) as usize {
                if self.sample(next_sample) != decoded {
                    return Err(CorruptList::Sample { position: decoded });
                }
                next_sample += 1;
            }
            previous = Some(id);
            decoded += 1;
        }
        // The number of ones is checked by decoding: had there been fewer than ids, the iterator would have ended
        // early; had there been more, the last bit would not be the one of the last id.
        if decoded != self.len || previous != self.get(self.len.wrapping_sub(1)) {
            return Err(CorruptList::Length);
        }
        Ok(())
    }

    fn start(&self) -> Place {
        Place { rank: 0, bit: self.high_start, found: false }
    }

    /// Writes the bits of the next ones, counted from where the high bits start; answers how many there are, if not as many as
    /// there is room for.
    fn ones(&self, from: usize, ones: &mut [u32]) -> usize {
        let mut byte = from / 8;
        let mut word = bits::word(self.bytes, byte) & u64::MAX << (from % 8);
        let mut found = 0;
        while found < ones.len() && byte < self.bytes.len() {
            found += bits::ones(word, (byte * 8).wrapping_sub(self.high_start) as u32, &mut ones[found..]);
            byte += 8;
            word = bits::word(self.bytes, byte);
        }
        found
    }
}

/// Ids in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Iter<'a> {
    list: EliasFano<'a>,
    rank: usize,
    /// The high bits from `byte` on, of which those already decoded are cleared.
    word: u64,
    byte: usize,
}

impl<'a> Iter<'a> {
    fn at(list: EliasFano<'a>, rank: usize, bit: usize) -> Self {
        let byte = bit / 8;
        Iter { list, rank, word: bits::word(list.bytes, byte) & u64::MAX << (bit % 8), byte }
    }
}

impl Iterator for Iter<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        if self.rank >= self.list.len {
            return None;
        }
        while self.word == 0 {
            self.byte += 8;
            if self.byte >= self.list.bytes.len() {
                self.rank = self.list.len;
                return None;
            }
            self.word = bits::word(self.list.bytes, self.byte);
        }
        let id = self.list.id(self.rank, self.byte * 8 + self.word.trailing_zeros() as usize);
        self.word &= self.word - 1;
        self.rank += 1;
        Some(id)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.list.len - self.rank;
        (left, Some(left))
    }
}
