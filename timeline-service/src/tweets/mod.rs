//! What was said, durably.
//!
//! - [`keys`]: the tables, and what their keys look like.
//! - [`record`]: what lies under a key: versioned, checksummed.
//! - [`view`]: one durable state, to be read from.
//! - [`inbox`]: what is read of notifications, and what is still to be told.
//! - [`heads`]: the oldest and newest tweet of every author, in memory.
//! - [`command`]: what a write does: a deterministic function of the state and a command whose ids are fixed.
//! - [`committer`]: the one thread that writes.
//! - [`store`]: opening and closing all of it; the handle.
//! - [`stray`]: what must not lie in the folder.
//! - [`check`]: whether everything fits together.
//!
//! A write goes `store` → queue → `committer` (ids, commands, one batch, one sync) → the next [`view::View`] → answer.
//! A read takes the view of the moment and sees nothing that is not durable, and nothing that is half done.

mod check;
mod command;
mod committer;
mod heads;
mod inbox;
mod keys;
mod record;
mod store;
mod stray;
mod view;

pub use check::CheckReport;
pub(crate) use command::{Delete, Deliver, Follow, NewTweet, NotifyFollows, Read, Subscribe, Tweet, addressed};
pub(crate) use inbox::Delivery;
pub(crate) use record::{NotificationRecord, TweetRecord};
pub(crate) use store::Store;
pub(crate) use view::View;
