//! Numbers up to some greatest one, in hardly more bits than so many different numbers need.
//!
//! A number from 0 to m needs log2(m + 1) bits, and packed it has that rounded up: for m = 157,000,000, which is five years
//! in seconds, 28 in place of 27.23. Here the rounding is shared by eight. Each number is split into its *low bits* and the
//! rest, its *digit*; `low_bits` is as many as leave the greatest digit at most 127: the width of m less 7, or 0. The
//! digits of eight numbers are one number to the *base* b, which is one more than the greatest digit; that of the first
//! number counts least.
//!
//! Eight numbers are a *group*; the last group has those that are left. Bit after bit, from the first group to the last:
//!
//! | part | bits | what |
//! |---|---|---|
//! | digits | the width of b^g - 1, at most 56 | digit 0 + digit 1 × b + … + digit g - 1 × b^(g - 1), of the g numbers of the group |
//! | low bits | g × `low_bits` | those of each number |
//!
//! Zeros fill the last byte. All groups but the last take the same number of bits, so that a number is found from its
//! place, and its digit by dividing at most eight times; to divide by b is to multiply by its inverse.
//!
//! No number takes more bits than packed. Eight times up to 157,000,000 have 21 low bits each, b = 75, and their digits 50
//! bits: 27.25 for each.
//!
//! # Worked example
//!
//! The numbers 1, 3, 2, 0, 4, the greatest being 4: no low bits, b = 5, and one group of five. The digits are 1 + 3 × 5 + 2 × 25 +
//! 0 × 125 + 4 × 625 = 2566, in the 12 bits of 5^5 - 1. The bytes: `06 0a`.

use std::ops::Range;

use super::entry::Entry;
use crate::adjacency::bits::{self, BitWriter};
use crate::segment::SegmentError;

/// Numbers of a group.
pub(super) const GROUP: usize = 8;
/// The greatest digit of all. Eight of them are read at once, whichever bit they start at.
const DIGIT_MAX: u32 = 127;
/// The bits of that digit.
const DIGIT_BITS: u32 = 7;

/// How numbers up to a greatest one lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Radix {
    low_bits: u32,
    base: u64,
    /// 2^64 by the base, rounded up. The high half of a product with it is the quotient: exactly so, because dividends
    /// are below 2^56 and the rounding is less than the base, of at most 7 bits.
    inverse: u64,
    /// The bits of the digits of a whole group.
    width: u32,
}

impl Radix {
    /// How numbers from 0 to `greatest`, which is not 0, take the fewest bits.
    pub(super) fn of(greatest: u32) -> Self {
        let low_bits = (u32::BITS - greatest.leading_zeros()).saturating_sub(DIGIT_BITS);
        Self::with(low_bits, greatest >> low_bits)
    }

    /// As a file says; `None` where that cannot be.
    pub(super) fn new(low_bits: u32, greatest_digit: u32) -> Option<Self> {
        let possible = low_bits <= u32::BITS - DIGIT_BITS && (1..=DIGIT_MAX).contains(&greatest_digit);
        possible.then(|| Self::with(low_bits, greatest_digit))
    }

    fn with(low_bits: u32, greatest_digit: u32) -> Self {
        // Zero, which has no inverse to that base, is nobody's greatest digit.
        let base = u64::from(greatest_digit.max(1)) + 1;
        Radix { low_bits, base, inverse: u64::MAX / base + 1, width: digits_width(base, GROUP) }
    }

    pub(super) fn low_bits(self) -> u32 {
        self.low_bits
    }

    pub(super) fn greatest_digit(self) -> u32 {
        self.base as u32 - 1
    }

    /// The bytes of so many numbers; `None` where that are more than can be counted.
    pub(super) fn bytes(self, len: usize) -> Option<usize> {
        let groups = (len / GROUP).checked_mul(self.group_bits())?;
        Some(groups.checked_add(self.bits_of(len % GROUP))?.div_ceil(8))
    }

    /// Appends numbers, none of which is above the greatest.
    pub(super) fn pack(self, mut numbers: impl Iterator<Item = u32>, out: &mut Vec<u8>) {
        let mut writer = BitWriter::new(out);
        loop {
            let (mut group, mut len) = ([0; GROUP], 0);
            for (place, number) in group.iter_mut().zip(numbers.by_ref()) {
                *place = number;
                len += 1;
            }
            let digit = |number: &u32| u64::from(number >> self.low_bits);
            let digits = group.iter().rev().fold(0, |digits, number| digits * self.base + digit(number));
            let width = if len == GROUP { self.width } else { digits_width(self.base, len) };
            let upper = width.saturating_sub(u32::BITS);
            writer.put(digits as u32, width - upper);
            writer.put((digits >> u32::BITS) as u32, upper);
            group[..len].iter().for_each(|number| writer.put(*number, self.low_bits));
            if len < GROUP {
                return writer.finish();
            }
        }
    }

    /// Some of the `len` numbers that lie in the entry from the byte `offset` on; all of them are in the entry.
    pub(super) fn numbers<'a>(
        self,
        entry: Entry<'a>,
        offset: usize,
        len: usize,
        range: Range<usize>,
    ) -> Result<RadixNumbers<'a>, SegmentError> {
        if range.start > range.end || range.end > len {
            return Err(entry.corrupt());
        }
        let first = range.start / GROUP;
        let start = first * self.group_bits();
        let end = match range.end.next_multiple_of(GROUP) {
            end if end <= len => end / GROUP * self.group_bits(),
            _ => len / GROUP * self.group_bits() + self.bits_of(len % GROUP),
        };
        let bytes = entry.bytes(offset + start / 8..offset + end.max(start).div_ceil(8))?;
        let (range, len) = (range.start - first * GROUP..range.end - first * GROUP, len - first * GROUP);
        Ok(RadixNumbers { radix: self, bytes, skipped_bits: start % 8, len, range })
    }

    fn group_bits(self) -> usize {
        self.width as usize + GROUP * self.low_bits as usize
    }

    fn bits_of(self, group: usize) -> usize {
        digits_width(self.base, group) as usize + group * self.low_bits as usize
    }

    #[inline]
    fn divide(self, digits: u64) -> u64 {
        ((u128::from(digits) * u128::from(self.inverse)) >> u64::BITS) as u64
    }
}

