//! What this service measures.

use std::time::Duration;

use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

const COMMIT_SECONDS: &str = "roost_timeline_commit_seconds";
const COMMITTED: &str = "roost_timeline_committed_writes_total";
const QUEUED: &str = "roost_timeline_queued_writes";
const READ_ONLY: &str = "roost_timeline_read_only";
const PAGE_SECONDS: &str = "roost_timeline_page_seconds";
const READS_REFUSED: &str = "roost_timeline_refused_reads_total";
const CACHE_READS: &str = "roost_timeline_cache_reads_total";
const CACHE_BYTES: &str = "roost_timeline_cache_bytes";
const FEEDS: &str = "roost_timeline_materialised_feeds";
const UNDER_WAY: &str = "roost_timeline_under_way_entries";
const FAN_OUT_SECONDS: &str = "roost_timeline_fan_out_seconds";
const DELIVERED: &str = "roost_timeline_deliveries_total";
const SKIPPED: &str = "roost_timeline_skipped_entries_total";
const ACTIVE: &str = "roost_timeline_active_readers";
const UNPUSHED: &str = "roost_timeline_unpushed_authors";

/// Gives the metrics their help texts.
pub(crate) fn describe() {
    describe_histogram!(COMMIT_SECONDS, "Time to apply a batch of writes and make it durable");
    describe_counter!(COMMITTED, "Writes that were answered after a durable batch");
    describe_gauge!(QUEUED, "Writes that wait for the committer");
    describe_gauge!(READ_ONLY, "1 after a write failed and until the store is reopened");
    describe_histogram!(PAGE_SECONDS, "Time to read a page from the disk, by timeline");
    describe_counter!(READS_REFUSED, "Reads that were refused because too many were under way");
    describe_counter!(CACHE_READS, "Looks into what is kept in memory and evicted from it, by cache and outcome");
    describe_gauge!(CACHE_BYTES, "Bytes that a cache takes");
    describe_gauge!(FEEDS, "Materialised feeds in memory");
    describe_gauge!(UNDER_WAY, "Entries that are durable and not delivered yet");
    describe_histogram!(FAN_OUT_SECONDS, "Time from an entry's batch until it was delivered");
    describe_counter!(DELIVERED, "Entries that were appended to feeds");
    describe_counter!(SKIPPED, "Entries that were not delivered: feeds that they belong to are built anew");
    describe_gauge!(ACTIVE, "Active readers");
    describe_gauge!(UNPUSHED, "Authors over the threshold: reads merge their streams");
    gauge!(READ_ONLY).set(0.0);
}

/// What is measured of feeds in memory. Handles, because looking a metric up costs as much as a read.
#[derive(Debug)]
pub(crate) struct FeedFigures {
    pub heads: Looks,
    pub feeds: Looks,
    pub lists: Looks,
    pub tier: Looks,
    pub skipped: Counter,
    pub delivered: Counter,
    unchanged: Histogram,
    fan_out: Histogram,
    sizes: [Gauge; 8],
}

/// Looks into one cache.
#[derive(Debug)]
pub(crate) struct Looks {
    hits: Counter,
    misses: Counter,
}

/// How much there is of everything.
#[derive(Debug)]
pub(crate) struct FeedSizes {
    pub heads_bytes: usize,
    pub feeds_bytes: usize,
    pub lists_bytes: usize,
    pub tier_bytes: u64,
    pub feeds: usize,
    pub under_way: usize,
    pub active: u64,
    pub over: u64,
}

impl FeedFigures {
    pub(crate) fn new() -> Self {
        let bytes = |cache: &'static str| gauge!(CACHE_BYTES, "cache" => cache);
        FeedFigures {
            heads: Looks::new("heads"),
            feeds: Looks::new("feeds"),
            lists: Looks::new("lists"),
            tier: Looks::new("evicted"),
            skipped: counter!(SKIPPED),
            delivered: counter!(DELIVERED),
            unchanged: histogram!(PAGE_SECONDS, "timeline" => "home_unchanged"),
            fan_out: histogram!(FAN_OUT_SECONDS),
            sizes: [
                bytes("heads"),
                bytes("feeds"),
                bytes("lists"),
                bytes("evicted"),
                gauge!(FEEDS),
                gauge!(UNDER_WAY),
                gauge!(ACTIVE),
                gauge!(UNPUSHED),
            ],
        }
    }

    /// A page that somebody kept still is what it was.
    pub(crate) fn stood(&self, took: Duration) {
        self.unchanged.record(took);
    }

    /// An entry was delivered.
    pub(crate) fn lag(&self, took: Duration) {
        self.fan_out.record(took);
    }

    pub(crate) fn measure(&self, sizes: &FeedSizes) {
        let bytes = [sizes.heads_bytes as u64, sizes.feeds_bytes as u64, sizes.lists_bytes as u64, sizes.tier_bytes];
        let counts = [sizes.feeds as u64, sizes.under_way as u64, sizes.active, sizes.over];
        for (gauge, size) in self.sizes.iter().zip(bytes.into_iter().chain(counts)) {
            gauge.set(size as f64);
        }
    }
}

impl Looks {
    fn new(cache: &'static str) -> Self {
        let reads = |outcome: &'static str| counter!(CACHE_READS, "cache" => cache, "outcome" => outcome);
        Looks { hits: reads("hit"), misses: reads("miss") }
    }

    pub(crate) fn hit(&self) {
        self.hits.increment(1);
    }

    pub(crate) fn miss(&self) {
        self.misses.increment(1);
    }
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

/// A page was read. `timeline` is `home_pushed`, `home_pulled`, `comments`, `engaged`, `notifications`, or a selection of a
/// user's: `user`, `favorited`, `favorites` or `activity`.
pub(crate) fn page(timeline: &'static str, took: Duration) {
    histogram!(PAGE_SECONDS, "timeline" => timeline).record(took);
}

/// A read was refused.
pub(crate) fn read_refused() {
    counter!(READS_REFUSED).increment(1);
}
