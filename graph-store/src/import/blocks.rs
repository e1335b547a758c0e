//! Edge lists cut into blocks: one thread at a time takes the next block, and any thread makes edges of it.
//!
//! Taking a block is reading bytes and finding out where it ends; decoding is parsing and checksums. So all cores are at
//! work on one file, whatever its format.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use super::binary::{self, BinaryError, BlockReader};
use super::columns::{Column, Layout, LayoutError};
use super::csv::Dialect;
use super::format::Format;
use super::pairs::{PairBlock, PairBlocks, PairsError};
use super::parquet::{ParquetEdges, ParquetEdgesError};
use super::parse::{LineBlock, LineBlocks, ParseError};
use super::source::{OpenError, Progress, Source};
use super::text;
use crate::store::{Columns, EdgeBatch};

/// Why no more edges come from a file.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its columns were named, and it has none to name.
    #[error("the columns of a {format} file cannot be named")]
    ColumnsNamed {
        /// Its format.
        format: Format,
    },
    /// Its header does not name the columns.
    #[error(transparent)]
    Header(#[from] LayoutError),
    /// A line is not what it should be, or could not be read.
    #[error(transparent)]
    Line(#[from] ParseError),
    /// A binary edge list is damaged, or could not be read.
    #[error(transparent)]
    Binary(#[from] BinaryError),
    /// Pairs are cut short, or could not be read.
    #[error(transparent)]
    Pairs(#[from] PairsError),
    /// A Parquet file is damaged, or has other columns, or could not be read.
    #[error(transparent)]
    Parquet(#[from] ParquetEdgesError),
    /// What came through a pipe or compressed could not be put on disk, where a Parquet file must be to be read.
    #[error("a Parquet file that is not on disk as it is could not be put there")]
    Spool(#[source] io::Error),
}

/// A block that was taken and is to be decoded.
#[derive(Debug)]
pub enum RawBlock {
    /// Complete lines of ids.
    Lines(LineBlock),
    /// Complete lines of other columns, too.
    Text(LineBlock, Arc<Layout>),
    /// Complete rows.
    Csv(LineBlock, Arc<Dialect>),
    /// A block of a binary edge list.
    Binary(binary::RawEdges),
    /// Pairs of numbers.
    Pairs(PairBlock),
    /// Rows of a Parquet file, whose pages can only be decoded in order, when they are taken.
    Rows(EdgeBatch),
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
            RawBlock::Text(block, layout) => text::decode(&block, &layout, into)?,
            RawBlock::Csv(block, dialect) => dialect.decode(&block, into)?,
            RawBlock::Binary(block) => block.decode(into)?,
            RawBlock::Pairs(block) => block.decode(into),
            RawBlock::Rows(mut batch) => {
                into.edges.append(&mut batch.edges);
                into.times.append(&mut batch.times);
                into.weights.append(&mut batch.weights);
            }
        }
        Ok(())
    }
}

/// A file of edges, or standard input.
pub struct EdgeSource {
    blocks: Blocks,
    progress: Progress,
}

enum Blocks {
    Lines(LineBlocks<Source>),
    Text(LineBlocks<Source>, Arc<Layout>),
    /// With the first block, which was needed to tell the dialect.
    Csv(LineBlocks<Source>, Arc<Dialect>, Option<LineBlock>),
    Binary(BlockReader<Source>),
    Pairs(PairBlocks<Source>),
    Parquet(Box<ParquetEdges>),
}

impl EdgeSource {
    /// Opens a file, or standard input where the path is `-`, and finds out what is in it.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read, or has no columns of edges.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        Self::open_as(path, None, None)
    }

    /// The same of a file of which the format is known, or which columns it has in which order.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read, or has no columns of edges, or columns were named of a format without.
    pub fn open_as(path: &Path, format: Option<Format>, layout: Option<Layout>) -> Result<Self, SourceError> {
        let mut source = Source::open(path)?;
        let progress = source.progress();
        let format = format.unwrap_or_else(|| Format::of(path, &mut source));
        let blocks = match format {
            Format::Binary | Format::Pairs if layout.is_some() => return Err(SourceError::ColumnsNamed { format }),
            Format::Text => match layout.filter(|layout| !layout.are_ids()) {
                None => Blocks::Lines(LineBlocks::new(source)),
                Some(layout) => Blocks::Text(LineBlocks::new(source), Arc::new(layout)),
            },
            Format::Csv => {
                let mut blocks = LineBlocks::new(source);
                let first = blocks.next_block()?;
                let dialect = Dialect::sniff(first.as_ref().map_or(&[], LineBlock::bytes), layout)?;
                Blocks::Csv(blocks, Arc::new(dialect), first)
            }
            Format::Binary => Blocks::Binary(BlockReader::new(source)?),
            Format::Pairs => Blocks::Pairs(PairBlocks::new(source)),
            Format::Parquet => Blocks::Parquet(Box::new(ParquetEdges::open(on_disk(path, source)?, layout.as_ref())?)),
        };
        Ok(EdgeSource { blocks, progress })
    }

    /// Which columns the edges have.
    pub fn columns(&self) -> Columns {
        let has = |column| match &self.blocks {
            Blocks::Text(_, layout) => layout.place(column).is_some(),
            Blocks::Csv(_, dialect, _) => dialect.layout().place(column).is_some(),
            Blocks::Binary(blocks) => column == Column::Time && blocks.has_times(),
            Blocks::Parquet(edges) => edges.has(column),
            Blocks::Lines(_) | Blocks::Pairs(_) => false,
        };
        Columns { times: has(Column::Time), weights: has(Column::Weight) }
    }

    /// How far it has been read; stays up to date when the source has moved elsewhere.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// Takes the next block; `None` at the end.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not what it should be, as far as that can be told without decoding.
    pub fn next_block(&mut self) -> Result<Option<RawBlock>, SourceError> {
        Ok(match &mut self.blocks {
            Blocks::Lines(blocks) => blocks.next_block()?.map(RawBlock::Lines),
            Blocks::Text(blocks, layout) => blocks.next_block()?.map(|block| RawBlock::Text(block, Arc::clone(layout))),
            Blocks::Csv(blocks, dialect, first) => {
                let block = match first.take() {
                    Some(first) => Some(first),
                    None => blocks.next_block()?,
                };
                block.map(|block| RawBlock::Csv(block, Arc::clone(dialect)))
            }
            Blocks::Binary(blocks) => blocks.next_block()?.map(RawBlock::Binary),
            Blocks::Pairs(blocks) => blocks.next_block()?.map(RawBlock::Pairs),
            Blocks::Parquet(edges) => {
                let mut batch = EdgeBatch::default();
                let read = edges.read(&mut batch)?;
                self.progress.set_share(edges.rows_read(), edges.rows());
                read.then_some(RawBlock::Rows(batch))
            }
        })
    }
}

/// The file itself, or a copy without a name where it comes through a pipe or compressed: Parquet is read from its end.
fn on_disk(path: &Path, mut source: Source) -> Result<File, SourceError> {
    if path.is_file() && !source.is_compressed() {
        return File::open(path).map_err(|source| OpenError { path: path.to_owned(), source }.into());
    }
    let mut copy = || {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut source, &mut file)?;
        file.rewind()?;
        Ok(file)
    };
    copy().map_err(SourceError::Spool)
}

/// Reads until the buffer is full or the source ends; answers how many bytes came.
pub(super) fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
