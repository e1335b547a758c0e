//! The flags of the jobs: those of all, and those of each.

use std::path::PathBuf;

use analytics::request::THREADS_MAX;
use anyhow::Context;
use clap::builder::{PossibleValuesParser, RangedU64ValueParser, ValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use proto::analytics::run_request::Job as Asked;
use proto::analytics::{self as wire, Measure, RunRequest, Users};
use proto::graph::Direction;

use crate::cli::{command_of, graph, memory};
use crate::config::Role;

/// One command for each job.
pub(super) fn commands() -> [Command; 14] {
    let source = || {
        value("source", "ID", value_parser!(u64), "Where to start: an external id")
            .required_unless_present("print-config")
    };
    let iterations = |help| value("iterations", "N", value_parser!(u32), help);
    [
        published(job("pagerank", "Rank everybody by who follows them, and who follows those"))
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
        published(for_users(job("who-to-follow", "Whom to suggest to everybody: circles of trust, and SALSA on them")))
            .mut_arg("publish", |publish| publish.conflicts_with("users"))
            .arg(value("circle", "N", value_parser!(u32), "People in a circle of trust; 500 unless given")),
    ]
}

/// With `--plot`.
fn plotted(job: Command) -> Command {
    job.arg(value("plot", "FILE.svg", value_parser!(PathBuf), "Where a picture goes: a file that is not there yet"))
}

/// With `--publish`.
fn published(job: Command) -> Command {
    let help = "Make the result what the service answers from";
    job.arg(Arg::new("publish").long("publish").action(ArgAction::SetTrue).help(help))
}

/// With `--users` and `--top`.
fn for_users(job: Command) -> Command {
    let users = "For whom: an external id, or a file with one a line; everybody unless given";
    job.arg(value("users", "FILE|ID", value_parser!(String), users))
        .arg(value("top", "K", value_parser!(u16), "So many for each at the most").default_value("10"))
}

/// What the flags ask for.
pub(super) fn request_of(name: &str, flags: &ArgMatches) -> anyhow::Result<RunRequest> {
    Ok(RunRequest {
        job: Some(job_of(name, flags)?),
        undirected: flags.get_flag("undirected"),
        threads: flags.get_one("threads").copied().unwrap_or_default(),
        memory_bytes: flags.get_one("memory").copied().unwrap_or_default(),
        seed: flags.get_one("seed").copied().unwrap_or_default(),
        publish: publishes(flags),
        rows: flags.contains_id("out"),
        user_ids: flags.get_one::<String>("ids").is_some_and(|ids| ids == "users"),
        plot: plot_of(flags).is_some(),
        checkpoint_seconds: flags.get_one("checkpoint-seconds").copied(),
    })
}

/// Where the picture goes, of jobs that have one.
pub(super) fn plot_of(flags: &ArgMatches) -> Option<&PathBuf> {
    flags.try_get_one("plot").ok().flatten()
}

fn publishes(flags: &ArgMatches) -> bool {
    flags.try_get_one("publish").ok().flatten().copied().unwrap_or_default()
}

fn job_of(name: &str, flags: &ArgMatches) -> anyhow::Result<Asked> {
    let number = |name| flags.get_one::<f64>(name).copied();
    let iterations = || flags.get_one::<u32>("iterations").copied();
    let source = || flags.get_one::<u64>("source").copied().unwrap_or_default();
    let top = || flags.get_one::<u16>("top").map(|top| u32::from(*top));
    Ok(match name {
        "pagerank" => Asked::Pagerank(wire::PageRank {
            damping: number("damping"),
            iterations: iterations(),
            tolerance: number("tolerance"),
        }),
        "bfs" => Asked::Bfs(wire::Bfs { source: source() }),
        "wcc" => Asked::Wcc(wire::Wcc {}),
        "cdlp" => Asked::Cdlp(wire::Cdlp { iterations: iterations() }),
        "lcc" => Asked::Lcc(wire::Lcc {}),
        "sssp" => Asked::Sssp(wire::Sssp { source: source(), weighted: flags.get_flag("weights") }),
        "triangles" => Asked::Triangles(wire::Triangles {}),
        "kcore" => Asked::Kcore(wire::KCore {}),
        "degrees" => Asked::Degrees(wire::Degrees {}),
        "reciprocity" => Asked::Reciprocity(wire::Reciprocity {}),
        "communities" => {
            Asked::Communities(wire::Communities { resolution: number("resolution"), iterations: iterations() })
        }
        "influence" => Asked::Influence(wire::Influence { precision: flags.get_one("precision").copied() }),
        "similar" => {
            let is = |name: &str, value: &str| flags.get_one::<String>(name).is_some_and(|given| given == value);
            let measure = if is("measure", "cosine") { Measure::Cosine } else { Measure::Jaccard };
            let direction = if is("of", "followers") { Direction::Reverse } else { Direction::Forward };
            Asked::Similar(wire::Similar {
                top: top(),
                measure: measure as i32,
                direction: direction as i32,
                steps: flags.get_one("steps").copied(),
                users: users(flags)?,
            })
        }
        "who-to-follow" => {
            let circle = flags.get_one("circle").copied();
            Asked::WhoToFollow(wire::WhoToFollow { top: top(), circle, users: users(flags)? })
        }
        _ => anyhow::bail!("there is no job {name}"),
    })
}

/// For whom it is: an id, or those in a file.
fn users(flags: &ArgMatches) -> anyhow::Result<Option<Users>> {
    let Some(given) = flags.get_one::<String>("users") else { return Ok(None) };
    if let Ok(id) = given.parse() {
        return Ok(Some(Users { ids: vec![id] }));
    }
    let text = std::fs::read_to_string(given).with_context(|| format!("reading {given}"))?;
    let id = |line: &str| line.trim().parse().with_context(|| format!("{line:?} in {given} is not an id"));
    let ids = text.lines().filter(|line| !line.trim().is_empty()).map(id).collect::<Result<_, _>>()?;
    Ok(Some(Users { ids }))
}

/// A job, with the flags that all have.
fn job(name: &'static str, about: &'static str) -> Command {
    let path = || value_parser!(PathBuf);
    let threads = RangedU64ValueParser::<u32>::new().range(1..=THREADS_MAX.into());
    command_of(name, Role::Analytics)
        .mut_arg("data", |data| data.conflicts_with("graph_store"))
        .about(about)
        .arg(value("out", "FILE", path(), "Where each vertex's value goes: a file that is not there yet"))
        .arg(
            value("format", "FORMAT", PossibleValuesParser::new(["csv", "parquet"]), "How it is written")
                .default_value("csv"),
        )
        .arg(choice("ids", &["external", "users"], "External ids where there are any, or the store's own"))
        .arg(
            Arg::new("undirected")
                .long("undirected")
                .action(ArgAction::SetTrue)
                .help("Each edge counts in both directions"),
        )
        .arg(value("threads", "N", threads, "Threads that compute; one a core unless given, of a server half as many"))
        .arg(value(
            "memory",
            "BYTES",
            ValueParser::new(memory::bytes),
            "What its arrays may take, such as 800M or 8G; half of the machine's unless given, of a server what that allows",
        ))
        .arg(value("seed", "S", value_parser!(u64), "What random choices follow from").default_value("0"))
        .arg(value(
            "checkpoint",
            "DIR",
            path(),
            "Where a long job keeps what it has so far; beside the graph unless given",
        ).conflicts_with("graph_store"))
        .arg(
            value("checkpoint-seconds", "S", value_parser!(u32), "How often it does; 0 is after each iteration")
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
