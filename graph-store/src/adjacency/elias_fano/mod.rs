//! A strictly increasing list as its low bits, packed, and its high bits, in unary: within 4 % of the fewest bits possible.
//!
//! Elias, "Efficient storage and retrieval by content and address of static files", 1974; Fano, "On the number of bits
//! required to implement an associative memory", 1971. Each id is cut into its `l` low bits and the rest, its *high
//! part*. The bytes, where `n` is the number of ids and `h` the high part of the last one:
//!
//! | part | bits | what |
//! |---|---|---|
//! | samples | 16 or 32 each | for k = 1 .. h / 512: how many ids have a high part below 512 k; 16 bits each where n < 65,536 |
//! | low | n × l | the low bits of each id, in order |
//! | high | n + h | for each high part from 0 to h: a one for each id that has it; a zero between two high parts |
//! | padding | 0 to 7 | zeros |
//!
//! The low and high parts are one string of bits ([`bits`](super::bits) says how it lies in bytes). Its last bit is
//! the one of the last id, so the last byte is never zero, the number of bits is known from the bytes, and `h` with it:
//! apart from `n` and `l` nothing has to be stored. With B bits in all, padding left out, and b bits a sample,
//! B - n (l + 1) is h + b ⌊h / 512⌋, from which h follows by one division.
//!
//! An id with high part p has p zeros before it in the high bits, and the bit of the i-th id (from 0) stands at i + p.
//! So membership is: skip p zeros, then compare low bits up to the next zero; the samples make skipping start at most
//! 511 zeros too early. `l` is whatever makes the list smallest, among the three around ⌊log2((last + 1) / n)⌋, where the
//! smallest always is; of equals the greatest, since high bits are slower to skip.

mod decode;
mod encode;
mod lows;

use super::{CorruptList, bits};

pub(crate) use decode::Iter;
pub(crate) use encode::{Part, encode, measure};

/// High parts from one sample to the next.
const STRIDE: usize = 512;
/// Ids with the same high part that are compared, however few there are; as many or more are halved first.
const COMPARED: usize = 4;
/// Bytes of a sample in a list of fewer than 65,536 ids, and in a longer one.
const NARROW: usize = 2;
const WIDE: usize = 4;
/// Up to this many low bits those of two ids are written together: they lie in one word wherever they start.
const PAIRED_MAX: u32 = 28;
/// The most low bits an id can have.
pub(crate) const LOW_BITS_MAX: u32 = 31;

/// A parsed list. On bytes that are damaged behind what was parsed, answers are wrong but nothing panics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EliasFano<'a> {
    bytes: &'a [u8],
    len: usize,
    low_bits: u32,
    samples: usize,
    /// Where the low bits start, and where the high bits start and end, in bits of `bytes`.
    low_start: usize,
    high_start: usize,
    high_end: usize,
}

/// Where an id is, or would be.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// How many ids are smaller.
    rank: usize,
    /// The bit of the id of this rank, or the zero before it.
    bit: usize,
    found: bool,
}

impl<'a> EliasFano<'a> {
    /// Takes exactly the bytes of a list of `len` ids with `low_bits`, at most [`LOW_BITS_MAX`], each.
    pub(crate) fn parse(bytes: &'a [u8], len: usize, low_bits: u32) -> Result<Self, CorruptList> {
        let Some(last) = bytes.last() else {
            let empty = EliasFano { bytes, len, low_bits, samples: 0, low_start: 0, high_start: 0, high_end: 0 };
            return if len == 0 && low_bits == 0 { Ok(empty) } else { Err(CorruptList::Length) };
        };
        if len == 0 || *last == 0 || low_bits > LOW_BITS_MAX {
            return Err(CorruptList::Length);
        }
        let all_bits = bytes.len() * 8 - last.leading_zeros() as usize;
        let id_bits = len.checked_mul(low_bits as usize + 1).ok_or(CorruptList::Length)?;
        let spread = all_bits.checked_sub(id_bits).ok_or(CorruptList::Length)?;
        // Each block of high parts takes its zeros and its sample; the divisors are constants, which makes them cheap.
        let (samples, rest) = match sample_bytes(len) {
            NARROW => (spread / (STRIDE + NARROW * 8), spread % (STRIDE + NARROW * 8)),
            _ => (spread / (STRIDE + WIDE * 8), spread % (STRIDE + WIDE * 8)),
        };
        let high = samples * STRIDE + rest;
        if rest >= STRIDE || high > (u32::MAX >> low_bits) as usize {
            return Err(CorruptList::Length);
        }
        let low_start = samples * sample_bytes(len) * 8;
        let high_start = low_start + len * low_bits as usize;
        let high_end = high_start + len + high;
        if high_end > bytes.len() * 8 {
            return Err(CorruptList::Length);
        }
        Ok(EliasFano { bytes, len, low_bits, samples, low_start, high_start, high_end })
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        self.find(id).found
    }

