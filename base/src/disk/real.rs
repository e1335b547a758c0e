//! The machine's own files.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
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
        Ok(Box::new(RealFile::new(file, path)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Box::new(RealFile::new(file, path)))
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

/// Says that a file is to be opened past the system's cache.
pub(super) fn past_cache(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(rustix::fs::OFlags::DIRECT.bits() as i32)
}

/// What the system asks of the place, the length and the address of what is written past its cache, at most.
const ALIGNMENT: usize = 4_096;

#[derive(Debug)]
struct RealFile {
    file: File,
    path: PathBuf,
    /// The same file, written past the system's cache.
    uncached: Option<File>,
}

impl RealFile {
    fn new(file: File, path: &Path) -> Self {
        RealFile { file, path: path.to_owned(), uncached: None }
    }
}

impl DiskFile for RealFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let aligned =
            [offset as usize, bytes.len(), bytes.as_ptr().addr()].iter().all(|at| at.is_multiple_of(ALIGNMENT));
        match &self.uncached {
            Some(uncached) if aligned => match uncached.write_all_at(bytes, offset) {
                // Some file systems say no only now.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => self.uncached = None,
                result => return result,
            },
            _ => {}
        }
        self.file.write_all_at(bytes, offset)
    }

    fn written_once(&mut self) {
        // Without it everything works, only slower.
        self.uncached = past_cache(OpenOptions::new().write(true)).open(&self.path).ok();
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
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
    use super::super::Scratch;
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
    fn what_is_written_once_is_the_same_bytes() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("file");
        let mut file = RealDisk.create(&path)?;
        file.written_once();
        let mut chunk = Scratch::new(ALIGNMENT * 4)?;
        chunk.bytes_mut().fill(1);
        file.write_at(0, chunk.bytes())?;
        chunk.bytes_mut().fill(2);
        file.write_at(ALIGNMENT as u64 * 4, chunk.bytes())?;
        file.write_at(ALIGNMENT as u64 * 8, b"and a rest")?;
        file.write_at(0, b"header")?;
        file.sync()?;
        let mut expected = [[1; ALIGNMENT * 4], [2; ALIGNMENT * 4]].concat();
        expected.extend(b"and a rest");
        expected[..6].copy_from_slice(b"header");
        assert!(fs::read(&path)? == expected && file.read_at(0, expected.len())? == expected);
        Ok(())
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
