//! Edges in the columns of a Parquet file.
//!
//! # Format
//!
//! - The ends are two columns of integers of 32 or 64 bits, signed or not: those named `source` (or `src`) and `target`
//!   (or `dst`), in any case; or else the first two columns of integers.
//! - A column named `time` has seconds since 1970 as an integer, or a timestamp, or a date.
//! - A column named `weight` has floats, doubles or integers, all of them finite.
//! - Columns of other names are not read; nor are columns of lists, maps and structures. [`Layout`] says by place what
//!   the columns hold, whatever their names.
//! - There are no nulls among what is read.
//! - Pages are plain or compressed by Snappy, gzip, LZ4 or Zstandard.
//!
//! One damage costs time: the library steps over fields that it does not know, and over each of the booleans in a list
//! or a map there, which take no bytes. Some eight bytes can claim two billion of them, which are stepped over in seconds.
//!
//! Rows are read in order, so many at a time that neither the rows nor a page of them fill the memory. A Parquet file is
//! read from its end, so what comes through a pipe has to be put on disk first.

mod bytes;
mod pages;
mod values;

use std::fs::File;
use std::panic::{self, AssertUnwindSafe};

use parquet::column::reader::get_column_reader;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescPtr;

use self::bytes::FileBytes;
use self::pages::Pages;
use self::values::{Values, integer_kind, time_kind, weight_kind};
use super::columns::{Column, Layout};
use crate::store::EdgeBatch;

/// The first and the last bytes of every Parquet file.
pub const MAGIC: [u8; 4] = *b"PAR1";
/// Rows that are read at once.
const ROWS: usize = 1 << 16;

/// Why no more edges come. Rows are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum ParquetEdgesError {
    /// The file is damaged, or not of this format.
    #[error("the file is no whole Parquet file")]
    Open(#[source] ParquetError),
    /// No column can be one that is needed.
    #[error("no column of integers is named {column}")]
    Missing {
        /// What is missing.
        column: Column,
    },
    /// A column is of a type that its values cannot have.
    #[error("column {name:?} has {found}, which is no {column}")]
    WrongType {
        /// The name in the file.
        name: String,
        /// What it should hold.
        column: Column,
        /// Its type.
        found: String,
    },
    /// A value is missing.
    #[error("row {row}: no {column}")]
    Null {
        /// The first such row.
        row: u64,
        /// What is missing.
        column: Column,
    },
    /// A value is not what its column should hold, such as an id below zero.
    #[error("row {row}: {value} is no {column}")]
    OutOfRange {
        /// The first such row.
        row: u64,
        /// What it should be.
        column: Column,
        /// What it is.
        value: String,
    },
    /// A page is damaged, or compressed in a way that is not known.
    #[error("row {row}: cannot be read")]
    Read {
        /// The first row that did not come.
        row: u64,
        /// What is wrong.
        source: ParquetError,
    },
}

/// The edges of a file, in its order.
pub struct ParquetEdges {
    file: SerializedFileReader<FileBytes>,
    /// What is read, and from which column.
    columns: Vec<(Column, usize)>,
    /// The next group of rows.
    group: usize,
    /// The columns of the group at hand, as in `columns`, and its rows that have not been read.
    values: Vec<Values>,
    rows_left: usize,
    rows_read: u64,
}

impl ParquetEdges {
    /// Reads what the file says about itself; `layout` says by place what the columns hold.
    ///
    /// # Errors
    ///
    /// The file is damaged, or its columns hold no edges.
    pub fn open(file: File, layout: Option<&Layout>) -> Result<Self, ParquetEdgesError> {
        let file = guarded(|| SerializedFileReader::new(FileBytes(file))).map_err(ParquetEdgesError::Open)?;
        let described = file.metadata().file_metadata().schema_descr().columns();
        let columns = choose(described, layout)?;
        Ok(ParquetEdges { file, columns, group: 0, values: Vec::new(), rows_left: 0, rows_read: 0 })
    }

    /// Whether edges have this.
    pub fn has(&self, column: Column) -> bool {
        self.columns.iter().any(|(other, _)| *other == column)
    }

    /// Rows in all groups, as the file says.
    pub fn rows(&self) -> u64 {
        u64::try_from(self.file.metadata().file_metadata().num_rows()).unwrap_or_default()
    }

