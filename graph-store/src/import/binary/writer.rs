//! Writing a binary edge list.

use std::io::{self, Write};

use super::{BLOCK_EDGES_MAX, BLOCK_HEADER_BYTES, FLAG_TIMES, HEADER_BYTES, MAGIC, UNKNOWN, VERSION};
use super::{block_checksum, edge_bytes};

/// Edges as they lie in a file, before they are cut into blocks; so that several threads can prepare them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EncodedEdges {
    bytes: Vec<u8>,
    times: bool,
}

impl EncodedEdges {
    /// Room for that many edges; there may be more.
    pub fn with_capacity(edges: usize, times: bool) -> Self {
        EncodedEdges { bytes: Vec::with_capacity(edges * edge_bytes(times)), times }
    }

    /// Appends an edge. Its time, in seconds since 1970, is left out of edges without times.
    #[inline]
    pub fn push(&mut self, source: u32, target: u32, time: u32) {
        let mut edge = [0; 12];
        edge[..4].copy_from_slice(&source.to_le_bytes());
        edge[4..8].copy_from_slice(&target.to_le_bytes());
        edge[8..].copy_from_slice(&time.to_le_bytes());
        self.bytes.extend_from_slice(&edge[..edge_bytes(self.times)]);
    }
}

/// Writes a binary edge list from its start to its end, in pieces of a block.
///
/// A file without the last block, which [`finish`](EdgeWriter::finish) writes, is refused by every reader.
#[derive(Debug)]
pub struct EdgeWriter<W> {
    out: W,
    times: bool,
    promised: Option<u64>,
    /// Edges in the blocks that were written.
    written: u64,
    /// The block that is being filled: room for its header, then edges.
    block: Vec<u8>,
}

impl<W: Write> EdgeWriter<W> {
    /// Writes the header. `edges` is how many there will be, where that is known.
    ///
    /// # Errors
    ///
    /// What `out` says.
    pub fn new(mut out: W, times: bool, edges: Option<u64>) -> io::Result<Self> {
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend(MAGIC);
        header.extend(VERSION.to_le_bytes());
        header.extend(if times { FLAG_TIMES } else { 0 }.to_le_bytes());
        header.extend(edges.unwrap_or(UNKNOWN).to_le_bytes());
        header.extend(crc32c::crc32c(&header).to_le_bytes());
        out.write_all(&header)?;
        let mut block = Vec::with_capacity(BLOCK_HEADER_BYTES + BLOCK_EDGES_MAX * edge_bytes(times));
        block.resize(BLOCK_HEADER_BYTES, 0);
        Ok(EdgeWriter { out, times, promised: edges, written: 0, block })
    }

    /// Appends edges.
    ///
    /// # Errors
    ///
    /// What `out` says; [`io::ErrorKind::InvalidInput`] where the edges have times and the file has none, or the other
    /// way round.
    pub fn append(&mut self, edges: &EncodedEdges) -> io::Result<()> {
        if edges.times != self.times {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "edges with and without times in one file"));
        }
        let full = BLOCK_HEADER_BYTES + BLOCK_EDGES_MAX * edge_bytes(self.times);
        let mut rest = edges.bytes.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(full - self.block.len()));
            self.block.extend_from_slice(now);
            rest = later;
            if self.block.len() == full {
                self.write_block()?;
            }
        }
        Ok(())
    }

    /// How many edges were appended.
    pub fn edges(&self) -> u64 {
        self.written + self.pending()
    }

    /// Writes what is left and the end of the file, and gives `out` back, flushed.
    ///
    /// # Errors
    ///
    /// What `out` says; [`io::ErrorKind::InvalidInput`] where another number of edges was promised.
    pub fn finish(mut self) -> io::Result<W> {
        if let Some(promised) = self.promised.filter(|promised| *promised != self.edges()) {
            let message = format!("{} edges came, but {promised} were promised", self.edges());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        if self.pending() > 0 {
            self.write_block()?;
        }
        self.write_block()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn pending(&self) -> u64 {
        ((self.block.len() - BLOCK_HEADER_BYTES) / edge_bytes(self.times)) as u64
    }

    fn write_block(&mut self) -> io::Result<()> {
        let pending = self.pending();
        // At most as many as a block holds.
        let n = pending as u32;
        let (header, edges) = self.block.split_at_mut(BLOCK_HEADER_BYTES);
        header[..4].copy_from_slice(&n.to_le_bytes());
        header[4..].copy_from_slice(&block_checksum(self.written, n, edges).to_le_bytes());
        self.out.write_all(&self.block)?;
        self.written += pending;
        self.block.truncate(BLOCK_HEADER_BYTES);
        Ok(())
    }
}
