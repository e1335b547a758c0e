//! Reading a binary edge list.

use std::io::{self, Read};

use super::{
    BLOCK_EDGES_MAX, BLOCK_HEADER_BYTES, BinaryError, Edge, FLAG_TIMES, HEADER_BYTES, MAGIC, UNKNOWN, VERSION,
};
use super::{block_checksum, edge_bytes};
use crate::import::batch::EdgeBatch;

/// Hands out the blocks of a binary edge list. Only when it has come to the end without an error was the file whole, if
/// every block was, too.
#[derive(Debug)]
pub struct BlockReader<R> {
    source: R,
    times: bool,
    promised: Option<u64>,
    /// Edges in the blocks that were handed out.
    read: u64,
    ended: bool,
}

impl<R: Read> BlockReader<R> {
    /// Reads the header of `source`, which need not be buffered.
    ///
    /// # Errors
    ///
    /// The header is not one, or one of a later version, or damaged.
    pub fn new(mut source: R) -> Result<Self, BinaryError> {
        let mut header = [0; HEADER_BYTES];
        let filled = fill(&mut source, &mut header).map_err(|source| BinaryError::Read { edge: 1, source })?;
        if header[..8] != MAGIC {
            return Err(BinaryError::WrongMagic);
        }
        if filled < HEADER_BYTES || crc32c::crc32c(&header[..20]).to_le_bytes() != header[20..] {
            return Err(BinaryError::DamagedHeader);
        }
        let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        if short(8) != VERSION {
            return Err(BinaryError::UnknownVersion { found: short(8) });
        }
        let flags = short(10);
        if flags & !FLAG_TIMES != 0 {
            return Err(BinaryError::UnknownFlags { found: flags });
        }
        let edges = u64::from(word(&header, 12)) | u64::from(word(&header, 16)) << 32;
        let promised = (edges != UNKNOWN).then_some(edges);
        Ok(BlockReader { source, times: flags & FLAG_TIMES != 0, promised, read: 0, ended: false })
    }

    /// Whether the edges have times.
    pub fn has_times(&self) -> bool {
        self.times
    }

    /// How many edges the header promises, where its writer knew.
    pub fn edges_promised(&self) -> Option<u64> {
        self.promised
    }

    /// The next block, which is still to be verified; `None` at the end of the file, and after an error.
    ///
    /// # Errors
    ///
    /// The file ends before its end, or goes on behind it, or cannot be read.
    pub fn next_block(&mut self) -> Result<Option<EdgeBlock>, BinaryError> {
        if std::mem::replace(&mut self.ended, true) {
            return Ok(None);
        }
        let mut header = [0; BLOCK_HEADER_BYTES];
        let failed = |source| BinaryError::Read { edge: self.read + 1, source };
        if fill(&mut self.source, &mut header).map_err(failed)? < BLOCK_HEADER_BYTES {
            return Err(BinaryError::Truncated { edge: self.read + 1 });
        }
        let n = word(&header, 0);
        if n as usize > BLOCK_EDGES_MAX {
            return Err(BinaryError::DamagedBlock { edge: self.read + 1 });
        }
        let mut edges = vec![0; n as usize * edge_bytes(self.times)];
        let filled = fill(&mut self.source, &mut edges).map_err(failed)?;
        if filled < edges.len() {
            let whole = filled / edge_bytes(self.times);
            return Err(BinaryError::Truncated { edge: self.read + whole as u64 + 1 });
        }
        let block = EdgeBlock { edges_before: self.read, n, checksum: word(&header, 4), times: self.times, edges };
        self.read += u64::from(n);
        if n == 0 {
            self.check_end(&block)?;
            return Ok(None);
        }
        self.ended = false;
        Ok(Some(block))
    }

    fn check_end(&mut self, block: &EdgeBlock) -> Result<(), BinaryError> {
        block.verify()?;
        let found = self.read;
        if let Some(expected) = self.promised.filter(|expected| *expected != found) {
            return Err(BinaryError::WrongCount { expected, found });
        }
        match fill(&mut self.source, &mut [0]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(BinaryError::TrailingBytes { edges: found }),
            Err(source) => Err(BinaryError::Read { edge: found + 1, source }),
        }
    }
}

/// A block of a binary edge list as it came.
#[derive(Debug)]
pub struct EdgeBlock {
    edges_before: u64,
    n: u32,
    checksum: u32,
    times: bool,
    edges: Vec<u8>,
}

impl EdgeBlock {
    /// Appends the edges.
    ///
    /// # Errors
    ///
    /// The block does not match its checksum; nothing was appended.
    pub fn decode(&self, into: &mut EdgeBatch) -> Result<(), BinaryError> {
        self.verify()?;
        let edges = || self.edges.chunks_exact(edge_bytes(self.times));
        into.edges.extend(edges().map(|edge| (word(edge, 0).into(), word(edge, 4).into())));
        if self.times {
            into.times.extend(edges().map(|edge| word(edge, 8)));
        }
        Ok(())
    }

    fn verify(&self) -> Result<(), BinaryError> {
        if block_checksum(self.edges_before, self.n, &self.edges) == self.checksum {
            return Ok(());
        }
        Err(BinaryError::DamagedBlock { edge: self.edges_before + 1 })
    }
}

/// Iterates over the edges of a binary edge list, each from a block that matches its checksum. Ends after the first
/// error; only when it has ended without one was the file whole.
#[derive(Debug)]
pub struct EdgeReader<R> {
    blocks: BlockReader<R>,
    /// The edges of the current block.
    block: Vec<u8>,
    /// Where the next edge begins in it.
    at: usize,
}

impl<R: Read> EdgeReader<R> {
    /// Reads the header of `source`, which need not be buffered.
    ///
    /// # Errors
    ///
    /// The header is not one, or one of a later version, or damaged.
    pub fn new(source: R) -> Result<Self, BinaryError> {
        Ok(EdgeReader { blocks: BlockReader::new(source)?, block: Vec::new(), at: 0 })
    }

    /// Whether the edges have times.
    pub fn has_times(&self) -> bool {
        self.blocks.has_times()
    }

    /// How many edges the header promises, where its writer knew.
    pub fn edges_promised(&self) -> Option<u64> {
        self.blocks.edges_promised()
    }

    /// Verifies the next block; `false` at the end of the file.
    fn next_block(&mut self) -> Result<bool, BinaryError> {
        let Some(block) = self.blocks.next_block()? else { return Ok(false) };
        block.verify()?;
        (self.block, self.at) = (block.edges, 0);
        Ok(true)
    }
}

impl<R: Read> Iterator for EdgeReader<R> {
    type Item = Result<Edge, BinaryError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.block.len() {
            match self.next_block() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.blocks.ended = true;
                    return Some(Err(error));
                }
            }
        }
        let times = self.has_times();
        let edge = &self.block[self.at..self.at + edge_bytes(times)];
        self.at += edge.len();
        let time = times.then(|| word(edge, 8));
        Some(Ok(Edge { source: word(edge, 0), target: word(edge, 4), time }))
    }
}

/// Reads until the buffer is full or the source ends; answers how many bytes came.
fn fill(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
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

#[inline]
fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
