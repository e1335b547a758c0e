//! The values of one column of a group of rows, as what they stand for.

use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;

use super::{ParquetEdgesError, guarded};
use crate::import::columns::Column;

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;

/// How the integers of a column are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum IntegerKind {
    Signed,
    Unsigned,
}

/// What the integers of a column of times count since 1970.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum TimeKind {
    /// So many of them are a second.
    PerSecond(i64),
    Days,
}

/// `None` where the column has no plain integers.
pub(super) fn integer_kind(column: &ColumnDescPtr) -> Option<IntegerKind> {
    if !matches!(column.physical_type(), Type::INT32 | Type::INT64) {
        return None;
    }
    match (column.logical_type_ref(), column.converted_type()) {
        (Some(LogicalType::Integer(integer)), _) if integer.is_signed => Some(IntegerKind::Signed),
        (Some(LogicalType::Integer(_)), _) => Some(IntegerKind::Unsigned),
        (Some(_), _) => None,
        (None, ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32 | ConvertedType::UINT_64) => {
            Some(IntegerKind::Unsigned)
        }
        (
            None,
            ConvertedType::NONE
            | ConvertedType::INT_8
            | ConvertedType::INT_16
            | ConvertedType::INT_32
            | ConvertedType::INT_64,
        ) => Some(IntegerKind::Signed),
        (None, _) => None,
    }
}

/// `None` where the column has no times.
pub(super) fn time_kind(column: &ColumnDescPtr) -> Option<TimeKind> {
    match (column.physical_type(), column.logical_type_ref(), column.converted_type()) {
        (Type::INT64, Some(LogicalType::Timestamp(timestamp)), _) => Some(TimeKind::PerSecond(match timestamp.unit {
            TimeUnit::MILLIS => 1_000,
            TimeUnit::MICROS => 1_000_000,
            TimeUnit::NANOS => 1_000_000_000,
        })),
        (Type::INT64, None, ConvertedType::TIMESTAMP_MILLIS) => Some(TimeKind::PerSecond(1_000)),
        (Type::INT64, None, ConvertedType::TIMESTAMP_MICROS) => Some(TimeKind::PerSecond(1_000_000)),
        (Type::INT32, Some(LogicalType::Date), _) | (Type::INT32, None, ConvertedType::DATE) => Some(TimeKind::Days),
        _ => integer_kind(column).map(|_| TimeKind::PerSecond(1)),
    }
}

/// Whether the column has numbers.
pub(super) fn weight_kind(column: &ColumnDescPtr) -> bool {
    matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE) || integer_kind(column).is_some()
}

/// One column, read from its start.
pub(super) struct Values {
    described: ColumnDescPtr,
    reader: ColumnReader,
}

impl Values {
    pub(super) fn new(described: ColumnDescPtr, reader: ColumnReader) -> Self {
        Values { described, reader }
    }

    /// Appends the next values as ids. `first` is the number of the first row.
    pub(super) fn ids(
        &mut self,
        rows: usize,
        first: u64,
        column: Column,
        into: &mut Vec<u64>,
    ) -> Result<(), ParquetEdgesError> {
        self.convert(rows, first, column, into, |value| u64::try_from(value).ok())
    }

    /// Appends the next values as times.
    pub(super) fn times(&mut self, rows: usize, first: u64, into: &mut Vec<u32>) -> Result<(), ParquetEdgesError> {
        let kind = time_kind(&self.described);
        self.convert(rows, first, Column::Time, into, |value| {
            let seconds = match kind? {
                TimeKind::PerSecond(units) => value.div_euclid(units.into()),
                TimeKind::Days => value * i128::from(DAY),
            };
            u32::try_from(seconds).ok()
        })
    }

    /// Appends the next values as weights.
    pub(super) fn weights(&mut self, rows: usize, first: u64, into: &mut Vec<f64>) -> Result<(), ParquetEdgesError> {
        let floats = match &mut self.reader {
            ColumnReader::FloatColumnReader(reader) => {
                read(reader, rows, first, Column::Weight)?.into_iter().map(f64::from).collect()
            }
            ColumnReader::DoubleColumnReader(reader) => read(reader, rows, first, Column::Weight)?,
            // Whole numbers above 2^53 are rounded.
            _ => return self.convert(rows, first, Column::Weight, into, |value| Some(value as f64)),
        };
        if let Some((value, row)) = floats.iter().zip(first..).find(|(value, _)| !value.is_finite()) {
            return Err(ParquetEdgesError::OutOfRange { row, column: Column::Weight, value: value.to_string() });
        }
        into.extend(floats);
        Ok(())
    }

    fn convert<T>(
        &mut self,
        rows: usize,
        first: u64,
        column: Column,
        into: &mut Vec<T>,
        convert: impl Fn(i128) -> Option<T>,
    ) -> Result<(), ParquetEdgesError> {
        let unsigned = integer_kind(&self.described) == Some(IntegerKind::Unsigned);
        let out_of_range = |row, value: i128| ParquetEdgesError::OutOfRange { row, column, value: value.to_string() };
        let mut push = |value, row| {
            into.push(convert(value).ok_or_else(|| out_of_range(row, value))?);
            Ok(())
        };
        match &mut self.reader {
            ColumnReader::Int32ColumnReader(reader) => {
                let mut values = read(reader, rows, first, column)?.into_iter().zip(first..);
                values.try_for_each(|(value, row)| {
                    push(if unsigned { value.cast_unsigned().into() } else { value.into() }, row)
                })
            }
            ColumnReader::Int64ColumnReader(reader) => {
                let mut values = read(reader, rows, first, column)?.into_iter().zip(first..);
                values.try_for_each(|(value, row)| {
                    push(if unsigned { value.cast_unsigned().into() } else { value.into() }, row)
                })
            }
            // Columns of other types were refused before.
            _ => {
                let source = ParquetError::General(format!("{} is not of integers", self.described.name()));
                Err(ParquetEdgesError::Read { row: first, source })
            }
        }
    }
}

/// The next values of so many rows, none of which is null.
fn read<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    rows: usize,
    first: u64,
    column: Column,
) -> Result<Vec<T::T>, ParquetEdgesError> {
    let failed = |source| ParquetEdgesError::Read { row: first, source };
    let (mut values, mut levels) = (Vec::with_capacity(rows), Vec::new());
    let read = guarded(|| reader.read_records(rows, Some(&mut levels), None, &mut values));
    let (found, _, _) = read.map_err(failed)?;
    // Columns that are not nested have the level 0 for what is null, and none at all where nothing can be.
    if let Some((_, row)) = levels.iter().zip(first..).find(|(level, _)| **level == 0) {
        return Err(ParquetEdgesError::Null { row, column });
    }
    if found < rows || values.len() < rows {
        return Err(failed(ParquetError::EOF(format!("{found} of {rows} rows"))));
    }
    Ok(values)
}
