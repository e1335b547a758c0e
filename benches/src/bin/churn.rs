//! How many durable changes a store takes, and what readers feel of them, on a generated graph.
//!
//! Prints one JSON object: durable changes a second from 64 writers, what the churn was like, and how long the store took
//! to open again with everything that was in its overlay then.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use base::clock::SystemClock;
use base::disk::RealDisk;
use benches::churn::{ChurnReport, apply_per_second_durable_64_writers, churn};
use clap::Parser;
use graph_store::generate::{GraphSpec, generate};
use graph_store::import::{Import, import};
use graph_store::{Options, Store};
use mimalloc::MiMalloc;
use serde::Serialize;

/// As in `roost` itself.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Durable changes, and reads while they come, on a generated graph.
#[derive(Parser)]
struct Args {
    /// Users of the graph.
    #[arg(long, default_value_t = 500_000)]
    users: u32,
    /// How many others each of them follows.
    #[arg(long, default_value_t = 20.0)]
    mean_followees: f64,
    /// Seconds of each of the two measurements.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Changes a second of the churn.
    #[arg(long, default_value_t = 20_000)]
    changes_per_second: u32,
    /// The overlay's bound in bytes: a small one makes compaction run all the time.
    #[arg(long)]
    overlay_bytes: Option<usize>,
    /// Where the store is made and removed; the system's temporary folder unless given.
    #[arg(long)]
    folder: Option<std::path::PathBuf>,
}

#[derive(Serialize)]
struct Report {
    users: u32,
    edges: u64,
    apply_per_second_durable_64_writers: f64,
    #[serde(flatten)]
    churn: ChurnReport,
    /// Not shown after the store was opened again.
    changes_lost_after_reopening: u64,
    /// Bytes of changes that the store had in memory when it was closed.
    overlay_bytes_at_close: u64,
    close_seconds: f64,
    open_seconds: f64,
    replayed: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = match &args.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let options = || {
        let default = Options::default();
        Options { overlay_bytes: args.overlay_bytes.unwrap_or(default.overlay_bytes), ..default }
    };
    let store_folder = folder.path().join("graph");
    let opened = || Store::open(Arc::new(RealDisk), Arc::new(SystemClock), &store_folder, options());
    let (store, _) = opened()?;
    let edges = fill(&store, folder.path(), &args)?;
    let duration = Duration::from_secs(args.seconds);
    let apply_per_second_durable_64_writers = apply_per_second_durable_64_writers(&store, store.users(), duration)?;
    eprintln!("{apply_per_second_durable_64_writers:.0} durable changes a second from 64 writers");
    let (churn, acknowledged) = churn(&store, store.users(), args.changes_per_second, duration)?;
    let overlay_bytes_at_close = store.overlay_bytes() as u64;
    let closing = Instant::now();
    drop(store);
    let close_seconds = closing.elapsed().as_secs_f64();
    let opening = Instant::now();
    let (store, recovery) = opened()?;
    let open_seconds = opening.elapsed().as_secs_f64();
    let report = Report {
        users: args.users,
        edges,
        apply_per_second_durable_64_writers,
        churn,
        changes_lost_after_reopening: acknowledged.lost(&store)?,
        overlay_bytes_at_close,
        close_seconds,
        open_seconds,
        replayed: recovery.replayed,
    };
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

/// Generates and imports the graph; how many edges it has.
fn fill(store: &Store, folder: &Path, args: &Args) -> anyhow::Result<u64> {
    let edges = folder.join("edges.bin");
    let spec = GraphSpec::new(args.users, args.mean_followees, 1)?;
    let generated = generate(&spec, BufWriter::new(File::create(&edges)?), &|_, _| {})?;
    import(store, &Import { edges: edges.clone(), ..Import::default() }, &|_| {})
        .context("the graph was not imported")?;
    std::fs::remove_file(edges)?;
    Ok(generated.edges)
}
