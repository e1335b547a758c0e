//! What a query may cost: edges looked at, and time.
//!
//! Everything that a query reads it pays for first, by the number of edges. So one place knows when it has cost enough:
//! when the edges are spent, when the time is up, or when nobody waits for the answer any more. The clock is looked at
//! once every [`LOOK_EDGES`], which take well under a millisecond.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base::limits::QUERY_DEADLINE;
use base::{Code, Error};

/// Edges between two looks at the clock.
pub const LOOK_EDGES: u64 = 4096;

/// When a query has to be done, and who says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeLimit {
    /// The end.
    pub deadline: Instant,
    /// How long it had in all.
    pub allowed: Duration,
    /// The limit's name: a constant of [`base::limits`], or the caller's `grpc-timeout`.
    pub name: &'static str,
}

impl TimeLimit {
    /// So long from now on.
    pub fn from_now(allowed: Duration, name: &'static str) -> Self {
        TimeLimit { deadline: Instant::now() + allowed, allowed, name }
    }

    /// [`QUERY_DEADLINE`] from now on.
    pub fn ours() -> Self {
        TimeLimit::from_now(QUERY_DEADLINE, "QUERY_DEADLINE")
    }

    /// What is answered when it is over.
    pub fn exceeded(&self) -> Error {
        let message = format!("not done within {} of {} ms", self.name, self.allowed.as_millis());
        Error::new(Code::DeadlineExceeded, message)
    }
}

/// How many edges a query may look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EdgeLimit {
    /// At the most.
    pub max: u64,
    /// The limit's name: a constant of [`base::limits`].
    pub name: &'static str,
    /// The field of the request that would make it cost less.
    pub field: &'static str,
}

/// Tells a query that nobody waits for its answer. Clones tell the same query.
#[derive(Clone, Debug, Default)]
pub struct Cancellation(Arc<AtomicBool>);

impl Cancellation {
    /// Makes the query stop at its next look.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What one query may cost, and what it has cost so far.
#[derive(Debug)]
pub struct Budget {
    time: TimeLimit,
    edges: Option<EdgeLimit>,
    cancellation: Cancellation,
    spent: Cell<u64>,
    next_look: Cell<u64>,
}

impl Budget {
    /// As many edges as fit into the time.
    pub fn new(time: TimeLimit, cancellation: Cancellation) -> Self {
        Budget { time, edges: None, cancellation, spent: Cell::new(0), next_look: Cell::new(0) }
    }

    /// The same with so many edges at the most.
    #[must_use]
    pub fn with_edges(self, edges: EdgeLimit) -> Self {
        Budget { edges: Some(edges), ..self }
    }

    /// Edges paid for so far.
    pub fn spent(&self) -> u64 {
        self.spent.get()
    }

    /// Pays for edges before they are looked at.
    ///
    /// # Errors
    ///
    /// `RESOURCE_EXHAUSTED` past the limit of edges, `DEADLINE_EXCEEDED` past that of time; both name the limit.
    pub fn spend(&self, edges: u64) -> Result<(), Error> {
        let spent = self.spent.get().saturating_add(edges);
        if let Some(EdgeLimit { max, name, field }) = self.edges
            && spent > max
        {
            let message = format!("takes more than {name} of {max} edges");
            return Err(Error::new(Code::ResourceExhausted, message).with_field(field));
        }
        self.spent.set(spent);
        if spent >= self.next_look.get() {
            self.next_look.set(spent.saturating_add(LOOK_EDGES));
            self.look()?;
        }
        Ok(())
    }

    fn look(&self) -> Result<(), Error> {
        if self.cancellation.0.load(Ordering::Relaxed) {
            return Err(Error::new(Code::DeadlineExceeded, "nobody waits for the answer any more"));
        }
        if Instant::now() >= self.time.deadline {
            return Err(self.time.exceeded());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: Error) -> (Code, String, Option<String>) {
        (error.code(), error.message().to_owned(), error.field().map(str::to_owned))
    }

    #[test]
    fn the_last_edge_can_be_spent_and_no_other() {
        let edges = EdgeLimit { max: 10, name: "TEN_MAX", field: "depth" };
        let budget = Budget::new(TimeLimit::ours(), Cancellation::default()).with_edges(edges);
        assert!(budget.spend(9).and_then(|()| budget.spend(1)).is_ok());
        let error = budget.spend(1).expect_err("nothing is left");
        let message = "takes more than TEN_MAX of 10 edges".to_owned();
        assert_eq!(told(error), (Code::ResourceExhausted, message, Some("depth".to_owned())));
        assert_eq!(budget.spent(), 10);
    }

    #[test]
    fn a_deadline_that_is_past_is_seen_at_the_first_edge() {
        let time = TimeLimit::from_now(Duration::ZERO, "AT_ONCE");
        let error = Budget::new(time, Cancellation::default()).spend(1).expect_err("too late");
        assert_eq!(told(error), (Code::DeadlineExceeded, "not done within AT_ONCE of 0 ms".to_owned(), None));
    }

    #[test]
    fn a_cancelled_query_stops_within_a_look() {
        let cancellation = Cancellation::default();
        let budget = Budget::new(TimeLimit::ours(), cancellation.clone());
        assert!(budget.spend(1).is_ok());
        cancellation.cancel();
        assert!(budget.spend(LOOK_EDGES - 1).is_ok());
        assert!(budget.spend(1).is_err());
    }
}
