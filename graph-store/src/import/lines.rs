//! Blocks of whole lines out of a source.

use std::io::{self, Read};

use super::parse::{LINE_MAX_BYTES, ParseError, Problem, quote};

/// Bytes of a block, about; must hold more than one line.
const BLOCK_BYTES: usize = 1 << 20;
const _: () = assert!(BLOCK_BYTES > LINE_MAX_BYTES);

/// Some whole lines.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LineBlock {
    /// The lines, the last of which ends as the others do, even where the source ended without.
    pub bytes: Vec<u8>,
    /// The number of the first line, from 1.
    pub line: u64,
}

impl LineBlock {
    /// Each line, without its end, with its number.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let lines = self.bytes.strip_suffix(b"\n").unwrap_or(&self.bytes);
        lines.split(|byte| *byte == b'\n').zip(self.line..)
    }
}

/// Hands out the lines of a source, a block at a time. Ends after the first error.
#[derive(Debug)]
pub struct LineBlocks<R> {
    source: R,
    /// The begin of a line that has not ended yet.
    rest: Vec<u8>,
    /// The number of the next line, from 1.
    line: u64,
    /// Set once the source has given all that it will.
    end: Option<io::Result<()>>,
}

impl<R: Read> LineBlocks<R> {
    /// The lines of `source`, which need not be buffered.
    pub fn new(source: R) -> Self {
        LineBlocks { source, rest: Vec::new(), line: 1, end: None }
    }

    /// The next lines; `None` at the end.
    ///
    /// # Errors
    ///
    /// The source cannot be read, or has a line without end.
    pub fn next_block(&mut self) -> Result<Option<LineBlock>, ParseError> {
        let mut bytes = std::mem::take(&mut self.rest);
        let searched = bytes.len();
        if self.end.is_none() {
            let room = BLOCK_BYTES - searched;
            // One byte more than is read, for the line end that the last line may lack.
            bytes.reserve_exact(room + 1);
            match self.source.by_ref().take(room as u64).read_to_end(&mut bytes) {
                Ok(read) if read == room => {}
                Ok(_) => self.end = Some(Ok(())),
                Err(error) => self.end = Some(Err(error)),
            }
            if matches!(self.end, Some(Ok(()))) && bytes.last().is_some_and(|last| *last != b'\n') {
                bytes.push(b'\n');
            }
        }
        let Some(last) = bytes[searched..].iter().rposition(|byte| *byte == b'\n') else {
            return match self.end.replace(Ok(())) {
                // What comes before an error is no line.
                Some(Err(source)) => Err(ParseError::Read { line: self.line, source }),
                Some(Ok(())) => Ok(None),
                // A whole block without a line end holds no line that could be right.
                None => Err(ParseError::Malformed { line: self.line, quote: quote(&bytes), problem: Problem::TooLong }),
            };
        };
        self.rest = bytes.split_off(searched + last + 1);
        let block = LineBlock { line: self.line, bytes };
        self.line += block.bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        Ok(Some(block))
    }
}
