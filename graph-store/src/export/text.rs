//! Edges as lines.

use std::io::{BufWriter, Write};

use super::ExportError;
use super::edges::{RowWriter, Rows};
use crate::store::Columns;

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// Writes a line for each edge.
pub(super) struct TextEdges<W: Write> {
    out: BufWriter<W>,
    separator: u8,
}

impl<W: Write> TextEdges<W> {
    /// Numbers with spaces between them.
    pub(super) fn text(out: W) -> Self {
        TextEdges { out: BufWriter::with_capacity(BUFFER_BYTES, out), separator: b' ' }
    }

    /// Numbers with commas between them, behind the names of the columns.
    pub(super) fn csv(out: W, columns: Columns) -> Result<Self, ExportError> {
        let mut out = BufWriter::with_capacity(BUFFER_BYTES, out);
        let (time, weight) = (if columns.times { ",time" } else { "" }, if columns.weights { ",weight" } else { "" });
        writeln!(out, "source,target{time}{weight}")?;
        Ok(TextEdges { out, separator: b',' })
    }
}

impl<W: Write> RowWriter for TextEdges<W> {
    fn write(&mut self, rows: &Rows) -> Result<(), ExportError> {
        let mut number = itoa::Buffer::new();
        for (idx, (source, target)) in rows.sources.iter().zip(&rows.targets).enumerate() {
            self.out.write_all(number.format(*source).as_bytes())?;
            self.out.write_all(&[self.separator])?;
            self.out.write_all(number.format(*target).as_bytes())?;
            if let Some(time) = rows.times.get(idx) {
                self.out.write_all(&[self.separator])?;
                self.out.write_all(number.format(*time).as_bytes())?;
            }
            if let Some(weight) = rows.weights.get(idx) {
                self.out.write_all(&[self.separator])?;
                // The shortest digits that are read back as the same number.
                write!(self.out, "{weight}")?;
            }
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), ExportError> {
        Ok(self.out.flush()?)
    }
}
