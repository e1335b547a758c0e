//! What `analytics` measures, and how.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use analytics::jobs::{Cdlp, Communities, Influence, PageRank, Similar, Sssp, WhoToFollow};
use analytics::run::Progress;
use analytics::{Csr, Graph, Job, Run, RunOptions, SnapshotGraph, Users};
use anyhow::{Result, ensure};
use base::clock::SystemClock;
use base::disk::RealDisk;
use clap::Args;
use graph_store::generate::{GraphSpec, generate};
use graph_store::import::{Import, import};
use graph_store::{Options, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::scale::process::{peak_rss_bytes, reset_peak_rss};

/// How often a line tells how far a job is.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
const SEED: u64 = 1;

/// Which jobs, and how.
#[derive(Args, Clone, Debug)]
pub struct Measured {
    /// Only these jobs.
    #[arg(long, value_delimiter = ',')]
    jobs: Vec<String>,
    /// On so many threads each.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2])]
    threads: Vec<usize>,
    /// Iterations of those that iterate.
    #[arg(long, default_value_t = 5)]
    iterations: u32,
    /// People for whom jobs look that look for each alone, at even distances.
    #[arg(long, default_value_t = 2000)]
    people: u32,
    /// Leave plain arrays out, for graphs that memory does not hold as such.
    #[arg(long)]
    lists_only: bool,
}

impl Measured {
    /// The jobs by name, each with what it works through, on a graph of so many vertices.
    fn jobs(&self, vertices: u32) -> Vec<(&'static str, Job, Work)> {
        let (iterations, once) = (self.iterations, Work::Passes(1));
        let people: Vec<u32> = (0..vertices).step_by((vertices / self.people.max(1)).max(1) as usize).collect();
        let (each, people) = (Work::People(people.len() as u64), Users::These(people));
        let ranks = PageRank { iterations, tolerance: None, ..PageRank::default() };
        let all = [
            ("pagerank", Job::PageRank(ranks), Work::Passes(iterations.into())),
            ("wcc", Job::Wcc, once),
            ("degrees", Job::Degrees, once),
            ("bfs", Job::Bfs(0), once),
            ("sssp", Job::Sssp(Sssp { source: 0, weighted: false }), once),
            ("cdlp", Job::Cdlp(Cdlp { iterations }), Work::Passes(iterations.into())),
            ("reciprocity", Job::Reciprocity, once),
            ("kcore", Job::KCore, once),
            ("triangles", Job::Triangles, once),
            ("lcc", Job::Lcc, once),
            ("communities", Job::Communities(Communities::default()), once),
            ("influence", Job::Influence(Influence { precision: 6, ..Influence::default() }), once),
            ("similar", Job::Similar(Similar::default(), people.clone()), each),
            ("who-to-follow", Job::WhoToFollow(WhoToFollow::default(), people), each),
        ];
        let wanted = |name: &str| self.jobs.is_empty() || self.jobs.iter().any(|job| job == name);
        all.into_iter().filter(|(name, _, _)| wanted(name)).collect()
    }
}

/// What a job works through.
#[derive(Clone, Copy, Debug)]
enum Work {
    /// All edges, so many times by its definition, whatever it saves or adds.
    Passes(u64),
    /// So many people, one after the other.
    People(u64),
}

impl Work {
    /// How much of what it is, on a graph of so many edges.
    fn amount(self, edges: u64) -> (&'static str, f64) {
        match self {
            Work::Passes(passes) => ("edges", (edges * passes) as f64),
            Work::People(people) => ("people", people as f64),
        }
    }
}

/// A data folder with a graph that was made up.
pub fn generated(users: u32, mean_followees: f64, locality: f64) -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let edges = folder.path().join("edges");
    let spec = GraphSpec::new(users, mean_followees, SEED)?.with_locality(locality)?;
    eprintln!("making a graph");
    generate(&spec, BufWriter::new(File::create(&edges)?), &|_, _| ())?;
    let store = open(folder.path())?;
    import(&store, &Import { edges: edges.clone(), ..Import::default() }, &|_| ())?;
    store.close();
    std::fs::remove_file(edges)?;
    Ok(folder)
}

