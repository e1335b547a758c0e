//! The times of a long list, the oldest first, each with the place of its edge in the list.
//!
//! The edges of a list are sorted by time, those of the same second by id. Of the times, less their minimum, the *low
//! bits* are packed; the rest, their *high part*, never decreases and lies in unary: Elias-Fano for a sequence with
//! repetitions. Behind the head and the minimum of the [entry](super::Times), with `n` times and `l` low bits:
//!
//! | part | bits | what |
//! |---|---|---|
//! | samples | 32 each | for k = 1 .. (n - 1) / 512: the high part of time number 512 k |
//! | low | n × l | the low bits of each time |
//! | positions | n × w | the place in the list, counted by id, of each edge; w is the width of n - 1 |
//! | high | n + h | for each high part from 0 to h: a one for each time that has it; a zero between two high parts |
//!
//! Each part starts with a byte of its own and is filled up with zeros. The last bit of the high part is the one of the
//! last time, so that `h` follows from the length of the entry. The one of time number i, from 0, stands at bit i plus its
//! high part; so a sample tells where the one of number 512 k stands, and an edge is found from its number in at most
//! 511 steps. The number of a time is found by halving the samples first.
//!
//! Both together take ⌈log2 n⌉ + log2(range / n) + 2 bits an edge, some 2 bits more than packing the times alone; for
//! them a page of the newest edges reads that page and no more. `l` is whatever makes the entry smallest; of equals the
//! greatest.
//!
//! # Worked example
//!
//! The times 107, 100, 103, 100, 131 in the order of the ids; the minimum is 100, l = 3.
//!
//! | | | | | | |
//! |---|---|---|---|---|---|
//! | time less the minimum | 0 | 0 | 3 | 7 | 31 |
//! | low bits | 0 | 0 | 3 | 7 | 7 |
//! | position, 3 bits | 1 | 3 | 2 | 0 | 4 |
//! | high part | 0 | 0 | 0 | 0 | 3 |
//! | its one | 0 | 1 | 2 | 3 | 7 |
//!
//! The bytes: low bits `c0 7e`, positions `99 40`, high `8f`.

use std::ops::Range;

use super::entry::{Entry, Numbers};
use crate::adjacency::bits;
use crate::segment::SegmentError;

/// Times from one sample to the next.
const STRIDE: usize = 512;
const SAMPLE_BYTES: usize = 4;
/// The most low bits that a time can have.
pub(super) const LOW_BITS_MAX: u32 = 31;

/// The times of one list. Damaged bytes are an error or give other times; nothing panics.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeOrdered<'a> {
    entry: Entry<'a>,
    len: usize,
    minimum: u32,
    low_bits: u32,
    /// Where the parts start, in bytes.
    samples: usize,
    low: usize,
    positions: usize,
    high: usize,
    /// The bits of the high part.
    high_bits: usize,
}

impl<'a> TimeOrdered<'a> {
    /// Takes the entry of a list of `len` edges, of which the parts start at the byte `samples`.
    pub(super) fn parse(
        entry: Entry<'a>,
        samples: usize,
        minimum: u32,
        low_bits: u32,
        len: usize,
    ) -> Result<Self, SegmentError> {
        let corrupt = || entry.corrupt();
        let greatest = len.checked_sub(1).filter(|_| low_bits <= LOW_BITS_MAX).ok_or_else(corrupt)?;
        let packed = |width: u32| Some(len.checked_mul(width as usize)?.div_ceil(8));
        let parts = || {
            let low = samples.checked_add(greatest / STRIDE * SAMPLE_BYTES)?;
            let positions = low.checked_add(packed(low_bits)?)?;
            Some((low, positions, positions.checked_add(packed(width_of(greatest))?)?))
        };
        let (low, positions, high) = parts().filter(|(_, _, high)| *high < entry.len()).ok_or_else(corrupt)?;
        let last = entry.bytes(entry.len() - 1..entry.len())?;
        let unused = last.first().filter(|last| **last != 0).ok_or_else(corrupt)?.leading_zeros();
        let high_bits = (entry.len() - high) * 8 - unused as usize;
        if high_bits < len || high_bits - len > (u32::MAX >> low_bits) as usize {
            return Err(corrupt());
        }
        Ok(TimeOrdered { entry, len, minimum, low_bits, samples, low, positions, high, high_bits })
    }

