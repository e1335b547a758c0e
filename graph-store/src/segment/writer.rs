//! Writing a segment, list by list.

use std::path::Path;

use base::Revision;
use base::disk::Disk;

use super::SegmentError;
use super::blocks::Unsynced;
use super::columns::{TimesWriter, WeightsWriter};
use super::encoded::{Bases, EncodedLists};
use super::format::{Header, Kind};
use super::id::SegmentId;
use super::reader::Segment;
use super::table::TableWriter;
use crate::adjacency::{Encoding, List, encode};

/// Writes the lists of one slot, relation and direction, in the order of their ordinals.
///
/// Memory is bounded: some megabytes, sixteen bytes for each list, and the longest list encoded. Until
/// [`finish`](SegmentWriter::finish) has returned, the files are of no use; a writer that is dropped before leaves them
/// behind, for whoever cleans up what no manifest names.
#[derive(Debug)]
pub struct SegmentWriter {
    lists: TableWriter,
    times: TimesWriter,
    weights: Option<WeightsWriter>,
    encoding: Encoding,
    bytes: Vec<u8>,
}

/// All that a list says of its edges, each in the order of the ids.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Columns<'a> {
    /// The other ends, strictly increasing.
    pub ids: &'a [u32],
    /// When each edge began, in seconds since 1970.
    pub times: &'a [u32],
    /// Finite numbers, or none at all where every edge has the weight 1.
    pub weights: &'a [f64],
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
    /// Bytes of the file with the weights; 0 where there is none.
    pub weights_bytes: u64,
}

impl SegmentWriter {
    /// Creates the files in `folder`. No list may be older than `base_version`; one that is as old stores no version.
    pub fn create(
        disk: &dyn Disk,
        folder: &Path,
        id: SegmentId,
        revision: Revision,
        base_version: u64,
        encoding: Encoding,
    ) -> Result<Self, SegmentError> {
        let path = folder.join(id.file_name());
        let mut lists = TableWriter::create(disk, path, Kind::Lists, id, revision, base_version)?;
        lists.set_parameter(encoding as u64);
        let times = TimesWriter::create(disk, folder, id, revision)?;
        Ok(SegmentWriter { lists, times, weights: None, encoding, bytes: Vec::new() })
    }

    /// Puts the times of lists in the order of time from this many edges on, instead of
    /// [`TIME_ORDERED_ENTRIES`](super::TIME_ORDERED_ENTRIES). To be said before the first list.
    pub fn with_time_ordered_entries(mut self, entries: u32) -> Self {
        self.times.set_time_ordered_entries(entries);
        self
    }

    /// Takes lists that are encoded apart, against these bases: the version and the encoding are those that the writer was
    /// created with. To be said before the first list.
    pub fn for_encoded(mut self, bases: Bases) -> Self {
        self.times.set_base(bases.time.into());
        self.with_time_ordered_entries(bases.time_ordered_entries)
    }

    /// Creates a file for weights, too. To be said before the first list.
    pub fn with_weights(mut self, disk: &dyn Disk, folder: &Path) -> Result<Self, SegmentError> {
        let (id, revision) = (self.lists.id(), self.lists.revision());
        self.weights = Some(WeightsWriter::create(disk, folder, id, revision)?);
        self.lists.set_weights();
        Ok(self)
    }

    /// Says that nobody reads the files soon: they need not be kept in the system's cache, which takes pages of it for what
    /// somebody else might want. To be said when it is certain which files there are.
    pub fn written_once(mut self) -> Self {
        self.lists.written_once();
        self.times.written_once();
        if let Some(weights) = &mut self.weights {
            weights.written_once();
        }
        self
    }

    /// Goes on from another segment, so that its lists can be [copied](SegmentWriter::copy) as they lie; it must be of
    /// the same base version for that. To be said before the first list.
    pub fn continuing(mut self, other: &Segment) -> Self {
        self.times.continue_from(other.times());
        self
    }

    /// Appends a list whose edges all have the weight 1: as [`push_columns`](SegmentWriter::push_columns).
    pub fn push(&mut self, ordinal: u32, version: u64, ids: &[u32], times: &[u32]) -> Result<(), SegmentError> {
        self.push_columns(ordinal, version, Columns { ids, times, weights: &[] })
    }

