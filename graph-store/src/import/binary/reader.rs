//! Reading a binary edge list.

use std::io::{self, Read};

use super::{
    BLOCK_EDGES_MAX, BLOCK_HEADER_BYTES, BinaryError, Edge, FLAG_TIMES, HEADER_BYTES, MAGIC, UNKNOWN, VERSION,
};
use super::{block_checksum, edge_bytes};

/// Iterates over the edges of a binary edge list, each from a block that matches its checksum. Ends after the first
/// error; only when it has ended without one was the file whole.
#[derive(Debug)]
pub struct EdgeReader<R> {
    source: R,
    times: bool,
    promised: Option<u64>,
    /// Edges up to the end of the current block.
    read: u64,
    /// The edges of the current block.
    block: Vec<u8>,
    /// Where the next edge begins in it.
    at: usize,
    ended: bool,
}

impl<R: Read> EdgeReader<R> {
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
        Ok(EdgeReader {
            source,
            times: flags & FLAG_TIMES != 0,
            promised: (edges != UNKNOWN).then_some(edges),
            read: 0,
            block: Vec::new(),
            at: 0,
            ended: false,
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

    /// Reads and verifies the next block; `false` at the end of the file.
    fn next_block(&mut self) -> Result<bool, BinaryError> {
        self.at = 0;
        self.block.clear();
        let mut header = [0; BLOCK_HEADER_BYTES];
        let failed = |source| BinaryError::Read { edge: self.read + 1, source };
        if fill(&mut self.source, &mut header).map_err(failed)? < BLOCK_HEADER_BYTES {
            return Err(BinaryError::Truncated { edge: self.read + 1 });
        }
        let n = word(&header, 0);
        if n as usize > BLOCK_EDGES_MAX {
            return Err(BinaryError::DamagedBlock { edge: self.read + 1 });
        }
        self.block.resize(n as usize * edge_bytes(self.times), 0);
        let filled = fill(&mut self.source, &mut self.block).map_err(failed)?;
        if filled < self.block.len() {
            let whole = filled / edge_bytes(self.times);
            return Err(BinaryError::Truncated { edge: self.read + whole as u64 + 1 });
        }
        if block_checksum(self.read, n, &self.block) != word(&header, 4) {
            return Err(BinaryError::DamagedBlock { edge: self.read + 1 });
        }
        self.read += u64::from(n);
        if n == 0 {
            self.check_end()?;
        }
        Ok(n > 0)
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

impl<R: Read> Iterator for EdgeReader<R> {
    type Item = Result<Edge, BinaryError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.at == self.block.len() {
            if self.ended {
                return None;
            }
            match self.next_block() {
                Ok(true) => {}
                Ok(false) => {
                    self.ended = true;
                    return None;
                }
                Err(error) => {
                    self.block.clear();
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        let edge = &self.block[self.at..self.at + edge_bytes(self.times)];
        self.at += edge.len();
        let time = self.times.then(|| word(edge, 8));
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
