//! What a store does while its graph changes: how many durable changes it takes, and what readers feel of them.
//!
//! [`apply_per_second_durable_64_writers`] is a closed loop: 64 threads, each with one change at a time. [`churn`] is an
//! open one: changes and reads are due at fixed times, whatever the store does, and what comes late counts from when it
//! was due. Afterwards [`Acknowledged::lost`] looks for every change that was acknowledged.

mod acknowledged;
mod readers;
mod writers;

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base::{Relation, UserId};
use graph_store::log::Operation;
use graph_store::store::{Change, Outcome};
use graph_store::{Store, StoreError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

pub use acknowledged::Acknowledged;

/// Threads that write in a closed loop.
const WRITERS: usize = 64;
/// How often the overlay is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// What [`churn`] saw.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct ChurnReport {
    /// Milliseconds of a read in the middle.
    pub read_p50_ms: f64,
    /// Milliseconds that one read in a hundred exceeds.
    pub read_p99_ms: f64,
    /// Milliseconds of the slowest read.
    pub read_max_ms: f64,
    /// Reads.
    pub reads: u64,
    /// Milliseconds from a change's being due to its being acknowledged, in the middle.
    pub write_p50_ms: f64,
    /// The same for one change in a hundred.
    pub write_p99_ms: f64,
    /// The same for the slowest.
    pub write_max_ms: f64,
    /// Changes that were acknowledged.
    pub changes: u64,
    /// Acknowledged changes that the store does not show.
    pub changes_lost: u64,
    /// The most that the overlay took.
    pub overlay_peak_bytes: u64,
    /// The most that the log's files took.
    pub log_peak_bytes: u64,
    /// How often the overlay shrank: the compactions of single slots.
    pub compactions: u64,
}

/// Changes that take effect and are acknowledged each second, from 64 threads with one change a call.
///
/// # Errors
///
/// What the store says, but for a full overlay, which is waited for.
pub fn apply_per_second_durable_64_writers(store: &Store, users: u32, duration: Duration) -> Result<f64, StoreError> {
    let changed = AtomicU64::new(0);
    let started = Instant::now();
    thread::scope(|scope| {
        let write = |seed| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            while started.elapsed() < duration {
                let change = Change {
                    relation: Relation::Follow,
                    operation: Operation::Add,
                    source: UserId(random.random_range(0..users)),
                    target: UserId(random.random_range(0..users)),
                    time: store.now_seconds(),
                };
                match store.apply_blocking(vec![change]) {
                    Ok(applied) => {
                        let outcomes = applied.outcomes.iter().filter(|outcome| **outcome == Outcome::Changed);
                        changed.fetch_add(outcomes.count() as u64, Ordering::Relaxed);
                    }
                    Err(StoreError::OverlayFull { .. } | StoreError::Busy { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        };
        let writers: Vec<_> = (0..WRITERS as u64).map(|seed| scope.spawn(move || write(seed))).collect();
        writers.into_iter().try_for_each(|writer| writer.join().unwrap_or(Err(StoreError::Closing)))
    })?;
    Ok(changed.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64())
}

/// Changes the follows of `users` users so many times a second, reads meanwhile, and then looks for every change. What
/// was acknowledged is handed back, to be looked for again.
///
/// # Errors
///
/// What the store says, but for a full overlay, which is waited for.
pub fn churn(
    store: &Store,
    users: u32,
    changes_per_second: u32,
    duration: Duration,
) -> Result<(ChurnReport, Acknowledged), StoreError> {
    let is_over = AtomicBool::new(false);
    let (overlay_peak, log_peak) = (AtomicUsize::new(0), AtomicU64::new(0));
    let watch = || {
        let (mut before, mut shrank) = (0, 0);
        while !is_over.load(Ordering::Relaxed) {
            let bytes = store.overlay_bytes();
            overlay_peak.fetch_max(bytes, Ordering::Relaxed);
            log_peak.fetch_max(store.log_bytes(), Ordering::Relaxed);
            shrank += u64::from(bytes < before);
            before = bytes;
            thread::sleep(LOOK_INTERVAL);
        }
        shrank
    };
    let (written, read, compactions) = thread::scope(|scope| {
        let watching = scope.spawn(watch);
        let reading = scope.spawn(|| readers::read_until(store, users, &is_over));
        let written = writers::write_for(store, users, changes_per_second, duration);
        is_over.store(true, Ordering::Relaxed);
        let read = reading.join().unwrap_or(Err(StoreError::Closing));
        (written, read, watching.join().unwrap_or_default())
    });
    let (write_times, acknowledged) = written?;
    let read_times = read?;
    let report = ChurnReport {
        read_p50_ms: read_times.quantile_ms(0.5),
        read_p99_ms: read_times.quantile_ms(0.99),
        read_max_ms: read_times.quantile_ms(1.0),
        reads: read_times.len(),
        write_p50_ms: write_times.quantile_ms(0.5),
        write_p99_ms: write_times.quantile_ms(0.99),
        write_max_ms: write_times.quantile_ms(1.0),
        changes: acknowledged.len(),
        changes_lost: acknowledged.lost(store)?,
        overlay_peak_bytes: overlay_peak.into_inner() as u64,
        log_peak_bytes: log_peak.into_inner(),
        compactions,
    };
    Ok((report, acknowledged))
}
