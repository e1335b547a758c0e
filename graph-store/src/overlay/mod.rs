//! Changes since the segments, in memory.
//!
//! A [`Generation`] holds the changes of one slot as small sorted vectors, one for each touched list. New changes go
//! to the active generation; freezing it makes it immutable, and compaction writes the frozen ones out. A list is read
//! as its segment's list and, over it, its delta of each generation, oldest first.

mod generation;

pub(crate) use generation::place;
pub use generation::{Delta, Entry, Generation};
