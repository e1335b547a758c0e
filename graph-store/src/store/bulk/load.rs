//! From a bulk to segments, and into the store with all of it at once.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

use base::{Direction, ListRef, Relation, Revision, Slot as SlotNumber, UserId};
use parking_lot::Mutex;
use rayon::prelude::*;

use super::BulkError;
use super::added::{Added, Lists, NewTable};
use super::gather::{Bulk, BulkEdges, BulkOptions};
use super::lists::{MakeLists, Outcome, Refused};
use super::partition::{BLOCK_USERS, Edges, Partition, Staging};
use super::people::{Settled, Users};
use super::renumber::NewPeople;
use crate::log::Record;
use crate::segment::{Bases, SegmentError, UnsyncedSegment};
use crate::store::manifest::{ImportMark, SlotFiles};
use crate::store::open::externals_path;
use crate::store::segments::{Segments, segments_folder};
use crate::store::{Directory, Options, Shared, Store, StoreError, catalog};

/// The share of the memory that one thread may use to sort a piece of a block.
const SORT_SHARE: u64 = 8;
/// Files that are synced at the same time.
const SYNCS: usize = 16;
/// Bytes that sorting takes for each edge, at most.
const SORT_BYTES: u64 = 64;

/// Bytes that making the table of external ids takes for each of them.
const TABLE_BYTES: u64 = 40;
/// The share of the memory that it may take beside the edges.
const TABLE_SHARE: u64 = 4;

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

impl Store {
    /// Adds edges in bulk, those without a time with `time`, in seconds since 1970; `progress` is told the share that
    /// is done, from 0 to 1.
    ///
    /// # Errors
    ///
    /// What the disk said. The store is as it was, and refuses writes where only the next open can tell whether the
    /// edges are there.
    pub fn load(&self, bulk: Bulk, time: u32, progress: &(dyn Fn(f64) + Sync)) -> Result<BulkReport, BulkError> {
        let compactor = &self.0.compactor;
        let _turn = compactor.turn.lock();
        let paused = compactor.queue.pause()?;
        Load { shared: &compactor.shared, revision: paused.revision.next(), time, progress }.run(bulk)
    }

    /// [`load`](Self::load) for edges that are in memory anyway.
    pub fn import(&self, bulk: BulkEdges, progress: &(dyn Fn(f64) + Sync)) -> Result<BulkReport, BulkError> {
        let gathered = bulk.gather(&self.0.shared.folder)?;
        self.load(gathered, bulk.time, progress)
    }
}

/// One load, while writes wait.
struct Load<'a> {
    shared: &'a Shared,
    revision: Revision,
    time: u32,
    progress: &'a (dyn Fn(f64) + Sync),
}

