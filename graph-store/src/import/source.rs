//! Where a graph is read from: a file or standard input, plain or compressed, and how far it has been read.
//!
//! Compression is told by the first bytes, so that it also works through a pipe; a name that promises it is held to
//! the promise. Progress counts the bytes of the file, before decompression, since those have a known end.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::disk::ReadAhead;
use flate2::bufread::MultiGzDecoder;

/// Bytes asked of the file at once.
const READ_BYTES: usize = 256 << 10;
/// From this size on a file is read past the system's cache, which has better things to keep.
const READ_AHEAD_FROM_BYTES: u64 = 256 << 20;
/// The first bytes of a gzip member.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The first bytes of a Zstandard frame.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The source could not be opened, or not be read from at all.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be opened", path.display())]
pub struct OpenError {
    /// The file.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Decompressed bytes.
pub struct Source {
    reader: Box<dyn Read + Send>,
    compressed: bool,
    progress: Progress,
}

impl Source {
    /// Opens a file, or standard input where the path is `-`.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let open = || {
            if path == Path::new("-") {
                return Source::new(io::stdin(), None, None);
            }
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            let bytes_total = metadata.is_file().then_some(metadata.len());
            let promised = Compression::of_name(path);
            if bytes_total.is_some_and(|bytes| bytes >= READ_AHEAD_FROM_BYTES) {
                return Source::new(ReadAhead::open(path)?, bytes_total, promised);
            }
            Source::new(file, bytes_total, promised)
        };
        open().map_err(|source| OpenError { path: path.to_owned(), source })
    }

    fn new(
        reader: impl Read + Send + 'static,
        bytes_total: Option<u64>,
        promised: Option<Compression>,
    ) -> io::Result<Self> {
        let progress = Progress { bytes_read: Arc::default(), bytes_total };
        let mut reader = Counting { reader, bytes_read: Arc::clone(&progress.bytes_read) };
        let mut first = Vec::with_capacity(ZSTD_MAGIC.len());
        reader.by_ref().take(ZSTD_MAGIC.len() as u64).read_to_end(&mut first)?;
        let compression = Compression::of_content(&first).or(promised);
        let reader = BufReader::with_capacity(READ_BYTES, io::Cursor::new(first).chain(reader));
        let reader: Box<dyn Read + Send> = match compression {
            None => Box::new(reader),
            Some(Compression::Gzip) => Box::new(MultiGzDecoder::new(reader)),
            Some(Compression::Zstd) => Box::new(zstd::stream::read::Decoder::with_buffer(reader)?),
        };
        Ok(Source { reader, compressed: compression.is_some(), progress })
    }

    /// Whether these are the next bytes, which stay where they are. What keeps them from being read is told when they are.
    pub fn begins_with(&mut self, bytes: &[u8]) -> bool {
        let mut first = Vec::with_capacity(bytes.len());
        let failure = self.reader.by_ref().take(bytes.len() as u64).read_to_end(&mut first).err();
        let begins = first == bytes;
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(io::Cursor::new(first).chain(Failing(failure)).chain(rest));
        begins
    }

    /// Whether the bytes of the file are others than those that come out.
    pub fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// How far this source has been read; stays up to date when the source has moved elsewhere.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// How far a source has been read, in bytes of the file.
#[derive(Clone, Debug)]
pub struct Progress {
    bytes_read: Arc<AtomicU64>,
    bytes_total: Option<u64>,
}

impl Progress {
    /// Bytes read so far, before decompression.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Counts a file as read to such a part, that is read in other ways than from its start to its end.
    pub(super) fn set_share(&self, done: u64, all: u64) {
        if let Some(bytes_total) = self.bytes_total {
            let share = if all == 0 { 1.0 } else { done as f64 / all as f64 };
            self.bytes_read.store((bytes_total as f64 * share) as u64, Ordering::Relaxed);
        }
    }

    /// The length of the file; `None` for a pipe.
    pub fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }
}

#[derive(Clone, Copy)]
enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    fn of_content(first: &[u8]) -> Option<Self> {
        if first.starts_with(&GZIP_MAGIC) {
            Some(Compression::Gzip)
        } else if first.starts_with(&ZSTD_MAGIC) {
            Some(Compression::Zstd)
        } else {
            None
        }
    }

    fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "gz" => Some(Compression::Gzip),
            "zst" => Some(Compression::Zstd),
            _ => None,
        }
    }
}

/// Gives a failure, once, and no bytes.
struct Failing(Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Counts what passes.
struct Counting<R> {
    reader: R,
    bytes_read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
