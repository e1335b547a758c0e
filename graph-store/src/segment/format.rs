//! The layout of a segment's files, and their header.
//!
//! A segment is two or three files: `.segment` with the lists, `.times` with the time of each edge, and, where edges have
//! weights, `.weights` with those. All are *tables*: bytes for some ordinals (an ordinal is the place of a user in the slot), in this layout; all numbers are little-endian.
//!
//! ```text
//! 0        128                                                               end of file
//! ┌────────┬──────────────────────────────┬──────────────────┬────────────────┐
//! │ header │ payload: entry after entry   │ index            │ checksums      │
//! └────────┴──────────────────────────────┴──────────────────┴────────────────┘
//!          └──── covered by a checksum for each block ───────┘
//! ├─────── block 0, 4,096 ──────┼── block 1 ──┼─ … ─┼─ last ──┤
//! ```
//!
//! # Header
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 8 | `ROOSTSEG`, `ROOSTTIM` or `ROOSTWEI` |
//! | 8 | 4 | format version: of times 2, of the others 1; those of another one are refused |
//! | 12 | 1 | relation |
//! | 13 | 1 | direction: 0 forward, 1 reverse |
//! | 14 | 1 | index: 0 dense, 1 sparse, 2 packed |
//! | 15 | 1 | flags; bit 0, of lists: whether there is a file of weights |
//! | 16 | 2 | slot |
//! | 18 | 2 | number of slots |
//! | 20 | 4 | CRC-32C of the checksums |
//! | 24 | 8 | number of the segment |
//! | 32 | 8 | revision that the lists stand for |
//! | 40 | 8 | base: of lists the version, of times the time in seconds, that entries are relative to; of weights 0 |
//! | 48 | 8 | ordinals: one more than the last ordinal with a list |
//! | 56 | 8 | lists |
//! | 64 | 8 | edges: the ids of all lists |
//! | 72 | 8 | ids of the longest list |
//! | 80 | 8 | entries: ordinals that have bytes |
//! | 88 | 8 | bytes of the payload, below 2^32 |
//! | 96 | 8 | parameter: of lists how they were encoded, 0 auto, 1 packed, 2 roaring; of times from how many edges on they are in the order of time |
//! | 104 | 8 | bytes of a packed index; of any other 0 |
//! | 112 | 12 | zero |
//! | 124 | 4 | CRC-32C of bytes 0 to 124 |
//!
//! # Index
//!
//! Offsets are `u32` and count from the start of the payload.
//!
//! | | what |
//! |---|---|
//! | dense | ordinals + 1 offsets: entry `i` lies between offsets `i` and `i + 1`; no bytes where there is no entry |
//! | sparse | the ordinals that have entries, ascending (`u32` each), then entries + 1 offsets |
//! | packed | ordinals + 1 numbers, `i` and the offset at which entry `i` starts in a dense index added: they strictly increase, and lie as `adjacency::ascending` says |
//!
//! Packed, an ordinal takes about a byte, and to be found some twenty nanoseconds more: an index is packed where it
//! would be a good part of what it leads to. That is where there are at least 256 ordinals, no more than 64 bytes of payload for each,
//! and fewer than four for each entry. Any other index is dense or sparse, whichever is shorter.
//!
//! # Checksums
//!
//! One CRC-32C (`u32`) for each 4,096 bytes of the file from its start to the end of the index; the header is left out of
//! the first. There is at least one block. The file ends with them: its length follows from the header, and any other
//! length is an error.
//!
//! # Entries
//!
//! An entry of a `.segment` file is a list as [`adjacency`](crate::adjacency) encodes it. Those of the columns are
//! described there: [times](super::Times) and [weights](super::Weights).

use std::path::Path;

use base::{Direction, Relation, Revision, Slot, Slots};

use super::SegmentError;
use super::id::SegmentId;

pub(crate) const HEADER_BYTES: usize = 128;
pub(crate) const BLOCK_BYTES: usize = 4096;
pub(crate) const CHECKSUM_BYTES: usize = 4;
pub(crate) const INDEX_BYTES: usize = 4;
/// An index is packed from so many ordinals on, for up to so many bytes of payload each, and where fewer than so many
/// ordinals share an entry: its numbers take nine bits each, so that it is shorter than any other.
const PACKED_ORDINALS_MIN: u64 = 256;
const PACKED_ENTRY_BYTES_MAX: u64 = 64;
const PACKED_GAP_MAX: u64 = 4;
const CHECKED_BYTES: usize = HEADER_BYTES - CHECKSUM_BYTES;

/// Which of the files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Lists,
    Times,
    Weights,
}

/// How an entry is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum IndexForm {
    Dense = 0,
    Sparse = 1,
    Packed = 2,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) id: SegmentId,
    pub(crate) index: IndexForm,
    pub(crate) checksum_of_checksums: u32,
    pub(crate) revision: Revision,
    pub(crate) base: u64,
    pub(crate) ordinals: u64,
    pub(crate) lists: u64,
    pub(crate) edges: u64,
    pub(crate) longest: u64,
    pub(crate) entries: u64,
    pub(crate) payload_bytes: u64,
    pub(crate) parameter: u64,
    pub(crate) packed_index_bytes: u64,
    /// Whether a file of weights lies beside the lists.
    pub(crate) weights: bool,
}

impl Kind {
    /// The version that is written and read.
    const fn version(self) -> u32 {
        match self {
            // Version 1 had no times in groups.
            Kind::Times => 2,
            Kind::Lists | Kind::Weights => 1,
        }
    }

    const fn magic(self) -> &'static [u8; 8] {
        match self {
            Kind::Lists => b"ROOSTSEG",
            Kind::Times => b"ROOSTTIM",
            Kind::Weights => b"ROOSTWEI",
        }
    }
}

