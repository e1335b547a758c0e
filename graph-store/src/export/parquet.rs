//! Edges as columns.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{DataType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::ExportError;
use super::edges::{RowWriter, Rows};

const EDGES: &str = "message edges {
    required int64 source (integer(64, false));
    required int64 target (integer(64, false));
}";
const TIMED_EDGES: &str = "message edges {
    required int64 source (integer(64, false));
    required int64 target (integer(64, false));
    required int64 time;
}";

/// Writes a row group for each batch of rows.
pub(super) struct ParquetEdges<W: Write + Send> {
    writer: SerializedFileWriter<W>,
}

impl<W: Write + Send> ParquetEdges<W> {
    /// A file with or without a column of times.
    pub(super) fn new(out: W, times: bool) -> Result<Self, ExportError> {
        let schema = parse_message_type(if times { TIMED_EDGES } else { EDGES })?;
        // Ids of one list ascend, so what is stored are their small differences.
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::DELTA_BINARY_PACKED)
            .build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        Ok(ParquetEdges { writer })
    }
}

impl<W: Write + Send> RowWriter for ParquetEdges<W> {
    fn write(&mut self, rows: &Rows) -> Result<(), ExportError> {
        let mut group = self.writer.next_row_group()?;
        // The format has no unsigned numbers of its own: the bits are the same, and the schema says how to read them.
        column(&mut group, rows.sources.iter().map(|id| id.cast_signed()))?;
        column(&mut group, rows.targets.iter().map(|id| id.cast_signed()))?;
        if !rows.times.is_empty() {
            column(&mut group, rows.times.iter().map(|time| i64::from(*time)))?;
        }
        group.close()?;
        Ok(())
    }

    fn finish(self) -> Result<(), ExportError> {
        self.writer.close()?;
        Ok(())
    }
}

fn column<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = <Int64Type as DataType>::T>,
) -> Result<(), ExportError> {
    let values: Vec<i64> = values.collect();
    if let Some(mut column) = group.next_column()? {
        column.typed::<Int64Type>().write_batch(&values, None, None)?;
        column.close()?;
    }
    Ok(())
}
