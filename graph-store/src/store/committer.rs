//! The one writer: gathers waiting writes, judges them, makes them durable together, applies and acknowledges them.
//!
//! ```text
//! callers ──▶ queue (bounded) ──▶ judge ──▶ log: one fsync ──▶ apply to slots ──▶ answers
//! ```
//!
//! Nothing is visible before it is durable, and nothing is acknowledged before it is visible. While one group is being
//! synced the next one gathers, so the number of writes in a group follows the load by itself.

use std::convert::Infallible;
use std::sync::Arc;

use base::{Revision, UserId};
use crossbeam::channel::{Receiver, RecvError, Sender, bounded};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::judge::{Change, Outcome, Pending};
use super::{Shared, StoreError};
use crate::log::{LogError, Record};
use crate::metrics;

/// Requests that may wait for the committer: at 10,000 durable writes a second this is under half a second.
const QUEUE_MAX: usize = 4096;
/// Changes of one group: bounds the time that a writer waits for those before it.
const GROUP_CHANGES_MAX: usize = 20_000;

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

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

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
    Freeze {
        answer: Answer<Revision>,
        resume: Receiver<Infallible>,
    },
}

/// The way to the committer's thread. The thread does all that it was handed, and ends once every one of these is gone.
#[derive(Clone, Debug)]
pub(super) struct Queue(mpsc::Sender<Job>);

impl Queue {
    /// Hands a job over without waiting.
    pub(super) fn send(&self, job: Job) -> Result<(), StoreError> {
        self.0.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::Busy { max: QUEUE_MAX },
            TrySendError::Closed(_) => StoreError::Closing,
        })
    }

    /// The same way, which does not keep the thread from ending.
    pub(super) fn downgrade(&self) -> WeakQueue {
        WeakQueue(self.0.downgrade())
    }
}

/// A [`Queue`] while there is one.
#[derive(Clone, Debug)]
pub(super) struct WeakQueue(mpsc::WeakSender<Job>);

impl WeakQueue {
    /// Freezes all overlays at one revision.
    pub(super) fn freeze(&self) -> Result<Revision, StoreError> {
        self.pause().map(|paused| paused.revision)
    }

    /// Freezes all overlays at one revision, and lets no write through until the answer is dropped.
    pub(super) fn pause(&self) -> Result<Paused, StoreError> {
        let (answer, frozen) = oneshot::channel();
        let (resume, resumed) = bounded(0);
        let queue = self.0.upgrade().ok_or(StoreError::Closing)?;
        queue.blocking_send(Job::Freeze { answer, resume: resumed }).map_err(|_| StoreError::Closing)?;
        drop(queue);
        let revision = frozen.blocking_recv().map_err(|_| StoreError::Closing)??;
        Ok(Paused { revision, _resume: resume })
    }
}

/// While this lives, no write goes through.
pub(super) struct Paused {
    /// What all overlays are frozen at, and the log ends with.
    pub(super) revision: Revision,
    _resume: Sender<Infallible>,
}

/// The queue and the thread's work behind it.
pub(super) fn committer(shared: Arc<Shared>, grown: Sender<()>) -> (Queue, Committer) {
    let (sender, jobs) = mpsc::channel(QUEUE_MAX);
    (Queue(sender), Committer { shared, jobs, grown })
}

pub(super) struct Committer {
    shared: Arc<Shared>,
    jobs: mpsc::Receiver<Job>,
    /// Tells the compactor that there may be something to do.
    grown: Sender<()>,
}

/// Requests that share one fsync.
#[derive(Default)]
struct Group {
    requests: Vec<(Vec<Change>, Answer<Applied>)>,
    changes: usize,
}

impl Committer {
    /// Works until every [`Queue`] is gone and everything that was handed over is done.
    pub(super) fn run(mut self) {
        while let Some(first) = self.jobs.blocking_recv() {
            let mut group = Group::default();
            let mut next = Some(first);
            while let Some(job) = next.take() {
                if let Some(single) = group.take_in(job) {
                    self.commit(std::mem::take(&mut group));
                    self.carry_out(single);
                }
                if group.changes < GROUP_CHANGES_MAX {
                    next = self.jobs.try_recv().ok();
                }
            }
            self.commit(group);
            if self.shared.wants_compaction() {
                // Full means that it has been told already.
                let _ = self.grown.try_send(());
            }
        }
    }

    fn commit(&self, group: Group) {
        let mut pending = Pending::default();
        let mut records = Vec::new();
        let mut judged = Vec::with_capacity(group.requests.len());
        for (changes, answer) in group.requests {
            let mut judge = |change| -> Result<Outcome, StoreError> {
                let (outcome, record) = pending.judge(change, |list, member| self.shared.contains(list, member))?;
                records.extend(record);
                Ok(outcome)
            };
            match changes.iter().map(&mut judge).collect::<Result<Vec<_>, _>>() {
                Ok(outcomes) => judged.push((outcomes, answer)),
                // Those of its changes that were judged before take effect: a batch is not atomic, and this one is
                // not acknowledged.
                Err(error) => send(answer, Err(error)),
            }
        }
        let revision = self.append(records);
        for (outcomes, answer) in judged {
            send(
                answer,
                revision
                    .as_ref()
                    .map_or_else(|error| Err(repeat(error)), |revision| Ok(Applied { revision: *revision, outcomes })),
            );
        }
    }