fn open(data: &Path) -> Result<Store> {
    Ok(Store::open(Arc::new(RealDisk), Arc::new(SystemClock), &data.join("graph"), Options::default())?.0)
}

/// Measures every job, first on the lists and then, without the store, on arrays: the memory of each is its own.
///
/// # Errors
///
/// The store cannot be read, a job failed, or lists and arrays gave different results.
pub fn measure(data: &Path, measured: &Measured) -> Result<Value> {
    let store = open(data)?;
    let snapshot = store.snapshot()?;
    let graph = SnapshotGraph::new(&snapshot);
    let (vertices, edges) = (graph.vertices(), graph.edges());
    ensure!(vertices > 0, "there is nobody in the graph");
    let on_lists = measure_on(&graph, "lists", measured)?;
    let mut report = json!({ "vertices": vertices, "edges": edges, "lists": figures(&on_lists) });
    if measured.lists_only {
        return Ok(report);
    }
    eprintln!("making arrays");
    let arrays = Csr::copy_of(&graph)?;
    drop(snapshot);
    store.close();
    drop(store);
    let on_arrays = measure_on(&arrays, "arrays", measured)?;
    report["arrays"] = figures(&on_arrays);
    let mut speeds = serde_json::Map::new();
    for (lists, arrays) in on_lists.iter().zip(&on_arrays) {
        ensure!(lists.found == arrays.found, "{} is another on arrays", lists.name);
        speeds.insert(lists.name.clone(), (arrays.seconds / lists.seconds).into());
    }
    report["speed_of_lists_over_arrays"] = speeds.into();
    Ok(report)
}

/// One job on one kind of graph.
struct Measurement {
    name: String,
    seconds: f64,
    /// What there is so much of a second.
    unit: &'static str,
    per_second: f64,
    peak_rss_bytes: u64,
    found: analytics::Found,
}

fn measure_on(graph: &impl Graph, kind: &str, measured: &Measured) -> Result<Vec<Measurement>> {
    let jobs = measured.jobs(graph.vertices());
    let mut measurements: Vec<Measurement> = Vec::new();
    for (name, job, work) in &jobs {
        for threads in &measured.threads {
            let run = Run::new(RunOptions { threads: *threads, seed: SEED, ..RunOptions::default() })?;
            let last = Mutex::new(Instant::now());
            let run = run.with_progress(|progress| tell(name, progress, &last));
            reset_peak_rss()?;
            let started = Instant::now();
            let found = job.run(graph, false, &u64::from, &run)?;
            let seconds = started.elapsed().as_secs_f64();
            let (unit, amount) = work.amount(graph.edges());
            let per_second = amount / seconds;
            let name = format!("{name}_{threads}_threads");
            eprintln!("{name} on {kind}: {seconds:.2} s, {per_second:.3e} {unit} a second");
            let peak_rss_bytes = peak_rss_bytes()?;
            measurements.push(Measurement { name, seconds, unit, per_second, peak_rss_bytes, found });
        }
    }
    Ok(measurements)
}

fn tell(name: &str, Progress { step, done, total }: Progress, last: &Mutex<Instant>) {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    if last.elapsed() >= LINE_INTERVAL {
        *last = Instant::now();
        eprintln!("{name}, {step}: {} %", done * 100 / total.max(1));
    }
}

fn figures(measurements: &[Measurement]) -> Value {
    let of_one = |one: &Measurement| {
        let mut figures = json!({ "seconds": one.seconds, "peak_rss_bytes": one.peak_rss_bytes });
        figures[format!("{}_per_second", one.unit)] = one.per_second.into();
        (one.name.clone(), figures)
    };
    Value::Object(measurements.iter().map(of_one).collect())
}
