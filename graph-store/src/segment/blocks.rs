//! Checksums for each block: counted while a file is written, verified when a block is first read.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use base::disk::{Disk, DiskFile, Mapped, Scratch};

use super::SegmentError;
use super::format::{BLOCK_BYTES, CHECKSUM_BYTES, HEADER_BYTES, Header};

/// Bytes that are gathered before they are written: a huge page. Written whole, and at its place, a file's part of that
/// size lies in one page of the kernel's cache, and is mapped as one.
const CHUNK_BYTES: usize = 2 << 20;

/// Writes a file from its start to its end, and its header last.
///
/// In memory are at most [`CHUNK_BYTES`], and four bytes for each block.
#[derive(Debug)]
pub(crate) struct BlockWriter {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    /// What follows the bytes that were written: the chunk that is being filled, and how far it is.
    chunk: Scratch,
    filled: usize,
    written: u64,
    checksums: Vec<u8>,
}

impl BlockWriter {
    pub(crate) fn create(disk: &dyn Disk, path: PathBuf) -> Result<Self, SegmentError> {
        let create = || Ok((disk.create(&path)?, Scratch::new(CHUNK_BYTES)?));
        let (file, chunk) = create().map_err(|source| SegmentError::Io { path: path.clone(), source })?;
        Ok(BlockWriter { file, path, chunk, filled: HEADER_BYTES, written: 0, checksums: Vec::new() })
    }

    /// Says that nobody reads the file soon.
    pub(crate) fn written_once(&mut self) {
        self.file.written_once();
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn append(&mut self, mut bytes: &[u8]) -> Result<(), SegmentError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.filled));
            self.chunk.bytes_mut()[self.filled..self.filled + now.len()].copy_from_slice(now);
            self.filled += now.len();
            if self.filled == CHUNK_BYTES {
                self.flush()?;
            }
            bytes = later;
        }
        Ok(())
    }

    /// Writes what is pending, the checksums and the header, which learns their checksum. The file is whole, but on the
    /// disk only once it was synced.
    pub(crate) fn finish(mut self, mut header: Header) -> Result<(Header, Unsynced), SegmentError> {
        self.flush()?;
        let checksums = std::mem::take(&mut self.checksums);
        header.checksum_of_checksums = crc32c::crc32c(&checksums);
        self.write(self.written, &checksums)?;
        self.write(0, &header.to_bytes())?;
        Ok((header, Unsynced { file: self.file, path: self.path }))
    }

    /// Writes what is pending.
    fn flush(&mut self) -> Result<(), SegmentError> {
        let chunk = &self.chunk.bytes()[..self.filled];
        for (i, block) in chunk.chunks(BLOCK_BYTES).enumerate() {
            let header = if self.written == 0 && i == 0 { HEADER_BYTES } else { 0 };
            self.checksums.extend(crc32c::crc32c(&block[header..]).to_le_bytes());
        }
        self.file
            .write_at(self.written, chunk)
            .map_err(|source| SegmentError::Io { path: self.path.clone(), source })?;
        self.written += self.filled as u64;
        self.filled = 0;
        Ok(())
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), SegmentError> {
        self.file.write_at(offset, bytes).map_err(|source| SegmentError::Io { path: self.path.clone(), source })
    }
}

/// A whole file that is not yet certain to be on the disk.
#[derive(Debug)]
pub(crate) struct Unsynced {
    file: Box<dyn DiskFile>,
    path: PathBuf,
}

impl Unsynced {
    /// Returns once the file is on the disk. Its name is the caller's to sync.
    pub(crate) fn sync(mut self) -> Result<(), SegmentError> {
        self.file.sync().map_err(|source| SegmentError::Io { path: self.path, source })
    }
}

/// The bytes of a complete file. A block is verified before any of its bytes are given out, once; a damaged one is an
/// error each time.
#[derive(Debug)]
pub(crate) struct Blocks {
    path: PathBuf,
    bytes: Mapped,
    /// The end of what the checksums cover, and their start.
    end: usize,
    /// One bit for each block that was found whole.
    verified: Vec<AtomicU64>,
}

impl Blocks {
    pub(crate) fn open(bytes: Mapped, header: &Header, path: &Path) -> Result<Self, SegmentError> {
        let (expected, found) = (header.file_bytes(), bytes.len() as u64);
        if expected != found {
            return Err(SegmentError::WrongLength { path: path.to_owned(), expected, found });
        }
        let end = header.checksums_start() as usize;
        if crc32c::crc32c(&bytes[end..]) != header.checksum_of_checksums {
            return Err(SegmentError::DamagedChecksums { path: path.to_owned() });
        }
        let words = end.div_ceil(BLOCK_BYTES).div_ceil(64);
        let verified = (0..words).map(|_| AtomicU64::new(0)).collect();
        Ok(Blocks { path: path.to_owned(), bytes, end, verified })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file, which must lie between the header and the checksums.
    #[inline]
    pub(crate) fn get(&self, range: Range<usize>) -> Result<&[u8], SegmentError> {
        if range.is_empty() {
            return Ok(&[]);
        }
        self.verify(range.start / BLOCK_BYTES, (range.end - 1) / BLOCK_BYTES)?;
        Ok(&self.bytes[range])
    }

    pub(crate) fn verify_all(&self) -> Result<(), SegmentError> {
        self.verify(0, (self.end - 1) / BLOCK_BYTES)
    }

    /// Verifies those blocks from `first` to `last` that have not been; 64 that have cost one look.
    #[inline]
    fn verify(&self, first: usize, last: usize) -> Result<(), SegmentError> {
        for word in first / 64..=last / 64 {
            let from = first.saturating_sub(word * 64);
            let to = (last - word * 64).min(63);
            let wanted = u64::MAX << from & u64::MAX >> (63 - to);
            let missing = wanted & !self.verified[word].load(Ordering::Relaxed);
            if missing != 0 {
                self.verify_blocks(word, missing)?;
            }
        }
        Ok(())
    }

    #[cold]
    fn verify_blocks(&self, word: usize, mut missing: u64) -> Result<(), SegmentError> {
        while missing != 0 {
            let bit = missing.trailing_zeros() as usize;
            let block = word * 64 + bit;
            let offset = block * BLOCK_BYTES;
            let bytes = &self.bytes[offset.max(HEADER_BYTES)..(offset + BLOCK_BYTES).min(self.end)];
            let checksum = &self.bytes[self.end + block * CHECKSUM_BYTES..][..CHECKSUM_BYTES];
            if crc32c::crc32c(bytes).to_le_bytes() != *checksum {
                return Err(SegmentError::DamagedBlock { path: self.path.clone(), block, offset });
            }
            // Two threads may verify the same block and then both say so: nothing is published but the bit itself.
            self.verified[word].fetch_or(1 << bit, Ordering::Relaxed);
            missing &= missing - 1;
        }
        Ok(())
    }
}
