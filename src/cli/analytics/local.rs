//! A job on the graph of a data folder that no server has open.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use analytics::{Run, RunOptions, Task};
use anyhow::Context;
use base::disk::RealDisk;
use clap::ArgMatches;
use graph_store::Store;
use proto::analytics::{Found, RunRequest};

use super::{Shown, format};
use crate::cli::graph::open_existing;
use crate::cli::new_file::NewFile;
use crate::cli::{memory, runtime};
use crate::config::Config;
use crate::roles::{folders, shutdown};

/// Runs a job, and writes its rows if there is a file for them.
pub(super) fn run(
    flags: &ArgMatches,
    config: &Config,
    request: RunRequest,
    file: Option<NewFile>,
) -> anyhow::Result<Found> {
    let store = open_existing(config)?;
    let found = compute(&store, flags, config, request, file);
    store.close();
    found
}

fn compute(
    store: &Store,
    flags: &ArgMatches,
    config: &Config,
    request: RunRequest,
    file: Option<NewFile>,
) -> anyhow::Result<Found> {
    let options = RunOptions {
        threads: request.threads as usize,
        memory_bytes: match request.memory_bytes {
            0 => memory::share_of_the_machine(2).unwrap_or(u64::MAX),
            bytes => bytes,
        },
        seed: request.seed,
        ..RunOptions::default()
    };
    let task = Task::new(store, store.snapshot()?, request)?;
    let folder = flags.get_one::<PathBuf>("checkpoint").cloned().unwrap_or_else(|| folders::analytics(&config.data));
    let checkpoints = task.checkpoints(&RealDisk, &folder, |resumption| {
        resumption.notice().into_iter().for_each(|notice| eprintln!("{notice}"));
    })?;
    let (stopped, runtime) = on_signals()?;
    let shown = Shown::default();
    let run = Run::new(options)?
        .with_cancel(stopped)
        .with_progress(|progress| shown.show(progress.step, progress.done, progress.total))
        .with_checkpoints(&checkpoints);
    let done = task.run(&run);
    shown.clear();
    let done = done?;
    if let Some(mut file) = file {
        task.table(&done.found, &|vertex| task.id(vertex)).write(format(flags), &mut file)?;
        file.finish()?;
    }
    let told = task.told(&done)?;
    // What was found is where it was wanted.
    checkpoints.remove().context("removing the checkpoint")?;
    drop(runtime);
    Ok(told)
}

/// A flag that the first SIGINT or SIGTERM sets, for as long as the runtime lives.
fn on_signals() -> anyhow::Result<(Arc<AtomicBool>, tokio::runtime::Runtime)> {
    let runtime = runtime()?;
    let stopped = Arc::new(AtomicBool::new(false));
    let (stopping, set) = (runtime.block_on(async { shutdown::on_signals() })?, stopped.clone());
    runtime.spawn(async move {
        stopping.cancelled().await;
        set.store(true, Ordering::Relaxed);
    });
    Ok((stopped, runtime))
}
