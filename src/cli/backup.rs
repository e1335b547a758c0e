//! `roost backup` and `roost restore`: the graph kept elsewhere, and brought back.

use std::ops::ControlFlow;
use std::sync::Arc;

use anyhow::Context;
use base::Revision;
use base::clock::SystemClock;
use base::disk::RealDisk;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use futures::StreamExt;
use graph_store::backup::{BackupReport, Kept, Location, Repository};
use proto::admin::AdminLink;
use proto::graph::BackupRequest;
use proto::graph::backup_response::Part;
use serde_json::Value;

use super::Failure;
use super::graph::{json, open_existing, table};
use crate::config::{Config, ConfigError, Origin, Role};
use crate::progress::Progress;
use crate::roles::folders;

/// `roost backup`.
pub(super) fn backup_command() -> Command {
    super::command_of("backup", Role::Backup)
        .about("Back the graph up to a folder or an S3-compatible store: of a running graph-store, or of a data folder")
        .arg(
            Arg::new("keep")
                .long("keep")
                .value_name("N")
                .value_parser(value_parser!(u32).range(1..))
                .help("Forget all backups but the newest N afterwards"),
        )
        .arg(Arg::new("list").long("list").action(ArgAction::SetTrue).help("Take none; print those that are there"))
        .arg(json())
        .arg(location("to", "TO"))
}

/// `roost restore`.
pub(super) fn restore_command() -> Command {
    super::command_of("restore", Role::Inspect)
        .about("Bring a backup back, as the graph of a data folder that has none")
        .arg(
            Arg::new("backup")
                .long("backup")
                .value_name("NUMBER")
                .value_parser(value_parser!(u64))
                .help("Which one, by the number that `backup --list` prints; the newest unless given"),
        )
        .arg(json())
        .arg(location("from", "FROM"))
}

fn location(name: &'static str, value: &'static str) -> Arg {
    Arg::new(name)
        .value_name(value)
        .required_unless_present("print-config")
        .help("A folder, or s3://BUCKET/PREFIX with AWS_ENDPOINT, AWS_REGION, AWS_ACCESS_KEY_ID and the like")
}

/// Runs `roost backup`.
pub(super) fn back_up(flags: &ArgMatches) -> Result<(), Failure> {
    // What is there can be told without any graph at hand.
    if let Some(to) = place(flags, "to")?.filter(|_| flags.get_flag("list")) {
        return list(&to, flags.get_flag("json"));
    }
    let Some(config) = super::configure(Role::Backup, flags)? else { return Ok(()) };
    let Some(to) = place(flags, "to")? else { return Ok(()) };
    let keep = flags.get_one::<u32>("keep").copied();
    let report = if config.graph_store.authority().is_some() {
        super::runtime()?.block_on(remotely(&config, &to, keep))?
    } else {
        locally(&config, &to, keep)?
    };
    super::print(&if flags.get_flag("json") { format!("{report}\n") } else { table(&report) })?;
    Ok(())
}

/// Runs `roost restore`.
pub(super) fn restore(flags: &ArgMatches) -> Result<(), Failure> {
    let Some(config) = super::configure(Role::Inspect, flags)? else { return Ok(()) };
    let Some(from) = place(flags, "from")? else { return Ok(()) };
    let runtime = super::runtime()?;
    let repository = open(&from, &runtime)?;
    let revision = flags.get_one::<u64>("backup").copied().map(Revision);
    let folder = folders::graph(&config.data);
    let progress = Progress::new("restoring", Progress::SHARES);
    let restored = repository.restore(revision, &RealDisk, &folder, &|done, all| tell(&progress, done, all));
    drop(progress);
    let restored = restored.with_context(|| format!("restoring {from} to {}", folder.display()))?;
    let report = serde_json::to_value(restored)?;
    super::print(&if flags.get_flag("json") { format!("{report}\n") } else { table(&report) })?;
    Ok(())
}

fn place(flags: &ArgMatches, name: &str) -> Result<Option<Location>, Failure> {
    let Some(text) = flags.get_one::<String>(name) else { return Ok(None) };
    let wrong = |error| Failure::Usage(ConfigError::one(name, Origin::Default, format!("{error}")));
    text.parse::<Location>().map(Some).map_err(wrong)
}

