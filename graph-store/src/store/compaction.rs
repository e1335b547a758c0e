//! Compaction: overlays become segments, and the log behind them goes.
//!
//! One slot at a time: freeze its overlay, write the frozen generations out with its segments as new ones, fsync them,
//! commit by renaming the manifest, and swap them in. Readers keep the old files, which are unlinked at once, until they
//! are done with them; the memory of the changes is free at once. A slot is frozen alone, at the newest change that it
//! has seen: its segments stand for that revision, and the log is replayed to each slot from where it stands.
//!
//! Whose turn it is: while the overlay is past half of its bound, the slot with the largest share of it; while the log is
//! past half of its bound, whatever stands for the oldest revision: a slot, or the directory of users. Each commit lets
//! slots without changes stand for the newest revision as they are, so that an idle slot never holds the log back.
//!
//! The thread has a low priority, and writes [at a pace](super::paced_disk) for as long as there is room.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use base::disk::Disk;
use base::{Revision, Slot as SlotNumber};
use crossbeam::channel::{Receiver, RecvTimeoutError};
use parking_lot::Mutex;

use super::externals::Externals;
use super::manifest::{CatalogFile, Manifest};
use super::open::{catalog_path, externals_path};
use super::paced_disk::PacedDisk;
use super::queue::Queue;
use super::segments::{KnownWeights, Rewrite, Segments};
use super::{Directory, Shared, Store, StoreError};
use crate::metrics;
use crate::overlay::Generation;
use crate::segment::Segment;

/// How long a compaction that failed is left alone. Writes may be refused meanwhile, so it is tried again unasked.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);
/// The thread's nice value: a third of the processor time of a thread that serves, when both want all of it.
const NICENESS: i32 = 5;
/// The log is looked at each time it has grown by this share of its bound.
const LOOKS_PER_BOUND: u64 = 32;

/// Turns overlays into segments, one slot at a time.
#[derive(Clone, Debug)]
pub(super) struct Compactor {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: Arc<Queue>,
    /// Held by whoever writes segments and the manifest.
    pub(super) turn: Arc<Mutex<()>>,
}

/// What can be written out by itself.
#[derive(Clone, Copy, Debug)]
enum Part {
    Slot(SlotNumber),
    Directory,
}

impl Store {
    /// Writes every overlay out as segments and trims the log; the revision that all segments now stand for at least.
    ///
    /// # Errors
    ///
    /// What the disk said; the overlays are kept, and nothing is lost.
    pub fn compact(&self) -> Result<Revision, StoreError> {
        self.0.compactor.compact_all()
    }
}

impl Compactor {
    pub(super) fn new(shared: Arc<Shared>, queue: Arc<Queue>) -> Self {
        Compactor { shared, queue, turn: Arc::default() }
    }

    /// Compacts whenever woken, until nobody can wake it any more.
    pub(super) fn run(self, wakes: &Receiver<()>) {
        if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
            tracing::warn!(%error, "compaction runs at the priority of everything else");
        }
        let rate = Some(self.shared.options.compaction_bytes_per_second);
        let disk = self.paced_disk(rate);
        let mut retry_at = None;
        loop {
            let woken = match retry_at {
                None => wakes.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(at) => wakes.recv_deadline(at),
            };
            if woken == Err(RecvTimeoutError::Disconnected) {
                return;
            }
            if retry_at.is_some_and(|at| Instant::now() < at) {
                continue;
            }
            retry_at = None;
            while let Some(part) = self.shared.neediest() {
                let _turn = self.turn.lock();
                match self.compact(part, &disk) {
                    Ok(()) => {}
                    Err(StoreError::Closing) => return,
                    Err(error) => {
                        tracing::error!(error = base::error::chain(&error), "compaction failed");
                        retry_at = Some(Instant::now() + RETRY_INTERVAL);
                        break;
                    }
                }
            }
        }
    }

    fn compact_all(&self) -> Result<Revision, StoreError> {
        let disk = self.paced_disk(None);
        let _turn = self.turn.lock();
        let revision = self.shared.revision();
        for slot in self.shared.slots.all() {
            self.compact(Part::Slot(slot), &disk)?;
        }
        self.compact(Part::Directory, &disk)?;
        Ok(revision)
    }

    /// Writes out the slots that have so many frozen generations. To be called in one's turn.
    pub(super) fn thin_out(&self, generations: usize) -> Result<(), StoreError> {
        let disk = self.paced_disk(None);
        let slots = self.shared.slots.all().zip(&self.shared.lists);
        let mut crowded = slots.filter(|(_, lists)| lists.frozen().len() >= generations);
        crowded.try_for_each(|(slot, _)| self.compact(Part::Slot(slot), &disk))
    }

    fn paced_disk(&self, bytes_per_second: Option<u64>) -> PacedDisk {
        let Shared { disk, pressure, .. } = self.shared.as_ref();
        PacedDisk::new(disk.clone(), bytes_per_second, pressure.clone(), self.queue.clone())
    }

    fn compact(&self, part: Part, disk: &PacedDisk) -> Result<(), StoreError> {
        if self.queue.is_closed() {
            return Err(StoreError::Closing);
        }
        // What memory has not heard of must not be written over by what it has.
        if self.shared.has_unfinished_import() {
            return Err(StoreError::Refused);
        }
        let started = Instant::now();
        match part {
            Part::Slot(slot) => self.shared.compact_slot(slot, disk).map_err(|error| disk.cause(error))?,
            Part::Directory => self.shared.compact_directory()?,
        }
        let log_bytes = self.shared.log.bytes();
        metrics::compacted(started.elapsed(), log_bytes);
        tracing::debug!(?part, log_bytes, overlay_bytes = self.shared.pressure.bytes(), "compacted");
        Ok(())
    }
}

