//! The disk is read on threads that may block, and not on too many.
//!
//! A page that is not in the cache waits for the disk, and the threads that serve requests must not. Those that may
//! wait are limited, and so is the number of reads that stand in line for them.

use std::sync::Arc;
use std::time::Duration;

use base::{Code, Error};
use tokio::sync::Semaphore;

use crate::metrics;

/// How many reads may stand in line for each that is under way.
pub(super) const LINE: usize = 64;

/// Runs reads.
pub(super) struct Reads {
    under_way: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
    deadline: Duration,
}

impl Reads {
    /// At most `in_flight` at once, each done within `deadline`.
    pub(super) fn new(in_flight: usize, deadline: Duration) -> Self {
        let in_flight = in_flight.clamp(1, Semaphore::MAX_PERMITS / LINE);
        let admitted = Arc::new(Semaphore::new(in_flight * LINE));
        Reads { under_way: Arc::new(Semaphore::new(in_flight)), admitted, deadline }
    }

    /// Runs `read` on a thread that may block.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let Ok(_admitted) = self.admitted.clone().try_acquire_owned() else {
            metrics::read_refused();
            return Err(Error::new(Code::ResourceExhausted, "too many reads are under way"));
        };
        let done = async {
            let permit = self.under_way.clone().acquire_owned().await.map_err(Error::internal)?;
            // The permit goes with the read: one that nobody waits for any more still takes a thread.
            let read = move || {
                let outcome = read();
                drop(permit);
                outcome
            };
            tokio::task::spawn_blocking(read).await.map_err(Error::internal)?
        };
        match tokio::time::timeout(self.deadline, done).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::new(Code::DeadlineExceeded, "the read took too long")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_read_that_never_ends_is_given_up_and_the_line_is_bounded() {
        let reads = Reads::new(1, Duration::from_millis(50));
        let (release, blocked) = mpsc::channel::<()>();
        let stuck = reads.run(move || Ok(blocked.recv().is_err()));
        assert_eq!(stuck.await.expect_err("given up").code(), Code::DeadlineExceeded);

        let in_line = (0..LINE).map(|_| reads.run(|| Ok(())));
        let (in_line, one_more) = futures::join!(futures::future::join_all(in_line), reads.run(|| Ok(())));
        assert!(in_line.into_iter().all(|outcome| outcome.is_err_and(|error| error.code() == Code::DeadlineExceeded)));
        assert_eq!(one_more.expect_err("refused").code(), Code::ResourceExhausted);

        drop(release);
        let freed = Reads { deadline: Duration::from_secs(30), ..reads };
        assert_eq!(freed.run(|| Ok(7)).await.expect("there is room again"), 7);
    }
}
