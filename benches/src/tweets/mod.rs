//! Many tweets: how fast they are loaded, and what they take.

mod nobody;
mod report;
mod said;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use anyhow::Context;
use base::clock::SystemClock;
use timeline_service::{LOAD_TWEETS_MAX, LoadedTweet, MEMORY_OF_TABLES_BYTES, Settings, TimelineService};
use tokio::task::JoinSet;

use self::nobody::Nobody;
pub use self::report::Report;
use self::said::Said;
use crate::progress::Progress;
use crate::scale::process::peak_rss_bytes;

/// Loads that are under way at once: one is written while another is prepared.
const LOADS: usize = 3;
/// Batches that wait to be loaded.
const AHEAD: usize = 4;
/// Bytes of a tweet's key, as the goal counts it.
const KEY_BYTES: u64 = 16;
/// Bytes of a stored value before its message: version and checksum.
const VALUE_HEADER_BYTES: u64 = 5;

/// What is loaded.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// How many tweets.
    pub tweets: u64,
    /// By how many users.
    pub users: u32,
    /// What they are made from.
    pub seed: u64,
}

/// Loads tweets into an empty store in `folder`, lets it settle, and opens it again.
///
/// # Errors
///
/// What the service or the disk says.
pub fn measure(load: Load, folder: &Path) -> anyhow::Result<Report> {
    let settings = Settings { folder: folder.join("timeline"), ..Settings::default() };
    let open = || TimelineService::open(settings.clone(), Arc::new(Nobody), Arc::new(SystemClock));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;

    let creating = Instant::now();
    let service = open().context("the store cannot be made")?;
    let create_seconds = creating.elapsed().as_secs_f64();
    let rss_before_bytes = peak_rss_bytes()?;
    let loading = Instant::now();
    let data_bytes = runtime.block_on(fill(&service, load))?;
    let load_seconds = loading.elapsed().as_secs_f64();

    eprintln!("settling");
    let settling = Instant::now();
    service.settle()?;
    let settle_seconds = settling.elapsed().as_secs_f64();
    let closing = Instant::now();
    service.close();
    drop(service);
    let close_seconds = closing.elapsed().as_secs_f64();

    let disk = Disk::of(&settings.folder)?;
    let opening = Instant::now();
    let service = open().context("the store does not open again")?;
    let reopen_seconds = opening.elapsed().as_secs_f64();
    drop(service);
    let bounds_bytes = settings.cache_bytes
        + MEMORY_OF_TABLES_BYTES
        + (settings.feeds.heads_bytes + settings.feeds.feeds_bytes + settings.feeds.lists_bytes) as u64;
    Ok(Report {
        tweets: load.tweets,
        users: load.users,
        tweets_per_second: load.tweets as f64 / load_seconds,
        load_seconds,
        settle_seconds,
        data_bytes,
        disk_bytes: disk.all,
        journal_bytes: disk.journals,
        bytes_per_data_byte: disk.all as f64 / data_bytes as f64,
        rss_before_bytes,
        rss_peak_bytes: peak_rss_bytes()?,
        bounds_bytes,
        create_seconds,
        close_seconds,
        reopen_seconds,
    })
}

/// Loads all of them; the bytes of their keys, at 16 each, and values.
async fn fill(service: &TimelineService, load: Load) -> anyhow::Result<u64> {
    let (sender, batches) = sync_channel::<Vec<LoadedTweet>>(AHEAD);
    let making = std::thread::spawn(move || {
        let mut said = Said::new(load.users, load.seed);
        let mut left = load.tweets;
        while left > 0 {
            let len = left.min(LOAD_TWEETS_MAX as u64);
            if sender.send((0..len).map(|_| said.next()).collect()).is_err() {
                return;
            }
            left -= len;
        }
    });
    let progress = Progress::new("load", load.tweets);
    let started = Instant::now();
    let (mut under_way, mut done, mut data_bytes) = (JoinSet::new(), 0, 0);
    loop {
        let batch = if under_way.len() < LOADS { batches.recv().ok() } else { None };
        match batch {
            Some(batch) => {
                data_bytes += batch.iter().map(|tweet| KEY_BYTES + value_bytes(tweet)).sum::<u64>();
                let service = service.clone();
                under_way.spawn(async move { service.load(batch).await });
            }
            None => match under_way.join_next().await {
                Some(loaded) => done += loaded??.len() as u64,
                None => break,
            },
        }
        progress.set(done, || format!("{:.0} tweets a second", done as f64 / started.elapsed().as_secs_f64()));
    }
    making.join().ok().context("the tweets were not made")?;
    anyhow::ensure!(done == load.tweets, "{done} tweets were loaded");
    Ok(data_bytes)
}

/// Bytes of a tweet's value: the header of a record, and the message's fields for the text and for the entities, where
/// only hashtags and links take more than two bytes. Those are counted as empty, which makes the goal harder.
fn value_bytes(tweet: &LoadedTweet) -> u64 {
    let len = tweet.text.len() as u64;
    VALUE_HEADER_BYTES + 1 + if len < 128 { 1 } else { 2 } + len + 2
}

/// What a folder takes on disk, as the file system counts it.
#[derive(Default)]
struct Disk {
    all: u64,
    journals: u64,
}

impl Disk {
    fn of(folder: &Path) -> anyhow::Result<Self> {
        let mut disk = Disk::default();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let about = entry.metadata()?;
            if about.is_dir() {
                let below = Disk::of(&entry.path())?;
                disk.all += below.all;
                disk.journals += below.journals;
                continue;
            }
            // Journals are longer than what is written in them: blocks of 512 bytes are what is there.
            let bytes = about.blocks() * 512;
            disk.all += bytes;
            if entry.path().extension().is_some_and(|extension| extension == "jnl") {
                disk.journals += bytes;
            }
        }
        Ok(disk)
    }
}
