//! Waiting: for a condition, with a deadline, never for a time.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take that takes a moment: generous, since a busy machine is no failure.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// Waits until the condition gives something. Panics after the deadline, naming what was waited for.
pub(crate) fn until<T>(what: &str, deadline: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(started.elapsed() < deadline, "waited {deadline:?} in vain for {what}");
        thread::park_timeout(LOOK_INTERVAL);
    }
}

/// The same for a condition that has to be asked for.
pub(crate) async fn until_async<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} in vain for {what}");
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}
