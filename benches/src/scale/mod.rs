//! The stages of `scale`, and what they share.

mod arrays;
mod ask;
mod bitmaps;
mod change;
mod degrees;
mod load;
pub(crate) mod process;
mod questions;
mod serve;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use base::clock::SystemClock;
use base::disk::RealDisk;
use clap::{Args, ValueEnum};
use graph_store::adjacency::Encoding;
use graph_store::generate::GraphSpec;
use graph_store::{Options, Recovery, Store};
use serde_json::{Map, Value};

/// What is measured.
#[derive(Args, Clone, Debug)]
pub struct Scale {
    /// How many users there are.
    #[arg(long, default_value_t = 10_000_000)]
    users: u32,
    /// How many others each follows, on average.
    #[arg(long, default_value_t = 200.0)]
    mean_followees: f64,
    /// Where all chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The share of followees from one's own community.
    #[arg(long, default_value_t = 0.0)]
    locality: f64,
    /// Give one user so many followers.
    #[arg(long)]
    celebrity: Option<u32>,
    /// Give each edge a time, uniform over five years.
    #[arg(long)]
    times: bool,
    /// Which forms lists take.
    #[arg(long, value_enum, default_value_t = Form::Auto)]
    encoding: Form,
    /// Bytes that edges may take in memory while they are loaded.
    #[arg(long, default_value_t = 11 << 30)]
    memory: u64,
    /// Where the graph lies; a temporary folder beside the build by default, which is removed at the end.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Seconds of the churn; by default ten minutes for ten million users, and fewer for fewer.
    #[arg(long)]
    churn_seconds: Option<u64>,
    /// Keep the folder, and use the edge list that is in it already.
    #[arg(long, requires = "folder")]
    keep: bool,
}

/// Which forms lists take.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// Whatever is smallest, but bitmaps for hubs.
    Auto,
    /// Packed throughout.
    Packed,
    /// Bitmaps throughout.
    Roaring,
}

/// A process of its own.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Stage {
    /// Makes the edge list.
    Generate,
    /// Loads it into an empty store, and stops.
    Load,
    /// Opens the store and asks it, beside plain arrays.
    Ask,
    /// Asks it over gRPC.
    Serve,
    /// Makes bitmaps of some of its lists.
    Bitmaps,
    /// Changes it, from 64 writers and for a long time.
    Churn,
    /// Changes it until its overlay is full, and is killed.
    Kill,
    /// Opens what was left.
    Reopen,
}

impl Stage {
    const ALL: [Stage; 8] = [
        Stage::Generate,
        Stage::Load,
        Stage::Ask,
        Stage::Serve,
        Stage::Bitmaps,
        Stage::Churn,
        Stage::Kill,
        Stage::Reopen,
    ];

    /// Does the work of a stage and prints what it measured.
    pub fn run(self, scale: &Scale) -> Result<()> {
        let figures = match self {
            Stage::Generate => load::generate(scale)?,
            Stage::Load => load::load(scale)?,
            Stage::Ask => ask::ask(scale)?,
            Stage::Serve => serve::serve(scale)?,
            Stage::Bitmaps => bitmaps::bitmaps(scale)?,
            Stage::Churn => change::churn(scale)?,
            Stage::Kill => return change::fill_and_be_killed(scale),
            Stage::Reopen => change::reopen(scale)?,
        };
        print(figures);
        Ok(())
    }
}

impl Scale {
    /// All stages, one after the other; what they measured.
    pub fn run(&self) -> Result<Map<String, Value>> {
        let temporary;
        let mut scale = self.clone();
        if self.folder.is_none() {
            temporary = tempfile::tempdir_in(std::env::current_exe()?.parent().context("the program is in a folder")?)?;
            scale.folder = Some(temporary.path().to_owned());
        }
        let mut report = Map::new();
        for stage in Stage::ALL {
            let figures = process::run(&scale, stage)?;
            eprintln!("{}", Value::Object(figures.clone()));
            report.extend(figures);
        }
        Ok(report)
    }

    fn folder(&self) -> Result<PathBuf> {
        self.folder.clone().context("a stage needs a folder")
    }

    fn edges_file(&self) -> Result<PathBuf> {
        Ok(self.folder()?.join("edges"))
    }

    fn graph(&self) -> Result<PathBuf> {
        Ok(self.folder()?.join("graph"))
    }

    fn spec(&self) -> Result<GraphSpec> {
        let mut spec = GraphSpec::new(self.users, self.mean_followees, self.seed)?.with_locality(self.locality)?;
        if let Some(followers) = self.celebrity {
            spec = spec.with_celebrity(followers)?;
        }
        Ok(if self.times { spec.with_times() } else { spec })
    }

    fn options(&self) -> Options {
        let encoding = match self.encoding {
            Form::Auto => Encoding::Auto,
            Form::Packed => Encoding::Packed,
            Form::Roaring => Encoding::Roaring,
        };
        let default = Options::default();
        Options { encoding, overlay_bytes: default.overlay_bytes.min(self.scaled(512 << 20, 32 << 20)), ..default }
    }

    /// What is so much for ten million users, for as many as there are, but not less than `least`.
    fn scaled(&self, for_ten_million: usize, least: usize) -> usize {
        (for_ten_million as u64 * u64::from(self.users) / 10_000_000).max(least as u64) as usize
    }

    /// How long changes come.
    fn churn_time(&self) -> Duration {
        Duration::from_secs(self.churn_seconds.unwrap_or_else(|| self.scaled(600, 15).min(600) as u64))
    }

    fn open(&self) -> Result<Store> {
        Ok(self.open_with(self.options())?.0)
    }

    fn open_with(&self, options: Options) -> Result<(Store, Recovery)> {
        Ok(Store::open(Arc::new(RealDisk), Arc::new(SystemClock), &self.graph()?, options)?)
    }

    /// Opens the store and looks at every list once: what comes from the disk for the first time is not to be measured.
    fn open_warm(&self) -> Result<Store> {
        let store = self.open()?;
        store.stats()?;
        Ok(store)
    }
}

/// Hands figures to the process that waits for them.
fn print(figures: Map<String, Value>) {
    println!("{}", Value::Object(figures));
}

/// An object of figures.
fn figures<const N: usize>(figures: [(&str, Value); N]) -> Map<String, Value> {
    figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
}
