//! Binary edge lists: pairs of numbers, in blocks that are verified before any edge of them is believed.
//!
//! Text costs up to twenty bytes an edge and a parser; this costs eight and a checksum. A file can be written without
//! knowing how many edges will come and read through a pipe, and a copy that was cut short or damaged is told apart
//! from a whole one, with the place.
//!
//! # Format
//!
//! All numbers are little-endian. A header, then blocks, then the block that ends the file; nothing follows it.
//!
//! | header | bytes | what |
//! |---|---|---|
//! | magic | 8 | `ROOSTEDG` |
//! | version | 2 | 1 |
//! | flags | 2 | 1: edges have times; no other bit is known |
//! | edges | 8 | how many edges there are in all; all bits set where the writer could not know |
//! | checksum | 4 | of the 20 bytes before it |
//!
//! | block | bytes | what |
//! |---|---|---|
//! | n | 4 | edges in this block, 1 to 65,536; 0 in the block that ends the file |
//! | checksum | 4 | of the number of edges in all blocks before (8 bytes), n (4 bytes) and the edges |
//! | edges | 8 n or 12 n | for each edge its source (4 bytes), its target (4) and, with times, its time (4) |
//!
//! Sources and targets are external ids. Times are seconds since 1970. Checksums are CRC-32C. Since each covers the
//! number of edges before its block, a block that is missing, repeated or out of place is damage too, and the last,
//! empty block vouches for the number of edges in all.
//!
//! The edges 1 → 2 and 3 → 1, without times:
//!
//! ```text
//! 52 4f 4f 53 54 45 44 47  01 00  00 00  02 00 00 00 00 00 00 00  96 b2 64 88    header
//! 02 00 00 00  5c a0 a0 0f  01 00 00 00 02 00 00 00  03 00 00 00 01 00 00 00     a block of two
//! 00 00 00 00  3d 1d 83 49                                                       the end
//! ```

mod reader;
mod writer;

use std::io;

pub use reader::{BlockReader, EdgeReader, RawEdges};
pub use writer::{EdgeWriter, EncodedEdges};

/// The first bytes of every binary edge list.
pub const MAGIC: [u8; 8] = *b"ROOSTEDG";
/// The version that is written, and the only one that is read.
pub const VERSION: u16 = 1;
/// Edges in a block at the most; a writer fills all blocks but the last.
pub const BLOCK_EDGES_MAX: usize = 1 << 16;

/// The flag of edges with times.
const FLAG_TIMES: u16 = 1;
/// Stands for the number of edges where it is not known.
const UNKNOWN: u64 = u64::MAX;
/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 24;
/// Bytes of a block before its edges.
const BLOCK_HEADER_BYTES: usize = 8;

/// An edge of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Edge {
    /// The external id of who follows.
    pub source: u32,
    /// The external id of who is followed.
    pub target: u32,
    /// Since when, in seconds since 1970; `None` in a file without times.
    pub time: Option<u32>,
}

/// Why no more edges come. Edges are counted from 1.
#[derive(Debug, thiserror::Error)]
pub enum BinaryError {
    /// The file does not begin as a binary edge list does.
    #[error("not a binary edge list")]
    WrongMagic,
    /// The header does not match its checksum, or is not all there.
    #[error("the header is damaged")]
    DamagedHeader,
    /// The file was written by a later version.
    #[error("version {found} is not known, only {VERSION}")]
    UnknownVersion {
        /// What the header says.
        found: u16,
    },
    /// The file was written by a later version.
    #[error("flags {found:#06x} are not known")]
    UnknownFlags {
        /// What the header says.
        found: u16,
    },
    /// A block does not match its checksum.
    #[error("edge {edge}: the block that begins there is damaged")]
    DamagedBlock {
        /// The number of the block's first edge.
        edge: u64,
    },
    /// The file ends before its last block.
    #[error("edge {edge}: cut short there")]
    Truncated {
        /// The number of the first edge that is not all there.
        edge: u64,
    },
    /// The header promises another number of edges.
    #[error("ends after edge {found}, but {expected} were promised")]
    WrongCount {
        /// What the header says.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// Something follows the last block.
    #[error("goes on after its end, which is after edge {edges}")]
    TrailingBytes {
        /// How many edges there are.
        edges: u64,
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

/// Bytes of an edge.
pub(super) fn edge_bytes(times: bool) -> usize {
    if times { 12 } else { 8 }
}

/// The checksum of a block of `n` edges.
pub(super) fn block_checksum(edges_before: u64, n: u32, edges: &[u8]) -> u32 {
    let mut place = [0; 12];
    place[..8].copy_from_slice(&edges_before.to_le_bytes());
    place[8..].copy_from_slice(&n.to_le_bytes());
    crc32c::crc32c_append(crc32c::crc32c(&place), edges)
}
