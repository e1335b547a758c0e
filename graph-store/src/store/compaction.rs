//! Compaction: overlays become segments, and the log behind them goes.
//!
//! One slot at a time: freeze all overlays at one revision, write the slot's frozen generations out with its segments
//! as new ones, fsync them, commit by renaming the manifest, and swap them in. Readers keep the old files, which are
//! unlinked at once, until they are done with them. Slots without changes stand for the newer revision as they are, so
//! that an idle slot never holds the log back.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use base::{Revision, Slot as SlotNumber};
use crossbeam::channel::{Receiver, RecvTimeoutError};
use parking_lot::Mutex;

use super::committer::WeakQueue;
use super::externals::Externals;
use super::manifest::{CatalogFile, Manifest};
use super::open::{catalog_path, externals_path};
use super::segments::{Rewrite, Segments};
use super::{Directory, Shared, Store, StoreError};
use crate::overlay::Generation;
use crate::segment::Segment;

/// How long a compaction that failed is left alone. Writes may be refused meanwhile, so it is tried again unasked.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// Turns overlays into segments, one run at a time.
#[derive(Clone, Debug)]
pub(super) struct Compactor {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: WeakQueue,
    /// Held by whoever writes segments and the manifest.
    pub(super) turn: Arc<Mutex<()>>,
}

/// The compactor, and the same for its thread.
pub(super) fn compactor(shared: Arc<Shared>, queue: WeakQueue) -> (Compactor, Compactor) {
    let compactor = Compactor { shared, queue, turn: Arc::default() };
    (compactor.clone(), compactor)
}

impl Store {
    /// Writes every overlay out as segments and trims the log; the revision that all segments now stand for.
    ///
    /// # Errors
    ///
    /// What the disk said; the overlays are kept, and nothing is lost.
    pub fn compact(&self) -> Result<Revision, StoreError> {
        self.0.compactor.compact()
    }
}

impl Compactor {
    /// Compacts whenever woken, until nobody can wake it any more.
    pub(super) fn run(self, wakes: &Receiver<()>) {
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
            // A wake may be older than the end of the last run.
            if !self.shared.wants_compaction() {
                continue;
            }
            match self.compact() {
                Ok(revision) => tracing::info!(revision = revision.0, "compacted"),
                Err(StoreError::Closing) => return,
                Err(error) => {
                    tracing::error!(error = base::error::chain(&error), "compaction failed");
                    retry_at = Some(Instant::now() + RETRY_INTERVAL);
                }
            }
        }
    }

    fn compact(&self) -> Result<Revision, StoreError> {
        let _turn = self.turn.lock();
        let frozen_at = self.queue.freeze()?;
        for slot in self.shared.slots.all() {
            self.compact_slot(slot, frozen_at)?;
        }
        // Overlays are frozen in one's turn only, so there are no others.
        self.shared.frozen_changes.store(0, Ordering::Relaxed);
        self.shared.settle(frozen_at)?;
        Ok(frozen_at)
    }

    fn compact_slot(&self, slot: SlotNumber, frozen_at: Revision) -> Result<(), StoreError> {
        let lists = &self.shared.lists[usize::from(slot.0)];
        let frozen = lists.frozen();
        if frozen.is_empty() {
            return Ok(());
        }
        let new = self.shared.rewrite(slot, &frozen, [None, None], frozen_at)?;
        let mut manifest = self.shared.manifest.lock();
        let mut next = manifest.clone();
        let files = &mut next.slots_state[usize::from(slot.0)];
        let old = std::mem::replace(&mut files.segments, new.numbers());
        files.revision = frozen_at.0;
        self.shared.write_manifest(&next)?;
        *manifest = next;
        drop(manifest);
        let obsolete = self.shared.obsolete(slot, old, new.numbers());
        lists.replace_segments(new, frozen_at, frozen.len());
        self.shared.remove(&obsolete);
        Ok(())
    }
}

impl Shared {
    /// New segments of a slot: those it has, under the changes of some generations, oldest first, and with follows, forward
    /// and reverse, that none of them has.
    pub(super) fn rewrite(
        &self,
        slot: SlotNumber,
        changes: &[Arc<Generation>],
        added: [Option<Arc<Segment>>; 2],
        revision: Revision,
    ) -> Result<Segments, StoreError> {
        let segments = self.lists[usize::from(slot.0)].segments();
        let number = || self.manifest.lock().take_number();
        let (disk, folder, encoding) = (self.disk.as_ref(), self.folder.as_path(), self.options.encoding);
        Rewrite { disk, folder, changes, added, revision, encoding }.run(&segments, number)
    }

    /// Files of a slot that are no longer named.
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

    /// Lets everything stand for `frozen_at`, which all overlays have been written up to, and trims the log.
    fn settle(&self, frozen_at: Revision) -> Result<(), StoreError> {
        // What the directory learns after this is in the log behind `frozen_at`, and may be applied twice.
        let directory = {
            let mut directory = self.directory.write();
            let snapshot = directory.clone();
            directory.dirty = false;
            snapshot
        };
        let mut manifest = self.manifest.lock();
        let mut next = manifest.clone();
        let written = self.write_directory(&directory, frozen_at, &mut next).and_then(|obsolete| {
            next.slots_state.iter_mut().for_each(|files| files.revision = frozen_at.0);
            self.write_manifest(&next)?;
            Ok(obsolete)
        });
        let obsolete = written.inspect_err(|_| self.directory.write().dirty |= directory.dirty)?;
        let new_table = next.externals.filter(|number| Some(*number) != manifest.externals);
        *manifest = next;
        let positions = manifest.consumers.values().copied().collect();
        drop(manifest);
        self.lists.iter().for_each(|slot| slot.advance(frozen_at));
        if let Some(number) = new_table {
            let table = Externals::open(self.disk.as_ref(), &externals_path(&self.folder, number))?;
            self.directory.write().externals.replace_table(table, &directory.externals);
        }
        self.remove(&obsolete);
        self.trim_log(frozen_at, positions)?;
        self.settled_log_bytes.store(self.log.bytes(), Ordering::Relaxed);
        Ok(())
    }

    /// Lets the log go as far as the files stand for, and no further than named readers have read. Past their bound
    /// those who are furthest behind are given up first.
    fn trim_log(&self, needed: Revision, mut positions: Vec<u64>) -> Result<(), StoreError> {
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
