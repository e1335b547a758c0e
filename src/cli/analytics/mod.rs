//! `roost analytics JOB`: what the graph says as a whole.
//!
//! - `flags`: the jobs, and what each is told, as a request.
//! - `local`: the graph of a data folder; `remote`: that of a running server.
//! - This file: what is said of either.

mod flags;
mod local;
mod remote;

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use analytics::output::Format;
use anyhow::{Context, anyhow};
use clap::{ArgMatches, Command};
use proto::analytics::Found;
use serde_json::Value;

use super::Failure;
use super::graph::table;
use super::new_file::NewFile;
use crate::config::Role;
use crate::progress::Progress;

pub(super) fn command() -> Command {
    Command::new("analytics")
        .about("Compute something about the whole follow graph of a running server, or of a data folder that none has open")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(flags::commands())
}

pub(super) fn run(analytics: &ArgMatches) -> Result<(), Failure> {
    let Some((name, flags)) = analytics.subcommand() else { return Ok(()) };
    let Some(config) = super::configure(Role::Analytics, flags)? else { return Ok(()) };
    let out = flags.get_one::<PathBuf>("out");
    // Before anything is read: a file that is there already is the most likely mistake.
    let file = out.map(|out| NewFile::create(out)).transpose()?;
    let picture = flags::plot_of(flags).map(|plot| NewFile::create(plot)).transpose()?;
    let request = flags::request_of(name, flags)?;
    // Who names a folder means it, whatever server the environment names.
    let on_server = config.graph_store.authority().is_some() && !flags.contains_id("data");
    if on_server && flags.contains_id("checkpoint") {
        return Err(
            anyhow!("--checkpoint is for --data: a server keeps what a job has so far in its own folder").into()
        );
    }
    let found = if on_server {
        remote::run(flags, &config, request, file)?
    } else {
        local::run(flags, &config, request, file)?
    };
    if let Some(mut picture) = picture.filter(|_| !found.plot.is_empty()) {
        picture.write_all(found.plot.as_bytes())?;
        picture.finish()?;
    }
    super::print(&report(&found, flags.get_flag("json"))?)?;
    Ok(())
}

/// What to say of what was found.
fn report(found: &Found, as_json: bool) -> anyhow::Result<String> {
    let mut report: Value = serde_json::from_str(&found.report).context("reading the figures")?;
    if as_json {
        report["columns"] = serde_json::from_str(&found.summary).context("reading the summary")?;
        return Ok(format!("{report}\n"));
    }
    Ok(format!("{}{}", table(&report), found.summary_text))
}

fn format(flags: &ArgMatches) -> Format {
    match flags.get_one::<String>("format").map(String::as_str) {
        Some("parquet") => Format::Parquet,
        _ => Format::Csv,
    }
}

/// How far a job is, as it is shown: anew with each step.
#[derive(Default)]
struct Shown(Mutex<Option<Progress>>);

impl Shown {
    fn show(&self, step: &str, done: u64, total: u64) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*shown {
            Some(progress) if progress.name() == step => progress.set(done),
            _ => *shown = Some(Progress::with_rate(step.to_owned(), total, "vertices")),
        }
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}
