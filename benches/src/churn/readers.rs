//! Reads at a given rate, while the graph changes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base::{Direction, ListRef, Relation, UserId};
use graph_store::{Store, StoreError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::times::Times;

/// Between two reads.
const INTERVAL: Duration = Duration::from_micros(250);
/// Entries of a page.
const PAGE: usize = 100;

/// Reads until it is over: memberships, counts and first pages of random users' lists. How long each took from when it
/// was due.
pub(super) fn read_until(store: &Store, users: u32, is_over: &AtomicBool) -> Result<Times, StoreError> {
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(users));
    let mut times = Times::default();
    let mut due = Instant::now();
    while !is_over.load(Ordering::Relaxed) {
        let now = Instant::now();
        let was_late = now > due;
        thread::sleep(due.saturating_duration_since(now));
        // That the timer is late is none of the store's fault; that the read before this one was, is.
        let began = if was_late { due } else { Instant::now() };
        let direction = Direction::ALL[random.random_range(0..2)];
        let list = ListRef { relation: Relation::Follow, direction, user: UserId(random.random_range(0..users)) };
        match random.random_range(0..4) {
            0 => read_page(store, list),
            1 => drop(store.count(list)?),
            _ => drop(store.contains(list, UserId(random.random_range(0..users)))?),
        }
        times.record(began.elapsed());
        due += INTERVAL;
    }
    Ok(times)
}

/// The newest entries of a list.
fn read_page(store: &Store, list: ListRef) {
    // Only a cursor can be refused, and there is none; damage is for the check at the end to tell.
    drop(store.view(list).newest_first("", PAGE));
}
