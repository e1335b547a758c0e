//! Lines of numbers whose columns hold what a [`Layout`] says, such as times and weights.
//!
//! # Format
//!
//! As in [`parse`](super::parse): fields with spaces, tabs and commas between them, in any mixture and number; lines
//! without fields, and lines that begin with `#`, are skipped. Every other line has as many fields as there are columns.

use super::columns::Layout;
use super::parse::{LINE_MAX_BYTES, LineBlock, ParseError, Problem, quote};
use crate::store::EdgeBatch;

/// Appends the edges of some whole lines.
///
/// # Errors
///
/// The first line that is malformed; the edges before it were appended.
pub fn decode(lines: &LineBlock, layout: &Layout, into: &mut EdgeBatch) -> Result<(), ParseError> {
    for (text, line) in lines.lines() {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let fields = || text.split(|byte| matches!(byte, b' ' | b'\t' | b',')).filter(|field| !field.is_empty());
        let read = match fields().next() {
            _ if text.len() > LINE_MAX_BYTES => Err(Problem::TooLong),
            None => continue,
            Some(first) if first.starts_with(b"#") => continue,
            Some(_) => layout.read(fields(), into),
        };
        read.map_err(|problem| ParseError::Malformed { line, quote: quote(text), problem })?;
    }
    Ok(())
}
