//! Jobs over a whole graph: on the compressed lists of a store, and beside it on plain arrays.
//!
//! Prints one JSON object: for each job, kind of graph and number of threads the seconds, the edges a second (people, where
//! a job looks for each alone) and the most memory that the process had, and how fast the lists are compared with the arrays.

use std::path::PathBuf;

use anyhow::Result;
use benches::analytics::{Measured, generated, measure};
use clap::Parser;
use mimalloc::MiMalloc;

/// As in `roost` itself.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Jobs over a whole graph, on compressed lists and on plain arrays.
#[derive(Parser)]
struct Args {
    /// Users of the graph that is made up.
    #[arg(long, default_value_t = 300_000)]
    users: u32,
    /// How many others each of them follows, on average.
    #[arg(long, default_value_t = 40.0)]
    mean_followees: f64,
    /// The share of followees from one's own community.
    #[arg(long, default_value_t = 0.5)]
    locality: f64,
    /// Measure the graph of this data folder instead, which is not changed.
    #[arg(long)]
    data: Option<PathBuf>,
    #[command(flatten)]
    measured: Measured,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let temporary;
    let data = match args.data {
        Some(data) => data,
        None => {
            temporary = generated(args.users, args.mean_followees, args.locality)?;
            temporary.path().to_owned()
        }
    };
    println!("{}", measure(&data, &args.measured)?);
    Ok(())
}
