//! What a call over gRPC costs beside one that does nothing; `scale` prints the same figures of its graph.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::clock::SystemClock;
use base::disk::RealDisk;
use benches::grpc::measure;
use clap::Parser;
use graph_store::generate::{GraphSpec, generate};
use graph_store::import::{Import, import};
use graph_store::{Options, Store};
use mimalloc::MiMalloc;

/// As in `roost` itself.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Calls of the graph store over gRPC, one core for the server and one for the client.
#[derive(Parser)]
struct Args {
    /// Users of a graph that is generated.
    #[arg(long, default_value_t = 100_000)]
    users: u32,
    /// How many they follow on average.
    #[arg(long, default_value_t = 200.0)]
    mean_followees: f64,
    /// The folder of a store instead, which nobody else has open.
    #[arg(long)]
    store: Option<PathBuf>,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 6.0)]
    seconds: f64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let temporary = tempfile::tempdir()?;
    let folder = args.store.clone().unwrap_or_else(|| temporary.path().join("store"));
    let (store, _) = Store::open(Arc::new(RealDisk), Arc::new(SystemClock), &folder, Options::default())?;
    if args.store.is_none() {
        let edges = temporary.path().join("edges");
        let spec = GraphSpec::new(args.users, args.mean_followees, 0)?;
        generate(&spec, std::fs::File::create(&edges)?, &|_, _| {})?;
        import(&store, &Import { edges, ..Import::default() }, &|_| {})?;
    }
    println!("{}", serde_json::to_string(&measure(&store, Duration::try_from_secs_f64(args.seconds)?)?)?);
    store.close();
    Ok(())
}
