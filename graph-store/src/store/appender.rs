//! The thread that appends to the log, so that the committer can go on while a group is being synced.

use std::sync::Arc;
use std::time::Instant;

use base::Revision;
use base::worker::Worker;
use crossbeam::channel::{Receiver, Sender, bounded};

use super::Shared;
use crate::log::{LogError, Record};
use crate::metrics;

/// Appends one group after the other, on a thread of its own.
#[derive(Debug)]
pub(super) struct Appender {
    /// None only while this is dropped.
    groups: Option<Sender<Vec<Record>>>,
    appended: Receiver<Appended>,
    thread: Worker,
}

/// The records again, and what became of them: the revision of the last one.
pub(super) struct Appended {
    pub(super) records: Vec<Record>,
    pub(super) result: Result<Revision, LogError>,
}

impl Appender {
    pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let (groups, to_append) = bounded::<Vec<Record>>(1);
        let (done, appended) = bounded(1);
        let work = move || {
            for records in to_append {
                let result = append(&shared, &records);
                if done.send(Appended { records, result }).is_err() {
                    return;
                }
            }
        };
        Ok(Appender { groups: Some(groups), appended, thread: Worker::start("graph-log", work)? })
    }

    /// Begins to append. The answer is to be [waited for](Self::wait) before the next group.
    pub(super) fn begin(&self, records: Vec<Record>) {
        if let Some(groups) = &self.groups {
            // A thread that is gone is noticed by whoever waits for its answer.
            let _ = groups.send(records);
        }
    }

    /// Waits for the group that was begun. None where the thread is gone.
    pub(super) fn wait(&self) -> Option<Appended> {
        self.appended.recv().ok()
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        drop(self.groups.take());
        self.thread.join();
    }
}

/// Makes records durable, and measures how long that takes.
pub(super) fn append(shared: &Shared, records: &[Record]) -> Result<Revision, LogError> {
    let started = Instant::now();
    let last = shared.log.append(records)?;
    metrics::committed(records.len(), started.elapsed());
    Ok(last)
}
