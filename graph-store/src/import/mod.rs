//! Graphs from files.
//!
//! - [`source`]: a file or standard input, decompressed, with how far it has been read.
//! - [`blocks`]: the edges of a file of any format, in blocks that any thread decodes.
//! - [`format`](mod@format): which of the formats a file has; [`columns`]: which column of a file holds what.
//! - [`parse`]: lines of ids; [`text`]: lines of ids, times and weights; [`csv`]: the same as spreadsheets write them.
//! - [`pairs`]: pairs of numbers and nothing else.
//! - [`binary`]: pairs of numbers, with or without times, in blocks that are verified.
//! - [`parquet`]: the columns of a Parquet file.
//! - [`import`]: all of it into a store, on all cores.

pub mod binary;
pub mod blocks;
mod buffers;
pub mod columns;
pub mod csv;
pub mod format;
pub(crate) mod fuzz;
mod load;
pub mod pairs;
pub mod parquet;
pub mod parse;
pub mod source;
pub mod text;

pub use load::{EdgeList, Import, ImportError, ImportReport, Step, import};
