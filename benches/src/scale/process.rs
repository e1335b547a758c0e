//! Stages as processes.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde_json::{Map, Value};

use super::{Scale, Stage};

/// Runs a stage in a process of its own; what it printed.
pub(super) fn run(scale: &Scale, stage: Stage) -> Result<Map<String, Value>> {
    let mut child = command(scale, stage)?.stdout(Stdio::piped()).spawn()?;
    let mut out = BufReader::new(child.stdout.take().context("standard output is piped")?);
    let mut printed = String::new();
    out.read_line(&mut printed)?;
    if matches!(stage, Stage::Kill) {
        // It waits for this, with everything that it has in memory.
        child.kill()?;
        child.wait()?;
    } else {
        ensure!(child.wait()?.success(), "stage {stage:?} failed");
    }
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
    command.args(scale.churn_seconds.map(|seconds| format!("--churn-seconds={seconds}")));
    command.args(scale.times.then_some("--times"));
    command.args(scale.keep.then_some("--keep"));
    Ok(command)
}

/// The most memory that this process ever had, in bytes.
pub(crate) fn peak_rss_bytes() -> Result<u64> {
    status_bytes("VmHWM:")
}

/// Begins the most memory that this process ever had anew, from what it has.
pub(crate) fn reset_peak_rss() -> Result<()> {
    // The number that Linux has for this.
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}

/// The memory that this process has, mapped files included, in bytes.
pub(super) fn rss_bytes() -> Result<u64> {
    status_bytes("VmRSS:")
}

/// The memory that this process has of its own, in bytes.
pub(super) fn own_bytes() -> Result<u64> {
    status_bytes("RssAnon:")
}

fn status_bytes(field: &str) -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field)).context("Linux tells this field")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes << 10)
}

/// Lets the system's cache forget the files of a folder, which nobody has open.
pub(super) fn forget_cached(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            forget_cached(&path)?;
        } else {
            let file = File::open(path)?;
            file.sync_all()?;
            rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
        }
    }
    Ok(())
}
