//! One entry of a column, of which no more is read and verified than what is asked for.

use std::ops::Range;

use crate::adjacency::bits;
use crate::segment::SegmentError;
use crate::segment::table::Table;

/// The entry of an ordinal. Every offset counts from its first byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    table: &'a Table,
    ordinal: u32,
    start: usize,
    len: usize,
}

impl<'a> Entry<'a> {
    /// The entry of an ordinal; `None` where it has none.
    pub(super) fn find(table: &'a Table, ordinal: u32) -> Result<Option<Self>, SegmentError> {
        let range = table.find(ordinal)?;
        Ok(range.map(|range| Entry { table, ordinal, start: range.start, len: range.len() }))
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Some of the bytes, which are an error where they are damaged or not in the entry.
    pub(super) fn bytes(&self, range: Range<usize>) -> Result<&'a [u8], SegmentError> {
        if range.start > range.end || range.end > self.len {
            return Err(self.corrupt());
        }
        self.table.bytes(self.start + range.start..self.start + range.end)
    }

    /// Some of the numbers that lie packed from the byte `offset` on, `width` bits each.
    pub(super) fn numbers(&self, offset: usize, width: u32, range: Range<usize>) -> Result<Numbers<'a>, SegmentError> {
        let bit = |number: usize| number.checked_mul(width as usize).ok_or_else(|| self.corrupt());
        let (start, end) = (bit(range.start)?, bit(range.end)?);
        let bytes = self.bytes(offset + start / 8..offset + end.div_ceil(8))?;
        Ok(Numbers { bytes, skipped_bits: start % 8, width })
    }

    /// That these bytes are not what belongs here.
    pub(super) fn corrupt(&self) -> SegmentError {
        self.table.corrupt(self.ordinal)
    }
}

/// Packed numbers, from the first that was asked for on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers<'a> {
    bytes: &'a [u8],
    skipped_bits: usize,
    width: u32,
}

impl Numbers<'_> {
    #[inline]
    pub(super) fn get(&self, place: usize) -> u32 {
        bits::read(self.bytes, self.skipped_bits + place * self.width as usize, self.width) as u32
    }
}
