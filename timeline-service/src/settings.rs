//! What an operator can choose.

use std::path::PathBuf;
use std::time::Duration;

use base::limits;

/// What an operator can choose. Only the folder has no default: `Settings { folder, ..Settings::default() }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the tweets are kept; created where there is none. One process at a time.
    pub folder: PathBuf,
    /// Characters (extended grapheme clusters) of a tweet at the most.
    pub tweet_characters: usize,
    /// Bytes of the cache of blocks that were read from disk.
    pub cache_bytes: u64,
    /// Bytes of tweets in memory, with their counts, as pages show them.
    pub tweets_bytes: usize,
    /// Writes that may wait for the committer; more are refused with `RESOURCE_EXHAUSTED`.
    pub write_queue: usize,
    /// Reads of the disk that may be under way; more are refused with `RESOURCE_EXHAUSTED`.
    pub reads_in_flight: usize,
    /// How long a write may wait for its turn, and a read for its answer.
    pub deadline: Duration,
    /// Idempotency keys that are remembered; the oldest are forgotten first.
    pub idempotency_keys: u64,
    /// Home feeds in memory.
    pub feeds: FeedSettings,
}

/// What an operator can choose about home feeds. Whatever is chosen, all feeds show the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// Bytes of the newest entries of authors.
    pub heads_bytes: usize,
    /// Bytes of materialised feeds.
    pub feeds_bytes: usize,
    /// Bytes of the lists of readers: whom they follow, mute and block.
    pub lists_bytes: usize,
    /// Bytes on disk of feeds that memory has no room for; 0 for none.
    pub evicted_bytes: u64,
    /// Entries of a materialised feed: as many words of 8 bytes, of which a comment takes three and a retweet four.
    pub feed_entries: usize,
    /// Who has not read for this long is no active reader any more.
    pub active_window: Duration,
    /// An author with more active followers than this is not pushed, but merged at each read.
    pub pushed_followers: u64,
    /// How long nobody asks whether such an author has fewer by now.
    pub ask_again: Duration,
    /// A reader who follows more people than this has no materialised feed, but all streams merged at each read.
    pub pulled_followees: usize,
    /// Entries that may wait to be delivered; for more, the feeds that they belong to are built anew.
    pub push_queue: usize,
    /// Removals that are remembered in memory for each epoch; there are three.
    pub gone_max: usize,
}

impl Default for FeedSettings {
    fn default() -> Self {
        FeedSettings {
            heads_bytes: 256 << 20,
            feeds_bytes: 256 << 20,
            lists_bytes: 64 << 20,
            evicted_bytes: 1 << 30,
            feed_entries: 800,
            active_window: Duration::from_secs(7 * 24 * 60 * 60),
            pushed_followers: 10_000,
            ask_again: Duration::from_secs(60),
            pulled_followees: 5_000,
            push_queue: 65_536,
            gone_max: 65_536,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            folder: PathBuf::new(),
            tweet_characters: limits::TWEET_CHARACTERS_DEFAULT,
            cache_bytes: 64 << 20,
            tweets_bytes: 128 << 20,
            write_queue: 4096,
            reads_in_flight: 16,
            deadline: limits::CALL_DEADLINE,
            // At 10 million tweets a day the keys of the last two hours: some 100 MB of disk.
            idempotency_keys: 1_000_000,
            feeds: FeedSettings::default(),
        }
    }
}
