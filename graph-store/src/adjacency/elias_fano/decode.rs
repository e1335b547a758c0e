//! Reading ids one after the other.

use std::ops::Range;

use super::{EliasFano, PAIRED_MAX, Place, STRIDE};
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
        let place = if first == 0 { self.start() } else { self.find(first) };
        if range.end > u32::MAX.into() {
            // Parsing has seen to it that there are bits for so many.
            ids.reserve(self.len.saturating_sub(place.rank));
        }
        self.decode(place, range.end, ids);
        place.rank
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

    /// Appends the ids from a place on that are smaller than `until`, word by word of the high bits.
    fn decode(&self, from: Place, until: u64, ids: &mut Vec<u32>) {
        let Place { mut rank, bit, .. } = from;
        let mask = bits::mask(self.low_bits);
        let mut byte = bit / 8;
        let mut word = bits::word(self.bytes, byte) & u64::MAX << (bit % 8);
        while rank < self.len && byte < self.bytes.len() {
            let end = (rank + word.count_ones() as usize).min(self.len);
            // A one stands at its id's high part plus the bits before all high bits and the id's own rank. Damaged
            // bits may make that less than nothing: it wraps.
            let mut ahead = (byte * 8).wrapping_sub(self.high_start + rank) as u32;
            let mut bit = self.low_start + rank * self.low_bits as usize;
            let mut next = || {
                let high = ahead.wrapping_add(word.trailing_zeros());
                word &= word.wrapping_sub(1);
                ahead = ahead.wrapping_sub(1);
                high << self.low_bits
            };
            let start = ids.len();
            ids.resize(start + end - rank, 0);
            let decoded = &mut ids[start..];
            let (pairs, rest) =
                if self.low_bits <= PAIRED_MAX { decoded.as_chunks_mut() } else { (&mut [][..], decoded) };
            for pair in pairs {
                let lows = bits::word(self.bytes, bit / 8) >> (bit % 8);
                *pair = [next() | (lows & mask) as u32, next() | (lows >> self.low_bits & mask) as u32];
                bit += 2 * self.low_bits as usize;
            }
            for id in rest {
                *id = next() | bits::read(self.bytes, bit, self.low_bits) as u32;
                bit += self.low_bits as usize;
            }
            if ids[start..].last().is_some_and(|last| u64::from(*last) >= until) {
                let wanted = ids[start..].partition_point(|id| u64::from(*id) < until);
                ids.truncate(start + wanted);
                return;
            }
            rank = end;
            byte += 8;
            word = bits::word(self.bytes, byte);
        }
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
