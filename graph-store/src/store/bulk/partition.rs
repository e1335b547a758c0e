//! Edges sorted into blocks of sources: the first, coarse half of sorting them.
//!
//! A block is the edges of [`BLOCK_USERS`] consecutive sources. Each thread stages edges in small buffers of its own, one
//! a block, and hands full buffers over to the block, where they take two bytes for the source, three or four for the
//! target, and what their columns take. Blocks lie in anonymous memory, a chunk at a time. Chunks of blocks that were read
//! go round: memory from the system has to be found and cleared, which takes longer than all else that is done with it.
//! Once the budget is used up, full chunks go to a file that has no name, and so ends with the process, however it ends.
//!
//! # A run, as it lies in a chunk
//!
//! | part | bytes | what |
//! |---|---|---|
//! | head | 4 | bits 0 to 23: how many edges; bit 24: targets take four bytes |
//! | sources | 2 each | the source less the first of the block |
//! | targets | 3 or 4 each | |
//! | times | 4 each | where the edges have times of their own |
//! | weights | 8 each | where they have weights |

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::disk::{Scratch, scratch_file};
use parking_lot::{Mutex, RwLock};

/// Sources of a block.
pub(crate) const BLOCK_USERS: usize = 1 << 13;
/// Edges that a thread stages for a block.
const STAGED_EDGES: usize = 256;
/// Bytes of a chunk, but for budgets of more than 8 GiB: the number of mappings that a process may have is limited.
const CHUNK_BYTES: u64 = 256 << 10;
const CHUNKS_MAX: u64 = 1 << 15;
const HEAD_BYTES: usize = 4;
const WIDE_TARGETS: u32 = 1 << 24;

/// Which columns edges have besides their ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Columns {
    /// Each edge has a time of its own.
    pub times: bool,
    /// Each edge has a weight.
    pub weights: bool,
}

/// Edges of a block, of which each column is a vector: `times` and `weights` are empty where there are none.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Edges {
    /// Less the first of the block.
    pub(crate) sources: Vec<u16>,
    pub(crate) targets: Vec<u32>,
    pub(crate) times: Vec<u32>,
    pub(crate) weights: Vec<f64>,
}

impl Edges {
    pub(crate) fn clear(&mut self) {
        self.sources.clear();
        self.targets.clear();
        self.times.clear();
        self.weights.clear();
    }
}

/// All edges, by block.
#[derive(Debug)]
pub(crate) struct Partition {
    columns: Columns,
    blocks: RwLock<Vec<Arc<Mutex<Block>>>>,
    room: Arc<Room>,
}

#[derive(Debug, Default)]
struct Block {
    edges: u64,
    full: Vec<Chunk>,
    last: Option<Chunk>,
    /// Where chunks are in the spill file, and their bytes.
    spilled: Vec<(u64, usize)>,
}

#[derive(Debug)]
struct Chunk {
    memory: Scratch,
    len: usize,
}

/// The memory and the disk that partitions share.
#[derive(Debug)]
struct Room {
    chunk_bytes: usize,
    /// Bytes of chunks that may yet be made.
    budget: AtomicU64,
    /// Chunks whose edges were read.
    free: Mutex<Vec<Chunk>>,
    spill: Spill,
}

/// Where chunks go that the budget has no room for.
#[derive(Debug)]
struct Spill {
    folder: PathBuf,
    file: Mutex<Option<(Arc<File>, u64)>>,
}

impl Partition {
    /// Chunks may take `memory` bytes; after that they go to a file in `folder`.
    pub(crate) fn new(columns: Columns, memory: u64, folder: &Path) -> Self {
        let chunk_bytes = CHUNK_BYTES.max(memory / CHUNKS_MAX).next_power_of_two();
        let room = Room {
            chunk_bytes: chunk_bytes as usize,
            budget: AtomicU64::new(memory),
            free: Mutex::default(),
            spill: Spill { folder: folder.to_owned(), file: Mutex::new(None) },
        };
        Partition { columns, blocks: RwLock::default(), room: Arc::new(room) }
    }

    /// Another one with the same columns, for which there is as much room as this one leaves.
    pub(crate) fn beside(&self) -> Self {
        Partition { columns: self.columns, blocks: RwLock::default(), room: Arc::clone(&self.room) }
    }

    pub(crate) fn columns(&self) -> Columns {
        self.columns
    }

