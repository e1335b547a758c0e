//! The whole graph at one revision, for readers that take their time.
//!
//! Taking a snapshot freezes every overlay between two groups of writes and notes what lies there: the segments of
//! each slot and the frozen generations over them. Nothing of that ever changes, so a snapshot is read without locks and
//! without holding up anybody. It keeps the segments' files mapped and the generations in memory until it is dropped,
//! also where a compaction has unlinked and replaced them long since.

use std::sync::Arc;

use base::{Direction, Edge, ListRef, Relation, Revision, Slot as SlotNumber, Slots, UserId};

use super::externals::Externals;
use super::segments::Segments;
use super::{Store, StoreError};
use crate::overlay::Generation;

/// Every list of a store at one revision.
#[derive(Debug)]
pub struct Snapshot {
    slots: Slots,
    revision: Revision,
    users: u32,
    externals: Externals,
    lists: Vec<FrozenSlot>,
}

/// One slot, as nobody can change it any more.
#[derive(Debug)]
struct FrozenSlot {
    segments: Arc<Segments>,
    /// Oldest first.
    generations: Vec<Arc<Generation>>,
}

impl Store {
    /// The graph as it is now. Writes wait for as long as a freeze takes; a compaction or an import that runs is waited
    /// for first, during which writes go on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closing`].
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let (compactor, shared) = (&self.0.compactor, &self.0.shared);
        // Overlays are frozen in one's turn only: what a compaction has frozen is what it writes.
        let _turn = compactor.turn.lock();
        let paused = compactor.queue.pause()?;
        let freeze = |slot: &super::slot::Slot| FrozenSlot { segments: slot.segments(), generations: slot.frozen() };
        let lists = shared.lists.iter().map(freeze).collect();
        let (users, externals) = {
            let directory = shared.directory.read();
            (directory.catalog.next(), directory.externals.clone())
        };
        Ok(Snapshot { slots: shared.slots, revision: paused.revision, users, externals, lists })
    }

    /// The number of slots.
    pub fn slots(&self) -> Slots {
        self.0.shared.slots
    }
}

impl Snapshot {
    /// What it stands for: exactly the changes up to here are in it.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The number of slots.
    pub fn slots(&self) -> Slots {
        self.slots
    }

    /// How many user ids were given out: all numbers below are known users.
    pub fn users(&self) -> u32 {
        self.users
    }

    /// The external id of a user.
    pub fn external_id(&self, user: UserId) -> Option<u64> {
        self.externals.external_id(user)
    }

    /// The user with an external id.
    pub fn user(&self, external_id: u64) -> Option<UserId> {
        self.externals.user(external_id)
    }

    /// The members of a list with the time of each edge, by id.
    ///
    /// # Errors
    ///
    /// A segment that is damaged.
    pub fn edges(&self, list: ListRef) -> Result<Vec<Edge>, StoreError> {
        let slot = &self.lists[usize::from(self.slots.slot_of(list.user).0)];
        let (relation, direction, ordinal) = (list.relation, list.direction, self.slots.ordinal_of(list.user));
        let below = slot.segments.edges((relation, direction, ordinal))?;
        let deltas = slot.generations.iter().filter_map(|generation| generation.delta(relation, direction, ordinal));
        let edges = deltas.fold(below, |below, delta| delta.merge(&below));
        Ok(edges.into_iter().map(|(id, time)| Edge { user: UserId(id), time }).collect())
    }

    /// The lists of a relation and direction that have members, by user.
    pub fn lists(
        &self,
        relation: Relation,
        direction: Direction,
    ) -> impl Iterator<Item = Result<(UserId, Vec<Edge>), StoreError>> {
        self.lists_of((0..self.users).map(UserId), relation, direction)
    }

    /// The same of one slot.
    pub fn lists_in(
        &self,
        slot: SlotNumber,
        relation: Relation,
        direction: Direction,
    ) -> impl Iterator<Item = Result<(UserId, Vec<Edge>), StoreError>> {
        self.lists_of(self.users_in(slot), relation, direction)
    }

    /// The users of one slot, in order.
    pub fn users_in(&self, slot: SlotNumber) -> impl Iterator<Item = UserId> + use<> {
        (u32::from(slot.0)..self.users).step_by(usize::from(self.slots.count())).map(UserId)
    }

    fn lists_of(
        &self,
        users: impl Iterator<Item = UserId>,
        relation: Relation,
        direction: Direction,
    ) -> impl Iterator<Item = Result<(UserId, Vec<Edge>), StoreError>> {
        users.filter_map(move |user| match self.edges(ListRef { relation, direction, user }) {
            Ok(edges) if edges.is_empty() => None,
            Ok(edges) => Some(Ok((user, edges))),
            Err(error) => Some(Err(error)),
        })
    }
}
