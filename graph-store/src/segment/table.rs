//! A file of bytes for some ordinals of a slot: what lists and times have in common.

use std::ops::Range;
use std::path::{Path, PathBuf};

use base::Revision;
use base::disk::Disk;

use super::SegmentError;
use super::blocks::{BlockWriter, Blocks, Unsynced};
use super::format::{HEADER_BYTES, Header, INDEX_BYTES, IndexForm, Kind, ordinals_max};
use super::id::SegmentId;
use crate::adjacency::ascending::{self, Ascending};

/// Writes a table in the order of its ordinals.
///
/// In memory are eight bytes for each entry, besides what [`BlockWriter`] holds, and at the end ten for each ordinal where
/// the index is packed.
#[derive(Debug)]
pub(crate) struct TableWriter {
    blocks: BlockWriter,
    header: Header,
    /// The ordinal of each entry and where it ends in the payload.
    ends: Vec<(u32, u32)>,
}

impl TableWriter {
    pub(crate) fn create(
        disk: &dyn Disk,
        path: PathBuf,
        kind: Kind,
        id: SegmentId,
        revision: Revision,
        base: u64,
    ) -> Result<Self, SegmentError> {
        let header = Header {
            kind,
            id,
            index: IndexForm::Dense,
            checksum_of_checksums: 0,
            revision,
            base,
            ordinals: 0,
            lists: 0,
            edges: 0,
            longest: 0,
            entries: 0,
            payload_bytes: 0,
            parameter: 0,
            packed_index_bytes: 0,
            weights: false,
        };
        Ok(TableWriter { blocks: BlockWriter::create(disk, path)?, header, ends: Vec::new() })
    }

    /// Says that nobody reads the file soon.
    pub(crate) fn written_once(&mut self) {
        self.blocks.written_once();
    }

    pub(crate) fn path(&self) -> &Path {
        self.blocks.path()
    }

    pub(crate) fn id(&self) -> SegmentId {
        self.header.id
    }

    pub(crate) fn revision(&self) -> Revision {
        self.header.revision
    }

    pub(crate) fn base(&self) -> u64 {
        self.header.base
    }

    pub(crate) fn set_base(&mut self, base: u64) {
        self.header.base = base;
    }

    /// What the entries were made with; the header's documentation says what that is.
    pub(crate) fn parameter(&self) -> u64 {
        self.header.parameter
    }

    pub(crate) fn set_parameter(&mut self, parameter: u64) {
        self.header.parameter = parameter;
    }

    /// Says that a file with the weights lies beside this one.
    pub(crate) fn set_weights(&mut self) {
        self.header.weights = true;
    }

    /// Whether `ordinal` can be the next one.
    pub(crate) fn check_order(&self, ordinal: u32) -> Result<(), SegmentError> {
        let ordinals = self.header.ordinals..ordinals_max(self.header.id.slots);
        if ordinals.contains(&u64::from(ordinal)) {
            return Ok(());
        }
        Err(SegmentError::OutOfOrder { path: self.path().to_owned(), ordinal })
    }

    /// Appends the entry of a list of `len` ids; without bytes the list is counted, and has no entry.
    pub(crate) fn push(&mut self, ordinal: u32, len: usize, bytes: &[u8]) -> Result<(), SegmentError> {
        self.check_order(ordinal)?;
        let end = self.header.payload_bytes + bytes.len() as u64;
        let Ok(offset) = u32::try_from(end) else {
            return Err(SegmentError::TooLarge { path: self.path().to_owned() });
        };
        self.blocks.append(bytes)?;
        if !bytes.is_empty() {
            self.ends.push((ordinal, offset));
        }
        self.header.payload_bytes = end;
        self.header.ordinals = u64::from(ordinal) + 1;
        self.header.lists += 1;
        self.header.edges += len as u64;
        self.header.longest = self.header.longest.max(len as u64);
        Ok(())
    }

    /// Writes the index and everything that is left.
    pub(crate) fn finish(mut self) -> Result<(Header, Unsynced), SegmentError> {
        self.header.entries = self.ends.len() as u64;
        let Header { ordinals, entries, payload_bytes, .. } = self.header;
        self.header.index = IndexForm::choose(ordinals, entries, payload_bytes);
        match self.header.index {
            IndexForm::Dense => {
                for offset in offsets(&self.ends, ordinals) {
                    self.blocks.append(&offset.to_le_bytes())?;
                }
            }
            IndexForm::Packed => {
                let offsets = offsets(&self.ends, ordinals).zip(0..);
                let numbers: Vec<u64> = offsets.map(|(offset, place)| u64::from(offset) + place).collect();
                let mut index = Vec::new();
                ascending::encode(&numbers, &mut index);
                self.header.packed_index_bytes = index.len() as u64;
                self.blocks.append(&index)?;
            }
            IndexForm::Sparse => {
                let ordinals = self.ends.iter().map(|(ordinal, _)| *ordinal);
                let offsets = std::iter::once(0).chain(self.ends.iter().map(|(_, end)| *end));
                for number in ordinals.chain(offsets) {
                    self.blocks.append(&number.to_le_bytes())?;
                }
            }
        }
        self.blocks.finish(self.header)
    }
}

