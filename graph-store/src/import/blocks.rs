//! Edge lists cut into blocks: one thread at a time takes the next block, and any thread makes edges of it.
//!
//! Taking a block is reading bytes and finding out where it ends; decoding is parsing and checksums. So all cores are at
//! work on one file, whatever its format.

use std::io::Read;
use std::path::Path;

use super::binary::{self, BinaryError, BlockReader};
use super::parse::{self, LineBlocks, ParseError};
use super::source::{OpenError, Progress, Source};
use crate::store::{Columns, EdgeBatch};

/// Why no more edges come from a file.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A line is not what it should be, or could not be read.
    #[error(transparent)]
    Line(#[from] ParseError),
    /// A binary edge list is damaged, or could not be read.
    #[error(transparent)]
    Binary(#[from] BinaryError),
}

/// A block that was taken and is to be decoded.
#[derive(Debug)]
pub enum RawBlock {
    /// Complete lines of text.
    Lines(parse::LineBlock),
    /// A block of a binary edge list.
    Binary(binary::RawEdges),
}

impl RawBlock {
    /// Appends the edges of this block to a batch, in their order.
    ///
    /// # Errors
    ///
    /// What is wrong with the first edge that is not one.
    pub fn decode(self, into: &mut EdgeBatch) -> Result<(), SourceError> {
        match self {
            RawBlock::Lines(block) => block.decode(into)?,
            RawBlock::Binary(block) => block.decode(into)?,
        }
        Ok(())
    }
}

/// A file of edges, or standard input.
pub struct EdgeSource {
    format: Format,
    progress: Progress,
}

enum Format {
    Text(LineBlocks<Source>),
    Binary(BlockReader<Source>),
}

impl EdgeSource {
    /// Opens a file, or standard input where the path is `-`, and finds out what is in it.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let mut source = Source::open(path)?;
        let progress = source.progress();
        let format = if source.begins_with(&binary::MAGIC) {
            Format::Binary(BlockReader::new(source)?)
        } else {
            Format::Text(LineBlocks::new(source))
        };
        Ok(EdgeSource { format, progress })
    }

    /// Which columns the edges have.
    pub fn columns(&self) -> Columns {
        match &self.format {
            Format::Text(_) => Columns::default(),
            Format::Binary(reader) => Columns { times: reader.has_times(), weights: false },
        }
    }

    /// How far it has been read; stays up to date when the source has moved elsewhere.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Takes the next block; `None` at the end.
    pub fn next_block(&mut self) -> Result<Option<RawBlock>, SourceError> {
        Ok(match &mut self.format {
            Format::Text(blocks) => blocks.next_block()?.map(RawBlock::Lines),
            Format::Binary(reader) => reader.next_block()?.map(RawBlock::Binary),
        })
    }
}

/// Reads until the buffer is full or the source ends; answers how many bytes came.
pub(super) fn fill(source: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
