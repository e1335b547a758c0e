//! A backup becomes a store again.
//!
//! Every file is written and synced under its name and its checksum verified, and the headers of all are held against one
//! another; the store's manifest comes last, and makes them a store. Until then a file named `RESTORING` lies beside them: a store is not opened, nor one created, where it
//! is without a manifest, and the next restore to that folder begins anew.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use base::Revision;
use base::disk::{Disk, HighWaterMark, LockGuard, replace_file};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::manifest::{Entry, MANIFEST_MAX_BYTES, Manifest};
use super::repository::object_name;
use super::take::digits;
use super::{BackupError, Progress, Repository};
use crate::log::frame;
use crate::store::checkpoint::{Copied, LOG_FOLDER, MANIFEST, NamedFiles, RESTORING, SEGMENTS_FOLDER};

/// What was restored.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct RestoreReport {
    /// The revision that the store is at, as a token.
    pub revision: String,
    /// The number that the repository knows the backup by.
    pub backup: u64,
    /// When the backup was taken, in milliseconds since 1970.
    pub taken_at_ms: u64,
    /// Files of the store.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl Repository {
    /// Makes a store of a backup, the newest unless one is named, in a folder that is empty or not there.
    ///
    /// # Errors
    ///
    /// A folder that is in use or not empty; a backup that is damaged or lacks something. The folder then is as empty as it
    /// was, or, where even that fails, is told apart from a store.
    pub fn restore(
        &self,
        revision: Option<Revision>,
        disk: &dyn Disk,
        folder: &Path,
        progress: Progress<'_>,
    ) -> Result<RestoreReport, BackupError> {
        let revisions = self.revisions()?;
        let found = revision.map_or(revisions.last(), |revision| revisions.iter().find(|found| **found == revision));
        let not_found = || {
            let revision = revision.map(|revision| revision.0);
            BackupError::NotFound { repository: self.blobs.place(), revision }
        };
        let backup = self.manifest(*found.ok_or_else(not_found)?)?;
        let manifest = self.store_manifest(&backup)?;
        let restoring = Restoring { repository: self, disk, folder, progress, _lock: take_folder(disk, folder)? };
        let restored = restoring.run(&backup, &manifest);
        if restored.is_err() {
            // What cannot be removed is removed by the next restore.
            let _ = clear(disk, folder);
        }
        restored?;
        Ok(RestoreReport {
            revision: Revision(backup.revision).token(),
            backup: backup.revision,
            taken_at_ms: backup.taken_at_ms,
            files: backup.files.len() as u64,
            bytes: backup.bytes(),
        })
    }

    /// The bytes of the store's manifest in a backup that has every file which that names, the log, and nothing else.
    fn store_manifest(&self, backup: &Manifest) -> Result<Vec<u8>, BackupError> {
        let name = format!("the backup of revision {}", backup.revision);
        let lacks = |path: &Path| BackupError::damaged(&name, format!("it lacks {}", path.display()));
        let entry = backup.file(Path::new(MANIFEST)).ok_or_else(|| lacks(Path::new(MANIFEST)))?;
        let mut bytes = Vec::new();
        self.fetch(entry, &mut |piece| {
            if bytes.len() + piece.len() > MANIFEST_MAX_BYTES {
                return Err(BackupError::damaged(&name, "its manifest is too large"));
            }
            bytes.extend_from_slice(piece);
            Ok(())
        })?;
        let copied = Copied::of(&bytes)?;
        let (NamedFiles { needed, possible }, log_after) = (copied.files(), copied.log_after());
        let log = Path::new(LOG_FOLDER);
        let mut needed: BTreeSet<PathBuf> = needed.into_iter().collect();
        needed.extend([PathBuf::from(MANIFEST), log.join(frame::file_name(log_after))]);
        let possible: BTreeSet<PathBuf> = possible.into_iter().collect();
        let has: BTreeSet<PathBuf> = backup.files.iter().map(|file| file.path.clone()).collect();
        if let Some(path) = needed.difference(&has).next() {
            return Err(lacks(path));
        }
        let is_log = |path: &Path| {
            let name = path.strip_prefix(log).ok().and_then(Path::to_str);
            name.and_then(frame::parse_file_name).is_some_and(|after| after > log_after)
        };
        match has.difference(&needed).find(|path| !is_log(path) && !possible.contains(*path)) {
            Some(path) => Err(BackupError::damaged(&name, format!("{} is no file of its store", path.display()))),
            None if has.len() < backup.files.len() => Err(BackupError::damaged(&name, "it names a file twice")),
            None => Ok(bytes),
        }
    }

    /// Gives the bytes of a file to `take`, and answers once they are found to be what the backup says.
    fn fetch(&self, entry: &Entry, take: &mut dyn FnMut(&[u8]) -> Result<(), BackupError>) -> Result<(), BackupError> {
        let name = object_name(&entry.object);
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        self.blobs.read(&name, &mut |piece| {
            bytes += piece.len() as u64;
            if bytes > entry.bytes {
                return Err(BackupError::damaged(&name, format!("more than {} bytes", entry.bytes)));
            }
            hash.update(piece);
            take(piece)
        })?;
        if bytes != entry.bytes || digits(&hash.finalize()) != entry.object {
            return Err(BackupError::damaged(&name, "its bytes are not those that were backed up"));
        }
        Ok(())
    }
}

