//! Requests over HTTP as many people send them, and home feeds beside those of other systems.
//!
//! - [`schedule`], [`mix`], `text`: when a request starts, what it asks, and what is said. Without I/O.
//! - [`people`]: who there is, who asks, and where.
//! - [`run`]: the open loop.
//! - [`search`]: the highest rate at which the server keeps up.
//! - [`windows`]: measurements one after the other.
//! - [`stage`]: a server's data, made.
//! - [`report`]: what is told.
//! - [`beside`]: home feeds while a job runs over the whole graph, and while none does.
//! - [`versus`]: the newest page of home feeds from Roost, PostgreSQL and Redis.

pub mod beside;
pub mod mix;
pub mod people;
pub mod report;
pub mod run;
pub mod schedule;
pub mod search;
pub mod stage;
mod text;
mod timer;
pub mod versus;
pub mod windows;
