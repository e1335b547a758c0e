//! An array with gaps: what was never set takes next to nothing, and no insertion moves more than a row.

/// Places of one row.
const ROW: u32 = u64::BITS;

/// Values at some of the places from 0 on. Places are numbers given out densely, of which any part may be set.
///
/// Phil Bagwell's bitmap-indexed node ("Ideal Hash Trees", 2001), one level deep: a row stands for 64 places, and stores
/// the values that are set side by side. An insertion moves at most 63 of them. Rows are 32 bytes each, one for every 64
/// places up to the last that is set.
#[derive(Debug)]
pub(super) struct SparseArray<T> {
    rows: Vec<Row<T>>,
    bytes: usize,
}

#[derive(Debug)]
struct Row<T> {
    /// One bit for each place that is set.
    set: u64,
    values: Vec<T>,
}

impl<T> Default for SparseArray<T> {
    fn default() -> Self {
        SparseArray { rows: Vec::new(), bytes: 0 }
    }
}

impl<T> SparseArray<T> {
    pub(super) fn get(&self, place: u32) -> Option<&T> {
        let row = self.rows.get((place / ROW) as usize)?;
        (row.set >> (place % ROW) & 1 == 1).then(|| &row.values[row.rank(place)])
    }

    /// The value at a place, and whether it was just made.
    pub(super) fn get_or_insert_with(&mut self, place: u32, make: impl FnOnce() -> T) -> (&mut T, bool) {
        let row = (place / ROW) as usize;
        if row >= self.rows.len() {
            let before = self.rows.capacity();
            self.rows.resize_with(row + 1, || Row { set: 0, values: Vec::new() });
            self.bytes += (self.rows.capacity() - before) * size_of::<Row<T>>();
        }
        let row = &mut self.rows[row];
        let (rank, bit) = (row.rank(place), 1 << (place % ROW));
        let is_new = row.set & bit == 0;
        if is_new {
            let before = row.values.capacity();
            if row.values.len() == before {
                // By a quarter instead of to the double: moving is cheap here, and there are many rows.
                row.values.reserve_exact(before / 4 + 2);
            }
            row.values.insert(rank, make());
            row.set |= bit;
            self.bytes += (row.values.capacity() - before) * size_of::<T>();
        }
        (&mut row.values[rank], is_new)
    }

    /// The places that are set, in order.
    pub(super) fn places(&self) -> impl Iterator<Item = u32> {
        self.rows
            .iter()
            .zip(0..)
            .flat_map(|(row, idx)| (0..ROW).filter(|bit| row.set >> bit & 1 == 1).map(move |bit| idx * ROW + bit))
    }

    /// Bytes of memory, without what the values point to.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl<T> Row<T> {
    /// How many places before this one are set.
    fn rank(&self, place: u32) -> usize {
        (self.set & ((1 << (place % ROW)) - 1)).count_ones() as usize
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map_in_order(sets in prop::collection::vec((0..1000u32, any::<u8>()), 0..300)) {
            let (mut array, mut model) = (SparseArray::default(), BTreeMap::new());
            for (place, value) in sets {
                let (found, is_new) = array.get_or_insert_with(place, || value);
                prop_assert_eq!(is_new, !model.contains_key(&place));
                prop_assert_eq!(*found, *model.entry(place).or_insert(value));
            }
            prop_assert_eq!(array.places().collect::<Vec<_>>(), model.keys().copied().collect::<Vec<_>>());
            for place in 0..1100 {
                prop_assert_eq!(array.get(place), model.get(&place));
            }
            prop_assert!(array.bytes() >= model.len());
        }
    }
}