    /// How many blocks there are, those without edges included.
    pub(crate) fn blocks(&self) -> usize {
        self.blocks.read().len()
    }

    /// How many edges a block has.
    pub(crate) fn edges(&self, block: usize) -> u64 {
        self.blocks.read()[block].lock().edges
    }

    /// Bytes that went to the spill file.
    #[cfg(test)]
    pub(crate) fn spilled_bytes(&self) -> u64 {
        self.room.spill.file.lock().as_ref().map_or(0, |(_, len)| *len)
    }

    /// Reads a block, a run at a time: each is appended to `edges`, and `run` may take it from there.
    pub(crate) fn read(
        &self,
        block: usize,
        edges: &mut Edges,
        mut run: impl FnMut(&mut Edges) -> io::Result<()>,
    ) -> io::Result<()> {
        let block = self.block(block);
        let block = block.lock();
        for chunk in block.full.iter().chain(&block.last) {
            self.read_chunk(&chunk.memory.bytes()[..chunk.len], edges, &mut run)?;
        }
        let mut bytes = Vec::new();
        for (offset, len) in &block.spilled {
            bytes.resize(*len, 0);
            self.room.spill.read(*offset, &mut bytes)?;
            self.read_chunk(&bytes, edges, &mut run)?;
        }
        Ok(())
    }

    /// Lets others have the memory of a block.
    pub(crate) fn forget(&self, block: usize) {
        let block = std::mem::take(&mut *self.block(block).lock());
        self.room.free.lock().extend(block.full.into_iter().chain(block.last));
    }

    fn block(&self, block: usize) -> Arc<Mutex<Block>> {
        if let Some(block) = self.blocks.read().get(block) {
            return block.clone();
        }
        let mut blocks = self.blocks.write();
        let len = blocks.len().max(block + 1);
        blocks.resize_with(len, Arc::default);
        blocks[block].clone()
    }

    fn read_chunk(
        &self,
        mut bytes: &[u8],
        edges: &mut Edges,
        run: &mut impl FnMut(&mut Edges) -> io::Result<()>,
    ) -> io::Result<()> {
        while !bytes.is_empty() {
            bytes = decode(bytes, self.columns, edges).ok_or_else(|| io::Error::other("a spilled run is damaged"))?;
            run(edges)?;
        }
        Ok(())
    }

    /// Appends a run of edges to a block.
    fn append(&self, block: usize, edges: &Staged) -> io::Result<()> {
        let wide = edges.ends.iter().any(|ends| ends.target >= 1 << 24);
        let each = 2 + if wide { 4 } else { 3 } + bytes_of(self.columns);
        let len = HEAD_BYTES + edges.ends.len() * each;
        let block = self.block(block);
        let mut block = block.lock();
        block.edges += edges.ends.len() as u64;
        if block.last.as_ref().is_none_or(|chunk| chunk.len + len > self.room.chunk_bytes) {
            let next = self.room.next_chunk(&mut block)?;
            let full = block.last.replace(next);
            block.full.extend(full);
        }
        if let Some(chunk) = &mut block.last {
            encode(edges, wide, &mut chunk.memory.bytes_mut()[chunk.len..chunk.len + len]);
            chunk.len += len;
        }
        Ok(())
    }
}

impl Room {
    /// An empty chunk: one that was read, or a new one, or, where the budget has no room, the block's last one after it was
    /// spilled.
    fn next_chunk(&self, block: &mut Block) -> io::Result<Chunk> {
        if let Some(chunk) = self.free.lock().pop() {
            return Ok(Chunk { len: 0, ..chunk });
        }
        let bytes = self.chunk_bytes as u64;
        let room = self.budget.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |budget| budget.checked_sub(bytes));
        match block.last.take_if(|_| room.is_err()) {
            Some(chunk) => {
                block.spilled.push((self.spill.append(&chunk.memory.bytes()[..chunk.len])?, chunk.len));
                Ok(Chunk { len: 0, ..chunk })
            }
            // Each block has one chunk at least, whatever the budget.
            None => Ok(Chunk { memory: Scratch::new(self.chunk_bytes)?, len: 0 }),
        }
    }
}

