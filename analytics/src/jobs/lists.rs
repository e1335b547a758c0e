//! A list of the best for each of some users, found a block at a time: a job that was interrupted goes on behind the last block
//! that was kept.
//!
//! A list is complete as soon as it is found and follows from no other, so that the lists so far are all that it takes to
//! go on. They lie in a row, as a checkpoint has them and nearly as a table has them: keeping them copies nothing, and for
//! everybody they are in memory once.

use bytemuck::cast_slice;

use super::scored::Scored;
use crate::checkpoint::Saved;
use crate::random::mix;
use crate::{JobError, Run};

/// Users of one block for each thread: seconds of work, and at its end threads wait for one another.
const BLOCK_USERS: usize = 4096;

/// Lists of the best, behind one another.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Lists {
    /// Of each list.
    pub(crate) lengths: Vec<u32>,
    /// Of all lists, best first in each.
    pub(crate) vertices: Vec<u32>,
    /// Of each of the vertices.
    pub(crate) scores: Vec<f32>,
}

/// Bytes of memory that it takes to find a list for each of so many users, while there is so much else to find them by, or to
/// make a table of the lists afterwards, whichever is more. The users are there all the time.
pub(super) fn memory(users: usize, top: usize, threads: usize, working: u64) -> u64 {
    let of_user = |numbers: usize| size_of::<u32>() as u64 * numbers as u64;
    // A block is there twice while it is put behind those before it.
    let of_block = users.min(BLOCK_USERS.saturating_mul(threads));
    let finding = working + (users + of_block) as u64 * of_user(1 + 2 * top);
    // A row has a user, another, and the score: once as it was and once as the table has it, which is twice as long.
    let table = users as u64 * of_user((1 + 1 + 1 + 2) * top);
    users as u64 * of_user(1) + finding.max(table)
}

/// Finds a list for each of `users`, in their order. `job` names the job and all its parameters but the users.
///
/// # Errors
///
/// The first that `find` had, a checkpoint that cannot be read, or [`JobError::Cancelled`].
pub(super) fn of_each<W>(
    job: &str,
    step: &'static str,
    users: &[u32],
    run: &Run<'_>,
    worker: impl Fn() -> W + Send + Sync,
    find: impl Fn(&mut W, u32) -> Result<Vec<Scored>, JobError> + Send + Sync,
) -> Result<Lists, JobError> {
    let job = format!("{job} for {} users of hash {:016x}", users.len(), hash(users));
    let saved = run.resume(&job)?.and_then(|saved| Lists::of(&saved, users.len()));
    let mut found = saved.unwrap_or_default();
    let left = &users[found.lengths.len()..];
    let step = run.step(step, left.len() as u64);
    for block in left.chunks(BLOCK_USERS * run.threads()) {
        let pieces = run.some_costly(&step, block, &worker, |worker, users| {
            let mut lists = Lists::default();
            for user in users {
                // One alone may take long.
                run.check()?;
                lists.push(&find(worker, *user)?);
            }
            Ok(lists)
        })?;
        pieces.into_iter().for_each(|lists| found.append(lists));
        let arrays = [cast_slice(&found.lengths), cast_slice(&found.vertices), cast_slice(&found.scores)];
        run.save(&job, found.lengths.len() as u32, &arrays);
    }
    Ok(found)
}

/// Tells a list of users from any other.
fn hash(users: &[u32]) -> u64 {
    users.iter().fold(0, |hash, user| mix(hash ^ u64::from(*user)))
}

impl Lists {
    /// What was kept, if it is of no more than so many users.
    fn of(saved: &Saved, users: usize) -> Option<Lists> {
        let len = usize::try_from(saved.iteration).ok().filter(|len| *len <= users)?;
        let lengths: Vec<u32> = saved.array(0, len)?;
        let total = lengths.iter().map(|length| *length as usize).sum();
        Some(Lists { lengths, vertices: saved.array(1, total)?, scores: saved.array(2, total)? })
    }

    fn push(&mut self, list: &[Scored]) {
        self.lengths.push(list.len() as u32);
        self.vertices.extend(list.iter().map(|scored| scored.vertex));
        self.scores.extend(list.iter().map(|scored| scored.score));
    }

    fn append(&mut self, lists: Lists) {
        self.lengths.extend(lists.lengths);
        self.vertices.extend(lists.vertices);
        self.scores.extend(lists.scores);
    }

    /// Each as a vector of its own, for whoever has few of them.
    pub fn into_vectors(self) -> Vec<Vec<Scored>> {
        let mut scored = self.vertices.into_iter().zip(self.scores).map(|(vertex, score)| Scored { vertex, score });
        self.lengths.iter().map(|length| scored.by_ref().take(*length as usize).collect()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::RunOptions;

    fn run_on(threads: usize) -> Run<'static> {
        Run::new(RunOptions { threads, ..RunOptions::default() }).expect("threads can be started")
    }

    /// Whoever cancelled waited for up to 64 users on each thread.
    #[test]
    fn who_cancels_waits_for_one_user_alone() {
        let (cancelled, found) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
        let run = run_on(1).with_cancel(cancelled.clone());
        let everybody: Vec<u32> = (0..5000).collect();
        let ended = of_each(
            "test",
            "testing",
            &everybody,
            &run,
            || (),
            |(), _| {
                found.fetch_add(1, Ordering::Relaxed);
                cancelled.store(true, Ordering::Relaxed);
                Ok(Vec::new())
            },
        );
        assert!(matches!(ended, Err(JobError::Cancelled)), "{ended:?}");
        assert_eq!(found.into_inner(), 1);
    }

    /// Up to 64 users were all one thread's.
    #[test]
    fn threads_share_a_few_users() {
        let (began, patience) = (AtomicUsize::new(0), Duration::from_secs(30));
        let found = of_each(
            "test",
            "testing",
            &[7, 8],
            &run_on(2),
            || (),
            |(), user| {
                began.fetch_add(1, Ordering::Relaxed);
                let start = Instant::now();
                while began.load(Ordering::Relaxed) < 2 {
                    assert!(start.elapsed() < patience, "{user} is alone");
                    thread::yield_now();
                }
                Ok(vec![Scored { vertex: user, score: 1.0 }])
            },
        );
        assert_eq!(found.expect("nothing fails").vertices, [7, 8]);
    }

    #[test]
    fn the_figure_is_the_more_of_what_finding_and_what_a_table_takes() {
        // Each user, the lists in a row, and as much for the block.
        assert_eq!(memory(100, 10, 2, 1 << 20), 100 * 4 + 2 * 100 * (4 + 80) + (1 << 20));
        assert_eq!(memory(100_000, 10, 2, 0), 100_000 * (4 + 200));
        assert_eq!(memory(100_000, 0, 1, 0), 100_000 * 8 + 4096 * 4);
    }

    #[test]
    fn lists_of_any_length_come_out_of_the_row_as_they_went_in() {
        let scored = |vertex, score| Scored { vertex, score };
        let expected = vec![vec![], vec![scored(7, 0.5), scored(2, 0.25)], vec![], vec![scored(4, 1.0)]];
        let mut lists = Lists::default();
        expected.iter().for_each(|list| lists.push(list));
        assert_eq!(lists.into_vectors(), expected);
    }

    #[test]
    fn other_users_and_another_order_have_another_hash() {
        let hashes = [hash(&[]), hash(&[1, 2]), hash(&[2, 1]), hash(&[1, 3]), hash(&[1])];
        for (idx, one) in hashes.iter().enumerate() {
            assert!(!hashes[..idx].contains(one), "{hashes:?}");
        }
    }
}
