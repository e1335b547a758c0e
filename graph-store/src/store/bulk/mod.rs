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
//! 5. **Commit** (`load`): where a slot had lists, old and new become one; then the new segments of all slots, the new ids
//!    and the revision come into being together, when the manifest is renamed. Before that nothing has happened, and
//!    what was written is removed at the next open.
//!
//! # Memory
//!
//! The budget of a bulk is what its blocks may take while they are gathered, seven bytes an edge and fewer without times
//! and weights, and later what the ranges of reverse lists may. Beside it are a bit or four bytes for each person, sixteen
//! for each external id that is not below 2²⁷, and some megabytes for each thread.

mod forward;
mod gather;
mod load;
mod ordered;
mod partition;
mod people;
mod reverse;
mod sort;

use base::{Slots, UserId};

pub use gather::{Bulk, BulkEdges, BulkOptions, EdgeBatch, Gatherer};
pub use load::BulkReport;
pub use partition::Columns;
pub use people::TooManyPeople;

use super::StoreError;
use crate::adjacency::Unsorted;
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
    /// The store said no.
    #[error("the store did not take the edges")]
    Store(#[from] StoreError),
}

/// Encoded lists of some users, by slot.
struct Encoded {
    slots: Slots,
    lists: Vec<EncodedLists>,
}

impl Encoded {
    fn new(slots: Slots) -> Self {
        Encoded { slots, lists: vec![EncodedLists::default(); usize::from(slots.count())] }
    }

    fn push(&mut self, user: UserId, ids: &[u32], times: EdgeTimes<'_>, bases: Bases) -> Result<(), Unsorted> {
        let (slot, ordinal) = (self.slots.slot_of(user), self.slots.ordinal_of(user));
        self.lists[usize::from(slot.0)].push(bases, ordinal, ids, times)
    }
}
