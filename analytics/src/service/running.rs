//! One job of a server, from its request to its last row.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use base::{Code, Error, limits};
use futures::stream::BoxStream;
use proto::analytics::run_request::Job as Asked;
use proto::analytics::run_response::Part;
use proto::analytics::{Notice, Progress, RunRequest, RunResponse, Users};
use proto::convert::at_most;
use proto::stream::{self, End, Sender};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tonic::Status;

use super::{Inner, rows};
use crate::priority;
use crate::request::job_of;
use crate::run;
use crate::task::{Done, Task};
use crate::{Run, RunOptions};

/// Results that may be in memory, of jobs that run or whose rows are still being read.
pub const RESULTS_MAX: usize = 4;
/// How long a message waits to be taken before its reader is given up.
pub const ROWS_PATIENCE: Duration = Duration::from_secs(60);
/// Messages that wait to be taken; of how far a job is, those that find no room are left out.
const QUEUE_MAX: usize = 4;
/// How often it is told how far a job is.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

/// Begins a job. What is wrong with the request is told at once, but for people who are not in the graph.
pub(super) fn begin(
    inner: &Arc<Inner>,
    request: RunRequest,
) -> Result<BoxStream<'static, Result<RunResponse, Status>>, Error> {
    job_of(&request, &|_| Some(0))?;
    at_most(users_of(&request).map_or(0, |users| users.ids.len()), limits::CALLER_SET_MAX, "job.users.ids")?;
    let exhausted = |message: String| move |_| Error::new(Code::ResourceExhausted, message);
    let turn = inner.turn.clone().try_acquire_owned();
    let turn = turn.map_err(exhausted("another job is running: try again when it is done".to_owned()))?;
    let result = inner.results.clone().try_acquire_owned();
    let result = result.map_err(exhausted(format!("{RESULTS_MAX} results are being read, which is the most")))?;
    let (sender, stream) = stream::channel(QUEUE_MAX, ROWS_PATIENCE, inner.stopping.subscribe());
    let (cancelled, (alive, ended)) = (Arc::new(AtomicBool::new(false)), oneshot::channel());
    tokio::spawn(cancel_when_abandoned(sender.clone(), cancelled.clone(), ended));
    let running = Running { inner: inner.clone(), request, sender, cancelled, _result: result, _alive: alive };
    let thread = thread::Builder::new().name("analytics-job".to_owned());
    thread.spawn(move || running.run(turn)).map_err(Error::internal)?;
    Ok(stream)
}

fn users_of(request: &RunRequest) -> Option<&Users> {
    match request.job.as_ref()? {
        Asked::Similar(asked) => asked.users.as_ref(),
        Asked::WhoToFollow(asked) => asked.users.as_ref(),
        _ => None,
    }
}

/// Sets the flag once nobody reads the stream any more or the server stops, if that is before the job has ended.
async fn cancel_when_abandoned(
    mut sender: Sender<RunResponse>,
    cancelled: Arc<AtomicBool>,
    ended: oneshot::Receiver<()>,
) {
    tokio::select! {
        () = sender.abandoned() => cancelled.store(true, Ordering::Relaxed),
        _ = ended => {}
    }
}

/// A job that runs, or whose rows are being read.
struct Running {
    inner: Arc<Inner>,
    request: RunRequest,
    sender: Sender<RunResponse>,
    cancelled: Arc<AtomicBool>,
    _result: OwnedSemaphorePermit,
    /// Dropped when all has been told.
    _alive: oneshot::Sender<()>,
}

impl Running {
    fn run(mut self, turn: OwnedSemaphorePermit) {
        let ended = self.compute(turn).map_err(Some).and_then(|(task, done)| self.tell(task, &done));
        let Err(Some(error)) = ended else { return };
        if self.cancelled.load(Ordering::Relaxed) {
            tracing::info!("a job was cancelled");
        } else {
            error.log("run a job");
        }
        self.sender.end(&error);
    }

    /// All that takes the turn: whoever reads slowly afterwards holds nothing but their own result.
    fn compute(&self, turn: OwnedSemaphorePermit) -> Result<(Task, Done), Error> {
        let Running { inner, request, .. } = self;
        let _turn = turn;
        // Writes wait for as long as it takes, and must not wait for a thread that gives way.
        let snapshot = inner.store.snapshot()?;
        priority::give_way();
        let task = Task::new(&inner.store, snapshot, request.clone())?;
        let notice = |text: String| self.sender.offer(RunResponse { part: Some(Part::Notice(Notice { text })) });
        let checkpoints = task.checkpoints(&*inner.settings.disk, &inner.settings.checkpoints, |resumption| {
            resumption.notice().into_iter().for_each(notice);
        })?;
        let run = Run::new(self.options())?
            .with_cancel(self.cancelled.clone())
            .with_progress(seldom(|progress| self.sender.offer(told(progress))))
            .with_checkpoints(&checkpoints);
        tracing::info!(job = task.name(), threads = run.threads(), published = request.publish, "a job begins");
        let done = task.run(&run)?;
        checkpoints.remove().map_err(Error::internal)?;
        tracing::info!(job = task.name(), "a job is done");
        Ok((task, done))
    }

    fn options(&self) -> RunOptions {
        let bound = self.inner.settings.memory_bytes;
        RunOptions {
            threads: match self.request.threads {
                0 => thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2)),
                threads => threads as usize,
            },
            low_priority: true,
            memory_bytes: if self.request.memory_bytes == 0 { bound } else { self.request.memory_bytes.min(bound) },
            seed: self.request.seed,
        }
    }

    fn tell(&mut self, task: Task, done: &Done) -> Result<(), End> {
        self.sender.send(RunResponse { part: Some(Part::Found(task.told(done)?)) })?;
        if !self.request.rows {
            return Ok(());
        }
        // The snapshot keeps files and memory from going; their names are all that is needed from here on.
        let names = task.into_names();
        let id = |vertex| names.of(base::UserId(vertex));
        rows::each(&done.found, &id, |rows| self.sender.send(RunResponse { part: Some(Part::Rows(rows)) }))
    }
}

fn told(progress: run::Progress) -> RunResponse {
    let run::Progress { step, done, total } = progress;
    RunResponse { part: Some(Part::Progress(Progress { step: step.to_owned(), done, total })) }
}

/// Passes on the beginning of each step, and then as much as somebody can follow.
fn seldom(tell: impl Fn(run::Progress) + Send + Sync) -> impl Fn(run::Progress) + Send + Sync {
    let last: Mutex<Option<(&'static str, Instant)>> = Mutex::new(None);
    move |progress| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let goes_on = last.is_some_and(|(step, at)| step == progress.step && at.elapsed() < PROGRESS_INTERVAL);
        if !goes_on {
            *last = Some((progress.step, Instant::now()));
            tell(progress);
        }
    }
}
