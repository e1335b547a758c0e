//! The files of the edges and of the people that are new.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use base::{Direction, Relation, Revision, Slots};
use parking_lot::Mutex;
use rayon::prelude::*;

use super::partition::Columns;
use super::people::Settled;
use super::{BulkError, Encoded};
use crate::segment::{Bases, Segment, SegmentError, SegmentId, SegmentWriter, UnsyncedSegment};
use crate::store::externals::Externals;
use crate::store::open::externals_path;
use crate::store::segments::{Segments, segments_folder};
use crate::store::{Shared, StoreError};

/// The lists of one direction: a segment for each slot that has any.
pub(super) type BySlot = Vec<Option<Arc<Segment>>>;

/// The lists of the edges that are new.
pub(super) struct Lists {
    pub(super) slots: Slots,
    pub(super) forward: BySlot,
    pub(super) reverse: BySlot,
}

impl Lists {
    pub(super) fn of(&self, direction: Direction) -> &BySlot {
        match direction {
            Direction::Forward => &self.forward,
            Direction::Reverse => &self.reverse,
        }
    }
}

/// A table of everybody's external ids.
pub(super) struct NewTable {
    pub(super) number: u64,
    pub(super) externals: Externals,
}

/// The files that a load writes; those that are not [kept](Added::keep) are removed again.
pub(super) struct Added<'a> {
    shared: &'a Shared,
    revision: Revision,
    bases: Bases,
    columns: Columns,
    written: Mutex<Vec<PathBuf>>,
}

impl<'a> Added<'a> {
    pub(super) fn new(shared: &'a Shared, revision: Revision, bases: Bases, columns: Columns) -> Self {
        Added { shared, revision, bases, columns, written: Mutex::default() }
    }

    pub(super) fn bases(&self) -> Bases {
        self.bases
    }

    /// Writes the segments of one direction, a set of files for each slot that has lists. They can be read; whoever calls
    /// this syncs them.
    pub(super) fn write<T>(
        &self,
        direction: Direction,
        lists: impl FnOnce(&mut (dyn FnMut(&Encoded) -> Result<(), BulkError> + Send)) -> Result<T, BulkError>,
    ) -> Result<(T, BySlot, Vec<UnsyncedSegment>), BulkError> {
        let mut writers: Vec<Option<(PathBuf, SegmentWriter)>> = self.shared.slots.all().map(|_| None).collect();
        let mut append = |encoded: &Encoded| {
            for ((slot, lists), writer) in self.shared.slots.all().zip(&encoded.lists).zip(&mut writers) {
                if lists.is_empty() {
                    continue;
                }
                let (_, writer) = match writer {
                    Some(writer) => writer,
                    None => {
                        let number = self.shared.manifest.lock().take_number();
                        let (slots, relation) = (self.shared.slots, Relation::Follow);
                        writer.insert(self.create(SegmentId { slot, slots, relation, direction, number })?)
                    }
                };
                writer.append(lists)?;
            }
            Ok(())
        };
        let result = lists(&mut append)?;
        // What is left of each, its index and what has filled no chunk, is nobody else's: side by side.
        let complete = |writer: Option<(PathBuf, SegmentWriter)>| {
            let Some((path, writer)) = writer else { return Ok((None, None)) };
            let (_, unsynced) = writer.complete()?;
            Ok((Some(Arc::new(Segment::open(self.shared.disk.as_ref(), &path)?)), Some(unsynced)))
        };
        let completed: Result<Vec<_>, SegmentError> = writers.into_par_iter().map(complete).collect();
        let (by_slot, unsynced): (Vec<_>, Vec<_>) = completed?.into_iter().unzip();
        Ok((result, by_slot, unsynced.into_iter().flatten().collect()))
    }

    /// Writes a table with the external ids of those who are new and of all others, durably.
    pub(super) fn write_externals(&self, number: u64, settled: &Settled) -> Result<NewTable, StoreError> {
        let (disk, path) = (self.shared.disk.as_ref(), externals_path(&self.shared.folder, number));
        self.written.lock().push(path.clone());
        let known = self.shared.directory.read().externals.clone();
        known.write(disk, &path, settled.new.iter().copied().zip(settled.first_new..))?;
        Ok(NewTable { number, externals: Externals::open(disk, &path)? })
    }

    /// Begins the files of a segment, and notes their names before there are any.
    fn create(&self, id: SegmentId) -> Result<(PathBuf, SegmentWriter), BulkError> {
        let folder = segments_folder(&self.shared.folder);
        let names = [id.file_name(), id.times_name(), id.weights_name()];
        self.written.lock().extend(names.map(|name| folder.join(name)));
        let (disk, Bases { version, encoding, .. }) = (self.shared.disk.as_ref(), self.bases);
        let mut writer =
            SegmentWriter::create(disk, &folder, id, self.revision, version, encoding)?.for_encoded(self.bases);
        if self.columns.weights {
            writer = writer.with_weights(disk, &folder)?;
        }
        Ok((folder.join(id.file_name()), writer.written_once()))
    }

    /// Counts among those that are written the files of segments, one for each slot, that have come out of these and of
    /// older ones; not the older ones, which the manifest names.
    pub(super) fn adopt(&self, segments: &[Segments]) {
        let manifest = self.shared.manifest.lock();
        for ((slot, files), segments) in self.shared.slots.all().zip(&manifest.slots_state).zip(segments) {
            let new = self.shared.obsolete(slot, segments.numbers(), files.segments);
            self.written.lock().extend(new);
        }
    }

    /// Keeps the files of what a load has come to: from here on it is the manifest that says what is kept.
    pub(super) fn keep(&self, segments: &[Segments], table: Option<u64>) {
        let folder = &self.shared.folder;
        let mut kept: HashSet<_> = segments.iter().flat_map(|segments| segments.own_paths(folder)).collect();
        kept.extend(table.map(|number| externals_path(folder, number)));
        self.written.lock().retain(|path| !kept.contains(path));
    }
}

impl Drop for Added<'_> {
    fn drop(&mut self) {
        for path in self.written.get_mut() {
            // What cannot be removed either is removed at the next open.
            let _ = self.shared.disk.remove(path);
        }
    }
}
