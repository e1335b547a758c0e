//! Numbers of a fixed number of bits, back to back.
//!
//! Bit `i` of a string of bytes is bit `i % 8` of byte `i / 8`, so that a little-endian load of eight bytes puts bit `i`
//! of the string at bit `i` of the word. Reads past the end give zeros: damaged lengths lead to wrong numbers, which
//! checksums and validation notice, and never to a read out of bounds.

/// Bytes of a word.
pub(crate) const WORD_BYTES: usize = 8;
/// The widest number that [`read`] can give: eight bytes less the seven bits before the number starts.
const WIDTH_MAX: u32 = 57;

/// The word whose lowest bit is bit `8 * byte`; bits past the end are zero.
#[inline]
pub(crate) fn word(bytes: &[u8], byte: usize) -> u64 {
    // The last whole word, shifted, in place of one that reaches past the end: a branch would be mispredicted.
    let Some(last) = bytes.len().checked_sub(WORD_BYTES) else { return short_word(bytes, byte) };
    let at = byte.min(last);
    let word = bytes[at..].first_chunk().map_or(0, |chunk| u64::from_le_bytes(*chunk));
    if byte - at < WORD_BYTES { word >> (8 * (byte - at)) } else { 0 }
}

#[cold]
fn short_word(bytes: &[u8], byte: usize) -> u64 {
    let rest = bytes.get(byte..).unwrap_or_default();
    rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The number of `width` bits, at most [`WIDTH_MAX`], that starts at `bit`.
#[inline]
pub(crate) fn read(bytes: &[u8], bit: usize, width: u32) -> u64 {
    debug_assert!(width <= WIDTH_MAX, "{width} bits do not fit");
    word(bytes, bit / 8) >> (bit % 8) & mask(width)
}

/// A word whose lowest `width` bits, fewer than 64, are set.
#[inline]
pub(crate) const fn mask(width: u32) -> u64 {
    (1 << width) - 1
}

/// Writes the place of each set bit of a word, each `more` than it is, as far as there is room; what comes behind them may be
/// overwritten. Answers how many were written.
#[inline]
pub(crate) fn ones(mut word: u64, more: u32, places: &mut [u32]) -> usize {
    // So many whatever their number is: where a loop ends after each of them, that is mispredicted once in every word.
    const AT_ONCE: usize = 8;
    let found = (word.count_ones() as usize).min(places.len());
    let mut next = || {
        let place = word.trailing_zeros();
        word &= word.wrapping_sub(1);
        more.wrapping_add(place)
    };
    let mut done = 0;
    while done < found {
        if let Some(group) = places[done..].first_chunk_mut::<AT_ONCE>() {
            group.iter_mut().for_each(|place| *place = next());
            done += AT_ONCE;
        } else {
            places[done..found].iter_mut().for_each(|place| *place = next());
            break;
        }
    }
    found
}

/// Appends numbers of `width` bits, at most 32, filling the last byte up with zeros. Bits above the width are cut off.
pub(crate) fn pack(numbers: impl Iterator<Item = u32>, width: u32, out: &mut Vec<u8>) {
    let mut writer = BitWriter::new(out);
    numbers.for_each(|number| writer.put(number, width));
    writer.finish();
}

/// Appends numbers of different widths.
#[derive(Debug)]
pub(crate) struct BitWriter<'a> {
    out: &'a mut Vec<u8>,
    /// The bits that are not written yet, fewer than 32, and how many.
    pending: u64,
    filled: u32,
}

impl<'a> BitWriter<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        BitWriter { out, pending: 0, filled: 0 }
    }

    /// Appends the lowest `width` bits, at most 32, of a number.
    #[inline]
    pub(crate) fn put(&mut self, number: u32, width: u32) {
        self.pending |= (u64::from(number) & mask(width)) << self.filled;
        self.filled += width;
        if self.filled >= 32 {
            self.out.extend((self.pending as u32).to_le_bytes());
            self.pending >>= 32;
            self.filled -= 32;
        }
    }

    /// Fills the last byte up with zeros.
    pub(crate) fn finish(self) {
        self.out.extend(&self.pending.to_le_bytes()[..self.filled.div_ceil(8) as usize]);
    }
}

/// Sets one bit.
#[inline]
pub(crate) fn set(bytes: &mut [u8], bit: usize) {
    bytes[bit / 8] |= 1 << (bit % 8);
}

