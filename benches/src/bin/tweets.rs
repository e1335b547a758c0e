//! How fast many tweets are loaded, and what they take on disk and in memory.
//!
//! Prints one JSON object, or lines for people: tweets a second in durable batches, bytes on disk by the bytes of the tweets,
//! the most memory there was beside the bounds that are set, and how long the store took to open again.

use std::path::PathBuf;

use anyhow::Context;
use benches::tweets::{Load, measure};
use clap::Parser;
use mimalloc::MiMalloc;

/// As in `roost` itself.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Loads tweets as an importer does, and opens the store again.
#[derive(Parser)]
struct Args {
    /// Tweets to load: 10 million are a day of the design's load.
    #[arg(long, default_value_t = 30_000_000)]
    tweets: u64,
    /// Who writes them: the first of them the most (Zipf, exponent 0.8).
    #[arg(long, default_value_t = 1_000_000)]
    users: u32,
    /// What the tweets are made from: the same seed makes the same ones.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the store is made and removed; the system's temporary folder unless given.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    anyhow::ensure!(args.tweets > 0 && args.users > 0, "--tweets and --users are at least 1");
    let folder = match &args.folder {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    let folder = folder.context("a folder for the store")?;
    let load = Load { tweets: args.tweets, users: args.users, seed: args.seed };
    let report = measure(load, folder.path())?;
    match args.json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => print!("{report}"),
    }
    Ok(())
}
