//! Edges in bulk: straight into segments, past the log, on all cores and in bounded memory.
//!
//! ```text
//!  files ──▶ gather ──▶ partition ──▶ forward lists ─────────▶ segments ──▶ manifest
//!             many       blocks of     a block at a time,         ▲
//!             threads    8,192 users   sorted and encoded         │
//!                                        └──▶ partition ──▶ reverse lists
//!                                             by target        the same again
//! ```
//!
//! 1. **Gather**: whoever reads a file adds edges to a [`Bulk`] from as many threads as there are; people are met
//!    (`people`), edges go to the block of their source (`partition`), on disk what memory has no room for.
//! 2. **Settle** (`load`): writes wait from here on. New people get user ids. Where users are not in the order in which
//!    blocks are, because the store had people before, the edges are partitioned once more, by user.
//! 3. **Forward** (`lists`, `sort`): each block is sorted and becomes forward lists, in new segment files. Every edge that
//!    is in a list goes, with its ends exchanged, to the block of its target in a second partition, which takes the memory
//!    that the first gives up.
//! 4. **Reverse**: the second partition becomes the reverse lists, as the first did. The table of external ids is written
//!    meanwhile, if there is room.
//!    Where new people are to be put in order (`renumber`), this was for the order alone, and is done again under it.
//! 5. **Commit** (`load`): where a slot had lists, old and new become one; then the new segments of all slots, the new ids
//!    and the revision come into being together, when the manifest is renamed. Before that nothing has happened, and
//!    what was written is removed at the next open.
//!
//! # Memory
//!
//! The budget of a bulk is what the blocks of both partitions may take: five bytes an edge, six from 2²⁴ people on, four more
//! for a time and eight for a weight. Beside it are a chunk for each block, some bits or four bytes for each person, sixteen for
//! each external id that is not below 2²⁷, and some megabytes for each thread. The table of external ids takes forty bytes a
//! person while it is made: where that is more than a quarter of the budget it is made last, when the blocks are gone.

mod added;
mod gather;
mod lists;
mod load;
mod ordered;
mod partition;
mod people;
mod renumber;
mod sort;

use base::{Slots, UserId};
use parking_lot::Mutex;

pub use gather::{Bulk, BulkEdges, BulkOptions, EdgeBatch, Gatherer};
pub use load::BulkReport;
pub use partition::Columns;
pub use people::TooManyPeople;

use super::StoreError;
use crate::adjacency::Unsorted;
use crate::reorder::ReorderError;
use crate::segment::{Bases, EdgeTimes, EncodedLists, SegmentError};

/// Edges could not be gathered or loaded; the store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum BulkError {
    /// More people than there are user ids.
    #[error(transparent)]
    TooManyPeople(#[from] TooManyPeople),
    /// Memory or disk for what is only passing through.
    #[error("no room for edges on their way")]
    Scratch(#[from] std::io::Error),
    /// Lists were not in order: a mistake of ours.
    #[error("a list to be written is not one")]
    Unsorted(#[from] Unsorted),
    /// A segment could not be read or written.
    #[error("a segment")]
    Segment(#[from] SegmentError),
    /// New people could not be put in order.
    #[error(transparent)]
    Reorder(#[from] ReorderError),
    /// The store said no.
    #[error("the store did not take the edges")]
    Store(#[from] StoreError),
}

/// Encoded lists of some users, by slot.
struct Encoded {
    slots: Slots,
    lists: Vec<EncodedLists>,
}

/// Encoded lists that were written: their memory goes round.
struct Spare {
    slots: Slots,
    /// How many are kept.
    kept: usize,
    written: Mutex<Vec<Encoded>>,
}

impl Spare {
    fn new(slots: Slots, kept: usize) -> Self {
        Spare { slots, kept, written: Mutex::default() }
    }

    fn take(&self) -> Encoded {
        let written = self.written.lock().pop();
        written.unwrap_or_else(|| Encoded {
            slots: self.slots,
            lists: vec![EncodedLists::default(); usize::from(self.slots.count())],
        })
    }

    fn give_back(&self, mut encoded: Encoded) {
        encoded.lists.iter_mut().for_each(EncodedLists::clear);
        let mut written = self.written.lock();
        if written.len() < self.kept {
            written.push(encoded);
        }
    }
}

impl Encoded {
    fn push(
        &mut self,
        user: UserId,
        ids: &[u32],
        times: EdgeTimes<'_>,
        weights: &[f64],
        bases: Bases,
    ) -> Result<(), Unsorted> {
        let (slot, ordinal) = (self.slots.slot_of(user), self.slots.ordinal_of(user));
        self.lists[usize::from(slot.0)].push(bases, ordinal, ids, times, weights)
    }
}
