//! `roost analytics JOB`: what the graph says as a whole.
//!
//! - `flags`: the jobs and what each is told; `source`: the graph; this file: a job from its start to its report.

mod flags;
mod source;

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use analytics::checkpoint::{Checkpoints, Resumption};
use analytics::output::{Format, Table};
use analytics::{Found, Graph, Run, RunOptions, SnapshotGraph};
use anyhow::Context;
use base::disk::RealDisk;
use clap::{ArgMatches, Command};
use serde_json::json;

use super::graph::table;
use super::new_file::NewFile;
use super::{Failure, memory};
use crate::config::{Config, Role};
use crate::progress::Progress;
use crate::roles::shutdown;
use source::Source;

/// The folder of checkpoints, in the data folder.
const CHECKPOINTS: &str = "analytics";

pub(super) fn command() -> Command {
    Command::new("analytics")
        .about("Compute something about the whole follow graph of a data folder that no server has open")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(flags::commands())
}

pub(super) fn run(analytics: &ArgMatches) -> Result<(), Failure> {
    let Some((name, flags)) = analytics.subcommand() else { return Ok(()) };
    let Some(config) = super::configure(Role::Inspect, flags)? else { return Ok(()) };
    let out = flags.get_one::<PathBuf>("out");
    // Before anything is read: a file that is there already is the most likely mistake.
    let file = out.map(|out| NewFile::create(out)).transpose()?;
    let picture = plot_of(flags).map(|plot| NewFile::create(plot)).transpose()?;
    let source = Source::open(&config)?;
    let report = compute(name, flags, &config, &source, [file, picture]);
    source.close();
    super::print(&report?)?;
    Ok(())
}

/// Runs a job and writes what it found; answers what to say of it.
fn compute(
    name: &str,
    flags: &ArgMatches,
    config: &Config,
    source: &Source,
    [file, picture]: [Option<NewFile>; 2],
) -> anyhow::Result<String> {
    let job = flags::job_of(name, flags, source)?;
    let undirected = flags.get_flag("undirected");
    let graph = SnapshotGraph::new(&source.snapshot);
    let progress: Mutex<Option<Progress>> = Mutex::default();
    let (disk, checkpoints) = (RealDisk, place(name, flags, config));
    let checkpoints = Checkpoints::new(&disk, checkpoints, graph_name(source, undirected), interval(flags), say);
    let (stopped, runtime) = on_signals()?;
    let run = Run::new(options(flags))?
        .with_cancel(stopped)
        .with_progress(|step| show(&progress, step))
        .with_checkpoints(&checkpoints);
    let started = Instant::now();
    let found = job.run(graph, undirected, &|vertex| source.id(vertex), &run);
    drop(progress.lock().unwrap_or_else(PoisonError::into_inner).take());
    let Found { rows, columns, figures, plot } = found?;
    let vertices = source.snapshot.users();
    let mut report = json!({
        "job": name,
        "vertices": vertices,
        "edges": graph.edges(),
        "revision": source.snapshot.revision().token(),
        "threads": run.threads(),
        "seconds": started.elapsed().as_secs_f64(),
    });
    for (name, value) in figures {
        report[name] = value;
    }
    let values = Table { rows: &rows, id: &|vertex| source.id(vertex), columns: &columns };
    if let Some(mut file) = file {
        values.write(format(flags), &mut file)?;
        file.finish()?;
    }
    if let (Some(mut picture), Some(plot)) = (picture, plot) {
        picture.write_all(plot.svg()?.as_bytes())?;
        picture.finish()?;
    }
    // What was found is where it was wanted.
    checkpoints.remove().context("removing the checkpoint")?;
    drop(runtime);
    let summary = values.summary();
    if flags.get_flag("json") {
        report["columns"] = serde_json::to_value(&summary.columns)?;
        return Ok(format!("{report}\n"));
    }
    Ok(format!("{}{summary}", table(&report)))
}

/// Where the picture goes, of jobs that have one.
fn plot_of(flags: &ArgMatches) -> Option<&PathBuf> {
    flags.try_get_one("plot").ok().flatten()
}

fn format(flags: &ArgMatches) -> Format {
    match flags.get_one::<String>("format").map(String::as_str) {
        Some("parquet") => Format::Parquet,
        _ => Format::Csv,
    }
}

fn options(flags: &ArgMatches) -> RunOptions {
    RunOptions {
        threads: flags.get_one::<u64>("threads").map_or(0, |threads| *threads as usize),
        memory_bytes: flags
            .get_one("memory")
            .copied()
            .unwrap_or_else(|| memory::half_of_the_machine().unwrap_or(u64::MAX)),
        seed: flags.get_one("seed").copied().unwrap_or_default(),
        ..RunOptions::default()
    }
}

/// What tells this graph at this revision from any other.
fn graph_name(source: &Source, undirected: bool) -> String {
    let (users, revision) = (source.snapshot.users(), source.snapshot.revision());
    let edges = SnapshotGraph::new(&source.snapshot).edges();
    let direction = if undirected { "undirected" } else { "directed" };
    format!("{users} vertices and {edges} edges, {direction}, at revision {}", revision.0)
}

fn place(name: &str, flags: &ArgMatches, config: &Config) -> PathBuf {
    let folder = flags.get_one::<PathBuf>("checkpoint").cloned();
    folder.unwrap_or_else(|| config.data.join(CHECKPOINTS)).join(name).with_extension("checkpoint")
}

fn interval(flags: &ArgMatches) -> Duration {
    Duration::from_secs(flags.get_one("checkpoint-seconds").copied().unwrap_or_default())
}

/// Says how a job begins, where that is not from the beginning or could be thought not to be.
fn say(resumption: &Resumption) {
    match resumption {
        Resumption::Fresh => {}
        Resumption::Resumed { iteration } => eprintln!("going on behind iteration {iteration}, from the checkpoint"),
        Resumption::Other { found } => eprintln!("starting afresh: the checkpoint is of something else, {found}"),
        Resumption::Damaged => eprintln!("starting afresh: the checkpoint is damaged"),
    }
}

/// Shows how far a step is, and begins anew with each.
fn show(shown: &Mutex<Option<Progress>>, step: analytics::run::Progress) {
    let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
    match &*shown {
        Some(progress) if progress.name() == step.step => progress.set(step.done),
        _ => *shown = Some(Progress::with_rate(step.step, step.total, "vertices")),
    }
}

/// A flag that the first SIGINT or SIGTERM sets, for as long as the runtime lives.
fn on_signals() -> anyhow::Result<(Arc<AtomicBool>, tokio::runtime::Runtime)> {
    let runtime = super::runtime()?;
    let stopped = Arc::new(AtomicBool::new(false));
    let (stopping, set) = (runtime.block_on(async { shutdown::on_signals() })?, stopped.clone());
    runtime.spawn(async move {
        stopping.cancelled().await;
        set.store(true, Ordering::Relaxed);
    });
    Ok((stopped, runtime))
}