impl Shared {
    /// What should be compacted next, if anything.
    fn neediest(&self) -> Option<Part> {
        if self.pressure.wants_compaction() {
            let slots = self.slots.all().zip(&self.lists);
            return slots.max_by_key(|(_, lists)| lists.overlay_bytes()).map(|(slot, _)| Part::Slot(slot));
        }
        let log_bytes = self.log.bytes();
        self.log_bytes_to_look_at.store(log_bytes + self.options.log_bytes / LOOKS_PER_BOUND, Ordering::Relaxed);
        let changed = self.slots.all().zip(&self.lists).filter(|(_, lists)| lists.changes() > 0);
        let slots = changed.map(|(slot, lists)| (lists.revision(), Part::Slot(slot)));
        // One lock after the other: whoever commits has that of the manifest when it asks for the directory's.
        let catalog = Revision(self.manifest.lock().catalog.revision);
        let directory = self.directory.read().dirty.then_some((catalog, Part::Directory));
        let (oldest, part) = slots.chain(directory).min_by_key(|(revision, _)| *revision)?;
        (self.log.bytes_after(oldest) >= self.options.log_bytes / 2).then_some(part)
    }

    fn compact_slot(&self, slot: SlotNumber, disk: &PacedDisk) -> Result<(), StoreError> {
        let lists = &self.lists[usize::from(slot.0)];
        let frozen = lists.freeze(self.revision());
        if frozen.layers.is_empty() {
            return Ok(());
        }
        let new = self.rewrite(disk, slot, &frozen.layers, [None, None], frozen.revision)?;
        let numbers = new.numbers();
        let obsolete = self.obsolete(slot, frozen.base.numbers(), numbers);
        let commit = |manifest: &mut Manifest| {
            let files = &mut manifest.slots_state[usize::from(slot.0)];
            (files.segments, files.revision) = (numbers, frozen.revision.0);
            Ok(())
        };
        self.commit(commit)?;
        lists.replace_segments(new, frozen.revision, frozen.layers.len());
        drop(frozen);
        self.remove(&obsolete);
        self.trim_log()
    }

    /// Whether the manifest has an import whose record did not reach the log: the next open appends it, and until then
    /// nothing in memory knows of the import.
    fn has_unfinished_import(&self) -> bool {
        self.manifest.lock().newest_revision() > self.log.last()
    }

    /// Commits a change of the manifest, and with it that whatever has no changes stands for the newest revision.
    fn commit(&self, change: impl FnOnce(&mut Manifest) -> Result<(), StoreError>) -> Result<(), StoreError> {
        // In this order: all records up to here are applied, and what has no changes after that has none of theirs.
        let visible = self.revision();
        let mut manifest = self.manifest.lock();
        let mut next = manifest.clone();
        if !self.directory.read().dirty {
            next.catalog.revision = next.catalog.revision.max(visible.0);
        }
        for (files, lists) in next.slots_state.iter_mut().zip(&self.lists) {
            files.revision = files.revision.max(lists.advance(visible).0);
        }
        change(&mut next)?;
        self.write_manifest(&next)?;
        *manifest = next;
        Ok(())
    }

