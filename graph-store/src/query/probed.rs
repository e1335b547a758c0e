//! A set that is asked again and again which of some ids it has, such as that of the active readers at every tweet.
//!
//! A roaring bitmap answers for one id after it has searched its containers, and what is done with the answer is a branch that
//! nobody can foresee. Where there are enough members for it, a bit for each id lies beside the bitmap: then the answer is
//! one word, and keeping an id or not is an addition.

use roaring::RoaringBitmap;

/// Ids for one member up to which there is a bit for each: the bits take at most 4 bytes for a member.
const IDS_PER_MEMBER_MAX: u64 = 32;

/// A set of users, made to be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProbedSet {
    bitmap: RoaringBitmap,
    /// A bit for each id up to the greatest, or nothing where members are too few for that.
    bits: Vec<u64>,
}

impl ProbedSet {
    /// A set that is asked once: bits would cost more than they save.
    pub fn plain(bitmap: RoaringBitmap) -> Self {
        ProbedSet { bitmap, bits: Vec::new() }
    }

    /// The members.
    pub fn bitmap(&self) -> &RoaringBitmap {
        &self.bitmap
    }

    /// Takes some out, then some in.
    pub fn update(&mut self, remove: &[u32], add: &[u32]) {
        for id in remove {
            self.bitmap.remove(*id);
        }
        self.bitmap.extend(add.iter().copied());
        let words = words_of(&self.bitmap);
        if self.bits.is_empty() || words == 0 {
            *self = ProbedSet::from(std::mem::take(&mut self.bitmap));
            return;
        }
        self.bits.resize(words, 0);
        for id in remove.iter().chain(add) {
            if let Some(word) = self.bits.get_mut(*id as usize / 64) {
                let bit = 1 << (id % 64);
                *word = if self.bitmap.contains(*id) { *word | bit } else { *word & !bit };
            }
        }
    }

    /// Leaves those of some ids that are members, in their order.
    pub fn keep(&self, ids: &mut Vec<u32>) {
        if self.bits.is_empty() {
            return ids.retain(|id| self.bitmap.contains(*id));
        }
        let mut kept = 0;
        for place in 0..ids.len() {
            let id = ids[place];
            let word = self.bits.get(id as usize / 64).copied().unwrap_or_default();
            ids[kept] = id;
            kept += (word >> (id % 64) & 1) as usize;
        }
        ids.truncate(kept);
    }
}

impl From<RoaringBitmap> for ProbedSet {
    fn from(bitmap: RoaringBitmap) -> Self {
        let mut bits = vec![0; words_of(&bitmap)];
        if !bits.is_empty() {
            for id in &bitmap {
                bits[id as usize / 64] |= 1 << (id % 64);
            }
        }
        ProbedSet { bitmap, bits }
    }
}

/// Words for a bit of each id up to the greatest; none where that is too much for so few members.
fn words_of(bitmap: &RoaringBitmap) -> usize {
    let ids = bitmap.max().map_or(0, |max| u64::from(max) + 1);
    if ids > bitmap.len() * IDS_PER_MEMBER_MAX { 0 } else { ids.div_ceil(64) as usize }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However a set came about, it has the same bits, and keeps its members.
        #[test]
        fn it_keeps_its_members(
            updates in prop::collection::vec((prop::collection::vec(0..3000u32, 0..40), prop::collection::vec(0..3000u32, 0..40)), 0..8),
            asked in prop::collection::btree_set(0..4000u32, 0..200),
        ) {
            let (mut set, mut model) = (ProbedSet::default(), BTreeSet::new());
            for (remove, add) in &updates {
                set.update(remove, add);
                model.retain(|id| !remove.contains(id));
                model.extend(add);
                prop_assert_eq!(&set, &ProbedSet::from(model.iter().copied().collect::<RoaringBitmap>()));
            }
            let mut kept: Vec<u32> = asked.iter().copied().collect();
            set.keep(&mut kept);
            prop_assert_eq!(kept, asked.intersection(&model).copied().collect::<Vec<_>>());
        }
    }

    #[test]
    fn few_members_far_apart_have_no_bits() {
        let far = ProbedSet::from(RoaringBitmap::from([1, u32::MAX]));
        assert!(far.bits.is_empty());
        let mut ids = vec![0, 1, 7, u32::MAX];
        far.keep(&mut ids);
        assert_eq!(ids, [1, u32::MAX]);
        let near = ProbedSet::from(RoaringBitmap::from([1, 63]));
        assert_eq!(near.bits, [1 << 63 | 2]);
    }
}
