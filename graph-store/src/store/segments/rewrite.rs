//! New segments of a slot: the lists that it has, under changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use base::disk::Disk;
use base::{Direction, Relation, Revision};

use super::{Key, Segments, places, segments_folder};
use crate::adjacency::List;
use crate::overlay::{Delta, Generation, place};
use crate::segment::{Columns, DEFAULT_WEIGHT, Segment, SegmentError, SegmentId, SegmentWriter};
use crate::store::{Options, StoreError};

/// Weights other than 1 by list, each list's by member.
pub(in crate::store) type KnownWeights = BTreeMap<Key, Vec<(u32, f64)>>;

/// What is written, where and how.
pub(in crate::store) struct Rewrite<'a> {
    pub(in crate::store) disk: &'a dyn Disk,
    /// The store's folder.
    pub(in crate::store) folder: &'a Path,
    /// Oldest first.
    pub(in crate::store) changes: &'a [Arc<Generation>],
    /// Follows, forward and reverse, that came in bulk at the revision: none of them is in the segments or the changes.
    pub(in crate::store) added: [Option<Arc<Segment>>; 2],
    /// The weights of lists that the changes alone make up.
    pub(in crate::store) known_weights: &'a KnownWeights,
    /// What the new segments stand for.
    pub(in crate::store) revision: Revision,
    pub(in crate::store) options: &'a Options,
}

