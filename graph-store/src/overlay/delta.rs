//! The changes of one list.

use std::ops::RangeBounds;

use base::Revision;
use roaring::RoaringBitmap;

use super::entries::{Entries, Entry, REMOVED};

/// The changes of one list: sorted by id, one entry for each member touched, which says how it is now.
///
/// A copy costs a pointer for each 256 to 512 entries, so that readers take one and let go of the list.
#[derive(Clone, Debug)]
pub struct Delta {
    entries: Entries,
    net: i64,
    version: Revision,
}

impl Delta {
    /// That of a list which changes for the first time.
    pub(super) fn new(entry: Entry, revision: Revision) -> Self {
        Delta { entries: Entries::One([entry]), net: net_of(entry), version: revision }
    }

    /// That of a list in which nothing has changed yet.
    pub(super) fn untouched(revision: Revision) -> Self {
        Delta { entries: Entries::Few(Vec::new()), net: 0, version: revision }
    }

    /// Lets the list have changed at a revision, though no member came or went.
    pub(super) fn touch(&mut self, revision: Revision) {
        self.version = revision;
    }

    /// The entry of a member, if it was touched.
    pub fn entry(&self, id: u32) -> Option<Entry> {
        self.entries.get(id)
    }

    /// All entries, by id.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = Entry> {
        self.entries.range(..)
    }

    /// The entries of some ids, by id; finding the first and the last takes a few steps each.
    pub fn entries_in(&self, ids: impl RangeBounds<u32>) -> impl DoubleEndedIterator<Item = Entry> {
        self.entries.range(ids)
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
        for entry in self.entries() {
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
        for entry in self.entries() {
            while let Some(edge) = below.next_if(|(id, _)| *id < entry.id) {
                merged.push(edge);
            }
            below.next_if(|(id, _)| *id == entry.id);
            merged.extend(entry.time().map(|time| (entry.id, time)));
        }
        merged.extend(below);
        merged
    }

    /// Lays this delta over the ids `below`, ascending: [`merge`](Delta::merge) for who needs no times.
    pub fn merge_ids(&self, below: &[u32]) -> Vec<u32> {
        let mut merged = Vec::with_capacity(below.len() + self.entries.len());
        let mut rest = below;
        for entry in self.entries() {
            let (before, from) = rest.split_at(rest.partition_point(|id| *id < entry.id));
            merged.extend_from_slice(before);
            merged.extend(entry.time().map(|_| entry.id));
            rest = from.strip_prefix(&[entry.id]).unwrap_or(from);
        }
        merged.extend_from_slice(rest);
        merged
    }

    /// Takes one more change in. Returns by how many bytes the memory behind this grew.
    pub(super) fn set(&mut self, entry: Entry, revision: Revision) -> usize {
        self.net += net_of(entry);
        self.version = revision;
        self.entries.set(entry)
    }
}

/// Every change takes effect: who comes was not there, and who goes was.
fn net_of(entry: Entry) -> i64 {
    if entry.time == REMOVED { -1 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delta_of_a_list_that_changed_once_is_five_words() {
        assert_eq!(size_of::<Delta>(), 40);
    }
}
