//! What a long job has so far, as a file: a killed one goes on from there.
//!
//! A checkpoint is written between iterations, under another name first, and takes the place of the one before it once it
//! is on the disk. It is taken up again only by the same job with the same parameters on the same graph at the same
//! revision; anything else starts afresh, and says so. A file of which a single bit is wrong is as good as none. Where none can
//! be written, the job goes on without: what it finds is worth more than the place to go on from.
//!
//! # Format
//!
//! All numbers are little-endian, but for those of the arrays, which are in the order of the machine that the identity names.
//!
//! | part | bytes | what |
//! |---|---|---|
//! | magic | 8 | `ROOSTCKP` |
//! | version | 2 | 1 |
//! | identity | 4 + n | its length, then text: the job, its parameters, the graph, its revision and size |
//! | iteration | 8 | how many are done; where a job goes from user to user, each is one |
//! | arrays | 4 | how many follow |
//! | array | 8 + n, each | its length in bytes, then its numbers |
//! | checksum | 4 | CRC-32C of everything before it |

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use base::disk::{Disk, Mapped};
use bytemuck::Pod;

const MAGIC: [u8; 8] = *b"ROOSTCKP";
const VERSION: u16 = 1;
const CHECKSUM_BYTES: usize = 4;
/// Writing takes one part in so many of a job's time at the most: what has grown large is written less often.
const WRITING_SHARE: u32 = 50;
/// Which arrays a machine can read.
const BYTE_ORDER: &str = if cfg!(target_endian = "little") { "little-endian" } else { "big-endian" };

/// Whether a job went on from a checkpoint, and whether another could.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resumption {
    /// There was none.
    Fresh,
    /// It goes on behind this iteration.
    Resumed {
        /// How many are done.
        iteration: u64,
    },
    /// It starts afresh, as the checkpoint is of something else.
    Other {
        /// What it is of.
        found: String,
    },
    /// It starts afresh, as the checkpoint is damaged.
    Damaged,
    /// It goes on, but what it has so far cannot be written.
    Unwritten {
        /// What the disk said.
        error: String,
    },
}

impl Resumption {
    /// What to say of it to people, where it is not from the beginning or could be thought not to be.
    pub fn notice(&self) -> Option<String> {
        match self {
            Resumption::Fresh => None,
            Resumption::Resumed { iteration } => {
                Some(format!("going on behind iteration {iteration}, from the checkpoint"))
            }
            Resumption::Other { found } => {
                Some(format!("starting afresh: the checkpoint is of something else, {found}"))
            }
            Resumption::Damaged => Some("starting afresh: the checkpoint is damaged".to_owned()),
            Resumption::Unwritten { error } => {
                Some(format!("going on without a new checkpoint, which cannot be written: {error}"))
            }
        }
    }
}

/// Where a job keeps what it has so far.
pub struct Checkpoints<'a> {
    disk: &'a dyn Disk,
    path: PathBuf,
    graph: String,
    interval: Duration,
    next: Mutex<Next>,
    tell: Box<dyn Fn(&Resumption) + Send + Sync + 'a>,
}

/// The next checkpoint.
struct Next {
    /// Before it nothing is written.
    due: Instant,
    /// Whether the one before it could not be written, which is told once.
    has_failed: bool,
}

/// What a job had when it was interrupted.
#[derive(Debug)]
pub(crate) struct Saved {
    pub(crate) iteration: u64,
    bytes: Mapped,
    arrays: Vec<std::ops::Range<usize>>,
}

impl<'a> Checkpoints<'a> {
    /// Checkpoints in a file, no more often than every `interval`, and less often where writing one takes long; after each
    /// iteration, whatever that takes, where the interval is 0. `graph` tells this graph at this revision from any other; `tell`
    /// hears how a job begins, and if what it has cannot be written.
    pub fn new(
        disk: &'a dyn Disk,
        path: PathBuf,
        graph: String,
        interval: Duration,
        tell: impl Fn(&Resumption) + Send + Sync + 'a,
    ) -> Self {
        let next = Mutex::new(Next { due: Instant::now() + interval, has_failed: false });
        Checkpoints { disk, path, graph, interval, next, tell: Box::new(tell) }
    }

