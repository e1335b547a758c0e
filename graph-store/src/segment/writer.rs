//! Writing a segment, list by list.

use std::path::Path;

use base::Revision;
use base::disk::Disk;

use super::SegmentError;
use super::blocks::Unsynced;
use super::columns::TimesWriter;
use super::encoded::EncodedLists;
use super::format::{Header, Kind};
use super::id::SegmentId;
use super::table::TableWriter;
use crate::adjacency::{Encoding, encode};

/// Writes the lists of one slot, relation and direction, in the order of their ordinals.
///
/// Memory is bounded: some megabytes, sixteen bytes for each list, and the longest list encoded. Until
/// [`finish`](SegmentWriter::finish) has returned, the files are of no use; a writer that is dropped before leaves them
/// behind, for whoever cleans up what no manifest names.
#[derive(Debug)]
pub struct SegmentWriter {
    lists: TableWriter,
    times: TimesWriter,
    encoding: Encoding,
    bytes: Vec<u8>,
}

/// What was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SegmentInfo {
    /// Lists, those that were emptied included.
    pub lists: u64,
    /// The ids of all lists.
    pub edges: u64,
    /// The ids of the longest list.
    pub longest: u64,
    /// Bytes of the file with the lists, its index included.
    pub bytes: u64,
    /// Bytes of that file's index.
    pub index_bytes: u64,
    /// Bytes of the file with the times.
    pub times_bytes: u64,
}

impl SegmentWriter {
    /// Creates both files in `folder`. No list may be older than `base_version`; one that is as old stores no version.
    pub fn create(
        disk: &dyn Disk,
        folder: &Path,
        id: SegmentId,
        revision: Revision,
        base_version: u64,
        encoding: Encoding,
    ) -> Result<Self, SegmentError> {
        let path = folder.join(id.file_name());
        let lists = TableWriter::create(disk, path, Kind::Lists, id, revision, base_version)?;
        let times = TimesWriter::create(disk, folder, id, revision)?;
        Ok(SegmentWriter { lists, times, encoding, bytes: Vec::new() })
    }

    /// Appends a list: strictly increasing ids, and the time of each edge in seconds since 1970. A list without ids keeps
    /// its version; a list that was never touched is not pushed at all.
    ///
    /// After an error the writer is of no more use.
    pub fn push(&mut self, ordinal: u32, version: u64, ids: &[u32], times: &[u32]) -> Result<(), SegmentError> {
        let path = || self.lists.path().to_owned();
        if ids.len() != times.len() {
            return Err(SegmentError::TimesDiffer { path: path(), ordinal, ids: ids.len(), times: times.len() });
        }
        let base_version = self.lists.base();
        let Some(version_delta) = version.checked_sub(base_version) else {
            return Err(SegmentError::VersionBelowBase { path: path(), ordinal, version, base_version });
        };
        self.bytes.clear();
        encode(ids, version_delta, self.encoding, &mut self.bytes).map_err(|source| SegmentError::NotAList {
            path: path(),
            ordinal,
            source,
        })?;
        self.lists.push(ordinal, ids.len(), &self.bytes)?;
        self.times.push(ordinal, times)
    }

    /// Lets the times that are encoded apart be relative to this one; to be said before anything is pushed.
    #[must_use]
    pub fn with_base_time(mut self, time: u32) -> Self {
        self.times.set_base(time);
        self
    }

    /// Appends lists that were encoded apart, against the bases of this file: the base version, the base time and the
    /// encoding that it was created with.
    ///
    /// After an error the writer is of no more use.
    pub fn append(&mut self, encoded: &EncodedLists) -> Result<(), SegmentError> {
        let (mut list_start, mut times_start) = (0, 0);
        for entry in &encoded.entries {
            self.lists.push(entry.ordinal, entry.len as usize, &encoded.lists[list_start..entry.list_end])?;
            let times = &encoded.times[times_start..entry.times_end];
            self.times.push_encoded(entry.ordinal, entry.len as usize, times)?;
            (list_start, times_start) = (entry.list_end, entry.times_end);
        }
        Ok(())
    }

    /// Completes both files and syncs them. Their names are certain once the caller has synced the folder.
    pub fn finish(self) -> Result<SegmentInfo, SegmentError> {
        let (info, unsynced) = self.complete()?;
        unsynced.sync()?;
        Ok(info)
    }

    /// Completes both files. They can be opened, and count once they were synced.
    pub fn complete(self) -> Result<(SegmentInfo, UnsyncedSegment), SegmentError> {
        let (lists, lists_file) = self.lists.finish()?;
        let (times, times_file) = self.times.finish()?;
        Ok((SegmentInfo::of(&lists, &times), UnsyncedSegment([lists_file, times_file])))
    }
}

/// The files of a segment that is whole but not yet certain to be on the disk.
#[derive(Debug)]
pub struct UnsyncedSegment([Unsynced; 2]);

impl UnsyncedSegment {
    /// Syncs the files. Their names are certain once the caller has synced the folder.
    pub fn sync(self) -> Result<(), SegmentError> {
        self.0.into_iter().try_for_each(Unsynced::sync)
    }
}

impl SegmentInfo {
    pub(crate) fn of(lists: &Header, times: &Header) -> Self {
        SegmentInfo {
            lists: lists.lists,
            edges: lists.edges,
            longest: lists.longest,
            bytes: lists.file_bytes(),
            index_bytes: lists.index_bytes(),
            times_bytes: times.file_bytes(),
        }
    }
}
