//! Numbers of 32 bits that mostly count up by one, compressed in blocks: found by place.
//!
//! # Layout
//!
//! Blocks are of [`BLOCK`] numbers, the last filled up. Numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 4 × blocks | the base of each block |
//! | 4 × blocks | where each block ends, in units of 32 bytes from the first block on |
//! | 32 × units | the blocks |
//!
//! The `i`th number of a block, from 0, is base + i + difference. Each difference takes as many bits as the greatest of
//! the block, `w`, and since 256 of them take `w` units, `w` is the number of units of the block: none where it just counts
//! up, ⌈log2 n⌉ or one more for `n` users in any order. Bases are modulo 2^32: one that is less than 0 is stored as 2^32 more.

use crate::adjacency::bits;

/// Numbers of a block: a difference of one bit is a unit of 32 bytes.
const BLOCK: usize = 256;
const UNIT: usize = BLOCK / 8;
const NUMBER_BYTES: usize = 4;
/// The most bits of a difference: from 255 less than 0 to 2^32 - 1.
const WIDTH_MAX: u32 = 33;

/// Numbers that mostly count up, read where they lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines<'a> {
    len: usize,
    bases: &'a [[u8; NUMBER_BYTES]],
    ends: &'a [[u8; NUMBER_BYTES]],
    blocks: &'a [u8],
}

impl<'a> Lines<'a> {
    /// Takes `len` numbers off the front of some bytes, and gives back how many bytes that were.
    pub(crate) fn measure(bytes: &[u8], len: usize) -> Option<usize> {
        let (_, ends, blocks) = split(bytes, len)?;
        let units = ends.last().map_or(0, |end| u32::from_le_bytes(*end) as usize);
        (units * UNIT <= blocks.len()).then_some(bytes.len() - blocks.len() + units * UNIT)
    }

    /// The `len` numbers in these bytes, as [`measure`](Self::measure) found them.
    pub(crate) fn new(bytes: &'a [u8], len: usize) -> Self {
        let (bases, ends, blocks) = split(bytes, len).unwrap_or_default();
        Lines { len, bases, ends, blocks }
    }

    /// The number at a place.
    pub(crate) fn get(&self, place: usize) -> Option<u32> {
        let (idx, within) = (place / BLOCK, place % BLOCK);
        let base = self.bases.get(idx).filter(|_| place < self.len)?;
        let line = u32::from_le_bytes(*base).wrapping_add(within as u32);
        let end = |idx: usize| self.ends.get(idx).map(|end| u32::from_le_bytes(*end) as usize);
        let (start, end) = (idx.checked_sub(1).map_or(Some(0), end)?, end(idx)?);
        if start == end {
            return Some(line);
        }
        let width = end.checked_sub(start).filter(|width| *width <= WIDTH_MAX as usize)? as u32;
        let bytes = self.blocks.get(start * UNIT..end * UNIT)?;
        Some(line.wrapping_add(bits::read(bytes, within * width as usize, width) as u32))
    }
}

/// Appends numbers; any number will do where there is none.
pub(crate) fn encode(numbers: impl Iterator<Item = Option<u32>>, out: &mut Vec<u8>) {
    let (mut ends, mut blocks) = (Vec::new(), Vec::new());
    let mut numbers = numbers.peekable();
    while numbers.peek().is_some() {
        let above = |(i, number): (usize, Option<u32>)| number.map(|number| i64::from(number) - i as i64);
        let block: Vec<Option<i64>> = numbers.by_ref().take(BLOCK).enumerate().map(above).collect();
        let known = block.iter().flatten().copied();
        let (base, greatest) = (known.clone().min().unwrap_or_default(), known.max().unwrap_or_default());
        let width = u64::BITS - ((greatest - base) as u64).leading_zeros();
        out.extend((base as u32).to_le_bytes());
        let start = blocks.len();
        blocks.resize(start + width as usize * UNIT, 0);
        for (i, above) in block.into_iter().enumerate() {
            let difference = above.map_or(0, |above| above - base);
            bits::put(&mut blocks[start..], i * width as usize, difference as u64, width);
        }
        ends.extend(((blocks.len() / UNIT) as u32).to_le_bytes());
    }
    out.extend(ends);
    out.extend(blocks);
}

type Parts<'a> = (&'a [[u8; NUMBER_BYTES]], &'a [[u8; NUMBER_BYTES]], &'a [u8]);

/// The bases, the ends, and everything behind them.
fn split(bytes: &[u8], len: usize) -> Option<Parts<'_>> {
    let blocks = len.div_ceil(BLOCK);
    let (bases, rest) = bytes.split_at_checked(blocks * NUMBER_BYTES)?;
    let (ends, rest) = rest.split_at_checked(blocks * NUMBER_BYTES)?;
    Some((bases.as_chunks().0, ends.as_chunks().0, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers that count up, with gaps, jumps and places without one.
    fn any_numbers() -> impl Strategy<Value = Vec<Option<u32>>> {
        let run = (any::<u32>(), 1..300u32, 0..3u32, 0..5u32);
        prop::collection::vec(run, 0..8).prop_map(|runs| {
            let numbers = runs.into_iter().flat_map(|(start, len, step, gap)| {
                (0..len).map(move |i| (gap == 0 || i % gap > 0).then_some(start.wrapping_add(i * step)))
            });
            numbers.collect()
        })
    }

    proptest! {
        #[test]
        fn every_number_is_at_its_place(numbers in any_numbers()) {
            let mut bytes = Vec::new();
            encode(numbers.iter().copied(), &mut bytes);
            prop_assert_eq!(Lines::measure(&bytes, numbers.len()), Some(bytes.len()));
            let lines = Lines::new(&bytes, numbers.len());
            for (place, number) in numbers.iter().enumerate() {
                prop_assert!(number.is_none_or(|number| lines.get(place) == Some(number)), "{}", place);
            }
            prop_assert_eq!(lines.get(numbers.len()), None);
        }

        #[test]
        fn whatever_the_bytes_are_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..9000), len in 0..800usize) {
            let lines = Lines::new(&bytes, len);
            (0..len + 1).for_each(|place| _ = lines.get(place));
            let _ = Lines::measure(&bytes, len);
        }
    }

    #[test]
    fn the_widest_differences_come_back_and_counting_up_takes_no_units() {
        let mut numbers: Vec<Option<u32>> = (0..300).map(|i| Some(if i % 2 == 0 { u32::MAX } else { 0 })).collect();
        numbers.extend((300..100_000).map(Some));
        let mut bytes = Vec::new();
        encode(numbers.iter().copied(), &mut bytes);
        let lines = Lines::new(&bytes, numbers.len());
        assert!(numbers.iter().enumerate().all(|(place, number)| lines.get(place) == *number));
        assert!(bytes.len() < 2 * WIDTH_MAX as usize * UNIT + 400 * 8, "{}", bytes.len());
    }
}