/// Where the entry of each ordinal starts in the payload, and where the last one ends.
fn offsets(ends: &[(u32, u32)], ordinals: u64) -> impl Iterator<Item = u32> {
    let mut entries = ends.iter().peekable();
    let mut offset = 0;
    let next = move |ordinal| {
        if let Some((_, end)) = entries.next_if(|(at, _)| u64::from(*at) == ordinal) {
            offset = *end;
        }
        offset
    };
    std::iter::once(0).chain((0..ordinals).map(next))
}

/// A complete table.
#[derive(Debug)]
pub(crate) struct Table {
    header: Header,
    blocks: Blocks,
}

impl Table {
    pub(crate) fn open(disk: &dyn Disk, path: &Path, kind: Kind) -> Result<Self, SegmentError> {
        let bytes = disk.map(path).map_err(|source| SegmentError::Io { path: path.to_owned(), source })?;
        let header = Header::parse(&bytes, kind, path)?;
        let name = match kind {
            Kind::Lists => header.id.file_name(),
            Kind::Times => header.id.times_name(),
            Kind::Weights => header.id.weights_name(),
        };
        if path.file_name().is_none_or(|found| found != name.as_str()) {
            return Err(SegmentError::Misplaced { path: path.to_owned(), found: name });
        }
        let blocks = Blocks::open(bytes, &header, path)?;
        Ok(Table { header, blocks })
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    pub(crate) fn path(&self) -> &Path {
        self.blocks.path()
    }

    /// That the entry of an ordinal is not what belongs into the file.
    pub(crate) fn corrupt(&self, ordinal: u32) -> SegmentError {
        let (path, user) = (self.path().to_owned(), self.header.id.user_at(ordinal));
        match self.header.kind {
            Kind::Weights => SegmentError::CorruptWeights { path, ordinal, user },
            Kind::Lists | Kind::Times => SegmentError::CorruptTimes { path, ordinal, user },
        }
    }

    /// The entry of an ordinal.
    pub(crate) fn get(&self, ordinal: u32) -> Result<Option<&[u8]>, SegmentError> {
        self.find(ordinal)?.map(|range| self.bytes(range)).transpose()
    }

    /// Bytes of the payload, where [`find`](Table::find) found them.
    pub(crate) fn bytes(&self, range: Range<usize>) -> Result<&[u8], SegmentError> {
        self.blocks.get(range)
    }

    /// Where in the file the entry of an ordinal lies.
    pub(crate) fn find(&self, ordinal: u32) -> Result<Option<Range<usize>>, SegmentError> {
        match self.header.index {
            IndexForm::Dense | IndexForm::Packed if u64::from(ordinal) < self.header.ordinals => {
                self.place(ordinal, ordinal as usize).map(|range| Some(range).filter(|range| !range.is_empty()))
            }
            IndexForm::Dense | IndexForm::Packed => Ok(None),
            IndexForm::Sparse => {
                let entries = self.header.entries as usize;
                let (mut start, mut end) = (0, entries);
                while start < end {
                    let middle = start + (end - start) / 2;
                    if self.number(middle)? < ordinal { start = middle + 1 } else { end = middle }
                }
                if start == entries || self.number(start)? != ordinal {
                    return Ok(None);
                }
                self.place(ordinal, entries + start).map(Some)
            }
        }
    }

    /// Where in the file the entries of some ordinals lie that follow on one another; nowhere, of one that has none. A packed
    /// index is walked through once.
    pub(crate) fn find_all(&self, ordinals: Range<u32>) -> Result<Vec<Range<usize>>, SegmentError> {
        let known = ordinals.start..u64::from(ordinals.end).min(self.header.ordinals) as u32;
        if self.header.index != IndexForm::Packed || known.is_empty() {
            return ordinals.map(|ordinal| Ok(self.find(ordinal)?.unwrap_or_default())).collect();
        }
        let numbers = Ascending::get_all_from(self.offsets(), known.start as usize..known.end as usize + 1, |range| {
            self.packed_index(known.start, range)
        })?;
        let numbers = numbers.ok_or_else(|| self.corrupt_index(known.start))?;
        let entries = numbers.iter().zip(&numbers[1..]).zip(known).map(|((start, end), ordinal)| {
            let places = [u64::from(ordinal), u64::from(ordinal) + 1];
            match (start.checked_sub(places[0]), end.checked_sub(places[1])) {
                (Some(start), Some(end)) => self.range(ordinal, [start, end]),
                _ => Err(self.corrupt_index(ordinal)),
            }
        });
        let mut found = entries.collect::<Result<Vec<_>, _>>()?;
        found.resize(ordinals.len(), 0..0);
        Ok(found)
    }

    /// Every entry, in the order of the ordinals. After an error the rest still comes.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Result<(u32, &[u8]), SegmentError>> {
        let places = match self.header.index {
            IndexForm::Dense | IndexForm::Packed => self.header.ordinals,
            IndexForm::Sparse => self.header.entries,
        };
        (0..places as usize).filter_map(move |place| match self.header.index {
            IndexForm::Dense | IndexForm::Packed => {
                let entry = self.entry(place as u32, place);
                entry.map(|bytes| (!bytes.is_empty()).then_some((place as u32, bytes))).transpose()
            }
            IndexForm::Sparse => Some(self.number(place).and_then(|ordinal| {
                let bytes = self.entry(ordinal, self.header.entries as usize + place)?;
                Ok((ordinal, bytes))
            })),
        })
    }

