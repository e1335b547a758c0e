//! Graphs from files.
//!
//! - [`source`]: a file or standard input, decompressed, with how far it has been read.
//! - [`parse`]: lines of ids out of it.
//! - [`import`]: all of it into a store.

mod load;
pub mod parse;
pub mod source;

pub use load::{EdgeList, Import, ImportError, ImportReport, Step, import};
