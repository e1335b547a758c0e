//! Writes that wait for the committer.
//!
//! The committer takes all that waits at once, and is woken only when it has nothing to do: while it is busy, a write
//! costs its caller one short lock.

use std::collections::VecDeque;
use std::convert::Infallible;

use base::{Revision, UserId};
use crossbeam::channel::{Receiver, Sender, bounded};
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::StoreError;
use super::judge::{Change, Outcome};

/// Changes, and ids to give out or to put into sets, that may wait: at 50,000 durable changes a second they wait for
/// little more than a second. What finds the queue empty is taken whatever its size.
const CHANGES_MAX: usize = 1 << 16;

/// What a write came to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied {
    /// Reads at this revision see the write.
    pub revision: Revision,
    /// One for each change.
    pub outcomes: Vec<Outcome>,
}

/// Ids that were given out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Allocated {
    /// Reads at this revision know the users.
    pub revision: Revision,
    /// In the order of the request.
    pub users: Vec<UserId>,
}

/// Whose ids are wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// So many new ones.
    Count(u32),
    /// One for each external id: the one it has, or a new one.
    ExternalIds(Vec<u64>),
}

pub(super) type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// Something for the committer to do.
#[derive(Debug)]
pub(super) enum Job {
    Apply {
        changes: Vec<Change>,
        answer: Answer<Applied>,
    },
    Allocate {
        wanted: Wanted,
        key: String,
        answer: Answer<Allocated>,
    },
    UpdateSet {
        name: String,
        remove: Vec<u32>,
        add: Vec<u32>,
        answer: Answer<Revision>,
    },
    /// Freezes all overlays at one revision, and does nothing more until the other end of `resume` is gone.
    Pause {
        answer: Answer<Revision>,
        resume: Receiver<Infallible>,
    },
}

/// The way to the committer's thread.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    changes: usize,
    /// Whether the committer sleeps until a job comes.
    is_idle: bool,
    is_closed: bool,
}

/// While this lives, no write goes through.
pub(super) struct Paused {
    /// What all overlays are frozen at, and the log ends with.
    pub(super) revision: Revision,
    _resume: Sender<Infallible>,
}

impl Job {
    /// How much of the queue it takes.
    fn changes(&self) -> usize {
        let changes = match self {
            Job::Apply { changes, .. } => changes.len(),
            Job::Allocate { wanted: Wanted::ExternalIds(ids), .. } => ids.len(),
            Job::UpdateSet { remove, add, .. } => remove.len() + add.len(),
            Job::Allocate { wanted: Wanted::Count(_), .. } | Job::Pause { .. } => 1,
        };
        changes.max(1)
    }
}

impl Queue {
    /// Hands a job over without waiting.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] while too much waits; [`StoreError::Closing`] once the queue is closed.
    pub(super) fn push(&self, job: Job) -> Result<(), StoreError> {
        let changes = job.changes();
        let mut waiting = self.waiting.lock();
        if waiting.is_closed {
            return Err(StoreError::Closing);
        }
        if waiting.changes > 0 && waiting.changes + changes > CHANGES_MAX {
            return Err(StoreError::Busy { max: CHANGES_MAX });
        }
        waiting.changes += changes;
        waiting.jobs.push_back(job);
        if std::mem::take(&mut waiting.is_idle) {
            drop(waiting);
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Freezes all overlays at one revision, and lets no write through until the answer is dropped.
    pub(super) fn pause(&self) -> Result<Paused, StoreError> {
        let (answer, frozen) = oneshot::channel();
        let (resume, resumed) = bounded(0);
        self.push(Job::Pause { answer, resume: resumed })?;
        let revision = frozen.blocking_recv().map_err(|_| StoreError::Closing)??;
        Ok(Paused { revision, _resume: resume })
    }

    /// Takes all that waits, which may be nothing.
    pub(super) fn take(&self) -> VecDeque<Job> {
        let mut waiting = self.waiting.lock();
        waiting.changes = 0;
        std::mem::take(&mut waiting.jobs)
    }

    /// Sleeps until something waits. False once the queue is closed and nothing does.
    pub(super) fn wait(&self) -> bool {
        let mut waiting = self.waiting.lock();
        while waiting.jobs.is_empty() {
            if waiting.is_closed {
                return false;
            }
            waiting.is_idle = true;
            self.arrived.wait(&mut waiting);
        }
        waiting.is_idle = false;
        true
    }

    /// Takes no more jobs. Those that were taken are done.
    pub(super) fn close(&self) {
        self.waiting.lock().is_closed = true;
        self.arrived.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.waiting.lock().is_closed
    }
}

#[cfg(test)]
mod tests {
    use base::Relation;

    use super::*;
    use crate::log::Operation;

    fn apply(changes: usize) -> Job {
        let [source, target] = [UserId(0), UserId(1)];
        let change = Change { relation: Relation::Follow, operation: Operation::Add, source, target, time: 0 };
        Job::Apply { changes: vec![change; changes], answer: oneshot::channel().0 }
    }

    #[test]
    fn it_is_bounded_in_changes_however_few_jobs_there_are() {
        let queue = Queue::default();
        queue.push(apply(CHANGES_MAX + 1)).expect("an empty queue takes anything");
        assert!(matches!(queue.push(apply(0)), Err(StoreError::Busy { max: CHANGES_MAX })));
        assert_eq!(queue.take().len(), 1);
        (0..CHANGES_MAX).for_each(|_| queue.push(apply(0)).expect("there is room"));
        assert!(matches!(queue.push(apply(0)), Err(StoreError::Busy { max: CHANGES_MAX })));
    }

    #[test]
    fn a_closed_queue_hands_out_what_it_took_and_takes_no_more() {
        let queue = Queue::default();
        queue.push(apply(1)).expect("open");
        queue.close();
        assert!(matches!(queue.push(apply(1)), Err(StoreError::Closing)));
        assert!(matches!(queue.pause().err(), Some(StoreError::Closing)));
        assert!(queue.wait());
        assert_eq!(queue.take().len(), 1);
        assert!(!queue.wait());
    }
}