    /// Does a job that shares its fsync with nobody.
    fn carry_out(&self, job: Job) {
        match job {
            Job::Allocate { wanted, key, answer } => send(answer, self.allocate(&wanted, key)),
            Job::UpdateSet { name, remove, add, answer } => send(answer, self.update_set(name, remove, add)),
            Job::Freeze { answer, resume } => {
                self.shared.freeze();
                send(answer, Ok(self.shared.revision()));
                // Ends when the other end is dropped: nothing can ever be sent.
                let Err(RecvError) = resume.recv();
            }
            Job::Apply { changes, answer } => {
                let group = Group { changes: changes.len(), requests: vec![(changes, answer)] };
                self.commit(group);
            }
        }
    }

    fn allocate(&self, wanted: &Wanted, key: String) -> Result<Allocated, StoreError> {
        let (first, new, external_ids) = {
            let directory = self.shared.directory.read();
            match wanted {
                Wanted::Count(count) => {
                    if let Some(granted) = directory.catalog.granted(&key) {
                        let users = (0..granted.count).map(|idx| UserId(granted.first.0 + idx)).collect();
                        let same = granted.count == *count;
                        let revision = self.shared.revision();
                        return same.then_some(Allocated { revision, users }).ok_or(StoreError::KeyReused);
                    }
                    (directory.catalog.next(), u64::from(*count), Vec::new())
                }
                Wanted::ExternalIds(ids) => {
                    let unknown = |id: &&u64| directory.externals.user(**id).is_none();
                    let external_ids: Vec<u64> = ids.iter().filter(unknown).copied().collect();
                    (directory.catalog.next(), external_ids.len() as u64, external_ids)
                }
            }
        };
        // The last number stays free, so that `next` itself is a number.
        let fits = u64::from(first) + new <= u64::from(u32::MAX);
        let count = u32::try_from(new).ok().filter(|_| fits).ok_or(StoreError::UsersExhausted { wanted: new })?;
        if count > 0 {
            // With external ids the request is idempotent by itself.
            let key = if external_ids.is_empty() { key } else { String::new() };
            self.append(vec![Record::Allocate { first: UserId(first), count, external_ids, key }])?;
        }
        let users = match wanted {
            Wanted::Count(_) => (first..first + count).map(UserId).collect(),
            Wanted::ExternalIds(ids) => {
                let directory = self.shared.directory.read();
                ids.iter().filter_map(|id| directory.externals.user(*id)).collect()
            }
        };
        Ok(Allocated { revision: self.shared.revision(), users })
    }

    fn update_set(&self, name: String, remove: Vec<u32>, add: Vec<u32>) -> Result<Revision, StoreError> {
        let room = {
            let directory = self.shared.directory.read();
            directory.catalog.set(&name).is_some() || directory.catalog.has_room_for_set()
        };
        if !room {
            return Err(StoreError::TooManySets { max: base::limits::NAMED_SETS_MAX });
        }
        self.append(vec![Record::Set { name, remove, add }])
    }

    /// Makes records durable, then visible. Without any, everything before is durable already.
    fn append(&self, records: Vec<Record>) -> Result<Revision, StoreError> {
        if records.is_empty() {
            return Ok(self.shared.revision());
        }
        let started = std::time::Instant::now();
        let last = self.shared.log.append(&records)?;
        metrics::commit_seconds(started.elapsed());
        let first = last.0 - records.len() as u64;
        for (record, revision) in records.iter().zip(first + 1..) {
            self.shared.apply(record, Revision(revision));
        }
        metrics::changes(records.len());
        self.shared.revision.send_replace(last);
        Ok(last)
    }
}

impl Group {
    /// Takes a job that can share an fsync with others; gives back one that cannot.
    fn take_in(&mut self, job: Job) -> Option<Job> {
        match job {
            Job::Apply { changes, answer } => {
                self.changes += changes.len();
                self.requests.push((changes, answer));
                None
            }
            single => Some(single),
        }
    }
}

/// Who asked may have gone away; the write stands all the same.
fn send<T>(answer: Answer<T>, result: Result<T, StoreError>) {
    let _ = answer.send(result);
}

/// The same failure for everybody who shared the group.
fn repeat(error: &StoreError) -> StoreError {
    match error {
        StoreError::Log(LogError::Refused) => StoreError::Refused,
        error => {
            tracing::error!(error = base::error::chain(error), "append failed, the store refuses writes");
            StoreError::Refused
        }
    }
}