impl Spill {
    fn append(&self, bytes: &[u8]) -> io::Result<u64> {
        let (file, offset) = {
            let mut spill = self.file.lock();
            let (file, len) = match &mut *spill {
                Some(spill) => spill,
                None => spill.insert((Arc::new(scratch_file(&self.folder)?), 0)),
            };
            *len += bytes.len() as u64;
            (file.clone(), *len - bytes.len() as u64)
        };
        file.write_all_at(bytes, offset)?;
        Ok(offset)
    }

    fn read(&self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let file = self.file.lock().as_ref().map(|(file, _)| file.clone());
        file.ok_or(io::ErrorKind::NotFound)?.read_exact_at(bytes, offset)
    }
}

/// What one thread has ready for the blocks of a partition. To be [flushed](Staging::flush) at the end.
#[derive(Debug)]
pub(crate) struct Staging<'a> {
    partition: &'a Partition,
    blocks: Vec<Staged>,
}

/// Edges that are staged for a block; the two ends side by side, since there are too many blocks for all of them to be in
/// the nearest cache.
#[derive(Clone, Debug, Default)]
struct Staged {
    ends: Vec<Ends>,
    times: Vec<u32>,
    weights: Vec<f64>,
}

#[derive(Clone, Copy, Debug)]
struct Ends {
    /// Less the first of the block.
    source: u16,
    target: u32,
}

impl<'a> Staging<'a> {
    pub(crate) fn new(partition: &'a Partition) -> Self {
        Staging { partition, blocks: Vec::new() }
    }

    /// Adds an edge; of columns that the edges do not have, anything.
    #[inline]
    pub(crate) fn push(&mut self, source: u32, target: u32, time: u32, weight: f64) -> io::Result<()> {
        let block = source as usize / BLOCK_USERS;
        if block >= self.blocks.len() {
            self.blocks.resize_with(block + 1, Staged::default);
        }
        let Columns { times, weights } = self.partition.columns;
        let edges = &mut self.blocks[block];
        edges.ends.push(Ends { source: (source as usize % BLOCK_USERS) as u16, target });
        if times {
            edges.times.push(time);
        }
        if weights {
            edges.weights.push(weight);
        }
        if edges.ends.len() == STAGED_EDGES {
            self.partition.append(block, edges)?;
            edges.ends.clear();
            edges.times.clear();
            edges.weights.clear();
        }
        Ok(())
    }

    /// Hands over what is left.
    pub(crate) fn flush(self) -> io::Result<()> {
        let left = self.blocks.iter().enumerate().filter(|(_, edges)| !edges.ends.is_empty());
        left.into_iter().try_for_each(|(block, edges)| self.partition.append(block, edges))
    }
}

/// Bytes that the columns of an edge take.
fn bytes_of(columns: Columns) -> usize {
    usize::from(columns.times) * 4 + usize::from(columns.weights) * 8
}

/// Writes a run into exactly as many bytes as it takes.
fn encode(edges: &Staged, wide: bool, out: &mut [u8]) {
    let n = edges.ends.len();
    let (head, rest) = out.split_at_mut(HEAD_BYTES);
    head.copy_from_slice(&(n as u32 | if wide { WIDE_TARGETS } else { 0 }).to_le_bytes());
    let (sources, rest) = rest.split_at_mut(n * 2);
    fill(sources, &edges.ends, |ends| ends.source.to_le_bytes());
    let (targets, rest) = rest.split_at_mut(n * if wide { 4 } else { 3 });
    if wide {
        fill(targets, &edges.ends, |ends| ends.target.to_le_bytes());
    } else {
        fill(targets, &edges.ends, |ends| {
            let [a, b, c, _] = ends.target.to_le_bytes();
            [a, b, c]
        });
    }
    let (times, weights) = rest.split_at_mut(edges.times.len() * 4);
    fill(times, &edges.times, |time| time.to_le_bytes());
    fill(weights, &edges.weights, |weight| weight.to_le_bytes());
}

fn fill<T: Copy, const N: usize>(out: &mut [u8], all: &[T], bytes: impl Fn(T) -> [u8; N]) {
    out.as_chunks_mut().0.iter_mut().zip(all).for_each(|(out, one)| *out = bytes(*one));
}

