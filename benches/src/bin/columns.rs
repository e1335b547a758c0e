//! What the times of edges cost: bytes an edge of a generated graph, and pages of the list of a celebrity.
//!
//! The graph is written into segments of 64 slots, both directions, each edge with a time of its own. The celebrity is
//! imported into a store, and its followers are asked for in pages of 100.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use base::clock::SystemClock;
use base::disk::RealDisk;
use base::{Direction, ListRef, Relation, Revision, Slots, UserId};
use clap::Parser;
use graph_store::adjacency::Encoding;
use graph_store::generate::{GraphSpec, TIMES_END, TIMES_START, generate};
use graph_store::import::binary::EdgeReader;
use graph_store::segment::{SegmentId, SegmentInfo, SegmentWriter};
use graph_store::store::BulkEdges;
use graph_store::{Options, Store};
use serde::Serialize;

const PAGE: usize = 100;
/// Pages that are timed, of which the median counts.
const PAGES: usize = 201;

/// What the times of edges cost.
#[derive(Parser)]
struct Args {
    /// Users of the generated graph.
    #[arg(long, default_value_t = 1_000_000)]
    users: u32,
    /// Whom each of them follows, on average.
    #[arg(long, default_value_t = 20.0)]
    mean_followees: f64,
    /// Followers of the celebrity.
    #[arg(long, default_value_t = 2_000_000)]
    celebrity: u32,
}

#[derive(Serialize)]
struct Report {
    users: u32,
    edges: u64,
    lists_bytes_per_edge: [f64; 2],
    times_bytes_per_edge: [f64; 2],
    celebrity_followers: u32,
    newest_first_page_ns: u64,
    newest_deep_page_ns: u64,
    by_id_deep_page_ns: u64,
    ids_deep_page_ns: u64,
}

/// Owner, member and time.
type Edge = (u32, u32, u32);

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let folder = tempfile::tempdir()?;
    let mut edges = generated(&args, folder.path())?;
    let count = edges.len() as u64;
    let mut sizes = [SegmentInfo::default(); 2];
    for direction in Direction::ALL {
        sizes[direction as usize] = write(&mut edges, direction, folder.path())?;
        edges.iter_mut().for_each(|edge| *edge = (edge.1, edge.0, edge.2));
    }
    drop(edges);
    let [newest, deep, by_id, ids] = pages(args.celebrity, &folder.path().join("store"))?;
    let report = Report {
        users: args.users,
        edges: count,
        lists_bytes_per_edge: sizes.map(|info| info.bytes as f64 / count as f64),
        times_bytes_per_edge: sizes.map(|info| info.times_bytes as f64 / count as f64),
        celebrity_followers: args.celebrity,
        newest_first_page_ns: newest,
        newest_deep_page_ns: deep,
        by_id_deep_page_ns: by_id,
        ids_deep_page_ns: ids,
    };
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

fn generated(args: &Args, folder: &Path) -> anyhow::Result<Vec<Edge>> {
    let path = folder.join("edges");
    let spec = GraphSpec::new(args.users, args.mean_followees, 1)?.with_times();
    let report = generate(&spec, File::create(&path)?, &|_, _| {})?;
    let mut edges = Vec::with_capacity(report.edges as usize);
    for edge in EdgeReader::new(BufReader::new(File::open(&path)?))? {
        let edge = edge?;
        edges.push((edge.source, edge.target, edge.time.context("generated with times")?));
    }
    Ok(edges)
}

/// Writes one direction into segments, and adds up what they take.
fn write(edges: &mut [Edge], direction: Direction, folder: &Path) -> anyhow::Result<SegmentInfo> {
    let slots = Slots::default();
    edges.sort_unstable_by_key(|(owner, member, _)| (slots.slot_of(UserId(*owner)).0, *owner, *member));
    let mut sum = SegmentInfo::default();
    for edges in edges.chunk_by(|a, b| slots.slot_of(UserId(a.0)) == slots.slot_of(UserId(b.0))) {
        let slot = slots.slot_of(UserId(edges[0].0));
        let id = SegmentId { slot, slots, relation: Relation::Follow, direction, number: 1 };
        let mut writer = SegmentWriter::create(&RealDisk, folder, id, Revision(1), 1, Encoding::Auto)?;
        for list in edges.chunk_by(|a, b| a.0 == b.0) {
            let ids: Vec<u32> = list.iter().map(|edge| edge.1).collect();
            let times: Vec<u32> = list.iter().map(|edge| edge.2).collect();
            writer.push(slots.ordinal_of(UserId(list[0].0)), 1, &ids, &times)?;
        }
        let info = writer.finish()?;
        sum.bytes += info.bytes;
        sum.times_bytes += info.times_bytes;
    }
    Ok(sum)
}

/// Nanoseconds of a page: the newest; newest first, and by id with and without times, from the middle of the list.
fn pages(followers: u32, folder: &Path) -> anyhow::Result<[u64; 4]> {
    let (store, _) = Store::open(Arc::new(RealDisk), Arc::new(SystemClock), folder, Options::default())?;
    // Any times will do that have nothing to do with the ids: multiples of a number that shares no factor with the range.
    let range = u64::from(TIMES_END - TIMES_START);
    let time = |user: u32| TIMES_START + (u64::from(user) * 48_271_001 % range) as u32;
    let timed = (1..=followers).map(|user| (user, 0, time(user))).collect();
    let bulk = BulkEdges { external_ids: (0..=u64::from(followers)).collect(), timed, ..BulkEdges::default() };
    store.import(bulk, &|_| {})?;
    let list = ListRef::reverse(Relation::Follow, UserId(0));
    let view = || store.view(list);
    let deep = view().newest_first("", followers as usize / 2)?.next_cursor;
    let deep_by_id = view().by_id("", followers as usize / 2)?.next_cursor;
    let in_order = graph_store::query::page::by_id(&view(), "", followers as usize / 2)?.next_cursor;
    let median = |page: &dyn Fn() -> Result<usize, base::Error>| -> anyhow::Result<u64> {
        let mut times = Vec::with_capacity(PAGES);
        for _ in 0..PAGES {
            let start = Instant::now();
            anyhow::ensure!(page()? == PAGE, "a page is not full");
            times.push(start.elapsed().as_nanos() as u64);
        }
        times.sort_unstable();
        Ok(times[PAGES / 2])
    };
    Ok([
        median(&|| Ok(view().newest_first("", PAGE)?.entries.len()))?,
        median(&|| Ok(view().newest_first(&deep, PAGE)?.entries.len()))?,
        median(&|| Ok(view().by_id(&deep_by_id, PAGE)?.entries.len()))?,
        median(&|| Ok(graph_store::query::page::by_id(&view(), &in_order, PAGE)?.entries.len()))?,
    ])
}
