//! The changes of one slot between two revisions.

use base::{Direction, Relation, Revision};

use super::delta::Delta;
use super::entries::{Entry, REMOVED};
use super::sparse_array::SparseArray;

/// The changes of one slot between two revisions: every relation, both directions.
#[derive(Debug, Default)]
pub struct Generation {
    lists: [SparseArray<Delta>; 6],
    changes: usize,
    /// Bytes behind the deltas.
    entry_bytes: usize,
}

/// The place of a relation and direction wherever all six stand in a row: in memory and in the manifest.
pub(crate) fn place(relation: Relation, direction: Direction) -> usize {
    relation as usize * 2 + direction as usize
}

impl Generation {
    /// The member comes to the list of the user with this ordinal. It must not be in it yet.
    pub fn add(&mut self, list: (Relation, Direction, u32), member: u32, time: u32, revision: Revision) {
        self.set(list, Entry { id: member, time: time.min(REMOVED - 1) }, revision);
    }

    /// The member leaves the list of the user with this ordinal. It must be in it.
    pub fn remove(&mut self, list: (Relation, Direction, u32), member: u32, revision: Revision) {
        self.set(list, Entry { id: member, time: REMOVED }, revision);
    }

    /// Marks the list of the user with this ordinal as changed, though no member comes or goes.
    pub fn touch(&mut self, (relation, direction, ordinal): (Relation, Direction, u32), revision: Revision) {
        let deltas = &mut self.lists[place(relation, direction)];
        let (delta, _) = deltas.get_or_insert_with(ordinal, || Delta::untouched(revision));
        delta.touch(revision);
    }

    fn set(&mut self, (relation, direction, ordinal): (Relation, Direction, u32), entry: Entry, revision: Revision) {
        self.changes += 1;
        let deltas = &mut self.lists[place(relation, direction)];
        let (delta, is_new) = deltas.get_or_insert_with(ordinal, || Delta::new(entry, revision));
        if !is_new {
            self.entry_bytes += delta.set(entry, revision);
        }
    }

    /// The delta of one list, if it was touched.
    pub fn delta(&self, relation: Relation, direction: Direction, ordinal: u32) -> Option<&Delta> {
        self.lists[place(relation, direction)].get(ordinal)
    }

    /// Ordinals of the lists that were touched, ascending.
    pub fn touched(&self, relation: Relation, direction: Direction) -> impl Iterator<Item = u32> {
        self.lists[place(relation, direction)].places()
    }

    /// How many changes were applied.
    pub fn changes(&self) -> usize {
        self.changes
    }

    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        self.entry_bytes + self.lists.iter().map(SparseArray::bytes).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use roaring::RoaringBitmap;

    use super::*;

    const LIST: (Relation, Direction, u32) = (Relation::Follow, Direction::Forward, 3);

    #[test]
    fn a_delta_says_how_each_member_is_now() {
        let mut generation = Generation::default();
        generation.add(LIST, 9, 100, Revision(1));
        generation.remove(LIST, 5, Revision(2));
        generation.remove(LIST, 9, Revision(3));
        generation.add(LIST, 5, 200, Revision(4));
        generation.add(LIST, 1, 300, Revision(5));
        let delta = generation.delta(LIST.0, LIST.1, LIST.2).expect("touched");
        assert_eq!((delta.net(), delta.version()), (1, Revision(5)));
        assert_eq!(delta.merge(&[(2, 7), (5, 7), (8, 7)]), [(1, 300), (2, 7), (5, 200), (8, 7)]);
        assert_eq!(delta.merge_ids(&[2, 5, 8, 9]), [1, 2, 5, 8]);
        let mut members = RoaringBitmap::from([2, 5, 8]);
        delta.apply_to(&mut members);
        assert_eq!(members, RoaringBitmap::from([1, 2, 5, 8]));
    }

    #[test]
    fn a_time_beyond_the_last_one_is_the_last_one() {
        let mut generation = Generation::default();
        generation.add(LIST, 9, u32::MAX, Revision(1));
        let delta = generation.delta(LIST.0, LIST.1, LIST.2).expect("touched");
        assert_eq!(delta.entry(9).and_then(Entry::time), Some(u32::MAX - 1));
    }
}
