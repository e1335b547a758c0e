//! What the services of Roost share, and nothing that only one of them needs.
//!
//! In reading order:
//!
//! - [`ids`]: users, slots, relations, tweets: the nouns of every interface.
//! - [`revision`], [`cursor`]: opaque tokens that clients hold for us.
//! - [`limits`]: every limit that crosses a service, and why it is what it is.
//! - [`error`]: the closed set of codes, each defined by what the caller should do.
//! - [`clock`]: now, and a clock that tests move.
//! - [`disk`]: files, folders and syncs, on a real disk or on one that tests cut the power of.
//! - [`worker`]: threads in the background, whose panics are told of.
//! - [`telemetry`]: logs and metrics of a process.
//!
//! This crate depends on nothing of ours.

pub mod clock;
pub mod cursor;
pub mod disk;
pub mod error;
pub mod ids;
pub mod limits;
pub mod revision;
pub mod telemetry;
pub mod worker;

pub use error::{Code, Error};
pub use ids::{Direction, Edge, ListRef, Relation, Slot, Slots, TweetId, UserId};
pub use revision::Revision;
