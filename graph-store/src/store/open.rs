//! Opening a store: from the manifest, the files that it names and the log behind them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use base::clock::Clock;
use base::disk::{Disk, LockGuard};
use base::worker::Worker;
use base::{Revision, Slots};
use parking_lot::{Mutex, RwLock};
use rayon::prelude::*;
use tokio::sync::watch;

use super::appender::Appender;
use super::catalog::Catalog;
use super::checkpoint::RESTORING;
use super::committer::Committer;
use super::compaction::Compactor;
use super::externals::Externals;
use super::manifest::{ImportMark, MANIFEST, Manifest};
use super::pins::Pins;
use super::pressure::Pressure;
use super::published::Published;
use super::queue::Queue;
use super::segments::{Segments, is_segment_file};
use super::slot::{Slot, Step};
use super::{Directory, Running, Shared, Store, StoreError, popular};
use crate::adjacency::Encoding;
use crate::log::{ChangeLog, Cut, FileLog, Record};
use crate::published::file::is_unfinished;
use crate::segment::TIME_ORDERED_ENTRIES;

/// Records that are read at once when the log is replayed.
const REPLAY_RECORDS: usize = 500_000;
const LOCK: &str = "LOCK";

/// How a store is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The number of slots: of a new store this or 64, of an existing one exactly this where given.
    pub slots: Option<Slots>,
    /// How lists are encoded in new segments.
    pub encoding: Encoding,
    /// From how many edges on the times of a list lie in the order of time in new segments.
    pub time_ordered_entries: u32,
    /// Bytes of changes in memory at the most, up to one group of writes. Compaction begins at half of it, writes slow
    /// down from three quarters on.
    pub overlay_bytes: usize,
    /// How long writes wait for room in an overlay that has reached its bound before they are refused.
    pub overlay_wait: Duration,
    /// Bytes that compaction writes a second, while there is room in the overlay.
    pub compaction_bytes_per_second: u64,
    /// Bytes of the log at the most, but for what named readers hold. Compaction begins at half of it.
    pub log_bytes: u64,
    /// Bytes of one file of the log, about: trimming lets whole files go.
    pub log_file_bytes: u64,
    /// Bytes of the log that are kept for named readers at the most.
    pub consumer_log_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            slots: None,
            encoding: Encoding::Auto,
            time_ordered_entries: TIME_ORDERED_ENTRIES,
            overlay_bytes: 512 << 20,
            overlay_wait: Duration::from_secs(1),
            compaction_bytes_per_second: 100_000_000,
            log_bytes: 2 << 30,
            log_file_bytes: 16 << 20,
            consumer_log_bytes: 4 << 30,
        }
    }
}

/// What opening found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The torn end of the log that was cut off.
    pub cut: Option<Cut>,
    /// Records that were replayed.
    pub replayed: u64,
    /// Files that something cut short had left, and that were removed.
    pub removed: Vec<PathBuf>,
}

impl Store {
    /// Opens the store of a folder, or creates one in an empty folder.
    ///
    /// # Errors
    ///
    /// [`StoreError::InUse`]; damage of any file but the torn end of the log; a disk that says no.
    pub fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        folder: &Path,
        options: Options,
    ) -> Result<(Store, Recovery), StoreError> {
        disk.create_folder(folder).map_err(StoreError::io(folder, "created"))?;
        let lock = lock(disk.as_ref(), folder)?;
        let (manifest, log, cut) = match Manifest::read(disk.as_ref(), folder)? {
            Some(manifest) => {
                sync_names(disk.as_ref(), folder)?;
                let (log, cut) = FileLog::open(disk.clone(), &folder.join("log"))?;
                (manifest, log, cut)
            }
            None => create(disk.clone(), folder, options.slots.unwrap_or_default())?,
        };
        let slots = Slots::new(manifest.slots).ok_or(StoreError::Slots { found: manifest.slots, wanted: 0 })?;
        if let Some(wanted) = options.slots.filter(|wanted| *wanted != slots) {
            return Err(StoreError::Slots { found: slots.count(), wanted: wanted.count() });
        }
        let log = log.with_file_bytes(options.log_file_bytes);
        let removed = remove_leftovers(disk.as_ref(), folder, &manifest)?;
        let shared = assemble((disk, clock), folder, options, manifest, log, lock)?;
        let replayed = shared.replay()?;
        let recovery = Recovery { cut, replayed, removed };
        Ok((Store::start(Arc::new(shared))?, recovery))
    }

    fn start(shared: Arc<Shared>) -> Result<Store, StoreError> {
        let (grown, wakes) = crossbeam::channel::bounded(1);
        let queue = Arc::new(Queue::default());
        let compactor = Compactor::new(shared.clone(), queue.clone());
        let folder = shared.folder.clone();
        let no_thread = || StoreError::io(&folder, "given a thread");
        let appender = Appender::start(shared.clone()).map_err(no_thread())?;
        let committer = Committer::new(shared.clone(), queue.clone(), grown, appender);
        let work = compactor.clone();
        let workers = [
            Worker::start("graph-committer", move || committer.run()).map_err(no_thread())?,
            Worker::start("graph-compactor", move || work.run(&wakes)).map_err(no_thread())?,
        ];
        Ok(Store(Arc::new(Running { shared, queue, compactor, workers })))
    }
}

