//! The flags of the jobs: those of all, and those of each.

use std::path::PathBuf;

use analytics::jobs::{Cdlp, Communities, Influence, Measure, PageRank, Similar, Sssp, WhoToFollow};
use analytics::{Job, Users};
use anyhow::Context;
use base::Direction;
use clap::builder::{PossibleValuesParser, RangedU64ValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::source::Source;
use crate::cli::{command_of, graph, memory};
use crate::config::Role;

/// Threads at the most.
const THREADS_MAX: u64 = 1024;

/// One command for each job.
pub(super) fn commands() -> [Command; 14] {
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
        plotted(job("bfs", "How many edges everybody is away from one")).arg(source()),
        plotted(job("wcc", "Components: who is connected with whom, in whatever direction")),
        plotted(job("cdlp", "Communities by label propagation"))
            .arg(iterations("Iterations at the most; 10 unless given")),
        job("lcc", "Local clustering: how well everybody's neighbours know each other"),
        job("sssp", "How far everybody is from one, along edges of different lengths").arg(source()).arg(
            Arg::new("weights")
                .long("weights")
                .action(ArgAction::SetTrue)
                .help("An edge is as long as its weight that the import kept; otherwise each is 1 long"),
        ),
        job("triangles", "How many pairs of everybody's neighbours are neighbours"),
        job("kcore", "Core numbers: how deep everybody sits among those with many neighbours"),
        plotted(job("degrees", "How many edges everybody has, in and out")),
        job("reciprocity", "How many of everybody's edges are mutual"),
        plotted(job("communities", "Communities by modularity, by the Leiden algorithm; always undirected"))
            .arg(iterations("How often all of it is done, from what was found before; 2 unless given"))
            .arg(value("resolution", "R", ValueParser::new(not_negative), "More makes smaller ones; 1 unless given")),
        plotted(job("influence", "Harmonic centralities and how far people are from one another, by HyperBall")).arg(
            value("precision", "P", RangedU64ValueParser::<u32>::new().range(6..=16), "Counters of 2^P bytes")
                .default_value("8"),
        ),
        for_users(job("similar", "Who follows, or is followed by, the most similar people"))
            .arg(choice("measure", &["jaccard", "cosine"], "How similarity is measured"))
            .arg(choice("of", &["followees", "followers"], "Whose lists are compared"))
            .arg(value(
                "steps",
                "N",
                value_parser!(u64),
                "List members that the exact way may look at; beyond, hashes are compared; 2^40 unless given",
            )),
        for_users(job("who-to-follow", "Whom to suggest to everybody: circles of trust, and SALSA on them"))
            .arg(value("circle", "N", value_parser!(u32), "People in a circle of trust; 500 unless given")),
    ]
}

/// With `--plot`.
fn plotted(job: Command) -> Command {
    job.arg(value("plot", "FILE.svg", value_parser!(PathBuf), "Where a picture goes: a file that is not there yet"))
}

/// With `--users` and `--top`.
fn for_users(job: Command) -> Command {
    let users = "For whom: an external id, or a file with one a line; everybody unless given";
    job.arg(value("users", "FILE|ID", value_parser!(String), users))
        .arg(value("top", "K", value_parser!(u16), "So many for each at the most").default_value("10"))
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
        "communities" => {
            let default = Communities::default();
            Job::Communities(Communities {
                resolution: number("resolution").unwrap_or(default.resolution),
                iterations: iterations().unwrap_or(default.iterations),
            })
        }
        "influence" => {
            let precision = flags.get_one("precision").copied();
            let default = Influence::default();
            Job::Influence(Influence { precision: precision.unwrap_or(default.precision), ..default })
        }
        "similar" => {
            let is = |name: &str, value: &str| flags.get_one::<String>(name).is_some_and(|given| given == value);
            let default = Similar::default();
            let parameters = Similar {
                top: top(flags),
                measure: if is("measure", "cosine") { Measure::Cosine } else { Measure::Jaccard },
                direction: if is("of", "followers") { Direction::Reverse } else { Direction::Forward },
                steps_max: flags.get_one("steps").copied().unwrap_or(default.steps_max),
                ..default
            };
            Job::Similar(parameters, users(flags, source)?)
        }
        "who-to-follow" => {
            let default = WhoToFollow::default();
            let circle = flags.get_one::<u32>("circle").map_or(default.circle, |circle| *circle as usize);
            Job::WhoToFollow(WhoToFollow { top: top(flags), circle, ..default }, users(flags, source)?)
        }
        _ => anyhow::bail!("there is no job {name}"),
    })
}

fn top(flags: &ArgMatches) -> usize {
    flags.get_one::<u16>("top").copied().unwrap_or_default().into()
}

/// For whom it is: an id, or those in a file.
fn users(flags: &ArgMatches, source: &Source) -> anyhow::Result<Users> {
    let Some(given) = flags.get_one::<String>("users") else { return Ok(Users::All) };
    if let Ok(id) = given.parse() {
        return Ok(Users::These(vec![source.vertex(id)?]));
    }
    let text = std::fs::read_to_string(given).with_context(|| format!("reading {given}"))?;
    let user = |line: &str| {
        let id = line.trim().parse().with_context(|| format!("{line:?} in {given} is not an id"))?;
        source.vertex(id)
    };
    Ok(Users::These(text.lines().filter(|line| !line.trim().is_empty()).map(user).collect::<Result<_, _>>()?))
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

/// A flag with some values, the first of which is the default.
fn choice(name: &'static str, values: &'static [&'static str], help: &'static str) -> Arg {
    value(name, "WHICH", PossibleValuesParser::new(values), help).default_value(values[0])
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
