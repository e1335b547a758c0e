//! Home feeds in this process: how long reads take, how much is delivered in a second, and when a tweet is seen.
//!
//! Progress goes to standard error, the report to standard output.

use benches::feeds::Wanted;
use clap::Parser;
use mimalloc::MiMalloc;

/// As in `roost` itself.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Home feeds in this process.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    wanted: Wanted,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let report = args.wanted.measure()?;
    match args.json {
        true => println!("{}", serde_json::to_string(&report)?),
        false => print!("{}", report.table()),
    }
    Ok(())
}
