//! Rebuilding what is damaged out of what is whole, where that gives exactly what there was.
//!
//! Every edge is in two lists, with its time and weight: in the forward list of its source and in the reverse list of its target.
//! So the segments of one direction can be made again from those of the other, as long as for each relation only one
//! direction is damaged. What a rebuilt list does not tell is when it last changed, and whether it was emptied or never
//! had members: all lists of a rebuilt segment, those that are empty too, count as changed at the newest revision, so that
//! whoever has kept one looks again.
//!
//! Nothing else is repaired, because nothing else is there twice: the manifest, the catalog, the external ids, the log.
//! Leftover files and the torn end of the log are not damage; every opening deals with them.
//!
//! The new segments of all slots come into being together, when the manifest is renamed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use base::clock::Clock;
use base::disk::Disk;
use base::{Direction, ListRef, Relation, Slot as SlotNumber, Slots, UserId};
use serde::Serialize;

use super::manifest::{Manifest, SlotFiles};
use super::open::{assemble, lock, sync_names};
use super::segments::{KnownWeights, Rewrite, Segments};
use super::{Options, Shared, Snapshot, Store, StoreError};
use crate::log::FileLog;
use crate::overlay::{Generation, place};
use crate::segment::DEFAULT_WEIGHT;

/// What a repair found and did.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Repairs {
    /// What was damaged and is whole again: what was wrong with it, and what it was made from.
    pub rebuilt: Vec<String>,
    /// What is damaged and cannot be made again. Where there is any, nothing was changed.
    pub refused: Vec<String>,
}

/// Which segment of a slot.
type Place = (Relation, Direction);
/// Damaged segments, and what is wrong with each.
type Damage = BTreeMap<(SlotNumber, Place), String>;

impl Store {
    /// Verifies every segment of a folder that nobody has open, and rebuilds those that are damaged or missing.
    ///
    /// In memory are the edges of the rebuilt lists of one slot, sixteen bytes each, and sixteen more where the
    /// weight is not 1.
    ///
    /// # Errors
    ///
    /// A folder without a store, or in use; damage of anything but segments; a disk that says no. Nothing was changed.
    pub fn repair(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        folder: &Path,
        options: Options,
    ) -> Result<Repairs, StoreError> {
        let lock = lock(disk.as_ref(), folder)?;
        let no_manifest = || StoreError::NoManifest { folder: folder.to_owned() };
        let manifest = Manifest::read(disk.as_ref(), folder)?.ok_or_else(no_manifest)?;
        sync_names(disk.as_ref(), folder)?;
        let slots = Slots::new(manifest.slots).ok_or(StoreError::Slots { found: manifest.slots, wanted: 0 })?;
        let mut damage = Damage::new();
        for (slot, files) in slots.all().zip(&manifest.slots_state) {
            let found = Segments::damage(disk.as_ref(), folder, slots, slot, files.segments);
            damage.extend(found.into_iter().map(|(place, wrong)| ((slot, place), wrong)));
        }
        let refused = refused(&damage);
        if damage.is_empty() || !refused.is_empty() {
            return Ok(Repairs { rebuilt: Vec::new(), refused });
        }
        let mut without = manifest.clone();
        for (slot, (relation, direction)) in damage.keys() {
            without.slots_state[usize::from(slot.0)].segments[place(*relation, *direction)] = None;
        }
        let (log, _) = FileLog::open(disk.clone(), &folder.join("log"))?;
        let shared = assemble((disk, clock), folder, options, without, log, lock)?;
        shared.replay()?;
        let visible = shared.revision();
        shared.lists.iter().for_each(|slot| drop(slot.freeze(visible)));
        shared.rebuild(manifest, &damage, &shared.snapshot(visible, ()))?;
        let rebuilt = |((slot, at), wrong): &((SlotNumber, Place), String)| {
            format!("{}, from the {} lists: {wrong}", name_of(*slot, *at), other(at.1).name())
        };
        Ok(Repairs { rebuilt: Vec::from_iter(damage).iter().map(rebuilt).collect(), refused: Vec::new() })
    }
}

