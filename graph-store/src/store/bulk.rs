//! Edges in bulk: straight into segments, past the log.
//!
//! Writes wait meanwhile. The new segments of all slots, the new ids and the revision come into being together, when
//! the manifest is renamed; before that nothing has happened, and what was written is removed at the next open.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::{Direction, ListRef, Relation, Revision, Slot as SlotNumber, UserId};
use rayon::prelude::*;

use super::manifest::{ImportMark, SlotFiles};
use super::segments::Segments;
use super::{Directory, Shared, Store, StoreError, catalog};
use crate::log::Record;
use crate::overlay::Generation;

/// Follow edges to add, and the people at their ends.
#[derive(Clone, Debug, Default)]
pub struct BulkEdges {
    /// External ids of all people, ascending; new ones get user ids in this order.
    pub external_ids: Vec<u64>,
    /// Source and target, as places in `external_ids`. Never the same.
    pub edges: Vec<(u32, u32)>,
    /// When these edges came about, in seconds since 1970.
    pub time: u32,
    /// More edges, each with its own time behind source and target. Of an edge that comes more than once the earliest
    /// time counts.
    pub timed: Vec<(u32, u32, u32)>,
}

/// What became of the edges.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize)]
pub struct BulkReport {
    /// Edges that are new.
    pub added: u64,
    /// Edges that came more than once.
    pub duplicates: u64,
    /// Edges that were there already.
    pub existing: u64,
    /// Edges that a block in either direction forbids.
    pub blocked: u64,
    /// People who are new.
    pub users_added: u64,
}

/// The time that an edge carries, if any: edges that all came about at the same time carry none, which saves a third of
/// their memory.
trait EdgeTime: Copy + Ord + Send + Sync {
    /// Its own time, or else that of all.
    fn or(self, time: u32) -> u32;
}

/// No time of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SameTime;

impl EdgeTime for SameTime {
    fn or(self, time: u32) -> u32 {
        time
    }
}

impl EdgeTime for u32 {
    fn or(self, _: u32) -> u32 {
        self
    }
}

impl Store {
    /// Adds edges in bulk; `progress` is told the share that is done, from 0 to 1.
    ///
    /// # Errors
    ///
    /// What the disk said. The store is as it was, and refuses writes where only the next open can tell whether the
    /// edges are there.
    pub fn import(&self, bulk: BulkEdges, progress: &(dyn Fn(f64) + Sync)) -> Result<BulkReport, StoreError> {
        let compactor = &self.0.compactor;
        let _turn = compactor.turn.lock();
        let paused = compactor.queue.pause()?;
        compactor.shared.import(bulk, paused.revision.next(), progress)
    }
}

impl Shared {
    fn import(
        &self,
        bulk: BulkEdges,
        revision: Revision,
        progress: &(dyn Fn(f64) + Sync),
    ) -> Result<BulkReport, StoreError> {
        let BulkEdges { external_ids, edges, time, timed } = bulk;
        let (directory, users, users_added) = self.with_users(&external_ids)?;
        let user = |place: u32| users[place as usize];
        let edges = edges.into_par_iter();
        if timed.is_empty() {
            let edges = edges.map(|(source, target)| (user(source), user(target), SameTime)).collect();
            return self.import_edges(edges, time, directory, users_added, revision, progress);
        }
        let edges = edges.map(|(source, target)| (source, target, time)).chain(timed);
        let edges = edges.map(|(source, target, time)| (user(source), user(target), time)).collect();
        self.import_edges(edges, time, directory, users_added, revision, progress)
    }

    /// Adds edges between users who are in the directory.
    fn import_edges<T: EdgeTime>(
        &self,
        mut edges: Vec<(UserId, UserId, T)>,
        time: u32,
        directory: Directory,
        users_added: u64,
        revision: Revision,
        progress: &(dyn Fn(f64) + Sync),
    ) -> Result<BulkReport, StoreError> {
        let came = edges.len() as u64;
        edges.par_sort_unstable();
        // The first of those that are the same is the earliest.
        edges.dedup_by_key(|(source, target, _)| (*source, *target));
        let mut report = BulkReport { duplicates: came - edges.len() as u64, users_added, ..BulkReport::default() };
        self.drop_refused(&mut edges, &mut report)?;
        report.added = edges.len() as u64;
        progress(0.2);
        let reversed: Vec<_> = edges.par_iter().map(|(source, target, own)| (*target, *source, *own)).collect();
        let [forward, reverse] = [edges, reversed].map(|edges| self.by_slot(edges));
        progress(0.4);
        let done = AtomicUsize::new(0);
        let rewrite = |slot: SlotNumber| -> Result<Segments, StoreError> {
            let mut changes = self.lists[usize::from(slot.0)].frozen();
            let mut generation = Generation::default();
            for (direction, edges) in [(Direction::Forward, &forward), (Direction::Reverse, &reverse)] {
                for (owner, member, own) in &edges[usize::from(slot.0)] {
                    let list = (Relation::Follow, direction, self.slots.ordinal_of(*owner));
                    generation.add(list, member.0, own.or(time), revision);
                }
            }
            changes.push(Arc::new(generation));
            let segments = self.rewrite(self.disk.as_ref(), slot, &changes, revision)?;
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress(0.4 + 0.6 * done as f64 / f64::from(self.slots.count()));
            Ok(segments)
        };
        let slots: Vec<_> = self.slots.all().collect();
        let segments = slots.into_par_iter().map(rewrite).collect::<Result<Vec<_>, _>>()?;
        self.commit_import(segments, directory, ImportMark { revision: revision.0, edges: report.added })?;
        Ok(report)
    }

