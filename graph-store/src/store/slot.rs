//! One slot: its segments, the frozen generations over them, and the active one on top. The only place where lists
//! change.

use std::sync::Arc;

use base::{Direction, Edge, ListRef, Relation, Revision, Slots, UserId};
use roaring::RoaringBitmap;

use super::layers::{Frozen, Layer, Layers, State};
use super::pressure::Pressure;
use super::segments::{Key, Segments};
use super::view::ListView;
use crate::log::{Ended, Operation, Record};
use crate::overlay::{Delta, Entry, Generation};
use crate::segment::SegmentError;

/// The lists of one slot, readable at all times.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Slots,
    layers: Layers<Segments, Generation>,
    /// Of the overlay of all slots.
    pressure: Arc<Pressure>,
}

impl Layer for Generation {
    fn is_empty(&self) -> bool {
        self.changes() == 0
    }
}

/// One list as it was at one moment: what the segment has, and what changed since.
struct Lists {
    segments: Arc<Segments>,
    /// Oldest first.
    deltas: Vec<Delta>,
}

/// One member comes to a list, or leaves it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    list: ListRef,
    member: UserId,
    /// None where it leaves.
    time: Option<u32>,
}

impl Slot {
    pub(super) fn new(slots: Slots, segments: Segments, revision: Revision, pressure: Arc<Pressure>) -> Self {
        Slot { slots, layers: Layers::new(segments, revision), pressure }
    }

    /// Whether `member` is in the list.
    pub(crate) fn contains(&self, list: ListRef, member: UserId) -> Result<bool, SegmentError> {
        let key = self.key(list);
        let segments = {
            let state = self.layers.read();
            if let Some(entry) = deltas(&state, key).find_map(|delta| delta.entry(member.0)) {
                return Ok(entry.time().is_some());
            }
            state.base.clone()
        };
        // The segments may have to come from the disk: a writer that waited for that would hold up every reader.
        segments.contains(key, member.0)
    }

    /// Which of `members` are in the list, in their order.
    pub(crate) fn contains_each(&self, list: ListRef, members: &[UserId]) -> Result<Vec<bool>, SegmentError> {
        let key = self.key(list);
        let (segments, changed) = {
            let state = self.layers.read();
            let deltas: Vec<&Delta> = deltas(&state, key).collect();
            let touched = |member: &UserId| deltas.iter().find_map(|delta| delta.entry(member.0));
            let changed = |member| touched(member).map(|entry| entry.time().is_some());
            let changed: Vec<Option<bool>> =
                if deltas.is_empty() { Vec::new() } else { members.iter().map(changed).collect() };
            (state.base.clone(), changed)
        };
        // As in `contains`: not under the lock. Where nothing changed, nothing is said of anybody.
        let below = segments.list(key)?;
        let changed = changed.into_iter().chain(std::iter::repeat(None));
        let contains = |(member, changed): (&UserId, Option<bool>)| {
            changed.unwrap_or_else(|| below.as_ref().is_some_and(|below| below.contains(member.0)))
        };
        Ok(members.iter().zip(changed).map(contains).collect())
    }

    /// The size of the list.
    pub(crate) fn count(&self, list: ListRef) -> Result<u64, SegmentError> {
        let key = self.key(list);
        let (segments, net) = {
            let state = self.layers.read();
            (state.base.clone(), deltas(&state, key).map(Delta::net).sum())
        };
        Ok(segments.count(key)?.saturating_add_signed(net))
    }

    /// The revision of the list's last change; zero where it never had one.
    pub(crate) fn version(&self, list: ListRef) -> Result<Revision, SegmentError> {
        let key = self.key(list);
        let (segments, newest) = {
            let state = self.layers.read();
            (state.base.clone(), deltas(&state, key).next().map(Delta::version))
        };
        newest.map_or_else(|| segments.version(key), Ok)
    }

