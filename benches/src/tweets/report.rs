//! What came of it.

use std::fmt;

use serde::Serialize;

/// What came of it.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Report {
    /// Tweets that were loaded.
    pub tweets: u64,
    /// By so many users, some of whom wrote none.
    pub users: u32,
    /// From the first to the last that was acknowledged, each durable then.
    pub tweets_per_second: f64,
    /// Seconds of that.
    pub load_seconds: f64,
    /// Seconds until nothing was in memory or to be compacted.
    pub settle_seconds: f64,
    /// 16 bytes of key and the bytes of the value, for every tweet.
    pub data_bytes: u64,
    /// Everything in the service's folder after settling: all tables, index, counts and journals.
    pub disk_bytes: u64,
    /// The journals alone, which are up to 64 MB however many tweets there are.
    pub journal_bytes: u64,
    /// The one by the other.
    pub bytes_per_data_byte: f64,
    /// The most memory before the first tweet.
    pub rss_before_bytes: u64,
    /// The most memory that the process ever had, this program's own included.
    pub rss_peak_bytes: u64,
    /// What the bounds that are set allow: the cache, the tables' changes in memory, heads, feeds and lists.
    pub bounds_bytes: u64,
    /// Seconds to make an empty store.
    pub create_seconds: f64,
    /// Seconds to close it.
    pub close_seconds: f64,
    /// Seconds to open it with all tweets in it.
    pub reopen_seconds: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes >> 20;
        writeln!(f, "{} tweets in {:.1} s: {:.0} a second", self.tweets, self.load_seconds, self.tweets_per_second)?;
        writeln!(f, "settled in {:.1} s, closed in {:.1} s", self.settle_seconds, self.close_seconds)?;
        write!(f, "{} MiB on disk ({} MiB of journals) ", mib(self.disk_bytes), mib(self.journal_bytes))?;
        writeln!(f, "for {} MiB of data: {:.3}", mib(self.data_bytes), self.bytes_per_data_byte)?;
        writeln!(f, "{} MiB of memory at its peak, bounds {} MiB", mib(self.rss_peak_bytes), mib(self.bounds_bytes))?;
        writeln!(f, "made in {:.2} s, opened again in {:.2} s", self.create_seconds, self.reopen_seconds)
    }
}