impl Shared {
    /// Applies what the log has and the files have not.
    pub(super) fn replay(&self) -> Result<u64, StoreError> {
        let (oldest, import) = {
            let manifest = self.manifest.lock();
            (manifest.oldest_revision(), manifest.import)
        };
        // The manifest committed an import whose record the log may not have got.
        if let Some(ImportMark { revision, edges }) = import
            && self.log.last().0 + 1 == revision
        {
            self.log.append(&[Record::Import { edges }])?;
        }
        if self.log.start() > oldest {
            return Err(StoreError::MissingRecords { start: self.log.start().0, needed: oldest.0 });
        }
        let newest_file = self.lists.iter().map(Slot::revision).max().unwrap_or_default();
        if newest_file > self.log.last() {
            return Err(StoreError::MissingRecords { start: self.log.last().0, needed: newest_file.0 });
        }
        let catalog = Revision(self.manifest.lock().catalog.revision);
        let mut replayed = 0;
        let mut records = self.log.read(oldest, REPLAY_RECORDS)?;
        while let Some((last, _)) = records.last() {
            // The next records are read while these are applied.
            let (next, ()) = rayon::join(|| self.log.read(*last, REPLAY_RECORDS), || self.replay_lists(&records));
            for (revision, record) in &records {
                // What concerns the directory is in its file up to the file's revision; slots look for themselves.
                if matches!(record, Record::Change { .. }) {
                    replayed += 1;
                } else if *revision > catalog {
                    self.apply(record, *revision);
                    replayed += 1;
                }
            }
            records = next?;
        }
        self.revision.send_replace(self.log.last());
        Ok(replayed)
    }

    /// Applies what records do to lists: slot by slot, on all cores, since a slot's overlay fits the processor's caches
    /// where that of all slots does not.
    fn replay_lists(&self, records: &[(Revision, Record)]) {
        let mut by_slot = vec![Vec::new(); self.lists.len()];
        for (revision, record) in records {
            for step in Step::of(record) {
                by_slot[usize::from(self.slots.slot_of(step.user()).0)].push((step, *revision));
            }
        }
        self.lists.par_iter().zip(by_slot).for_each(|(slot, steps)| slot.replay(&steps));
    }
}

/// Makes certain the names that were found: a process before may have given them and not synced the folder, and from here
/// on they count.
pub(super) fn sync_names(disk: &dyn Disk, folder: &Path) -> Result<(), StoreError> {
    let sync = |inside: &Path| disk.sync_folder(inside).map_err(StoreError::io(inside, "synced"));
    sync(&folder.join("segments"))?;
    sync(folder)
}

/// Takes the folder's one lock.
pub(super) fn lock(disk: &dyn Disk, folder: &Path) -> Result<Box<dyn LockGuard>, StoreError> {
    disk.lock(&folder.join(LOCK)).map_err(|error| match error.kind() {
        std::io::ErrorKind::WouldBlock => StoreError::InUse { folder: folder.to_owned() },
        _ => StoreError::io(folder.join(LOCK), "locked")(error),
    })
}

/// The store of a manifest and a log. Its log is not replayed yet.
pub(super) fn assemble(
    (disk, clock): (Arc<dyn Disk>, Arc<dyn Clock>),
    folder: &Path,
    options: Options,
    manifest: Manifest,
    log: FileLog,
    lock: Box<dyn LockGuard>,
) -> Result<Shared, StoreError> {
    let slots = Slots::new(manifest.slots).ok_or(StoreError::Slots { found: manifest.slots, wanted: 0 })?;
    let pressure = Arc::new(Pressure::new(options.overlay_bytes));
    let lists = slots.all().zip(&manifest.slots_state).map(|(slot, files)| {
        let segments = Segments::open(disk.as_ref(), folder, slots, slot, files.segments)?;
        Ok(Slot::new(slots, segments, Revision(files.revision), pressure.clone()))
    });
    Ok(Shared {
        lists: lists.collect::<Result<_, StoreError>>()?,
        directory: RwLock::new(read_directory(disk.as_ref(), folder, &manifest)?),
        folder: folder.to_owned(),
        log: Box::new(log),
        options,
        slots,
        revision: watch::Sender::new(Revision::ZERO),
        pressure,
        log_bytes_to_look_at: AtomicU64::new(0),
        manifest: Mutex::new(manifest),
        popular: popular::Popular::default(),
        published: RwLock::new(Published::open(disk.as_ref(), folder)?),
        publishing: Mutex::default(),
        pins: Pins::default(),
        disk,
        clock,
        _lock: lock,
    })
}

