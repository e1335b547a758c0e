//! The store's files at one revision, held in place while they are copied: what a backup is made of.
//!
//! The manifest, the files that it names, and the records of the log behind them, up to one revision, are the whole
//! store at that revision: opening them replays the records. So a copy needs no compaction and no freeze, and writes are
//! not held up at all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::clock::Clock;
use base::disk::{Disk, Mapped};
use base::{Revision, Slots};

pub(crate) use super::manifest::MANIFEST;
use super::manifest::Manifest;
use super::open::{catalog_path, externals_path, read_directory};
use super::segments::Segments;
use super::{Shared, Store, StoreError};
use crate::log::frame;

/// The folder of the segments, in the store's.
pub(crate) const SEGMENTS_FOLDER: &str = "segments";
/// The folder of the log, in the store's.
pub(crate) const LOG_FOLDER: &str = "log";
/// A file that says that the folder is being restored: without a manifest beside it, there is no store yet.
pub(crate) const RESTORING: &str = "RESTORING";
/// Records of one frame that is copied.
const FRAME_RECORDS: usize = 1024;

/// The files of a store as of one revision. They stay until this is dropped.
#[derive(Debug)]
pub struct Checkpoint {
    shared: Arc<Shared>,
    revision: Revision,
    log_after: Revision,
    taken_at_ms: u64,
    manifest: Vec<u8>,
    files: Vec<PathBuf>,
}

impl Store {
    /// Holds the files of the store as they are now. A compaction or an import that runs is waited for first; those that
    /// come later go on, but what they replace stays.
    ///
    /// # Errors
    ///
    /// A manifest that cannot be read; [`StoreError::Refused`] where only the next open can tell what it stands for.
    pub fn checkpoint(&self) -> Result<Checkpoint, StoreError> {
        let shared = self.0.shared.clone();
        let _turn = self.0.compactor.turn.lock();
        let path = shared.folder.join(MANIFEST);
        let bytes = shared.disk.read(&path).map_err(StoreError::io(&path, "read"))?;
        let manifest = Manifest::decode(&bytes, &path)?;
        // A file may stand for changes that are durable, and visible in a moment.
        let (log_after, revision) = (manifest.oldest_revision(), shared.revision().max(manifest.newest_revision()));
        // Otherwise this is the manifest of an import whose record did not reach the log.
        if revision > shared.log.last() {
            return Err(StoreError::Refused);
        }
        let segments = shared.folder.join(SEGMENTS_FOLDER);
        let present = shared.disk.names(&segments).map_err(StoreError::io(segments, "listed"))?;
        let present: BTreeSet<PathBuf> = present.iter().map(|name| Path::new(SEGMENTS_FOLDER).join(name)).collect();
        let NamedFiles { needed, possible } = NamedFiles::of(&manifest);
        let files = needed.into_iter().chain(possible.into_iter().filter(|path| present.contains(path))).collect();
        shared.pins.pin(log_after);
        let taken_at_ms = shared.clock.now_ms();
        Ok(Checkpoint { shared, revision, log_after, taken_at_ms, manifest: bytes, files })
    }

    /// What the store is kept on, and the clock that it goes by.
    pub(crate) fn environment(&self) -> (Arc<dyn Disk>, Arc<dyn Clock>) {
        (self.0.shared.disk.clone(), self.0.shared.clock.clone())
    }
}

impl Checkpoint {
    /// What it stands for: exactly the changes up to here are in it.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The revision after which the records of the log are needed.
    pub fn log_after(&self) -> Revision {
        self.log_after
    }

    /// When it was taken, in milliseconds since 1970.
    pub fn taken_at_ms(&self) -> u64 {
        self.taken_at_ms
    }

