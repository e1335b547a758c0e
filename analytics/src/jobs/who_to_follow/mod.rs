//! Who to follow: for each user those whom the people around them follow.
//!
//! Gupta, Goel, Lin, Sharma, Wang and Zadeh, "WTF: The Who to Follow Service at Twitter" (WWW 2013), in two steps:
//!
//! 1. The **circle of trust** ([`circle`]): the [`circle`](WhoToFollow::circle) vertices at which a random walk that always starts at
//!    the user again is most often found (personalised PageRank).
//! 2. **SALSA** ([`salsa`]) on the bipartite graph of the circle (hubs) and all whom they follow (authorities): authorities that
//!    many hubs of the circle follow score high, and so do hubs that follow those.
//!
//! Two things are not as in the paper, because hit rates were a quarter better with them (docs/analytics.md has the
//! figures): the walk takes edges in either direction, and an authority who follows the user scores
//! [`reciprocity`](WhoToFollow::reciprocity) times as much.
//!
//! Never suggested: the user, whom the user follows already, and those whom the graph calls
//! [unwanted](Graph::unwanted), such as those with a block.
//!
//! The work for one user is bounded, whatever the graph: of each list at most [`LIST_SAMPLED_MAX`] members count, at even
//! distances, and the walk ends by its [`precision`](WhoToFollow::precision). Nothing is random.

mod circle;
mod salsa;

use base::Direction;

use super::lists::{self, Lists};
use super::scored;
use crate::graph::{Buffer, Graph};
use crate::{JobError, Run};
use circle::Walk;
use salsa::Salsa;

/// Members of one list that count, at even distances.
pub const LIST_SAMPLED_MAX: usize = 5_000;

/// The parameters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct WhoToFollow {
    /// Suggestions for each user at the most.
    pub top: usize,
    /// How many are in a circle of trust at the most.
    pub circle: usize,
    /// The chance that the walk starts again instead of going on, above 0 and below 1.
    pub restart: f64,
    /// What is waiting at a vertex, divided by its degree, below which the walk leaves it there; above 0.
    pub precision: f64,
    /// How often SALSA goes back to the hubs and forth again.
    pub rounds: u32,
    /// How many times as much those score who follow the user.
    pub reciprocity: f64,
}

impl Default for WhoToFollow {
    fn default() -> Self {
        WhoToFollow { top: 10, circle: 500, restart: 0.3, precision: 1e-4, rounds: 1, reciprocity: 9.0 }
    }
}

impl WhoToFollow {
    /// Bytes of memory that it takes for so many users: their suggestions with for each thread the vertices that a walk can
    /// reach and the lists of a circle, or the table of the suggestions.
    pub fn memory(&self, users: usize, threads: usize) -> u64 {
        let working = Walk::memory(self) + Salsa::memory(self);
        lists::memory(users, self.top, threads, threads as u64 * working)
    }

    fn check(&self) -> Result<(), JobError> {
        let open = |value: f64| 0.0 < value && value < 1.0;
        if !open(self.restart) {
            return Err(JobError::Parameter { name: "restart", expected: "above 0 and below 1" });
        }
        if !open(self.precision) {
            return Err(JobError::Parameter { name: "precision", expected: "above 0 and below 1" });
        }
        if !(self.reciprocity.is_finite() && self.reciprocity > 0.0) {
            return Err(JobError::Parameter { name: "reciprocity", expected: "above 0" });
        }
        Ok(())
    }
}

/// Suggests for each of `users`, in their order, best first; the score is a share of the walk that ends at the suggested. Who
/// has no edges gets no suggestions.
///
/// # Errors
///
/// Parameters out of range, too little memory, a list or a checkpoint that cannot be read, or the run was cancelled.
pub fn who_to_follow<G: Graph>(
    graph: &G,
    users: &[u32],
    parameters: &WhoToFollow,
    run: &Run<'_>,
) -> Result<Lists, JobError> {
    parameters.check()?;
    run.reserve("who-to-follow", parameters.memory(users.len(), run.threads()))?;
    let job = format!("who-to-follow {parameters:?}");
    let worker = || (Walk::default(), Salsa::default(), Buffer::default(), Vec::new());
    lists::of_each(&job, "suggesting", users, run, worker, |(walk, salsa, buffer, excluded), user| {
        let circle = walk.circle(graph, user, parameters)?;
        salsa.score(graph, &circle, parameters)?;
        salsa.multiply(graph.neighbours(Direction::Reverse, user, buffer)?, parameters.reciprocity);
        excluded.clear();
        excluded.push(user);
        excluded.extend_from_slice(graph.neighbours(Direction::Forward, user, buffer)?);
        graph.unwanted(user, excluded)?;
        excluded.sort_unstable();
        let candidates = salsa.authorities().filter(|(_, authority)| excluded.binary_search(authority).is_err());
        Ok(scored::best(candidates.collect(), parameters.top))
    })
}

/// The members of a list that count: at most [`LIST_SAMPLED_MAX`], at even distances.
fn sample(list: &[u32]) -> impl Iterator<Item = u32> {
    list.iter().copied().step_by(sample_step(list.len()))
}

/// How many members of a list of so many count.
fn sample_len(len: usize) -> usize {
    len.div_ceil(sample_step(len))
}

fn sample_step(len: usize) -> usize {
    len.div_ceil(LIST_SAMPLED_MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_lists_some_count_and_of_others_all() {
        for len in [0, 1, LIST_SAMPLED_MAX - 1, LIST_SAMPLED_MAX, LIST_SAMPLED_MAX + 1, 3 * LIST_SAMPLED_MAX, 123_456] {
            let list: Vec<u32> = (0..len as u32).collect();
            assert_eq!(sample(&list).count(), sample_len(len), "{len}");
            assert!(sample_len(len) <= LIST_SAMPLED_MAX.min(len) && 2 * sample_len(len) >= LIST_SAMPLED_MAX.min(len));
        }
    }
}
