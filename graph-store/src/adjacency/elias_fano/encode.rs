//! Making the bytes.

use super::{LOW_BITS_MAX, PAIRED_MAX, STRIDE, sample_bytes};
use crate::adjacency::bits::{self, WORD_BYTES};

/// Strictly increasing ids, each to be encoded as so much less than it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) ids: &'a [u32],
    pub(crate) less: u32,
}

impl<'a> Part<'a> {
    /// The ids as they are.
    pub(crate) fn whole(ids: &'a [u32]) -> Self {
        Part { ids, less: 0 }
    }

    fn last(&self) -> Option<u32> {
        Some(self.ids.last()? - self.less)
    }
}

/// How the list of `len` ids, the greatest of them `last`, is smallest: the low bits of each, and the bytes of all.
#[inline]
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

/// Appends the ids of all parts, which together strictly increase, with the low bits that [`measure`] found.
pub(crate) fn encode(parts: &[Part<'_>], low_bits: u32, out: &mut Vec<u8>) {
    let len: usize = parts.iter().map(|part| part.ids.len()).sum();
    let Some(last) = parts.iter().rev().find_map(Part::last) else { return };
    let width = sample_bytes(len);
    let high = (last >> low_bits) as usize;
    let samples_start = out.len();
    let bits_start = samples_start + high / STRIDE * width;
    let end = bits_start + (len * (low_bits as usize + 1) + high).div_ceil(8);
    // Whole words are written: room for the last one.
    out.resize(end + WORD_BYTES, 0);
    let (samples, bits) = out[samples_start..].split_at_mut(bits_start - samples_start);
    let filled = encode_low(parts, low_bits, bits);
    encode_high(parts, low_bits, bits, filled, samples.chunks_exact_mut(width));
    out.truncate(end);
}

/// Writes the low bits of each id and answers how many bits they are.
fn encode_low(parts: &[Part<'_>], low_bits: u32, bits: &mut [u8]) -> usize {
    let mut packer = Packer { bytes: bits, byte: 0, pending: 0, filled: 0 };
    let mask = bits::mask(low_bits);
    for Part { ids, less } in parts {
        let low = |id: u32| u64::from(id - less) & mask;
        let (pairs, rest) = if low_bits <= PAIRED_MAX { ids.as_chunks() } else { (&[][..], *ids) };
        for [first, second] in pairs {
            packer.append(low(*first) | low(*second) << low_bits, 2 * low_bits);
        }
        for id in rest {
            packer.append(low(*id), low_bits);
        }
    }
    packer.byte * 8 + packer.filled as usize
}

/// Sets the bit of each id behind the `filled` bits, and writes the samples.
fn encode_high<'a>(
    parts: &[Part<'_>],
    low_bits: u32,
    bits: &mut [u8],
    filled: usize,
    mut samples: impl Iterator<Item = &'a mut [u8]>,
) {
    let (words, _) = bits[filled / 8..].as_chunks_mut::<WORD_BYTES>();
    // Where the one of an id would stand, were its high part 0; words count from the byte with the last low bits.
    let mut ahead = filled % 8;
    let (mut index, mut word) = (0, u64::from_le_bytes(words[0]));
    let mut next_sample = STRIDE;
    let mut rank = 0;
    for Part { ids, less } in parts {
        for id in *ids {
            let high = ((id - less) >> low_bits) as usize;
            while high >= next_sample {
                if let Some(sample) = samples.next() {
                    sample.copy_from_slice(&rank_bytes(rank)[..sample.len()]);
                }
                next_sample += STRIDE;
            }
            let bit = ahead + high;
            if bit / 64 != index {
                words[index] = word.to_le_bytes();
                (index, word) = (bit / 64, 0);
            }
            word |= 1 << (bit % 64);
            ahead += 1;
            rank += 1;
        }
    }
    words[index] = word.to_le_bytes();
}

fn rank_bytes(rank: usize) -> [u8; 8] {
    (rank as u64).to_le_bytes()
}

/// Appends numbers to a string of bits, without a branch: a word is written for each, over the end of the one before.
struct Packer<'a> {
    bytes: &'a mut [u8],
    /// The byte with the next free bit; its bits that are taken, and how many they are: fewer than 8.
    byte: usize,
    pending: u64,
    filled: u32,
}

impl Packer<'_> {
    #[inline]
    fn append(&mut self, number: u64, width: u32) {
        self.pending |= number << self.filled;
        self.bytes[self.byte..self.byte + WORD_BYTES].copy_from_slice(&self.pending.to_le_bytes());
        let filled = self.filled + width;
        self.byte += filled as usize / 8;
        self.pending >>= filled & !7;
        self.filled = filled % 8;
    }
}
