//! A disk in memory that asks before it does anything: a test can refuse, or do something else first.

use std::fmt::{self, Debug, Formatter};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::disk::{Disk, DiskFile, LockGuard, Mapped, SimulatedDisk};

/// What is asked about each file that is created, written, cut, synced, renamed or removed, and each folder that is
/// synced.
type Question = dyn Fn(&Path) -> io::Result<()> + Send + Sync;

/// A [`SimulatedDisk`] on which an operation fails if the answer is an error.
#[derive(Clone)]
pub(crate) struct AskingDisk {
    disk: SimulatedDisk,
    ask: Arc<Question>,
}

struct AskingFile {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    ask: Arc<Question>,
}

impl AskingDisk {
    pub(crate) fn new(disk: SimulatedDisk, ask: impl Fn(&Path) -> io::Result<()> + Send + Sync + 'static) -> Self {
        AskingDisk { disk, ask: Arc::new(ask) }
    }

    fn asking(&self, path: &Path, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(AskingFile { file, path: path.to_owned(), ask: self.ask.clone() })
    }
}

impl Debug for AskingDisk {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("AskingDisk")
    }
}

impl Debug for AskingFile {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "AskingFile({})", self.path.display())
    }
}

impl Disk for AskingDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.create_folder(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.disk.names(folder)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.disk.read(path)
    }

    fn map(&self, path: &Path) -> io::Result<Mapped> {
        self.disk.map(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        (self.ask)(path)?;
        self.disk.create(path).map(|file| self.asking(path, file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(path).map(|file| self.asking(path, file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        (self.ask)(to)?;
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        (self.ask)(path)?;
        self.disk.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        (self.ask)(folder)?;
        self.disk.sync_folder(folder)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        self.disk.lock(path)
    }
}

impl DiskFile for AskingFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        (self.ask)(&self.path)?;
        self.file.write_at(offset, bytes)
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.file.read_at(offset, len)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        (self.ask)(&self.path)?;
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn sync(&mut self) -> io::Result<()> {
        (self.ask)(&self.path)?;
        self.file.sync()
    }
}
