//! Pairs of numbers and nothing else: what other tools call a binary edge list.
//!
//! # Format
//!
//! For each edge its source and its target, `u32` each, little-endian. There is no header and no checksum, so that a file
//! that is damaged or cut between two edges looks like another graph; [`binary`](super::binary) edge lists are safer.

use std::io::{self, Read};

use crate::store::EdgeBatch;

/// Bytes of an edge.
pub const EDGE_BYTES: usize = 8;

/// Bytes of a block.
const BLOCK_BYTES: usize = 1 << 20;

/// Why no more edges come. Edges are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum PairsError {
    /// The file ends within an edge.
    #[error("edge {edge}: cut short there")]
    CutShort {
        /// The number of the edge.
        edge: u64,
    },
    /// The source could not be read.
    #[error("edge {edge}: cannot be read")]
    Read {
        /// The number of the first edge that did not come.
        edge: u64,
        /// What the source said.
        source: io::Error,
    },
}

/// Hands out the edges of a source, a block at a time. Ends after the first error.
#[derive(Debug)]
pub struct PairBlocks<R> {
    source: R,
    /// The number of the next edge.
    edge: u64,
    ended: bool,
}

impl<R: Read> PairBlocks<R> {
    /// The edges of `source`, which need not be buffered.
    pub fn new(source: R) -> Self {
        PairBlocks { source, edge: 1, ended: false }
    }

    /// The next edges; `None` at the end.
    ///
    /// # Errors
    ///
    /// The source cannot be read, or ends within an edge.
    pub fn next_block(&mut self) -> Result<Option<PairBlock>, PairsError> {
        if self.ended {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(BLOCK_BYTES);
        let read = self.source.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut bytes);
        let edges = (bytes.len() / EDGE_BYTES) as u64;
        self.ended = bytes.len() < BLOCK_BYTES;
        let edge = self.edge + edges;
        read.map_err(|source| PairsError::Read { edge, source })?;
        if !bytes.len().is_multiple_of(EDGE_BYTES) {
            return Err(PairsError::CutShort { edge });
        }
        self.edge = edge;
        Ok((edges > 0).then_some(PairBlock(bytes)))
    }
}

/// Some whole edges.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PairBlock(Vec<u8>);

impl PairBlock {
    /// Appends the edges.
    pub fn decode(&self, into: &mut EdgeBatch) {
        let number = |bytes: &[u8]| u64::from(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        let (edges, _) = self.0.as_chunks::<EDGE_BYTES>();
        into.edges.extend(edges.iter().map(|edge| (number(&edge[..4]), number(&edge[4..]))));
    }
}
