//! Who is connected with whom: the follow graph, as sets of user ids.
//!
//! In reading order:
//!
//! - [`adjacency`]: how one list of ids lies in bytes.
//! - [`segment`]: the lists of one slot and direction as one immutable file.
//! - [`query`]: set algebra, pages, paths and suggestions, pure over one small trait.
//! - [`import`]: graphs from files.

pub mod adjacency;
pub mod import;
pub mod query;
pub mod segment;
