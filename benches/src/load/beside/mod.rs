//! What a job over the whole graph costs those who read their feeds meanwhile.
//!
//! Pairs of windows, equally long and with as many requests a second: one with the job beside it, again and again, and one without.
//! In every other pair the one without is first, so that whatever changes slowly, the tables or the machine, weighs on both alike.
//! What counts is the median of the pairs' ratios: a pause of somebody else's spoils one pair.
//!
//! - [`job`]: a job that runs again and again.
//! - [`report`]: the pairs side by side.

pub mod job;
pub mod report;

use std::time::Duration;

use self::job::Job;
use self::report::{Beside, Feeds, Pair};
use super::schedule::Schedule;
use super::windows::Windows;

/// How long requests come before each window counts: the job has begun, or what is left of it has gone.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// Measures so many pairs, after the schedule's warm-up.
///
/// # Errors
///
/// A server that cannot be reached, a job that fails, and a mix without home feeds.
pub async fn measure(windows: &mut Windows<'_>, schedule: Schedule, job: &Job, pairs: u32) -> anyhow::Result<Beside> {
    windows.measure(Schedule { time: Duration::ZERO, ..schedule }).await?;
    let schedule = Schedule { warm_up: SETTLED_AFTER, ..schedule };
    let mut measured = Vec::new();
    for number in 1..=pairs {
        let before = if number % 2 == 0 { Some(windows.measure(schedule).await?) } else { None };
        let (beside, done) = job.beside(windows.measure(schedule)).await?;
        let alone = match before {
            Some(alone) => alone,
            None => windows.measure(schedule).await?,
        };
        let pair = Pair { alone: Feeds::of(&alone)?, beside: Feeds::of(&beside)?, job: done };
        eprintln!(
            "pair {number} of {pairs}: p99 {:.2} ms alone, {:.2} ms beside",
            pair.alone.p99_ms, pair.beside.p99_ms
        );
        measured.push(pair);
    }
    Ok(Beside::new(job.to_string(), schedule, measured))
}
