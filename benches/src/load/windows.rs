//! Measurements one after the other, of the same people and the same mix of requests.

use super::mix::{Mix, Requests};
use super::people::People;
use super::report::Run;
use super::run::run;
use super::schedule::Schedule;

/// Measurements one after the other. Each has requests of its own, so that none finds its answers in a cache that the one before it
/// filled.
#[derive(Debug)]
pub struct Windows<'a> {
    people: &'a People,
    mix: Mix,
    connections: usize,
    seed: u64,
}

impl<'a> Windows<'a> {
    /// Over so many connections, each with one request at a time.
    pub fn new(people: &'a People, mix: Mix, connections: usize, seed: u64) -> Self {
        Windows { people, mix, connections, seed }
    }

    /// The next one, under a schedule.
    ///
    /// # Errors
    ///
    /// A server that cannot be reached at the start. What goes wrong later is measured.
    pub async fn measure(&mut self, schedule: Schedule) -> anyhow::Result<Run> {
        self.seed = self.seed.wrapping_add(1);
        let requests = Requests::new(self.mix, self.people, self.seed);
        Ok(Run::new(schedule, &run(self.people, requests, schedule, self.connections).await?))
    }
}
