//! Numbers of 64 bits that strictly increase, compressed in blocks: found by place and by value.
//!
//! # Layout
//!
//! Blocks are of [`BLOCK`] numbers; only the last may have fewer. Numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 × blocks | the first number of each block |
//! | 4 × blocks | where each block ends, in words of eight bytes from the first block on |
//! | 8 × words | the blocks |
//!
//! A block whose numbers have no gaps has no words. Of any other, whose `n` numbers are taken less the first, are stored:
//!
//! | part | bits | what |
//! |---|---|---|
//! | head | 8 | `l`, at most 56: how many bits of a number are low bits |
//! | low | n × l | the low bits of each number, in order |
//! | high | n + h | in unary, as [`adjacency`](super) has them: for each high part from 0 to the last one, `h`, a one for each number that has it; a zero between two high parts |
//! | padding | 0 to 63 | zeros |
//!
//! `l` is what makes the block smallest, of equals the greatest. Ids of which every tenth is there take 5.5 bits each.

use std::ops::Range;

use super::bits;

/// Numbers of a block: few enough to walk through its high bits, many enough that its twelve bytes in front are little.
const BLOCK: usize = 256;
const WORD: usize = 8;
const FIRST_BYTES: usize = 8;
const END_BYTES: usize = 4;
/// So that low bits are read in one piece.
const LOW_BITS_MAX: u32 = 56;

/// Numbers that strictly increase, read where they lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ascending<'a> {
    len: usize,
    firsts: &'a [[u8; FIRST_BYTES]],
    ends: &'a [[u8; END_BYTES]],
    blocks: &'a [u8],
}

/// One block.
#[derive(Clone, Copy, Debug)]
struct Block<'a> {
    len: usize,
    first: u64,
    /// Nothing, where the numbers have no gaps.
    bytes: &'a [u8],
}

impl<'a> Ascending<'a> {
    /// Takes `len` numbers off the front of some bytes, and gives back how many bytes that were.
    pub(crate) fn measure(bytes: &[u8], len: usize) -> Option<usize> {
        let (_, ends, blocks) = split(bytes, len)?;
        let words = ends.last().map_or(0, |end| u32::from_le_bytes(*end) as usize);
        (words * WORD <= blocks.len()).then_some(bytes.len() - blocks.len() + words * WORD)
    }

    /// The `len` numbers in these bytes, as [`measure`](Self::measure) found them.
    pub(crate) fn new(bytes: &'a [u8], len: usize) -> Self {
        let (firsts, ends, blocks) = split(bytes, len).unwrap_or_default();
        Ascending { len, firsts, ends, blocks }
    }

    /// The number at a place.
    pub(crate) fn get(&self, place: usize) -> Option<u64> {
        (place < self.len).then(|| self.block(place / BLOCK)?.get(place % BLOCK))?
    }

    /// The number at a place of `len` numbers whose bytes are to be had piece by piece.
    pub(crate) fn get_from<E>(
        len: usize,
        place: usize,
        fetch: impl Fn(Range<usize>) -> Result<&'a [u8], E>,
    ) -> Result<Option<u64>, E> {
        if place >= len {
            return Ok(None);
        }
        Ok(Self::block_from(len, place / BLOCK, fetch)?.get(place % BLOCK))
    }

    /// The numbers at some places that follow on one another, of `len` numbers whose bytes are to be had piece by piece: each
    /// but the first of a block is found from the one before it. `None` where there are none or the bytes are damaged.
    pub(crate) fn get_all_from<E>(
        len: usize,
        places: Range<usize>,
        fetch: impl Fn(Range<usize>) -> Result<&'a [u8], E>,
    ) -> Result<Option<Vec<u64>>, E> {
        if places.end > len {
            return Ok(None);
        }
        let mut numbers = Vec::with_capacity(places.len());
        let mut next = places.start;
        while next < places.end {
            let (idx, start) = (next / BLOCK, next % BLOCK);
            let end = (start + places.end - next).min(BLOCK);
            if Self::block_from(len, idx, &fetch)?.get_all(start..end, &mut numbers).is_none() {
                return Ok(None);
            }
            next += end - start;
        }
        Ok(Some(numbers))
    }

    /// A block of `len` numbers whose bytes are to be had piece by piece.
    fn block_from<E>(
        len: usize,
        idx: usize,
        fetch: impl Fn(Range<usize>) -> Result<&'a [u8], E>,
    ) -> Result<Block<'a>, E> {
        let blocks = len.div_ceil(BLOCK);
        let ends_start = blocks * FIRST_BYTES;
        let blocks_start = ends_start + blocks * END_BYTES;
        let number = |start: usize, len: usize| -> Result<u64, E> {
            Ok(fetch(start..start + len)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
        };
        let end = |idx: usize| -> Result<usize, E> {
            Ok(blocks_start + number(ends_start + idx * END_BYTES, END_BYTES)? as usize * WORD)
        };
        let first = number(idx * FIRST_BYTES, FIRST_BYTES)?;
        let start = idx.checked_sub(1).map_or(Ok(blocks_start), end)?;
        let bytes = fetch(start..end(idx)?.max(start))?;
        Ok(Block { len: BLOCK.min(len - idx * BLOCK), first, bytes })
    }

