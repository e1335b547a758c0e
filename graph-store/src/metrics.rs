//! The names of what this service measures, and the one place that records each.

use std::time::Duration;

use metrics::Unit;

/// Changes of the graph that took effect.
pub const CHANGES_TOTAL: &str = "roost_graph_changes_total";
/// Seconds from the beginning of an append to its being durable.
pub const COMMIT_SECONDS: &str = "roost_graph_commit_seconds";

/// Changes that shared one fsync.
pub const COMMIT_GROUP_CHANGES: &str = "roost_graph_commit_group_changes";
/// Microseconds that writes were held back because the overlay was filling up.
pub const THROTTLED_MICROSECONDS_TOTAL: &str = "roost_graph_throttled_microseconds_total";
/// Bytes of changes in memory.
pub const OVERLAY_BYTES: &str = "roost_graph_overlay_bytes";
/// Seconds to write a slot's changes out as segments.
pub const COMPACTION_SECONDS: &str = "roost_graph_compaction_seconds";
/// Bytes of the change log.
pub const LOG_BYTES: &str = "roost_graph_log_bytes";

/// Tells the recorder what the names mean.
pub fn describe() {
    metrics::describe_counter!(CHANGES_TOTAL, "Changes of the graph that took effect");
    metrics::describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "Time to make a group of changes durable");
    metrics::describe_histogram!(COMMIT_GROUP_CHANGES, "Changes that shared one fsync");
    metrics::describe_counter!(THROTTLED_MICROSECONDS_TOTAL, Unit::Microseconds, "Time that writes were held back");
    metrics::describe_gauge!(OVERLAY_BYTES, Unit::Bytes, "Changes in memory");
    metrics::describe_histogram!(COMPACTION_SECONDS, Unit::Seconds, "Time to write a slot's changes out as segments");
    metrics::describe_gauge!(LOG_BYTES, Unit::Bytes, "The change log");
}

/// So many changes were made durable together, in that time.
pub(crate) fn committed(changes: usize, took: Duration) {
    metrics::counter!(CHANGES_TOTAL).increment(changes as u64);
    metrics::histogram!(COMMIT_GROUP_CHANGES).record(changes as f64);
    metrics::histogram!(COMMIT_SECONDS).record(took.as_secs_f64());
}

pub(crate) fn throttled(delay: Duration) {
    metrics::counter!(THROTTLED_MICROSECONDS_TOTAL).increment(delay.as_micros() as u64);
}

pub(crate) fn overlay_bytes(bytes: usize) {
    metrics::gauge!(OVERLAY_BYTES).set(bytes as f64);
}

/// A slot was compacted in that time, and the log has so many bytes now.
pub(crate) fn compacted(took: Duration, log_bytes: u64) {
    metrics::histogram!(COMPACTION_SECONDS).record(took.as_secs_f64());
    metrics::gauge!(LOG_BYTES).set(log_bytes as f64);
}
