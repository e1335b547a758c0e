//! A table as CSV: a line of names, and a line for each row.

use std::io::{BufWriter, Write};

use super::{Column, OutputError, Table, Value};

/// A CSV file.
pub struct Writer<W: Write>(BufWriter<W>);

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W, columns: &[Column]) -> Result<Self, OutputError> {
        let mut out = BufWriter::new(out);
        write!(out, "id")?;
        for column in columns {
            write!(out, ",{}", column.name)?;
        }
        writeln!(out)?;
        Ok(Writer(out))
    }

    pub(super) fn write(&mut self, part: &Table<'_>) -> Result<(), OutputError> {
        let out = &mut self.0;
        for row in 0..part.rows.len() {
            write!(out, "{}", part.id(row))?;
            for column in part.columns {
                match part.value(column, row) {
                    Value::Whole(value) => write!(out, ",{value}")?,
                    Value::Real(value) if value.is_infinite() => write!(out, ",infinity")?,
                    // As many digits as it takes to read the same number again.
                    Value::Real(value) => write!(out, ",{value:?}")?,
                }
            }
            writeln!(out)?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<W, OutputError> {
        Ok(self.0.into_inner().map_err(|error| error.into_error())?)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::super::{Column, Format, Kind, Rows, Values};
    use super::*;
    use crate::jobs::UNREACHED;

    #[test]
    fn each_vertex_has_a_line_and_each_number_its_form() -> Result<(), OutputError> {
        let column = |name, values| Column { name: Cow::Borrowed(name), kind: Kind::Score, values };
        let columns = vec![
            column("value", Values::Reals(vec![0.1, 1e-7, f64::INFINITY])),
            column("level", Values::Levels(vec![0, 7, UNREACHED])),
            column("of", Values::Vertices(vec![0, 0, 2])),
        ];
        let mut out = Vec::new();
        let id = |vertex| 100 + u64::from(vertex);
        Table { rows: &Rows::Each(3), id: &id, columns: &columns }.write(Format::Csv, &mut out)?;
        let expected = "id,value,level,of\n100,0.1,0,100\n101,1e-7,7,100\n102,infinity,9223372036854775807,102\n";
        assert_eq!(String::from_utf8_lossy(&out), expected);
        out.clear();
        Table { rows: &Rows::Of(vec![7, 7, 2]), id: &id, columns: &columns[2..] }.write(Format::Csv, &mut out)?;
        assert_eq!(String::from_utf8_lossy(&out), "id,of\n107,100\n107,100\n102,102\n");
        Ok(())
    }
}
