//! Edges on their way into a store, from as many threads as read them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::BulkError;
use super::partition::{Columns, Partition, Staging};
use super::people::People;
use crate::reorder::Order;

/// Bytes of memory for edges on their way, where nobody says how many: what a small machine has to spare.
const MEMORY_DEFAULT: u64 = 1 << 30;

/// How edges are gathered.
#[derive(Clone, Debug)]
pub struct BulkOptions {
    /// Which columns the edges have.
    pub columns: Columns,
    /// Bytes that edges may take in memory, about.
    pub memory: u64,
    /// Where edges go that memory has no room for: a folder, or one that is to be, on the disk to be used.
    pub spill_folder: PathBuf,
    /// Threads that sort and encode; those that read are the caller's.
    pub threads: usize,
    /// By which order new people are numbered; by their external ids where there is none.
    pub reorder: Option<Order>,
}

impl Default for BulkOptions {
    fn default() -> Self {
        BulkOptions {
            columns: Columns::default(),
            memory: MEMORY_DEFAULT,
            spill_folder: std::env::temp_dir(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            reorder: None,
        }
    }
}

/// Some edges as a file has them: pairs of external ids, and one time and weight for each where the bulk has those
/// columns.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct EdgeBatch {
    /// Source and target.
    pub edges: Vec<(u64, u64)>,
    /// Since when, in seconds since 1970.
    pub times: Vec<u32>,
    /// How much.
    pub weights: Vec<f64>,
}

impl EdgeBatch {
    /// Takes all edges out, and keeps the memory.
    pub fn clear(&mut self) {
        self.edges.clear();
        self.times.clear();
        self.weights.clear();
    }
}

/// Follow edges to add, and the people at their ends.
#[derive(Debug)]
pub struct Bulk {
    pub(super) options: BulkOptions,
    pub(super) people: People,
    pub(super) edges: Partition,
    edges_read: AtomicU64,
    self_loops: AtomicU64,
}

impl Bulk {
    /// Nothing yet.
    pub fn new(options: BulkOptions) -> Self {
        Bulk {
            people: People::default(),
            edges: Partition::new(options.columns, options.memory, &options.spill_folder),
            options,
            edges_read: AtomicU64::new(0),
            self_loops: AtomicU64::new(0),
        }
    }

    /// Adds somebody who need not have edges.
    pub fn meet(&self, external_id: u64) -> Result<(), BulkError> {
        Ok(self.people.meet(external_id).map(drop)?)
    }

    /// What one thread adds edges through.
    pub fn gatherer(&self) -> Gatherer<'_> {
        Gatherer { bulk: self, staging: Staging::new(&self.edges) }
    }

    /// Edges that were added, those from somebody to themselves included.
    pub fn edges_read(&self) -> u64 {
        self.edges_read.load(Ordering::Relaxed)
    }

    /// Edges from somebody to themselves, which were dropped.
    pub fn self_loops(&self) -> u64 {
        self.self_loops.load(Ordering::Relaxed)
    }
}

/// Adds edges to a bulk; to be [finished](Gatherer::finish).
#[derive(Debug)]
#[must_use = "edges that are not finished are not added"]
pub struct Gatherer<'a> {
    bulk: &'a Bulk,
    staging: Staging<'a>,
}

impl Gatherer<'_> {
    /// Adds edges. Columns that the bulk has and the batch lacks are 0, or 1 for weights.
    ///
    /// # Errors
    ///
    /// Too many people, or no room: the bulk is of no more use.
    pub fn add(&mut self, batch: &EdgeBatch) -> Result<(), BulkError> {
        let people = &self.bulk.people;
        let mut self_loops = 0;
        for (i, (source, target)) in batch.edges.iter().enumerate() {
            let source_place = people.meet(*source)?;
            if source == target {
                self_loops += 1;
                continue;
            }
            let time = batch.times.get(i).copied().unwrap_or_default();
            let weight = batch.weights.get(i).copied().unwrap_or(1.0);
            self.staging.push(source_place, people.meet(*target)?, time, weight)?;
        }
        self.bulk.edges_read.fetch_add(batch.edges.len() as u64, Ordering::Relaxed);
        self.bulk.self_loops.fetch_add(self_loops, Ordering::Relaxed);
        Ok(())
    }

    /// Hands over what is left.
    pub fn finish(self) -> Result<(), BulkError> {
        Ok(self.staging.flush()?)
    }
}

/// Edges that are in memory anyway.
#[derive(Clone, Debug, Default)]
pub struct BulkEdges {
    /// External ids of all people.
    pub external_ids: Vec<u64>,
    /// Source and target, as places in `external_ids`.
    pub edges: Vec<(u32, u32)>,
    /// When these edges came about, in seconds since 1970.
    pub time: u32,
    /// More edges, each with its own time behind source and target. Of an edge that comes more than once the earliest
    /// time counts.
    pub timed: Vec<(u32, u32, u32)>,
}

impl BulkEdges {
    /// The same as a bulk; `spill_folder` as in [`BulkOptions`].
    pub fn gather(&self, spill_folder: &Path) -> Result<Bulk, BulkError> {
        let columns = Columns { times: true, weights: false };
        let bulk = Bulk::new(BulkOptions { columns, spill_folder: spill_folder.to_owned(), ..BulkOptions::default() });
        self.external_ids.iter().try_for_each(|external_id| bulk.meet(*external_id))?;
        let mut gatherer = bulk.gatherer();
        let person = |place: u32| self.external_ids[place as usize];
        let all =
            self.edges.iter().map(|(source, target)| (*source, *target, self.time)).chain(self.timed.iter().copied());
        let mut batch = EdgeBatch::default();
        for (source, target, time) in all {
            batch.edges.push((person(source), person(target)));
            batch.times.push(time);
        }
        gatherer.add(&batch)?;
        gatherer.finish()?;
        Ok(bulk)
    }
}
