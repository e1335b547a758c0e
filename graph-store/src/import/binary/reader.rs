//! Reading a binary edge list.

use std::io::Read;

use super::{
    BLOCK_EDGES_MAX, BLOCK_HEADER_BYTES, BinaryError, Edge, FLAG_TIMES, HEADER_BYTES, MAGIC, UNKNOWN, VERSION,
};
use super::{block_checksum, edge_bytes};
use crate::import::blocks::fill;
use crate::import::buffers::{Buffer, Buffers};
use crate::store::EdgeBatch;

/// Takes the blocks of a binary edge list, which are verified when they are decoded. Only when the last one has been taken
/// and each decoded without an error was the file whole.
#[derive(Debug)]
pub struct BlockReader<R> {
    source: R,
    times: bool,
    promised: Option<u64>,
    /// Edges up to the end of the last block.
    read: u64,
    ended: bool,
    buffers: Buffers,
}

/// The edges of a block, as they lie in the file.
#[derive(Debug)]
pub struct RawEdges {
    /// Edges before them.
    before: u64,
    times: bool,
    checksum: u32,
    n: u32,
    bytes: Buffer,
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
        Ok(BlockReader {
            source,
            times: flags & FLAG_TIMES != 0,
            promised,
            read: 0,
            ended: false,
            buffers: Buffers::default(),
        })
    }

    /// Whether the edges have times.
    pub fn has_times(&self) -> bool {
        self.times
    }

    /// How many edges the header promises, where its writer knew.
    pub fn edges_promised(&self) -> Option<u64> {
        self.promised
    }

    /// Takes the next block; `None` at the end of the file.
    pub fn next_block(&mut self) -> Result<Option<RawEdges>, BinaryError> {
        if self.ended {
            return Ok(None);
        }
        // Whatever comes up is the last that comes.
        self.ended = true;
        let failed = |source| BinaryError::Read { edge: self.read + 1, source };
        let mut header = [0; BLOCK_HEADER_BYTES];
        if fill(&mut self.source, &mut header).map_err(failed)? < BLOCK_HEADER_BYTES {
            return Err(BinaryError::Truncated { edge: self.read + 1 });
        }
        let (n, checksum) = (word(&header, 0), word(&header, 4));
        if n as usize > BLOCK_EDGES_MAX {
            return Err(BinaryError::DamagedBlock { edge: self.read + 1 });
        }
        let mut bytes = self.buffers.take(n as usize * edge_bytes(self.times));
        let filled = fill(&mut self.source, &mut bytes).map_err(failed)?;
        if filled < bytes.len() {
            let whole = filled / edge_bytes(self.times);
            return Err(BinaryError::Truncated { edge: self.read + whole as u64 + 1 });
        }
        let block = RawEdges { before: self.read, times: self.times, checksum, n, bytes };
        self.read += u64::from(n);
        if n == 0 {
            block.verify()?;
            self.check_end()?;
            return Ok(None);
        }
        self.ended = false;
        Ok(Some(block))
    }

    fn check_end(&mut self) -> Result<(), BinaryError> {
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

impl RawEdges {
    /// Appends the edges of this block, once it has been verified.
    pub fn decode(&self, into: &mut EdgeBatch) -> Result<(), BinaryError> {
        self.verify()?;
        into.edges.reserve(self.n as usize);
        if self.times {
            for edge in self.bytes.as_chunks::<12>().0 {
                into.edges.push((word(edge, 0).into(), word(edge, 4).into()));
                into.times.push(word(edge, 8));
            }
        } else {
            let edges = self.bytes.as_chunks::<8>().0.iter();
            into.edges.extend(edges.map(|edge| (u64::from(word(edge, 0)), u64::from(word(edge, 4)))));
        }
        Ok(())
    }

    fn verify(&self) -> Result<(), BinaryError> {
        let whole = block_checksum(self.before, self.n, &self.bytes) == self.checksum;
        if whole { Ok(()) } else { Err(BinaryError::DamagedBlock { edge: self.before + 1 }) }
    }
}

/// Iterates over the edges of a binary edge list, each from a block that matches its checksum. Ends after the first
/// error; only when it has ended without one was the file whole.
#[derive(Debug)]
pub struct EdgeReader<R> {
    blocks: BlockReader<R>,
    /// The edges of the current block.
    block: Buffer,
    /// Where the next edge begins in it.
    at: usize,
}

impl<R: Read> EdgeReader<R> {
    /// Reads the header of `source`, which need not be buffered.
    ///
    /// # Errors
    ///
    /// Those of [`BlockReader::new`].
    pub fn new(source: R) -> Result<Self, BinaryError> {
        Ok(EdgeReader { blocks: BlockReader::new(source)?, block: Buffer::default(), at: 0 })
    }

    /// Whether the edges have times.
    pub fn has_times(&self) -> bool {
        self.blocks.has_times()
    }

    /// How many edges the header promises, where its writer knew.
    pub fn edges_promised(&self) -> Option<u64> {
        self.blocks.edges_promised()
    }

    /// Reads and verifies the next block; `false` at the end of the file.
    fn next_block(&mut self) -> Result<bool, BinaryError> {
        let Some(block) = self.blocks.next_block()? else { return Ok(false) };
        block.verify().inspect_err(|_| self.blocks.ended = true)?;
        self.block = block.bytes;
        self.at = 0;
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
                Err(error) => return Some(Err(error)),
            }
        }
        let times = self.has_times();
        let edge = &self.block[self.at..self.at + edge_bytes(times)];
        self.at += edge.len();
        let time = times.then(|| word(edge, 8));
        Some(Ok(Edge { source: word(edge, 0), target: word(edge, 4), time }))
    }
}

#[inline]
fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
