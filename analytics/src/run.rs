//! What a job runs under: threads, a bound on memory, a seed, and somebody who may watch and cancel.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::JobError;
use crate::checkpoint::{Checkpoints, Saved};
use crate::priority;

/// Vertices of one piece of a parallel pass: small enough that threads end together, large enough that the lists of one
/// slot in it make a stretch of some kilobytes. Sums are made piece by piece, and so do not depend on the threads.
pub const CHUNK_VERTICES: usize = 1024;

/// Vertices of one piece of work on some of them, which may be few and have long lists.
const SOME_VERTICES: usize = 64;

/// Pieces for each thread of work on some vertices of which each may take long.
const COSTLY_PIECES: usize = 8;

/// How a job runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunOptions {
    /// Threads that compute; 0 stands for one a core.
    pub threads: usize,
    /// Whether its threads give way to all others of the machine.
    pub low_priority: bool,
    /// Bytes of memory that its arrays may take; what the graph takes is not among them.
    pub memory_bytes: u64,
    /// What random choices follow from.
    pub seed: u64,
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions { threads: 0, low_priority: false, memory_bytes: u64::MAX, seed: 0 }
    }
}

/// How far a step of a job has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// What is done.
    pub step: &'static str,
    /// Vertices done, each as often as it was visited.
    pub done: u64,
    /// How many there will be at the most: a step may end early.
    pub total: u64,
}

/// Hears of progress, from any thread.
pub type Tell<'a> = dyn Fn(Progress) + Send + Sync + 'a;