/// What cannot be made again: relations that are damaged in both directions.
fn refused(damage: &Damage) -> Vec<String> {
    let is_damaged = |place| damage.keys().any(|(_, damaged)| *damaged == place);
    let is_lost = |relation| Direction::ALL.into_iter().all(|direction| is_damaged((relation, direction)));
    let refused = |((slot, at), wrong): (&(SlotNumber, Place), &String)| {
        format!("{}, while {} lists are damaged, too: {wrong}", name_of(*slot, *at), other(at.1).name())
    };
    damage.iter().filter(|((_, (relation, _)), _)| is_lost(*relation)).map(refused).collect()
}

fn other(direction: Direction) -> Direction {
    Direction::ALL[1 - direction as usize]
}

fn name_of(slot: SlotNumber, (relation, direction): Place) -> String {
    format!("{} {} lists of slot {slot}", relation.name(), direction.name())
}

impl Shared {
    /// Writes the damaged segments again and commits them. `manifest` still names the damaged ones, `snapshot` has what
    /// is whole.
    fn rebuild(&self, manifest: Manifest, damage: &Damage, snapshot: &Snapshot) -> Result<(), StoreError> {
        let (disk, folder, options) = (self.disk.as_ref(), self.folder.as_path(), &self.options);
        let revision = snapshot.revision();
        let number = || self.manifest.lock().take_number();
        let mut next = manifest;
        for slot in self.slots.all() {
            let places: Vec<Place> = damage.keys().filter(|(damaged, _)| *damaged == slot).map(|(_, at)| *at).collect();
            if places.is_empty() {
                continue;
            }
            let mut rebuilt = Rebuilt::default();
            for place in places {
                rebuilt.gather(snapshot, slot, place)?;
            }
            let lists = &self.lists[usize::from(slot.0)];
            // On top of what the log has for these lists, all of which is in the other direction, too.
            let changes = [lists.frozen(), vec![Arc::new(rebuilt.generation)]].concat();
            let (added, known_weights) = ([None, None], &rebuilt.weights);
            let rewrite = Rewrite { disk, folder, changes: &changes, added, known_weights, revision, options };
            let segments = rewrite.run(&lists.segments(), number)?;
            let files = SlotFiles { revision: revision.0, segments: segments.numbers() };
            next.slots_state[usize::from(slot.0)] = files;
        }
        next.next_number = self.manifest.lock().next_number;
        self.write_manifest(&next)
    }
}

/// Lists of one slot that were made again.
#[derive(Default)]
struct Rebuilt {
    generation: Generation,
    weights: KnownWeights,
}

impl Rebuilt {
    /// Makes the lists of a place of one slot from the lists of the other direction.
    fn gather(
        &mut self,
        snapshot: &Snapshot,
        slot: SlotNumber,
        (relation, direction): Place,
    ) -> Result<(), StoreError> {
        let (slots, revision) = (snapshot.slots(), snapshot.revision());
        let key = |user| (relation, direction, slots.ordinal_of(user));
        for user in snapshot.users_in(slot) {
            self.generation.touch(key(user), revision);
        }
        for user in (0..snapshot.users()).map(UserId) {
            let list = ListRef { relation, direction: other(direction), user };
            let edges = snapshot.edges(list)?;
            let weights = snapshot.weights(list, &edges)?;
            let weights = weights.into_iter().chain(std::iter::repeat(DEFAULT_WEIGHT));
            for (edge, weight) in edges.iter().zip(weights).filter(|(edge, _)| slots.slot_of(edge.user) == slot) {
                self.generation.add(key(edge.user), user.0, edge.time, revision);
                if weight != DEFAULT_WEIGHT {
                    self.weights.entry(key(edge.user)).or_default().push((user.0, weight));
                }
            }
        }
        Ok(())
    }
}
