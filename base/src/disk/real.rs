//! The machine's own files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::{Backing, Disk, DiskFile, LockGuard, Mapped};

/// The machine's own files and folders.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        if path.as_os_str().is_empty() || path.is_dir() {
            return Ok(());
        }
        let parent = path.parent().unwrap_or(Path::new(""));
        self.create_folder(parent)?;
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.sync_folder(if parent.as_os_str().is_empty() { Path::new(".") } else { parent }),
        }
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()?;
        names.sort_unstable();
        Ok(names)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn map(&self, path: &Path) -> io::Result<Mapped> {
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Mapped::from_memory([]));
        }
        let map = map_file(&file)?;
        // Random reads of gigabytes miss the processor's table of pages at every step; with huge ones they find it. A
        // kernel without them refuses, which costs speed and nothing else.
        #[cfg(target_os = "linux")]
        if let Err(error) = map.advise(memmap2::Advice::HugePage) {
            tracing::debug!(%error, path = %path.display(), "no huge pages");
        }
        Ok(Mapped(Backing::File(Arc::new(map))))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        Ok(Box::new(RealFile(file)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(RealFile(OpenOptions::new().read(true).write(true).open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(RealLock { _file: file })),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[derive(Debug)]
struct RealLock {
    _file: File,
}

impl LockGuard for RealLock {}

#[derive(Debug)]
struct RealFile(File);

impl DiskFile for RealFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.0.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

#[expect(unsafe_code, reason = "mapping a file is unsafe by nature; this is the one place that does it")]
fn map_file(file: &File) -> io::Result<memmap2::Mmap> {
    // SAFETY: the bytes must not change while they are mapped. `Disk::map` is for files that are complete: segments
    // and tables are written under their final name once, never opened for writing again, and removed, not cut. The
    // folder's lock keeps other processes of ours away; readers verify checksums, so that a file damaged by somebody
    // else is an error and not a wrong answer.
    unsafe { memmap2::Mmap::map(file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_lock_is_refused_until_the_first_is_dropped() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("LOCK");
        let first = RealDisk.lock(&path)?;
        assert_eq!(RealDisk.lock(&path).expect_err("held").kind(), io::ErrorKind::WouldBlock);
        drop(first);
        RealDisk.lock(&path).map(drop)
    }

    #[test]
    fn an_empty_file_maps_to_no_bytes() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("empty");
        RealDisk.create(&path)?;
        assert!(RealDisk.map(&path)?.is_empty());
        Ok(())
    }
}