impl Load<'_> {
    fn run(&self, bulk: Bulk) -> Result<BulkReport, BulkError> {
        let Bulk { options, people, mut edges, .. } = bulk;
        if self.shared.log.refuses() {
            return Err(StoreError::Refused.into());
        }
        let first_new = self.shared.directory.read().catalog.next();
        let mut settled = {
            let directory = self.shared.directory.read();
            people.settle(first_new, |external_id| directory.externals.user(external_id))?
        };
        let mut users = match settled.ascending() {
            Some(users) => users,
            None => {
                edges = partition_by_user(&edges, &settled, &options)?;
                Users::Shifted(0)
            }
        };
        let Options { encoding, time_ordered_entries, .. } = self.shared.options;
        let bases = Bases { version: self.revision.0, time: self.time, encoding, time_ordered_entries };
        let parts = if options.reorder.is_some() { 3.0 } else { 1.0 };
        let part = |number: f64| move |share: f64| (self.progress)((number + share) / parts);
        let mut outcome = None;
        if let Some(order) = options.reorder {
            // For the order alone: what is written under the old ids goes.
            let added = Added::new(self.shared, self.revision, bases, options.columns);
            let (of_all, lists) = self.write_added(&added, edges, users, first_new, &options, &part(0.0))?;
            outcome = Some(of_all);
            let people = NewPeople::new(&lists, first_new, settled.new.len() as u32);
            let places = people.order(order, options.memory / 2, &part(1.0))?;
            edges = people.partition(&places, &options)?;
            settled.reorder(&places);
            users = Users::Shifted(0);
        }
        let added = Added::new(self.shared, self.revision, bases, options.columns);
        // Before the threads take theirs: the same import gives the same names.
        let number = (!settled.new.is_empty()).then(|| self.shared.manifest.lock().take_number());
        let write_lists = || self.write_added(&added, edges, users, first_new, &options, &part(parts - 1.0));
        let write_table = || number.map(|number| added.write_externals(number, &settled)).transpose();
        let everybody = u64::from(first_new) + settled.new.len() as u64;
        let ((of_last, lists), table) = if everybody * TABLE_BYTES <= options.memory / TABLE_SHARE {
            // It takes one core, and while lists are finished and synced there is one to spare.
            let (written, table) = thread::scope(|scope| {
                let table = scope.spawn(write_table);
                (write_lists(), joined(table))
            });
            (written?, table?)
        } else {
            (write_lists()?, write_table()?)
        };
        let outcome = outcome.unwrap_or(of_last);
        let segments = self.merge(lists)?;
        added.adopt(&segments);
        let mark = ImportMark { revision: self.revision.0, edges: outcome.added };
        self.commit(&added, segments, &settled, table, mark)?;
        Ok(BulkReport {
            added: outcome.added,
            duplicates: outcome.duplicates,
            existing: outcome.existing,
            blocked: outcome.blocked,
            users_added: settled.new.len() as u64,
        })
    }

    /// Writes the lists of the edges that are new, forward and reverse, and syncs them.
    fn write_added(
        &self,
        added: &Added<'_>,
        edges: Partition,
        users: Users<'_>,
        first_new: u32,
        options: &BulkOptions,
        progress: &(dyn Fn(f64) + Sync),
    ) -> Result<(Outcome, Lists), BulkError> {
        let all_edges: u64 = (0..edges.blocks()).map(|block| edges.edges(block)).sum();
        let done = AtomicU64::new(0);
        let advance = |edges: u64| {
            let done = done.fetch_add(edges, Ordering::Relaxed) + edges;
            progress(done as f64 / (2 * all_edges).max(1) as f64);
        };
        let (slots, threads, bases) = (self.shared.slots, options.threads, added.bases());
        let edges_max = options.memory / SORT_SHARE / SORT_BYTES;
        let reversed = edges.beside();
        let (outcome, forward, unsynced_forward) = added.write(Direction::Forward, |write| {
            let refused = |user: UserId| if user.0 < first_new { self.refused(user) } else { Ok(None) };
            let reversed = Some(&reversed);
            let lists = MakeLists { partition: &edges, reversed, users, slots, bases, threads, edges_max, refused };
            lists.run(|encoded, edges| {
                advance(edges);
                write(encoded)
            })
        })?;
        drop(edges);
        // The forward files reach the disk while the reverse ones are made.
        let (written, synced) = thread::scope(|scope| {
            let synced = scope.spawn(|| sync_all(unsynced_forward));
            let written = added.write(Direction::Reverse, |write| {
                let users = Users::Shifted(0);
                let refused = |_: UserId| Ok(None);
                let (partition, reversed) = (&reversed, None);
                let lists = MakeLists { partition, reversed, users, slots, bases, threads, edges_max, refused };
                lists.run(|encoded, edges| {
                    advance(edges);
                    write(encoded)
                })
            });
            (written, joined(synced))
        });
        synced?;
        let (_, reverse, unsynced_reverse) = written?;
        sync_all(unsynced_reverse)?;
        let folder = segments_folder(&self.shared.folder);
        self.shared.disk.sync_folder(&folder).map_err(StoreError::io(folder, "synced"))?;
        Ok((outcome, Lists { slots, forward, reverse }))
    }

    /// Whom somebody who was here before must not follow anew.
    fn refused(&self, user: UserId) -> Result<Option<Refused>, BulkError> {
        let members = |list| self.shared.slot_of(user).members(list);
        let existing = members(ListRef::forward(Relation::Follow, user))?;
        let mut blocked = members(ListRef::forward(Relation::Block, user))?;
        blocked |= members(ListRef::reverse(Relation::Block, user))?;
        let refused = Refused { existing, blocked };
        Ok(Some(refused).filter(|refused| !refused.existing.is_empty() || !refused.blocked.is_empty()))
    }

    /// The segments of each slot with the new lists: these themselves where the slot had none.
    fn merge(&self, Lists { forward, reverse, .. }: Lists) -> Result<Vec<Segments>, BulkError> {
        let slots: Vec<_> = self.shared.slots.all().zip(forward.into_iter().zip(reverse)).collect();
        let merge = |(slot, (forward, reverse)): (SlotNumber, _)| {
            let frozen = self.shared.lists[usize::from(slot.0)].frozen();
            let disk = self.shared.disk.as_ref();
            Ok(self.shared.rewrite(disk, slot, &frozen, [forward, reverse], self.revision)?)
        };
        slots.into_par_iter().map(merge).collect()
    }

    /// Makes all of it true.
    fn commit(
        &self,
        added: &Added<'_>,
        segments: Vec<Segments>,
        settled: &Settled,
        table: Option<NewTable>,
        mark: ImportMark,
    ) -> Result<(), BulkError> {
        let shared = self.shared;
        if shared.log.refuses() {
            return Err(StoreError::Refused.into());
        }
        let mut manifest = shared.manifest.lock();
        let mut next = manifest.clone();
        let mut directory = shared.directory.read().clone();
        let mut obsolete = Vec::new();
        let number = table.as_ref().map(|table| table.number);
        if let Some(NewTable { number, externals }) = table {
            let (first, count) = (UserId(settled.first_new), settled.new.len() as u32);
            directory.catalog.grant(catalog::Granted { first, count }, "");
            let old = next.externals.replace(number);
            obsolete.extend(old.map(|old| externals_path(&shared.folder, old)));
            directory.externals = externals;
            directory.dirty = true;
        }
        obsolete.extend(shared.write_directory(&directory, self.revision, &mut next)?);
        for ((slot, files), segments) in shared.slots.all().zip(&mut next.slots_state).zip(&segments) {
            let old = std::mem::replace(files, SlotFiles { revision: mark.revision, segments: segments.numbers() });
            obsolete.extend(shared.obsolete(slot, old.segments, segments.numbers()));
        }
        next.import = Some(mark);
        added.keep(&segments, number);
        shared.write_manifest(&next)?;
        *manifest = next;
        drop(manifest);
        // From here on it has happened; should the record not reach the log, the next open appends it.
        shared.log.append(&[Record::Import { edges: mark.edges }]).map_err(StoreError::from)?;
        for (slot, segments) in shared.lists.iter().zip(segments) {
            slot.replace_segments(segments, self.revision, slot.frozen().len());
        }
        *shared.directory.write() = Directory { dirty: false, ..directory };
        shared.popular.forget();
        shared.revision.send_replace(self.revision);
        shared.remove(&obsolete);
        Ok(())
    }
}

