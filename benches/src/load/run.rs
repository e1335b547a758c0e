//! The open loop: requests start when they are due, and what comes late counts from when it was due.
//!
//! One thread does it all. A timer lets each request go when it is due; connections take them in that order, each with
//! one under way. Where all are busy, requests wait, and their time runs: a server that stands still for a second
//! delays everybody who would have come in that second, and that is what is told.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::mix::{Kind, Requests};
use super::people::People;
use super::schedule::Schedule;
use super::timer::Timer;
use crate::progress::Progress;
use crate::times::Times;
use crate::wire::Connection;
use crate::wire::http::{Http, body, status};

/// How long an answer may take before its connection is given up.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);
/// How long after the last request was due those that still wait are waited for.
const DRAIN_DEADLINE: Duration = Duration::from_secs(5);

/// What became of the requests that count.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// From when they were due to their answers; of those without one, to the end of waiting.
    pub times: Times,
    /// From when they were due to when a connection took them.
    pub late: Times,
    /// Those that went well, by kind.
    pub kinds: BTreeMap<Kind, Answers>,
    /// Answers that are none, by status or by what went wrong.
    pub problems: BTreeMap<String, u64>,
    /// Requests without an answer, at the end of waiting.
    pub unanswered: u64,
    /// From when the first was due to the last answer.
    pub took: Duration,
}

/// Answers of one kind.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// From when their requests were due.
    pub times: Times,
    /// Bytes of their bodies.
    pub bytes: u64,
}

impl Measured {
    /// How many of the requests did not go well.
    pub fn failed(&self) -> u64 {
        self.unanswered + self.problems.values().sum::<u64>()
    }
}

/// Sends requests as the schedule says, over so many connections.
///
/// # Errors
///
/// A server that cannot be reached at the start. What goes wrong later is measured.
pub async fn run(
    people: &People,
    requests: Requests<'_>,
    schedule: Schedule,
    connections: usize,
) -> anyhow::Result<Measured> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(people.address, Http).await?);
    }
    let run = Run {
        people,
        schedule,
        requests: RefCell::new(requests),
        due: Semaphore::new(0),
        taken: Cell::new(0),
        answered: Cell::new(0),
        begin: Instant::now(),
        measured: RefCell::default(),
        progress: Progress::new("requests", schedule.len()),
    };
    let work = try_join_all(open.into_iter().map(|connection| run.work(connection)));
    let all = async { tokio::try_join!(run.let_go(connections), work).map(drop) };
    let end = schedule.due(schedule.len()) + DRAIN_DEADLINE;
    match timeout(end, all).await {
        Ok(ended) => ended?,
        Err(_) => run.give_up(),
    }
    let mut measured = run.measured.into_inner();
    measured.took = run.begin.elapsed().saturating_sub(schedule.warm_up);
    Ok(measured)
}

/// What the timer and the connections share.
struct Run<'a> {
    people: &'a People,
    schedule: Schedule,
    requests: RefCell<Requests<'a>>,
    /// Requests that are due and that no connection has taken.
    due: Semaphore,
    taken: Cell<u64>,
    answered: Cell<u64>,
    begin: Instant,
    measured: RefCell<Measured>,
    progress: Progress,
}

