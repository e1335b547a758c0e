//! The follow graph: who is connected with whom.
//!
//! In reading order:
//!
//! - [`adjacency`]: how one list of ids lies in bytes.
//! - [`segment`]: the lists of one slot and direction as one immutable file.
//! - [`overlay`]: changes since the segments, in memory.
//! - [`log`]: every change in order, durable before it is acknowledged.
//! - [`store`]: all of these together: the one type that opens, reads and changes a graph.
//! - [`query`]: set algebra, pages, paths and suggestions, pure over lists.
//! - [`import`]: edge lists from files.
//! - [`export`]: a graph as files that others read.
//! - [`backup`]: the store at some revisions, kept elsewhere.
//! - [`generate`]: follow graphs out of nothing, to measure with.
//! - [`reorder`]: ids under which the lists of a graph pack smaller.
//! - [`published`]: results of analytics jobs that the service answers from.
//! - [`service`]: the gRPC doors.
//! - [`metrics`]: what is measured.
//! - [`fuzzing`]: what a fuzzer calls.
//!
//! What holds always: an edge is in the forward list of its source and in the reverse list of its target, or in
//! neither; what was acknowledged is durable; what is read was durable before.

pub mod adjacency;
pub mod backup;
mod bytes;
pub mod export;
#[doc(hidden)]
pub mod fuzzing;
pub mod generate;
pub mod import;
pub mod log;
pub mod metrics;
pub mod overlay;
pub mod published;
pub mod query;
pub mod reorder;
pub mod segment;
pub mod service;
pub mod store;

pub use store::{Options, Recovery, Store, StoreError};
