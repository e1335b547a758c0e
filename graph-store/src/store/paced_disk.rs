//! A disk for files that are written in the background: at a bounded rate, and made certain in small steps.
//!
//! Without steps the kernel gathers a whole segment before it writes any of it, and the log's fsync waits behind all of
//! that: up to 160 ms were measured for 200 MB, against 0.3 ms alone. Without a rate the log's fsync competes for
//! the disk all the time.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use base::disk::{Disk, DiskFile, LockGuard, Mapped};
use parking_lot::Mutex;

use super::StoreError;
use super::pressure::Pressure;
use super::queue::Queue;

/// Bytes that are written before they are made certain.
const STEP_BYTES: usize = 1 << 20;
/// Waits that are shorter are saved up.
const WAIT_MIN: Duration = Duration::from_millis(2);

/// A disk on which files are written at a pace.
#[derive(Clone, Debug)]
pub(super) struct PacedDisk {
    disk: Arc<dyn Disk>,
    pace: Arc<Pace>,
}

/// How fast may be written, and whether at all.
#[derive(Debug)]
struct Pace {
    /// None for as fast as it goes.
    bytes_per_second: Option<u64>,
    pressure: Arc<Pressure>,
    queue: Arc<Queue>,
    /// When the rate allows for the next byte.
    due: Mutex<Instant>,
}

#[derive(Debug)]
struct PacedFile {
    file: Box<dyn DiskFile>,
    pace: Arc<Pace>,
    unsynced: usize,
}

impl PacedDisk {
    /// Without a rate, files are written as fast as it goes, and in steps all the same. The rate gives way when the
    /// overlay is filling up, and nothing is written once the queue is closed.
    pub(super) fn new(
        disk: Arc<dyn Disk>,
        bytes_per_second: Option<u64>,
        pressure: Arc<Pressure>,
        queue: Arc<Queue>,
    ) -> Self {
        let due = Mutex::new(Instant::now());
        PacedDisk { disk, pace: Arc::new(Pace { bytes_per_second, pressure, queue, due }) }
    }

    /// What has become of an error: that the store is closing goes before whatever that led to.
    pub(super) fn cause(&self, error: StoreError) -> StoreError {
        if self.pace.queue.is_closed() { StoreError::Closing } else { error }
    }

    fn paced(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(PacedFile { file, pace: self.pace.clone(), unsynced: 0 })
    }
}

impl Pace {
    /// Waits until so many bytes more may have been written.
    fn spend(&self, bytes: usize) -> io::Result<()> {
        if self.queue.is_closed() {
            return Err(io::Error::other("the store is closing"));
        }
        let now = Instant::now();
        let mut due = self.due.lock();
        let Some(rate) = self.bytes_per_second.filter(|_| !self.pressure.is_urgent()) else {
            *due = now;
            return Ok(());
        };
        *due = now.max(*due) + Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64);
        let wait = *due - now;
        if wait >= WAIT_MIN {
            thread::sleep(wait);
        }
        Ok(())
    }
}

impl Disk for PacedDisk {
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
        self.disk.create(path).map(|file| self.paced(file))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(path).map(|file| self.paced(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.disk.sync_folder(folder)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        self.disk.lock(path)
    }
}

impl DiskFile for PacedFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        for (step, bytes) in (0..).step_by(STEP_BYTES).zip(bytes.chunks(STEP_BYTES)) {
            self.pace.spend(bytes.len())?;
            self.file.write_at(offset + step, bytes)?;
            self.unsynced += bytes.len();
            if self.unsynced >= STEP_BYTES {
                self.sync()?;
            }
        }
        Ok(())
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        self.file.read_at(offset, len)
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn sync(&mut self) -> io::Result<()> {
        self.unsynced = 0;
        self.file.sync()
    }
}

#[cfg(test)]
mod tests {
    use base::disk::SimulatedDisk;

    use super::*;

    fn paced(disk: &SimulatedDisk, queue: &Arc<Queue>) -> PacedDisk {
        PacedDisk::new(Arc::new(disk.clone()), None, Arc::new(Pressure::new(1)), queue.clone())
    }

    #[test]
    fn all_but_the_last_step_is_certain_without_a_sync_by_the_writer() -> io::Result<()> {
        let (disk, queue, path) = (SimulatedDisk::new(), Arc::default(), Path::new("folder/file"));
        let mut file = paced(&disk, &queue).create(path)?;
        disk.sync_folder(Path::new("folder"))?;
        let bytes: Vec<u8> = (0..3 * STEP_BYTES + 1000).map(|idx| (idx / 100) as u8).collect();
        file.write_at(0, &bytes[..100])?;
        file.write_at(100, &bytes[100..])?;
        assert_eq!(disk.read(path)?, bytes);
        let survived = disk.after_power_cut(1).read(path)?;
        assert!(survived.len() >= 2 * STEP_BYTES);
        assert_eq!(survived[..2 * STEP_BYTES], bytes[..2 * STEP_BYTES]);
        Ok(())
    }

    #[test]
    fn nothing_is_written_once_the_store_is_closing() -> io::Result<()> {
        let (disk, queue) = (SimulatedDisk::new(), Arc::<Queue>::default());
        let paced = paced(&disk, &queue);
        let mut file = paced.create(Path::new("folder/file"))?;
        assert!(matches!(paced.cause(StoreError::Refused), StoreError::Refused));
        queue.close();
        assert!(file.write_at(0, b"late").is_err());
        assert!(matches!(paced.cause(StoreError::Refused), StoreError::Closing));
        Ok(())
    }
}
