//! Changes since the segments, in memory.
//!
//! A [`Generation`] holds the changes of one slot as one [`Delta`] for each touched list: its entries sorted by id. New
//! changes go to the active generation; freezing it makes it immutable, and compaction writes the frozen ones out. A
//! list is read as its segment's list and, over it, its delta of each generation, oldest first.
//!
//! Applying a change never moves more than some kilobytes, however much a generation holds: readers wait meanwhile.
//! Deltas lie in a `SparseArray`, which grows by one short row at a time where a hash map would move everything; a long
//! delta is cut into chunks. What a generation takes is counted as it grows, and is what the overlay's bound is about.

mod delta;
mod entries;
mod generation;
mod sparse_array;

pub use delta::Delta;
pub use entries::Entry;
pub use generation::Generation;
pub(crate) use generation::place;
