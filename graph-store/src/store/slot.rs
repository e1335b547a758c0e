//! One slot: its segments, the frozen generations over them, and the active one on top. The only place where lists
//! change.

use std::sync::Arc;

use base::{Direction, Edge, ListRef, Relation, Revision, Slots, UserId};
use parking_lot::{RwLock, RwLockWriteGuard};
use roaring::RoaringBitmap;

use super::segments::Segments;
use crate::log::{Ended, Operation, Record};
use crate::overlay::{Delta, Generation};
use crate::segment::SegmentError;

/// The lists of one slot, readable at all times.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Slots,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    segments: Arc<Segments>,
    /// What the segments stand for.
    revision: Revision,
    /// Oldest first.
    frozen: Vec<Arc<Generation>>,
    active: Generation,
}

/// One list as it was at one moment: what the segment has, and what changed since.
struct Layers {
    segments: Arc<Segments>,
    deltas: Vec<Delta>,
}

impl Slot {
    pub(crate) fn new(slots: Slots, segments: Segments, revision: Revision) -> Self {
        let state = State { segments: Arc::new(segments), revision, frozen: Vec::new(), active: Generation::default() };
        Slot { slots, state: RwLock::new(state) }
    }

    /// Whether `member` is in the list.
    pub(crate) fn contains(&self, list: ListRef, member: UserId) -> Result<bool, SegmentError> {
        let (key, state) = (self.key(list), self.state.read());
        let touched = state.deltas(key).find_map(|delta| delta.entry(member.0));
        match touched {
            Some(entry) => Ok(entry.time().is_some()),
            None => state.segments.contains(key, member.0),
        }
    }

    /// Which of `members` are in the list, in their order.
    pub(crate) fn contains_each(&self, list: ListRef, members: &[UserId]) -> Result<Vec<bool>, SegmentError> {
        let (key, state) = (self.key(list), self.state.read());
        let deltas: Vec<&Delta> = state.deltas(key).collect();
        let touched = |member: &UserId| deltas.iter().find_map(|delta| delta.entry(member.0));
        let now = |member: &UserId| touched(member).map(|entry| entry.time().is_some());
        let changed: Vec<Option<bool>> = if deltas.is_empty() { Vec::new() } else { members.iter().map(now).collect() };
        let segments = state.segments.clone();
        // Pages of the segment may have to come from the disk, for which no writer should wait.
        drop(state);
        let below = segments.list(key)?;
        let changed = changed.into_iter().chain(std::iter::repeat(None));
        let contains = |(member, changed): (&UserId, Option<bool>)| {
            changed.unwrap_or_else(|| below.as_ref().is_some_and(|below| below.contains(member.0)))
        };
        Ok(members.iter().zip(changed).map(contains).collect())
    }

    /// The size of the list.
    pub(crate) fn count(&self, list: ListRef) -> Result<u64, SegmentError> {
        let (key, state) = (self.key(list), self.state.read());
        let net: i64 = state.deltas(key).map(Delta::net).sum();
        Ok(state.segments.count(key)?.saturating_add_signed(net))
    }

    /// The revision of the list's last change; zero where it never had one.
    pub(crate) fn version(&self, list: ListRef) -> Result<Revision, SegmentError> {
        let (key, state) = (self.key(list), self.state.read());
        let newest = state.deltas(key).next().map(Delta::version);
        newest.map_or_else(|| state.segments.version(key), Ok)
    }

    /// The members of the list.
    pub(crate) fn members(&self, list: ListRef) -> Result<RoaringBitmap, SegmentError> {
        let (key, layers) = (self.key(list), self.layers(list));
        let mut members = layers.segments.members(key)?;
        layers.deltas.iter().for_each(|delta| delta.apply_to(&mut members));
        Ok(members)
    }

    /// The members of the list with their times, by id.
    pub(crate) fn edges(&self, list: ListRef) -> Result<Vec<Edge>, SegmentError> {
        let (key, layers) = (self.key(list), self.layers(list));
        let below = layers.segments.edges(key)?;
        let edges = layers.deltas.iter().fold(below, |below, delta| delta.merge(&below));
        Ok(edges.into_iter().map(|(id, time)| Edge { user: UserId(id), time }).collect())
    }