fn open(location: &Location, runtime: &tokio::runtime::Runtime) -> anyhow::Result<Repository> {
    let blobs = location.open(Arc::new(RealDisk), Arc::new(SystemClock), runtime.handle().clone())?;
    Ok(Repository::new(blobs))
}

fn tell(progress: &Progress, done: u64, all: u64) -> ControlFlow<()> {
    progress.set_share(done as f64 / all.max(1) as f64);
    ControlFlow::Continue(())
}

fn list(to: &Location, as_json: bool) -> Result<(), Failure> {
    let runtime = super::runtime()?;
    let repository = open(to, &runtime)?;
    let mut backups = Vec::new();
    for revision in repository.revisions()? {
        let manifest = repository.manifest(revision)?;
        backups.push(serde_json::json!({
            "backup": manifest.revision,
            "taken_at_ms": manifest.taken_at_ms,
            "files": manifest.files.len(),
            "bytes": manifest.bytes(),
        }));
    }
    if as_json {
        super::print(&format!("{}\n", Value::from(backups)))?;
        return Ok(());
    }
    for backup in &backups {
        super::print(&format!("{}  {} bytes  at {} ms\n", backup["backup"], backup["bytes"], backup["taken_at_ms"]))?;
    }
    Ok(())
}

/// Of a data folder that no server has open.
fn locally(config: &Config, to: &Location, keep: Option<u32>) -> anyhow::Result<Value> {
    let runtime = super::runtime()?;
    let store = open_existing(config)?;
    let taken = open(to, &runtime).and_then(|repository| {
        let progress = Progress::new("backing up", Progress::SHARES);
        let taken = repository.back_up(&store, &|done, all| tell(&progress, done, all))?;
        let kept = keep.map(|keep| repository.keep(keep as usize)).transpose()?;
        Ok((taken, kept.unwrap_or_default()))
    });
    store.close();
    let (taken, kept) = taken.with_context(|| format!("backing up to {to}"))?;
    Ok(report(&taken, kept))
}

/// Of a running graph-store, which does it itself.
async fn remotely(config: &Config, to: &Location, keep: Option<u32>) -> anyhow::Result<Value> {
    let to = match to {
        // The server takes folders by where they are, not by where it was started.
        Location::Folder(folder) => std::path::absolute(folder).map(Location::Folder)?,
        s3 => s3.clone(),
    };
    let link = AdminLink::connect(config.graph_store.clone(), config.service_token.clone());
    let request = BackupRequest { to: to.to_string(), keep: keep.unwrap_or_default() };
    let asked = || format!("asking {} to back up to {to}", config.graph_store);
    let mut stream = link.backup(request).await.with_context(asked)?;
    let progress = Progress::new("backing up", Progress::SHARES);
    while let Some(message) = stream.next().await {
        match message.with_context(asked)?.part {
            Some(Part::Progress(told)) => drop(tell(&progress, told.bytes_done, told.bytes)),
            Some(Part::Report(told)) => {
                let taken = BackupReport {
                    revision: told.revision.unwrap_or_default().token,
                    backup: told.backup,
                    files: told.files,
                    bytes: told.bytes,
                    files_sent: told.files_sent,
                    bytes_sent: told.bytes_sent,
                };
                let kept = Kept {
                    forgotten: told.backups_forgotten as usize,
                    objects_removed: told.objects_removed as usize,
                    ..Kept::default()
                };
                return Ok(report(&taken, kept));
            }
            None => {}
        }
    }
    anyhow::bail!("{} ended the backup without saying how it went", config.graph_store)
}

fn report(taken: &BackupReport, kept: Kept) -> Value {
    serde_json::json!({
        "revision": taken.revision,
        "backup": taken.backup,
        "files": taken.files,
        "bytes": taken.bytes,
        "files_sent": taken.files_sent,
        "bytes_sent": taken.bytes_sent,
        "backups_forgotten": kept.forgotten,
        "objects_removed": kept.objects_removed,
    })
}
