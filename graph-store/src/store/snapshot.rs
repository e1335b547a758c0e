//! The whole graph at one revision, for readers that take their time.
//!
//! Taking a snapshot freezes every overlay between two groups of writes and notes what lies there: the segments of
//! each slot and the frozen generations over them. Nothing of that ever changes, so a snapshot is read without locks and
//! without holding up anybody. It keeps the segments' files mapped and the generations in memory until it is dropped,
//! also where a compaction has unlinked and replaced them long since.

use std::ops::Range;
use std::sync::Arc;

use base::{Direction, Edge, ListRef, Relation, Revision, Slot as SlotNumber, Slots, UserId};

use super::externals::Externals;
use super::segments::{Key, Segments};
use super::slot::Slot;
use super::{Shared, Store, StoreError};
use crate::overlay::{Delta, Generation};
use crate::segment::DEFAULT_WEIGHT;

/// Frozen generations of a slot at the most, before another one comes on top: each read of a list looks into all.
const GENERATIONS_MAX: usize = 16;

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

impl FrozenSlot {
    /// What changed in a list since its segment, oldest first.
    fn deltas(&self, (relation, direction, ordinal): Key) -> impl Iterator<Item = &Delta> + Clone {
        self.generations.iter().filter_map(move |generation| generation.delta(relation, direction, ordinal))
    }
}

impl Store {
    /// The graph as it is now. Writes wait for as long as a freeze takes; a compaction or an import that runs is waited
    /// for first, during which writes go on.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closing`]; where snapshots came so fast that a compaction had to come in between, what the disk said.
    pub fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let (compactor, shared) = (&self.0.compactor, &self.0.shared);
        // Overlays are frozen in one's turn only: what a compaction has frozen is what it writes.
        let _turn = compactor.turn.lock();
        compactor.thin_out(GENERATIONS_MAX)?;
        let paused = compactor.queue.pause()?;
        Ok(shared.snapshot(paused.revision, paused))
    }

    /// The number of slots.
    pub fn slots(&self) -> Slots {
        self.0.shared.slots
    }
}

impl Shared {
    /// What every slot has in its segments and frozen generations, which is the graph at `revision`. `paused`, which
    /// keeps writes away, is dropped as soon as they can do no harm.
    pub(super) fn snapshot(&self, revision: Revision, paused: impl Sized) -> Snapshot {
        let freeze = |slot: &Slot| FrozenSlot { segments: slot.segments(), generations: slot.frozen() };
        let lists = self.lists.iter().map(freeze).collect();
        let users = self.directory.read().catalog.next();
        drop(paused);
        // An external id stays for ever, and those that are given out from here on are of users who are too young.
        let externals = self.directory.read().externals.clone();
        Snapshot { slots: self.slots, revision, users, externals, lists }
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
        self.externals.external_id(user).filter(|_| user.0 < self.users)
    }

    /// The user with an external id.
    pub fn user(&self, external_id: u64) -> Option<UserId> {
        self.externals.user(external_id).filter(|user| user.0 < self.users)
    }

    /// The members of a list with the time of each edge, by id.
    ///
    /// # Errors
    ///
    /// A segment that is damaged.
    pub fn edges(&self, list: ListRef) -> Result<Vec<Edge>, StoreError> {
        let (key, slot) = self.key(list);
        let edges = slot.deltas(key).fold(slot.segments.edges(key)?, |below, delta| delta.merge(&below));
        Ok(edges.into_iter().map(|(id, time)| Edge { user: UserId(id), time }).collect())
    }

    /// The members of a list, ascending, in place of what `ids` held: for readers of whole graphs, who reuse the room. A list
    /// in which nothing changed since its segment costs what decoding it does.
    ///
    /// # Errors
    ///
    /// A segment that is damaged.
    pub fn ids_into(&self, list: ListRef, ids: &mut Vec<u32>) -> Result<(), StoreError> {
        let (key, slot) = self.key(list);
        ids.clear();
        if let Some(list) = slot.segments.list(key)? {
            list.decode_into(ids);
        }
        for delta in slot.deltas(key) {
            *ids = delta.merge_ids(ids);
        }
        Ok(())
    }