impl Rewrite<'_> {
    /// The segments of `old` under the changes, as new files with the numbers that `number` gives out. Files without
    /// changes stay as they are. Where it fails, what it wrote is removed again.
    pub(in crate::store) fn run(&self, old: &Segments, number: impl Fn() -> u64) -> Result<Segments, StoreError> {
        let mut numbers = [None; 6];
        let written = self.write(old, number, &mut numbers);
        if written.is_err() {
            for path in Segments::paths(self.folder, old.slot, numbers) {
                // What cannot be removed either is removed at the next open.
                let _ = self.disk.remove(&path);
            }
        }
        written
    }

    /// Writes the files that have changes, and notes the number of each before it is begun.
    fn write(
        &self,
        old: &Segments,
        number: impl Fn() -> u64,
        numbers: &mut [Option<u64>; 6],
    ) -> Result<Segments, StoreError> {
        let folder = segments_folder(self.folder);
        let mut files = old.files.clone();
        for (relation, direction) in places() {
            let touched = self.changes.iter().flat_map(|generation| generation.touched(relation, direction));
            let mut touched: BTreeSet<u32> = touched.collect();
            let added = self.added(relation, direction);
            let file = &mut files[place(relation, direction)];
            if touched.is_empty() && file.is_none() {
                *file = added.cloned();
                continue;
            }
            for list in added.iter().flat_map(|added| added.lists()) {
                touched.insert(list?.0);
            }
            if touched.is_empty() {
                continue;
            }
            let number = *numbers[place(relation, direction)].insert(number());
            let id = SegmentId { slot: old.slot, slots: old.slots, relation, direction, number };
            self.write_file(old, id, &folder, &touched)?;
            let segment = Segment::open(self.disk, &folder.join(id.file_name()))?;
            files[place(relation, direction)] = Some(Arc::new(segment));
        }
        if numbers.iter().any(Option::is_some) {
            self.disk.sync_folder(&folder).map_err(StoreError::io(folder, "synced"))?;
        }
        Ok(Segments { files, ..*old })
    }

    /// Merges the lists of the old file with those that were touched, by ordinal.
    fn write_file(
        &self,
        old: &Segments,
        id: SegmentId,
        folder: &Path,
        touched: &BTreeSet<u32>,
    ) -> Result<(), SegmentError> {
        let SegmentId { relation, direction, .. } = id;
        let key = |ordinal| (relation, direction, ordinal);
        let before = old.segment(relation, direction);
        // Lists of the old file are at least as old as its base, and changes are newer than every old file.
        let oldest_change = || touched.iter().flat_map(|ordinal| self.versions(key(*ordinal))).min();
        let base = before.map_or_else(|| oldest_change().unwrap_or(self.revision).0, Segment::base_version);
        let Options { encoding, time_ordered_entries, .. } = *self.options;
        let mut writer = SegmentWriter::create(self.disk, folder, id, self.revision, base, encoding)?
            .with_time_ordered_entries(time_ordered_entries);
        if let Some(segment) = before {
            writer = writer.continuing(segment);
        }
        let added = self.added(relation, direction).map(AsRef::as_ref);
        let known = || self.known_weights.keys().any(|known| (known.0, known.1) == (relation, direction));
        if before.into_iter().chain(added).any(|segment| segment.weights().exist()) || known() {
            writer = writer.with_weights(self.disk, folder)?;
        }
        let mut touched = touched.iter().copied().peekable();
        if let Some(segment) = before {
            for list in segment.lists() {
                let (ordinal, list) = list?;
                while let Some(touched) = touched.next_if(|touched| *touched < ordinal) {
                    self.push(old, key(touched), &mut writer)?;
                }
                if touched.peek() != Some(&ordinal) {
                    writer.copy(ordinal, &list, segment)?;
                }
            }
        }
        for ordinal in touched {
            self.push(old, key(ordinal), &mut writer)?;
        }
        writer.finish().map(drop)
    }

    /// Appends a list that was touched, as it is now.
    fn push(&self, old: &Segments, key: Key, writer: &mut SegmentWriter) -> Result<(), SegmentError> {
        let edges = self.deltas(key).fold(old.edges(key)?, |below, delta| delta.merge(&below));
        let mut version = self.versions(key).max().unwrap_or(self.revision);
        let (mut ids, mut times): (Vec<u32>, Vec<u32>) = edges.into_iter().unzip();
        let mut weights = self.weights(old, key, &ids)?;
        if let Some(added) = self.added(key.0, key.1)
            && let Some(list) = added.list(key.2)?
        {
            version = self.revision;
            (ids, times, weights) = merge(added, key.2, list, (ids, times, weights))?;
        }
        writer.push_columns(key.2, version.0, Columns { ids: &ids, times: &times, weights: &weights })
    }

    /// The weights of a list that was touched and now has these ids; none where all are 1.
    fn weights(&self, old: &Segments, key: Key, ids: &[u32]) -> Result<Vec<f64>, SegmentError> {
        let Some(known) = self.known_weights.get(&key) else { return old.weights(key, self.deltas(key), ids) };
        let weight = |id: &u32| known.binary_search_by_key(id, |(member, _)| *member).map(|place| known[place].1);
        Ok(ids.iter().map(|id| weight(id).unwrap_or(DEFAULT_WEIGHT)).collect())
    }

    /// What changed in a list, oldest first.
    fn deltas(&self, (relation, direction, ordinal): Key) -> impl Iterator<Item = &Delta> + Clone {
        self.changes.iter().filter_map(move |generation| generation.delta(relation, direction, ordinal))
    }

    fn added(&self, relation: Relation, direction: Direction) -> Option<&Arc<Segment>> {
        self.added[direction as usize].as_ref().filter(|_| relation == Relation::Follow)
    }

    /// The revision of the last change of a list in each generation.
    fn versions(&self, key: Key) -> impl Iterator<Item = Revision> {
        self.deltas(key).map(Delta::version)
    }
}

/// Ids, times and weights of a list, each in the order of the ids; no weights where all are 1.
type Edges = (Vec<u32>, Vec<u32>, Vec<f64>);