    /// Rows read so far.
    pub fn rows_read(&self) -> u64 {
        self.rows_read
    }

    /// Appends the edges of the next rows; `false` where there are none left, and after an error.
    ///
    /// # Errors
    ///
    /// The rows cannot be read, or hold something else than edges.
    pub fn read(&mut self, into: &mut EdgeBatch) -> Result<bool, ParquetEdgesError> {
        let read = self.read_rows(into);
        if read.is_err() {
            // The columns are no longer at the same row.
            (self.group, self.rows_left) = (self.file.num_row_groups(), 0);
        }
        read
    }

    fn read_rows(&mut self, into: &mut EdgeBatch) -> Result<bool, ParquetEdgesError> {
        while self.rows_left == 0 {
            if self.group == self.file.num_row_groups() {
                return Ok(false);
            }
            guarded(|| self.open_group())
                .map_err(|source| ParquetEdgesError::Read { row: self.rows_read + 1, source })?;
        }
        let rows = self.rows_left.min(ROWS);
        let first = self.rows_read + 1;
        let [mut sources, mut targets] = [Vec::new(), Vec::new()];
        for ((column, _), values) in self.columns.iter().zip(&mut self.values) {
            match column {
                Column::Source => values.ids(rows, first, *column, &mut sources)?,
                Column::Target => values.ids(rows, first, *column, &mut targets)?,
                Column::Time => values.times(rows, first, &mut into.times)?,
                Column::Weight => values.weights(rows, first, &mut into.weights)?,
                Column::Other => {}
            }
        }
        into.edges.extend(sources.into_iter().zip(targets));
        self.rows_left -= rows;
        self.rows_read += rows as u64;
        Ok(true)
    }

    fn open_group(&mut self) -> Result<(), ParquetError> {
        let group = self.file.get_row_group(self.group)?;
        self.rows_left = usize::try_from(group.metadata().num_rows())?;
        let values = self.columns.iter().map(|(_, place)| {
            let described = group.metadata().schema_descr().column(*place);
            let pages = Pages(group.get_column_page_reader(*place)?);
            Ok(Values::new(described.clone(), get_column_reader(described, Box::new(pages))))
        });
        self.values = values.collect::<Result<_, ParquetError>>()?;
        self.group += 1;
        Ok(())
    }
}

/// The library checks much of what it reads, but not all before it relies on it: some damage makes it panic.
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    // Whatever was being read is of no more use, and is not used any more.
    panic::catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ParquetError::General("the file contradicts itself".to_owned())))
}

/// What is read, and from which column.
fn choose(described: &[ColumnDescPtr], layout: Option<&Layout>) -> Result<Vec<(Column, usize)>, ParquetEdgesError> {
    let flat = |place: usize| described[place].max_rep_level() == 0 && described[place].path().parts().len() == 1;
    let named = |wanted: Column| match layout {
        Some(layout) => layout.place(wanted).filter(|place| *place < described.len() && flat(*place)),
        None => (0..described.len()).find(|place| flat(*place) && Column::named(described[*place].name()) == wanted),
    };
    let mut ends = [Column::Source, Column::Target].map(named);
    if layout.is_none() && ends == [None, None] {
        let mut integers =
            (0..described.len()).filter(|place| flat(*place) && integer_kind(&described[*place]).is_some());
        ends = [integers.next(), integers.next()];
    }
    let mut chosen = Vec::new();
    for (column, place) in [Column::Source, Column::Target].into_iter().zip(ends) {
        chosen.push((column, place.ok_or(ParquetEdgesError::Missing { column })?));
    }
    chosen.extend([Column::Time, Column::Weight].into_iter().filter_map(|column| Some((column, named(column)?))));
    for (column, place) in &chosen {
        let described = &described[*place];
        let fits = match column {
            Column::Time => time_kind(described).is_some(),
            Column::Weight => weight_kind(described),
            _ => integer_kind(described).is_some(),
        };
        if !fits {
            let found = described.logical_type_ref().map(|logical| format!("{logical:?}"));
            let found = found.unwrap_or_else(|| described.physical_type().to_string());
            return Err(ParquetEdgesError::WrongType { name: described.name().to_owned(), column: *column, found });
        }
    }
    Ok(chosen)
}
