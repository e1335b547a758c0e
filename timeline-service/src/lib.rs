//! What was said, and who sees it: tweets, users' timelines and home feeds.
//!
//! In reading order:
//!
//! - `settings`: what an operator can choose.
//! - `core`: what a tweet and a feed are, without I/O.
//! - `cache`: a map that is bounded in bytes.
//! - `ids`: tweet ids, each greater than any before.
//! - `tweets`: the store: one committer, many readers, each with a durable state of its own.
//! - `feeds`: home feeds in memory.
//! - `graph`: what is asked of the graph.
//! - `notifier`: what notifies people in the background.
//! - `service`: `roost.timeline.v1.TimelineService`.
//! - `error`, `metrics`: what can go wrong, and what is measured.
//!
//! What always holds: an acknowledged write is on the disk; no reader sees what is not; what lies below an entry that
//! somebody has seen never gains another. Imports go one way: `service` → `notifier`, `feeds` →
//! `tweets` → `core`, and `core` does no I/O.

mod cache;
mod core;
mod error;
mod feeds;
mod fetch;
mod graph;
mod ids;
mod metrics;
mod notifier;
mod service;
mod settings;
mod tweets;

pub use self::core::rules::Sources;
pub use self::error::{Damage, OpenError, Refusal, StoreError};
pub use self::feeds::bench;
pub use self::graph::{ACTIVE_READERS, Begin, Follows, Graph, News, Told, Versions};
pub use self::service::{LOAD_TWEETS_MAX, LoadedTweet, TimelineService};
pub use self::settings::{FeedSettings, Settings};
pub use self::tweets::{CheckReport, MEMORY_OF_TABLES_BYTES};
