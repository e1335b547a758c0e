//! The api: who you are, and the doors.
//!
//! Accounts, profiles and sessions are its own, in a relational database. The graph and the tweets are asked for through
//! [`proto::link`]; no other service is known here. In reading order:
//!
//! - `database`: the connections, and how a folder is opened.
//! - `remembered`: rows that are read with every request, in memory, and never older than the database says.
//! - [`accounts`]: who has an account; also what the command line needs without a server.
//! - `sessions`: passwords, sessions, tokens.
//! - `error`: every answer that is none: problem details (RFC 9457).
//! - `extract`: who is calling, for which page, with which body, at least as new as which revision.
//! - `json`: answers as JSON.
//! - `kept`: home feeds as they were answered.
//! - `views`: the JSON of people, tweets and pages, put together with one call for each service, not one for each item.
//! - `routes`: one file for each family of resources.
//! - `middleware`: request ids, metrics, time limits, the text of problems.
//! - `router`, `state`: what connects them.
//! - [`operations`]: health and metrics for roles that serve nothing else over HTTP.
//!
//! What holds always: no answer waits for a service without a deadline, a page costs a fixed number of calls whatever its
//! length, and nothing but problem details is ever sent with a status of 400 or above.

pub mod accounts;
mod database;
mod error;
mod extract;
mod json;
mod kept;
mod metrics;
mod middleware;
pub mod operations;
mod remembered;
mod router;
mod routes;
mod sessions;
mod state;
mod views;

pub use accounts::{Accounts, NewAccount};
pub use database::OpenError;
pub use sessions::PasswordCost;
pub use sessions::password::PasswordError;
pub use state::{Api, Settings};