    /// The members of the list.
    pub(crate) fn members(&self, list: ListRef) -> Result<RoaringBitmap, SegmentError> {
        let (key, lists) = (self.key(list), self.lists(list));
        let mut members = lists.segments.members(key)?;
        lists.deltas.iter().for_each(|delta| delta.apply_to(&mut members));
        Ok(members)
    }

    /// The members of the list, ascending.
    pub(crate) fn ids(&self, list: ListRef) -> Result<Vec<u32>, SegmentError> {
        let key = self.key(list);
        let (segments, untouched) = {
            let state = self.layers.read();
            (state.base.clone(), deltas(&state, key).next().is_none())
        };
        if untouched { segments.ids(key) } else { Ok(self.members(list)?.into_iter().collect()) }
    }

    /// Tells, ascending, those of `within`, strictly increasing, who are in the list. Reads the list where it lies, and
    /// holds nobody up while it does.
    pub(crate) fn each_common(
        &self,
        list: ListRef,
        within: &[u32],
        found: &mut dyn FnMut(u32),
    ) -> Result<(), SegmentError> {
        let key = self.key(list);
        let (segments, touched) = {
            let state = self.layers.read();
            let deltas: Vec<&Delta> = deltas(&state, key).collect();
            let entry = |id: &u32| deltas.iter().find_map(|delta| delta.entry(*id));
            let touched: Vec<Entry> =
                if deltas.is_empty() { Vec::new() } else { within.iter().filter_map(entry).collect() };
            (state.base.clone(), touched)
        };
        let mut touched = touched.into_iter().peekable();
        segments.each_membership(key, within, &mut |id, below| {
            let now = touched.next_if(|entry| entry.id == id);
            if now.map_or(below, |entry| entry.time().is_some()) {
                found(id);
            }
        })
    }

    /// The members of the list with their times, by id.
    pub(crate) fn edges(&self, list: ListRef) -> Result<Vec<Edge>, SegmentError> {
        self.view(list).edges()
    }

    /// The list as it is now.
    pub(crate) fn view(&self, list: ListRef) -> ListView {
        let (key, lists) = (self.key(list), self.lists(list));
        ListView::new(lists.segments, key, lists.deltas.into_iter().rev().collect())
    }

    /// What the segments stand for.
    pub(crate) fn revision(&self) -> Revision {
        self.layers.read().revision
    }

    /// The segments as they are now.
    pub(crate) fn segments(&self) -> Arc<Segments> {
        self.layers.read().base.clone()
    }

    /// Changes in memory.
    pub(crate) fn changes(&self) -> usize {
        let state = self.layers.read();
        state.frozen.iter().map(|generation| generation.changes()).sum::<usize>() + state.active.changes()
    }

    /// Bytes of memory that the changes take.
    pub(crate) fn overlay_bytes(&self) -> usize {
        let state = self.layers.read();
        state.frozen.iter().map(|generation| generation.bytes()).sum::<usize>() + state.active.bytes()
    }

    /// Makes the active generation immutable and begins another. Every change up to `visible` must have been applied.
    pub(super) fn freeze(&self, visible: Revision) -> Frozen<Segments, Generation> {
        self.layers.freeze(visible)
    }

    /// The frozen generations, oldest first.
    pub(crate) fn frozen(&self) -> Vec<Arc<Generation>> {
        self.layers.read().frozen.clone()
    }

    /// Puts segments in place that hold all that the `written` oldest frozen generations held.
    pub(crate) fn replace_segments(&self, segments: Segments, revision: Revision, written: usize) {
        let (_old, layers) = self.layers.replace_base(segments, revision, written);
        let bytes = layers.iter().map(|generation| generation.bytes()).sum();
        // Memory first, then the word that it is free.
        drop(layers);
        self.pressure.free(bytes);
    }

    /// Lets unchanged segments stand for `visible`, up to which every change must have been applied. Returns what the
    /// segments stand for.
    pub(crate) fn advance(&self, visible: Revision) -> Revision {
        self.layers.advance(visible)
    }

