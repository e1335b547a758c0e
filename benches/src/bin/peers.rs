//! Roost, Redis and PostgreSQL with the same edges, side by side. `scripts/install-peers` installs the other two.

use std::path::PathBuf;
use std::time::Duration;

use benches::peers::postgres::Postgres;
use benches::peers::redis::Redis;
use benches::peers::report::Report;
use benches::peers::roost::{self, Roost};
use benches::peers::system::measure;
use benches::peers::workload::Workload;
use clap::{Parser, Subcommand, ValueEnum};
use mimalloc::MiMalloc;
use tokio::signal::unix::{SignalKind, signal};

/// As in `roost` itself.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Roost beside Redis and PostgreSQL: bytes, loading, answers.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    role: Option<RoleCommand>,
    /// Edges, about.
    #[arg(long, default_value_t = 10_000_000)]
    edges: u32,
    /// The ids that users are spread over.
    #[arg(long, default_value_t = 10_000_000)]
    ids: u32,
    /// Followers of the celebrity, about; a tenth of the edges where it is not given.
    #[arg(long)]
    celebrity: Option<u32>,
    /// Where all chance comes from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Only these systems, separated by commas: roost, redis, postgresql.
    #[arg(long, value_delimiter = ',', default_value = "roost,redis,postgresql")]
    only: Vec<SystemName>,
    /// Where temporary folders are made; the system's place for them where it is not given.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// One JSON object instead of tables.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum SystemName {
    Roost,
    Redis,
    Postgresql,
}

#[derive(Subcommand)]
enum RoleCommand {
    /// Serves a store; this program calls itself so.
    #[command(hide = true)]
    ServeRoost {
        /// The folder of the store.
        folder: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(RoleCommand::ServeRoost { folder }) = &args.role {
        return tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(roost::serve(folder));
    }
    // One thread asks: every server has the other core, and what it can get of this one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let stopped = tokio::select! {
            result = run(&args) => return result,
            _ = tokio::signal::ctrl_c() => "interrupted",
            _ = terminated.recv() => "terminated",
        };
        // Servers and folders have gone with the run.
        anyhow::bail!(stopped)
    })
}

async fn run(args: &Args) -> anyhow::Result<()> {
    let folder = args.folder.clone().unwrap_or_else(std::env::temp_dir);
    let time = Duration::try_from_secs_f64(args.seconds)?;
    let (edges, ids, seed) = (args.edges, args.ids, args.seed);
    let celebrity = args.celebrity.unwrap_or(edges / 10);
    eprintln!("generating");
    let workload = tokio::task::spawn_blocking(move || Workload::new(edges, ids, celebrity, seed)).await??;
    let mut systems = Vec::new();
    for times in [false, true] {
        // Roost first, since the others are compared with it; only one server is there at a time.
        for name in [SystemName::Roost, SystemName::Redis, SystemName::Postgresql] {
            if !args.only.contains(&name) {
                continue;
            }
            let named = name.to_possible_value();
            let named = named.as_ref().map_or("", |name| name.get_name());
            eprintln!("{named}, {} times", if times { "with" } else { "without" });
            systems.push(match name {
                SystemName::Roost => {
                    measure(&Roost::load(&workload, times, &folder, time).await?, &workload, time).await
                }
                SystemName::Redis => measure(&Redis::load(&workload, times, &folder).await?, &workload, time).await,
                SystemName::Postgresql => {
                    measure(&Postgres::load(&workload, times, &folder).await?, &workload, time).await
                }
            }?);
        }
    }
    let report = Report::new(&workload, args.ids, systems);
    match args.json {
        true => println!("{}", serde_json::to_string(&report)?),
        false => print!("{}", report.table()),
    }
    Ok(())
}
