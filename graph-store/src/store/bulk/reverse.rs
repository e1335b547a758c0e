//! Reverse lists out of forward lists: no sorting, since who comes first when the forward lists are read in the order of
//! their users is the smaller id in every list.
//!
//! Users are cut into ranges of which one thread can hold all new followers in its hands. For each range all forward
//! lists are read, only those of its ids, and each source goes to the end of its target's list: a scatter into memory that
//! was laid out by counting.

use std::ops::Range;
use std::sync::Arc;

use base::disk::Scratch;
use base::{Slots, UserId};

use super::ordered::in_order;
use super::partition::Columns;
use super::{BulkError, ENCODED_EDGES, Encoded, Spare, numbers, numbers_mut};
use crate::segment::{Bases, EdgeTimes, Segment};

/// Bytes for each edge of a range, at most, that a thread has in its hands: the edge, and what was encoded of it and of
/// ranges that wait for an earlier one.
const BYTES_PER_EDGE: u64 = 12;

/// Turns forward lists into reverse ones.
pub(crate) struct Reverse<'a> {
    /// The forward lists of each slot.
    pub(crate) forward: &'a [Option<Arc<Segment>>],
    pub(crate) slots: Slots,
    /// Who has forward lists, ascending.
    pub(crate) sources: &'a [u32],
    /// How many edges come to each user.
    pub(crate) in_degrees: &'a [u32],
    pub(crate) columns: Columns,
    pub(crate) bases: Bases,
    pub(crate) threads: usize,
    /// Bytes of memory, about.
    pub(crate) memory: u64,
}

impl Reverse<'_> {
    /// Hands encoded lists, slot by slot, to `write`, with the number of their edges; in the order of the users.
    pub(crate) fn run(
        &self,
        mut write: impl FnMut(&Encoded, u64) -> Result<(), BulkError> + Send,
    ) -> Result<(), BulkError> {
        let each = BYTES_PER_EDGE + u64::from(self.columns.times) * 8 + u64::from(self.columns.weights) * 16;
        let ranges = ranges(self.in_degrees, self.memory / each / self.threads as u64, self.threads);
        let spare = Spare::new(self.slots);
        let work = |i: usize| self.make(ranges[i].clone(), &spare);
        in_order(self.threads, ranges.len(), work, |_, all: Vec<Encoded>| {
            for encoded in all {
                write(&encoded, encoded.edges as u64)?;
                spare.give_back(encoded);
            }
            Ok(())
        })
    }

    /// The lists of a range, as many of them in one piece as are handed on at once.
    fn make(&self, targets: Range<u32>, spare: &Spare) -> Result<Vec<Encoded>, BulkError> {
        let degrees = &self.in_degrees[targets.start as usize..targets.end as usize];
        let edges: usize = degrees.iter().map(|degree| *degree as usize).sum();
        let mut scattered = Scattered::new(degrees, edges, self.columns)?;
        let mut all = Vec::new();
        let mut encoded = spare.take();
        let (mut ids, mut times, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for source in self.sources {
            let (slot, ordinal) = (self.slots.slot_of(UserId(*source)), self.slots.ordinal_of(UserId(*source)));
            let Some(segment) = &self.forward[usize::from(slot.0)] else { continue };
            let Some(list) = segment.list(ordinal)? else { continue };
            ids.clear();
            let start = list.decode_range_into(targets.clone(), &mut ids);
            if self.columns.times {
                times.clear();
                segment.times().decode_range_into(ordinal, list.len(), start..start + ids.len(), &mut times)?;
            }
            weights.clear();
            if self.columns.weights {
                segment.weights().decode_into(ordinal, list.len(), &mut weights)?;
                weights.drain(..start);
            }
            scattered.push(*source, targets.start, &ids, &times, &weights);
        }
        let starts = std::iter::once(0).chain(scattered.ends.iter().copied());
        for ((target, start), end) in targets.zip(starts).zip(&scattered.ends) {
            let list = start..*end;
            if list.is_empty() {
                continue;
            }
            let times = match &scattered.times {
                Some(times) => EdgeTimes::Each(&numbers(times)[list.clone()]),
                None => EdgeTimes::Same(self.bases.time),
            };
            let weights = scattered
                .weights
                .as_ref()
                .map_or(&[][..], |weights| &bytemuck::cast_slice(weights.bytes())[list.clone()]);
            encoded.push(UserId(target), &numbers(&scattered.sources)[list], times, weights, self.bases)?;
            if encoded.edges >= ENCODED_EDGES {
                all.push(std::mem::replace(&mut encoded, spare.take()));
            }
        }
        all.push(encoded);
        Ok(all)
    }
}

/// The edges of a range of targets, target by target.
struct Scattered {
    sources: Scratch,
    times: Option<Scratch>,
    weights: Option<Scratch>,
    /// Where the list of each target ends, so far.
    ends: Vec<usize>,
}

impl Scattered {
    fn new(degrees: &[u32], edges: usize, columns: Columns) -> std::io::Result<Self> {
        let bytes = edges.max(1) * size_of::<u32>();
        let ends = degrees.iter().scan(0, |sum, degree| Some(std::mem::replace(sum, *sum + *degree as usize)));
        Ok(Scattered {
            sources: Scratch::new(bytes)?,
            times: columns.times.then(|| Scratch::new(bytes)).transpose()?,
            weights: columns.weights.then(|| Scratch::new(bytes * 2)).transpose()?,
            ends: ends.collect(),
        })
    }

    /// Appends an edge from `source` to each of the targets, which are in the range that begins with `first`.
    fn push(&mut self, source: u32, first: u32, targets: &[u32], times: &[u32], weights: &[f64]) {
        let sources = numbers_mut(&mut self.sources);
        if let Some(scattered) = self.times.as_mut().map(numbers_mut) {
            for (target, time) in targets.iter().zip(times) {
                scattered[self.ends[(target - first) as usize]] = *time;
            }
        }
        if let Some(scattered) = &mut self.weights {
            let scattered: &mut [f64] = bytemuck::cast_slice_mut(scattered.bytes_mut());
            for (target, weight) in targets.iter().zip(weights) {
                scattered[self.ends[(target - first) as usize]] = *weight;
            }
        }
        for target in targets {
            let end = &mut self.ends[(target - first) as usize];
            sources[*end] = source;
            *end += 1;
        }
    }
}

/// Cuts users into ranges to which at most `edges_max` edges come, unless a single user has more, and into no fewer
/// than there are threads.
fn ranges(in_degrees: &[u32], edges_max: u64, threads: usize) -> Vec<Range<u32>> {
    let all: u64 = in_degrees.iter().map(|degree| u64::from(*degree)).sum();
    let edges_max = edges_max.min(all.div_ceil(threads as u64)).max(1);
    let (mut ranges, mut start, mut edges) = (Vec::new(), 0, 0);
    for (user, degree) in (0..).zip(in_degrees) {
        if edges > 0 && edges + u64::from(*degree) > edges_max {
            ranges.push(start..user);
            (start, edges) = (user, 0);
        }
        edges += u64::from(*degree);
    }
    if edges > 0 {
        ranges.push(start..in_degrees.len() as u32);
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_everybody_and_hold_no_more_than_they_may() {
        assert_eq!(ranges(&[3, 0, 4, 9, 1, 0, 1], 7, 1), [0..3, 3..4, 4..7]);
        assert_eq!(ranges(&[1, 1, 1, 1], u64::MAX, 2), [0..2, 2..4]);
        assert_eq!(ranges(&[0, 0], 5, 2), []);
        assert_eq!(ranges(&[5, 0], 1, 2).len(), 1);
    }
}