    /// Removes the file, once what the job found is safe elsewhere.
    ///
    /// # Errors
    ///
    /// It is there and cannot be removed.
    pub fn remove(&self) -> io::Result<()> {
        self.remove_temporary();
        let Err(error) = self.disk.remove(&self.path) else { return Ok(()) };
        // A disk that takes no writes may say so even of what is not there.
        let is_absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        if is_absent(&error) || self.disk.map(&self.path).is_err_and(|error| is_absent(&error)) {
            return Ok(());
        }
        Err(error)
    }

    /// Removes what was left of a checkpoint that was not written to its end. Nobody reads it: where it stays, the next one
    /// takes its place.
    fn remove_temporary(&self) {
        let _ = self.disk.remove(&self.temporary());
    }

    fn temporary(&self) -> PathBuf {
        self.path.with_extension("tmp")
    }

    /// What there is of a job, if anything, told aloud.
    pub(crate) fn resume(&self, job: &str) -> io::Result<Option<Saved>> {
        let bytes = match self.disk.map(&self.path) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let (resumption, saved) = match bytes.map(Saved::parse) {
            None => (Resumption::Fresh, None),
            Some(None) => (Resumption::Damaged, None),
            Some(Some((found, _))) if found != self.identity(job) => (Resumption::Other { found }, None),
            Some(Some((_, saved))) => (Resumption::Resumed { iteration: saved.iteration }, Some(saved)),
        };
        (self.tell)(&resumption);
        Ok(saved)
    }

    /// Writes what a job has after an iteration, if it is time. Where that fails, the checkpoint before it stays, and it is
    /// tried again when the next one is due.
    pub(crate) fn save(&self, job: &str, iteration: u64, arrays: &[&[u8]]) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let started = Instant::now();
        if started < next.due {
            return;
        }
        let written = self.write(&self.identity(job), iteration, arrays);
        next.due = Instant::now() + self.pause(started.elapsed());
        let had_failed = std::mem::replace(&mut next.has_failed, written.is_err());
        let Err(error) = written else { return };
        self.remove_temporary();
        if !had_failed {
            tracing::warn!(%error, path = %self.path.display(), "a checkpoint cannot be written");
            (self.tell)(&Resumption::Unwritten { error: error.to_string() });
        }
    }

    /// How long nothing is written after a checkpoint that took so long.
    fn pause(&self, took: Duration) -> Duration {
        if self.interval.is_zero() { Duration::ZERO } else { self.interval.max(took.saturating_mul(WRITING_SHARE)) }
    }

    fn identity(&self, job: &str) -> String {
        format!("{job}, {}, {BYTE_ORDER}", self.graph)
    }

    fn write(&self, identity: &str, iteration: u64, arrays: &[&[u8]]) -> io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new(""));
        self.disk.create_folder(folder)?;
        let temporary = self.temporary();
        let mut file = self.disk.create(&temporary)?;
        let (mut offset, mut checksum) = (0, 0);
        let mut append = |bytes: &[u8]| {
            file.write_at(offset, bytes)?;
            offset += bytes.len() as u64;
            checksum = crc32c::crc32c_append(checksum, bytes);
            io::Result::Ok(checksum)
        };
        append(&MAGIC)?;
        append(&VERSION.to_le_bytes())?;
        append(&(identity.len() as u32).to_le_bytes())?;
        append(identity.as_bytes())?;
        append(&iteration.to_le_bytes())?;
        append(&(arrays.len() as u32).to_le_bytes())?;
        for array in arrays {
            append(&(array.len() as u64).to_le_bytes())?;
            append(array)?;
        }
        let of_all = append(&[])?;
        append(&of_all.to_le_bytes())?;
        file.sync()?;
        drop(file);
        self.disk.rename(&temporary, &self.path)?;
        self.disk.sync_folder(folder)
    }
}

