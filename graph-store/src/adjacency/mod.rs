//! How one list of ids lies in bytes: as few of them as possible, and readable in place.
//!
//! An adjacency list is a strictly increasing sequence of user ids (`u32`) and the version (`u64`) of its last change.
//! Nothing here does I/O: bytes in, bytes out.
//!
//! - [`List`]: a parsed list; [`encode`] and [`Encoding`]: making one.
//! - `elias_fano`: the packed form, for ordinary lists; `windowed`: packed with a crowd apart, for local lists;
//!   `roaring_list`: the bitmap, for hubs; `choice`: which of them.
//! - `bits`, `bitmap`, `varint`: what these are made of.
//! - `ascending`: numbers of 64 bits by place and by value, for what lies around lists.
//!
//! # Layout
//!
//! | part | bytes | what |
//! |---|---|---|
//! | head | 1 | bits 0 to 4: the number of low bits `l` (packed, windowed) or 0; bit 5: a version follows; bits 6 and 7: the form, 0 packed, 1 roaring, 2 windowed |
//! | version | 0 to 10 | where bit 5 is set: a varint, the version less the base version of the file, not 0 |
//! | count | 1 to 5 | a varint: how many ids |
//! | ids | the rest | packed: samples, low bits and high bits, as Elias-Fano; roaring: the portable serialization; windowed: a part of the list as numbers from 0, then the other ids |
//!
//! A varint has seven bits a byte, the lowest first, and the top bit set in all bytes but the last; only the shortest
//! one is valid. A list does not contain its own length in bytes: the index around it knows, and the packed form reads
//! from it how many high bits there are. A list that was never touched has no bytes at all. One that was emptied has
//! its head, its version, and the count 0.
//!
//! # Worked example
//!
//! The ids 2, 3, 5, 7, 11, 13, 24 of version 300, in a file of base version 100. With l = 1 there are 7 low bits, 7 ones
//! and 12 zeros; with l = 2 there are 14, 7 and 6. Both fit four bytes; l = 2 has fewer high bits to skip, and is chosen.
//!
//! | | | | | | | | | |
//! |---|---|---|---|---|---|---|---|---|
//! | id | | 2 | 3 | 5 | 7 | 11 | 13 | 24 |
//! | low bits | id mod 4 | 2 | 3 | 1 | 3 | 3 | 1 | 0 |
//! | high part | id / 4 | 0 | 0 | 1 | 1 | 2 | 3 | 6 |
//! | its one | 14 + i + high part | 14 | 15 | 17 | 18 | 20 | 22 | 26 |
//!
//! ```text
//! 22         head: packed, a version follows, l = 2
//! c8 01      version: 300 - 100 = 200
//! 07         count
//! de         bits 0 to 7: the low bits 2, 3, 1, 3
//! c7         bits 8 to 15: the low bits 3, 1, 0; ones at 14 and 15
//! 56         bits 16 to 23: ones at 17, 18, 20, 22
//! 04         bits 24 to 31: the one of the last id at 26; padding
//! ```
//!
//! # Cost
//!
//! Encoding takes some 2 nanoseconds an id, decoding less than 1. Membership takes two or three cache lines: the head, the samples, the high bits near one sample and the low bits of
//! the ids that share a high part, of which there is one on average.

pub(crate) mod ascending;
mod bitmap;
pub(crate) mod bits;
mod choice;
mod elias_fano;
mod fuzz;
mod list;
mod roaring_list;
pub(crate) mod varint;
mod windowed;

pub use choice::{Encoding, HUB_ENTRIES, encode};
pub(crate) use fuzz::fuzz_seeds;
pub use fuzz::parse_arbitrary;
pub(crate) use list::Head;
pub use list::{Iter, List};

/// Bytes that are not a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CorruptList {
    /// A number in the head is cut off, too great, or longer than it need be.
    #[error("a number in the head of a list is not valid")]
    Number,
    /// The first byte names no form that is known.
    #[error("no form of list has the head {head:#04x}")]
    Form {
        /// The first byte.
        head: u8,
    },
    /// The count, the number of low bits and the number of bytes contradict one another.
    #[error("the ids of a list do not fill its bytes")]
    Length,
    /// An id is not greater than the one before it.
    #[error("the ids of a list do not increase at position {position}")]
    Unsorted {
        /// The place in the list, from 0.
        position: usize,
    },
    /// A sample counts other ids than there are.
    #[error("a sample of a list is wrong before position {position}")]
    Sample {
        /// The place in the list, from 0.
        position: usize,
    },
    /// A window does not start and end with an id, or counts other ids than it has.
    #[error("the window of a list is not valid")]
    Window,
    /// A bitmap is not one, or not as it would be written.
    #[error("the bitmap of a list is not valid")]
    Bitmap,
}

/// Ids to encode that do not strictly increase.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the ids to encode do not increase at position {position}")]
pub struct Unsorted {
    /// The first id that is not greater than the one before it, counted from 0.
    pub position: usize,
}
