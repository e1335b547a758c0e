//! Graphs from files.
//!
//! - [`source`]: a file or standard input, decompressed, with how far it has been read.
//! - [`blocks`]: the edges of a file of any format, some at a time; [`batch`]: some edges.
//! - [`columns`]: which column of a file holds what.
//! - [`lines`]: whole lines, some at a time.
//! - [`parse`]: lines of ids; [`text`]: lines of ids, times and weights; [`csv`]: the same as spreadsheets write them.
//! - [`pairs`]: pairs of numbers and nothing else.
//! - [`binary`]: pairs of numbers, with or without times, in blocks that are verified.
//! - [`parquet`]: the columns of a Parquet file.
//! - [`import`]: all of it into a store.

pub mod batch;
pub mod binary;
pub mod blocks;
pub mod columns;
pub mod csv;
pub mod lines;
mod load;
pub mod pairs;
pub mod parquet;
pub mod parse;
pub mod source;
pub mod text;

pub use load::{EdgeList, Import, ImportError, ImportReport, Step, import};
