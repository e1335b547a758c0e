//! A repository in a folder, on whichever disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::disk::{Disk, LockGuard, replace_file};

use super::repository::{BACKUPS, OBJECTS};
use super::{BackupError, Blobs, Lease};

/// Bytes that are read at once.
const PIECE_BYTES: usize = 1 << 20;
/// What a file is called until it is whole.
const UNFINISHED: &str = ".tmp";

/// Names are files in a folder, each synced before it gets its name.
#[derive(Clone, Debug)]
pub struct FolderBlobs {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl FolderBlobs {
    /// The names in a folder, which is made when it is first written to.
    pub fn new(disk: Arc<dyn Disk>, folder: &Path) -> Self {
        FolderBlobs { disk, folder: folder.to_owned() }
    }

    fn error(&self, name: &str, doing: &'static str, source: io::Error) -> BackupError {
        BackupError::Blob { repository: self.place(), name: name.to_owned(), doing, source: source.into() }
    }

    fn files(&self, folder: &str) -> Result<Vec<String>, BackupError> {
        match self.disk.names(&self.folder.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            names => names.map_err(|source| self.error(folder, "listed", source)),
        }
    }
}

impl Blobs for FolderBlobs {
    fn place(&self) -> String {
        self.folder.display().to_string()
    }

    fn writers(&self) -> usize {
        1
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, BackupError> {
        let mut names = self.files(folder)?;
        names.retain(|name| !name.ends_with(UNFINISHED));
        Ok(names)
    }

    fn read(&self, name: &str, take: &mut dyn FnMut(&[u8]) -> Result<(), BackupError>) -> Result<(), BackupError> {
        let path = self.folder.join(name);
        let bytes = self.disk.map(&path).map_err(|source| self.error(name, "read", source))?;
        bytes.chunks(PIECE_BYTES).try_for_each(take)
    }

    fn write(&self, name: &str, bytes: &[u8], _: &dyn Lease) -> Result<(), BackupError> {
        let path = self.folder.join(name);
        let folder = path.parent().unwrap_or(&self.folder);
        let written = self.disk.create_folder(folder).and_then(|()| replace_file(self.disk.as_ref(), &path, bytes));
        written.map_err(|source| self.error(name, "written", source))
    }

    fn remove(&self, name: &str) -> Result<(), BackupError> {
        let path = self.folder.join(name);
        match self.disk.remove(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed
                .and_then(|()| self.disk.sync_folder(path.parent().unwrap_or(&self.folder)))
                .map_err(|source| self.error(name, "removed", source)),
        }
    }

    fn lock(&self) -> Result<Box<dyn Lease>, BackupError> {
        let path = self.folder.join("LOCK");
        let locked = self.disk.create_folder(&self.folder).and_then(|()| self.disk.lock(&path));
        let lock = locked.map_err(|error| match error.kind() {
            // The system takes the lock from a process that ends.
            io::ErrorKind::WouldBlock => BackupError::Locked { repository: self.place(), seconds: None },
            _ => self.error("LOCK", "locked", error),
        })?;
        for folder in [BACKUPS, OBJECTS] {
            let path = self.folder.join(folder);
            let created = self.disk.create_folder(&path);
            created.map_err(|source| self.error(folder, "created", source))?;
            for name in self.files(folder)?.iter().filter(|name| name.ends_with(UNFINISHED)) {
                self.remove(&format!("{folder}/{name}"))?;
            }
            // A name that a writer before could not sync counts as there from here on.
            self.disk.sync_folder(&path).map_err(|source| self.error(folder, "synced", source))?;
        }
        Ok(Box::new(FolderLease { _lock: lock }))
    }
}

/// Held for as long as the process lives.
#[derive(Debug)]
struct FolderLease {
    _lock: Box<dyn LockGuard>,
}

impl Lease for FolderLease {
    fn renew(&self) -> Result<(), BackupError> {
        Ok(())
    }
}