    /// What the segments stand for.
    pub(crate) fn revision(&self) -> Revision {
        self.state.read().revision
    }

    /// The segments as they are now.
    pub(crate) fn segments(&self) -> Arc<Segments> {
        self.state.read().segments.clone()
    }

    /// Changes in memory.
    pub(crate) fn changes(&self) -> usize {
        let state = self.state.read();
        state.frozen.iter().map(|generation| generation.changes()).sum::<usize>() + state.active.changes()
    }

    /// Makes the active generation immutable and begins another. Nothing to do where nothing changed.
    pub(crate) fn freeze(&self) {
        let mut state = self.state.write();
        if state.active.changes() > 0 {
            let active = std::mem::take(&mut state.active);
            state.frozen.push(Arc::new(active));
        }
    }

    /// The frozen generations, oldest first.
    pub(crate) fn frozen(&self) -> Vec<Arc<Generation>> {
        self.state.read().frozen.clone()
    }

    /// Puts segments in place that hold all that the `written` oldest frozen generations held.
    pub(crate) fn replace_segments(&self, segments: Segments, revision: Revision, written: usize) {
        let mut state = self.state.write();
        state.segments = Arc::new(segments);
        state.revision = revision;
        state.frozen.drain(..written);
    }

    /// Lets unchanged segments stand for a newer revision.
    pub(crate) fn advance(&self, revision: Revision) {
        self.state.write().revision = revision;
    }

    fn key(&self, list: ListRef) -> (Relation, Direction, u32) {
        (list.relation, list.direction, self.slots.ordinal_of(list.user))
    }

    fn layers(&self, list: ListRef) -> Layers {
        let (key, state) = (self.key(list), self.state.read());
        let mut deltas: Vec<Delta> = state.deltas(key).cloned().collect();
        deltas.reverse();
        Layers { segments: state.segments.clone(), deltas }
    }
}

impl State {
    /// The deltas of one list, newest first.
    fn deltas(&self, (relation, direction, ordinal): (Relation, Direction, u32)) -> impl Iterator<Item = &Delta> {
        let frozen = self.frozen.iter().rev().map(AsRef::as_ref);
        std::iter::once(&self.active)
            .chain(frozen)
            .filter_map(move |generation: &Generation| generation.delta(relation, direction, ordinal))
    }

    fn set(&mut self, slots: Slots, list: ListRef, member: UserId, time: Option<u32>, revision: Revision) {
        let key = (list.relation, list.direction, slots.ordinal_of(list.user));
        match time {
            Some(time) => self.active.add(key, member.0, time, revision),
            None => self.active.remove(key, member.0, revision),
        }
    }
}

/// Applies a record to the slots of both its users, which no reader can see one without the other. A slot whose
/// segments stand for the record's revision already is left alone.
pub(crate) fn apply(lists: &[Slot], slots: Slots, record: &Record, revision: Revision) {
    let Record::Change { relation, operation, source, target, time, ended } = record else { return };
    let [source_slot, target_slot] = [*source, *target].map(|user| usize::from(slots.slot_of(user).0));
    // Always the lower slot first, so that nobody waits in a circle.
    let mut low = lists[source_slot.min(target_slot)].state.write();
    let mut high = (source_slot != target_slot).then(|| lists[source_slot.max(target_slot)].state.write());
    let time = (*operation == Operation::Add).then_some(*time);
    let mut set = |list: ListRef, member: UserId, time: Option<u32>| {
        let in_high = slots.slot_of(list.user).0 as usize != source_slot.min(target_slot);
        let state: &mut RwLockWriteGuard<'_, State> =
            if in_high { high.as_mut().unwrap_or(&mut low) } else { &mut low };
        if state.revision < revision {
            state.set(slots, list, member, time, revision);
        }
    };
    let mut edge = |relation, source, target, time| {
        set(ListRef::forward(relation, source), target, time);
        set(ListRef::reverse(relation, target), source, time);
    };
    edge(*relation, *source, *target, time);
    let Ended { by_source, by_target } = *ended;
    if by_source {
        edge(Relation::Follow, *source, *target, None);
    }
    if by_target {
        edge(Relation::Follow, *target, *source, None);
    }
}