    /// The place of a number.
    pub(crate) fn find(&self, number: u64) -> Option<usize> {
        let after = self.firsts.partition_point(|first| u64::from_le_bytes(*first) <= number);
        let idx = after.checked_sub(1)?;
        Some(idx * BLOCK + self.block(idx)?.find(number)?)
    }

    fn block(&self, idx: usize) -> Option<Block<'a>> {
        let first = u64::from_le_bytes(*self.firsts.get(idx)?);
        let end = |idx: usize| self.ends.get(idx).map(|end| u32::from_le_bytes(*end) as usize * WORD);
        let start = idx.checked_sub(1).map_or(Some(0), end)?;
        Some(Block { len: BLOCK.min(self.len - idx * BLOCK), first, bytes: self.blocks.get(start..end(idx)?)? })
    }
}

impl Block<'_> {
    fn get(&self, place: usize) -> Option<u64> {
        let Some((head, bytes)) = self.bytes.split_first() else {
            return self.first.checked_add(place as u64);
        };
        let low_bits = u32::from(*head).min(LOW_BITS_MAX);
        let high_start = self.len * low_bits as usize;
        let bit = select(bytes, high_start, place, 0)?;
        let high = (bit - high_start - place) as u64;
        self.first.checked_add(high << low_bits | low(bytes, place, low_bits))
    }

    /// Appends the numbers at some places.
    fn get_all(&self, places: Range<usize>, numbers: &mut Vec<u64>) -> Option<()> {
        let Some((head, bytes)) = self.bytes.split_first() else {
            return places.into_iter().try_for_each(|place| {
                numbers.push(self.first.checked_add(place as u64)?);
                Some(())
            });
        };
        let low_bits = u32::from(*head).min(LOW_BITS_MAX);
        let high_start = self.len * low_bits as usize;
        let mut bit = select(bytes, high_start, places.start, 0);
        for place in places {
            let here = bit?;
            let high = (here - high_start - place) as u64;
            numbers.push(self.first.checked_add(high << low_bits | low(bytes, place, low_bits))?);
            bit = select(bytes, here + 1, 0, 0);
        }
        Some(())
    }

    fn find(&self, number: u64) -> Option<usize> {
        // Never less, but in damaged bytes.
        let wanted = number.checked_sub(self.first)?;
        let Some((head, bytes)) = self.bytes.split_first() else {
            return (wanted < self.len as u64).then_some(wanted as usize);
        };
        let low_bits = u32::from(*head).min(LOW_BITS_MAX);
        let high_start = self.len * low_bits as usize;
        let high = usize::try_from(wanted >> low_bits).ok().filter(|high| *high < bytes.len() * 8)?;
        let mut bit = match high.checked_sub(1) {
            Some(before) => select(bytes, high_start, before, u64::MAX)? + 1,
            None => high_start,
        };
        let wanted = wanted & bits::mask(low_bits);
        while bits::read(bytes, bit, 1) == 1 {
            let place = bit - high_start - high;
            let found = low(bytes, place, low_bits);
            if found >= wanted {
                return (found == wanted).then_some(place);
            }
            bit += 1;
        }
        None
    }
}

/// Appends numbers that strictly increase.
pub(crate) fn encode(numbers: &[u64], out: &mut Vec<u8>) {
    numbers.chunks(BLOCK).for_each(|block| out.extend(block[0].to_le_bytes()));
    let (mut ends, mut blocks) = (Vec::new(), Vec::new());
    for block in numbers.chunks(BLOCK) {
        encode_block(block, &mut blocks);
        ends.extend(((blocks.len() / WORD) as u32).to_le_bytes());
    }
    out.extend(ends);
    out.extend(blocks);
}

fn encode_block(numbers: &[u64], out: &mut Vec<u8>) {
    let (first, len) = (numbers[0], numbers.len());
    let last = numbers[len - 1] - first;
    if last == len as u64 - 1 {
        return;
    }
    let cost = |low_bits: &u32| len as u64 * u64::from(*low_bits) + (last >> low_bits);
    let about = (last / len as u64).checked_ilog2().unwrap_or_default().min(LOW_BITS_MAX);
    let around = about.saturating_sub(1)..=(about + 1).min(LOW_BITS_MAX);
    let low_bits = around.rev().min_by_key(cost).unwrap_or(about);
    let high_start = 8 + len * low_bits as usize;
    let all_bits = high_start + len + (last >> low_bits) as usize;
    let start = out.len();
    out.resize(start + all_bits.div_ceil(64) * WORD, 0);
    let bytes = &mut out[start..];
    bytes[0] = low_bits as u8;
    for (place, number) in numbers.iter().enumerate() {
        let number = number - first;
        bits::put(bytes, 8 + place * low_bits as usize, number & bits::mask(low_bits), low_bits);
        bits::set(bytes, high_start + place + (number >> low_bits) as usize);
    }
}

