//! Putting ids together: from where their ones stand, and their low bits.
//!
//! Eight ids have `l` whole bytes of low bits, whatever `l` is, so that every eight of them lie alike: where the processor has AVX2, one shuffle brings the four bytes in which each number lies to
//! its place, and one shift brings each of them to its start. Lemire and Boytsov, "Decoding billions of integers per second through vectorization" (Software: Practice and Experience 45, 2015).

use super::EliasFano;
use crate::adjacency::bits;

/// Ids at once.
pub(super) const GROUP: usize = 8;

impl EliasFano<'_> {
    /// Makes ids of the bits of their ones, counted from where the high bits start; `rank` ids are smaller than the first.
    pub(super) fn put_together(&self, rank: usize, ones: &mut [u32]) {
        // Up to where low bits start with a byte.
        let (first, ones) = ones.split_at_mut(ones.len().min(rank.wrapping_neg() % GROUP));
        self.one_by_one(rank, first);
        let rank = rank + first.len();
        let done = self.by_groups(rank, ones);
        self.one_by_one(rank + done, &mut ones[done..]);
    }

    fn one_by_one(&self, rank: usize, ones: &mut [u32]) {
        for (rank, id) in (rank..).zip(ones) {
            *id = id.wrapping_sub(rank as u32) << self.low_bits | self.low(rank);
        }
    }

    /// The same of as many as can be done eight at once; answers how many.
    #[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
    fn by_groups(&self, rank: usize, ones: &mut [u32]) -> usize {
        use safe_arch::{
            add_i32_m256i, bitand_m256i, bitor_m256i, m128i, m256i, set_m128i_m256i, shl_all_u32_m256i,
            shr_each_u32_m256i, shuffle_av_i8z_half_m256i, sub_i32_m256i,
        };

        let Some(layout) = Layout::ALL.get(self.low_bits as usize) else { return 0 };
        let (shuffle, shift) = (m256i::from(layout.bytes), m256i::from(layout.shift));
        let (mask, count) =
            (m256i::from([bits::mask(self.low_bits) as u32; GROUP]), m128i::from([self.low_bits, 0, 0, 0]));
        let mut ranks = m256i::from(std::array::from_fn::<u32, GROUP, _>(|lane| (rank + lane) as u32));
        let mut done = 0;
        let (groups, _) = ones.as_chunks_mut::<GROUP>();
        for group in groups {
            let start = (self.low_start + (rank + done) * self.low_bits as usize) / 8;
            let half = |from: usize| self.bytes.get(from..)?.first_chunk::<HALF>().copied().map(m128i::from);
            let Some((lower, upper)) = half(start).zip(half(start + layout.upper)) else { break };
            let lows = shuffle_av_i8z_half_m256i(set_m128i_m256i(upper, lower), shuffle);
            let lows = bitand_m256i(shr_each_u32_m256i(lows, shift), mask);
            let highs = shl_all_u32_m256i(sub_i32_m256i(m256i::from(*group), ranks), count);
            *group = bitor_m256i(highs, lows).into();
            ranks = add_i32_m256i(ranks, m256i::from([GROUP as u32; GROUP]));
            done += GROUP;
        }
        done
    }

    #[cfg(not(all(target_arch = "x86_64", target_feature = "avx2")))]
    fn by_groups(&self, _: usize, _: &mut [u32]) -> usize {
        0
    }
}

/// Bytes that hold the low bits of four ids, of which each lies in four bytes.
#[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
const HALF: usize = 16;

/// Where in eight times so many bits each number lies.
#[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
#[derive(Clone, Copy)]
struct Layout {
    /// The byte in which the fifth number starts.
    upper: usize,
    /// For each byte of eight words, which byte of its half belongs there.
    bytes: [i8; GROUP * 4],
    /// At which bit of its word each number starts.
    shift: [u32; GROUP],
}

#[cfg(all(target_arch = "x86_64", target_feature = "avx2"))]
impl Layout {
    /// By the number of bits, as many as four bytes hold wherever in the first of them they start.
    const ALL: [Layout; 26] = {
        let mut all = [Layout { upper: 0, bytes: [0; GROUP * 4], shift: [0; GROUP] }; 26];
        let mut low_bits = 0;
        while low_bits < all.len() {
            let layout = &mut all[low_bits];
            layout.upper = low_bits * (GROUP / 2) / 8;
            let mut byte = 0;
            while byte < layout.bytes.len() {
                let lane = byte / 4;
                let half = if lane < GROUP / 2 { 0 } else { layout.upper };
                layout.bytes[byte] = (lane * low_bits / 8 - half + byte % 4) as i8;
                layout.shift[lane] = (lane * low_bits % 8) as u32;
                byte += 1;
            }
            low_bits += 1;
        }
        all
    };
}

#[cfg(test)]
mod tests {
    use super::super::{LOW_BITS_MAX, Part, encode};
    use super::*;

    #[test]
    fn ids_are_the_same_at_once_and_one_by_one_whatever_their_low_bits() {
        for low_bits in 0..=LOW_BITS_MAX {
            for len in 1..40_u32 {
                // Gaps of every kind, as far as there are ids, and the bits behind the last one as short as they come.
                let gap = |n: u32| (n.wrapping_mul(0x9E37_79B9) >> (32 - low_bits).clamp(7, 26)).max(1);
                let ids: Vec<u32> =
                    (0..len).scan(len % 3, |id, n| std::mem::replace(id, id.checked_add(gap(n))?).into()).collect();
                let mut bytes = Vec::new();
                encode(&[Part { ids: &ids, less: 0 }], low_bits, &mut bytes);
                let list = EliasFano::parse(&bytes, ids.len(), low_bits).expect("a list");
                let iterated: Vec<u32> = list.iter().collect();
                assert_eq!(iterated, ids, "{low_bits} bits");
                for (from, to) in
                    [(0, ids.len()), (1, ids.len()), (ids.len() / 2, ids.len()), (ids.len() / 3, ids.len() * 2 / 3)]
                {
                    let end = ids.get(to).map_or(1 << 32, |id| u64::from(*id));
                    let mut decoded = vec![7];
                    let start = ids.get(from).map_or(1 << 32, |id| u64::from(*id));
                    assert_eq!(list.decode_range(start..end, &mut decoded), from, "{low_bits} bits, {from} to {to}");
                    assert_eq!(decoded[1..], ids[from..to], "{low_bits} bits, {from} to {to}");
                }
            }
        }
    }
}