    /// Applies steps of lists that are all of this slot, in order, each with its revision. Those that the segments stand
    /// for already are left out. Readers wait meanwhile.
    pub(super) fn replay(&self, steps: &[(Step, Revision)]) {
        let mut state = self.layers.write();
        let before = state.active.bytes();
        for (step, revision) in steps {
            apply_step(&mut state, self.slots, step, *revision);
        }
        self.pressure.grow(state.active.bytes() - before);
    }

    fn key(&self, list: ListRef) -> Key {
        key(self.slots, list)
    }

    fn lists(&self, list: ListRef) -> Lists {
        let (key, state) = (self.key(list), self.layers.read());
        let mut deltas: Vec<Delta> = deltas(&state, key).cloned().collect();
        deltas.reverse();
        Lists { segments: state.base.clone(), deltas }
    }
}

impl Step {
    /// What a record does to lists, in order; nothing where it is about something else.
    pub(super) fn of(record: &Record) -> impl Iterator<Item = Step> {
        let edges = match record {
            Record::Change { relation, operation, source, target, time, ended: Ended { by_source, by_target } } => {
                let time = (*operation == Operation::Add).then_some(*time);
                [
                    Some((*relation, *source, *target, time)),
                    by_source.then_some((Relation::Follow, *source, *target, None)),
                    by_target.then_some((Relation::Follow, *target, *source, None)),
                ]
            }
            _ => [None; 3],
        };
        edges.into_iter().flatten().flat_map(|(relation, source, target, time)| {
            [
                Step { list: ListRef::forward(relation, source), member: target, time },
                Step { list: ListRef::reverse(relation, target), member: source, time },
            ]
        })
    }

    /// Whose list it is.
    pub(super) fn user(&self) -> UserId {
        self.list.user
    }
}

/// Applies a record to the slots of both its users, which no reader can see one without the other. A slot whose
/// segments stand for the record's revision already is left alone.
pub(super) fn apply(lists: &[Slot], slots: Slots, record: &Record, revision: Revision) {
    let Record::Change { source, target, .. } = record else { return };
    let [source_slot, target_slot] = [*source, *target].map(|user| usize::from(slots.slot_of(user).0));
    // Always the lower slot first, so that nobody waits in a circle.
    let low_slot = source_slot.min(target_slot);
    let mut low = lists[low_slot].layers.write();
    let mut high = (source_slot != target_slot).then(|| lists[source_slot.max(target_slot)].layers.write());
    let mut grown = 0;
    for step in Step::of(record) {
        let in_low = usize::from(slots.slot_of(step.user()).0) == low_slot;
        let state = if in_low { &mut low } else { high.as_mut().unwrap_or(&mut low) };
        let before = state.active.bytes();
        apply_step(state, slots, &step, revision);
        grown += state.active.bytes() - before;
    }
    lists[low_slot].pressure.grow(grown);
}

fn apply_step(state: &mut State<Segments, Generation>, slots: Slots, step: &Step, revision: Revision) {
    if revision <= state.revision {
        return;
    }
    let (key, member) = (key(slots, step.list), step.member.0);
    match step.time {
        Some(time) => state.active.add(key, member, time, revision),
        None => state.active.remove(key, member, revision),
    }
    state.applied = revision;
}

fn key(slots: Slots, list: ListRef) -> Key {
    (list.relation, list.direction, slots.ordinal_of(list.user))
}

/// The deltas of one list, newest first.
fn deltas(
    state: &State<Segments, Generation>,
    (relation, direction, ordinal): (Relation, Direction, u32),
) -> impl Iterator<Item = &Delta> {
    let frozen = state.frozen.iter().rev().map(AsRef::as_ref);
    std::iter::once(&state.active)
        .chain(frozen)
        .filter_map(move |generation: &Generation| generation.delta(relation, direction, ordinal))
}