    /// The bytes of the manifest.
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// The files that the manifest names, by their paths in the store's folder.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The bytes of one of them.
    ///
    /// # Errors
    ///
    /// What the disk said.
    pub fn read(&self, file: &Path) -> Result<Mapped, StoreError> {
        let path = self.shared.folder.join(file);
        self.shared.disk.map(&path).map_err(StoreError::io(path, "mapped"))
    }

    /// The part of the log from `after` up to `last`, which must lie within the checkpoint, as a file of the log: its
    /// name and its bytes. The same part is the same bytes, whenever it is asked for.
    ///
    /// # Errors
    ///
    /// A log that cannot be read.
    pub fn log_file(&self, after: Revision, last: Revision) -> Result<(PathBuf, Vec<u8>), StoreError> {
        let mut bytes = frame::header(after).to_vec();
        let mut at = after;
        while at < last {
            let mut records = self.shared.log.read(at, FRAME_RECORDS)?;
            records.truncate(FRAME_RECORDS.min((last.0 - at.0) as usize));
            let Some((read_to, _)) = records.last() else {
                return Err(StoreError::MissingRecords { start: at.0, needed: last.0 });
            };
            let read_to = *read_to;
            let records: Vec<_> = records.into_iter().map(|(_, record)| record).collect();
            frame::encode_all(at, &records, &mut bytes);
            at = read_to;
        }
        Ok((Path::new(LOG_FOLDER).join(frame::file_name(after)), bytes))
    }
}

impl Drop for Checkpoint {
    fn drop(&mut self) {
        let obsolete = self.shared.pins.unpin(self.log_after);
        self.shared.remove(&obsolete);
    }
}

/// The files that a manifest names, by their paths in the store's folder.
#[derive(Debug, Default)]
pub(crate) struct NamedFiles {
    /// Those without which there is no store.
    pub(crate) needed: Vec<PathBuf>,
    /// The weights that segments may have: whether one has is in its header.
    pub(crate) possible: Vec<PathBuf>,
}

impl NamedFiles {
    fn of(manifest: &Manifest) -> NamedFiles {
        let here = Path::new("");
        let slots = Slots::new(manifest.slots).unwrap_or_default();
        let catalog = manifest.catalog.number.map(|number| catalog_path(here, number));
        let externals = manifest.externals.map(|number| externals_path(here, number));
        let segments = slots.all().zip(&manifest.slots_state);
        let segments = segments.flat_map(|(slot, files)| Segments::paths(here, slot, files.segments));
        let (possible, needed) = segments.partition(|path| Segments::is_weights(path));
        let needed: Vec<PathBuf> = needed;
        NamedFiles { needed: catalog.into_iter().chain(externals).chain(needed).collect(), possible }
    }
}

/// What the manifest of a copied store says about it.
#[derive(Debug)]
pub(crate) struct Copied {
    manifest: Manifest,
}

impl Copied {
    /// Reads the bytes of a manifest.
    ///
    /// # Errors
    ///
    /// Bytes that are none.
    pub(crate) fn of(manifest: &[u8]) -> Result<Copied, StoreError> {
        Ok(Copied { manifest: Manifest::decode(manifest, Path::new(MANIFEST))? })
    }

    /// The files that it names.
    pub(crate) fn files(&self) -> NamedFiles {
        NamedFiles::of(&self.manifest)
    }

    /// The revision after which the store needs the log.
    pub(crate) fn log_after(&self) -> Revision {
        self.manifest.oldest_revision()
    }

    /// Reads the header of every file that it names in a folder.
    ///
    /// # Errors
    ///
    /// The first that is not what the manifest and the other files say.
    pub(crate) fn look_at(&self, disk: &dyn Disk, folder: &Path) -> Result<(), StoreError> {
        let slots = Slots::new(self.manifest.slots).unwrap_or_default();
        for (slot, files) in slots.all().zip(&self.manifest.slots_state) {
            Segments::open(disk, folder, slots, slot, files.segments)?;
        }
        read_directory(disk, folder, &self.manifest).map(drop)
    }
}
