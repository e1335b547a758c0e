//! The time of each edge, in the order of the ids of its list.

use std::path::Path;

use base::disk::Disk;
use base::{Revision, UserId};

use super::SegmentError;
use super::blocks::Unsynced;
use super::format::{Header, Kind};
use super::id::SegmentId;
use super::table::{Table, TableWriter};
use crate::adjacency::{bits, varint};

/// The widest difference between two times.
const WIDTH_MAX: u32 = 32;

/// The times of a segment's edges, in seconds since 1970.
///
/// # Layout
///
/// A table whose base is the earliest time of the first list that has any. A list whose times all equal the base has
/// no entry, so an import, where every edge has the same time, takes no bytes at all. Any other list has:
///
/// | part | bytes | what |
/// |---|---|---|
/// | width | 1 | bits of each difference, 0 to 32 |
/// | minimum | 1 to 5 | a varint: the list's earliest time less the base, signed; 2 d where d is not negative, else -2 d - 1 |
/// | differences | the rest | each time less the minimum, packed, in the order of the ids; zeros fill the last byte |
#[derive(Debug)]
pub struct Times {
    table: Table,
}

impl Times {
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<Self, SegmentError> {
        Ok(Times { table: Table::open(disk, path, Kind::Times)? })
    }

    pub(crate) fn header(&self) -> &Header {
        self.table.header()
    }

    pub(crate) fn path(&self) -> &Path {
        self.table.path()
    }

    /// The time of the edge at a position of the list of `ordinal`. The position must be in that list; past its end the
    /// answer is an error or a time of no meaning.
    pub fn get(&self, ordinal: u32, position: usize) -> Result<u32, SegmentError> {
        let Some(entry) = self.table.get(ordinal)? else { return Ok(self.table.header().base as u32) };
        let column = self.parse(ordinal, entry)?;
        let bit = position.saturating_mul(column.width as usize);
        if bit.saturating_add(column.width as usize) > column.differences.len() * 8 {
            return Err(self.corrupt(ordinal));
        }
        let difference = bits::read(column.differences, bit, column.width) as u32;
        column.minimum.checked_add(difference).ok_or_else(|| self.corrupt(ordinal))
    }

    /// Appends the times of the list of `ordinal`, which has `len` ids, in the order of the ids.
    pub fn decode_into(&self, ordinal: u32, len: usize, times: &mut Vec<u32>) -> Result<(), SegmentError> {
        let Some(entry) = self.table.get(ordinal)? else {
            times.resize(times.len() + len, self.table.header().base as u32);
            return Ok(());
        };
        self.decode_entry(ordinal, entry, len, times)
    }

    /// Appends the times at some positions of the list of `ordinal`, which has `len` ids.
    pub fn decode_range_into(
        &self,
        ordinal: u32,
        len: usize,
        positions: std::ops::Range<usize>,
        times: &mut Vec<u32>,
    ) -> Result<(), SegmentError> {
        let mut all = Vec::with_capacity(len);
        self.decode_into(ordinal, len, &mut all)?;
        times.extend(all.drain(positions));
        Ok(())
    }

    /// Verifies every block, and each entry against the length of its list, which `len_of` knows.
    pub(crate) fn check(&self, mut len_of: impl FnMut(u32) -> Result<usize, SegmentError>) -> Result<(), SegmentError> {
        self.table.check()?;
        let (mut times, mut again) = (Vec::new(), Vec::new());
        for entry in self.table.entries() {
            let (ordinal, entry) = entry?;
            times.clear();
            again.clear();
            self.decode_entry(ordinal, entry, len_of(ordinal)?, &mut times)?;
            encode(&times, self.table.header().base as u32, &mut again);
            if again != entry {
                return Err(self.corrupt(ordinal));
            }
        }
        Ok(())
    }

    fn decode_entry(&self, ordinal: u32, entry: &[u8], len: usize, times: &mut Vec<u32>) -> Result<(), SegmentError> {
        let Column { width, minimum, differences } = self.parse(ordinal, entry)?;
        let needed = len.checked_mul(width as usize).ok_or_else(|| self.corrupt(ordinal))?.div_ceil(8);
        if differences.len() != needed {
            return Err(self.corrupt(ordinal));
        }
        times.reserve(len);
        for position in 0..len {
            let difference = bits::read(differences, position * width as usize, width) as u32;
            times.push(minimum.checked_add(difference).ok_or_else(|| self.corrupt(ordinal))?);
        }
        Ok(())
    }

