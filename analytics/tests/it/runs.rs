//! What a job runs under: the same results on any number of threads, cancellation, bounds, checkpoints.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use analytics::checkpoint::Checkpoints;
use analytics::jobs::{Cdlp, Communities, Influence, Measure, PageRank, Similar, Sssp, WhoToFollow};
use analytics::output::Values;
use analytics::{Csr, Found, Job, JobError, Run, RunOptions, Users};
use base::Direction;
use base::disk::{Disk, SimulatedDisk};

use crate::support::{random_edges, run_on};

/// Enough for several pieces of work.
const VERTICES: u32 = 5000;
const PAGERANK: Job = Job::PageRank(PageRank { damping: 0.85, iterations: 12, tolerance: None });
const CDLP: Job = Job::Cdlp(Cdlp { iterations: 12 });
const SIMILAR: Similar = Similar {
    top: 3,
    measure: Measure::Cosine,
    direction: Direction::Reverse,
    steps_max: u64::MAX,
    bands: 16,
    rows: 2,
};
const WHO_TO_FOLLOW: WhoToFollow =
    WhoToFollow { top: 5, circle: 100, restart: 0.3, precision: 1e-4, rounds: 1, reciprocity: 9.0 };
const JOBS: [Job; 15] = [
    PAGERANK,
    Job::Bfs(3),
    Job::Wcc,
    CDLP,
    Job::Lcc,
    Job::Sssp(Sssp { source: 3, weighted: true }),
    Job::Triangles,
    Job::KCore,
    Job::Degrees,
    Job::Reciprocity,
    Job::Communities(Communities { resolution: 1.0, iterations: 2 }),
    Job::Influence(Influence { precision: 7, rounds_max: 1024 }),
    Job::Similar(SIMILAR, Users::All),
    Job::Similar(Similar { steps_max: 0, ..SIMILAR }, Users::All),
    Job::WhoToFollow(WHO_TO_FOLLOW, Users::All),
];

fn graph() -> Csr {
    let weight = |from: u32, to: u32| f64::from((from * 31 + to * 17) % 97) / 7.0;
    let edges = random_edges(VERTICES, 40_000);
    Csr::from_weighted_edges(VERTICES, edges.into_iter().map(|(from, to)| (from, to, weight(from, to))).collect())
}

/// External ids, in another order than the vertices.
fn id(vertex: u32) -> u64 {
    1_000_000 + u64::from(vertex) * 7919 % 10_007
}

fn found(job: &Job, run: &Run<'_>) -> Result<Found, JobError> {
    job.run(graph(), false, &id, run)
}

#[test]
fn a_result_is_the_same_bit_by_bit_on_any_number_of_threads_and_every_time() {
    for job in JOBS {
        let once = found(&job, &run_on(1)).expect("readable");
        for threads in [1, 2, 3, 2] {
            assert_eq!(once, found(&job, &run_on(threads)).expect("readable"), "{job:?} on {threads}");
        }
    }
}

#[test]
fn a_job_that_is_cancelled_on_its_way_ends() {
    for job in JOBS {
        let cancelled = Arc::new(AtomicBool::new(false));
        let cancel = cancelled.clone();
        let run = run_on(1).with_cancel(cancelled).with_progress(move |_| cancel.store(true, Ordering::Relaxed));
        assert!(matches!(found(&job, &run), Err(JobError::Cancelled)), "{job:?}");
    }
}

#[test]
fn a_job_that_does_not_fit_ends_at_the_start_and_fits_into_the_figure_that_it_names() {
    for job in JOBS {
        let within = |memory_bytes| {
            let started = Arc::new(AtomicBool::new(false));
            let start = started.clone();
            let run = Run::new(RunOptions { threads: 2, memory_bytes, ..RunOptions::default() });
            let run = run.expect("threads can be started").with_progress(move |_| start.store(true, Ordering::Relaxed));
            (found(&job, &run), started.load(Ordering::Relaxed))
        };
        let (refused, started) = within(u64::from(VERTICES));
        let Err(JobError::Memory { needed, .. }) = refused else { panic!("{job:?}: {refused:?}") };
        assert!(!started, "{job:?} began");
        // The undirected graph that cores and communities are of is asked for first.
        let enough = if let Err(JobError::Memory { needed, .. }) = within(needed).0 { needed } else { needed };
        assert!(within(enough).0.is_ok(), "{job:?} in {enough}");
        assert!(within(enough - 1).0.is_err(), "{job:?} in less than {enough}");
    }
}

#[test]
fn progress_only_rises_and_never_passes_the_whole() {
    for job in JOBS {
        let last = Mutex::new(("", 0));
        let run = run_on(1).with_progress(|progress| {
            let mut last = last.lock().expect("no panic");
            assert!(last.0 != progress.step || last.1 <= progress.done, "{job:?}: {progress:?} after {last:?}");
            assert!(progress.done <= progress.total, "{job:?}: {progress:?}");
            *last = (progress.step, progress.done);
        });
        found(&job, &run).expect("readable");
    }
}

/// Runs a job with checkpoints after each iteration, until `until` says to stop.
fn with_checkpoints(
    job: &Job,
    disk: &SimulatedDisk,
    until: impl Fn() -> ControlFlow<()> + Send + Sync,
) -> Result<Found, JobError> {
    let file = Path::new("analytics/job.checkpoint").to_owned();
    let checkpoints = Checkpoints::new(disk, file, "a graph".to_owned(), Duration::ZERO, |_| ());
    let cancelled = Arc::new(AtomicBool::new(false));
    let cancel = cancelled.clone();
    let watch = move |_| cancel.store(until().is_break(), Ordering::Relaxed);
    found(job, &run_on(1).with_cancel(cancelled).with_progress(watch).with_checkpoints(&checkpoints))
}

#[test]
fn a_job_that_was_interrupted_goes_on_to_the_same_result_bit_by_bit() {
    for job in [PAGERANK, CDLP] {
        let whole = found(&job, &run_on(2)).expect("readable");
        let disk = SimulatedDisk::new();
        let written = || disk.read(Path::new("analytics/job.checkpoint")).is_ok();
        let stop = || if written() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let interrupted = with_checkpoints(&job, &disk, stop);
        assert!(matches!(interrupted, Err(JobError::Cancelled)), "{job:?}: {interrupted:?}");
        let passes = AtomicU32::new(0);
        let count = || {
            passes.fetch_add(1, Ordering::Relaxed);
            ControlFlow::Continue(())
        };
        assert_eq!(with_checkpoints(&job, &disk, count).expect("readable"), whole, "{job:?}");
        let resumed = passes.swap(0, Ordering::Relaxed);
        assert_eq!(with_checkpoints(&job, &SimulatedDisk::new(), count).expect("readable"), whole);
        assert!(resumed < passes.into_inner(), "{job:?} did again what it had done");
    }
}

#[test]
fn labels_of_a_result_are_external_ids() {
    let Values::Wholes(labels) = &found(&CDLP, &run_on(2)).expect("readable").columns[0].values else {
        panic!("labels are whole numbers");
    };
    let ids: BTreeSet<u64> = (0..VERTICES).map(id).collect();
    assert!(labels.iter().all(|label| ids.contains(label)));
}
