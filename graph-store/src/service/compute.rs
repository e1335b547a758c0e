//! How a query runs: within its caller's deadline and ours, off the runtime's threads where it takes long, and not for
//! longer than somebody waits for it.

use std::time::Duration;

use base::{Error, limits};
use proto::deadline::{self, GRPC_TIMEOUT};
use tonic::Request;

use super::{Inner, blocking};
use crate::query::{Budget, Cancellation, TimeLimit};
use crate::store::Store;

/// A query that looks at no more ids than this is done where the call came in: it takes well under a millisecond.
const INLINE_COST_MAX: u64 = 4096;

/// The time that a call has, from now on: the caller's, or [`limits::QUERY_DEADLINE`] where that is over sooner. A
/// tenth of the caller's is left for the way back, so that the answer is not too late to be heard.
pub(super) fn time_limit<T>(request: &Request<T>) -> Result<TimeLimit, Error> {
    let theirs = deadline::timeout(request)?.unwrap_or(Duration::MAX);
    let to_compute = theirs - theirs / 10;
    if to_compute >= limits::QUERY_DEADLINE {
        return Ok(TimeLimit::ours());
    }
    Ok(TimeLimit { allowed: theirs, ..TimeLimit::from_now(to_compute, GRPC_TIMEOUT) })
}

/// Waits for something as long as there is time.
pub(super) async fn in_time<T>(time: TimeLimit, awaited: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout_at(time.deadline.into(), awaited).await.map_err(|_| time.exceeded())
}

/// Runs a query that looks at about `cost` ids. Dropping the future stops it.
pub(super) async fn run<T: Send + 'static>(
    service: &Inner,
    time: TimeLimit,
    cost: u64,
    query: impl FnOnce(&Store, Budget) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let cancellation = Cancellation::default();
    let budget = Budget::new(time, cancellation.clone());
    if cost <= INLINE_COST_MAX {
        return query(&service.store, budget);
    }
    let _caller = Caller(cancellation);
    let turn = in_time(time, service.queries.clone().acquire_owned()).await?.map_err(Error::internal)?;
    let store = service.store.clone();
    blocking(move || {
        // Held until the work has ended, whoever has gone meanwhile.
        let _turn = turn;
        query(&store, budget)
    })
    .await
}

/// Whoever waits for an answer.
struct Caller(Cancellation);

impl Drop for Caller {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::{Arc, mpsc};
    use std::time::Instant;

    use base::Code;
    use base::clock::ManualClock;
    use base::disk::SimulatedDisk;

    use super::*;
    use crate::query::budget::LOOK_EDGES;
    use crate::service::GraphService;
    use crate::{Options, StoreError};

    fn service() -> Result<GraphService, StoreError> {
        let clock = Arc::new(ManualClock::default());
        let (store, _) = Store::open(Arc::new(SimulatedDisk::new()), clock, Path::new("graph"), Options::default())?;
        Ok(GraphService::new(store))
    }

    fn limit_of(timeout: Option<Duration>) -> Result<TimeLimit, Error> {
        let mut request = Request::new(());
        timeout.into_iter().for_each(|timeout| request.set_timeout(timeout));
        time_limit(&request)
    }

    #[test]
    fn the_shorter_of_both_times_holds_and_is_named() -> Result<(), Error> {
        let second = Duration::from_secs(1);
        let before = Instant::now();
        let theirs = limit_of(Some(second))?;
        assert_eq!((theirs.name, theirs.allowed), (GRPC_TIMEOUT, second));
        assert!(theirs.deadline >= before + second * 9 / 10);
        for timeout in [None, Some(limits::CALL_DEADLINE), Some(Duration::from_secs(60 * 60 * 1000))] {
            let before = Instant::now();
            let ours = limit_of(timeout)?;
            assert_eq!((ours.name, ours.allowed), ("QUERY_DEADLINE", limits::QUERY_DEADLINE));
            assert!(ours.deadline >= before + limits::QUERY_DEADLINE);
        }
        Ok(())
    }

    /// A query that tells when it begins, computes until its budget stops it, and tells what that said.
    fn endless(begun: mpsc::Sender<()>, ended: mpsc::Sender<Code>) -> impl FnOnce(&Store, Budget) -> Result<(), Error> {
        move |_, budget| {
            begun.send(()).map_err(Error::internal)?;
            loop {
                if let Err(error) = budget.spend(LOOK_EDGES) {
                    ended.send(error.code()).map_err(Error::internal)?;
                    return Err(error);
                }
            }
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_query_stops_when_its_caller_goes_away() -> Result<(), Box<dyn std::error::Error>> {
        let service = service()?;
        let time = TimeLimit::from_now(Duration::from_secs(3600), "AN_HOUR");
        let ((begun, begins), (ended, ends)) = (mpsc::channel(), mpsc::channel());
        let call = tokio::spawn(async move { run(&service.0, time, u64::MAX, endless(begun, ended)).await });
        tokio::task::spawn_blocking(move || begins.recv()).await??;
        call.abort();
        assert!(call.await.is_err_and(|error| error.is_cancelled()));
        assert_eq!(tokio::task::spawn_blocking(move || ends.recv()).await??, Code::DeadlineExceeded);
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_queries_compute_at_once_than_may() -> Result<(), Box<dyn std::error::Error>> {
        let service = service()?;
        let turns = service.0.queries.clone().acquire_many_owned(limits::QUERIES_AT_ONCE_MAX as u32).await?;
        let soon = limit_of(Some(Duration::from_millis(20)))?;
        let error = run(&service.0, soon, u64::MAX, |_, _| Ok(())).await.expect_err("all turns are taken");
        assert_eq!((error.code(), error.message()), (Code::DeadlineExceeded, "not done within grpc-timeout of 20 ms"));
        // What is small does not wait for a turn.
        run(&service.0, limit_of(None)?, INLINE_COST_MAX, |_, budget| budget.spend(1)).await?;
        drop(turns);
        run(&service.0, limit_of(None)?, u64::MAX, |_, budget| budget.spend(1)).await?;
        Ok(())
    }
}
