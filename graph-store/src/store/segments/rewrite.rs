//! New segments of a slot: the lists that it has, under changes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use base::disk::Disk;
use base::{Direction, Relation, Revision};

use super::{Key, Segments, columns_of, edges_of, places, segments_folder};
use crate::adjacency::Encoding;
use crate::overlay::{Generation, place};
use crate::segment::{Segment, SegmentError, SegmentId, SegmentWriter};
use crate::store::StoreError;

/// What is written, where and how.
pub(in crate::store) struct Rewrite<'a> {
    pub(in crate::store) disk: &'a dyn Disk,
    /// The store's folder.
    pub(in crate::store) folder: &'a Path,
    /// Oldest first.
    pub(in crate::store) changes: &'a [Arc<Generation>],
    /// Follows, forward and reverse, that came in bulk at the revision: none of them is in the segments or the changes.
    pub(in crate::store) added: [Option<Arc<Segment>>; 2],
    /// What the new segments stand for.
    pub(in crate::store) revision: Revision,
    pub(in crate::store) encoding: Encoding,
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
        let mut writer = SegmentWriter::create(self.disk, folder, id, self.revision, base, self.encoding)?;
        let mut touched = touched.iter().copied().peekable();
        if let Some(segment) = before {
            for list in segment.lists() {
                let (ordinal, list) = list?;
                while let Some(touched) = touched.next_if(|touched| *touched < ordinal) {
                    self.push(old, key(touched), &mut writer)?;
                }
                if touched.peek() != Some(&ordinal) {
                    let (ids, times) = columns_of(segment, ordinal, list)?;
                    writer.push(ordinal, list.version(), &ids, &times)?;
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
        let deltas = self.changes.iter().filter_map(|generation| generation.delta(key.0, key.1, key.2));
        let mut edges = deltas.fold(old.edges(key)?, |below, delta| delta.merge(&below));
        let added = self.added(key.0, key.1).map_or_else(|| Ok(Vec::new()), |added| edges_of(added, key.2))?;
        let mut version = self.versions(key).max().unwrap_or(self.revision);
        if !added.is_empty() {
            edges.extend(added);
            // Two ascending runs, which the sort finds and merges.
            edges.sort();
            version = self.revision;
        }
        let (ids, times): (Vec<u32>, Vec<u32>) = edges.into_iter().unzip();
        writer.push(key.2, version.0, &ids, &times)
    }

    fn added(&self, relation: Relation, direction: Direction) -> Option<&Arc<Segment>> {
        self.added[direction as usize].as_ref().filter(|_| relation == Relation::Follow)
    }

    /// The revision of the last change of a list in each generation.
    fn versions(&self, (relation, direction, ordinal): Key) -> impl Iterator<Item = Revision> {
        let deltas = self.changes.iter().filter_map(move |generation| generation.delta(relation, direction, ordinal));
        deltas.map(|delta| delta.version())
    }
}
