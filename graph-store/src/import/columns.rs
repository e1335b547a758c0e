//! What the columns of a file hold, and what stands in them.

use std::fmt;
use std::str::FromStr;

use super::parse::Problem;
use crate::store::EdgeBatch;

/// Layout of a file at the most.
pub const COLUMNS_MAX: usize = 256;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Column {
    /// The external id of who follows.
    Source,
    /// The external id of who is followed.
    Target,
    /// Since when, in seconds since 1970.
    Time,
    /// How much: any finite number.
    Weight,
    /// Something else, which is not read.
    Other,
}

impl Column {
    /// The names that headers may use, in any case; a column with another name is not read.
    pub fn named(name: &str) -> Column {
        match name.to_ascii_lowercase().as_str() {
            "source" | "src" => Column::Source,
            "target" | "dst" => Column::Target,
            "time" => Column::Time,
            "weight" => Column::Weight,
            _ => Column::Other,
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Column::Source => "source",
            Column::Target => "target",
            Column::Time => "time",
            Column::Weight => "weight",
            Column::Other => "_",
        })
    }
}

/// Names that do not say where the ends of edges are.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LayoutError {
    /// A name that means nothing here.
    #[error("no column is named {name:?}, only source, target, time, weight, and _ for one to skip")]
    Unknown {
        /// The name.
        name: String,
    },
    /// No column has the ids of one end.
    #[error("no column is named {column}")]
    Missing {
        /// What is missing.
        column: Column,
    },
    /// Two columns with the same name.
    #[error("two columns are named {column}")]
    Twice {
        /// What is there twice.
        column: Column,
    },
    /// More columns than [`COLUMNS_MAX`].
    #[error("more than {COLUMNS_MAX} columns")]
    TooMany,
}

/// The columns of a file, in its order: a source, a target, at most one time and one weight, and others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout(Vec<Column>);

impl Default for Layout {
    /// Source and target.
    fn default() -> Self {
        Layout(vec![Column::Source, Column::Target])
    }
}

/// From names with commas between them, such as `source,target,_,time`.
impl FromStr for Layout {
    type Err = LayoutError;

    fn from_str(names: &str) -> Result<Self, LayoutError> {
        let column = |name: &str| match Column::named(name.trim()) {
            Column::Other if name.trim() != "_" => Err(LayoutError::Unknown { name: name.trim().to_owned() }),
            column => Ok(column),
        };
        Layout::new(names.split(',').map(column).collect::<Result<_, _>>()?)
    }
}

impl Layout {
    /// These columns.
    ///
    /// # Errors
    ///
    /// A source or a target is missing, something other than [`Column::Other`] is there twice, or there are too many.
    pub fn new(columns: Vec<Column>) -> Result<Self, LayoutError> {
        let count = |wanted| columns.iter().filter(|column| **column == wanted).count();
        for column in [Column::Source, Column::Target, Column::Time, Column::Weight] {
            match count(column) {
                0 if matches!(column, Column::Source | Column::Target) => return Err(LayoutError::Missing { column }),
                0 | 1 => {}
                _ => return Err(LayoutError::Twice { column }),
            }
        }
        if columns.len() > COLUMNS_MAX {
            return Err(LayoutError::TooMany);
        }
        Ok(Layout(columns))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The place of a column, from 0.
    pub fn place(&self, column: Column) -> Option<usize> {
        self.0.iter().position(|other| *other == column)
    }

    /// Whether these are source and target and nothing else.
    pub fn are_ids(&self) -> bool {
        self.0 == [Column::Source, Column::Target]
    }

    /// Appends the edge of a row, given field by field.
    ///
    /// # Errors
    ///
    /// There are fewer or more fields than columns, or one is not what its column holds; nothing was appended.
    pub fn read<'a>(&self, fields: impl Iterator<Item = &'a [u8]>, into: &mut EdgeBatch) -> Result<(), Problem> {
        let (mut source, mut target, mut time, mut weight) = (0, 0, None, None);
        let mut found = 0;
        for field in fields {
            let column = self.0.get(found).ok_or(Problem::TooMany { expected: self.count() })?;
            found += 1;
            match column {
                Column::Source => source = id(field)?,
                Column::Target => target = id(field)?,
                Column::Time => time = Some(seconds(field)?),
                Column::Weight => weight = Some(finite(field)?),
                Column::Other => {}
            }
        }
        if found < self.count() {
            return Err(Problem::TooFew { expected: self.count(), found });
        }
        into.edges.push((source, target));
        into.times.extend(time);
        into.weights.extend(weight);
        Ok(())
    }
}

/// A decimal number of 64 bits.
pub(super) fn id(field: &[u8]) -> Result<u64, Problem> {
    if field.is_empty() || !field.iter().all(u8::is_ascii_digit) {
        return Err(Problem::NotANumber);
    }
    let digits = field.iter().map(|digit| u64::from(digit - b'0'));
    let checked = digits.into_iter().try_fold(0u64, |id, digit| id.checked_mul(10)?.checked_add(digit));
    checked.ok_or(Problem::TooLarge)
}

fn seconds(field: &[u8]) -> Result<u32, Problem> {
    id(field).ok().and_then(|seconds| u32::try_from(seconds).ok()).ok_or(Problem::NotATime)
}

fn finite(field: &[u8]) -> Result<f64, Problem> {
    let weight = std::str::from_utf8(field).ok().and_then(|text| text.parse().ok());
    weight.filter(|weight: &f64| weight.is_finite()).ok_or(Problem::NotAWeight)
}