/// An empty store: the manifest comes last and makes it one.
fn create(disk: Arc<dyn Disk>, folder: &Path, slots: Slots) -> Result<(Manifest, FileLog, Option<Cut>), StoreError> {
    let names = |inside: &Path| disk.names(inside).map_err(StoreError::io(inside, "listed"));
    if names(folder)?.iter().any(|name| name == RESTORING) {
        return Err(StoreError::HalfRestored { folder: folder.to_owned() });
    }
    let log_folder = folder.join("log");
    for inside in [&log_folder, &folder.join("segments")] {
        disk.create_folder(inside).map_err(StoreError::io(inside, "created"))?;
    }
    if !names(&folder.join("segments"))?.is_empty() || has_records(&disk, &log_folder, &names(&log_folder)?) {
        return Err(StoreError::NoManifest { folder: folder.to_owned() });
    }
    let log = FileLog::create(disk.clone(), &log_folder)?;
    let manifest = Manifest::empty(slots);
    manifest.write(disk.as_ref(), folder)?;
    Ok((manifest, log, None))
}

/// Whether a log without a manifest is more than the beginning of a store that was never finished.
fn has_records(disk: &Arc<dyn Disk>, folder: &Path, names: &[String]) -> bool {
    let first_only = names.iter().all(|name| ["HEAD", "HEAD.tmp", "00000000000000000000.log"].contains(&&**name));
    let unfinished = || match FileLog::open(disk.clone(), folder) {
        Ok((log, _)) => log.last() == Revision::ZERO,
        // Without its mark the log was never opened, and nothing can have been acknowledged.
        Err(_) => !names.iter().any(|name| name == "HEAD"),
    };
    !(first_only && unfinished())
}

pub(super) fn read_directory(disk: &dyn Disk, folder: &Path, manifest: &Manifest) -> Result<Directory, StoreError> {
    let catalog = match manifest.catalog.number {
        Some(number) => Catalog::read(disk, &catalog_path(folder, number))?,
        None => Catalog::default(),
    };
    let externals = match manifest.externals {
        Some(number) => Externals::open(disk, &externals_path(folder, number))?,
        None => Externals::default(),
    };
    Ok(Directory { catalog, externals, dirty: false })
}

pub(super) fn catalog_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("catalog-{number:08}.table"))
}

pub(super) fn externals_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("externals-{number:08}.table"))
}

/// Removes files of ours that the manifest does not name. Files of others are none of our business.
fn remove_leftovers(disk: &dyn Disk, folder: &Path, manifest: &Manifest) -> Result<Vec<PathBuf>, StoreError> {
    let segments = folder.join("segments");
    let mut keep: Vec<PathBuf> =
        manifest.catalog.number.map(|number| catalog_path(folder, number)).into_iter().collect();
    keep.extend(manifest.externals.map(|number| externals_path(folder, number)));
    let slots = Slots::new(manifest.slots).unwrap_or_default();
    for (slot, files) in slots.all().zip(&manifest.slots_state) {
        keep.extend(Segments::paths(folder, slot, files.segments));
    }
    keep.sort_unstable();
    let mut removed = Vec::new();
    for inside in [folder, &segments] {
        for name in disk.names(inside).map_err(StoreError::io(inside, "listed"))? {
            let path = inside.join(&name);
            if is_ours(&name) && keep.binary_search(&path).is_err() {
                disk.remove(&path).map_err(StoreError::io(&path, "removed"))?;
                removed.push(path);
            }
        }
    }
    Ok(removed)
}

fn is_ours(name: &str) -> bool {
    let table = ["catalog-", "externals-"].iter().any(|prefix| name.starts_with(prefix));
    let ended = [".table", ".tmp"].iter().any(|suffix| name.ends_with(suffix));
    let whole = name.strip_suffix(".tmp").unwrap_or(name);
    table && ended
        || whole == RESTORING
        || whole != name && whole == MANIFEST
        || is_segment_file(name)
        || is_unfinished(name)
}