/// Appends the run that bytes begin with; what follows it, or `None` where there is no whole run.
fn decode<'a>(bytes: &'a [u8], columns: Columns, edges: &mut Edges) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_first_chunk()?;
    let head = u32::from_le_bytes(*head);
    let n = (head % WIDE_TARGETS) as usize;
    let (sources, rest) = rest.split_at_checked(n * 2)?;
    edges.sources.extend(sources.as_chunks().0.iter().map(|source| u16::from_le_bytes(*source)));
    let (targets, rest) = rest.split_at_checked(n * if head & WIDE_TARGETS == 0 { 3 } else { 4 })?;
    if head & WIDE_TARGETS == 0 {
        edges.targets.extend(targets.as_chunks().0.iter().map(|[a, b, c]| u32::from_le_bytes([*a, *b, *c, 0])));
    } else {
        edges.targets.extend(targets.as_chunks().0.iter().map(|target| u32::from_le_bytes(*target)));
    }
    let (times, rest) = rest.split_at_checked(if columns.times { n * 4 } else { 0 })?;
    edges.times.extend(times.as_chunks().0.iter().map(|time| u32::from_le_bytes(*time)));
    let (weights, rest) = rest.split_at_checked(if columns.weights { n * 8 } else { 0 })?;
    edges.weights.extend(weights.as_chunks().0.iter().map(|weight| f64::from_le_bytes(*weight)));
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes edges of many blocks, some of them wide, and reads them back.
    fn round_trip(columns: Columns, memory: u64, edges: u32) -> Partition {
        let folder = std::env::temp_dir();
        let partition = Partition::new(columns, memory, &folder);
        let edge = |i: u32| {
            let target = if i.is_multiple_of(1000) { u32::MAX - i } else { i % 99_991 };
            (i.wrapping_mul(2_654_435_761) % 60_000, target, i, f64::from(i) / 3.0)
        };
        std::thread::scope(|scope| {
            for half in 0..2 {
                let partition = &partition;
                scope.spawn(move || {
                    let mut staging = Staging::new(partition);
                    for i in (0..edges).filter(|i| i % 2 == half) {
                        let (source, target, time, weight) = edge(i);
                        staging.push(source, target, time, weight).expect("the disk works");
                    }
                    staging.flush().expect("the disk works");
                });
            }
        });
        let mut found = Vec::new();
        for block in 0..partition.blocks() {
            let before = found.len() as u64;
            let add = |run: &mut Edges| {
                for i in 0..run.sources.len() {
                    let source = (block * BLOCK_USERS) as u32 + u32::from(run.sources[i]);
                    let time = run.times.get(i).copied().unwrap_or_default();
                    let weight = run.weights.get(i).copied().unwrap_or_default();
                    found.push((source, run.targets[i], time, weight.to_bits()));
                }
                run.clear();
                Ok(())
            };
            partition.read(block, &mut Edges::default(), add).expect("the disk works");
            assert_eq!(partition.edges(block), found.len() as u64 - before);
        }
        let mut expected: Vec<_> = (0..edges)
            .map(edge)
            .map(|(source, target, time, weight)| {
                let time = if columns.times { time } else { 0 };
                (source, target, time, if columns.weights { weight.to_bits() } else { 0 })
            })
            .collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
        partition
    }

    #[test]
    fn edges_come_back_by_block_whatever_their_columns() {
        for (times, weights) in [(false, false), (true, false), (false, true), (true, true)] {
            let partition = round_trip(Columns { times, weights }, 1 << 30, 100_000);
            assert_eq!(partition.spilled_bytes(), 0);
        }
    }

    #[test]
    fn what_memory_has_no_room_for_is_spilled_and_comes_back() {
        let partition = round_trip(Columns { times: true, weights: true }, 3 << 20, 1_000_000);
        assert!(partition.spilled_bytes() > 8 << 20);
    }

    #[test]
    fn a_run_that_was_cut_is_no_run() {
        let ends = vec![Ends { source: 1, target: 3 }, Ends { source: 2, target: 4 }];
        let staged = Staged { ends, times: vec![5, 6], weights: vec![] };
        let columns = Columns { times: true, weights: false };
        let mut bytes = vec![0; HEAD_BYTES + 2 * (2 + 3 + 4)];
        encode(&staged, false, &mut bytes);
        let mut decoded = Edges::default();
        assert_eq!(decode(&bytes, columns, &mut decoded), Some(&[][..]));
        let expected = Edges { sources: vec![1, 2], targets: vec![3, 4], times: vec![5, 6], weights: vec![] };
        assert_eq!(decoded, expected);
        assert!((0..bytes.len()).all(|len| decode(&bytes[..len], columns, &mut decoded).is_none()));
    }
}
