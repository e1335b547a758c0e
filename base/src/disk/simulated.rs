//! A disk in memory whose power can be cut.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Disk, DiskFile, LockGuard, Mapped};

/// The unit that reaches the platter or does not: a write cut by the power is torn at such a boundary.
const SECTOR: usize = 512;

/// A disk in memory that remembers what was synced.
///
/// Clones are the same disk. [`cut_power_after`](Self::cut_power_after) lets a number of writes and syncs pass and
/// makes everything after fail; [`after_power_cut`](Self::after_power_cut) gives the disk that the machine would find
/// at its next start: what was synced, and of the rest whatever the seed decides, torn at sectors. A sync that
/// [fails](Self::fail_once_after) is worse than none, as it is on Linux: what it was to write stays to be read and counts as
/// written, so that no later sync writes it.
#[derive(Clone, Debug, Default)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// What a running process sees.
    names: BTreeMap<PathBuf, usize>,
    /// What a power cut leaves for certain.
    durable_names: BTreeMap<PathBuf, usize>,
    /// Changes of names since their folder was synced, in order.
    pending_names: Vec<(PathBuf, Option<usize>)>,
    inodes: Vec<Inode>,
    locks: Vec<PathBuf>,
    operations: u64,
    operations_left: Option<u64>,
    /// Whether only one operation fails once none are left.
    fails_once: bool,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// Unsynced writes, in order: offset and bytes, or a new length.
    pending: Vec<Pending>,
}

#[derive(Clone, Debug)]
enum Pending {
    Write(u64, Vec<u8>),
    Length(u64),
}

impl SimulatedDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many writes, syncs and changes of names there were.
    pub fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// Lets this many more operations pass; every one after them fails and does nothing.
    pub fn cut_power_after(&self, operations: u64) {
        self.0.lock().operations_left = Some(operations);
    }

    /// Lets this many more operations pass; the one after them fails, and those behind it work again. It does nothing, but for
    /// the sync of a file, which loses what it was to write.
    pub fn fail_once_after(&self, operations: u64) {
        let mut state = self.0.lock();
        (state.operations_left, state.fails_once) = (Some(operations), true);
    }

    /// The disk as the machine finds it at its next start. `seed` decides what of the unsynced survived.
    #[must_use]
    pub fn after_power_cut(&self, seed: u64) -> SimulatedDisk {
        let state = self.0.lock();
        let mut chance = SplitMix(seed);
        // Names are journalled by the file system: they survive up to some point in their order.
        let mut names = state.durable_names.clone();
        let surviving = chance.below(state.pending_names.len() as u64 + 1) as usize;
        for (path, inode) in &state.pending_names[..surviving] {
            match inode {
                Some(inode) => names.insert(path.clone(), *inode),
                None => names.remove(path),
            };
        }
        let inodes = state.inodes.iter().map(|inode| Inode::settled(inode.surviving(&mut chance))).collect();
        SimulatedDisk(Arc::new(Mutex::new(State { durable_names: names.clone(), names, inodes, ..State::default() })))
    }

    fn change_name(&self, path: &Path, inode: Option<usize>, state: &mut State) {
        match inode {
            Some(inode) => state.names.insert(path.to_owned(), inode),
            None => state.names.remove(path),
        };
        state.pending_names.push((path.to_owned(), inode));
    }
}

impl Inode {
    fn settled(bytes: Vec<u8>) -> Inode {
        Inode { durable: bytes.clone(), bytes, pending: Vec::new() }
    }

    fn surviving(&self, chance: &mut SplitMix) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for pending in &self.pending {
            match pending {
                Pending::Length(len) if chance.below(2) == 0 => bytes.resize(*len as usize, 0),
                Pending::Length(_) => {}
                Pending::Write(offset, written) => {
                    let mut start = 0;
                    while start < written.len() {
                        let at = *offset as usize + start;
                        let end = (start + SECTOR - at % SECTOR).min(written.len());
                        if chance.below(3) > 0 {
                            write_into(&mut bytes, at, &written[start..end]);
                        }
                        start = end;
                    }
                }
            }
        }
        bytes
    }

    /// Makes durable what is pending.
    fn write_out(&mut self) {
        for pending in std::mem::take(&mut self.pending) {
            match pending {
                Pending::Length(len) => self.durable.resize(len as usize, 0),
                Pending::Write(offset, written) => write_into(&mut self.durable, offset as usize, &written),
            }
        }
    }
}

impl State {
    fn spend(&mut self) -> io::Result<()> {
        match &mut self.operations_left {
            Some(0) if std::mem::take(&mut self.fails_once) => {
                self.operations_left = None;
                return Err(io::Error::other("one operation fails"));
            }
            Some(0) => return Err(io::Error::other("the power is cut")),
            Some(left) => *left -= 1,
            None => {}
        }
        self.operations += 1;
        Ok(())
    }

    fn inode_of(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for SimulatedDisk {
    fn create_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = self.0.lock();
        let inside = state.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect())
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let state = self.0.lock();
        Ok(state.inodes[state.inode_of(path)?].bytes.clone())
    }

