//! The one writer: gathers waiting writes, judges them, makes them durable together, applies and acknowledges them.
//!
//! ```text
//! callers ──▶ queue (bounded) ──▶ judge ──▶ log: one fsync ──▶ apply to slots ──▶ answers
//!
//! appender      │ sync of group 1    │ sync of group 2    │ sync of group 3    │
//! committer     │ judge 2, as it is  │ apply and answer 1 │ apply and answer 2 │
//!               │                    │ judge 3            │ judge 4            │
//! ```
//!
//! Nothing is visible before it is durable, and nothing is acknowledged before it is visible. While one group is being
//! synced the one before it is applied and the next one judged, so that the disk is never idle while writes wait, and
//! the number of writes in a group follows the load by itself. A group is judged upon those before it, which may not be
//! applied yet; where one of those fails, so does every group after it.
//!
//! Whatever is no change of an edge is done alone, when every group before it is applied.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;

use base::{Revision, UserId};
use crossbeam::channel::{RecvError, Sender};

use super::appender::{self, Appended, Appender};
use super::judge::{Change, Outcome, Pending};
use super::queue::{Allocated, Answer, Applied, Job, Queue, Wanted};
use super::{Shared, StoreError};
use crate::log::{LogError, Record};
use crate::metrics;

/// Changes of one group: bounds the time that a writer waits for those before it.
const GROUP_CHANGES_MAX: usize = 20_000;

/// The work of the committer's thread.
pub(super) struct Committer {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    /// Tells the compactor that there may be something to do.
    grown: Sender<()>,
    appender: Appender,
    /// Jobs that were taken from the queue and are not begun.
    backlog: VecDeque<Job>,
    pending: Pending,
    gathered: Group,
    /// What the appender is at.
    syncing: Option<Answers>,
}

type Answers = Vec<(Vec<Outcome>, Answer<Applied>)>;

/// Requests that share one fsync, judged.
#[derive(Default)]
struct Group {
    answers: Answers,
    records: Vec<Record>,
    changes: usize,
}