/// A folder that becomes a store.
struct Restoring<'a> {
    repository: &'a Repository,
    disk: &'a dyn Disk,
    folder: &'a Path,
    progress: Progress<'a>,
    _lock: Box<dyn LockGuard>,
}

impl Restoring<'_> {
    fn run(&self, backup: &Manifest, manifest: &[u8]) -> Result<(), BackupError> {
        let (disk, folder) = (self.disk, self.folder);
        let marker = folder.join(RESTORING);
        replace_file(disk, &marker, b"").map_err(BackupError::io(&marker, "written"))?;
        let inside = [SEGMENTS_FOLDER, LOG_FOLDER].map(|inside| folder.join(inside));
        for path in &inside {
            disk.create_folder(path).map_err(BackupError::io(path, "created"))?;
        }
        let (mut done, all) = (manifest.len() as u64, backup.bytes());
        for entry in backup.files.iter().filter(|entry| entry.path != Path::new(MANIFEST)) {
            self.write(entry)?;
            done += entry.bytes;
            BackupError::stopped((self.progress)(done, all))?;
        }
        let mark = folder.join(LOG_FOLDER).join("HEAD");
        HighWaterMark::create(disk, &mark, backup.revision)
            .map_err(|error| BackupError::io(&mark, "written")(io::Error::other(error)))?;
        for path in inside.iter().map(PathBuf::as_path).chain([folder]) {
            disk.sync_folder(path).map_err(BackupError::io(path, "synced"))?;
        }
        // Whether weights belong to a segment is in its header, and in nothing that was looked at up to here.
        Copied::of(manifest)?.look_at(disk, folder)?;
        let path = folder.join(MANIFEST);
        replace_file(disk, &path, manifest).map_err(BackupError::io(&path, "written"))?;
        let unmarked = disk.remove(&marker).and_then(|()| disk.sync_folder(folder));
        unmarked.map_err(BackupError::io(marker, "removed"))
    }

    fn write(&self, entry: &Entry) -> Result<(), BackupError> {
        let path = self.folder.join(&entry.path);
        let mut file = self.disk.create(&path).map_err(BackupError::io(&path, "created"))?;
        let mut offset = 0;
        self.repository.fetch(entry, &mut |piece| {
            file.write_at(offset, piece).map_err(BackupError::io(&path, "written"))?;
            offset += piece.len() as u64;
            Ok(())
        })?;
        file.sync().map_err(BackupError::io(path, "synced"))
    }
}

/// Takes a folder that holds nothing, or nothing but what a restore before left.
fn take_folder(disk: &dyn Disk, folder: &Path) -> Result<Box<dyn LockGuard>, BackupError> {
    let not_empty = || BackupError::NotEmpty { folder: folder.to_owned() };
    disk.create_folder(folder).map_err(BackupError::io(folder, "created"))?;
    let lock = disk.lock(&folder.join("LOCK")).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => not_empty(),
        _ => BackupError::io(folder.join("LOCK"), "locked")(error),
    })?;
    let names = names(disk, folder)?;
    if names.iter().any(|name| name == MANIFEST) {
        return Err(not_empty());
    }
    if names.iter().any(|name| name == RESTORING) {
        clear(disk, folder)?;
        return Ok(lock);
    }
    let ours = ["LOCK", SEGMENTS_FOLDER, LOG_FOLDER, &format!("{RESTORING}.tmp")];
    let mut is_empty = names.iter().all(|name| ours.contains(&name.as_str()));
    for inside in [SEGMENTS_FOLDER, LOG_FOLDER] {
        is_empty &= self::names(disk, &folder.join(inside))?.is_empty();
    }
    if is_empty { Ok(lock) } else { Err(not_empty()) }
}

/// Removes all files of a restore: first the manifest, which must not stand for files that are gone, and last what marks
/// them as such.
fn clear(disk: &dyn Disk, folder: &Path) -> Result<(), BackupError> {
    let removed = |path: PathBuf| disk.remove(&path).map_err(BackupError::io(path, "removed"));
    let synced = |inside: &Path| disk.sync_folder(inside).map_err(BackupError::io(inside, "synced"));
    let (marker, present) = (folder.join(RESTORING), names(disk, folder)?);
    if present.iter().any(|name| name == MANIFEST) {
        // Without a mark it was all but done; from here on it is half a restore again.
        if !present.iter().any(|name| name == RESTORING) {
            replace_file(disk, &marker, b"").map_err(BackupError::io(&marker, "written"))?;
        }
        removed(folder.join(MANIFEST))?;
        synced(folder)?;
    }
    for inside in [folder.join(SEGMENTS_FOLDER), folder.join(LOG_FOLDER), folder.to_owned()] {
        let names = names(disk, &inside)?;
        if names.is_empty() {
            continue;
        }
        for name in names {
            let is_folder = inside == folder && [SEGMENTS_FOLDER, LOG_FOLDER].contains(&name.as_str());
            if !is_folder && name != RESTORING && name != "LOCK" {
                removed(inside.join(name))?;
            }
        }
        synced(&inside)?;
    }
    match disk.remove(&marker) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| disk.sync_folder(folder)).map_err(BackupError::io(marker, "removed")),
    }
}

fn names(disk: &dyn Disk, folder: &Path) -> Result<Vec<String>, BackupError> {
    match disk.names(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        names => names.map_err(BackupError::io(folder, "listed")),
    }
}