    /// New segments of a slot, as files on `disk`: those it has, under the changes of some generations, oldest first, and with
    /// follows, forward and reverse, that none of them has.
    pub(super) fn rewrite(
        &self,
        disk: &dyn Disk,
        slot: SlotNumber,
        changes: &[Arc<Generation>],
        added: [Option<Arc<Segment>>; 2],
        revision: Revision,
    ) -> Result<Segments, StoreError> {
        let segments = self.lists[usize::from(slot.0)].segments();
        let number = || self.manifest.lock().take_number();
        let (folder, options) = (self.folder.as_path(), &self.options);
        let known_weights = &KnownWeights::new();
        Rewrite { disk, folder, changes, added, known_weights, revision, options }.run(&segments, number)
    }

    /// Files of a slot that are among the old and not among the new.
    pub(super) fn obsolete(&self, slot: SlotNumber, old: [Option<u64>; 6], new: [Option<u64>; 6]) -> Vec<PathBuf> {
        let kept = Segments::paths(&self.folder, slot, new);
        Segments::paths(&self.folder, slot, old).into_iter().filter(|path| !kept.contains(path)).collect()
    }

    /// Removes files that nothing names any more, once nobody copies them; one that cannot be removed now is removed at the next open.
    pub(super) fn remove(&self, obsolete: &[PathBuf]) {
        for path in &self.pins.removable(obsolete) {
            if let Err(error) = self.disk.remove(path) {
                tracing::warn!(path = %path.display(), %error, "file not removed");
            }
        }
    }

    /// Writes the directory's files, if they are older than it, and names them in `manifest`. Returns those that are
    /// obsolete once the manifest is written.
    pub(super) fn write_directory(
        &self,
        directory: &Directory,
        revision: Revision,
        manifest: &mut Manifest,
    ) -> Result<Vec<PathBuf>, StoreError> {
        let mut obsolete = Vec::new();
        if directory.dirty {
            let number = manifest.take_number();
            directory.catalog.write(self.disk.as_ref(), &catalog_path(&self.folder, number))?;
            obsolete.extend(manifest.catalog.number.replace(number).map(|old| catalog_path(&self.folder, old)));
            if directory.externals.has_recent() {
                let number = manifest.take_number();
                directory.externals.write(
                    self.disk.as_ref(),
                    &externals_path(&self.folder, number),
                    std::iter::empty(),
                )?;
                obsolete.extend(manifest.externals.replace(number).map(|old| externals_path(&self.folder, old)));
            }
        }
        manifest.catalog = CatalogFile { revision: revision.0, ..manifest.catalog };
        Ok(obsolete)
    }

    /// Commits by renaming the manifest. Where that fails nobody knows which manifest the next open finds, so nothing
    /// may be acknowledged that only one of the two allows for.
    pub(super) fn write_manifest(&self, manifest: &Manifest) -> Result<(), StoreError> {
        manifest.write(self.disk.as_ref(), &self.folder).inspect_err(|_| self.log.refuse())
    }

    /// Writes the directory out, if it has changed.
    fn compact_directory(&self) -> Result<(), StoreError> {
        // What the directory learns after this is in the log behind `visible`, and may be applied twice.
        let visible = self.revision();
        let directory = {
            let mut directory = self.directory.write();
            let snapshot = directory.clone();
            directory.dirty = false;
            snapshot
        };
        let (mut obsolete, mut new_table) = (Vec::new(), None);
        let commit = |manifest: &mut Manifest| {
            let old_table = manifest.externals;
            obsolete = self.write_directory(&directory, visible, manifest)?;
            new_table = manifest.externals.filter(|number| Some(*number) != old_table);
            Ok(())
        };
        self.commit(commit).inspect_err(|_| self.directory.write().dirty |= directory.dirty)?;
        if let Some(number) = new_table {
            let table = Externals::open(self.disk.as_ref(), &externals_path(&self.folder, number))?;
            self.directory.write().externals.replace_table(table, &directory.externals);
        }
        self.remove(&obsolete);
        self.trim_log()
    }

    /// Lets the log go as far as the files stand for, and no further than named readers have read. Past their bound
    /// those who are furthest behind are given up first.
    fn trim_log(&self) -> Result<(), StoreError> {
        let (needed, mut positions) = {
            let manifest = self.manifest.lock();
            (manifest.oldest_revision(), manifest.consumers.values().copied().collect::<Vec<_>>())
        };
        let needed = self.pins.trimmable(needed);
        positions.sort_unstable();
        for position in positions.into_iter().map(Revision).chain([needed]) {
            self.log.trim(position.min(needed))?;
            if self.log.bytes() <= self.options.consumer_log_bytes {
                break;
            }
        }
        Ok(())
    }
}
