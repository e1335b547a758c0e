//! `roost serve`, and the same roles one to a process: `roost graph-store`, `roost timeline-service`, `roost api`.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use super::Failure;
use crate::config::Role;
use crate::{demo, roles};

/// The commands that run until they are told to stop.
pub(super) fn commands() -> Vec<Command> {
    let ready_file = Arg::new("ready-file")
        .long("ready-file")
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help("Write the addresses to this file, as JSON, once everything listens");
    let demo = Arg::new("demo")
        .long("demo")
        .action(ArgAction::SetTrue)
        .help("Fill an empty data folder with a small lively community first");
    let all = |name: &'static str, role, about: &'static str| {
        super::command_of(name, role).about(about).arg(ready_file.clone())
    };
    vec![
        all("serve", Role::Serve, "Run everything in one process").arg(demo),
        all("graph-store", Role::GraphStore, "Run the follow graph alone"),
        all("timeline-service", Role::TimelineService, "Run tweets and feeds alone"),
        all("api", Role::Api, "Run the REST service alone"),
    ]
}

/// Runs one of them until it is told to stop.
pub(super) fn run(name: &str, flags: &ArgMatches) -> Result<(), Failure> {
    let role = match name {
        "graph-store" => Role::GraphStore,
        "timeline-service" => Role::TimelineService,
        "api" => Role::Api,
        _ => Role::Serve,
    };
    let Some(config) = super::configure(role, flags)? else { return Ok(()) };
    let ready_file = flags.get_one::<PathBuf>("ready-file");
    super::runtime()?.block_on(async {
        if role == Role::Serve && flags.get_flag("demo") {
            demo::prepare(&config).await?;
        }
        roles::run(role, &config, ready_file.map(PathBuf::as_path)).await
    })?;
    Ok(())
}
