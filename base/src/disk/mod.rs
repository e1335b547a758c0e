//! A disk: files, folders and, above all, syncs.
//!
//! Storage code writes through [`Disk`], so that the same code runs on the machine's files ([`RealDisk`]) and on a
//! disk in memory whose power a test can cut at any write and any sync ([`SimulatedDisk`]).
//!
//! The promises, the same on both:
//!
//! - what was written is there after a power cut only if the *file* was synced afterwards;
//! - a created, renamed or removed *name* is certain only once its folder was synced;
//! - a rename is atomic: after a cut the name stands for the old file or for the new one.

mod high_water;
mod read_ahead;
mod real;
mod scratch;
mod simulated;

use std::fmt::Debug;
use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

pub use high_water::{HighWaterError, HighWaterMark};
pub use read_ahead::ReadAhead;
pub use real::RealDisk;
pub use scratch::{Scratch, scratch_file};
pub use simulated::SimulatedDisk;

/// Files and folders.
pub trait Disk: Send + Sync + Debug {
    /// Creates a folder and those above it, durably.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder, sorted.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// The bytes of a whole file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The bytes of a file that no longer changes, without reading them yet.
    fn map(&self, path: &Path) -> io::Result<Mapped>;

    /// Creates an empty file, in place of any that was there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file that exists.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, in place of any that had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a folder certain.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;

    /// Takes the one lock of a folder, which ends with the process or when the guard is dropped.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::WouldBlock`] when somebody else has it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>>;
}

/// Holds the lock of a folder.
pub trait LockGuard: Send + Sync + Debug {}

/// An open file.
pub trait DiskFile: Send + Sync + Debug {
    /// Writes all of `bytes` at `offset`, lengthening the file where needed.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Says that what is written from here on is not read again soon, and need not be kept in the system's cache.
    fn written_once(&mut self) {}

    /// Reads exactly `len` bytes from `offset`.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::UnexpectedEof`] where the file ends before.
    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>>;

    /// Cuts or lengthens the file.
    fn set_len(&mut self, len: u64) -> io::Result<()>;

    /// The number of bytes.
    fn len(&self) -> io::Result<u64>;

    /// Whether there are no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Returns once everything written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// The bytes of a file that no longer changes.
#[derive(Clone, Debug)]
pub struct Mapped(Backing);

#[derive(Clone, Debug)]
enum Backing {
    File(Arc<memmap2::Mmap>),
    Memory(Arc<[u8]>),
}

impl Mapped {
    /// Bytes that lie in memory anyway.
    pub fn from_memory(bytes: impl Into<Arc<[u8]>>) -> Self {
        Mapped(Backing::Memory(bytes.into()))
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Backing::File(map) => map,
            Backing::Memory(bytes) => bytes,
        }
    }
}

/// Replaces a small file as a whole: after a power cut it is the old one or the new one. Where it fails, what was written
/// is removed.
pub fn replace_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("a file to replace has no folder"))?;
    let temporary = path.with_extension("tmp");
    let replace = || {
        let mut file = disk.create(&temporary)?;
        file.write_at(0, bytes)?;
        file.sync()?;
        drop(file);
        disk.rename(&temporary, path)?;
        disk.sync_folder(folder)
    };
    replace().inspect_err(|_| {
        // Gone already, where it was the folder that could not be synced.
        let _ = disk.remove(&temporary);
    })
}
