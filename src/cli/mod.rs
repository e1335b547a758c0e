//! The command line: what there is, and how a command ends.
//!
//! Exit code 0 when all is well, 2 for wrong usage, settings that are not right included, 1 for everything else.

mod analytics;
mod backup;
mod export;
mod generate;
mod graph;
mod import;
pub(crate) mod memory;
mod new_file;
mod new_folder;
mod servers;
mod token;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use base::telemetry;
use clap::{ArgMatches, Command};

use crate::config::{self, Config, ConfigError, Given, Role};

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The settings are not right.
    Usage(ConfigError),
    /// What was asked for could not be done.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure::Failed(error.into())
    }
}

/// Runs the command that the arguments name.
pub(crate) fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => {
            // A closed standard output leaves nobody to tell.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let result = match matches.subcommand() {
        Some(("token", flags)) => token::run(flags),
        Some(("graph", graph)) => graph::run(graph),
        Some(("analytics", job)) => analytics::run(job),
        Some(("backup", flags)) => backup::back_up(flags),
        Some(("restore", flags)) => backup::restore(flags),
        Some((name, flags)) => servers::run(name, flags),
        None => Ok(()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(error)) => {
            eprintln!("roost: {error}");
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            eprintln!("roost: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn command() -> Command {
    Command::new("roost")
        .about("A social backend built around its follow graph")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(servers::commands())
        .subcommand(token::command())
        .subcommand(graph::command())
        .subcommand(analytics::command())
        .subcommand(backup::backup_command())
        .subcommand(backup::restore_command())
}

/// A command of a role, with the flags of its settings.
fn command_of(name: &'static str, role: Role) -> Command {
    Command::new(name).args(config::flags(role))
}

/// The settings of a command, and the log as they say. `None` when they were only to be printed.
fn configure(role: Role, flags: &ArgMatches) -> Result<Option<Config>, Failure> {
    let given = Given::gather(role, flags);
    let config = Config::from_given(&given).map_err(Failure::Usage)?;
    if flags.get_flag("print-config") {
        print(&given.to_toml())?;
        return Ok(None);
    }
    telemetry::init_logs(config.log_format, &config.log_filter)
        .map_err(|message| Failure::Usage(ConfigError::one("log_filter", given.origin("log_filter"), message)))?;
    Ok(Some(config))
}

/// Writes to standard output. A reader that has seen enough is no error.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// The runtime that everything asynchronous runs on.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_flags_of_a_command_clash() {
        super::command().debug_assert();
    }
}
