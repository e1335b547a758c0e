//! The edges of a file of any format, in blocks that one thread reads and any thread decodes.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::batch::EdgeBatch;
use super::binary::{self, BinaryError, BlockReader, EdgeBlock};
use super::columns::{Column, Columns, ColumnsError};
use super::csv::Dialect;
use super::lines::{LineBlock, LineBlocks};
use super::pairs::{PairBlock, PairBlocks, PairsError};
use super::parquet::{self, ParquetEdges, ParquetEdgesError};
use super::parse::ParseError;
use super::source::{OpenError, Progress, Source};
use super::text;

/// How edges lie in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// [Lines of numbers](super::parse), or [with more columns](super::text).
    Text,
    /// [Comma-separated values](super::csv).
    Csv,
    /// [Blocks with checksums](super::binary).
    Binary,
    /// [Pairs of numbers and nothing else](super::pairs).
    Pairs,
    /// [Parquet](super::parquet).
    Parquet,
}

impl Format {
    /// Every format, in the order of the documentation.
    pub const ALL: [Format; 5] = [Format::Text, Format::Csv, Format::Binary, Format::Pairs, Format::Parquet];

    /// The name that users know it by.
    pub fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Csv => "csv",
            Format::Binary => "binary",
            Format::Pairs => "pairs",
            Format::Parquet => "parquet",
        }
    }

    /// Tells it from the first bytes, or else from the name: `.csv` and `.tsv`, also compressed. What is left is text.
    fn of(path: &Path, source: &mut Source) -> Format {
        if source.begins_with(&binary::MAGIC) {
            return Format::Binary;
        }
        if source.begins_with(&parquet::MAGIC) {
            return Format::Parquet;
        }
        let extension =
            |path: &Path| path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        let inner = match extension(path).as_deref() {
            Some("gz" | "zst") => path.file_stem().map(Path::new).and_then(extension),
            other => other.map(str::to_owned),
        };
        match inner.as_deref() {
            Some("csv" | "tsv") => Format::Csv,
            _ => Format::Text,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is no format's.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no format is named {name:?}, only text, csv, binary, pairs and parquet")]
pub struct UnknownFormat {
    /// The name.
    pub name: String,
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let found = Format::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}

/// Why no more edges come.
#[derive(Debug, thiserror::Error)]
pub enum EdgesError {
    /// The file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Columns were named of a file that has none to name.
    #[error("the columns of a {format} file cannot be named")]
    ColumnsNamed {
        /// Its format.
        format: Format,
    },
    /// A header does not name the columns.
    #[error(transparent)]
    Header(#[from] ColumnsError),
    /// A line is malformed, or cannot be read.
    #[error(transparent)]
    Line(#[from] ParseError),
    /// A binary edge list is damaged, or cannot be read.
    #[error(transparent)]
    Binary(#[from] BinaryError),
    /// Pairs are cut short, or cannot be read.
    #[error(transparent)]
    Pairs(#[from] PairsError),
    /// A Parquet file is damaged, or has other columns, or cannot be read.
    #[error(transparent)]
    Parquet(#[from] ParquetEdgesError),
    /// What came through a pipe or compressed could not be put on disk, where a Parquet file must be to be read.
    #[error("a Parquet file that is not on disk as it is could not be put there")]
    Spool(#[source] io::Error),
}

/// The edges of a file, in its order. Ends after the first error.
pub struct EdgeBlocks {
    edges: Edges,
    progress: Progress,
}

enum Edges {
    Ids(LineBlocks<Source>),
    Text(LineBlocks<Source>, Arc<Columns>),
    /// With the first block, which was needed to tell the dialect.
    Csv(LineBlocks<Source>, Arc<Dialect>, Option<LineBlock>),
    Binary(BlockReader<Source>),
    Pairs(PairBlocks<Source>),
    Parquet(Box<ParquetEdges>),
}

impl EdgeBlocks {
    /// Opens a file, or standard input where the path is `-`. The format is told by the file where it is not given, and
    /// so are the columns where the format can.
    ///
    /// # Errors
    ///
    /// The file cannot be opened or read, or has no columns of edges, or columns were given for a format without.
    pub fn open(path: &Path, format: Option<Format>, columns: Option<Columns>) -> Result<Self, EdgesError> {
        let mut source = Source::open(path)?;
        let progress = source.progress();
        let format = format.unwrap_or_else(|| Format::of(path, &mut source));
        if columns.is_some() && matches!(format, Format::Binary | Format::Pairs) {
            return Err(EdgesError::ColumnsNamed { format });
        }
        let edges = match format {
            Format::Text => match columns.filter(|columns| !columns.are_ids()) {
                None => Edges::Ids(LineBlocks::new(source)),
                Some(columns) => Edges::Text(LineBlocks::new(source), Arc::new(columns)),
            },
            Format::Csv => {
                let mut blocks = LineBlocks::new(source);
                let first = blocks.next_block()?;
                let bytes = first.as_ref().map_or(&[][..], |block| &block.bytes);
                let dialect = Dialect::sniff(bytes, columns)?;
                Edges::Csv(blocks, Arc::new(dialect), first)
            }
            Format::Binary => Edges::Binary(BlockReader::new(source)?),
            Format::Pairs => Edges::Pairs(PairBlocks::new(source)),
            Format::Parquet => Edges::Parquet(Box::new(ParquetEdges::open(on_disk(path, source)?, columns.as_ref())?)),
        };
        Ok(EdgeBlocks { edges, progress })
    }

    /// Whether edges have this.
    pub fn has(&self, column: Column) -> bool {
        match &self.edges {
            Edges::Text(_, columns) => columns.place(column).is_some(),
            Edges::Csv(_, dialect, _) => dialect.columns().place(column).is_some(),
            Edges::Parquet(edges) => edges.has(column),
            Edges::Binary(blocks) if column == Column::Time => blocks.has_times(),
            Edges::Ids(_) | Edges::Binary(_) | Edges::Pairs(_) => matches!(column, Column::Source | Column::Target),
        }
    }

    /// How far the file has been read; stays up to date when this has moved elsewhere.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The next edges; `None` at the end.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not what it should be; malformed lines and damaged blocks are told by
    /// [`RawBlock::decode`].
    pub fn next_block(&mut self) -> Result<Option<RawBlock>, EdgesError> {
        Ok(match &mut self.edges {
            Edges::Ids(blocks) => blocks.next_block()?.map(Raw::Ids),
            Edges::Text(blocks, columns) => blocks.next_block()?.map(|block| Raw::Text(block, Arc::clone(columns))),
            Edges::Csv(blocks, dialect, first) => {
                let block = match first.take() {
                    Some(first) => Some(first),
                    None => blocks.next_block()?,
                };
                block.map(|block| Raw::Csv(block, Arc::clone(dialect)))
            }
            Edges::Binary(blocks) => blocks.next_block()?.map(Raw::Binary),
            Edges::Pairs(blocks) => blocks.next_block()?.map(Raw::Pairs),
            Edges::Parquet(edges) => {
                let mut batch = EdgeBatch::default();
                let read = edges.read(&mut batch)?;
                self.progress.set_share(edges.rows_read(), edges.rows());
                read.then_some(Raw::Rows(batch))
            }
        }
        .map(RawBlock))
    }
}

/// Some edges, not yet decoded where that takes time.
#[derive(Debug)]
pub struct RawBlock(Raw);

#[derive(Debug)]
enum Raw {
    Ids(LineBlock),
    Text(LineBlock, Arc<Columns>),
    Csv(LineBlock, Arc<Dialect>),
    Binary(EdgeBlock),
    Pairs(PairBlock),
    /// Pages must be decoded in order, so they were when they were read.
    Rows(EdgeBatch),
}

impl RawBlock {
    /// Appends the edges.
    ///
    /// # Errors
    ///
    /// A line is malformed, or the block is damaged. Of several blocks the first one to fail, in the order of the file,
    /// says what is wrong with the file.
    pub fn decode(self, into: &mut EdgeBatch) -> Result<(), EdgesError> {
        match self.0 {
            Raw::Ids(block) => block.decode_ids(into)?,
            Raw::Text(block, columns) => text::decode(&block, &columns, into)?,
            Raw::Csv(block, dialect) => dialect.decode(&block, into)?,
            Raw::Binary(block) => block.decode(into)?,
            Raw::Pairs(block) => block.decode(into),
            Raw::Rows(mut batch) => {
                into.edges.append(&mut batch.edges);
                into.times.append(&mut batch.times);
                into.weights.append(&mut batch.weights);
            }
        }
        Ok(())
    }
}

/// The file itself, or a copy without a name where it comes through a pipe or compressed: Parquet is read from its end.
fn on_disk(path: &Path, mut source: Source) -> Result<File, EdgesError> {
    if path.is_file() && !source.is_compressed() {
        return File::open(path).map_err(|source| OpenError { path: PathBuf::from(path), source }.into());
    }
    let mut copy = || {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut source, &mut file)?;
        file.rewind()?;
        Ok(file)
    };
    copy().map_err(EdgesError::Spool)
}
