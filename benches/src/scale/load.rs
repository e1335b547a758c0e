//! From nothing to segments on the disk.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use graph_store::generate::generate as generate_graph;
use graph_store::import::{Import, Step, import};
use graph_store::store::BulkOptions;
use serde_json::{Map, Value};

use super::process::peak_rss_bytes;
use super::{Scale, figures};

/// Writes the edge list, and returns once it is on the disk, so that nothing of it is left to do while it is loaded.
pub(super) fn generate(scale: &Scale) -> Result<Map<String, Value>> {
    let path = scale.edges_file()?;
    if scale.keep && path.exists() {
        eprintln!("the edge list is there already");
        return Ok(Map::new());
    }
    std::fs::create_dir_all(scale.folder()?)?;
    let start = Instant::now();
    let tell = Telling::new("generated");
    let file = File::create(&path)?;
    let report = generate_graph(&scale.spec()?, BufWriter::with_capacity(1 << 20, &file), &|edges, all| {
        tell.tell(edges as f64 / all.max(1) as f64);
    })?;
    file.sync_all()?;
    Ok(figures([
        ("users", report.users.into()),
        ("generated_edges", report.edges.into()),
        ("generate_seconds", start.elapsed().as_secs_f64().into()),
    ]))
}

/// Loads the edge list into an empty store; the time is from the first byte read to the manifest on the disk.
pub(super) fn load(scale: &Scale) -> Result<Map<String, Value>> {
    let graph = scale.folder()?.join("graph");
    if scale.keep && graph.exists() {
        std::fs::remove_dir_all(&graph)?;
    }
    let store = scale.open()?;
    let options = BulkOptions { memory: scale.memory, spill_folder: scale.folder()?, ..BulkOptions::default() };
    let tell = Telling::new("loaded");
    let start = Instant::now();
    let read_seconds = Mutex::new(0.0);
    let report =
        import(&store, &Import { edges: scale.edges_file()?, options, ..Import::default() }, &|step| match step {
            Step::Reading { bytes, bytes_total, .. } => {
                *read_seconds.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = start.elapsed().as_secs_f64();
                tell.tell(0.3 * bytes as f64 / bytes_total.unwrap_or(bytes).max(1) as f64);
            }
            Step::Writing { share } => tell.tell(0.3 + 0.7 * share),
        })?;
    let seconds = start.elapsed().as_secs_f64();
    let peak = peak_rss_bytes()?;
    let stats = store.stats()?;
    ensure!(stats.edges == report.bulk.added, "every edge that was added is counted");
    store.close();
    let times_bytes = bytes_of(&graph.join("segments"), ".times")?;
    Ok(figures([
        ("edges", stats.edges.into()),
        ("load_seconds", seconds.into()),
        ("load_read_seconds", read_seconds.into_inner().unwrap_or_default().into()),
        ("load_edges_per_second", (stats.edges as f64 / seconds).into()),
        ("load_peak_rss_bytes", peak.into()),
        ("disk_bytes", bytes_of(&graph, "")?.into()),
        ("bytes_per_edge_forward", stats.bytes_per_edge_forward.into()),
        ("bytes_per_edge_reverse", stats.bytes_per_edge_reverse.into()),
        ("bytes_per_edge_times", (times_bytes as f64 / stats.edges as f64).into()),
    ]))
}

/// Bytes of all files of a folder and those in it whose names end so.
fn bytes_of(folder: &Path, suffix: &str) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            bytes += bytes_of(&entry.path(), suffix)?;
        } else if entry.file_name().to_string_lossy().ends_with(suffix) {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

/// Tells how far something is, now and then.
struct Telling {
    what: &'static str,
    start: Instant,
    last: Mutex<Instant>,
}

impl Telling {
    fn new(what: &'static str) -> Self {
        Telling { what, start: Instant::now(), last: Mutex::new(Instant::now()) }
    }

    fn tell(&self, share: f64) {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.elapsed() >= Duration::from_secs(5) {
            *last = Instant::now();
            let left = self.start.elapsed().as_secs_f64() * (1.0 / share.max(1e-6) - 1.0);
            eprintln!("{} {:.0} %, {left:.0} s left", self.what, share * 100.0);
        }
    }
}
