//! Graphs from files.
//!
//! - [`source`]: a file or standard input, decompressed, with how far it has been read.
//! - [`parse`]: lines of ids out of it.

pub mod parse;
pub mod source;
