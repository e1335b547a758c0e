//! `roost graph stats` and `roost graph check`: what a graph is like, and whether it is whole.

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command};
use graph_store::Store;

use super::{Failure, export, generate, import};
use crate::config::{Config, Role};
use crate::progress::Progress;
use crate::roles::folders;
use crate::roles::services::open_store;

/// The commands on a graph.
pub(super) fn command() -> Command {
    Command::new("graph")
        .about("Work on the follow graph of a data folder that no server has open, or make one up")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(import::command())
        .subcommand(export::command())
        .subcommand(generate::command())
        .subcommand(super::command_of("stats", Role::Inspect).about("Print sizes and counters").arg(json()))
        .subcommand(
            super::command_of("check", Role::Inspect)
                .about("Verify every checksum and every list, and that each edge is in both directions")
                .arg(json()),
        )
}

/// `--json`, for what reports.
pub(super) fn json() -> Arg {
    Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print one JSON object")
}

/// Runs one of them.
pub(super) fn run(graph: &ArgMatches) -> Result<(), Failure> {
    match graph.subcommand() {
        Some(("import", flags)) => import::run(flags),
        Some(("export", flags)) => export::run(flags),
        Some(("generate", flags)) => generate::run(flags),
        Some(("check", flags)) => check(flags),
        Some((_, flags)) => stats(flags),
        None => Ok(()),
    }
}

fn stats(flags: &ArgMatches) -> Result<(), Failure> {
    let Some(config) = super::configure(Role::Inspect, flags)? else { return Ok(()) };
    let store = open_existing(&config)?;
    let stats = store.stats();
    store.close();
    let stats = serde_json::to_value(stats?)?;
    super::print(&if flags.get_flag("json") { format!("{stats}\n") } else { table(&stats) })?;
    Ok(())
}

fn check(flags: &ArgMatches) -> Result<(), Failure> {
    let Some(config) = super::configure(Role::Inspect, flags)? else { return Ok(()) };
    let store = open_existing(&config)?;
    let progress = Progress::new("checking", Progress::SHARES);
    let report = store.check(&|share| progress.set_share(share));
    drop(progress);
    store.close();
    if flags.get_flag("json") {
        super::print(&format!("{}\n", serde_json::to_string(&report)?))?;
    } else {
        for finding in &report.findings {
            super::print(&format!("{finding}\n"))?;
        }
        super::print(&format!("{} lists and {} edges read\n", report.lists, report.edges))?;
    }
    match report.findings.len() as u64 + report.further_findings {
        0 => Ok(()),
        findings => Err(anyhow::anyhow!("the check has {findings} findings").into()),
    }
}

/// The store of a data folder that has one. Reading one that is not there should not make it.
pub(super) fn open_existing(config: &Config) -> anyhow::Result<Store> {
    let folder = folders::graph(&config.data);
    let mut entries = std::fs::read_dir(&folder).into_iter().flatten();
    anyhow::ensure!(entries.next().is_some(), "there is no graph in {}", config.data.display());
    open_store(&config.data, None).with_context(|| format!("opening the graph in {}", config.data.display()))
}

/// The figures of a JSON object, one a line.
pub(super) fn table(figures: &serde_json::Value) -> String {
    let rows = figures.as_object().into_iter().flatten();
    let width = rows.clone().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, value): (&String, &serde_json::Value)| match value.as_str() {
        Some(text) => format!("{name:width$}  {text}\n"),
        None => format!("{name:width$}  {value}\n"),
    };
    rows.map(line).collect()
}
