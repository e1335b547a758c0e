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

use super::{CorruptList, bits};

/// High parts from one sample to the next.
const STRIDE: usize = 512;
/// Up to this many ids with the same high part are compared one by one; more are searched by halving.
const LINEAR_MAX: usize = 16;
/// Bytes of a sample in a list of fewer than 65,536 ids, and in a longer one.
const NARROW: usize = 2;
const WIDE: usize = 4;
/// The most low bits an id can have.
pub(crate) const LOW_BITS_MAX: u32 = 31;

/// A parsed list. On bytes that are damaged behind what was parsed, answers are wrong but nothing panics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EliasFano<'a> {
    samples: &'a [u8],
    bits: &'a [u8],
    len: usize,
    low_bits: u32,
    /// Where the high bits start and end in `bits`.
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
            let empty = EliasFano { samples: bytes, bits: bytes, len: 0, low_bits, high_start: 0, high_end: 0 };
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
        let (samples, bits) = bytes.split_at_checked(samples * sample_bytes(len)).ok_or(CorruptList::Length)?;
        let high_start = len * low_bits as usize;
        Ok(EliasFano { samples, bits, len, low_bits, high_start, high_end: high_start + len + high })
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
        let samples = self.samples.len() / sample_bytes(self.len);
        let (mut before, mut after) = (0, samples + 1);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.sample(middle) <= rank { before = middle } else { after = middle }
        }
        let skipped = self.sample(before);
        let bit = self.select::<false>(self.block_start(before), rank.saturating_sub(skipped));
        Some(self.id(rank, bit))
    }

    pub(crate) fn iter(&self) -> Iter<'a> {
        Iter::at(*self, 0, self.high_start)
    }

    /// Appends all ids: the same as extending with [`iter`](Self::iter), and faster.
    pub(crate) fn decode_into(&self, ids: &mut Vec<u32>) {
        let start = ids.len();
        ids.resize(start + self.len, 0);
        let mut byte = self.high_start / 8;
        let mut word = bits::word(self.bits, byte) & u64::MAX << (self.high_start % 8);
        let mut low_bit = 0;
        // A one stands at its id's high part plus the bits before all high bits and the id's own rank.
        for (id, ahead) in ids[start..].iter_mut().zip(self.high_start..) {
            while word == 0 && byte < self.bits.len() {
                byte += 8;
                word = bits::word(self.bits, byte);
            }
            let high = (byte * 8 + word.trailing_zeros() as usize).saturating_sub(ahead) as u32;
            *id = high << self.low_bits | bits::read(self.bits, low_bit, self.low_bits) as u32;
            word &= word.wrapping_sub(1);
            low_bit += self.low_bits as usize;
        }
    }

    /// From the first id that is not smaller than `id`.
    pub(crate) fn iter_from(&self, id: u32) -> Iter<'a> {
        let place = self.find(id);
        Iter::at(*self, place.rank, place.bit)
    }

    /// Whether every bit is as [`encode`] writes it: the ids strictly increase and nothing is left over.
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

    fn find(&self, id: u32) -> Place {
        let high = (id >> self.low_bits) as usize;
        if self.len == 0 || high > self.high_end - self.high_start - self.len {
            return Place { rank: self.len, bit: self.high_end, found: false };
        }
        let start = match high % STRIDE {
            0 => self.block_start(high / STRIDE),
            zeros => (self.select::<true>(self.block_start(high / STRIDE), zeros - 1) + 1).min(self.high_end),
        };
        let first = start.saturating_sub(self.high_start + high).min(self.len);
        let end = (first + self.next_zero(start) - start).min(self.len);
        let low = id & bits::mask(self.low_bits) as u32;
        let (mut rank, mut stop) = (first, end);
        while stop - rank > LINEAR_MAX {
            let middle = rank + (stop - rank) / 2;
            if self.low(middle) < low { rank = middle + 1 } else { stop = middle }
        }
        while rank < stop && self.low(rank) < low {
            rank += 1;
        }
        Place { rank, bit: start + rank - first, found: rank < end && self.low(rank) == low }
    }

    #[inline]
    fn low(&self, rank: usize) -> u32 {
        bits::read(self.bits, rank * self.low_bits as usize, self.low_bits) as u32
    }

    /// The id of this rank, whose high bit is `bit`.
    #[inline]
    fn id(&self, rank: usize, bit: usize) -> u32 {
        let high = bit.saturating_sub(self.high_start + rank) as u32;
        high << self.low_bits | self.low(rank)
    }

    /// How many ids have a high part below `block` times [`STRIDE`].
    fn sample(&self, block: usize) -> usize {
        match block.checked_sub(1) {
            None => 0,
            Some(i) => {
                let width = sample_bytes(self.len);
                bits::read(self.samples, i * width * 8, width as u32 * 8) as usize
            }
        }
    }

    /// The bit at which the high parts from `block` times [`STRIDE`] on start.
    fn block_start(&self, block: usize) -> usize {
        (self.high_start + block * STRIDE + self.sample(block)).min(self.high_end)
    }

    /// The first zero from `from` on, or the end of the high bits.
    #[inline]
    fn next_zero(&self, from: usize) -> usize {
        let mut byte = from / 8;
        let mut zeros = !bits::word(self.bits, byte) & u64::MAX << (from % 8);
        while zeros == 0 {
            byte += 8;
            zeros = !bits::word(self.bits, byte);
        }
        (byte * 8 + zeros.trailing_zeros() as usize).min(self.high_end)
    }

    /// The bit of the zero (or else the one) that has `before` of its kind between `from` and itself; the end of the
    /// high bits where there is none.
    #[inline]
    fn select<const ZEROS: bool>(&self, from: usize, mut before: usize) -> usize {
        let kind = if ZEROS { u64::MAX } else { 0 };
        let mut byte = from / 8;
        let mut word = (bits::word(self.bits, byte) ^ kind) & u64::MAX << (from % 8);
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
            word = bits::word(self.bits, byte) ^ kind;
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
        Iter { list, rank, word: bits::word(list.bits, byte) & u64::MAX << (bit % 8), byte }
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
            if self.byte >= self.list.bits.len() {
                self.rank = self.list.len;
                return None;
            }
            self.word = bits::word(self.list.bits, self.byte);
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

/// How the list of `len` ids, the greatest of them `last`, is smallest: the low bits of each, and the bytes of all.
pub(crate) fn measure(len: usize, last: u32) -> (u32, usize) {
    if len == 0 {
        return (0, 0);
    }
    let size = |low_bits: u32| {
        let high = (last >> low_bits) as usize;
        high / STRIDE * sample_bytes(len) + (len * (low_bits as usize + 1) + high).div_ceil(8)
    };
    let near = ((u64::from(last) + 1) / len as u64).max(1).ilog2();
    let candidates = near.saturating_sub(1)..=(near + 1).min(LOW_BITS_MAX);
    // Of equals the one with fewer high bits, which are the slower ones to skip.
    candidates
        .map(|low_bits| (low_bits, size(low_bits)))
        .min_by_key(|(low_bits, size)| (*size, LOW_BITS_MAX - low_bits))
        .unwrap_or_default()
}

/// Appends strictly increasing ids, with the low bits that [`measure`] found.
pub(crate) fn encode(ids: &[u32], low_bits: u32, out: &mut Vec<u8>) {
    let Some(last) = ids.last() else { return };
    let high = |id: u32| (id >> low_bits) as usize;
    let width = sample_bytes(ids.len());
    let samples_start = out.len();
    let bits_start = samples_start + high(*last) / STRIDE * width;
    out.resize(bits_start, 0);
    bits::pack(ids.iter().copied(), low_bits, out);
    let high_start = ids.len() * low_bits as usize;
    out.resize(bits_start + (high_start + ids.len() + high(*last)).div_ceil(8), 0);
    let (samples, bits) = out[samples_start..].split_at_mut(bits_start - samples_start);
    let mut samples = samples.chunks_exact_mut(width).zip(1..).peekable();
    for (rank, id) in ids.iter().enumerate() {
        bits::set(bits, high_start + rank + high(*id));
        while let Some((sample, _)) = samples.next_if(|(_, block)| block * STRIDE <= high(*id)) {
            sample.copy_from_slice(&rank.to_le_bytes()[..width]);
        }
    }
}

/// The bytes of each sample: enough for any number up to `len`.
const fn sample_bytes(len: usize) -> usize {
    if len < 1 << 16 { NARROW } else { WIDE }
}