impl Run<'_> {
    /// Lets each request go when it is due, and then the connections.
    async fn let_go(&self, connections: usize) -> anyhow::Result<()> {
        let timer = Timer::new()?;
        for number in 0..self.schedule.len() {
            timer.until(self.begin + self.schedule.due(number)).await?;
            self.due.add_permits(1);
        }
        self.due.add_permits(connections);
        Ok(())
    }

    /// Sends what is due, until nothing more will be.
    async fn work(&self, connection: Connection<Http>) -> anyhow::Result<()> {
        let mut connection = Some(connection);
        loop {
            self.due.acquire().await?.forget();
            let number = self.taken.get();
            if number >= self.schedule.len() {
                return Ok(());
            }
            self.taken.set(number + 1);
            let request = self.requests.borrow_mut().draw();
            let late = self.since_due(number);
            let answer = self.ask(&mut connection, &request.bytes).await;
            let took = self.since_due(number);
            self.answered.set(self.answered.get() + 1);
            if self.schedule.counts(number) {
                self.record(request.kind, late, took, answer);
            }
            self.progress.set(self.answered.get(), || {
                let measured = self.measured.borrow();
                let (p50, p99) = (measured.times.quantile_ms(0.5), measured.times.quantile_ms(0.99));
                format!("p50 {p50:.2} ms, p99 {p99:.2} ms, {} failed", measured.failed())
            });
        }
    }

    /// The answer, or what went wrong in its place.
    async fn ask(&self, connection: &mut Option<Connection<Http>>, request: &[u8]) -> Result<Vec<u8>, &'static str> {
        let mut open = match connection.take() {
            Some(open) => open,
            None => Connection::open(self.people.address, Http).await.map_err(|_| "no connection")?,
        };
        match timeout(ANSWER_DEADLINE, open.ask(request)).await {
            Ok(Ok(answer)) => {
                *connection = Some(open);
                Ok(answer)
            }
            Ok(Err(_)) => Err("connection lost"),
            Err(_) => Err("no answer in time"),
        }
    }

    fn record(&self, kind: Kind, late: Duration, took: Duration, answer: Result<Vec<u8>, &'static str>) {
        let mut measured = self.measured.borrow_mut();
        measured.late.record(late);
        measured.times.record(took);
        let problem = match answer {
            Ok(answer) => match status(&answer) {
                Ok(200..300) => {
                    let answers = measured.kinds.entry(kind).or_default();
                    answers.times.record(took);
                    answers.bytes += body(&answer).len() as u64;
                    return;
                }
                Ok(status) => status.to_string(),
                Err(_) => "no status".to_owned(),
            },
            Err(problem) => problem.to_owned(),
        };
        *measured.problems.entry(problem).or_default() += 1;
    }

    /// Counts those that still wait, for as long as they have waited.
    fn give_up(&self) {
        let mut measured = self.measured.borrow_mut();
        for number in self.answered.get()..self.schedule.len() {
            // Those under way are among the last that were taken, or before: so long they have waited at the least.
            if self.schedule.counts(number) {
                measured.times.record(self.since_due(number));
                measured.unanswered += 1;
            }
        }
    }

    fn since_due(&self, number: u64) -> Duration {
        (self.begin + self.schedule.due(number)).elapsed()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::load::mix::Mix;
    use crate::load::people::Reader;

    /// Answers every request at once, but stands still for so long when it has answered so many.
    async fn serve(listener: TcpListener, still_after: u32, still: Duration) {
        let answered = std::rc::Rc::new(Cell::new(0));
        let local = tokio::task::LocalSet::new();
        let accept = async {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answered = answered.clone();
                tokio::task::spawn_local(async move {
                    let mut request = [0; 4096];
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                        answered.set(answered.get() + 1);
                        if answered.get() == still_after {
                            std::thread::sleep(still);
                        }
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
                    }
                });
            }
        };
        local.run_until(accept).await;
    }

    fn measured(schedule: Schedule, connections: usize, still_after: u32, still: Duration) -> Measured {
        let server = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = server.local_addr().expect("it is bound");
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        std::thread::spawn(move || {
            runtime().block_on(async {
                server.set_nonblocking(true).expect("a socket");
                serve(TcpListener::from_std(server).expect("a listener"), still_after, still).await;
            });
        });
        let reader = Reader { name: "ada".to_owned(), token: "token".to_owned() };
        let people = People::at(address, vec!["ada".to_owned()], vec![reader]);
        let requests = Requests::new(Mix::HomeRead, &people, 0);
        runtime().block_on(run(&people, requests, schedule, connections)).expect("the server is there")
    }

    #[test]
    fn a_server_that_stands_still_delays_all_who_come_meanwhile() {
        let schedule = Schedule { rate: 500.0, warm_up: Duration::from_millis(200), time: Duration::from_millis(1800) };
        let measured = measured(schedule, 4, 300, Duration::from_millis(600));
        assert_eq!((measured.times.len(), measured.failed()), (900, 0));
        // 300 requests were due in that time. A client that waits for answers would have seen four that took long.
        assert!(measured.times.quantile_ms(0.99) > 500.0, "{}", measured.times.quantile_ms(0.99));
        assert!(measured.times.quantile_ms(0.75) > 100.0, "{}", measured.times.quantile_ms(0.75));
        assert_eq!(measured.kinds[&Kind::HomeFeed].bytes, 2 * 900);
    }

    #[test]
    fn requests_that_are_never_answered_count_as_long_as_they_waited() {
        let schedule = Schedule { rate: 100.0, warm_up: Duration::ZERO, time: Duration::from_millis(500) };
        let measured = measured(schedule, 2, 10, Duration::from_secs(60));
        assert_eq!((measured.times.len(), measured.unanswered), (50, 41));
        assert!(measured.times.quantile_ms(0.99) >= 5000.0, "{}", measured.times.quantile_ms(0.99));
    }
}
