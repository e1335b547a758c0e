//! `roost graph export`: the graph as a file that others read.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use base::{Direction, Relation};
use clap::builder::{PossibleValuesParser, RangedU64ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use graph_store::Store;
use graph_store::export::{Export, ExportReport, Format, Ids, export, export_partitions};

use super::Failure;
use super::graph::{json, open_existing, table};
use super::new_file::NewFile;
use super::new_folder::NewFolder;
use crate::config::{Config, Role};
use crate::progress::Progress;

/// Files of each kind at the most.
const PARTITIONS_MAX: u64 = 10_000;

pub(super) fn command() -> Command {
    super::command_of("export", Role::Inspect)
        .about("Write the edges of one relation as text, CSV, Parquet or roaring bitmaps")
        .arg(choice("format", &["text", "csv", "parquet", "roaring"], "How they are written"))
        .arg(choice("relation", &["follow", "block", "mute"], "Which edges"))
        .arg(choice("direction", &["forward", "reverse"], "In whose order: of those who follow, or of the followed"))
        .arg(choice("ids", &["external", "users"], "External ids where there are any, or the store's own"))
        .arg(Arg::new("times").long("times").action(ArgAction::SetTrue).help("Write the time of each edge"))
        .arg(Arg::new("weights").long("weights").action(ArgAction::SetTrue).help("Write the weight of each edge"))
        .arg(
            Arg::new("partitions")
                .long("partitions")
                .value_name("N")
                .value_parser(RangedU64ValueParser::<u32>::new().range(1..=PARTITIONS_MAX))
                .help("So many Parquet files of edges and of vertices in a folder that is not there yet; _SUCCESS is the last"),
        )
        .arg(json())
        .arg(
            Arg::new("out")
                .value_name("OUT")
                .value_parser(value_parser!(PathBuf))
                .required_unless_present("print-config")
                .help("A file or folder that is not there yet; text and CSV also go to standard output, as -"),
        )
}

/// A flag with some values, the first of which is the default.
fn choice(name: &'static str, values: &[&'static str], help: &'static str) -> Arg {
    let values = values.to_vec();
    Arg::new(name).long(name).default_value(values[0]).value_parser(PossibleValuesParser::new(values)).help(help)
}

pub(super) fn run(flags: &ArgMatches) -> Result<(), Failure> {
    let Some(config) = super::configure(Role::Inspect, flags)? else { return Ok(()) };
    let Some(out) = flags.get_one::<PathBuf>("out") else { return Ok(()) };
    let what = what(flags);
    if let Some(partitions) = flags.get_one::<u32>("partitions") {
        if what.format != Format::Parquet {
            return Err(anyhow::anyhow!("only Parquet is written in partitions").into());
        }
        return in_partitions(&config, flags, &what, *partitions, out);
    }
    let to_stdout = out == Path::new("-");
    if to_stdout && matches!(what.format, Format::Parquet | Format::Roaring) {
        return Err(anyhow::anyhow!("only text and CSV can be written to standard output").into());
    }
    // Before anything is read: a file that is there already is the most likely mistake.
    let file = if to_stdout { None } else { Some(NewFile::create(out)?) };
    let store = open_existing(&config)?;
    let written = match file {
        None => write(&store, &what, io::stdout(), Path::new("standard output")),
        Some(mut file) => write(&store, &what, &mut file, out).and_then(|report| file.finish().map(|()| report)),
    };
    store.close();
    let report = written?;
    if to_stdout { Ok(()) } else { say(&report, flags) }
}

/// Writes many files to a new folder.
fn in_partitions(
    config: &Config,
    flags: &ArgMatches,
    what: &Export,
    partitions: u32,
    out: &Path,
) -> Result<(), Failure> {
    let folder = NewFolder::create(out)?;
    let store = open_existing(config)?;
    let written = write_partitions(&store, what, partitions, &folder);
    store.close();
    let report = written?;
    folder.finish()?;
    say(&report, flags)
}

fn say(report: &ExportReport, flags: &ArgMatches) -> Result<(), Failure> {
    let report = serde_json::to_value(report)?;
    Ok(super::print(&if flags.get_flag("json") { format!("{report}\n") } else { table(&report) })?)
}

fn what(flags: &ArgMatches) -> Export {
    let is = |name: &str, value: &str| flags.get_one::<String>(name).is_some_and(|given| given == value);
    let relation = Relation::ALL.into_iter().find(|relation| is("relation", relation.name()));
    let direction = Direction::ALL.into_iter().find(|direction| is("direction", direction.name()));
    let formats = [("csv", Format::Csv), ("parquet", Format::Parquet), ("roaring", Format::Roaring)];
    let format = formats.into_iter().find(|(name, _)| is("format", name));
    Export {
        relation: relation.unwrap_or(Relation::Follow),
        direction: direction.unwrap_or(Direction::Forward),
        format: format.map_or(Format::Text, |(_, format)| format),
        ids: if is("ids", "users") { Ids::Users } else { Ids::External },
        times: flags.get_flag("times"),
        weights: flags.get_flag("weights"),
    }
}

fn write(store: &Store, what: &Export, out: impl Write + Send, name: &Path) -> anyhow::Result<ExportReport> {
    let snapshot = store.snapshot()?;
    let progress = Progress::new("exporting", Progress::SHARES);
    let report = export(&snapshot, what, out, &|done, all| progress.set_share(done as f64 / all.max(1) as f64));
    report.with_context(|| format!("writing to {}", name.display()))
}

fn write_partitions(store: &Store, what: &Export, partitions: u32, folder: &NewFolder) -> anyhow::Result<ExportReport> {
    let snapshot = store.snapshot()?;
    let progress = Progress::new("exporting", Progress::SHARES);
    let tell = |done, all: u64| progress.set_share(done as f64 / all.max(1) as f64);
    let report = export_partitions(&snapshot, what, partitions, |name| folder.file(name), &tell);
    report.with_context(|| format!("writing to {}", folder.path().display()))
}