    /// Appends a list. One without ids keeps its version; one that was never touched is not pushed at all.
    ///
    /// After an error the writer is of no more use.
    pub fn push_columns(&mut self, ordinal: u32, version: u64, columns: Columns<'_>) -> Result<(), SegmentError> {
        let path = || self.lists.path().to_owned();
        let Columns { ids, times, weights } = columns;
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
        match &mut self.weights {
            Some(writer) => writer.push(ordinal, ids.len(), weights)?,
            None if weights.is_empty() => {}
            None => return Err(SegmentError::WithoutWeights { path: path(), ordinal }),
        }
        self.lists.push(ordinal, ids.len(), &self.bytes)?;
        self.times.push(ordinal, times)
    }

    /// Appends a list of another segment, with its version, times and weights. Where they lie there as they would here, which
    /// needs [`continuing`](SegmentWriter::continuing) and the same settings, their bytes are copied; or else they are
    /// decoded and encoded again.
    ///
    /// After an error the writer is of no more use.
    pub fn copy(&mut self, ordinal: u32, list: &List<'_>, other: &Segment) -> Result<(), SegmentError> {
        let same_lists =
            (other.lists.header().base, other.lists.header().parameter) == (self.lists.base(), self.lists.parameter());
        let same_weights = self.weights.is_some() || !other.weights().exist();
        if !same_lists || !same_weights || !self.times.is_like(other.times()) {
            return self.encode_again(ordinal, list, other);
        }
        self.lists.push(ordinal, list.len(), other.lists.get(ordinal)?.unwrap_or_default())?;
        self.times.copy(ordinal, list.len(), other.times())?;
        match &mut self.weights {
            Some(weights) => weights.copy(ordinal, list.len(), other.weights()),
            None => Ok(()),
        }
    }

    fn encode_again(&mut self, ordinal: u32, list: &List<'_>, other: &Segment) -> Result<(), SegmentError> {
        let (mut ids, mut times, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        list.decode_into(&mut ids);
        other.times().decode_into(ordinal, ids.len(), &mut times)?;
        if other.weights().exist() {
            other.weights().decode_into(ordinal, ids.len(), &mut weights)?;
        }
        self.push_columns(ordinal, list.version(), Columns { ids: &ids, times: &times, weights: &weights })
    }

    /// Appends lists that were encoded apart, against the bases of this file.
    ///
    /// After an error the writer is of no more use.
    pub fn append(&mut self, encoded: &EncodedLists) -> Result<(), SegmentError> {
        let (mut list_start, mut times_start, mut weights_start) = (0, 0, 0);
        for entry in &encoded.entries {
            let (ordinal, len) = (entry.ordinal, entry.len as usize);
            self.lists.push(ordinal, len, &encoded.lists[list_start..entry.list_end])?;
            self.times.push_encoded(ordinal, len, &encoded.times[times_start..entry.times_end])?;
            if let Some(weights) = &mut self.weights {
                weights.push_encoded(ordinal, len, &encoded.weights[weights_start..entry.weights_end])?;
            }
            (list_start, times_start, weights_start) = (entry.list_end, entry.times_end, entry.weights_end);
        }
        Ok(())
    }

    /// Completes the files and syncs them. Their names are certain once the caller has synced the folder.
    pub fn finish(self) -> Result<SegmentInfo, SegmentError> {
        let (info, unsynced) = self.complete()?;
        unsynced.sync()?;
        Ok(info)
    }

    /// Completes the files. They can be opened, and count once they were synced.
    pub fn complete(self) -> Result<(SegmentInfo, UnsyncedSegment), SegmentError> {
        let (lists, lists_file) = self.lists.finish()?;
        let (times, times_file) = self.times.finish()?;
        let (weights, weights_file) = self.weights.map(WeightsWriter::finish).transpose()?.unzip();
        let files = [lists_file, times_file].into_iter().chain(weights_file).collect();
        Ok((SegmentInfo::of(&lists, &times, weights.as_ref()), UnsyncedSegment(files)))
    }
}

/// The files of a segment that is whole but not yet certain to be on the disk.
#[derive(Debug)]
pub struct UnsyncedSegment(Vec<Unsynced>);

impl UnsyncedSegment {
    /// Syncs the files. Their names are certain once the caller has synced the folder.
    pub fn sync(self) -> Result<(), SegmentError> {
        self.0.into_iter().try_for_each(Unsynced::sync)
    }
}

impl SegmentInfo {
    pub(crate) fn of(lists: &Header, times: &Header, weights: Option<&Header>) -> Self {
        SegmentInfo {
            lists: lists.lists,
            edges: lists.edges,
            longest: lists.longest,
            bytes: lists.file_bytes(),
            index_bytes: lists.index_bytes(),
            times_bytes: times.file_bytes(),
            weights_bytes: weights.map_or(0, Header::file_bytes),
        }
    }
}
