//! Changes: as many as 64 writers can make, a steady rate for a long time, and so many that the process that is killed
//! had its overlay full.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use base::{ListRef, Relation, UserId};
use graph_store::log::Operation;
use graph_store::store::Change;
use graph_store::{Options, StoreError};
use serde_json::{Map, Value};

use super::questions::Questions;
use super::{Scale, figures, print};
use crate::churn::{apply_per_second_durable_64_writers, churn as churn_for};

/// Changes a second of the churn.
const CHANGES_PER_SECOND: u32 = 20_000;
/// Changes of one call, and threads that call, where an overlay is to be filled fast.
const CALL_CHANGES: usize = 10_000;
const FILLERS: u64 = 3;
pub(super) fn churn(scale: &Scale) -> Result<Map<String, Value>> {
    let store = scale.open_warm()?;
    let time = scale.churn_time();
    let apply = apply_per_second_durable_64_writers(&store, store.users(), (time / 4).min(Duration::from_secs(30)))?;
    eprintln!("{apply:.0} durable changes a second from 64 writers");
    let (report, acknowledged) = churn_for(&store, store.users(), CHANGES_PER_SECOND, time)?;
    store.close();
    drop(store);
    let lost_later = acknowledged.lost(&scale.open()?)?;
    Ok(figures([
        ("apply_per_second_durable_64_writers", apply.into()),
        ("churn_seconds", time.as_secs().into()),
        ("churn_changes", report.changes.into()),
        ("churn_changes_lost", (report.changes_lost + lost_later).into()),
        ("churn_read_p50_ms", report.read_p50_ms.into()),
        ("churn_read_p99_ms", report.read_p99_ms.into()),
        ("churn_write_p50_ms", report.write_p50_ms.into()),
        ("churn_write_p99_ms", report.write_p99_ms.into()),
        ("churn_compactions", report.compactions.into()),
        ("overlay_peak_bytes", report.overlay_peak_bytes.into()),
        ("overlay_bound_bytes", scale.options().overlay_bytes.into()),
    ]))
}

/// Fills the overlay up to its bound, says so, and goes on until somebody kills this process. Compaction, which begins at half
/// of the bound, would hold it there: so this store's is twice as high.
pub(super) fn fill_and_be_killed(scale: &Scale) -> Result<()> {
    let options = scale.options();
    let bound = options.overlay_bytes;
    let options = Options { overlay_bytes: bound * 2, ..options };
    let (store, _) = scale.open_with(options)?;
    let (store, told) = (&store, &AtomicBool::new(false));
    thread::scope(|scope| {
        let fill = |seed| -> Result<()> {
            let mut people = Questions::new(store.users(), seed);
            loop {
                let time = store.now_seconds();
                let pairs = people.pairs(CALL_CHANGES).into_iter();
                let follow = |(source, target)| Change {
                    relation: Relation::Follow,
                    operation: Operation::Add,
                    source,
                    target,
                    time,
                };
                match store.apply_blocking(pairs.map(follow).collect()) {
                    Err(StoreError::OverlayFull { .. } | StoreError::Busy { .. }) => {}
                    applied => drop(applied?),
                }
                let bytes = store.overlay_bytes();
                if bytes >= bound && !told.swap(true, Ordering::Relaxed) {
                    print(figures([("overlay_bytes_when_killed", bytes.into())]));
                }
            }
        };
        let fillers: Vec<_> = (0..FILLERS).map(|seed| scope.spawn(move || fill(100 + seed))).collect();
        fillers.into_iter().try_for_each(|filler| filler.join().unwrap_or(Err(StoreError::Closing.into())))
    })
}

/// Opens a store after the process that had it was killed.
pub(super) fn reopen(scale: &Scale) -> Result<Map<String, Value>> {
    let start = Instant::now();
    let (store, recovery) = scale.open_with(scale.options())?;
    let seconds = start.elapsed().as_secs_f64();
    let overlay_bytes = store.overlay_bytes();
    store.contains(ListRef::forward(Relation::Follow, UserId(0)), UserId(0))?;
    store.close();
    Ok(figures([
        ("open_after_kill_seconds", seconds.into()),
        ("open_after_kill_replayed", recovery.replayed.into()),
        ("open_after_kill_overlay_bytes", overlay_bytes.into()),
    ]))
}