    /// How many edges come before an edge of this time at this position of the list.
    pub(super) fn rank(&self, time: u32, position: u32) -> Result<usize, SegmentError> {
        let (mut start, mut end) = (0, self.len.div_ceil(STRIDE));
        while start < end {
            let middle = start + (end - start) / 2;
            if self.first_of(middle)? < (time, position) { start = middle + 1 } else { end = middle }
        }
        // The first of this block comes before the edge, and the first of the next does not.
        let Some(block) = start.checked_sub(1) else { return Ok(0) };
        let mut rank = block * STRIDE;
        self.for_each(rank..(rank + STRIDE).min(self.len), |found, at| {
            rank += usize::from((found, at) < (time, position));
            Ok(())
        })?;
        Ok(rank)
    }

    /// Calls with the time and the position, which is in the list, of each edge of these ranks, from the oldest on.
    #[inline]
    pub(super) fn for_each(
        &self,
        ranks: Range<usize>,
        mut call: impl FnMut(u32, u32) -> Result<(), SegmentError>,
    ) -> Result<(), SegmentError> {
        if ranks.is_empty() {
            return Ok(());
        }
        let (first, next) = (ranks.start / STRIDE, ranks.end.div_ceil(STRIDE));
        let start = self.one_of(first)?;
        let end = if next * STRIDE < self.len { self.one_of(next)? } else { self.high_bits };
        let high = self.entry.bytes(self.high.saturating_add(start / 8)..self.high.saturating_add(end.div_ceil(8)))?;
        let mut ones = Ones::new(high, start % 8);
        ones.pass(ranks.start - first * STRIDE);
        let (low, positions) = (self.low(ranks.clone())?, self.positions(ranks.clone())?);
        for (place, rank) in ranks.enumerate() {
            let bit = ones.next().map(|bit| start / 8 * 8 + bit);
            let high = bit.and_then(|bit| bit.checked_sub(rank)).ok_or_else(|| self.entry.corrupt())?;
            let position = positions.get(place);
            if position as usize >= self.len {
                return Err(self.entry.corrupt());
            }
            call(self.time(high, low.get(place))?, position)?;
        }
        Ok(())
    }

    /// The times at some positions of the list, which ascend. The positions of all edges are read for it.
    pub(super) fn at(&self, wanted: &[u32], times: &mut Vec<u32>) -> Result<(), SegmentError> {
        let Some((first, last)) = wanted.first().zip(wanted.last()) else { return Ok(()) };
        let positions = self.positions(0..self.len)?;
        let start = times.len();
        times.resize(start + wanted.len(), 0);
        let mut missing = wanted.len();
        for rank in 0..self.len {
            let position = positions.get(rank);
            // One comparison for nearly all of them.
            if position.wrapping_sub(*first) > last - first {
                continue;
            }
            if let Ok(place) = wanted.binary_search(&position) {
                self.for_each(rank..rank + 1, |time, _| {
                    times[start + place] = time;
                    Ok(())
                })?;
                missing -= 1;
                if missing == 0 {
                    return Ok(());
                }
            }
        }
        Err(self.entry.corrupt())
    }

    /// Appends the times at some positions of the list; those of all others are read for it.
    pub(super) fn decode_into(&self, wanted: Range<usize>, times: &mut Vec<u32>) -> Result<(), SegmentError> {
        if wanted.end > self.len {
            return Err(self.entry.corrupt());
        }
        let start = times.len();
        times.resize(start + wanted.len(), 0);
        let by_id = &mut times[start..];
        self.for_each(0..self.len, |time, position| {
            if let Some(place) = by_id.get_mut((position as usize).wrapping_sub(wanted.start)) {
                *place = time;
            }
            Ok(())
        })
    }