/// Syncs files side by side: each sync waits for the disk, and no core is needed for that.
fn sync_all(segments: Vec<UnsyncedSegment>) -> Result<(), SegmentError> {
    let left = Mutex::new(segments);
    let work = || {
        loop {
            let Some(segment) = left.lock().pop() else { return Ok(()) };
            segment.sync()?;
        }
    };
    on_threads(SYNCS, work)
}

/// Does the same on so many threads; the failure of one of them, where any fails.
fn on_threads<E: Send>(threads: usize, work: impl Fn() -> Result<(), E> + Sync) -> Result<(), E> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(&work)).collect();
        threads.into_iter().try_for_each(joined)
    })
}

/// What a thread came to; its panic goes on here.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// The same edges in blocks of users.
fn partition_by_user(edges: &Partition, settled: &Settled, options: &BulkOptions) -> Result<Partition, BulkError> {
    let by_user = Partition::new(options.columns, options.memory, &options.spill_folder);
    let next = AtomicUsize::new(0);
    let work = || -> std::io::Result<()> {
        let mut staging = Staging::new(&by_user);
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= edges.blocks() {
                return staging.flush();
            }
            let first = (block * BLOCK_USERS) as u32;
            edges.read(block, &mut Edges::default(), |run| {
                for (i, (source, target)) in run.sources.iter().zip(&run.targets).enumerate() {
                    let (source, target) = (settled.user(first + u32::from(*source)), settled.user(*target));
                    let time = run.times.get(i).copied().unwrap_or_default();
                    staging.push(source, target, time, run.weights.get(i).copied().unwrap_or(1.0))?;
                }
                run.clear();
                Ok(())
            })?;
            edges.forget(block);
        }
    };
    on_threads(options.threads, work)?;
    Ok(by_user)
}