impl IndexForm {
    /// The shorter one, but packed only where that matters.
    pub(crate) fn choose(ordinals: u64, entries: u64, payload_bytes: u64) -> Self {
        let tiny = payload_bytes <= ordinals * PACKED_ENTRY_BYTES_MAX && ordinals < entries * PACKED_GAP_MAX;
        match ordinals {
            PACKED_ORDINALS_MIN.. if tiny => IndexForm::Packed,
            _ if ordinals <= entries * 2 => IndexForm::Dense,
            _ => IndexForm::Sparse,
        }
    }
}

impl Header {
    pub(crate) fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        bytes.extend(self.kind.magic());
        bytes.extend(self.kind.version().to_le_bytes());
        bytes.extend([self.id.relation as u8, self.id.direction as u8, self.index as u8, self.weights.into()]);
        bytes.extend(self.id.slot.0.to_le_bytes());
        bytes.extend(self.id.slots.count().to_le_bytes());
        bytes.extend(self.checksum_of_checksums.to_le_bytes());
        for number in [
            self.id.number,
            self.revision.0,
            self.base,
            self.ordinals,
            self.lists,
            self.edges,
            self.longest,
            self.entries,
            self.payload_bytes,
            self.parameter,
            self.packed_index_bytes,
        ] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.resize(CHECKED_BYTES, 0);
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        std::array::from_fn(|i| bytes[i])
    }

    /// Reads the header of the file at `path` and checks all that can be checked without the rest of the file.
    pub(crate) fn parse(bytes: &[u8], kind: Kind, path: &Path) -> Result<Header, SegmentError> {
        if bytes.first_chunk() != Some(kind.magic()) {
            return Err(SegmentError::NotASegment { path: path.to_owned() });
        }
        let damaged = || SegmentError::DamagedHeader { path: path.to_owned() };
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or_else(damaged)?;
        let version = u32::from_le_bytes(field(bytes, 8));
        let checksum = u32::from_le_bytes(field(bytes, CHECKED_BYTES));
        if checksum != crc32c::crc32c(&bytes[..CHECKED_BYTES]) {
            return Err(damaged());
        }
        if version != kind.version() {
            return Err(SegmentError::UnknownVersion { path: path.to_owned(), version });
        }
        let header = Self::from_fields(bytes, kind).filter(Header::is_possible).ok_or_else(damaged)?;
        // Written again it must be the same: nothing hides in the bytes that are zero.
        if header.to_bytes() != *bytes {
            return Err(damaged());
        }
        Ok(header)
    }

    fn from_fields(bytes: &[u8; HEADER_BYTES], kind: Kind) -> Option<Header> {
        let number = |offset| u64::from_le_bytes(field(bytes, offset));
        Some(Header {
            kind,
            id: SegmentId {
                slot: Slot(u16::from_le_bytes(field(bytes, 16))),
                slots: Slots::new(u16::from_le_bytes(field(bytes, 18)))?,
                relation: Relation::from_number(bytes[12])?,
                direction: Direction::from_number(bytes[13])?,
                number: number(24),
            },
            index: [IndexForm::Dense, IndexForm::Sparse, IndexForm::Packed]
                .into_iter()
                .find(|form| *form as u8 == bytes[14])?,
            checksum_of_checksums: u32::from_le_bytes(field(bytes, 20)),
            revision: Revision(number(32)),
            base: number(40),
            ordinals: number(48),
            lists: number(56),
            edges: number(64),
            longest: number(72),
            entries: number(80),
            payload_bytes: number(88),
            parameter: number(96),
            packed_index_bytes: number(104),
            weights: bytes[15] == 1,
        })
    }

    fn is_possible(&self) -> bool {
        self.id.slot.0 < self.id.slots.count()
            && self.ordinals <= ordinals_max(self.id.slots)
            && self.lists <= self.ordinals
            && self.entries <= self.lists
            && self.longest <= self.edges
            && self.payload_bytes <= u64::from(u32::MAX)
            && self.packed_index_bytes <= self.packed_index_bytes_max()
            && (self.kind == Kind::Lists || self.base <= u64::from(u32::MAX))
            && (self.kind == Kind::Lists || !self.weights)
    }

    pub(crate) fn index_bytes(&self) -> u64 {
        match self.index {
            IndexForm::Dense => (self.ordinals + 1) * INDEX_BYTES as u64,
            IndexForm::Sparse => (self.entries * 2 + 1) * INDEX_BYTES as u64,
            IndexForm::Packed => self.packed_index_bytes,
        }
    }

    /// A packed index is shorter than a dense one.
    fn packed_index_bytes_max(&self) -> u64 {
        if self.index == IndexForm::Packed { self.ordinals * INDEX_BYTES as u64 } else { 0 }
    }

    /// Where the index starts.
    pub(crate) fn index_start(&self) -> u64 {
        HEADER_BYTES as u64 + self.payload_bytes
    }

    /// Where the checksums start: the end of what they cover.
    pub(crate) fn checksums_start(&self) -> u64 {
        self.index_start() + self.index_bytes()
    }

    pub(crate) fn file_bytes(&self) -> u64 {
        self.checksums_start() + self.checksums_start().div_ceil(BLOCK_BYTES as u64) * CHECKSUM_BYTES as u64
    }
}

/// How many ordinals a slot can have.
pub(crate) fn ordinals_max(slots: Slots) -> u64 {
    (1 << 32) / u64::from(slots.count())
}

fn field<const N: usize>(bytes: &[u8; HEADER_BYTES], offset: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[offset + i])
}
