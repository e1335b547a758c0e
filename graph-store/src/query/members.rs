//! A set of users, in the form in which its size is handled fastest.

use roaring::RoaringBitmap;

/// Ids up to which a set is kept as a sorted array: below it an array is read faster than a bitmap is built.
pub const SORTED_MAX: u64 = 1 << 16;

/// A set of users.
#[derive(Clone, PartialEq, Debug)]
pub enum Members {
    /// Strictly increasing ids.
    Sorted(Vec<u32>),
    /// A bitmap, seldom of few.
    Bitmap(RoaringBitmap),
}

impl Members {
    /// Nobody.
    pub const fn none() -> Self {
        Members::Sorted(Vec::new())
    }

    /// The members of a bitmap.
    pub fn of(bitmap: &RoaringBitmap) -> Self {
        if bitmap.len() <= SORTED_MAX {
            Members::Sorted(bitmap.iter().collect())
        } else {
            Members::Bitmap(bitmap.clone())
        }
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        match self {
            Members::Sorted(ids) => ids.len() as u64,
            Members::Bitmap(bitmap) => bitmap.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Those who are in both.
    #[must_use]
    pub fn intersection(self, other: &Self) -> Self {
        match (self, other) {
            (Members::Bitmap(one), Members::Bitmap(other)) => (one & other).into(),
            (Members::Sorted(mut ids), Members::Bitmap(bitmap)) => {
                ids.retain(|id| bitmap.contains(*id));
                Members::Sorted(ids)
            }
            (Members::Bitmap(bitmap), Members::Sorted(ids)) => {
                Members::Sorted(ids.iter().copied().filter(|id| bitmap.contains(*id)).collect())
            }
            (Members::Sorted(ids), Members::Sorted(other)) => Members::Sorted(keep(ids, other, true)),
        }
    }

    /// Those who are not in the other.
    #[must_use]
    pub fn difference(self, other: &Self) -> Self {
        match (self, other) {
            (Members::Bitmap(one), Members::Bitmap(other)) => (one - other).into(),
            (Members::Sorted(mut ids), Members::Bitmap(bitmap)) => {
                ids.retain(|id| !bitmap.contains(*id));
                Members::Sorted(ids)
            }
            (Members::Bitmap(mut bitmap), Members::Sorted(ids)) => {
                for id in ids {
                    bitmap.remove(*id);
                }
                bitmap.into()
            }
            (Members::Sorted(ids), Members::Sorted(other)) => Members::Sorted(keep(ids, other, false)),
        }
    }

    /// The first `count` from an id on, ascending.
    pub(super) fn from(&self, start: u64, count: usize) -> Vec<u32> {
        let Ok(start) = u32::try_from(start) else { return Vec::new() };
        match self {
            Members::Sorted(ids) => {
                let ids = &ids[ids.partition_point(|id| *id < start)..];
                ids[..count.min(ids.len())].to_vec()
            }
            Members::Bitmap(bitmap) => bitmap.range(start..).take(count).collect(),
        }
    }

    /// The last `count` below an id, ascending.
    pub(super) fn below(&self, end: u64, count: usize) -> Vec<u32> {
        match self {
            Members::Sorted(ids) => {
                let ids = &ids[..ids.partition_point(|id| u64::from(*id) < end)];
                ids[ids.len().saturating_sub(count)..].to_vec()
            }
            Members::Bitmap(bitmap) => {
                let mut ids: Vec<u32> = match u32::try_from(end) {
                    Ok(end) => bitmap.range(..end).rev().take(count).collect(),
                    Err(_) => bitmap.iter().rev().take(count).collect(),
                };
                ids.reverse();
                ids
            }
        }
    }

    /// As strictly increasing ids.
    pub fn into_ids(self) -> Vec<u32> {
        match self {
            Members::Sorted(ids) => ids,
            Members::Bitmap(bitmap) => bitmap.into_iter().collect(),
        }
    }

    /// As a bitmap.
    pub fn into_bitmap(self) -> RoaringBitmap {
        match self {
            Members::Sorted(ids) => ids.into_iter().collect(),
            Members::Bitmap(bitmap) => bitmap,
        }
    }
}

impl From<RoaringBitmap> for Members {
    fn from(bitmap: RoaringBitmap) -> Self {
        if bitmap.len() <= SORTED_MAX { Members::of(&bitmap) } else { Members::Bitmap(bitmap) }
    }
}

/// Those of some strictly increasing ids that are in another such sequence, or are not.
pub(super) fn keep(mut ids: Vec<u32>, other: &[u32], present: bool) -> Vec<u32> {
    let mut other = other.iter().peekable();
    ids.retain(|id| {
        while other.next_if(|other| *other < id).is_some() {}
        (other.peek() == Some(&id)) == present
    });
    ids
}

/// A union in the making: what is sorted is gathered, and sorted once.
#[derive(Debug, Default)]
pub(super) struct Union {
    gathered: Vec<u32>,
    bitmap: Option<RoaringBitmap>,
}

impl Union {
    pub(super) fn add(&mut self, members: Members) {
        match members {
            Members::Sorted(ids) => self.gathered.extend(ids),
            Members::Bitmap(bitmap) => *self.bitmap.get_or_insert_default() |= bitmap,
        }
        if self.gathered.len() as u64 > SORTED_MAX {
            self.bitmap.get_or_insert_default().extend(self.gathered.drain(..));
        }
    }

    pub(super) fn finish(mut self) -> Members {
        if let Some(mut bitmap) = self.bitmap {
            bitmap.extend(self.gathered);
            return Members::Bitmap(bitmap);
        }
        self.gathered.sort_unstable();
        self.gathered.dedup();
        Members::Sorted(self.gathered)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    type Set = BTreeSet<u32>;

    fn both(set: &Set) -> [Members; 2] {
        let sorted: Vec<u32> = set.iter().copied().collect();
        [Members::Bitmap(sorted.iter().copied().collect()), Members::Sorted(sorted)]
    }

    fn plain(members: Members) -> Set {
        members.into_bitmap().into_iter().collect()
    }

    proptest! {
        #[test]
        fn the_algebra_of_every_two_forms_is_that_of_plain_sets(
            one in proptest::collection::btree_set(0..60u32, 0..40),
            other in proptest::collection::btree_set(0..60u32, 0..40),
        ) {
            for a in both(&one) {
                prop_assert_eq!(a.len(), one.len() as u64);
                for b in both(&other) {
                    prop_assert_eq!(plain(a.clone().difference(&b)), &one - &other);
                    prop_assert_eq!(plain(a.clone().intersection(&b)), &one & &other);
                    let mut union = Union::default();
                    union.add(a.clone());
                    union.add(b);
                    prop_assert_eq!(plain(union.finish()), &one | &other);
                }
            }
        }
    }

    #[test]
    fn a_union_of_more_than_an_array_holds_is_a_bitmap() {
        let mut union = Union::default();
        let max = SORTED_MAX as u32;
        union.add(Members::Sorted((0..max).collect()));
        union.add(Members::Sorted((max - 10..max + 10).collect()));
        let found = union.finish();
        assert_eq!(found, Members::Bitmap((0..max + 10).collect()));
    }
}