    fn low(&self, ranks: Range<usize>) -> Result<Numbers<'a>, SegmentError> {
        self.entry.numbers(self.low, self.low_bits, ranks)
    }

    fn positions(&self, ranks: Range<usize>) -> Result<Numbers<'a>, SegmentError> {
        self.entry.numbers(self.positions, width_of(self.len - 1), ranks)
    }

    /// The high part of the first time of a block.
    fn sample(&self, block: usize) -> Result<usize, SegmentError> {
        let Some(place) = block.checked_sub(1) else { return Ok(0) };
        Ok(self.entry.numbers(self.samples, 8 * SAMPLE_BYTES as u32, place..place + 1)?.get(0) as usize)
    }

    /// The bit at which the one of the first time of a block stands.
    fn one_of(&self, block: usize) -> Result<usize, SegmentError> {
        Ok(block * STRIDE + self.sample(block)?)
    }

    /// Time and position of the first edge of a block.
    fn first_of(&self, block: usize) -> Result<(u32, u32), SegmentError> {
        let rank = block * STRIDE;
        let low = self.low(rank..rank + 1)?.get(0);
        Ok((self.time(self.sample(block)?, low)?, self.positions(rank..rank + 1)?.get(0)))
    }

    fn time(&self, high: usize, low: u32) -> Result<u32, SegmentError> {
        let difference = (high as u64) << self.low_bits | u64::from(low);
        u32::try_from(u64::from(self.minimum) + difference).map_err(|_| self.entry.corrupt())
    }
}

/// The places of the ones in a string of bits.
struct Ones<'a> {
    bytes: &'a [u8],
    byte: usize,
    /// The bits from `byte` on, of which those already given out are cleared.
    word: u64,
}

impl<'a> Ones<'a> {
    /// Those from bit `start`, below 8, on.
    fn new(bytes: &'a [u8], start: usize) -> Self {
        Ones { bytes, byte: 0, word: bits::word(bytes, 0) & u64::MAX << start }
    }

    fn pass(&mut self, mut ones: usize) {
        while self.word.count_ones() as usize <= ones && self.byte < self.bytes.len() {
            ones -= self.word.count_ones() as usize;
            self.advance();
        }
        (0..ones).for_each(|_| self.word &= self.word.wrapping_sub(1));
    }

    fn advance(&mut self) {
        self.byte += 8;
        self.word = bits::word(self.bytes, self.byte);
    }
}

impl Iterator for Ones<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.word == 0 {
            if self.byte >= self.bytes.len() {
                return None;
            }
            self.advance();
        }
        let bit = self.byte * 8 + self.word.trailing_zeros() as usize;
        self.word &= self.word - 1;
        Some(bit)
    }
}

/// The low bits with which `len` times, of which the last is `range` after the first, take the fewest bytes.
pub(super) fn low_bits(len: usize, range: u32) -> u32 {
    let bytes =
        |low_bits: u32| (len * low_bits as usize).div_ceil(8) + (len + (range >> low_bits) as usize).div_ceil(8);
    (0..=LOW_BITS_MAX).rev().min_by_key(|low_bits| bytes(*low_bits)).unwrap_or_default()
}

/// Appends the parts for some times, at least one, which are given in the order of the ids.
pub(super) fn encode(times: &[u32], minimum: u32, low_bits: u32, out: &mut Vec<u8>) {
    let edges = times.iter().zip(0u64..).map(|(time, position)| u64::from(time - minimum) << 32 | position);
    let mut edges: Vec<u64> = edges.collect();
    edges.sort_unstable();
    let high = |edge: &u64| (edge >> 32 >> low_bits) as usize;
    for edge in edges.iter().step_by(STRIDE).skip(1) {
        out.extend((high(edge) as u32).to_le_bytes());
    }
    bits::pack(edges.iter().map(|edge| (edge >> 32) as u32), low_bits, out);
    bits::pack(edges.iter().map(|edge| *edge as u32), width_of(edges.len() - 1), out);
    let start = out.len();
    out.resize(start + (edges.len() + edges.last().map_or(0, high)).div_ceil(8), 0);
    for (rank, edge) in edges.iter().enumerate() {
        bits::set(&mut out[start..], rank + high(edge));
    }
}

/// The bits of the greatest position.
fn width_of(greatest: usize) -> u32 {
    usize::BITS - greatest.leading_zeros()
}