    /// The directory with everybody in it, the user of each external id, and how many are new.
    fn with_users(&self, external_ids: &[u64]) -> Result<(Directory, Vec<UserId>, u64), StoreError> {
        let mut directory = self.directory.read().clone();
        let unknown = external_ids.iter().filter(|id| directory.externals.user(**id).is_none()).count();
        let first = directory.catalog.next();
        let count = u32::try_from(unknown).ok().filter(|count| u32::MAX - first > *count);
        let count = count.ok_or(StoreError::UsersExhausted { wanted: unknown as u64 })?;
        let mut next = first;
        let mut users = Vec::with_capacity(external_ids.len());
        for external_id in external_ids {
            users.push(directory.externals.user(*external_id).unwrap_or_else(|| {
                directory.externals.insert(*external_id, UserId(next));
                next += 1;
                UserId(next - 1)
            }));
        }
        directory.catalog.grant(catalog::Granted { first: UserId(first), count }, "");
        directory.dirty = true;
        Ok((directory, users, unknown as u64))
    }

    /// Drops edges that are there already, and those that a block forbids.
    fn drop_refused<T>(&self, edges: &mut Vec<(UserId, UserId, T)>, report: &mut BulkReport) -> Result<(), StoreError> {
        let known = self.directory.read().catalog.next();
        if known == 0 {
            return Ok(());
        }
        let mut failure = None;
        edges.retain(|(source, target, _)| {
            // Somebody new has no edges.
            if source.0 >= known || target.0 >= known || failure.is_some() {
                return true;
            }
            let mut is = |relation, source: &UserId, target: &UserId| {
                self.contains(ListRef::forward(relation, *source), *target).unwrap_or_else(|error| {
                    failure = Some(error);
                    false
                })
            };
            let existing = is(Relation::Follow, source, target);
            let blocked = !existing && (is(Relation::Block, source, target) || is(Relation::Block, target, source));
            report.existing += u64::from(existing);
            report.blocked += u64::from(blocked);
            !existing && !blocked
        });
        failure.map_or(Ok(()), Err)
    }

    /// The edges of each slot's lists, given as owner, member and time, in order.
    fn by_slot<T: EdgeTime>(&self, mut edges: Vec<(UserId, UserId, T)>) -> Vec<Vec<(UserId, UserId, T)>> {
        edges.par_sort_unstable();
        let mut by_slot = vec![Vec::new(); usize::from(self.slots.count())];
        for edge in edges {
            by_slot[usize::from(self.slots.slot_of(edge.0).0)].push(edge);
        }
        by_slot
    }

    fn commit_import(&self, segments: Vec<Segments>, directory: Directory, mark: ImportMark) -> Result<(), StoreError> {
        if self.log.refuses() {
            return Err(StoreError::Refused);
        }
        let revision = Revision(mark.revision);
        let mut manifest = self.manifest.lock();
        let mut next = manifest.clone();
        let mut obsolete = self.write_directory(&directory, revision, &mut next)?;
        for ((slot, files), segments) in self.slots.all().zip(&mut next.slots_state).zip(&segments) {
            let old = std::mem::replace(files, SlotFiles { revision: mark.revision, segments: segments.numbers() });
            obsolete.extend(self.obsolete(slot, old.segments, segments.numbers()));
        }
        next.import = Some(mark);
        self.write_manifest(&next)?;
        *manifest = next;
        drop(manifest);
        // From here on it has happened; should the record not reach the log, the next open appends it.
        self.log.append(&[Record::Import { edges: mark.edges }])?;
        for (slot, segments) in self.lists.iter().zip(segments) {
            slot.replace_segments(segments, revision, slot.frozen().len());
        }
        *self.directory.write() = Directory { dirty: false, ..directory };
        self.popular.forget();
        self.revision.send_replace(revision);
        self.remove(&obsolete);
        Ok(())
    }
}
