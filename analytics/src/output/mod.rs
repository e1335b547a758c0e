//! What a job found, for those who go on with it: CSV and Parquet with a line for each vertex or pair, and a summary for
//! people.
//!
//! - [`Table`]: the values of every row, column by column; [`Rows`]: of whom they are.
//! - [`TableWriter`]: the table as a file, all at once or in parts, by `csv` and `parquet`; [`Plot`]: what is spread how, as a picture; [`Summary`], [`Histogram`]: the table at a glance.

mod csv;
mod histogram;
mod parquet;
mod plot;
mod summary;

use std::borrow::Cow;
use std::io::{self, Write};

pub use histogram::{Bar, Histogram};
pub use plot::Plot;
pub use summary::{ColumnSummary, Row, Summary};

use crate::jobs::UNREACHED;

/// The number that the LDBC Graphalytics specification has for a vertex that is not reached.
pub const UNREACHED_VALUE: u64 = i64::MAX as u64;
/// Rows of one Parquet row group, and of what is in memory twice while it is written.
pub const ROW_GROUP: usize = 1 << 20;

/// A table could not be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The file could not be written.
    #[error("the file cannot be written")]
    Write(#[from] io::Error),
    /// The columns could not be written.
    #[error("the columns cannot be written")]
    Parquet(#[from] ::parquet::errors::ParquetError),
    /// The plot could not be drawn.
    #[error("the plot cannot be drawn")]
    Plot(#[from] plotters::drawing::DrawingAreaErrorKind<io::Error>),
}

/// How a table is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// A line of names, `id,value`, and a line for each vertex.
    Csv,
    /// Columns, `id` and whole numbers unsigned.
    Parquet,
}

/// Of which vertex each row is.
#[derive(Clone, PartialEq, Debug)]
pub enum Rows {
    /// One of each of so many, ascending.
    Each(u32),
    /// Any number of each.
    Of(Vec<u32>),
}

impl Rows {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Rows::Each(vertices) => *vertices as usize,
            Rows::Of(vertices) => vertices.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where the rows of each of so many vertices begin, and where the last of them end. Rows are ascending by vertex.
    pub(crate) fn offsets(&self, vertices: u32) -> Vec<usize> {
        match self {
            Rows::Each(_) => (0..=vertices as usize).collect(),
            Rows::Of(rows) => {
                let mut offsets = Vec::with_capacity(vertices as usize + 1);
                let mut before = 0;
                for vertex in 0..vertices {
                    offsets.push(before);
                    before += rows[before..].iter().take_while(|row| **row == vertex).count();
                }
                offsets.push(before);
                offsets
            }
        }
    }

    /// The vertex of a row.
    fn vertex(&self, row: usize) -> u32 {
        match self {
            Rows::Each(_) => row as u32,
            Rows::Of(vertices) => vertices[row],
        }
    }
}

/// One value for each row.
#[derive(Clone, PartialEq, Debug)]
pub enum Values {
    /// Numbers, of which some may be infinite.
    Reals(Vec<f64>),
    /// Whole numbers.
    Wholes(Vec<u64>),
    /// Small whole numbers.
    Counts(Vec<u32>),
    /// How many steps away; [`UNREACHED`] where there is no way, which is written as [`UNREACHED_VALUE`].
    Levels(Vec<u32>),
    /// Vertices, which are written as their external ids.
    Vertices(Vec<u32>),
}

/// What the values of a column are to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// More is more: there is a top ten.
    Score,
    /// Equal values make a group.
    Group,
    /// Less is closer.
    Distance,
}

/// A column of a table.
#[derive(Clone, PartialEq, Debug)]
pub struct Column {
    /// Its name in the file.
    pub name: Cow<'static, str>,
    /// What its values are to each other.
    pub kind: Kind,
    /// By row.
    pub values: Values,
}

/// What a job found.
pub struct Table<'a> {
    /// Of whom the rows are: each column has as many values.
    pub rows: &'a Rows,
    /// By which number others know a vertex.
    pub id: &'a (dyn Fn(u32) -> u64 + Sync),
    /// At least one.
    pub columns: &'a [Column],
}

/// A value as it is written.
#[derive(Clone, Copy, PartialEq, PartialOrd, Debug, serde::Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A number.
    Real(f64),
    /// A whole number.
    Whole(u64),
}

impl Value {
    fn as_f64(self) -> f64 {
        match self {
            Value::Real(value) => value,
            Value::Whole(UNREACHED_VALUE) => f64::INFINITY,
            Value::Whole(value) => value as f64,
        }
    }
}

/// A file that a table is written to, in parts that follow on one another.
pub enum TableWriter<W: Write + Send> {
    /// As CSV.
    Csv(csv::Writer<W>),
    /// As Parquet: each part makes row groups of its own, of [`ROW_GROUP`] rows and a last one of less.
    Parquet(parquet::Writer<W>),
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a file with columns of these names and types; their values are of no matter.
    ///
    /// # Errors
    ///
    /// What was written is of no use, and so it is below.
    pub fn new(format: Format, out: W, columns: &[Column]) -> Result<Self, OutputError> {
        Ok(match format {
            Format::Csv => TableWriter::Csv(csv::Writer::new(out, columns)?),
            Format::Parquet => TableWriter::Parquet(parquet::Writer::new(out, columns)?),
        })
    }

    /// Appends the rows of a table, which has the columns that the file has.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn write(&mut self, part: &Table<'_>) -> Result<(), OutputError> {
        match self {
            TableWriter::Csv(writer) => writer.write(part),
            TableWriter::Parquet(writer) => writer.write(part),
        }
    }

    /// Writes what completes the file, and gives it back.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn finish(self) -> Result<W, OutputError> {
        match self {
            TableWriter::Csv(writer) => writer.finish(),
            TableWriter::Parquet(writer) => writer.finish(),
        }
    }
}

impl Table<'_> {
    /// Writes all of it.
    ///
    /// # Errors
    ///
    /// What was written up to then is of no use.
    pub fn write(&self, format: Format, out: impl Write + Send) -> Result<(), OutputError> {
        let mut writer = TableWriter::new(format, out, self.columns)?;
        writer.write(self)?;
        writer.finish()?;
        Ok(())
    }

    /// The external id of the vertex of a row.
    pub(crate) fn id(&self, row: usize) -> u64 {
        (self.id)(self.rows.vertex(row))
    }

    pub(crate) fn value(&self, column: &Column, place: usize) -> Value {
        match &column.values {
            Values::Reals(values) => Value::Real(values[place]),
            Values::Wholes(values) => Value::Whole(values[place]),
            Values::Counts(values) => Value::Whole(values[place].into()),
            Values::Levels(values) if values[place] == UNREACHED => Value::Whole(UNREACHED_VALUE),
            Values::Levels(values) => Value::Whole(values[place].into()),
            Values::Vertices(values) => Value::Whole((self.id)(values[place])),
        }
    }
}
