//! Graphs from files.
//!
//! - [`source`]: a file or standard input, decompressed, with how far it has been read.
//! - [`parse`]: lines of ids out of it.
//! - [`binary`]: pairs of numbers out of it, with or without times.
//! - [`blocks`]: edges out of either, for several threads.
//! - [`import`]: all of it into a store.

pub mod binary;
pub mod blocks;
mod load;
pub mod parse;
pub mod source;

pub use load::{EdgeList, Import, ImportError, ImportReport, Step, import};