    /// Verifies every block, and that the index is in order and leaves nothing of the payload out.
    pub(crate) fn check(&self) -> Result<(), SegmentError> {
        self.blocks.verify_all()?;
        let (mut next_ordinal, mut entries, mut bytes) = (0, 0, 0);
        for entry in self.entries() {
            let (ordinal, entry) = entry?;
            if u64::from(ordinal) < next_ordinal || u64::from(ordinal) >= self.header.ordinals || entry.is_empty() {
                return Err(self.corrupt_index(ordinal));
            }
            next_ordinal = u64::from(ordinal) + 1;
            entries += 1;
            bytes += entry.len() as u64;
        }
        // Each entry starts where the one before it ends, so that as many bytes as there are means all of them.
        if entries != self.header.entries || bytes != self.header.payload_bytes {
            return Err(self.corrupt_index(next_ordinal.saturating_sub(1) as u32));
        }
        Ok(())
    }

    fn entry(&self, ordinal: u32, place: usize) -> Result<&[u8], SegmentError> {
        self.bytes(self.place(ordinal, place)?)
    }

    /// What lies between the offsets at this place of the index and the next.
    fn place(&self, ordinal: u32, place: usize) -> Result<Range<usize>, SegmentError> {
        let ends = match self.header.index {
            IndexForm::Packed => [self.packed_offset(ordinal, place)?, self.packed_offset(ordinal, place + 1)?],
            IndexForm::Dense | IndexForm::Sparse => {
                let at = self.header.index_start() as usize + place * INDEX_BYTES;
                let (offsets, _) = self.blocks.get(at..at + 2 * INDEX_BYTES)?.as_chunks();
                [0, 1].map(|i| u64::from(u32::from_le_bytes(offsets[i])))
            }
        };
        self.range(ordinal, ends)
    }

    /// Where in the file the entry of an ordinal lies that has these ends in the payload.
    fn range(&self, ordinal: u32, [start, end]: [u64; 2]) -> Result<Range<usize>, SegmentError> {
        if start > end || end > self.header.payload_bytes {
            return Err(self.corrupt_index(ordinal));
        }
        Ok(HEADER_BYTES + start as usize..HEADER_BYTES + end as usize)
    }

    /// The offset at this place of a packed index; only the blocks that tell it are verified.
    fn packed_offset(&self, ordinal: u32, place: usize) -> Result<u64, SegmentError> {
        let number = Ascending::get_from(self.offsets(), place, |range| self.packed_index(ordinal, range))?;
        number.and_then(|number| number.checked_sub(place as u64)).ok_or_else(|| self.corrupt_index(ordinal))
    }

    /// How many offsets an index has that has one for each ordinal.
    fn offsets(&self) -> usize {
        self.header.ordinals as usize + 1
    }

    /// Bytes of a packed index, in which an ordinal is looked up.
    fn packed_index(&self, ordinal: u32, range: Range<usize>) -> Result<&[u8], SegmentError> {
        let (start, end) = (self.header.index_start() as usize, self.header.checksums_start() as usize);
        let range = start + range.start..start + range.end;
        if range.end > end {
            return Err(self.corrupt_index(ordinal));
        }
        self.blocks.get(range)
    }

    fn corrupt_index(&self, ordinal: u32) -> SegmentError {
        SegmentError::CorruptIndex { path: self.path().to_owned(), ordinal }
    }

    fn number(&self, place: usize) -> Result<u32, SegmentError> {
        let at = self.header.index_start() as usize + place * INDEX_BYTES;
        let (number, _) = self.blocks.get(at..at + INDEX_BYTES)?.as_chunks();
        Ok(u32::from_le_bytes(number[0]))
    }
}