impl Group {
    fn is_empty(&self) -> bool {
        self.answers.is_empty() && self.records.is_empty()
    }
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>, queue: Arc<Queue>, grown: Sender<()>, appender: Appender) -> Self {
        let (backlog, pending, gathered) = <(VecDeque<Job>, Pending, Group)>::default();
        Committer { shared, queue, grown, appender, backlog, pending, gathered, syncing: None }
    }

    /// Works until the queue is closed and everything that was handed over is done.
    pub(super) fn run(mut self) {
        loop {
            self.gather();
            if let Some(answers) = self.syncing.take() {
                let appended = self.appender.wait();
                // Whoever came while this waited still makes the next group.
                self.gather();
                self.turn_over(answers, appended);
            } else if !self.gathered.is_empty() {
                self.begin();
            } else if let Some(alone) = self.backlog.pop_front() {
                self.carry_out(alone);
            } else if !self.queue.wait() {
                return;
            }
        }
    }

    /// Judges what waits, up to the first job that has to be done alone.
    fn gather(&mut self) {
        if self.backlog.is_empty() {
            self.backlog = self.queue.take();
        }
        while self.gathered.changes < GROUP_CHANGES_MAX {
            match self.backlog.pop_front() {
                Some(Job::Apply { changes, answer }) => self.judge(&changes, answer),
                Some(alone) => return self.backlog.push_front(alone),
                None => return,
            }
        }
    }

    fn judge(&mut self, changes: &[Change], answer: Answer<Applied>) {
        let Committer { shared, pending, gathered, .. } = self;
        let mut judge = |change| -> Result<Outcome, StoreError> {
            let (outcome, record) = pending.judge(change, |list, member| shared.contains(list, member))?;
            gathered.records.extend(record);
            Ok(outcome)
        };
        match changes.iter().map(&mut judge).collect::<Result<Vec<_>, _>>() {
            Ok(outcomes) => gathered.answers.push((outcomes, answer)),
            // Those of its changes that were judged before take effect: a batch is not atomic, and this one is not
            // acknowledged.
            Err(error) => send(answer, Err(error)),
        }
        gathered.changes += changes.len();
    }

    /// One group has been appended: the next one begins, and while it is synced this one is applied and answered.
    fn turn_over(&mut self, answers: Answers, appended: Option<Appended>) {
        let appended = appended.map_or(Err(LogError::Refused), |Appended { records, result }| Ok((records, result?)));
        match appended {
            Ok((records, last)) => {
                let at_once = !self.gathered.records.is_empty() && !self.shared.pressure.is_urgent();
                if at_once {
                    self.begin();
                }
                self.shared.apply_all(&records, last);
                if !at_once {
                    self.pending.settle();
                }
                acknowledge(answers, last);
            }
            Err(error) => {
                self.pending = Pending::default();
                let gathered = std::mem::take(&mut self.gathered);
                if !matches!(error, LogError::Refused) {
                    tracing::error!(error = base::error::chain(&error), "append failed, the store refuses writes");
                }
                refuse(answers.into_iter().chain(gathered.answers), || StoreError::Refused);
            }
        }
    }

    /// Begins to make the gathered group durable, as soon as there is room for it.
    fn begin(&mut self) {
        let Group { answers, records, changes } = std::mem::take(&mut self.gathered);
        if records.is_empty() {
            // Everything that it was judged upon is durable and applied.
            return acknowledge(answers, self.shared.revision());
        }
        self.wake_compactor();
        let pressure = &self.shared.pressure;
        let delay = pressure.delay(changes);
        if !delay.is_zero() {
            metrics::throttled(delay);
            thread::sleep(delay);
        }
        if !pressure.wait_for_room(self.shared.options.overlay_wait) {
            self.pending = Pending::default();
            let (bytes, max) = (pressure.bytes(), pressure.bound());
            return refuse(answers, || StoreError::OverlayFull { bytes, max });
        }
        self.pending.hand_over();
        self.appender.begin(records);
        self.syncing = Some(answers);
    }

    /// Does a job that shares its fsync with nobody. Nothing else is under way.
    fn carry_out(&mut self, job: Job) {
        match job {
            Job::Allocate { wanted, key, answer } => send(answer, self.allocate(&wanted, key)),
            Job::UpdateSet { name, remove, add, answer } => send(answer, self.update_set(name, remove, add)),
            Job::Pause { answer, resume } => {
                let revision = self.shared.revision();
                for slot in &self.shared.lists {
                    slot.freeze(revision);
                }
                send(answer, Ok(revision));
                // Ends when the other end is dropped: nothing can ever be sent.
                let Err(RecvError) = resume.recv();
            }
            Job::Apply { changes, answer } => self.judge(&changes, answer),
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
            self.append(Record::Allocate { first: UserId(first), count, external_ids, key })?;
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
        self.append(Record::Set { name, remove, add })
    }

    /// Makes one record durable, then visible.
    fn append(&self, record: Record) -> Result<Revision, StoreError> {
        let records = [record];
        let last = appender::append(&self.shared, &records)?;
        self.shared.apply_all(&records, last);
        Ok(last)
    }

    fn wake_compactor(&self) {
        if self.shared.may_want_compaction() {
            // Full means that it has been told already.
            let _ = self.grown.try_send(());
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        // However the thread ended: nobody is to wait for an answer that does not come.
        self.queue.close();
        drop(self.queue.take());
    }
}

fn acknowledge(answers: Answers, revision: Revision) {
    for (outcomes, answer) in answers {
        send(answer, Ok(Applied { revision, outcomes }));
    }
}

fn refuse(answers: impl IntoIterator<Item = (Vec<Outcome>, Answer<Applied>)>, error: impl Fn() -> StoreError) {
    for (_, answer) in answers {
        send(answer, Err(error()));
    }
}

/// Who asked may have gone away; the write stands all the same.
fn send<T>(answer: Answer<T>, result: Result<T, StoreError>) {
    let _ = answer.send(result);
}
