//! Edges in bulk: straight into segments, past the log, on all cores and in bounded memory.
//!
//! ```text
//!  files ──▶ gather ──▶ partition ──▶ forward lists ──────▶ segments ──▶ manifest
//!             many       blocks of     a block at a time,      ▲
//!             threads    8,192 users   sorted and encoded      │
//!                                        └──▶ reverse lists ───┘
//!                                             a range of users at a time, no sort
//! ```
//!
//! 1. **Gather**: whoever reads a file adds edges to a [`Bulk`] from as many threads as there are; people are met
//!    (`people`), edges go to the block of their source (`partition`), on disk what memory has no room for.
//! 2. **Settle** (`load`): writes wait from here on. New people get user ids. Where users are not in the order in which
//!    blocks are, because the store had people before, the edges are partitioned once more, by user.
//! 3. **Forward** (`forward`, `sort`): each block is sorted and becomes forward lists, in new segment files.
//! 4. **Reverse** (`reverse`): the forward lists are read again, and become the reverse lists.
//!    Where new people are to be put in order (`renumber`), this was for the order alone, and is done again under it.
//! 5. **Commit** (`load`): where a slot had lists, old and new become one; then the new segments of all slots, the new ids
//!    and the revision come into being together, when the manifest is renamed. Before that nothing has happened, and
//!    what was written is removed at the next open.
//!
//! # Memory
//!
//! The budget of a bulk is what its blocks may take while they are gathered, seven bytes an edge and fewer without times
//! and weights, and later what the ranges of reverse lists may. Beside it are a bit or four bytes for each person, sixteen
//! for each external id that is not below 2²⁷, and some megabytes for each thread.

mod added;
mod forward;
mod gather;
mod load;
mod ordered;
mod partition;
mod people;
mod renumber;
mod reverse;
mod sort;

use base::disk::Scratch;
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

/// Edges that are encoded, about, before they are handed on.
const ENCODED_EDGES: usize = 1 << 20;

/// Encoded lists of some users, by slot.
struct Encoded {
    slots: Slots,
    lists: Vec<EncodedLists>,
    edges: usize,
}

/// Encoded lists that were written: their memory goes round.
struct Spare {
    slots: Slots,
    written: Mutex<Vec<Encoded>>,
}

impl Spare {
    fn new(slots: Slots) -> Self {
        Spare { slots, written: Mutex::default() }
    }

    fn take(&self) -> Encoded {
        let written = self.written.lock().pop();
        written.unwrap_or_else(|| Encoded {
            slots: self.slots,
            lists: vec![EncodedLists::default(); usize::from(self.slots.count())],
            edges: 0,
        })
    }

    fn give_back(&self, mut encoded: Encoded) {
        encoded.lists.iter_mut().for_each(EncodedLists::clear);
        encoded.edges = 0;
        self.written.lock().push(encoded);
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
        self.edges += ids.len();
        self.lists[usize::from(slot.0)].push(bases, ordinal, ids, times, weights)
    }
}

/// Numbers in memory of its own.
fn numbers(scratch: &Scratch) -> &[u32] {
    bytemuck::cast_slice(scratch.bytes())
}

/// The same, to be written.
fn numbers_mut(scratch: &mut Scratch) -> &mut [u32] {
    bytemuck::cast_slice_mut(scratch.bytes_mut())
}
