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
    /// Writes that may wait for the committer; more are refused with `RESOURCE_EXHAUSTED`.
    pub write_queue: usize,
    /// Reads of the disk that may be under way; more are refused with `RESOURCE_EXHAUSTED`.
    pub reads_in_flight: usize,
    /// How long a write may wait for its turn, and a read for its answer.
    pub deadline: Duration,
    /// Idempotency keys that are remembered; the oldest are forgotten first.
    pub idempotency_keys: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            folder: PathBuf::new(),
            tweet_characters: limits::TWEET_CHARACTERS_DEFAULT,
            cache_bytes: 64 << 20,
            write_queue: 4096,
            reads_in_flight: 128,
            deadline: limits::CALL_DEADLINE,
            // At 10 million tweets a day the keys of the last two hours: some 100 MB of disk.
            idempotency_keys: 1_000_000,
        }
    }
}
