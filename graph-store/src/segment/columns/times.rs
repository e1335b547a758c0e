//! The time of each edge.

use std::ops::Range;
use std::path::Path;

use base::Revision;
use base::disk::Disk;

use super::by_id::{ById, Form};
use super::by_time::ByTime;
use super::entry::Entry;
use super::time_ordered::{self, TimeOrdered};
use crate::adjacency::varint;
use crate::segment::SegmentError;
use crate::segment::blocks::Unsynced;
use crate::segment::format::{Header, Kind};
use crate::segment::id::SegmentId;
use crate::segment::table::{Table, TableWriter};

/// From this many edges on, the times of a list lie in the order of time, unless the writer was told another number.
///
/// Below it, reading all times costs less than what a page of them is spared.
pub const TIME_ORDERED_ENTRIES: u32 = 4096;

/// The part of the head that is a number of bits, and the form in the rest of it.
const BITS_MASK: u8 = 0x3f;
const FORM_MASK: u8 = !BITS_MASK;
const FORM_PACKED: u8 = 0;
const FORM_TIME_ORDERED: u8 = 0x40;
const FORM_GROUPED: u8 = 0x80;
/// The most bytes before the differences: the head and the minimum.
const START_MAX: usize = 6;
/// The bytes of the time of a list of one edge.
const TIME_BYTES: usize = 4;

/// The times of a segment's edges, in seconds since 1970.
///
/// # Layout
///
/// A table whose base is the earliest time of the first list that has any, or the base of the segment that it goes on
/// from. A list whose times all equal the base has
/// no entry, so an import, where every edge has the same time, takes no bytes at all. A list of one edge has its time, in four
/// bytes. Any other list has:
///
/// | part | bytes | what |
/// |---|---|---|
/// | head | 1 | bits 0 to 5: a number of bits; bit 6: whether the times are in the order of time; bit 7: whether they are in groups |
/// | minimum | 1 to 5 | a varint: the list's earliest time less the base, signed; 2 d where d is not negative, else -2 d - 1 |
/// | greatest digit | 1 or none | that of groups, 1 to 127 |
/// | times | the rest | each time less the minimum, in one of three forms |
///
/// In the order of the ids, the differences are *packed*, as many bits each as the greatest one needs, 0 to 32, which the
/// head says, and zeros fill the last byte; or they are in *groups*, `radix` in this folder says how, whose number of low
/// bits, 0 to 25, is in the head. They are in groups where that takes fewer bytes. In the order of time, `time_ordered`
/// says how, lie those of lists from some number of edges on, [`TIME_ORDERED_ENTRIES`] by default; the header says which.
/// Lists whose times are all equal are packed: no bits each.
///
/// Five years of seconds differ by log2(157,000,000) = 27.23 bits. A list of 200 such times takes 27.25 for each and some
/// 6 bytes for itself.
#[derive(Debug)]
pub struct Times {
    table: Table,
}

