//! Lists encoded apart from the file that they will be in, so that many threads can encode and one writes.

use super::columns::{encode_same_times, encode_times, encode_weights};
use crate::adjacency::{Encoding, Unsorted, encode};

/// The times of a list's edges, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub enum EdgeTimes<'a> {
    /// All edges have this one.
    Same(u32),
    /// One for each id.
    Each(&'a [u32]),
}

/// What entries are encoded against: the same for all lists of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bases {
    /// The version that lists store none for.
    pub version: u64,
    /// The time that lists store none for.
    pub time: u32,
    /// Which forms lists take.
    pub encoding: Encoding,
    /// From how many edges on times lie in the order of time.
    pub time_ordered_entries: u32,
}

/// Entries for a segment, in the order of the ordinals.
#[derive(Clone, Debug, Default)]
pub struct EncodedLists {
    pub(super) lists: Vec<u8>,
    pub(super) times: Vec<u8>,
    pub(super) weights: Vec<u8>,
    pub(super) entries: Vec<Entry>,
}

/// One list: where its bytes end, which begin where those of the one before end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) ordinal: u32,
    pub(super) len: u32,
    pub(super) list_end: usize,
    pub(super) times_end: usize,
    pub(super) weights_end: usize,
}

impl EncodedLists {
    /// Appends a list of the base version: strictly increasing ids, the times of their edges, and their weights, of which
    /// there are none where all are 1.
    ///
    /// # Errors
    ///
    /// The ids do not strictly increase; nothing was appended.
    ///
    /// # Panics
    ///
    /// There are more or fewer times or weights than ids.
    pub fn push(
        &mut self,
        bases: Bases,
        ordinal: u32,
        ids: &[u32],
        times: EdgeTimes<'_>,
        weights: &[f64],
    ) -> Result<(), Unsorted> {
        encode(ids, 0, bases.encoding, &mut self.lists)?;
        match times {
            EdgeTimes::Each(times) => {
                assert_eq!(ids.len(), times.len(), "each edge has one time");
                encode_times(times, bases.time, bases.time_ordered_entries.into(), &mut self.times);
            }
            EdgeTimes::Same(time) => encode_same_times(time, ids.len(), bases.time, &mut self.times),
        }
        assert!(weights.is_empty() || weights.len() == ids.len(), "each edge has one weight");
        encode_weights(weights, &mut self.weights);
        self.entries.push(Entry {
            ordinal,
            len: ids.len() as u32,
            list_end: self.lists.len(),
            times_end: self.times.len(),
            weights_end: self.weights.len(),
        });
        Ok(())
    }

    /// Takes all lists out, and keeps the memory.
    pub fn clear(&mut self) {
        self.lists.clear();
        self.times.clear();
        self.weights.clear();
        self.entries.clear();
    }

    /// Whether there are no lists.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
