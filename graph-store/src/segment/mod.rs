//! The lists of one slot, relation and direction on disk: immutable files, mapped into memory and read in place.
//!
//! - [`SegmentWriter`]: takes lists in the order of their ordinals and writes the files; [`EncodedLists`]: lists that were
//!   encoded elsewhere.
//! - [`Segment`]: opens them and answers with borrowed [`List`](crate::adjacency::List)s.
//! - [`Times`]: when each edge began; [`ByTime`]: the edges of one list from the oldest on; [`Weights`]: what each counts.
//! - [`SegmentId`]: what a segment holds, and its files' names.
//! - [`mod@format`]: the layout of the files, byte by byte.
//! - `table`: what all files have in common; `blocks`: their checksums.
//!
//! What holds always: a file is written once, under its final name, and never changed; it counts once it was synced and a
//! manifest names it. No byte is given out before the checksum of its block was verified. Whatever the bytes are, opening and
//! reading end in an answer or an error that says where.

mod blocks;
mod columns;
mod encoded;
mod error;
pub mod format;
pub(crate) mod fuzz;
mod id;
mod reader;
mod table;
mod writer;

pub use columns::{ByTime, DEFAULT_WEIGHT, TIME_ORDERED_ENTRIES, Times, Weights};
pub use encoded::{Bases, EdgeTimes, EncodedLists};
pub use error::SegmentError;
pub use id::SegmentId;
pub(crate) use id::WEIGHTS_EXTENSION;
pub use reader::Segment;
pub use writer::{Columns, SegmentInfo, SegmentWriter, UnsyncedSegment};
