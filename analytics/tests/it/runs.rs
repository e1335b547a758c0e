//! What a job runs under: the same results on any number of threads, cancellation, bounds, checkpoints.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use analytics::checkpoint::{Checkpoints, Resumption};
use analytics::jobs::{Cdlp, Communities, Influence, Measure, PageRank, Similar, Sssp, WhoToFollow};
use analytics::output::Values;
use analytics::{Csr, Found, Job, JobError, Run, RunOptions, Users};
use base::Direction;
use base::disk::{Disk, RealDisk, SimulatedDisk};

use crate::support::{random_edges, run_on};

/// Enough for several pieces of work.
const VERTICES: u32 = 5000;
const PAGERANK: Job = Job::PageRank(PageRank { damping: 0.85, iterations: 12, tolerance: None });
const INFLUENCE: Job = Job::Influence(Influence { precision: 7, rounds_max: 1024 });
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
    INFLUENCE,
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
    for (job, undirected) in JOBS.into_iter().flat_map(|job| [(job.clone(), false), (job, true)]) {
        let within = |memory_bytes| {
            let started = Arc::new(AtomicBool::new(false));
            let start = started.clone();
            let run = Run::new(RunOptions { threads: 2, memory_bytes, ..RunOptions::default() });
            let run = run.expect("threads can be started").with_progress(move |_| start.store(true, Ordering::Relaxed));
            (job.run(graph(), undirected, &id, &run), started.load(Ordering::Relaxed))
        };
        let refusal = |memory_bytes| match within(memory_bytes) {
            (Err(JobError::Memory { needed, .. }), false) => needed,
            (result, started) => panic!("{job:?} in {memory_bytes}, started {started}: {result:?}"),
        };
        let enough = refusal(u64::from(VERTICES));
        // What the undirected graph alone takes, and nearly all.
        for too_little in [u64::from(VERTICES) * 4, enough - 1] {
            assert_eq!(refusal(too_little), enough, "{job:?}");
        }
        assert!(within(enough).0.is_ok(), "{job:?} in {enough}");
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
    let similar = [u64::MAX, 0].map(|steps_max| Job::Similar(Similar { steps_max, ..SIMILAR }, Users::All));
    let others = [PAGERANK, CDLP, INFLUENCE, Job::WhoToFollow(WHO_TO_FOLLOW, Users::All)];
    for job in others.into_iter().chain(similar) {
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

/// The last checkpoint had the labels that nothing changed any more, and whoever went on from it counted one iteration more.
#[test]
fn labels_that_stay_are_no_iteration_more_for_who_was_interrupted_at_the_end() {
    let edges: Vec<(u32, u32)> = (0..3).flat_map(|from| (0..3).map(move |to| (from, to))).collect();
    let (disk, said) = (SimulatedDisk::new(), Mutex::new(Vec::new()));
    let tell = |resumption: &Resumption| said.lock().expect("no panic").push(resumption.clone());
    let checkpoints = Checkpoints::new(&disk, "cdlp.checkpoint".into(), "a graph".to_owned(), Duration::ZERO, tell);
    let spread = || {
        let graph = Csr::from_edges(3, &edges);
        CDLP.run(graph, false, &u64::from, &run_on(1).with_checkpoints(&checkpoints)).expect("arrays")
    };
    let whole = spread();
    assert_eq!(whole.figures["iterations"], 3);
    assert_eq!(spread(), whole);
    assert_eq!(*said.lock().expect("no panic"), [Resumption::Fresh, Resumption::Resumed { iteration: 2 }]);
}

/// Labels of an interrupted run were numbers of the store, and those of the next were external ids: one result had both.
#[test]
fn labels_go_on_from_labels_of_the_same_kind_alone() {
    let disk = SimulatedDisk::new();
    let spread = |id: &dyn Fn(u32) -> u64| {
        let said = Mutex::new(Vec::new());
        let tell = |resumption: &Resumption| said.lock().expect("no panic").push(resumption.clone());
        let checkpoints = Checkpoints::new(&disk, "cdlp.checkpoint".into(), "a graph".to_owned(), Duration::ZERO, tell);
        let spread = CDLP.run(graph(), false, id, &run_on(1).with_checkpoints(&checkpoints)).expect("arrays");
        assert_eq!(spread, CDLP.run(graph(), false, id, &run_on(1)).expect("arrays"));
        said.lock().expect("no panic").remove(0)
    };
    assert_eq!(spread(&u64::from), Resumption::Fresh);
    assert!(matches!(spread(&u64::from), Resumption::Resumed { .. }));
    assert!(matches!(spread(&id), Resumption::Other { .. }));
}

/// A full disk ended a job of hours.
#[test]
fn a_job_whose_checkpoints_cannot_be_written_goes_on_and_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    // Where a checkpoint is written first there is something that cannot be written.
    std::fs::create_dir(folder.path().join("job.tmp")).expect("an empty folder");
    let path = folder.path().join("job.checkpoint");
    for job in [PAGERANK, CDLP, Job::Similar(SIMILAR, Users::All)] {
        let said = Mutex::new(Vec::new());
        let tell = |resumption: &Resumption| said.lock().expect("no panic").extend(resumption.notice());
        let checkpoints = Checkpoints::new(&RealDisk, path.clone(), "a graph".to_owned(), Duration::ZERO, tell);
        let result = found(&job, &run_on(2).with_checkpoints(&checkpoints)).expect("it goes on");
        assert_eq!(result, found(&job, &run_on(2)).expect("readable"), "{job:?}");
        checkpoints.remove().expect("there is none");
        let said = said.lock().expect("no panic");
        assert!(matches!(&said[..], [once] if once.contains("cannot be written")), "{said:?}");
    }
}

#[test]
fn what_was_found_for_some_is_taken_up_for_them_alone_and_with_the_same_parameters() {
    let disk = SimulatedDisk::new();
    let pieces = |parameters, users| {
        let job = Job::WhoToFollow(parameters, Users::These(users));
        let pieces = AtomicU32::new(0);
        let count = || {
            pieces.fetch_add(1, Ordering::Relaxed);
            ControlFlow::Continue(())
        };
        let resumed = with_checkpoints(&job, &disk, count).expect("readable");
        assert_eq!(resumed, found(&job, &run_on(2)).expect("readable"));
        pieces.into_inner()
    };
    let (some, others): (Vec<u32>, Vec<u32>) = ((0..200).collect(), (1..201).collect());
    let all = pieces(WHO_TO_FOLLOW, some.clone());
    assert!(all > 0);
    assert_eq!(pieces(WHO_TO_FOLLOW, some.clone()), 0, "all was found already");
    assert_eq!(pieces(WHO_TO_FOLLOW, others.clone()), all, "they are other users");
    assert_eq!(pieces(WhoToFollow { top: 4, ..WHO_TO_FOLLOW }, others), all, "these are other parameters");
}

#[test]
fn labels_of_a_result_are_external_ids() {
    let Values::Wholes(labels) = &found(&CDLP, &run_on(2)).expect("readable").columns[0].values else {
        panic!("labels are whole numbers");
    };
    let ids: BTreeSet<u64> = (0..VERTICES).map(id).collect();
    assert!(labels.iter().all(|label| ids.contains(label)));
}
