//! The flags of the jobs: those of all, and those of each.

use std::path::PathBuf;

use analytics::Job;
use analytics::jobs::{Cdlp, PageRank, Sssp};
use clap::builder::{PossibleValuesParser, RangedU64ValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::source::Source;
use crate::cli::{command_of, graph, memory};
use crate::config::Role;

/// Threads at the most.
const THREADS_MAX: u64 = 1024;

/// One command for each job.
pub(super) fn commands() -> [Command; 10] {
    let source = || {
        value("source", "ID", value_parser!(u64), "Where to start: an external id")
            .required_unless_present("print-config")
    };
    let iterations = |help| value("iterations", "N", value_parser!(u32), help);
    [
        job("pagerank", "Rank everybody by who follows them, and who follows those")
            .arg(iterations("So many, unless it is told when to stop; 100 at the most unless given"))
            .arg(value("damping", "D", ValueParser::new(share), "The chance of following an edge; 0.85 unless given"))
            .arg(value(
                "tolerance",
                "T",
                ValueParser::new(not_negative),
                "Stop once an iteration changes all ranks together by less; 1e-9 unless iterations are given",
            )),
        job("bfs", "How many edges everybody is away from one").arg(source()),
        job("wcc", "Components: who is connected with whom, in whatever direction"),
        job("cdlp", "Communities by label propagation").arg(iterations("Iterations at the most; 10 unless given")),
        job("lcc", "Local clustering: how well everybody's neighbours know each other"),
        job("sssp", "How far everybody is from one, along edges of different lengths").arg(source()).arg(
            Arg::new("weights")
                .long("weights")
                .action(ArgAction::SetTrue)
                .help("An edge is as long as its weight that the import kept; otherwise each is 1 long"),
        ),
        job("triangles", "How many pairs of everybody's neighbours are neighbours"),
        job("kcore", "Core numbers: how deep everybody sits among those with many neighbours"),
        job("degrees", "How many edges everybody has, in and out"),
        job("reciprocity", "How many of everybody's edges are mutual"),
    ]
}

/// The job that the flags describe.
pub(super) fn job_of(name: &str, flags: &ArgMatches, source: &Source) -> anyhow::Result<Job> {
    let number = |name| flags.get_one::<f64>(name).copied();
    let iterations = || flags.get_one::<u32>("iterations").copied();
    let start = || source.vertex(flags.get_one::<u64>("source").copied().unwrap_or_default());
    Ok(match name {
        "pagerank" => {
            let default = PageRank::default();
            // Whoever asks for some iterations gets them all.
            let tolerance = default.tolerance.filter(|_| iterations().is_none());
            Job::PageRank(PageRank {
                damping: number("damping").unwrap_or(default.damping),
                iterations: iterations().unwrap_or(default.iterations),
                tolerance: number("tolerance").or(tolerance),
            })
        }
        "bfs" => Job::Bfs(start()?),
        "wcc" => Job::Wcc,
        "cdlp" => Job::Cdlp(Cdlp { iterations: iterations().unwrap_or(Cdlp::default().iterations) }),
        "lcc" => Job::Lcc,
        "sssp" => Job::Sssp(Sssp { source: start()?, weighted: flags.get_flag("weights") }),
        "triangles" => Job::Triangles,
        "kcore" => Job::KCore,
        "degrees" => Job::Degrees,
        "reciprocity" => Job::Reciprocity,
        _ => anyhow::bail!("there is no job {name}"),
    })
}

/// A job, with the flags that all have.
fn job(name: &'static str, about: &'static str) -> Command {
    let path = || value_parser!(PathBuf);
    let threads = RangedU64ValueParser::<u64>::new().range(1..=THREADS_MAX);
    command_of(name, Role::Inspect)
        .about(about)
        .arg(value("out", "FILE", path(), "Where each vertex's value goes: a file that is not there yet"))
        .arg(
            value("format", "FORMAT", PossibleValuesParser::new(["csv", "parquet"]), "How it is written")
                .default_value("csv"),
        )
        .arg(
            Arg::new("undirected")
                .long("undirected")
                .action(ArgAction::SetTrue)
                .help("Each edge counts in both directions"),
        )
        .arg(value("threads", "N", threads, "Threads that compute; one a core unless given"))
        .arg(value(
            "memory",
            "BYTES",
            ValueParser::new(memory::bytes),
            "What its arrays may take, such as 800M or 8G; half of the machine's unless given",
        ))
        .arg(value("seed", "S", value_parser!(u64), "What random choices follow from").default_value("0"))
        .arg(value(
            "checkpoint",
            "DIR",
            path(),
            "Where a long job keeps what it has so far; beside the graph unless given",
        ))
        .arg(
            value("checkpoint-seconds", "S", value_parser!(u64), "How often it does; 0 is after each iteration")
                .default_value("30"),
        )
        .arg(graph::json())
}

fn value(name: &'static str, value: &'static str, parser: impl Into<ValueParser>, help: &'static str) -> Arg {
    Arg::new(name).long(name).value_name(value).value_parser(parser).help(help)
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    not_negative(text).and_then(|number| if number <= 1.0 { Ok(number) } else { Err("more than 1".to_owned()) })
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if number >= 0.0 && number.is_finite() { Ok(number) } else { Err("not a number from 0 on".to_owned()) }
}
