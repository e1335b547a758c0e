//! Stores to run jobs on, and the same graphs as arrays.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use analytics::{Csr, Run, RunOptions};
use base::clock::ManualClock;
use base::disk::SimulatedDisk;
use base::{Direction, Relation, Slots, UserId};
use graph_store::log::Operation;
use graph_store::store::{Change, Snapshot, Wanted};
use graph_store::{Options, Store};

/// Seconds since 1970 that the stores' clock shows.
pub(crate) const NOW: u32 = 1_800_000_000;

/// A store of so many users, on a disk in memory.
pub(crate) fn store_of(users: u32) -> Store {
    let options = Options { slots: Slots::new(4), ..Options::default() };
    let clock = Arc::new(ManualClock::new(u64::from(NOW) * 1000));
    let opened = Store::open(Arc::new(SimulatedDisk::new()), clock, Path::new("graph"), options);
    let (store, _) = opened.expect("an empty disk");
    store.allocate_blocking(Wanted::Count(users), String::new()).expect("the disk works");
    store
}

/// Lets people follow others, or no longer do.
pub(crate) fn change(store: &Store, operation: Operation, edges: &[(u32, u32)]) {
    let change = |(source, target): &(u32, u32)| {
        let (source, target) = (UserId(*source), UserId(*target));
        Change { relation: Relation::Follow, operation, source, target, time: NOW }
    };
    store.apply_blocking(edges.iter().map(change).collect()).expect("the disk works");
}

/// The follow graph of a snapshot as arrays, by the slow way: without the calls that jobs use.
pub(crate) fn arrays(snapshot: &Snapshot) -> Csr {
    let lists = snapshot.lists(Relation::Follow, Direction::Forward).map(|list| list.expect("readable"));
    let edges = lists.flat_map(|(user, edges)| edges.into_iter().map(move |edge| (user.0, edge.user.0)));
    Csr::from_edges(snapshot.users(), &edges.collect::<Vec<_>>())
}

pub(crate) fn run() -> Run<'static> {
    run_on(2)
}

/// Circumstances with so many threads.
pub(crate) fn run_on(threads: usize) -> Run<'static> {
    Run::new(RunOptions { threads, ..RunOptions::default() }).expect("threads can be started")
}

/// A file or folder of the data sets. `None`, said aloud, where they are absent; with `CI=true` they may not be.
pub(crate) fn data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ROOST_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{} must be there", path.display());
    // Past the harness, which keeps to itself what a test that passes prints.
    let _ = writeln!(std::io::stderr(), "skipped: {} is not there; set ROOST_TEST_DATA", path.display());
    None
}

/// Edges between vertices that seem random and are always the same; a few of the vertices have most of them.
pub(crate) fn random_edges(vertices: u32, edges: usize) -> Vec<(u32, u32)> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = || {
        // Marsaglia's xorshift64.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u32
    };
    let mut edge = || {
        let (from, to, popular) = (next() % vertices, next() % vertices, next());
        (from, if popular.is_multiple_of(3) { to % 50 } else { to })
    };
    (0..edges).map(|_| edge()).filter(|(from, to)| from != to).collect()
}
