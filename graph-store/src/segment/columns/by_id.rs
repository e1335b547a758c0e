//! The times of one list in the order of its ids.

use std::ops::Range;

use super::entry::Entry;
use super::radix::Radix;
use crate::adjacency::bits;
use crate::segment::SegmentError;

/// The widest difference between two times.
const WIDTH_MAX: u32 = 32;
/// The bytes of the greatest digit, which is there where the differences lie in groups.
const DIGIT_BYTES: usize = 1;

/// The times of one list that differ. Damaged bytes are an error or give other times; nothing panics.
#[derive(Clone, Copy, Debug)]
pub(super) struct ById<'a> {
    entry: Entry<'a>,
    len: usize,
    minimum: u32,
    /// Where the differences start.
    start: usize,
    form: Form,
}

/// How the differences to the minimum lie.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// So many bits each.
    Packed(u32),
    /// In groups, behind the greatest digit.
    Grouped(Radix),
}

impl Form {
    /// The shorter one for `len` times, of which the last is `range`, not zero, after the first.
    pub(super) fn choose(len: usize, range: u32) -> Self {
        let (width, radix) = (u32::BITS - range.leading_zeros(), Radix::of(range));
        let packed = len.saturating_mul(width as usize).div_ceil(8);
        match radix.bytes(len) {
            Some(bytes) if bytes + DIGIT_BYTES < packed => Form::Grouped(radix),
            _ => Form::Packed(width),
        }
    }

    /// Appends what lies behind the minimum.
    pub(super) fn encode(self, times: &[u32], minimum: u32, out: &mut Vec<u8>) {
        let differences = times.iter().map(|time| time - minimum);
        match self {
            Form::Packed(width) => bits::pack(differences, width, out),
            Form::Grouped(radix) => {
                out.push(radix.greatest_digit() as u8);
                radix.pack(differences, out);
            }
        }
    }
}

impl<'a> ById<'a> {
    /// Takes the entry of a list of `len` edges, whose differences, of `width` bits each, start at the byte `start`.
    pub(super) fn packed(
        entry: Entry<'a>,
        start: usize,
        minimum: u32,
        width: u32,
        len: usize,
    ) -> Result<Self, SegmentError> {
        let bytes = Some(width).filter(|width| (1..=WIDTH_MAX).contains(width));
        let bytes = bytes.and_then(|width| Some(len.checked_mul(width as usize)?.div_ceil(8)));
        ById { entry, len, minimum, start, form: Form::Packed(width) }.of_bytes(bytes)
    }

    /// Takes the entry of a list of `len` edges, whose greatest digit lies at the byte `start`, and behind it the groups.
    pub(super) fn grouped(
        entry: Entry<'a>,
        start: usize,
        minimum: u32,
        low_bits: u32,
        len: usize,
    ) -> Result<Self, SegmentError> {
        let greatest_digit = entry.bytes(start..start + DIGIT_BYTES)?.first().copied().unwrap_or_default();
        let radix = Radix::new(low_bits, greatest_digit.into()).ok_or_else(|| entry.corrupt())?;
        let start = start + DIGIT_BYTES;
        ById { entry, len, minimum, start, form: Form::Grouped(radix) }.of_bytes(radix.bytes(len))
    }

    /// That the differences take exactly so many bytes.
    fn of_bytes(self, bytes: Option<usize>) -> Result<Self, SegmentError> {
        if bytes.is_some() && bytes == self.entry.len().checked_sub(self.start) {
            return Ok(self);
        }
        Err(self.entry.corrupt())
    }

    /// Appends the times at some positions of the list.
    pub(super) fn decode_into(&self, positions: Range<usize>, times: &mut Vec<u32>) -> Result<(), SegmentError> {
        times.reserve(positions.len().min(self.len));
        match self.form {
            Form::Packed(width) => {
                let differences = self.entry.numbers(self.start, width, positions.clone())?;
                for place in 0..positions.len() {
                    times.push(self.time(differences.get(place))?);
                }
                Ok(())
            }
            Form::Grouped(radix) => {
                let differences = radix.numbers(self.entry, self.start, self.len, positions)?;
                differences.try_for_each_group(|differences| {
                    // One comparison for all: a branch for each time would take longer than the rest.
                    let overflows =
                        |overflows, difference: &u32| overflows | (self.minimum.checked_add(*difference).is_none());
                    if differences.iter().fold(false, overflows) {
                        return Err(self.entry.corrupt());
                    }
                    times.extend(differences.iter().map(|difference| self.minimum.wrapping_add(*difference)));
                    Ok(())
                })
            }
        }
    }

    /// Appends the times at some positions of the list: a lookup for each.
    pub(super) fn decode_at(&self, positions: &[u32], times: &mut Vec<u32>) -> Result<(), SegmentError> {
        for position in positions {
            let position = *position as usize;
            let difference = match self.form {
                Form::Packed(width) => self.entry.numbers(self.start, width, position..position + 1)?.get(0),
                Form::Grouped(radix) => {
                    radix.numbers(self.entry, self.start, self.len, position..position + 1)?.first()
                }
            };
            times.push(self.time(difference)?);
        }
        Ok(())
    }

    #[inline]
    fn time(&self, difference: u32) -> Result<u32, SegmentError> {
        self.minimum.checked_add(difference).ok_or_else(|| self.entry.corrupt())
    }
}
