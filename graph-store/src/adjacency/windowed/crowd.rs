//! The ids in the window.

use std::ops::Range;

use crate::adjacency::CorruptList;
use crate::adjacency::bitmap::{self, Bitmap};
use crate::adjacency::elias_fano::{self, EliasFano, Part};

/// The widest bitmap, in bits.
const BITMAP_MAX: u32 = 1 << 15;

/// The ids in the window, less its start.
#[derive(Clone, Copy, Debug)]
pub(super) enum Crowd<'a> {
    Bitmap { bits: Bitmap<'a>, len: usize },
    Packed(EliasFano<'a>),
}

/// How the ids in a window lie, which follows from how many they are and how far apart.
pub(super) enum Form {
    Bitmap { bytes: usize },
    Packed { low_bits: u32, bytes: usize },
}

impl Form {
    pub(super) fn of(crowd: usize, span: u32) -> Self {
        let (low_bits, packed) = elias_fano::measure(crowd, span - 1);
        let bytes = (span as usize).div_ceil(8);
        if bytes <= packed && span <= BITMAP_MAX {
            Form::Bitmap { bytes }
        } else {
            Form::Packed { low_bits, bytes: packed }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Form::Bitmap { bytes } | Form::Packed { bytes, .. } => *bytes,
        }
    }

    /// Takes exactly the bytes of `len` ids.
    pub(super) fn parse<'a>(&self, bytes: &'a [u8], len: usize) -> Result<Crowd<'a>, CorruptList> {
        Ok(match self {
            Form::Bitmap { .. } => Crowd::Bitmap { bits: Bitmap(bytes), len },
            Form::Packed { low_bits, .. } => Crowd::Packed(EliasFano::parse(bytes, len, *low_bits)?),
        })
    }

    /// Appends ids, each `less` than it is.
    pub(super) fn encode(&self, ids: &[u32], less: u32, out: &mut Vec<u8>) {
        match self {
            Form::Bitmap { .. } => bitmap::encode(ids, less, out),
            Form::Packed { low_bits, .. } => elias_fano::encode(&[Part { ids, less }], *low_bits, out),
        }
    }
}

impl<'a> Crowd<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Crowd::Bitmap { len, .. } => *len,
            Crowd::Packed(ids) => ids.len(),
        }
    }

    pub(super) fn contains(&self, id: u32) -> bool {
        match self {
            Crowd::Bitmap { bits, .. } => bits.contains(id),
            Crowd::Packed(ids) => ids.contains(id),
        }
    }

    /// How many ids are smaller than `id`, which may be the span.
    pub(super) fn rank(&self, id: u64) -> usize {
        match self {
            _ if id == 0 => 0,
            Crowd::Bitmap { bits, len } => bits.rank(id as u32).min(*len),
            Crowd::Packed(ids) => ids.rank(id as u32),
        }
    }

    pub(super) fn get(&self, rank: usize) -> Option<u32> {
        match self {
            Crowd::Bitmap { bits, .. } => bits.get(rank),
            Crowd::Packed(ids) => ids.get(rank),
        }
    }

    pub(super) fn iter_from(&self, id: u64) -> CrowdIter<'a> {
        match self {
            Crowd::Bitmap { bits, len } => {
                CrowdIter::Bitmap { bits: *bits, at: id as usize, left: len - self.rank(id) }
            }
            Crowd::Packed(ids) => CrowdIter::Packed(ids.iter_from(id as u32)),
        }
    }

    /// Appends the ids in a range, each `start` more than it is, and answers how many are smaller.
    pub(super) fn decode_range(&self, range: Range<u64>, start: u32, ids: &mut Vec<u32>) -> usize {
        let first = ids.len();
        match self {
            Crowd::Bitmap { bits, len } => {
                let rank = self.rank(range.start);
                bits.decode_range(range, start, ids);
                ids.truncate(first + len - rank);
                rank
            }
            Crowd::Packed(crowd) => {
                let rank = crowd.decode_range(range, ids);
                ids[first..].iter_mut().for_each(|id| *id = id.wrapping_add(start));
                rank
            }
        }
    }

    /// Whether the ids are as many as they should be, the first of them 0 and the last one less than `span`.
    pub(super) fn validate(&self, span: u32) -> Result<(), CorruptList> {
        let whole = match self {
            Crowd::Bitmap { bits, len } => bits.count() == *len && bits.next(span as usize).is_none(),
            Crowd::Packed(ids) => ids.validate().map(|()| true)?,
        };
        if whole && self.contains(0) && self.contains(span - 1) { Ok(()) } else { Err(CorruptList::Window) }
    }
}

/// Ids in ascending order.
#[derive(Clone, Debug)]
pub(super) enum CrowdIter<'a> {
    Bitmap { bits: Bitmap<'a>, at: usize, left: usize },
    Packed(elias_fano::Iter<'a>),
}

impl CrowdIter<'_> {
    pub(super) fn left(&self) -> usize {
        match self {
            CrowdIter::Bitmap { left, .. } => *left,
            CrowdIter::Packed(ids) => ids.size_hint().0,
        }
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<u32> {
        match self {
            CrowdIter::Bitmap { bits, at, left } => {
                *left = left.checked_sub(1)?;
                let Some(id) = bits.next(*at) else {
                    *left = 0;
                    return None;
                };
                *at = id as usize + 1;
                Some(id)
            }
            CrowdIter::Packed(ids) => ids.next(),
        }
    }
}