type Parts<'a> = (&'a [[u8; FIRST_BYTES]], &'a [[u8; END_BYTES]], &'a [u8]);

/// The firsts, the ends, and everything behind them.
fn split(bytes: &[u8], len: usize) -> Option<Parts<'_>> {
    let blocks = len.div_ceil(BLOCK);
    let (firsts, rest) = bytes.split_at_checked(blocks * FIRST_BYTES)?;
    let (ends, rest) = rest.split_at_checked(blocks * END_BYTES)?;
    Some((firsts.as_chunks().0, ends.as_chunks().0, rest))
}

fn low(bytes: &[u8], place: usize, low_bits: u32) -> u64 {
    bits::read(bytes, place * low_bits as usize, low_bits)
}

/// The one that has `before` ones between `from` and itself; of the zeros, where `flip` sets all bits.
fn select(bytes: &[u8], from: usize, mut before: usize, flip: u64) -> Option<usize> {
    let mut byte = from / 8;
    let mut word = (bits::word(bytes, byte) ^ flip) & u64::MAX << (from % 8);
    while byte < bytes.len() {
        let here = word.count_ones() as usize;
        if before < here {
            return Some(byte * 8 + bits::select(word, before as u32) as usize);
        }
        before -= here;
        byte += 8;
        word = bits::word(bytes, byte) ^ flip;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Numbers as they come: dense, spread, in bursts, or anywhere.
    fn any_numbers() -> impl Strategy<Value = BTreeSet<u64>> {
        let width = prop_oneof![Just(9u32), Just(13), Just(20), Just(40), Just(63)];
        let numbers = (any::<u64>(), width, prop::collection::vec((any::<u64>(), 1..400u64), 0..40));
        numbers.prop_map(|(start, width, runs)| {
            let runs = runs.into_iter().map(|(at, len)| (start.wrapping_add(at & ((1 << width) - 1)), len));
            runs.flat_map(|(at, len)| at..=at.saturating_add(len >> (at % 9))).collect()
        })
    }

    proptest! {
        #[test]
        fn every_number_is_at_its_place_and_no_other_is_found(numbers in any_numbers()) {
            let numbers: Vec<u64> = numbers.into_iter().collect();
            let mut bytes = Vec::new();
            encode(&numbers, &mut bytes);
            prop_assert_eq!(Ascending::measure(&bytes, numbers.len()), Some(bytes.len()));
            let ascending = Ascending::new(&bytes, numbers.len());
            for (place, number) in numbers.iter().enumerate() {
                prop_assert_eq!(ascending.get(place), Some(*number));
                let fetched = Ascending::get_from(numbers.len(), place, |range| bytes.get(range).ok_or(()));
                prop_assert_eq!(fetched, Ok(Some(*number)));
                for near in [number.wrapping_sub(1), *number, number.wrapping_add(1), number ^ 1 << 40] {
                    prop_assert_eq!(ascending.find(near), numbers.binary_search(&near).ok(), "{}", near);
                }
            }
            prop_assert_eq!(ascending.get(numbers.len()), None);
        }

        #[test]
        fn numbers_at_places_that_follow_on_one_another_are_those_at_each(numbers in any_numbers(), ends in any::<[usize; 2]>()) {
            let numbers: Vec<u64> = numbers.into_iter().collect();
            let mut bytes = Vec::new();
            encode(&numbers, &mut bytes);
            let get_all =
                |places| Ascending::get_all_from(numbers.len(), places, |range| bytes.get(range).ok_or(()));
            let [start, end] = ends.map(|end| end % (numbers.len() + 1));
            for places in [start.min(end)..start.max(end), start..start, 0..numbers.len()] {
                prop_assert_eq!(get_all(places.clone()), Ok(Some(numbers[places].to_vec())));
            }
            prop_assert_eq!(get_all(start..numbers.len() + 1), Ok(None));
        }

        #[test]
        fn whatever_the_bytes_are_nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..9000), len in 0..800usize) {
            let ascending = Ascending::new(&bytes, len);
            for place in 0..len + 1 {
                let _ = ascending.get(place).map(|number| ascending.find(number));
                let _ = Ascending::get_from(len, place, |range| bytes.get(range).ok_or(()));
                let _ = Ascending::get_all_from(len, place..len, |range| bytes.get(range).ok_or(()));
            }
            let _ = (ascending.find(0), ascending.find(u64::MAX), Ascending::measure(&bytes, len));
        }
    }

    #[test]
    fn numbers_without_gaps_take_no_words_and_a_tenth_of_all_takes_less_than_a_byte_each() {
        let bytes = |numbers: Vec<u64>| {
            let mut bytes = Vec::new();
            encode(&numbers, &mut bytes);
            bytes.len() as f64 / numbers.len() as f64
        };
        assert!(bytes((5..100_005).collect()) < 0.05);
        assert!(bytes((0..100_000).map(|i| i * 10 + i * 7919 % 10).collect()) < 0.8);
    }
}