    /// How many ids are smaller.
    pub(crate) fn rank(&self, id: u32) -> usize {
        self.find(id).rank
    }

    pub(crate) fn position_of(&self, id: u32) -> Option<usize> {
        let place = self.find(id);
        place.found.then_some(place.rank)
    }

    /// The id of which `rank` ids are smaller.
    pub(crate) fn get(&self, rank: usize) -> Option<u32> {
        if rank >= self.len {
            return None;
        }
        if rank == self.len - 1 {
            return Some(self.id(rank, self.high_end - 1));
        }
        let (mut before, mut after) = (0, self.samples + 1);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.sample(middle) <= rank { before = middle } else { after = middle }
        }
        let skipped = self.sample(before);
        let bit = self.select::<false>(self.block_start(before), rank.saturating_sub(skipped));
        Some(self.id(rank, bit))
    }

    #[inline]
    fn find(&self, id: u32) -> Place {
        let high = (id >> self.low_bits) as usize;
        if self.len == 0 || high > self.high_end - self.high_start - self.len {
            return Place { rank: self.len, bit: self.high_end, found: false };
        }
        let block = self.block_start(high / STRIDE);
        let start = match high % STRIDE {
            0 => block,
            zeros => (self.select::<true>(block, zeros - 1) + 1).min(self.high_end),
        };
        let first = start.saturating_sub(self.high_start + high).min(self.len);
        let end = (first + self.ones_from(start)).min(self.len);
        let low = id & bits::mask(self.low_bits) as u32;
        let (mut rank, mut stop) = (first, end);
        while stop - rank >= COMPARED {
            let middle = rank + (stop - rank) / 2;
            if self.low(middle) < low { rank = middle + 1 } else { stop = middle }
        }
        let (mut smaller, mut found) = (0, false);
        for candidate in rank..rank + COMPARED {
            let here = self.low(candidate);
            smaller += usize::from((candidate < stop) & (here < low));
            found |= (candidate < end) & (here == low);
        }
        rank += smaller;
        Place { rank, bit: start + rank - first, found }
    }

    #[inline]
    fn low(&self, rank: usize) -> u32 {
        bits::read(self.bytes, self.low_start + rank * self.low_bits as usize, self.low_bits) as u32
    }

    /// The id of this rank, whose high bit is `bit`.
    #[inline]
    fn id(&self, rank: usize, bit: usize) -> u32 {
        let high = bit.saturating_sub(self.high_start + rank) as u32;
        high << self.low_bits | self.low(rank)
    }

    /// How many ids have a high part below `block` times [`STRIDE`], which is at most the number of samples.
    #[inline]
    fn sample(&self, block: usize) -> usize {
        let width = sample_bytes(self.len);
        // The block before which there is nothing has no sample. Whether it is the one is not to be predicted.
        let sample = bits::read(self.bytes, block.saturating_sub(1) * width * 8, width as u32 * 8) as usize;
        sample & usize::from(block > 0).wrapping_neg()
    }

    /// The bit at which the high parts from `block` times [`STRIDE`] on start.
    fn block_start(&self, block: usize) -> usize {
        (self.high_start + block * STRIDE + self.sample(block)).min(self.high_end)
    }

    /// How many ones there are from `from` on to the next zero or the end of the high bits.
    #[inline]
    fn ones_from(&self, from: usize) -> usize {
        let mut ones = (bits::word(self.bytes, from / 8) >> (from % 8)).trailing_ones() as usize;
        let mut end = from / 8 * 8 + 64;
        while from + ones == end {
            ones += bits::word(self.bytes, end / 8).trailing_ones() as usize;
            end += 64;
        }
        ones.min(self.high_end - from)
    }

    /// The bit of the zero (or else the one) that has `before` of its kind between `from` and itself; the end of the
    /// high bits where there is none.
    #[inline]
    fn select<const ZEROS: bool>(&self, from: usize, mut before: usize) -> usize {
        let kind = if ZEROS { u64::MAX } else { 0 };
        let mut byte = from / 8;
        let mut word = (bits::word(self.bytes, byte) ^ kind) & u64::MAX << (from % 8);
        loop {
            let here = word.count_ones() as usize;
            if before < here {
                return (byte * 8 + bits::select(word, before as u32) as usize).min(self.high_end);
            }
            before -= here;
            byte += 8;
            if byte * 8 >= self.high_end {
                return self.high_end;
            }
            word = bits::word(self.bytes, byte) ^ kind;
        }
    }
}

/// The bytes of each sample: enough for any number up to `len`.
const fn sample_bytes(len: usize) -> usize {
    if len < 1 << 16 { NARROW } else { WIDE }
}
