//! `roost graph stats` and `roost graph check`: what a graph is like, and whether it is whole.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use base::clock::SystemClock;
use base::disk::RealDisk;
use clap::{Arg, ArgAction, ArgMatches, Command};
use graph_store::store::Repairs;
use graph_store::{Options, Store};

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
                .arg(Arg::new("repair").long("repair").action(ArgAction::SetTrue).help(
                    "First rebuild damaged lists from those of the other direction, where nothing is lost by that",
                ))
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
    let repairs = if flags.get_flag("repair") { repair(&config)? } else { Repairs::default() };
    let store = open_existing(&config)?;
    let progress = Progress::new("checking", Progress::SHARES);
    let report = store.check(&|share| progress.set_share(share));
    drop(progress);
    store.close();
    if flags.get_flag("json") {
        let mut report = serde_json::to_value(&report)?;
        if flags.get_flag("repair") {
            report["rebuilt"] = repairs.rebuilt.into();
        }
        super::print(&format!("{report}\n"))?;
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

/// Rebuilds what can be, and says so.
///
/// # Errors
///
/// Damage that cannot be repaired.
fn repair(config: &Config) -> anyhow::Result<Repairs> {
    let folder = existing(config)?;
    let repaired = Store::repair(Arc::new(RealDisk), Arc::new(SystemClock), &folder, Options::default());
    let repairs = repaired.with_context(|| format!("repairing the graph in {}", config.data.display()))?;
    for rebuilt in &repairs.rebuilt {
        eprintln!("rebuilt: {rebuilt}");
    }
    for refused in &repairs.refused {
        eprintln!("cannot be rebuilt: {refused}");
    }
    anyhow::ensure!(repairs.refused.is_empty(), "nothing was changed: restore a backup");
    Ok(repairs)
}

/// The store of a data folder that has one. Reading one that is not there should not make it.
pub(super) fn open_existing(config: &Config) -> anyhow::Result<Store> {
    existing(config)?;
    open_store(&config.data, None).with_context(|| format!("opening the graph in {}", config.data.display()))
}

/// The folder of a graph that is there.
fn existing(config: &Config) -> anyhow::Result<PathBuf> {
    let folder = folders::graph(&config.data);
    let mut entries = std::fs::read_dir(&folder).into_iter().flatten();
    anyhow::ensure!(entries.next().is_some(), "there is no graph in {}", config.data.display());
    Ok(folder)
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