impl Saved {
    /// The identity and the rest; `None` where anything is damaged.
    fn parse(bytes: Mapped) -> Option<(String, Saved)> {
        let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
        if crc32c::crc32c(content) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let mut rest = content;
        if take::<8>(&mut rest)? != MAGIC || u16::from_le_bytes(take(&mut rest)?) != VERSION {
            return None;
        }
        let identity = u32::from_le_bytes(take(&mut rest)?);
        let identity = rest.split_off(..identity as usize)?;
        let identity = String::from_utf8(identity.to_vec()).ok()?;
        let iteration = u64::from_le_bytes(take(&mut rest)?);
        let count = u32::from_le_bytes(take(&mut rest)?);
        let mut arrays = Vec::new();
        for _ in 0..count {
            let len = usize::try_from(u64::from_le_bytes(take(&mut rest)?)).ok()?;
            let start = content.len() - rest.len();
            rest.split_off(..len)?;
            arrays.push(start..start + len);
        }
        rest.is_empty().then(|| (identity, Saved { iteration, bytes: bytes.clone(), arrays }))
    }

    /// The numbers of one array, where it has as many as are wanted.
    pub(crate) fn array<T: Pod>(&self, idx: usize, len: usize) -> Option<Vec<T>> {
        let bytes = &self.bytes[self.arrays.get(idx)?.clone()];
        let numbers = bytes.chunks_exact(size_of::<T>()).map(bytemuck::pod_read_unaligned);
        (bytes.len() == len * size_of::<T>()).then(|| numbers.collect())
    }
}

