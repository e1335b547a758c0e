//! A job of `roost analytics` that runs again and again over the graph of a running server.

use std::cell::RefCell;
use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde::Serialize;

use crate::servers::process::{Owner, ServerProcess};
use crate::servers::roost::Roost;

/// How often it is looked whether a run has ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// How long a server may take to end a run that was broken off: it refuses others meanwhile.
const END_DEADLINE: Duration = Duration::from_secs(2);

/// A job with its flags.
#[derive(Clone, Debug)]
pub struct Job {
    name: String,
    program: Vec<String>,
    log: PathBuf,
}

/// What became of it in a window.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Done {
    /// Runs that came to their end.
    pub runs: u32,
    /// Seconds that each of those took, on average; none where there was none.
    pub mean_seconds: Option<f64>,
    /// What the run that was broken off had said last.
    pub broken_off: String,
}

impl Job {
    /// A job as `roost analytics` takes it, without the graph: `pagerank --iterations 20`. What it says goes into `log`.
    pub fn new(roost: &Roost, job: &str, grpc: SocketAddr, log: PathBuf) -> Self {
        Job { name: job.to_owned(), program: roost.analytics(job, grpc), log }
    }

    /// Runs the job, again and again, for as long as some work takes, and breaks the last run off.
    ///
    /// # Errors
    ///
    /// A run that fails, with what it said; or the work's own.
    pub async fn beside<T>(&self, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<(T, Done)> {
        let ended = RefCell::default();
        let mut running = pin!(self.again_and_again(&ended));
        let worked = tokio::select! {
            worked = work => worked?,
            never = &mut running => match never? {},
        };
        let said = std::fs::read_to_string(&self.log)?;
        let broken_off = said.lines().last().unwrap_or_default().to_owned();
        let ended: &Vec<Duration> = &ended.borrow();
        let (runs, took) = (ended.len() as u32, ended.iter().sum::<Duration>());
        let mean_seconds = (runs > 0).then(|| took.as_secs_f64() / f64::from(runs));
        Ok((worked, Done { runs, mean_seconds, broken_off }))
    }

    async fn again_and_again(&self, ended: &RefCell<Vec<Duration>>) -> anyhow::Result<Infallible> {
        let program: Vec<&str> = self.program.iter().map(String::as_str).collect();
        let first = Instant::now();
        loop {
            let begin = Instant::now();
            let mut process = ServerProcess::start(&program, Owner::default(), &self.log, Signal::TERM)?;
            let status = loop {
                match process.ended()? {
                    Some(status) => break status,
                    None => tokio::time::sleep(LOOK_INTERVAL).await,
                }
            };
            if !status.success() && first.elapsed() < END_DEADLINE {
                continue;
            }
            let said = || std::fs::read_to_string(&self.log).unwrap_or_default();
            anyhow::ensure!(status.success(), "{self} ended with {status}:\n{}", said());
            ended.borrow_mut().push(begin.elapsed());
        }
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    /// A job that is a shell's, and its folder.
    fn job(script: &str) -> (Job, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let program = ["sh", "-c", script].map(str::to_owned).into();
        (Job { name: script.to_owned(), program, log: folder.path().join("job.log") }, folder)
    }

    /// Waits until a file is there.
    async fn appears(path: &std::path::Path) -> anyhow::Result<()> {
        while !path.exists() {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_job_runs_until_the_work_is_done() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let (first, second) = (folder.path().join("first"), folder.path().join("second"));
        let script = format!(
            "if [ -e {first} ]; then echo half way; touch {second}; exec sleep 60; else touch {first}; fi",
            first = first.display(),
            second = second.display()
        );
        let (job, _folder) = job(&script);
        let worked = timeout(Duration::from_secs(30), job.beside(appears(&second)));
        let ((), done) = worked.await.expect("two runs take less").expect("both go well");
        assert_eq!((done.runs, done.broken_off.as_str()), (1, "half way"));
        assert!(done.mean_seconds.is_some_and(|seconds| seconds > 0.0));
    }

    #[tokio::test]
    async fn a_job_that_fails_says_why() {
        let (job, _folder) = job("echo no such job; exit 2");
        let error = job.beside(std::future::pending::<anyhow::Result<()>>()).await.expect_err("it failed");
        assert!(error.to_string().contains("no such job"), "{error}");
    }
}
