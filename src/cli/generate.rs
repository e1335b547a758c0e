//! `roost graph generate`: a made-up graph of any size, as a file that `roost graph import` takes.

use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use graph_store::generate::{GenerateReport, GraphSpec, SpecError, generate};

use super::Failure;
use super::graph::{json, table};
use super::new_file::NewFile;
use crate::config::{ConfigError, Origin};
use crate::progress::Progress;

pub(super) fn command() -> Command {
    Command::new("generate")
        .about("Write a made-up follow graph as a binary edge list; the same flags give the same bytes")
        .arg(
            flag("users", "N", "How many users there are, 2 or more; their ids are 0 to N - 1")
                .value_parser(value_parser!(u32))
                .required(true),
        )
        .arg(
            flag("mean-followees", "M", "How many others a user follows on average; how many each does is log-normal")
                .value_parser(value_parser!(f64))
                .default_value("200"),
        )
        .arg(flag("seed", "S", "Where all chance comes from").value_parser(value_parser!(u64)).default_value("0"))
        .arg(
            flag("locality", "P", "The share of followees from a user's own community of consecutive ids, 0 to 1")
                .value_parser(value_parser!(f64))
                .default_value("0"),
        )
        .arg(flag("celebrity", "N", "Give one user exactly N followers").value_parser(value_parser!(u32)))
        .arg(
            Arg::new("times")
                .long("times")
                .action(ArgAction::SetTrue)
                .help("Give each edge a time, uniform over five years"),
        )
        .arg(json())
        .arg(
            Arg::new("out")
                .value_name("OUT")
                .value_parser(value_parser!(PathBuf))
                .required(true)
                .help("A file that is not there yet, or - for standard output"),
        )
}

fn flag(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    // A number below zero is a wrong value, not an unknown flag.
    Arg::new(name).long(name).value_name(value).help(help).allow_negative_numbers(true)
}

pub(super) fn run(flags: &ArgMatches) -> Result<(), Failure> {
    let spec = spec(flags).map_err(|error| {
        let origin = Origin::Flag(error.field().to_owned());
        Failure::Usage(ConfigError::one(error.field(), origin, error.to_string()))
    })?;
    let Some(out) = flags.get_one::<PathBuf>("out") else { return Ok(()) };
    if out == Path::new("-") {
        write(&spec, io::stdout(), &"standard output")?;
        return Ok(());
    }
    let mut file = NewFile::create(out)?;
    let report = write(&spec, &mut file, &out.display())?;
    file.finish()?;
    let report = serde_json::to_value(report)?;
    super::print(&if flags.get_flag("json") { format!("{report}\n") } else { table(&report) })?;
    Ok(())
}

fn spec(flags: &ArgMatches) -> Result<GraphSpec, SpecError> {
    let share = |name| flags.get_one::<f64>(name).copied().unwrap_or_default();
    let users = flags.get_one("users").copied().unwrap_or_default();
    let seed = flags.get_one("seed").copied().unwrap_or_default();
    let mut spec = GraphSpec::new(users, share("mean-followees"), seed)?.with_locality(share("locality"))?;
    if let Some(followers) = flags.get_one("celebrity") {
        spec = spec.with_celebrity(*followers)?;
    }
    Ok(if flags.get_flag("times") { spec.with_times() } else { spec })
}

fn write(spec: &GraphSpec, out: impl io::Write + Send, name: &dyn Display) -> anyhow::Result<GenerateReport> {
    let progress = Progress::new("generating", Progress::SHARES);
    let report = generate(spec, out, &|done, all| progress.set_share(done as f64 / all.max(1) as f64));
    report.with_context(|| format!("writing to {name}"))
}