    fn parse<'a>(&self, ordinal: u32, entry: &'a [u8]) -> Result<Column<'a>, SegmentError> {
        let parts = || {
            let (width, mut differences) = entry.split_first()?;
            let folded = varint::read(&mut differences).ok()?;
            let difference = (folded >> 1) as i64 ^ -((folded & 1) as i64);
            let minimum = u32::try_from((self.table.header().base as i64).checked_add(difference)?).ok()?;
            Some(Column { width: u32::from(*width), minimum, differences })
        };
        parts().filter(|column| column.width <= WIDTH_MAX).ok_or_else(|| self.corrupt(ordinal))
    }

    fn corrupt(&self, ordinal: u32) -> SegmentError {
        let id = self.table.header().id;
        let user = user_at(id, ordinal);
        SegmentError::CorruptTimes { path: self.path().to_owned(), ordinal, user }
    }
}

/// An entry, parsed.
struct Column<'a> {
    width: u32,
    minimum: u32,
    differences: &'a [u8],
}

/// Whose ordinal this is. Total, since a damaged ordinal can be anything.
pub(crate) fn user_at(id: SegmentId, ordinal: u32) -> UserId {
    UserId(ordinal.wrapping_mul(u32::from(id.slots.count())).wrapping_add(u32::from(id.slot.0)))
}

/// Appends the entry of a list with these times, which is none where they all equal the base.
pub(super) fn encode(times: &[u32], base: u32, out: &mut Vec<u8>) {
    let Some((minimum, maximum)) = times.iter().copied().min().zip(times.iter().copied().max()) else { return };
    if minimum == maximum {
        return encode_same(minimum, base, out);
    }
    let width = 32 - (maximum - minimum).leading_zeros();
    put_head(width, minimum, base, out);
    bits::pack(times.iter().map(|time| time - minimum), width, out);
}

/// Appends the entry of a list that has ids, whose times are all this one.
pub(super) fn encode_same(time: u32, base: u32, out: &mut Vec<u8>) {
    if time != base {
        put_head(0, time, base, out);
    }
}

fn put_head(width: u32, minimum: u32, base: u32, out: &mut Vec<u8>) {
    let difference = i64::from(minimum) - i64::from(base);
    out.push(width as u8);
    varint::write((difference << 1 ^ difference >> 63) as u64, out);
}

/// Writes a `.times` file.
#[derive(Debug)]
pub(crate) struct TimesWriter {
    table: TableWriter,
    /// Whether the base is certain.
    has_base: bool,
    entry: Vec<u8>,
}

impl TimesWriter {
    pub(crate) fn create(
        disk: &dyn Disk,
        folder: &Path,
        id: SegmentId,
        revision: Revision,
    ) -> Result<Self, SegmentError> {
        let table = TableWriter::create(disk, folder.join(id.times_name()), Kind::Times, id, revision, 0)?;
        Ok(TimesWriter { table, has_base: false, entry: Vec::new() })
    }

    pub(crate) fn push(&mut self, ordinal: u32, times: &[u32]) -> Result<(), SegmentError> {
        if !self.has_base
            && let Some(earliest) = times.iter().copied().min()
        {
            self.set_base(earliest);
        }
        self.entry.clear();
        encode(times, self.table.base() as u32, &mut self.entry);
        self.table.push(ordinal, times.len(), &self.entry)
    }

    /// Lets the base be this time, before any list is pushed.
    pub(crate) fn set_base(&mut self, time: u32) {
        self.table.set_base(time.into());
        self.has_base = true;
    }

    /// Appends the entry of a list of `len` ids, which was encoded against the base.
    pub(crate) fn push_encoded(&mut self, ordinal: u32, len: usize, entry: &[u8]) -> Result<(), SegmentError> {
        self.table.push(ordinal, len, entry)
    }

    pub(crate) fn finish(self) -> Result<(Header, Unsynced), SegmentError> {
        self.table.finish()
    }
}
