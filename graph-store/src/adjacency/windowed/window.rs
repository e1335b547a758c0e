//! Finding the window of a list, and writing it.

use std::ops::Range;

use super::Form;
use crate::adjacency::elias_fano::{self, Part};
use crate::adjacency::varint;

/// Shorter lists have no window.
const IDS_MIN: usize = 10;
/// The share of a list whose density tells whether there is a crowd: an eighth, but not fewer ids than this.
const PROBE_SHARE: usize = 8;
const PROBE_MIN: usize = 5;
/// How many times as dense as the list as a whole its densest part must be.
const CROWDED: u64 = 8;
/// The share of the packed bytes that a window must save: a 32nd.
const SAVED_SHARE: usize = 32;

/// A window that is worth it, and what there is around it.
#[derive(Debug)]
pub(crate) struct Window<'a> {
    before: &'a [u32],
    crowd: &'a [u32],
    behind: &'a [u32],
    start: u32,
    span: u32,
    rest_low_bits: u32,
}

impl<'a> Window<'a> {
    /// The window of these strictly increasing ids, which without one take `packed` bytes and `low_bits` low bits each;
    /// none where that saves too little.
    pub(crate) fn find(ids: &'a [u32], low_bits: u32, packed: usize) -> Option<Self> {
        let last = u64::from(*ids.last()?);
        let probe = (ids.len() / PROBE_SHARE).max(PROBE_MIN);
        if ids.len() < IDS_MIN {
            return None;
        }
        let densest = ids.iter().zip(&ids[probe..]).fold(u32::MAX, |least, (first, last)| least.min(last - first));
        if u64::from(densest) * ids.len() as u64 * CROWDED > last * probe as u64 {
            return None;
        }
        let gap_bits = (densest / probe as u32).max(1).ilog2();
        // An id with low bits takes one more in the window and about two more outside.
        let saved = u64::from((low_bits + 2).checked_sub(gap_bits + u32::from(gap_bits > 0))?) << gap_bits;
        let range = most_saving(ids, saved as i64);
        let crowd = &ids[range.clone()];
        let start = *crowd.first()?;
        let span = (crowd.last()? - start).checked_add(1)?;
        let (before, behind) = (&ids[..range.start], &ids[range.end..]);
        let last = behind.last().map(|id| id - span).or(before.last().copied());
        let (rest_low_bits, rest) = elias_fano::measure(before.len() + behind.len(), last.unwrap_or_default());
        let numbers = [crowd.len() as u64, start.into(), span.into()].map(varint::measure);
        let bytes = numbers.iter().sum::<usize>() + Form::of(crowd.len(), span).bytes() + rest;
        let window = Window { before, crowd, behind, start, span, rest_low_bits };
        (bytes + packed / SAVED_SHARE < packed).then_some(window)
    }

    /// The low bits of the ids outside of it, which the head has.
    pub(crate) fn rest_low_bits(&self) -> u32 {
        self.rest_low_bits
    }

    /// Appends what follows the count of all ids.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        for number in [self.crowd.len() as u64, self.start.into(), self.span.into()] {
            varint::write(number, out);
        }
        Form::of(self.crowd.len(), self.span).encode(self.crowd, self.start, out);
        let rest = [Part::whole(self.before), Part { ids: self.behind, less: self.span }];
        elias_fano::encode(&rest, self.rest_low_bits, out);
    }
}

/// The range of ids with the greatest sum, where each counts `saved` and the ids from the first to the last one each.
fn most_saving(ids: &[u32], saved: i64) -> Range<usize> {
    let (mut least, mut start) = (i64::MAX, 0);
    let (mut most, mut range) = (i64::MIN, 0..0);
    for (i, id) in ids.iter().enumerate() {
        let sum = i as i64 * saved - i64::from(*id);
        if sum < least {
            (least, start) = (sum, i);
        }
        if sum - least > most {
            (most, range) = (sum - least, start..i + 1);
        }
    }
    range
}
