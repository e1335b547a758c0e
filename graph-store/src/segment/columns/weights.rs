//! The weight of each edge.

use std::path::Path;

use base::Revision;
use base::disk::Disk;

use super::entry::Entry;
use crate::segment::SegmentError;
use crate::segment::blocks::Unsynced;
use crate::segment::format::{Header, Kind};
use crate::segment::id::SegmentId;
use crate::segment::table::{Table, TableWriter};

/// The weight of an edge that came without one.
pub const DEFAULT_WEIGHT: f64 = 1.0;

const WEIGHT_BYTES: usize = 8;

/// The weights of a segment's edges: finite numbers, 1 where nothing else was said.
///
/// # Layout
///
/// A table, which exists where the flags of the `.segment` file say so; its base is zero. A list whose weights are all 1
/// has no entry. One whose weights are all the same has that weight, a little-endian `f64`; any other list has the weight
/// of each edge, in the order of the ids.
#[derive(Debug)]
pub struct Weights {
    table: Option<Table>,
}

impl Weights {
    pub(crate) fn open(disk: &dyn Disk, path: Option<&Path>) -> Result<Self, SegmentError> {
        let table = path.map(|path| Table::open(disk, path, Kind::Weights)).transpose()?;
        Ok(Weights { table })
    }

    /// The header of the file, where there is one.
    pub(crate) fn header(&self) -> Option<&Header> {
        self.table.as_ref().map(Table::header)
    }

    /// Whether any edge may have another weight than 1.
    pub fn exist(&self) -> bool {
        self.table.is_some()
    }

    /// Appends the weights of the list of `ordinal`, which has `len` ids, in the order of the ids.
    pub fn decode_into(&self, ordinal: u32, len: usize, weights: &mut Vec<f64>) -> Result<(), SegmentError> {
        let entry = match &self.table {
            Some(table) => Entry::find(table, ordinal)?,
            None => None,
        };
        let Some(entry) = entry else {
            weights.resize(weights.len() + len, DEFAULT_WEIGHT);
            return Ok(());
        };
        let (numbers, rest) = entry.bytes(0..entry.len())?.as_chunks::<WEIGHT_BYTES>();
        match numbers {
            _ if !rest.is_empty() => return Err(entry.corrupt()),
            [weight] => weights.resize(weights.len() + len, f64::from_le_bytes(*weight)),
            _ if numbers.len() == len => weights.extend(numbers.iter().map(|weight| f64::from_le_bytes(*weight))),
            _ => return Err(entry.corrupt()),
        }
        Ok(())
    }

    /// Verifies every block, and each entry against the length of its list, which `len_of` knows.
    pub(crate) fn check(&self, mut len_of: impl FnMut(u32) -> Result<usize, SegmentError>) -> Result<(), SegmentError> {
        let Some(table) = &self.table else { return Ok(()) };
        table.check()?;
        let (mut weights, mut again) = (Vec::new(), Vec::new());
        for entry in table.entries() {
            let (ordinal, entry) = entry?;
            weights.clear();
            again.clear();
            self.decode_into(ordinal, len_of(ordinal)?, &mut weights)?;
            encode(&weights, &mut again);
            if again != entry || weights.iter().any(|weight| !weight.is_finite()) {
                return Err(table.corrupt(ordinal));
            }
        }
        Ok(())
    }
}

/// Appends the entry of a list with these weights; none are all 1.
pub(crate) fn encode(weights: &[f64], out: &mut Vec<u8>) {
    let all_are = |weight: f64| weights.iter().all(|other| other.to_bits() == weight.to_bits());
    match weights.first() {
        Some(first) if !all_are(*first) => weights.iter().for_each(|weight| out.extend(weight.to_le_bytes())),
        Some(first) if !all_are(DEFAULT_WEIGHT) => out.extend(first.to_le_bytes()),
        _ => {}
    }
}

/// Writes a `.weights` file.
#[derive(Debug)]
pub(crate) struct WeightsWriter {
    table: TableWriter,
    entry: Vec<u8>,
}

impl WeightsWriter {
    pub(crate) fn create(
        disk: &dyn Disk,
        folder: &Path,
        id: SegmentId,
        revision: Revision,
    ) -> Result<Self, SegmentError> {
        let table = TableWriter::create(disk, folder.join(id.weights_name()), Kind::Weights, id, revision, 0)?;
        Ok(WeightsWriter { table, entry: Vec::new() })
    }

    /// Says that nobody reads the file soon.
    pub(crate) fn written_once(&mut self) {
        self.table.written_once();
    }

    /// Appends the weights of a list of `len` ids; none are all 1.
    pub(crate) fn push(&mut self, ordinal: u32, len: usize, weights: &[f64]) -> Result<(), SegmentError> {
        let path = || self.table.path().to_owned();
        if !weights.is_empty() && weights.len() != len {
            return Err(SegmentError::WeightsDiffer { path: path(), ordinal, ids: len, weights: weights.len() });
        }
        if let Some(position) = weights.iter().position(|weight| !weight.is_finite()) {
            return Err(SegmentError::WeightNotFinite { path: path(), ordinal, position });
        }
        self.entry.clear();
        encode(weights, &mut self.entry);
        self.table.push(ordinal, len, &self.entry)
    }

    /// Appends the entry of a list of `len` ids as it lies in other weights.
    pub(crate) fn copy(&mut self, ordinal: u32, len: usize, other: &Weights) -> Result<(), SegmentError> {
        let entry = other.table.as_ref().map_or(Ok(None), |table| table.get(ordinal))?;
        self.table.push(ordinal, len, entry.unwrap_or_default())
    }

    /// Appends the entry of a list of `len` ids that was encoded already.
    pub(crate) fn push_encoded(&mut self, ordinal: u32, len: usize, entry: &[u8]) -> Result<(), SegmentError> {
        self.table.push(ordinal, len, entry)
    }

    pub(crate) fn finish(self) -> Result<(Header, Unsynced), SegmentError> {
        self.table.finish()
    }
}
