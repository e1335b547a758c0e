//! The segments of one slot: a file pair for each relation and direction that has lists.

mod rewrite;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::disk::Disk;
use base::{Direction, Relation, Revision, Slot, Slots};
use roaring::RoaringBitmap;

pub(super) use rewrite::{KnownWeights, Rewrite};

use super::StoreError;
use crate::adjacency::{Head, List};
use crate::overlay::{Delta, place};
use crate::segment::{DEFAULT_WEIGHT, Segment, SegmentError, SegmentId, SegmentInfo, WEIGHTS_EXTENSION};

/// How many ids of a list are read in the time that one lookup takes.
const READ_PER_LOOKUP: usize = 16;

/// A list of a slot: relation, direction and ordinal.
pub(crate) type Key = (Relation, Direction, u32);

/// The segments of one slot, in the order of the manifest.
#[derive(Debug)]
pub(crate) struct Segments {
    slots: Slots,
    slot: Slot,
    files: [Option<Arc<Segment>>; 6],
}

fn places() -> impl Iterator<Item = (Relation, Direction)> {
    Relation::ALL.into_iter().flat_map(|relation| Direction::ALL.map(|direction| (relation, direction)))
}

/// Whether a file in the folder of segments is one of ours, by its name.
pub(super) fn is_segment_file(name: &str) -> bool {
    // The most slots that there can be: names of every store are told.
    Slots::new(Slots::MAX).is_some_and(|slots| SegmentId::parse(name, slots).is_some())
}

impl Segments {
    /// Opens the files with these numbers.
    pub(super) fn open(
        disk: &dyn Disk,
        folder: &Path,
        slots: Slots,
        slot: Slot,
        numbers: [Option<u64>; 6],
    ) -> Result<Self, StoreError> {
        let mut files = [const { None }; 6];
        for (relation, direction) in places() {
            if let Some(number) = numbers[place(relation, direction)] {
                let id = SegmentId { slot, slots, relation, direction, number };
                let segment = Segment::open(disk, &segments_folder(folder).join(id.file_name()))?;
                files[place(relation, direction)] = Some(Arc::new(segment));
            }
        }
        Ok(Segments { slots, slot, files })
    }

    /// The paths of the files with these numbers, and of the weights that they may have beside them: a segment knows
    /// whether it has any, its number does not.
    pub(super) fn paths(folder: &Path, slot: Slot, numbers: [Option<u64>; 6]) -> Vec<PathBuf> {
        let ids = places().filter_map(|(relation, direction)| {
            let number = numbers[place(relation, direction)]?;
            // The number of slots is not part of the name.
            Some(SegmentId { slot, slots: Slots::default(), relation, direction, number })
        });
        let folder = segments_folder(folder);
        let names = ids.flat_map(|id| [id.file_name(), id.times_name(), id.weights_name()]);
        names.map(|name| folder.join(name)).collect()
    }

    /// Whether a path of a segment's file is that of its weights.
    pub(super) fn is_weights(path: &Path) -> bool {
        path.extension().is_some_and(|extension| extension == WEIGHTS_EXTENSION)
    }

    /// The paths of these files.
    pub(super) fn own_paths(&self, folder: &Path) -> Vec<PathBuf> {
        Segments::paths(folder, self.slot, self.numbers())
    }

    /// The number of each file.
    pub(super) fn numbers(&self) -> [Option<u64>; 6] {
        self.files.each_ref().map(|file| file.as_ref().map(|segment| segment.id().number))
    }

    /// The sizes of one file pair; zero where there is none.
    pub(super) fn sizes(&self, relation: Relation, direction: Direction) -> SegmentInfo {
        self.segment(relation, direction).map(|segment| segment.info()).unwrap_or_default()
    }

    pub(super) fn contains(&self, key: Key, id: u32) -> Result<bool, SegmentError> {
        Ok(self.list(key)?.is_some_and(|list| list.contains(id)))
    }

    pub(super) fn count(&self, key: Key) -> Result<u64, SegmentError> {
        Ok(self.head(key)?.len as u64)
    }

    /// How many members each of the lists at some ordinals has that follow on one another.
    pub(super) fn counts(
        &self,
        relation: Relation,
        direction: Direction,
        ordinals: Range<u32>,
    ) -> Result<Vec<u64>, SegmentError> {
        let Some(segment) = self.segment(relation, direction) else { return Ok(vec![0; ordinals.len()]) };
        Ok(segment.heads(ordinals)?.into_iter().map(|head| head.len as u64).collect())
    }

    pub(super) fn version(&self, key: Key) -> Result<Revision, SegmentError> {
        Ok(Revision(self.head(key)?.version))
    }

    pub(super) fn members(&self, key: Key) -> Result<RoaringBitmap, SegmentError> {
        let Some(segment) = self.segment(key.0, key.1) else { return Ok(RoaringBitmap::new()) };
        segment.members(key.2)
    }

