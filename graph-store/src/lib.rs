//! Who is connected with whom: the follow graph, as sets of user ids.
//!
//! In reading order:
//!
//! - [`query`]: set algebra, pages, paths and suggestions, pure over one small trait.
//! - [`import`]: graphs from files.

pub mod import;
pub mod query;