/// Writes a number of `width` bits at `bit`, where there are zeros.
#[inline]
pub(crate) fn put(bytes: &mut [u8], bit: usize, number: u64, width: u32) {
    let (mut rest, mut bit, end) = (number, bit, bit + width as usize);
    while bit < end {
        bytes[bit / 8] |= (rest << (bit % 8)) as u8;
        let written = 8 - bit % 8;
        rest >>= written;
        bit += written;
    }
}

/// The position of the set bit that has `before` set bits below it; the word must have more than `before`.
#[cfg(all(target_arch = "x86_64", target_feature = "bmi2"))]
#[inline]
pub(crate) fn select(word: u64, before: u32) -> u32 {
    safe_arch::population_deposit_u64(1 << before, word).trailing_zeros()
}

#[cfg(not(all(target_arch = "x86_64", target_feature = "bmi2")))]
pub(crate) use select_portably as select;

/// [`select`] on processors that cannot deposit bits.
#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "bmi2"))))]
#[inline]
pub(crate) fn select_portably(word: u64, before: u32) -> u32 {
    const EACH_BYTE: u64 = 0x0101_0101_0101_0101;
    const TOP_BITS: u64 = 0x8080_8080_8080_8080;
    // Byte k of `up_to` counts the set bits of bytes 0 to k: partial sums of the bytes, by one multiplication.
    let pairs = word - (word >> 1 & 0x5555_5555_5555_5555);
    let nibbles = (pairs & 0x3333_3333_3333_3333) + (pairs >> 2 & 0x3333_3333_3333_3333);
    let up_to = ((nibbles + (nibbles >> 4)) & 0x0f0f_0f0f_0f0f_0f0f).wrapping_mul(EACH_BYTE);
    // The top bit of byte k of the difference stays set when that byte's sum is at most `before`.
    let reached = ((TOP_BITS + u64::from(before) * EACH_BYTE) - up_to) & TOP_BITS;
    let byte = reached.count_ones() * 8;
    let below = (up_to << 8) >> byte & 0xff;
    byte + u32::from(
        SELECT_IN_BYTE[(word >> byte & 0xff) as usize][(u64::from(before).wrapping_sub(below) & 7) as usize],
    )
}

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "bmi2"))))]
/// For each byte, the positions of its set bits from the lowest up: a walk over them would be mispredicted.
static SELECT_IN_BYTE: [[u8; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < table.len() {
        let (mut bit, mut found) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[byte][found] = bit;
                found += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_numbers_come_back(width in 0u32..=32, numbers in prop::collection::vec(any::<u32>(), 0..100)) {
            let mut bytes = Vec::new();
            pack(numbers.iter().copied(), width, &mut bytes);
            prop_assert_eq!(bytes.len(), (numbers.len() * width as usize).div_ceil(8));
            for (i, number) in numbers.iter().enumerate() {
                prop_assert_eq!(read(&bytes, i * width as usize, width), u64::from(*number) & mask(width));
            }
            let mut put_one_by_one = vec![0; bytes.len()];
            for (i, number) in numbers.iter().enumerate() {
                put(&mut put_one_by_one, i * width as usize, u64::from(*number) & mask(width), width);
            }
            prop_assert_eq!(put_one_by_one, bytes);
        }

        #[test]
        fn each_set_bit_is_found_by_how_many_are_below_it(word: u64) {
            let positions = (0..64).filter(|bit| word >> bit & 1 == 1);
            for (before, position) in positions.enumerate() {
                prop_assert_eq!(select(word, before as u32), position);
                prop_assert_eq!(select_portably(word, before as u32), position);
            }
        }
    }

    #[test]
    fn the_full_word_has_every_bit() {
        for bit in 0..64 {
            assert_eq!((select(u64::MAX, bit), select_portably(u64::MAX, bit)), (bit, bit));
        }
    }

    #[test]
    fn past_the_end_there_are_zeros() {
        let bytes = [0xff; 9];
        assert_eq!(word(&bytes, 1), u64::MAX);
        assert_eq!(word(&bytes, 2), mask(56));
        assert_eq!(word(&bytes, 9), 0);
        assert_eq!(word(&bytes, usize::MAX), 0);
    }
}