    /// How many members a list has.
    ///
    /// # Errors
    ///
    /// A segment that is damaged.
    pub fn count(&self, list: ListRef) -> Result<u64, StoreError> {
        let (key, slot) = self.key(list);
        let net: i64 = slot.deltas(key).map(Delta::net).sum();
        Ok(slot.segments.count(key)?.saturating_add_signed(net))
    }

    /// How many members the list of each of some users has who follow on one another: a few times as fast as asking for each.
    /// They are told slot by slot.
    ///
    /// # Errors
    ///
    /// A segment that is damaged.
    pub fn counts(
        &self,
        relation: Relation,
        direction: Direction,
        users: Range<u32>,
        mut tell: impl FnMut(UserId, u64),
    ) -> Result<(), StoreError> {
        let slots = u32::from(self.slots.count());
        for (number, slot) in (0..slots).zip(&self.lists) {
            let ordinal_from = |user: u32| user.saturating_sub(number).div_ceil(slots);
            let ordinals = ordinal_from(users.start)..ordinal_from(users.end);
            let counts = slot.segments.counts(relation, direction, ordinals.clone())?;
            for (ordinal, count) in ordinals.zip(counts) {
                let net: i64 = slot.deltas((relation, direction, ordinal)).map(Delta::net).sum();
                tell(self.slots.user_at(SlotNumber(number as u16), ordinal), count.saturating_add_signed(net));
            }
        }
        Ok(())
    }

    /// How many edges of a relation there are, told without reading lists.
    pub fn edge_count(&self, relation: Relation) -> u64 {
        let direction = Direction::Forward;
        let edges = |slot: &FrozenSlot| {
            let deltas = slot.generations.iter().flat_map(|generation| {
                let touched = generation.touched(relation, direction);
                touched.filter_map(move |ordinal| generation.delta(relation, direction, ordinal))
            });
            slot.segments.sizes(relation, direction).edges.saturating_add_signed(deltas.map(Delta::net).sum())
        };
        self.lists.iter().map(edges).sum()
    }

    /// Whether any edge of a relation may have another weight than 1.
    pub fn have_weights(&self, relation: Relation) -> bool {
        let key = (relation, Direction::Forward, 0);
        self.lists.iter().any(|slot| slot.segments.have_weights(key))
    }

    /// The weight of each member of a list, which are all that it has, ascending; none where the segment keeps none, so that
    /// all are 1.
    ///
    /// # Errors
    ///
    /// A segment that is damaged.
    pub fn weights_of(&self, list: ListRef, ids: &[u32]) -> Result<Vec<f64>, StoreError> {
        let (key, slot) = self.key(list);
        Ok(slot.segments.weights(key, slot.deltas(key), ids)?)
    }

    /// The weight of each edge of a list, which are all that it has, by id; none where all are 1.
    ///
    /// # Errors
    ///
    /// A segment that is damaged.
    pub fn weights(&self, list: ListRef, edges: &[Edge]) -> Result<Vec<f64>, StoreError> {
        let (key, slot) = self.key(list);
        if !slot.segments.have_weights(key) {
            return Ok(Vec::new());
        }
        let ids: Vec<u32> = edges.iter().map(|edge| edge.user.0).collect();
        let weights = self.weights_of(list, &ids)?;
        Ok(if weights.iter().all(|weight| *weight == DEFAULT_WEIGHT) { Vec::new() } else { weights })
    }

    fn key(&self, list: ListRef) -> (Key, &FrozenSlot) {
        let ListRef { relation, direction, user } = list;
        let slot = &self.lists[usize::from(self.slots.slot_of(user).0)];
        ((relation, direction, self.slots.ordinal_of(user)), slot)
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

    /// The same of some users.
    pub(crate) fn lists_of(
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
