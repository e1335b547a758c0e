//! Requests over HTTP at the rate that is asked for, whatever the server does, and how long they took.
//!
//! Starts `roost serve` on a generated graph, or asks a server that runs. `--beside JOB` tells what a job over the whole graph
//! costs those who read their feeds meanwhile; `--versus` compares home feeds with those of
//! PostgreSQL and Redis, which `scripts/install-peers` installs.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use benches::load::beside;
use benches::load::beside::job::Job;
use benches::load::mix::Mix;
use benches::load::people::People;
use benches::load::report::{Report, Tried};
use benches::load::schedule::Schedule;
use benches::load::search::Search;
use benches::load::stage::{Stage, Staged, Wanted};
use benches::load::versus;
use benches::load::windows::Windows;
use benches::servers::roost::Roost;
use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use tokio::signal::unix::{SignalKind, signal};

/// As in `roost` itself.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// What one request in a hundred may take where the highest rate is looked for.
const P99_MAX_MS: f64 = 10.0;

/// Requests over HTTP at a given rate, and how long they took.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    role: Option<RoleCommand>,
    /// Which requests.
    #[arg(long, value_enum, default_value_t = Mix::Mixed)]
    mix: Mix,
    #[command(flatten)]
    wanted: Wanted,
    /// The `roost` to start; that of these sources where it is not given.
    #[arg(long)]
    roost: Option<PathBuf>,
    /// A setting of the server that is started, as name=value.
    #[arg(long, value_name = "SETTING", conflicts_with = "url")]
    set: Vec<String>,
    /// A server that runs, as http://host:port, instead of one of our own.
    #[arg(long, requires = "tokens")]
    url: Option<String>,
    /// The people of that server: a name and an access token a line.
    #[arg(long, requires = "url")]
    tokens: Option<PathBuf>,
    /// Requests a second; where the highest rate is looked for, the first to be tried.
    #[arg(long, default_value_t = 1000.0)]
    rate: f64,
    /// Seconds of each measurement.
    #[arg(long, default_value_t = 30.0)]
    seconds: f64,
    /// Seconds of requests before that, which do not count.
    #[arg(long, default_value_t = 5.0)]
    warm_up: f64,
    /// Connections, each with one request at a time: more than wait for the disk at once, or those who only read wait too.
    #[arg(long, default_value_t = 512)]
    connections: usize,
    /// Look for the highest rate at which 99 of 100 requests take less than 10 ms and none fails.
    #[arg(long, conflicts_with = "versus")]
    find_rate: bool,
    /// Compare home feeds with those of PostgreSQL and Redis, on one core each.
    #[arg(long, conflicts_with = "url")]
    versus: bool,
    /// Measure home feeds alone and beside this job of `roost analytics`, which is given with its flags.
    #[arg(long, value_name = "JOB", conflicts_with_all = ["url", "versus", "find_rate"])]
    beside: Option<String>,
    /// Pairs of such measurements.
    #[arg(long, requires = "beside", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pairs: u32,
    /// One JSON object instead of tables.
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum RoleCommand {
    /// Serves a file as an answer that is always the same; this program calls itself so.
    #[command(hide = true)]
    ServeStatic {
        /// The answer's body.
        file: PathBuf,
    },
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let Some(RoleCommand::ServeStatic { file }) = &args.role {
        return tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(versus::fixed::serve(file));
    }
    anyhow::ensure!(args.rate > 0.0 && args.connections > 0, "--rate and --connections are above 0");
    // One thread asks: the server has the other cores, and what it can get of this one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let stopped = tokio::select! {
            result = load(&args) => return result,
            _ = tokio::signal::ctrl_c() => "interrupted",
            _ = terminated.recv() => "terminated",
        };
        // Servers and folders have gone with the run.
        anyhow::bail!(stopped)
    })
}

async fn load(args: &Args) -> anyhow::Result<()> {
    if let (Some(url), Some(tokens)) = (&args.url, &args.tokens) {
        return measure(args, People::of_file(url, tokens)?, None, None).await;
    }
    let roost = Roost::new(args.roost.as_deref(), &args.set)?;
    let mut stage = Stage::make(&args.wanted, &roost)?;
    if args.versus {
        let report = versus::compare(&mut stage, &roost, Duration::try_from_secs_f64(args.seconds)?).await?;
        match args.json {
            true => println!("{}", serde_json::to_string(&report)?),
            false => print!("{}", report.table()),
        }
        return Ok(());
    }
    let readers = {
        let server = roost.serve(&stage.data(), None).await?;
        stage.meet(server.grpc).await?;
        stage.post(server.grpc, |_| {}).await?;
        stage.readers(&roost)?
    };
    // Tokens are made by a process beside the server, which forgets all accounts then. The one that is asked knows them.
    let server = roost.serve(&stage.data(), None).await?;
    let people = People::at(server.http, stage.names(), readers);
    let log = stage.folder().join("job.log");
    let job = args.beside.as_deref().map(|job| Job::new(&roost, job, server.grpc, log));
    measure(args, people, Some(stage.staged().clone()), job).await
}

/// Sends the requests and prints what became of them.
async fn measure(args: &Args, mut people: People, data: Option<Staged>, job: Option<Job>) -> anyhow::Result<()> {
    people.look_around().await?;
    let (warm_up, time) = (Duration::try_from_secs_f64(args.warm_up)?, Duration::try_from_secs_f64(args.seconds)?);
    let mut report = Report {
        mix: args.mix,
        data,
        readers: people.readers.len(),
        connections: args.connections,
        tried: Vec::new(),
        highest_rate: None,
        run: None,
        beside: None,
    };
    let mut windows = Windows::new(&people, args.mix, args.connections, args.wanted.seed);
    let schedule = Schedule { rate: args.rate, warm_up, time };
    match job {
        Some(job) => report.beside = Some(beside::measure(&mut windows, schedule, &job, args.pairs).await?),
        None if args.find_rate => find_rate(&mut windows, schedule, &mut report).await?,
        None => report.run = Some(windows.measure(schedule).await?),
    }
    match args.json {
        true => println!("{}", serde_json::to_string(&report).context("the report as JSON")?),
        false => print!("{}", report.table()),
    }
    Ok(())
}

/// Looks for the highest rate that the server keeps up with, from that of the schedule on.
async fn find_rate(windows: &mut Windows<'_>, schedule: Schedule, report: &mut Report) -> anyhow::Result<()> {
    let mut search = Search::from(schedule.rate);
    while let Some(rate) = search.next() {
        let run = windows.measure(Schedule { rate, ..schedule }).await?;
        let (p99_ms, failed) = (run.latency.p99_ms, run.failed());
        let kept_up = p99_ms < P99_MAX_MS && failed == 0;
        eprintln!("{rate:.0} requests a second: p99 {p99_ms:.2} ms, {failed} failed");
        report.tried.push(Tried { rate, p99_ms, failed, kept_up });
        if kept_up {
            report.run = Some(run);
        }
        search.tell(kept_up);
        report.highest_rate = Some(search.highest().unwrap_or_default());
    }
    Ok(())
}
