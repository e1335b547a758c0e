//! The stages of `scale`, and what they share.

mod load;
mod process;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use base::clock::SystemClock;
use base::disk::RealDisk;
use clap::{Args, ValueEnum};
use graph_store::adjacency::Encoding;
use graph_store::generate::GraphSpec;
use graph_store::{Options, Store};
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
}

impl Stage {
    const ALL: [Stage; 2] = [Stage::Generate, Stage::Load];

    /// Does the work of a stage and prints what it measured.
    pub fn run(self, scale: &Scale) -> Result<()> {
        let figures = match self {
            Stage::Generate => load::generate(scale)?,
            Stage::Load => load::load(scale)?,
        };
        println!("{}", Value::Object(figures));
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
            report.extend(process::run(&scale, stage)?);
        }
        Ok(report)
    }

    fn folder(&self) -> Result<PathBuf> {
        self.folder.clone().context("a stage needs a folder")
    }

    fn edges_file(&self) -> Result<PathBuf> {
        Ok(self.folder()?.join("edges"))
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
        Options { encoding, ..Options::default() }
    }

    fn open(&self) -> Result<Store> {
        let folder = self.folder()?.join("graph");
        Ok(Store::open(Arc::new(RealDisk), Arc::new(SystemClock), &folder, self.options())?.0)
    }
}

/// An object of figures.
fn figures<const N: usize>(figures: [(&str, Value); N]) -> Map<String, Value> {
    figures.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect()
}