/// The times of one list, parsed.
enum Column<'a> {
    ById(ById<'a>),
    ByTime(ByTime<'a>),
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

    /// Appends the times of the list of `ordinal`, which has `len` ids, in the order of the ids.
    pub fn decode_into(&self, ordinal: u32, len: usize, times: &mut Vec<u32>) -> Result<(), SegmentError> {
        self.decode_range_into(ordinal, len, 0..len, times)
    }

    /// Appends the times at some positions of the list of `ordinal`, which has `len` ids. A list in the order of time is
    /// decoded as a whole for it.
    pub fn decode_range_into(
        &self,
        ordinal: u32,
        len: usize,
        positions: Range<usize>,
        times: &mut Vec<u32>,
    ) -> Result<(), SegmentError> {
        match self.column(ordinal, len)? {
            Column::ById(column) => column.decode_into(positions, times),
            Column::ByTime(column) => column.decode_positions_into(positions, times),
        }
    }

    /// Appends the times at some positions, which ascend, of the list of `ordinal`, which has `len` ids.
    ///
    /// A lookup for each; but of a list in the order of time the position of each edge is read: one pass over up to three
    /// bytes an edge.
    pub fn decode_at(
        &self,
        ordinal: u32,
        len: usize,
        positions: &[u32],
        times: &mut Vec<u32>,
    ) -> Result<(), SegmentError> {
        match self.column(ordinal, len)? {
            Column::ById(column) => column.decode_at(positions, times),
            Column::ByTime(column) => column.decode_at(positions, times),
        }
    }

    /// The edges of the list of `ordinal`, which has `len` ids, by time; `None` where its times are in the order of the
    /// ids.
    pub fn by_time(&self, ordinal: u32, len: usize) -> Result<Option<ByTime<'_>>, SegmentError> {
        match self.column(ordinal, len)? {
            Column::ById(_) => Ok(None),
            Column::ByTime(column) => Ok(Some(column)),
        }
    }

    /// Verifies every block, and each entry against the length of its list, which `len_of` knows.
    pub(crate) fn check(&self, mut len_of: impl FnMut(u32) -> Result<usize, SegmentError>) -> Result<(), SegmentError> {
        self.table.check()?;
        let Header { base, parameter, .. } = *self.table.header();
        let (mut times, mut again) = (Vec::new(), Vec::new());
        for entry in self.table.entries() {
            let (ordinal, entry) = entry?;
            times.clear();
            again.clear();
            self.decode_into(ordinal, len_of(ordinal)?, &mut times)?;
            encode(&times, base as u32, parameter, &mut again);
            if again != entry {
                return Err(self.table.corrupt(ordinal));
            }
        }
        Ok(())
    }

    fn column(&self, ordinal: u32, len: usize) -> Result<Column<'_>, SegmentError> {
        let base = self.table.header().base;
        let Some(entry) = Entry::find(&self.table, ordinal)? else {
            return Ok(Column::ByTime(ByTime::equal(base as u32, len)));
        };
        if len == 1 {
            let time = entry.bytes(0..TIME_BYTES)?.first_chunk().filter(|_| entry.len() == TIME_BYTES);
            let time = u32::from_le_bytes(*time.ok_or_else(|| entry.corrupt())?);
            return Ok(Column::ByTime(ByTime::equal(time, len)));
        }
        let start = entry.bytes(0..entry.len().min(START_MAX))?;
        let parts = || {
            let (head, mut rest) = start.split_first()?;
            let folded = varint::read(&mut rest).ok()?;
            let difference = (folded >> 1) as i64 ^ -((folded & 1) as i64);
            let minimum = u32::try_from((base as i64).checked_add(difference)?).ok()?;
            Some((head & FORM_MASK, u32::from(head & BITS_MASK), minimum, start.len() - rest.len()))
        };
        let (form, bits, minimum, start) = parts().ok_or_else(|| entry.corrupt())?;
        match (form, bits) {
            (FORM_TIME_ORDERED, _) => {
                let column = TimeOrdered::parse(entry, start, minimum, bits, len)?;
                Ok(Column::ByTime(ByTime::ordered(column)))
            }
            (FORM_PACKED, 0) if start == entry.len() => Ok(Column::ByTime(ByTime::equal(minimum, len))),
            (FORM_PACKED, _) => Ok(Column::ById(ById::packed(entry, start, minimum, bits, len)?)),
            (FORM_GROUPED, _) => Ok(Column::ById(ById::grouped(entry, start, minimum, bits, len)?)),
            _ => Err(entry.corrupt()),
        }
    }
}

