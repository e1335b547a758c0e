//! Changes at a given rate, whatever the store does.

use std::time::Duration;

use base::{Relation, UserId};
use graph_store::log::Operation;
use graph_store::store::Change;
use graph_store::{Store, StoreError};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::time::{Instant, sleep, sleep_until};

use super::acknowledged::{Acknowledged, Follow};
use crate::times::Times;

/// Writers, each with one change at a time and sources of its own.
const LANES: u32 = 1024;
/// One change in so many takes away what came before.
const REMOVAL_EVERY: u32 = 4;
/// How long a change that was refused for now waits before it comes again.
const RETRY_INTERVAL: Duration = Duration::from_millis(1);

/// Writes for so long. The times from when a change was due to its acknowledgement, and what was acknowledged.
pub(super) fn write_for(
    store: &Store,
    users: u32,
    changes_per_second: u32,
    duration: Duration,
) -> Result<(Times, Acknowledged), StoreError> {
    let failed = |source| StoreError::Io { path: "tokio".into(), doing: "started", source };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().map_err(failed)?;
    runtime.block_on(async {
        let started = Instant::now();
        let lanes: Vec<_> = (0..LANES)
            .map(|lane| {
                let interval = Duration::from_secs_f64(f64::from(LANES) / f64::from(changes_per_second));
                let first = started + interval.mul_f64(f64::from(lane) / f64::from(LANES));
                let lane = Lane { store: store.clone(), users, lane, interval };
                tokio::spawn(lane.run(first, started + duration))
            })
            .collect();
        let (mut all_times, mut all) = (Times::default(), Acknowledged::default());
        for lane in lanes {
            let (times, acknowledged) = lane.await.map_err(|_| StoreError::Closing)??;
            all_times.extend(&times);
            all.extend(acknowledged);
        }
        Ok((all_times, all))
    })
}

struct Lane {
    store: Store,
    users: u32,
    lane: u32,
    interval: Duration,
}

impl Lane {
    async fn run(self, first: Instant, end: Instant) -> Result<(Times, Acknowledged), StoreError> {
        let mut random = ChaCha8Rng::seed_from_u64(u64::from(self.lane));
        let (mut times, mut acknowledged) = (Times::default(), Acknowledged::default());
        let mut due = first;
        while due < end {
            let was_late = Instant::now() > due;
            sleep_until(due).await;
            // That the timer is late is none of the store's fault; that the change before this one was, is.
            let began = if was_late { due } else { Instant::now() };
            let follow = self.draw(&mut random, &acknowledged);
            self.apply(follow).await?;
            acknowledged.push(follow);
            times.record(began.elapsed());
            due += self.interval;
        }
        Ok((times, acknowledged))
    }

    /// A new follow of one of the lane's users, or the end of one that came before.
    fn draw(&self, random: &mut ChaCha8Rng, acknowledged: &Acknowledged) -> Follow {
        if random.random_range(0..REMOVAL_EVERY) == 0
            && !acknowledged.is_empty()
            && let Some(before) = acknowledged.nth(random.random_range(0..acknowledged.len() as usize))
        {
            return Follow { is_there: false, ..before };
        }
        let lanes = LANES.min(self.users);
        let source = self.lane % lanes + lanes * random.random_range(0..self.users / lanes);
        let step = random.random_range(1..self.users);
        Follow { source: UserId(source), target: UserId((source + step) % self.users), is_there: true }
    }

    async fn apply(&self, follow: Follow) -> Result<(), StoreError> {
        let Follow { source, target, is_there } = follow;
        let operation = if is_there { Operation::Add } else { Operation::Remove };
        let time = self.store.now_seconds();
        let change = Change { relation: Relation::Follow, operation, source, target, time };
        loop {
            match self.store.apply(vec![change]).await {
                Err(StoreError::Busy { .. } | StoreError::OverlayFull { .. }) => sleep(RETRY_INTERVAL).await,
                applied => return applied.map(drop),
            }
        }
    }
}