    fn map(&self, path: &Path) -> io::Result<Mapped> {
        self.read(path).map(Mapped::from_memory)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.0.lock();
        state.spend()?;
        state.inodes.push(Inode::default());
        let inode = state.inodes.len() - 1;
        self.change_name(path, Some(inode), &mut state);
        Ok(Box::new(SimulatedFile { disk: self.clone(), inode }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.0.lock().inode_of(path)?;
        Ok(Box::new(SimulatedFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.spend()?;
        let inode = state.inode_of(from)?;
        // One entry of the journal for both names would be more faithful; the new name first is the harsher order.
        self.change_name(to, Some(inode), &mut state);
        self.change_name(from, None, &mut state);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.spend()?;
        state.inode_of(path)?;
        self.change_name(path, None, &mut state);
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.0.lock();
        state.spend()?;
        for (path, inode) in std::mem::take(&mut state.pending_names) {
            if path.parent() != Some(folder) {
                state.pending_names.push((path, inode));
            } else if let Some(inode) = inode {
                state.durable_names.insert(path, inode);
            } else {
                state.durable_names.remove(&path);
            }
        }
        Ok(())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        let mut state = self.0.lock();
        if state.locks.iter().any(|held| held == path) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.locks.push(path.to_owned());
        Ok(Box::new(SimulatedLock { disk: self.clone(), path: path.to_owned() }))
    }
}

#[derive(Debug)]
struct SimulatedLock {
    disk: SimulatedDisk,
    path: PathBuf,
}

impl LockGuard for SimulatedLock {}

impl Drop for SimulatedLock {
    fn drop(&mut self) {
        self.disk.0.lock().locks.retain(|held| *held != self.path);
    }
}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    inode: usize,
}

impl DiskFile for SimulatedFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state.spend()?;
        let inode = &mut state.inodes[self.inode];
        write_into(&mut inode.bytes, offset as usize, bytes);
        inode.pending.push(Pending::Write(offset, bytes.to_vec()));
        Ok(())
    }

    fn read_at(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let state = self.disk.0.lock();
        let bytes = &state.inodes[self.inode].bytes;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let read = start.checked_add(len).and_then(|end| bytes.get(start..end));
        read.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        state.spend()?;
        let inode = &mut state.inodes[self.inode];
        inode.bytes.resize(len as usize, 0);
        inode.pending.push(Pending::Length(len));
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.0.lock().inodes[self.inode].bytes.len() as u64)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let spent = state.spend();
        let is_cut = state.operations_left == Some(0);
        let inode = &mut state.inodes[self.inode];
        match &spent {
            Ok(()) => inode.write_out(),
            Err(_) if is_cut => {}
            Err(_) => inode.pending.clear(),
        }
        spent
    }
}

fn write_into(bytes: &mut Vec<u8>, at: usize, written: &[u8]) {
    if bytes.len() < at + written.len() {
        bytes.resize(at + written.len(), 0);
    }
    bytes[at..at + written.len()].copy_from_slice(written);
}

/// Sebastiano Vigna's splitmix64: enough chance for a test, from one number.
#[derive(Debug)]
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_survives_and_the_rest_may_not() -> io::Result<()> {
        let disk = SimulatedDisk::new();
        let path = Path::new("folder/file");
        let mut file = disk.create(path)?;
        file.write_at(0, b"kept")?;
        file.sync()?;
        disk.sync_folder(Path::new("folder"))?;
        file.write_at(4, b", perhaps")?;
        let survivors: Vec<_> = (0..32).map(|seed| disk.after_power_cut(seed).read(path)).collect::<Result<_, _>>()?;
        assert!(survivors.iter().all(|bytes| bytes == b"kept" || bytes == b"kept, perhaps"));
        assert!(survivors.iter().any(|bytes| bytes == b"kept"));
        Ok(())
    }

    #[test]
    fn a_name_is_certain_only_once_its_folder_was_synced() -> io::Result<()> {
        let disk = SimulatedDisk::new();
        disk.create(Path::new("folder/file"))?.sync()?;
        let found =
            (0..32).filter(|seed| !disk.after_power_cut(*seed).names(Path::new("folder")).expect("names").is_empty());
        let found = found.count();
        assert!(0 < found && found < 32, "{found} of 32");
        Ok(())
    }

    #[test]
    fn one_operation_fails_and_those_behind_it_work() -> io::Result<()> {
        let disk = SimulatedDisk::new();
        let mut file = disk.create(Path::new("file"))?;
        disk.fail_once_after(1);
        file.write_at(0, b"one")?;
        assert!(file.write_at(0, b"two").is_err());
        file.write_at(3, b", three")?;
        assert_eq!(disk.read(Path::new("file"))?, b"one, three");
        Ok(())
    }

    #[test]
    fn what_a_failed_sync_was_to_write_is_read_and_not_written_by_the_next() -> io::Result<()> {
        let disk = SimulatedDisk::new();
        let path = Path::new("folder/file");
        let mut file = disk.create(path)?;
        disk.sync_folder(Path::new("folder"))?;
        file.write_at(0, b"lost")?;
        disk.fail_once_after(0);
        assert!(file.sync().is_err());
        file.write_at(4, b", kept")?;
        file.sync()?;
        assert_eq!(disk.read(path)?, b"lost, kept");
        assert_eq!(disk.after_power_cut(0).read(path)?, b"\0\0\0\0, kept");
        file.write_at(0, b"again")?;
        file.sync()?;
        assert_eq!(disk.after_power_cut(0).read(path)?, b"again kept");
        Ok(())
    }

    #[test]
    fn after_the_cut_nothing_works() -> io::Result<()> {
        let disk = SimulatedDisk::new();
        let mut file = disk.create(Path::new("file"))?;
        disk.cut_power_after(1);
        file.write_at(0, b"one")?;
        assert!(file.write_at(0, b"two").is_err());
        assert!(file.sync().is_err());
        assert_eq!(disk.read(Path::new("file"))?, b"one");
        Ok(())
    }
}