/// Appends the entry of a list with these times, which is none where they all equal the base.
pub(crate) fn encode(times: &[u32], base: u32, time_ordered_entries: u64, out: &mut Vec<u8>) {
    let Some((minimum, maximum)) = times.iter().copied().min().zip(times.iter().copied().max()) else { return };
    let range = maximum - minimum;
    if range == 0 {
        return encode_same(minimum, times.len(), base, out);
    }
    if times.len() as u64 >= time_ordered_entries {
        let low_bits = time_ordered::low_bits(times.len(), range);
        put_head(FORM_TIME_ORDERED | low_bits as u8, minimum, base, out);
        return time_ordered::encode(times, minimum, low_bits, out);
    }
    let form = Form::choose(times.len(), range);
    let head = match form {
        Form::Packed(width) => FORM_PACKED | width as u8,
        Form::Grouped(radix) => FORM_GROUPED | radix.low_bits() as u8,
    };
    put_head(head, minimum, base, out);
    form.encode(times, minimum, out);
}

/// Appends the entry of a list of `len` ids, of which there are some, whose times are all this one.
pub(crate) fn encode_same(time: u32, len: usize, base: u32, out: &mut Vec<u8>) {
    match len {
        _ if time == base => {}
        1 => out.extend(time.to_le_bytes()),
        _ => put_head(FORM_PACKED, time, base, out),
    }
}

fn put_head(head: u8, minimum: u32, base: u32, out: &mut Vec<u8>) {
    let difference = i64::from(minimum) - i64::from(base);
    out.push(head);
    varint::write((difference << 1 ^ difference >> 63) as u64, out);
}

/// Writes a `.times` file.
#[derive(Debug)]
pub(crate) struct TimesWriter {
    table: TableWriter,
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
        let mut table = TableWriter::create(disk, folder.join(id.times_name()), Kind::Times, id, revision, 0)?;
        table.set_parameter(TIME_ORDERED_ENTRIES.into());
        Ok(TimesWriter { table, has_base: false, entry: Vec::new() })
    }

    /// Says that nobody reads the file soon.
    pub(crate) fn written_once(&mut self) {
        self.table.written_once();
    }

    /// From how many edges on the times of a list lie in the order of time. To be said before there are any.
    pub(crate) fn set_time_ordered_entries(&mut self, entries: u32) {
        self.table.set_parameter(entries.into());
    }

    /// Takes the base of other times, if they have one: what is as they have it can be copied. To be said before there
    /// are any.
    pub(crate) fn continue_from(&mut self, other: &Times) {
        if other.header().edges > 0 {
            self.set_base(other.header().base);
        }
    }

    /// Whether entries of other times are as this writer makes them.
    pub(crate) fn is_like(&self, other: &Times) -> bool {
        let Header { base, parameter, .. } = *other.header();
        self.has_base && (base, parameter) == (self.table.base(), self.table.parameter())
    }

    /// Appends the entry of a list of `len` ids as it lies in other times.
    pub(crate) fn copy(&mut self, ordinal: u32, len: usize, other: &Times) -> Result<(), SegmentError> {
        self.table.push(ordinal, len, other.table.get(ordinal)?.unwrap_or_default())
    }

    /// Appends the entry of a list of `len` ids, which was encoded against the base.
    pub(crate) fn push_encoded(&mut self, ordinal: u32, len: usize, entry: &[u8]) -> Result<(), SegmentError> {
        self.table.push(ordinal, len, entry)
    }

    /// Lets entries be relative to this time. To be said before there are any.
    pub(crate) fn set_base(&mut self, base: u64) {
        self.has_base = true;
        self.table.set_base(base);
    }

    pub(crate) fn push(&mut self, ordinal: u32, times: &[u32]) -> Result<(), SegmentError> {
        if let Some(earliest) = times.iter().copied().min().filter(|_| !self.has_base) {
            self.set_base(earliest.into());
        }
        self.entry.clear();
        encode(times, self.table.base() as u32, self.table.parameter(), &mut self.entry);
        self.table.push(ordinal, times.len(), &self.entry)
    }

    pub(crate) fn finish(self) -> Result<(Header, Unsynced), SegmentError> {
        self.table.finish()
    }
}
