//! Stages as processes.

use std::io::Read;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde_json::{Map, Value};

use super::{Scale, Stage};

/// Runs a stage in a process of its own; what it printed.
pub(super) fn run(scale: &Scale, stage: Stage) -> Result<Map<String, Value>> {
    let mut child = command(scale, stage)?.stdout(Stdio::piped()).spawn()?;
    let mut printed = String::new();
    child.stdout.take().context("standard output is piped")?.read_to_string(&mut printed)?;
    ensure!(child.wait()?.success(), "stage {stage:?} failed");
    serde_json::from_str(&printed).with_context(|| format!("stage {stage:?} printed {printed:?}"))
}

/// The command of a stage.
fn command(scale: &Scale, stage: Stage) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    let name = |value: &dyn Fn() -> Option<clap::builder::PossibleValue>| {
        value().map(|value| value.get_name().to_owned()).context("every stage and form has a name")
    };
    command.arg("--stage").arg(name(&|| stage.to_possible_value())?);
    command.arg("--encoding").arg(name(&|| scale.encoding.to_possible_value())?);
    command.arg("--folder").arg(scale.folder()?);
    command.arg("--users").arg(scale.users.to_string());
    command.arg("--mean-followees").arg(scale.mean_followees.to_string());
    command.arg("--seed").arg(scale.seed.to_string());
    command.arg("--locality").arg(scale.locality.to_string());
    command.arg("--memory").arg(scale.memory.to_string());
    command.args(scale.celebrity.map(|followers| format!("--celebrity={followers}")));
    command.args(scale.times.then_some("--times"));
    command.args(scale.keep.then_some("--keep"));
    Ok(command)
}

/// The most memory that this process ever had, in bytes.
pub(super) fn peak_rss_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("Linux tells the peak")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes << 10)
}
