//! Edges as columns, and vertices as one.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use base::UserId;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use super::ExportError;
use super::edges::{ROWS_MAX, RowWriter, Rows};
use super::names::Names;
use crate::store::Columns;

const ENDS: &str = "required int64 source (integer(64, false)); required int64 target (integer(64, false));";
const ID: &str = "required int64 id (integer(64, false));";
const TIME: &str = "required int64 time;";
const WEIGHT: &str = "required double weight;";

/// Writes a row group for each batch of rows.
pub(super) struct ParquetEdges<W: Write + Send> {
    writer: SerializedFileWriter<W>,
}

impl<W: Write + Send> ParquetEdges<W> {
    /// A file with or without columns of times and weights.
    pub(super) fn new(out: W, columns: Columns) -> Result<Self, ExportError> {
        let time = if columns.times { TIME } else { "" };
        let weight = if columns.weights { WEIGHT } else { "" };
        let schema = parse_message_type(&format!("message edges {{ {ENDS} {time} {weight} }}"))?;
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties()))?;
        Ok(ParquetEdges { writer })
    }
}

/// Ids ascend, in one list or in all of a file, so what is stored are their small differences.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::DELTA_BINARY_PACKED)
        .set_column_encoding(ColumnPath::from("weight"), Encoding::PLAIN)
        .build()
}

/// Writes the numbers of some users as the one column of a file.
pub(super) fn write_vertices(users: Range<u32>, names: &Names, out: impl Write + Send) -> Result<(), ExportError> {
    let schema = parse_message_type(&format!("message vertices {{ {ID} }}"))?;
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties()))?;
    for start in users.clone().step_by(ROWS_MAX) {
        let rows = start..users.end.min(start.saturating_add(ROWS_MAX as u32));
        let mut group = writer.next_row_group()?;
        column::<Int64Type, _>(&mut group, rows.map(|user| names.of(UserId(user)).cast_signed()))?;
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

impl<W: Write + Send> RowWriter for ParquetEdges<W> {
    fn write(&mut self, rows: &Rows) -> Result<(), ExportError> {
        let mut group = self.writer.next_row_group()?;
        // The format has no unsigned numbers of its own: the bits are the same, and the schema says how to read them.
        column::<Int64Type, _>(&mut group, rows.sources.iter().map(|id| id.cast_signed()))?;
        column::<Int64Type, _>(&mut group, rows.targets.iter().map(|id| id.cast_signed()))?;
        if !rows.times.is_empty() {
            column::<Int64Type, _>(&mut group, rows.times.iter().map(|time| i64::from(*time)))?;
        }
        if !rows.weights.is_empty() {
            column::<DoubleType, _>(&mut group, rows.weights.iter().copied())?;
        }
        group.close()?;
        Ok(())
    }

    fn finish(self) -> Result<(), ExportError> {
        self.writer.close()?;
        Ok(())
    }
}

fn column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = T::T>,
) -> Result<(), ExportError> {
    let values: Vec<T::T> = values.collect();
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(&values, None, None)?;
        column.close()?;
    }
    Ok(())
}
