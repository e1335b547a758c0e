//! The names of what this service measures, and the one place that records each.

use std::time::Duration;

/// Changes of the graph that took effect.
pub const CHANGES_TOTAL: &str = "roost_graph_changes_total";
/// Seconds from the beginning of an append to its being durable.
pub const COMMIT_SECONDS: &str = "roost_graph_commit_seconds";

/// Tells the recorder what the names mean.
pub fn describe() {
    metrics::describe_counter!(CHANGES_TOTAL, "Changes of the graph that took effect");
    metrics::describe_histogram!(COMMIT_SECONDS, metrics::Unit::Seconds, "Time to make a group of changes durable");
}

pub(crate) fn changes(count: usize) {
    metrics::counter!(CHANGES_TOTAL).increment(count as u64);
}

pub(crate) fn commit_seconds(took: Duration) {
    metrics::histogram!(COMMIT_SECONDS).record(took.as_secs_f64());
}
