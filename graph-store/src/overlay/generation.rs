//! The changes of one slot between two revisions.

use base::{Direction, Relation, Revision};
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

/// The time of an entry that takes an edge away. As seconds since 1970 it lies in 2106.
const REMOVED: u32 = u32::MAX;

/// One member that came or went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The member.
    pub id: u32,
    time: u32,
}

impl Entry {
    /// When the edge came about, in seconds since 1970; `None` where it went.
    pub fn time(self) -> Option<u32> {
        (self.time != REMOVED).then_some(self.time)
    }
}

/// The changes of one list: sorted by id, one entry for each member touched, which says how it is now.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    entries: Vec<Entry>,
    net: i64,
    version: Revision,
}

impl Delta {
    /// The entry of a member, if it was touched.
    pub fn entry(&self, id: u32) -> Option<Entry> {
        self.entries.binary_search_by_key(&id, |entry| entry.id).ok().map(|place| self.entries[place])
    }

    /// All entries, by id.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// By how much the list is longer than below.
    pub fn net(&self) -> i64 {
        self.net
    }

    /// The revision of the last change.
    pub fn version(&self) -> Revision {
        self.version
    }

    /// Brings `members` up to date.
    pub fn apply_to(&self, members: &mut RoaringBitmap) {
        for entry in &self.entries {
            match entry.time() {
                Some(_) => members.insert(entry.id),
                None => members.remove(entry.id),
            };
        }
    }

    /// Lays this delta over `below`, edges by id with their times.
    pub fn merge(&self, below: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let mut merged = Vec::with_capacity(below.len() + self.entries.len());
        let mut below = below.iter().copied().peekable();
        for entry in &self.entries {
            while let Some(edge) = below.next_if(|(id, _)| *id < entry.id) {
                merged.push(edge);
            }
            below.next_if(|(id, _)| *id == entry.id);
            merged.extend(entry.time().map(|time| (entry.id, time)));
        }
        merged.extend(below);
        merged
    }

    fn set(&mut self, id: u32, time: u32, revision: Revision) {
        self.net += if time == REMOVED { -1 } else { 1 };
        self.version = revision;
        match self.entries.binary_search_by_key(&id, |entry| entry.id) {
            Ok(place) => self.entries[place].time = time,
            Err(place) => self.entries.insert(place, Entry { id, time }),
        }
    }
}

/// The changes of one slot between two revisions: every relation, both directions.
#[derive(Debug, Default)]
pub struct Generation {
    lists: [FxHashMap<u32, Delta>; 6],
    changes: usize,
}

/// The place of a relation and direction wherever all six stand in a row: in memory and in the manifest.
pub(crate) fn place(relation: Relation, direction: Direction) -> usize {
    relation as usize * 2 + direction as usize
}

impl Generation {
    /// The member comes to the list of the user with this ordinal. It must not be in it yet.
    pub fn add(&mut self, list: (Relation, Direction, u32), member: u32, time: u32, revision: Revision) {
        self.set(list, member, time.min(REMOVED - 1), revision);
    }

    /// The member leaves the list of the user with this ordinal. It must be in it.
    pub fn remove(&mut self, list: (Relation, Direction, u32), member: u32, revision: Revision) {
        self.set(list, member, REMOVED, revision);
    }

    /// Marks the list of the user with this ordinal as changed, though no member comes or goes.
    pub fn touch(&mut self, (relation, direction, ordinal): (Relation, Direction, u32), revision: Revision) {
        self.lists[place(relation, direction)].entry(ordinal).or_default().version = revision;
    }

    fn set(&mut self, (relation, direction, ordinal): (Relation, Direction, u32), id: u32, time: u32, at: Revision) {
        self.changes += 1;
        self.lists[place(relation, direction)].entry(ordinal).or_default().set(id, time, at);
    }

    /// The delta of one list, if it was touched.
    pub fn delta(&self, relation: Relation, direction: Direction, ordinal: u32) -> Option<&Delta> {
        self.lists[place(relation, direction)].get(&ordinal)
    }

    /// Ordinals of the lists that were touched, in no order.
    pub fn touched(&self, relation: Relation, direction: Direction) -> impl Iterator<Item = u32> {
        self.lists[place(relation, direction)].keys().copied()
    }

    /// How many changes were applied.
    pub fn changes(&self) -> usize {
        self.changes
    }
}

#[cfg(test)]
mod tests {
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
