//! A table as Parquet: `id` and whole numbers as unsigned 64 bits, other numbers as doubles, zstd.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::{Column, OutputError, ROW_GROUP, Table, Value, Values};

/// A Parquet file.
pub struct Writer<W: Write + Send>(SerializedFileWriter<W>);

impl<W: Write + Send> Writer<W> {
    pub(super) fn new(out: W, columns: &[Column]) -> Result<Self, OutputError> {
        let field = |column: &Column| match column.values {
            Values::Reals(_) => format!("required double {};", column.name),
            _ => format!("required int64 {} (integer(64, false));", column.name),
        };
        let fields: String = columns.iter().map(field).collect();
        let schema =
            parse_message_type(&format!("message vertices {{ required int64 id (integer(64, false)); {fields} }}"))?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        Ok(Writer(SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?))
    }

    pub(super) fn write(&mut self, part: &Table<'_>) -> Result<(), OutputError> {
        for start in (0..part.rows.len()).step_by(ROW_GROUP) {
            let rows = start..part.rows.len().min(start + ROW_GROUP);
            let mut group = self.0.next_row_group()?;
            // The format has no unsigned numbers of its own: the bits are the same, and the schema says how to read them.
            write_column::<Int64Type, _>(&mut group, rows.clone().map(|row| part.id(row).cast_signed()))?;
            for column in part.columns {
                let values = rows.clone().map(|row| part.value(column, row));
                match column.values {
                    Values::Reals(_) => write_column::<DoubleType, _>(&mut group, values.map(Value::as_f64))?,
                    _ => {
                        let wholes =
                            values.map(|value| if let Value::Whole(value) = value { value.cast_signed() } else { 0 });
                        write_column::<Int64Type, _>(&mut group, wholes)?;
                    }
                }
            }
            group.close()?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<W, OutputError> {
        Ok(self.0.into_inner()?)
    }
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = T::T>,
) -> Result<(), OutputError> {
    let values: Vec<T::T> = values.collect();
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(&values, None, None)?;
        column.close()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::collections::BTreeMap;
    use std::fs::File;

    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::{Field, RowAccessor};

    use super::super::{Format, Kind, Rows};
    use super::*;
    use crate::jobs::UNREACHED;

    #[test]
    fn a_file_gives_back_every_vertex_under_the_names_and_types_of_the_schema() -> Result<(), OutputError> {
        let column = |name, values| Column { name: Cow::Borrowed(name), kind: Kind::Score, values };
        let columns = vec![
            column("value", Values::Reals(vec![0.1, f64::INFINITY])),
            column("level", Values::Levels(vec![7, UNREACHED])),
        ];
        let id = |vertex: u32| u64::MAX - u64::from(vertex);
        let file = tempfile::NamedTempFile::new()?;
        Table { rows: &Rows::Each(2), id: &id, columns: &columns }.write(Format::Parquet, file.reopen()?)?;
        let reader = SerializedFileReader::new(File::open(file.path())?)?;
        let mut rows = Vec::new();
        for row in reader.get_row_iter(None)? {
            let row = row?;
            rows.push((row.get_ulong(0)?, row.get_double(1)?, row.get_ulong(2)?));
            let names: BTreeMap<&String, &Field> = row.get_column_iter().collect();
            assert!(names.keys().map(|name| name.as_str()).eq(["id", "level", "value"]));
        }
        assert_eq!(rows, [(u64::MAX, 0.1, 7), (u64::MAX - 1, f64::INFINITY, i64::MAX as u64)]);
        Ok(())
    }
}
