//! What this service measures.

use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const COMMIT_SECONDS: &str = "roost_timeline_commit_seconds";
const COMMITTED: &str = "roost_timeline_committed_writes_total";
const QUEUED: &str = "roost_timeline_queued_writes";
const READ_ONLY: &str = "roost_timeline_read_only";
const PAGE_SECONDS: &str = "roost_timeline_page_seconds";
const READS_REFUSED: &str = "roost_timeline_refused_reads_total";

/// Gives the metrics their help texts.
pub(crate) fn describe() {
    describe_histogram!(COMMIT_SECONDS, "Time to apply a batch of writes and make it durable");
    describe_counter!(COMMITTED, "Writes that were answered after a durable batch");
    describe_gauge!(QUEUED, "Writes that wait for the committer");
    describe_gauge!(READ_ONLY, "1 after a write failed and until the store is reopened");
    describe_histogram!(PAGE_SECONDS, "Time to read a page from the disk, by timeline");
    describe_counter!(READS_REFUSED, "Reads that were refused because too many were under way");
    gauge!(READ_ONLY).set(0.0);
}

/// A batch is durable.
pub(crate) fn committed(writes: usize, took: Duration) {
    counter!(COMMITTED).increment(writes as u64);
    histogram!(COMMIT_SECONDS).record(took);
}

/// How many writes are left in the queue.
pub(crate) fn queued(writes: usize) {
    gauge!(QUEUED).set(writes as f64);
}

/// A write failed.
pub(crate) fn refusing_writes() {
    gauge!(READ_ONLY).set(1.0);
}

/// A page was read. `timeline` is `home`, `comments`, `engaged`, `notifications`, or a selection of a user's: `user`, `favorited`,
/// `favorites` or `activity`.
pub(crate) fn page(timeline: &'static str, took: Duration) {
    histogram!(PAGE_SECONDS, "timeline" => timeline).record(took);
}

/// A read was refused.
pub(crate) fn read_refused() {
    counter!(READS_REFUSED).increment(1);
}