/// The circumstances of one job.
pub struct Run<'a> {
    pool: ThreadPool,
    options: RunOptions,
    /// Bytes that were reserved so far.
    reserved: AtomicU64,
    cancelled: Arc<AtomicBool>,
    tell: Box<Tell<'a>>,
    checkpoints: Option<&'a Checkpoints<'a>>,
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<'a> Run<'a> {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// They could not be started.
    pub fn new(options: RunOptions) -> Result<Run<'a>, JobError> {
        let mut pool =
            ThreadPoolBuilder::new().num_threads(options.threads).thread_name(|idx| format!("analytics-{idx}"));
        if options.low_priority {
            pool = pool.start_handler(|_| priority::give_way());
        }
        let (pool, reserved, cancelled) = (pool.build()?, AtomicU64::new(0), Arc::default());
        Ok(Run { pool, options, reserved, cancelled, tell: Box::new(|_| ()), checkpoints: None })
    }

    /// With somebody who hears of progress.
    pub fn with_progress(self, tell: impl Fn(Progress) + Send + Sync + 'a) -> Run<'a> {
        Run { tell: Box::new(tell), ..self }
    }

    /// With a place for what a long job has so far.
    pub fn with_checkpoints(self, checkpoints: &'a Checkpoints<'a>) -> Run<'a> {
        Run { checkpoints: Some(checkpoints), ..self }
    }

    /// With a flag that ends the job soon once it is set.
    pub fn with_cancel(self, cancelled: Arc<AtomicBool>) -> Run<'a> {
        Run { cancelled, ..self }
    }

    /// How many threads there are.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// What random choices follow from.
    pub fn seed(&self) -> u64 {
        self.options.seed
    }

    /// Says what more memory will be taken: the first thing that a job does.
    ///
    /// # Errors
    ///
    /// [`JobError::Memory`], with the figure.
    pub fn reserve(&self, job: &'static str, bytes: u64) -> Result<(), JobError> {
        self.within(job, self.reserved.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes))
    }

    /// Whether so much more memory could be reserved, without doing so: what several parts of a job reserve one after the other
    /// is asked for as a whole before the first of them works.
    ///
    /// # Errors
    ///
    /// [`JobError::Memory`], with the figure.
    pub fn fits(&self, job: &'static str, bytes: u64) -> Result<(), JobError> {
        self.within(job, self.reserved.load(Ordering::Relaxed).saturating_add(bytes))
    }

    fn within(&self, job: &'static str, needed: u64) -> Result<(), JobError> {
        let bound = self.options.memory_bytes;
        if needed > bound { Err(JobError::Memory { job, needed, bound }) } else { Ok(()) }
    }

    /// Whether to go on. Passes ask for themselves, at every chunk. A job of low priority rests here while others want its processors.
    ///
    /// # Errors
    ///
    /// [`JobError::Cancelled`].
    pub fn check(&self) -> Result<(), JobError> {
        if self.options.low_priority {
            priority::rest();
        }
        if self.cancelled.load(Ordering::Relaxed) { Err(JobError::Cancelled) } else { Ok(()) }
    }

    /// What a job had when it was interrupted; `job` names it and its parameters.
    pub(crate) fn resume(&self, job: &str) -> Result<Option<Saved>, JobError> {
        let resumed = self.checkpoints.map(|checkpoints| checkpoints.resume(job)).transpose();
        resumed.map(Option::flatten).map_err(JobError::Checkpoint)
    }

    /// Keeps what a job has after an iteration, if it is time.
    pub(crate) fn save(&self, job: &str, iteration: u32, arrays: &[&[u8]]) {
        if let Some(checkpoints) = self.checkpoints {
            checkpoints.save(job, iteration.into(), arrays);
        }
    }

    /// A step that goes over so many vertices at the most.
    pub fn step(&self, name: &'static str, total: u64) -> Step {
        Step { name, total, done: AtomicU64::new(0) }
    }

    /// Runs something on the threads of the job, for what is not a pass.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }

    /// Works on some vertices in parallel, a few at a time. The answers come back in the order of the vertices.
    ///
    /// # Errors
    ///
    /// Those of [`pass`](Run::pass).
    pub fn some<W, A: Send>(
        &self,
        step: &Step,
        vertices: &[u32],
        worker: impl Fn() -> W + Send + Sync,
        work: impl Fn(&mut W, &[u32]) -> Result<A, JobError> + Send + Sync,
    ) -> Result<Vec<A>, JobError> {
        self.in_pieces(step, vertices, SOME_VERTICES, worker, work)
    }

    /// The same where each vertex may take long: all threads have some of them, however few there are.
    ///
    /// # Errors
    ///
    /// Those of [`pass`](Run::pass).
    pub fn some_costly<W, A: Send>(
        &self,
        step: &Step,
        vertices: &[u32],
        worker: impl Fn() -> W + Send + Sync,
        work: impl Fn(&mut W, &[u32]) -> Result<A, JobError> + Send + Sync,
    ) -> Result<Vec<A>, JobError> {
        let piece = (vertices.len() / (COSTLY_PIECES * self.threads())).clamp(1, SOME_VERTICES);
        self.in_pieces(step, vertices, piece, worker, work)
    }

    fn in_pieces<W, A: Send>(
        &self,
        step: &Step,
        vertices: &[u32],
        piece: usize,
        worker: impl Fn() -> W + Send + Sync,
        work: impl Fn(&mut W, &[u32]) -> Result<A, JobError> + Send + Sync,
    ) -> Result<Vec<A>, JobError> {
        let answers = vertices.par_chunks(piece).map_init(worker, |worker, vertices| {
            self.check()?;
            let answer = work(worker, vertices)?;
            self.advance(step, vertices.len());
            Ok(answer)
        });
        self.pool.install(|| answers.collect())
    }

    fn advance(&self, step: &Step, vertices: usize) {
        let done = step.done.fetch_add(vertices as u64, Ordering::Relaxed) + vertices as u64;
        (self.tell)(Progress { step: step.name, done: done.min(step.total), total: step.total });
    }

    /// One pass over all vertices in parallel. `values` has one value for each; `work` gets the state of its worker, some
    /// vertices that follow on one another, and their values. The answers come back in the order of the vertices,
    /// whichever thread gave them: sums over them are the same every time.
    ///
    /// # Errors
    ///
    /// The first that any work had, or [`JobError::Cancelled`].
    pub fn pass<T: Send, W, A: Send>(
        &self,
        step: &Step,
        values: &mut [T],
        worker: impl Fn() -> W + Send + Sync,
        work: impl Fn(&mut W, Range<u32>, &mut [T]) -> Result<A, JobError> + Send + Sync,
    ) -> Result<Vec<A>, JobError> {
        self.pass_rows(step, values, 1, worker, work)
    }

    /// The same where each vertex has a row of so many values.
    ///
    /// # Errors
    ///
    /// Those of [`pass`](Run::pass).
    pub fn pass_rows<T: Send, W, A: Send>(
        &self,
        step: &Step,
        values: &mut [T],
        width: usize,
        worker: impl Fn() -> W + Send + Sync,
        work: impl Fn(&mut W, Range<u32>, &mut [T]) -> Result<A, JobError> + Send + Sync,
    ) -> Result<Vec<A>, JobError> {
        let chunks = values.par_chunks_mut(CHUNK_VERTICES * width).enumerate();
        let answers = chunks.map_init(worker, |worker, (idx, values)| {
            self.check()?;
            let (start, vertices) = ((idx * CHUNK_VERTICES) as u32, values.len() / width);
            let answer = work(worker, start..start + vertices as u32, values)?;
            self.advance(step, vertices);
            Ok(answer)
        });
        self.pool.install(|| answers.collect())
    }

    /// A pass that writes no values.
    ///
    /// # Errors
    ///
    /// Those of [`pass`](Run::pass).
    pub fn scan<W, A: Send>(
        &self,
        step: &Step,
        vertices: u32,
        worker: impl Fn() -> W + Send + Sync,
        work: impl Fn(&mut W, Range<u32>) -> Result<A, JobError> + Send + Sync,
    ) -> Result<Vec<A>, JobError> {
        // Values without size take no memory.
        let mut values = vec![(); vertices as usize];
        self.pass(step, &mut values, worker, |worker, chunk, _| work(worker, chunk))
    }
}

/// A step of a job, which may take several passes.
#[derive(Debug)]
pub struct Step {
    name: &'static str,
    total: u64,
    done: AtomicU64,
}
