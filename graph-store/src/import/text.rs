//! Lines of numbers with more than two columns, of which [`Columns`] says what they hold.
//!
//! # Format
//!
//! As in [`parse`](super::parse): fields with spaces, tabs and commas between them, in any mixture and number; lines
//! without fields, and lines that begin with `#`, are skipped. Every other line has as many fields as there are columns.

use super::batch::EdgeBatch;
use super::columns::Columns;
use super::lines::LineBlock;
use super::parse::{LINE_MAX_BYTES, ParseError, Problem, quote};

/// Appends the edges of some whole lines.
///
/// # Errors
///
/// The first line that is malformed; the edges before it were appended.
pub fn decode(lines: &LineBlock, columns: &Columns, into: &mut EdgeBatch) -> Result<(), ParseError> {
    for (text, line) in lines.lines() {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let fields = || text.split(|byte| matches!(byte, b' ' | b'\t' | b',')).filter(|field| !field.is_empty());
        let read = match fields().next() {
            _ if text.len() > LINE_MAX_BYTES => Err(Problem::TooLong),
            None => continue,
            Some(first) if first.starts_with(b"#") => continue,
            Some(_) => columns.read(fields(), into),
        };
        read.map_err(|problem| ParseError::Malformed { line, quote: quote(text), problem })?;
    }
    Ok(())
}