    /// All ids, ascending.
    pub(super) fn ids(&self, key: Key) -> Result<Vec<u32>, SegmentError> {
        let mut ids = Vec::new();
        if let Some(list) = self.list(key)? {
            list.decode_into(&mut ids);
        }
        Ok(ids)
    }

    /// Tells for each of `within`, strictly increasing, whether it is in the list: by a lookup for each, or by reading
    /// the list from the first to the last of them, whichever costs less.
    pub(super) fn each_membership(
        &self,
        key: Key,
        within: &[u32],
        tell: &mut dyn FnMut(u32, bool),
    ) -> Result<(), SegmentError> {
        let (Some(first), Some(list)) = (within.first(), self.list(key)?) else {
            within.iter().for_each(|id| tell(*id, false));
            return Ok(());
        };
        if list.len() / READ_PER_LOOKUP > within.len() {
            within.iter().for_each(|id| tell(*id, list.contains(*id)));
            return Ok(());
        }
        let mut members = list.iter_from(*first).peekable();
        for id in within {
            while members.next_if(|member| member < id).is_some() {}
            tell(*id, members.peek() == Some(id));
        }
        Ok(())
    }

    /// Ids and times, by id.
    pub(super) fn edges(&self, key: Key) -> Result<Vec<(u32, u32)>, SegmentError> {
        let Some(segment) = self.segment(key.0, key.1) else { return Ok(Vec::new()) };
        let Some(list) = segment.list(key.2)? else { return Ok(Vec::new()) };
        let (mut ids, mut times) = (Vec::with_capacity(list.len()), Vec::with_capacity(list.len()));
        list.decode_into(&mut ids);
        segment.times().decode_into(key.2, ids.len(), &mut times)?;
        Ok(ids.into_iter().zip(times).collect())
    }

    /// Whether any edge of a list like this may have another weight than 1.
    pub(super) fn have_weights(&self, (relation, direction, _): Key) -> bool {
        self.segment(relation, direction).is_some_and(|segment| segment.weights().exist())
    }

    /// The weights of a list under deltas, where those leave it with these ids; none where the file has none. An edge
    /// that came about since has the weight of those that come without one, even if it had been there before.
    pub(super) fn weights<'a>(
        &self,
        key: Key,
        deltas: impl Iterator<Item = &'a Delta> + Clone,
        ids: &[u32],
    ) -> Result<Vec<f64>, SegmentError> {
        let Some(segment) = self.segment(key.0, key.1).filter(|segment| segment.weights().exist()) else {
            return Ok(Vec::new());
        };
        let (mut ids_before, mut weights_before) = (Vec::new(), Vec::new());
        if let Some(list) = segment.list(key.2)? {
            list.decode_into(&mut ids_before);
            segment.weights().decode_into(key.2, ids_before.len(), &mut weights_before)?;
        }
        let mut before = ids_before.into_iter().zip(weights_before).peekable();
        let weights = ids.iter().map(|id| {
            while before.next_if(|(other, _)| other < id).is_some() {}
            let weight = before.next_if(|(other, _)| other == id).map(|(_, weight)| weight);
            let touched = deltas.clone().any(|delta| delta.entry(*id).is_some());
            weight.filter(|_| !touched).unwrap_or(DEFAULT_WEIGHT)
        });
        Ok(weights.collect())
    }

    /// What is wrong with the files with these numbers, where anything is.
    pub(super) fn damage(
        disk: &dyn Disk,
        folder: &Path,
        slots: Slots,
        slot: Slot,
        numbers: [Option<u64>; 6],
    ) -> Vec<((Relation, Direction), String)> {
        let damage = |(relation, direction)| {
            let id = SegmentId { slot, slots, relation, direction, number: numbers[place(relation, direction)]? };
            let segment = Segment::open(disk, &segments_folder(folder).join(id.file_name()));
            let error = segment.and_then(|segment| segment.verify_all()).err()?;
            Some(((relation, direction), base::error::chain(&error)))
        };
        places().filter_map(damage).collect()
    }

    /// Verifies every block and every list, and tells what is wrong.
    pub(super) fn verify(&self, find: &mut dyn FnMut(String)) {
        for segment in self.files.iter().flatten() {
            if let Err(error) = segment.verify_all() {
                find(base::error::chain(&error));
            }
        }
    }

    /// One file pair, if there are any such lists.
    pub(super) fn segment(&self, relation: Relation, direction: Direction) -> Option<&Segment> {
        self.files[place(relation, direction)].as_deref()
    }

    fn head(&self, (relation, direction, ordinal): Key) -> Result<Head, SegmentError> {
        self.segment(relation, direction).map_or(Ok(Head::default()), |segment| segment.head(ordinal))
    }

    /// The list where it lies.
    pub(super) fn list(&self, (relation, direction, ordinal): Key) -> Result<Option<List<'_>>, SegmentError> {
        self.segment(relation, direction).map_or(Ok(None), |segment| segment.list(ordinal))
    }
}

pub(super) fn segments_folder(folder: &Path) -> PathBuf {
    folder.join("segments")
}
