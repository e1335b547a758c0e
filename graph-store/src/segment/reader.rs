//! Reading a segment where it lies.

use std::ops::Range;
use std::path::Path;

use base::disk::Disk;
use base::{Revision, UserId};
use roaring::RoaringBitmap;

use super::SegmentError;
use super::columns::{Times, Weights};
use super::format::{Header, Kind};
use super::id::{SegmentId, TIMES_EXTENSION, WEIGHTS_EXTENSION};
use super::table::Table;
use super::writer::SegmentInfo;
use crate::adjacency::{CorruptList, Head, List};

/// The lists of one slot, relation and direction, as of one revision, and the times and weights of their edges.
///
/// A read verifies the checksums of the blocks that it touches for the first time, all blocks of its list among them.
#[derive(Debug)]
pub struct Segment {
    pub(super) lists: Table,
    times: Times,
    weights: Weights,
}

impl Segment {
    /// Opens the segment whose lists are in `path`; times and weights are in files beside it. Reads the headers and no
    /// list.
    pub fn open(disk: &dyn Disk, path: &Path) -> Result<Segment, SegmentError> {
        let lists = Table::open(disk, path, Kind::Lists)?;
        let times = Times::open(disk, &path.with_extension(TIMES_EXTENSION))?;
        let same = |header: &Header| {
            let Header { id, revision, ordinals, lists, edges, longest, .. } = *header;
            (id, revision, ordinals, lists, edges, longest)
        };
        if same(lists.header()) != same(times.header()) {
            let found = format!("the times of other lists than {}", lists.header().id);
            return Err(SegmentError::Misplaced { path: times.path().to_owned(), found });
        }
        let weights_path = lists.header().weights.then(|| path.with_extension(WEIGHTS_EXTENSION));
        let weights = Weights::open(disk, weights_path.as_deref())?;
        if let Some((header, path)) = weights.header().zip(weights_path)
            && same(lists.header()) != same(header)
        {
            let found = format!("the weights of other lists than {}", lists.header().id);
            return Err(SegmentError::Misplaced { path, found });
        }
        Ok(Segment { lists, times, weights })
    }

    /// Whose lists of what these are.
    pub fn id(&self) -> SegmentId {
        self.lists.header().id
    }

    /// The revision that the lists stand for.
    pub fn revision(&self) -> Revision {
        self.lists.header().revision
    }

    /// The version of every list that stores none.
    pub fn base_version(&self) -> u64 {
        self.lists.header().base
    }

    /// One more than the last ordinal that has a list.
    pub fn ordinals(&self) -> u64 {
        self.lists.header().ordinals
    }

    /// How many lists and bytes there are.
    pub fn info(&self) -> SegmentInfo {
        SegmentInfo::of(self.lists.header(), self.times.header(), self.weights.header())
    }

    /// The list at an ordinal; `None` where it was never touched.
    pub fn list(&self, ordinal: u32) -> Result<Option<List<'_>>, SegmentError> {
        let Some(bytes) = self.lists.get(ordinal)? else { return Ok(None) };
        List::fetch(bytes);
        self.parse(ordinal, bytes).map(Some)
    }

    /// How long the list at an ordinal is and when it was last changed, of which nothing but the first bytes are read; of
    /// one that was never touched, that it is empty and of version 0.
    pub(crate) fn head(&self, ordinal: u32) -> Result<Head, SegmentError> {
        let Some(range) = self.lists.find(ordinal)? else { return Ok(Head::default()) };
        self.parse_head(ordinal, self.first_bytes(range)?)
    }

    /// The same of ordinals that follow on one another, whose first bytes the memory is asked for all at once.
    pub(crate) fn heads(&self, ordinals: Range<u32>) -> Result<Vec<Head>, SegmentError> {
        let first_bytes = self.lists.find_all(ordinals.clone())?.into_iter().map(|range| {
            let bytes = self.first_bytes(range)?;
            List::fetch(bytes);
            Ok(bytes)
        });
        let first_bytes = first_bytes.collect::<Result<Vec<_>, SegmentError>>()?;
        ordinals.zip(first_bytes).map(|(ordinal, bytes)| self.parse_head(ordinal, bytes)).collect()
    }

    /// What the head of the list in a range lies in.
    fn first_bytes(&self, range: Range<usize>) -> Result<&[u8], SegmentError> {
        self.lists.bytes(range.start..range.end.min(range.start + Head::BYTES_MAX))
    }

    fn parse_head(&self, ordinal: u32, bytes: &[u8]) -> Result<Head, SegmentError> {
        Head::parse(bytes, self.base_version()).map_err(|source| self.corrupt(ordinal, source))
    }

    /// Every list with its ordinal, in the order of the ordinals. After an error the rest still comes.
    pub fn lists(&self) -> impl Iterator<Item = Result<(u32, List<'_>), SegmentError>> {
        self.lists.entries().map(|entry| {
            let (ordinal, bytes) = entry?;
            Ok((ordinal, self.parse(ordinal, bytes)?))
        })
    }

    /// The members of a user's list, for set algebra; none where there is no list.
    pub fn members(&self, ordinal: u32) -> Result<RoaringBitmap, SegmentError> {
        let Some(list) = self.list(ordinal)? else { return Ok(RoaringBitmap::new()) };
        list.to_bitmap().map_err(|source| self.corrupt(ordinal, source))
    }

    /// The times of the edges, by ordinal and position in the list.
    pub fn times(&self) -> &Times {
        &self.times
    }

    /// The weights of the edges, by ordinal and position in the list.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Whose list is at an ordinal below [`ordinals`](Segment::ordinals).
    pub fn user_at(&self, ordinal: u32) -> UserId {
        self.id().user_at(ordinal)
    }

    /// Verifies every block, every list, and the times and weights of each; the error says where the first fault is.
    pub fn verify_all(&self) -> Result<(), SegmentError> {
        self.lists.check()?;
        let mut counted = SegmentInfo::default();
        for list in self.lists() {
            let (ordinal, list) = list?;
            list.validate().map_err(|source| self.corrupt(ordinal, source))?;
            counted.lists += 1;
            counted.edges += list.len() as u64;
            counted.longest = counted.longest.max(list.len() as u64);
        }
        let SegmentInfo { lists, edges, longest, .. } = self.info();
        if (counted.lists, counted.edges, counted.longest) != (lists, edges, longest) {
            return Err(SegmentError::WrongCounts { path: self.lists.path().to_owned() });
        }
        let len_of = |ordinal| Ok(self.list(ordinal)?.map_or(0, |list| list.len()));
        self.times.check(len_of)?;
        self.weights.check(len_of)
    }

    fn parse<'a>(&self, ordinal: u32, bytes: &'a [u8]) -> Result<List<'a>, SegmentError> {
        List::parse(bytes, self.base_version()).map_err(|source| self.corrupt(ordinal, source))
    }

    fn corrupt(&self, ordinal: u32, source: CorruptList) -> SegmentError {
        let user = self.user_at(ordinal);
        SegmentError::CorruptList { path: self.lists.path().to_owned(), ordinal, user, source }
    }
}