/// The bits of the digits of so many numbers, at most eight.
fn digits_width(base: u64, numbers: usize) -> u32 {
    u64::BITS - (base.pow(numbers as u32) - 1).leading_zeros()
}

/// Numbers from the group on in which the first is that was asked for.
#[derive(Clone, Debug)]
pub(super) struct RadixNumbers<'a> {
    radix: Radix,
    bytes: &'a [u8],
    skipped_bits: usize,
    /// How many there are from that group on.
    len: usize,
    /// Those that were asked for, counted from that group on.
    range: Range<usize>,
}

impl RadixNumbers<'_> {
    /// The first of those that were asked for.
    #[inline]
    pub(super) fn first(&self) -> u32 {
        let (group, place) = (self.range.start / GROUP, self.range.start % GROUP);
        let (start, width) = self.digits(group);
        let mut digits = bits::read(self.bytes, start, width);
        (0..place).for_each(|_| digits = self.radix.divide(digits));
        let digit = digits - self.radix.divide(digits) * self.radix.base;
        let low_bits = self.radix.low_bits;
        let low = bits::read(self.bytes, start + width as usize + place * low_bits as usize, low_bits);
        (digit << low_bits | low) as u32
    }

    /// Calls with those that were asked for, some that follow one another at a time, until an error.
    #[inline]
    pub(super) fn try_for_each_group<E>(&self, mut call: impl FnMut(&[u32]) -> Result<(), E>) -> Result<(), E> {
        let Range { start, end } = self.range;
        for group in start / GROUP..end.div_ceil(GROUP) {
            let first = group * GROUP;
            let numbers = self.group(group);
            match (start.saturating_sub(first), end - first) {
                // Of a length that is known here, they are gone through all at once.
                (0, GROUP..) => call(&numbers)?,
                (start, end) => call(&numbers[start..end.min(GROUP)])?,
            }
        }
        Ok(())
    }

    /// The numbers of a group; behind the last there are others.
    #[inline]
    fn group(&self, group: usize) -> [u32; GROUP] {
        let (start, width) = self.digits(group);
        let low_bits = self.radix.low_bits;
        let mut digits = bits::read(self.bytes, start, width);
        let mut low_start = start + width as usize;
        let mut numbers = [0; GROUP];
        let (pairs, _) = numbers.as_chunks_mut::<2>();
        for pair in pairs {
            // The low bits of two numbers, at most 50, come in one read.
            let mut low = bits::read(self.bytes, low_start, 2 * low_bits);
            low_start += 2 * low_bits as usize;
            for number in pair {
                let quotient = self.radix.divide(digits);
                let digit = digits - quotient * self.radix.base;
                *number = (digit << low_bits | low & bits::mask(low_bits)) as u32;
                digits = quotient;
                low >>= low_bits;
            }
        }
        numbers
    }

    /// Where the digits of a group start, and how many bits they have.
    #[inline]
    fn digits(&self, group: usize) -> (usize, u32) {
        let left = self.len - group * GROUP;
        let width = if left >= GROUP { self.radix.width } else { digits_width(self.radix.base, left) };
        (self.skipped_bits + group * self.radix.group_bits(), width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_takes_more_bits_than_packed_and_few_take_much_more_than_they_need() {
        for greatest in (0..32).flat_map(|bit| [1u32 << bit, (1 << bit) + (1 << bit) / 3, u32::MAX >> bit]) {
            let radix = Radix::of(greatest);
            let width = (u32::BITS - greatest.leading_zeros()) as usize;
            for len in 0..40 {
                let bytes = radix.bytes(len).expect("few");
                assert!(bytes <= (len * width).div_ceil(8), "{len} numbers up to {greatest} take {bytes} bytes");
            }
            let bits = radix.group_bits() as f64 / GROUP as f64;
            let needed = (f64::from(greatest) + 1.0).log2();
            assert!(bits < needed + 0.15, "{bits} bits up to {greatest}, which needs {needed}");
        }
        // Five years of seconds.
        assert_eq!(Radix::of(157_000_000).group_bits(), 218);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (low_bits, greatest) in [(26, 1), (u32::MAX, 1), (0, 0), (0, 128)] {
            assert_eq!(Radix::new(low_bits, greatest), None, "{low_bits} low bits, digits up to {greatest}");
        }
        assert_eq!(Radix::new(25, 127), Some(Radix::of(u32::MAX)));
        assert_eq!(Radix::of(u32::MAX).bytes(usize::MAX), None);
    }

    #[test]
    fn dividing_is_exact_for_all_digits_that_eight_numbers_can_have() {
        for greatest_digit in 1..=DIGIT_MAX {
            let radix = Radix::new(0, greatest_digit).expect("possible");
            let greatest = (1u64 << 56) - 1;
            let near = (0..8).map(|power| radix.base.pow(power)).flat_map(|number| [number - 1, number, number + 1]);
            let multiples = (0..200).map(|number| greatest / radix.base * radix.base - number);
            for digits in near.chain(multiples).chain(greatest - 200..=greatest) {
                assert_eq!(radix.divide(digits), digits / radix.base, "{digits} by {}", radix.base);
            }
        }
    }
}
