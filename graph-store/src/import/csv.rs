//! Rows of comma-separated values, as spreadsheets and databases write them.
//!
//! # Format
//!
//! - RFC 4180, with `\n` or `\r\n` behind each row, but the last one, which need not have it. Empty rows are skipped, and
//!   rows that begin with `#`.
//! - What stands between the fields is told by the first row: whichever of `,` `;` tab and `|` is there most often.
//! - A first row without a single number is a header: it names the columns `source` (or `src`), `target` (or `dst`),
//!   `time` and `weight`, in any order and case; columns of other names are not read. Without a header the first two
//!   columns are source and target, and there are no more; or what [`Layout`] says.
//! - Fields may be quoted (`"`); blanks around those that are not do not count. A quoted field ends in the row it begins
//!   in, so that every row is a line.
//! - A byte order mark in front of the first row is skipped.
//! - Ids are decimal numbers of up to 64 bits, times are seconds since 1970, weights any finite number.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};

use super::columns::{self, COLUMNS_MAX, Column, Layout, LayoutError};
use super::parse::{LINE_MAX_BYTES, LineBlock, ParseError, Problem, quote};
use crate::store::EdgeBatch;

/// What may stand between fields, in order of preference.
const SEPARATORS: [u8; 4] = *b",;\t|";

/// What some programs write in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How the rows of a file are to be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dialect {
    separator: u8,
    layout: Layout,
    /// The line of the row that names the columns.
    header: Option<u64>,
}

impl Dialect {
    /// Tells it from the first rows of a file; `layout` says what the columns hold whatever a header says.
    ///
    /// # Errors
    ///
    /// The header does not name the columns.
    pub fn sniff(first: &[u8], layout: Option<Layout>) -> Result<Self, LayoutError> {
        let first = first.strip_prefix(BYTE_ORDER_MARK).unwrap_or(first);
        let mut rows = first.split(|byte| *byte == b'\n').zip(1..);
        let (row, line) = rows.find(|(row, _)| !is_skipped(row)).unwrap_or_default();
        let mut best = SEPARATORS[0];
        let count = |separator| row.iter().filter(|byte| **byte == separator).count();
        for separator in SEPARATORS {
            if count(separator) > count(best) {
                best = separator;
            }
        }
        let mut names = Vec::new();
        // Whatever is wrong with it is told when it is read.
        let _ = Fields::new(best).of(row, |fields| {
            names = fields.map(<[u8]>::to_vec).collect();
            Ok(())
        });
        let header = line > 0 && !names.iter().any(|name| columns::id(name).is_ok());
        let layout = match layout {
            Some(layout) => layout,
            None if header => {
                Layout::new(names.iter().map(|name| Column::named(&String::from_utf8_lossy(name))).collect())?
            }
            None => Layout::default(),
        };
        Ok(Dialect { separator: best, layout, header: header.then_some(line) })
    }

    /// What the columns hold.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Appends the edges of some whole rows.
    ///
    /// # Errors
    ///
    /// The first row that is malformed; the edges before it were appended.
    pub fn decode(&self, rows: &LineBlock, into: &mut EdgeBatch) -> Result<(), ParseError> {
        let mut fields = Fields::new(self.separator);
        for (row, line) in rows.lines() {
            let row = row.strip_prefix(BYTE_ORDER_MARK).filter(|_| line == 1).unwrap_or(row);
            if is_skipped(row) || self.header == Some(line) {
                continue;
            }
            let read = if row.len() > LINE_MAX_BYTES {
                Err(Problem::TooLong)
            } else {
                fields.of(row, |fields| self.layout.read(fields, into))
            };
            read.map_err(|problem| ParseError::Malformed { line, quote: quote(row), problem })?;
        }
        Ok(())
    }
}

fn is_skipped(row: &[u8]) -> bool {
    row.first() == Some(&b'#') || row.trim_ascii().is_empty()
}

/// Cuts rows into fields.
struct Fields {
    separator: u8,
    quoted: Reader,
    unquoted: Vec<u8>,
    /// Where each field ends, of one more than there may be.
    ends: Vec<usize>,
}

impl Fields {
    fn new(separator: u8) -> Self {
        // By default `\r` would end a row, too, and what comes behind it would be lost.
        let quoted = ReaderBuilder::new().delimiter(separator).terminator(Terminator::Any(b'\n')).build();
        Fields { separator, quoted, unquoted: Vec::new(), ends: vec![0; COLUMNS_MAX + 1] }
    }

    /// Hands the fields of a row to `read`.
    fn of<T>(
        &mut self,
        row: &[u8],
        read: impl FnOnce(&mut dyn Iterator<Item = &[u8]>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if !row.contains(&b'"') {
            return read(&mut row.split(|byte| *byte == self.separator).map(<[u8]>::trim_ascii));
        }
        self.quoted.reset();
        self.unquoted.resize(row.len() + 1, 0);
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        let (result, _, filled, mut count) = self.quoted.read_record(row, &mut self.unquoted, &mut self.ends);
        if result == ReadRecordResult::InputEmpty {
            let (unquoted, ends) = (&mut self.unquoted[filled..], &mut self.ends[count..]);
            let (result, _, _, last) = self.quoted.read_record(b"\n", unquoted, ends);
            if result == ReadRecordResult::InputEmpty {
                return Err(Problem::OpenQuote);
            }
            count += last;
        }
        let mut start = 0;
        let mut fields = self.ends[..count].iter().map(|end| {
            let field = &self.unquoted[start..*end];
            start = *end;
            field.trim_ascii()
        });
        read(&mut fields)
    }
}