/// A list with the edges that were added to it, which it does not have.
fn merge(added: &Segment, ordinal: u32, list: List<'_>, edges: Edges) -> Result<Edges, SegmentError> {
    let (mut ids, mut times, mut weights) = edges;
    let with_weights = added.weights().exist() || !weights.is_empty();
    weights.resize(ids.len(), DEFAULT_WEIGHT);
    list.decode_into(&mut ids);
    added.times().decode_into(ordinal, list.len(), &mut times)?;
    added.weights().decode_into(ordinal, list.len(), &mut weights)?;
    let mut order: Vec<usize> = (0..ids.len()).collect();
    // Two ascending runs, which this sort finds and merges.
    order.sort_by_key(|place| ids[*place]);
    let weights = if with_weights { order.iter().map(|place| weights[*place]).collect() } else { Vec::new() };
    Ok((order.iter().map(|place| ids[*place]).collect(), order.iter().map(|place| times[*place]).collect(), weights))
}

#[cfg(test)]
mod tests {
    use base::disk::SimulatedDisk;
    use base::{Direction, Relation, Slot, Slots};

    use super::*;
    use crate::adjacency::Encoding;

    const FOLDER: &str = "graph";
    const LISTS: (Relation, Direction) = (Relation::Follow, Direction::Forward);

    /// Three lists with weights in one segment.
    fn weighted(disk: &SimulatedDisk) -> Result<Segments, StoreError> {
        let (slots, folder) = (Slots::default(), segments_folder(Path::new(FOLDER)));
        let id = SegmentId { slot: Slot(0), slots, relation: LISTS.0, direction: LISTS.1, number: 1 };
        let writer = SegmentWriter::create(disk, &folder, id, Revision(1), 1, Encoding::Auto)?;
        let mut writer = writer.with_weights(disk, &folder)?;
        for (ordinal, weights) in [(0, &[2.0, 3.0, 4.0][..]), (1, &[]), (2, &[0.5, 0.5, 0.5])] {
            writer.push_columns(ordinal, 1, Columns { ids: &[10, 20, 30], times: &[7, 8, 9], weights })?;
        }
        writer.finish()?;
        let mut numbers = [None; 6];
        numbers[place(LISTS.0, LISTS.1)] = Some(1);
        Segments::open(disk, Path::new(FOLDER), slots, Slot(0), numbers)
    }

    #[test]
    fn weights_stay_with_their_edges_and_new_edges_weigh_one() -> Result<(), StoreError> {
        let disk = SimulatedDisk::new();
        let old = weighted(&disk)?;
        let key = |ordinal| (LISTS.0, LISTS.1, ordinal);
        let (mut older, mut newer) = (Generation::default(), Generation::default());
        older.add(key(0), 15, 11, Revision(2));
        older.remove(key(0), 30, Revision(3));
        older.remove(key(0), 20, Revision(4));
        newer.add(key(0), 20, 12, Revision(5));
        newer.add(key(1), 5, 13, Revision(6));
        newer.add(key(3), 1, 14, Revision(7));
        let changes = [Arc::new(older), Arc::new(newer)];
        let options = Options::default();
        let rewrite = Rewrite {
            disk: &disk,
            folder: Path::new(FOLDER),
            changes: &changes,
            added: [None, None],
            known_weights: &KnownWeights::new(),
            revision: Revision(7),
            options: &options,
        };
        let new = rewrite.run(&old, || 2)?;
        let segment = new.segment(LISTS.0, LISTS.1).expect("written");
        segment.verify_all()?;
        let expected: [(&[u32], &[f64]); 4] = [
            (&[10, 15, 20], &[2.0, 1.0, 1.0]),
            (&[5, 10, 20, 30], &[1.0; 4]),
            (&[10, 20, 30], &[0.5; 3]),
            (&[1], &[1.0]),
        ];
        for ((ids, weights), ordinal) in expected.into_iter().zip(0..) {
            let list = segment.list(ordinal)?.expect("there");
            let mut found = Vec::new();
            segment.weights().decode_into(ordinal, list.len(), &mut found)?;
            assert_eq!(
                (list.iter().collect::<Vec<_>>().as_slice(), found.as_slice()),
                (ids, weights),
                "list {ordinal}"
            );
        }
        Ok(())
    }
}
