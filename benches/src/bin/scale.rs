//! Two billion follows on one small machine: generates a graph, loads it, stops, kills, reopens, asks and changes it.
//!
//! Each stage is a process of its own, so that its memory is its own. Progress goes to standard error; the last thing on
//! standard output is the report.
//!
//! Unlike `roost`, it has the system's allocator: a map of bitmaps is to take here what it takes wherever one is written.

use anyhow::Result;
use benches::scale::{Scale, Stage};
use clap::Parser;

/// Two billion follows on one small machine.
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    scale: Scale,
    /// One JSON object instead of a table.
    #[arg(long)]
    json: bool,
    /// What a process of its own does; for the program itself.
    #[arg(long, hide = true)]
    stage: Option<Stage>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(stage) = args.stage {
        return stage.run(&args.scale);
    }
    let report = args.scale.run()?;
    if args.json {
        println!("{}", serde_json::Value::Object(report));
        return Ok(());
    }
    for (name, figure) in report {
        println!("{name:40} {figure}");
    }
    Ok(())
}
