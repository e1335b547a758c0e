//! The edges of one list in the order of time.

use std::ops::Range;

use super::time_ordered::TimeOrdered;
use crate::segment::SegmentError;

/// The edges of one list from the oldest on, those of the same second in the order of their ids.
///
/// The *rank* of an edge is how many edges come before it.
#[derive(Clone, Copy, Debug)]
pub struct ByTime<'a>(Column<'a>);

#[derive(Clone, Copy, Debug)]
enum Column<'a> {
    Equal { time: u32, len: usize },
    Ordered(TimeOrdered<'a>),
}

impl<'a> ByTime<'a> {
    /// So many edges of one and the same time: their order is that of the ids.
    pub(super) fn equal(time: u32, len: usize) -> Self {
        ByTime(Column::Equal { time, len })
    }

    pub(super) fn ordered(column: TimeOrdered<'a>) -> Self {
        ByTime(Column::Ordered(column))
    }

    /// How many edges come before an edge of this time at this position of the list, were it there.
    pub fn rank(&self, time: u32, position: u32) -> Result<usize, SegmentError> {
        match self.0 {
            Column::Equal { time: all, len } if time == all => Ok(len.min(position as usize)),
            Column::Equal { time: all, len } => Ok(if time < all { 0 } else { len }),
            Column::Ordered(column) => column.rank(time, position),
        }
    }

    /// Appends the time and the position in the list of each edge of these ranks, all below the length of the list.
    pub fn decode_into(&self, ranks: Range<usize>, edges: &mut Vec<(u32, u32)>) -> Result<(), SegmentError> {
        match self.0 {
            Column::Equal { time, .. } => edges.extend(ranks.map(|rank| (time, rank as u32))),
            Column::Ordered(column) => column.for_each(ranks, |time, position| {
                edges.push((time, position));
                Ok(())
            })?,
        }
        Ok(())
    }

    /// Appends the times at some positions of the list.
    pub(super) fn decode_positions_into(
        &self,
        positions: Range<usize>,
        times: &mut Vec<u32>,
    ) -> Result<(), SegmentError> {
        match self.0 {
            Column::Equal { time, .. } => times.resize(times.len() + positions.len(), time),
            Column::Ordered(column) => column.decode_into(positions, times)?,
        }
        Ok(())
    }

    /// Appends the times at some positions of the list, which ascend.
    pub(super) fn decode_at(&self, positions: &[u32], times: &mut Vec<u32>) -> Result<(), SegmentError> {
        match self.0 {
            Column::Equal { time, .. } => times.resize(times.len() + positions.len(), time),
            Column::Ordered(column) => column.at(positions, times)?,
        }
        Ok(())
    }
}
