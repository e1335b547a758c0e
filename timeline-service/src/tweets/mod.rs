//! What was said, durably.
//!
//! - [`keys`]: the tables, and what their keys look like.
//! - [`record`]: what lies under a key: versioned, checksummed.
//! - [`view`]: one durable state, to be read from.
//! - [`scan`]: a part of a table, walked either way.
//! - [`lists`]: those that refer to a tweet, and those of what a user favorited.
//! - [`inbox`]: what is read of notifications, and what is still to be told.
//! - [`seen`]: a tweet with its counts, as somebody sees it.
//! - [`known`]: tweets with their counts, in memory.
//! - [`bounds`]: where the stream of every author begins and ends, in memory.
//! - [`memory`]: who keeps things in memory and is told what a durable batch changed.
//! - [`command`]: what a write does: a deterministic function of the state and a command whose ids are fixed.
//! - [`committer`]: the one thread that writes.
//! - [`store`]: opening and closing all of it; the handle.
//! - [`journal`]: whether the journals of the storage engine are whole.
//! - [`stray`]: what must not lie in the folder.
//! - [`check`]: whether everything fits together.
//!
//! A write goes `store` → queue → `committer` (ids, commands, one batch, one sync) → the next [`view::View`] → answer.
//! A read takes the view of the moment and sees nothing that is not durable, and nothing that is half done.

pub(crate) mod bounds;
mod check;
mod command;
mod committer;
mod inbox;
mod journal;
mod keys;
mod known;
mod lists;
mod memory;
mod record;
mod scan;
mod seen;
mod store;
mod stray;
mod view;

pub use check::CheckReport;
pub(crate) use command::{
    Delete, Deliver, Effect, Engaged, Favorite, Follow, Load, Loaded, NewTweet, NotifyFollows, Read, Retweet,
    Subscribe, Tweet, addressed,
};
pub(crate) use inbox::Delivery;
pub use keys::MEMORY_OF_TABLES_BYTES;
pub(crate) use lists::{Engagement, Named};
pub(crate) use memory::Memory;
pub(crate) use record::NotificationRecord;
pub(crate) use seen::Seen;
pub(crate) use store::Store;
pub(crate) use view::{AuthorStream, View};