/// The next bytes of a header.
fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use base::disk::SimulatedDisk;

    use super::*;

    const RANKS: [f64; 3] = [0.5, 0.25, 0.25];

    fn checkpoints<'a>(disk: &'a SimulatedDisk, graph: &str, said: &'a Mutex<Vec<Resumption>>) -> Checkpoints<'a> {
        let tell = |resumption: &Resumption| said.lock().expect("no panic").push(resumption.clone());
        Checkpoints::new(disk, "run/pagerank.checkpoint".into(), graph.to_owned(), Duration::ZERO, tell)
    }

    #[test]
    fn only_what_it_is_of_takes_it_up_again() -> io::Result<()> {
        let (disk, said) = (SimulatedDisk::new(), Mutex::default());
        let of_graph = checkpoints(&disk, "revision 7", &said);
        assert!(of_graph.resume("pagerank")?.is_none());
        of_graph.save("pagerank", 5, &[bytemuck::cast_slice(&RANKS), &[1, 2]]);
        let saved = of_graph.resume("pagerank")?.expect("just written");
        assert_eq!((saved.iteration, saved.array(0, 3)), (5, Some(RANKS.to_vec())));
        assert_eq!((saved.array::<f64>(0, 2), saved.array::<u8>(2, 0)), (None, None));
        assert!(of_graph.resume("cdlp")?.is_none());
        assert!(checkpoints(&disk, "revision 8", &said).resume("pagerank")?.is_none());
        of_graph.remove()?;
        of_graph.remove()?;
        assert!(of_graph.resume("pagerank")?.is_none());
        let found = format!("pagerank, revision 7, {BYTE_ORDER}");
        let other = Resumption::Other { found };
        let expected =
            [Resumption::Fresh, Resumption::Resumed { iteration: 5 }, other.clone(), other, Resumption::Fresh];
        assert_eq!(*said.lock().expect("no panic"), expected);
        Ok(())
    }

    #[test]
    fn what_takes_long_to_write_is_written_less_often() {
        let disk = SimulatedDisk::new();
        let pause =
            |interval, took| Checkpoints::new(&disk, "file".into(), String::new(), interval, |_| ()).pause(took);
        let [second, minute] = [1, 60].map(Duration::from_secs);
        assert_eq!(pause(minute, second), minute);
        assert_eq!(pause(minute, 2 * second), 100 * second);
        assert_eq!(pause(Duration::ZERO, minute), Duration::ZERO);
    }

    #[test]
    fn each_flipped_bit_and_each_truncation_is_a_fresh_start_that_is_told() -> io::Result<()> {
        let (disk, said) = (SimulatedDisk::new(), Mutex::default());
        let checkpoints = checkpoints(&disk, "revision 7", &said);
        checkpoints.save("pagerank", 5, &[bytemuck::cast_slice(&RANKS)]);
        let whole = disk.read(&checkpoints.path)?;
        let flipped = (0..whole.len() * 8).map(|bit| {
            let mut damaged = whole.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            damaged
        });
        let cut = (0..whole.len()).map(|len| whole[..len].to_vec());
        for damaged in flipped.chain(cut) {
            disk.create(&checkpoints.path)?.write_at(0, &damaged)?;
            assert!(checkpoints.resume("pagerank")?.is_none());
            assert_eq!(said.lock().expect("no panic").pop(), Some(Resumption::Damaged));
        }
        Ok(())
    }

    /// A full disk ended jobs of hours, and kept what had been written of the checkpoint.
    #[test]
    fn what_cannot_be_written_is_told_and_leaves_the_checkpoint_before_it() -> io::Result<()> {
        let written = SimulatedDisk::new();
        checkpoints(&written, "revision 7", &Mutex::default()).save("pagerank", 6, &[bytemuck::cast_slice(&RANKS)]);
        for operations in 0..written.operations() {
            let (disk, said) = (SimulatedDisk::new(), Mutex::default());
            let checkpoints = checkpoints(&disk, "revision 7", &said);
            let save = |iteration| checkpoints.save("pagerank", iteration, &[bytemuck::cast_slice(&RANKS)]);
            let iteration = || io::Result::Ok(checkpoints.resume("pagerank")?.map(|saved| saved.iteration));
            save(5);
            disk.fail_once_after(operations);
            save(6);
            assert!(matches!(said.lock().expect("no panic")[..], [Resumption::Unwritten { .. }]), "{operations}");
            assert_eq!(disk.names(Path::new("run"))?, ["pagerank.checkpoint"], "{operations}");
            // Only the certainty of the name was missing where the last operation fails.
            let expected = if operations + 1 == written.operations() { 6 } else { 5 };
            assert_eq!(iteration()?, Some(expected), "{operations}");
            save(7);
            assert_eq!(iteration()?, Some(7), "it is tried again");
        }
        Ok(())
    }

    #[test]
    fn that_none_can_be_written_is_told_once_until_one_can() {
        let (disk, said) = (SimulatedDisk::new(), Mutex::default());
        let checkpoints = checkpoints(&disk, "revision 7", &said);
        let failures = || said.lock().expect("no panic").len();
        disk.cut_power_after(0);
        checkpoints.save("pagerank", 1, &[]);
        checkpoints.save("pagerank", 2, &[]);
        assert_eq!(failures(), 1);
        disk.cut_power_after(u64::MAX);
        checkpoints.save("pagerank", 3, &[]);
        disk.cut_power_after(0);
        checkpoints.save("pagerank", 4, &[]);
        assert_eq!(failures(), 2);
    }

    /// Who was killed while writing left a file that nobody ever removed.
    #[test]
    fn nothing_is_left_once_the_result_is_safe() -> io::Result<()> {
        let (disk, said) = (SimulatedDisk::new(), Mutex::default());
        let checkpoints = checkpoints(&disk, "revision 7", &said);
        checkpoints.save("pagerank", 5, &[]);
        disk.create(Path::new("run/pagerank.tmp"))?.write_at(0, b"half of one")?;
        checkpoints.remove()?;
        assert_eq!(disk.names(Path::new("run"))?, [""; 0]);
        // What is not there cannot be removed from a disk without power either, and need not be.
        disk.cut_power_after(0);
        checkpoints.remove()
    }

    /// Lengths that no writer writes, under a checksum that is right.
    #[test]
    fn lengths_beyond_the_end_are_damage() {
        for len in [1, u64::MAX / 8, u64::MAX] {
            let mut bytes = [&MAGIC[..], &VERSION.to_le_bytes(), &0u32.to_le_bytes(), &0u64.to_le_bytes()].concat();
            bytes.extend(1u32.to_le_bytes().into_iter().chain(len.to_le_bytes()));
            bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
            assert!(Saved::parse(Mapped::from_memory(bytes)).is_none(), "{len}");
        }
    }
}
