//! What the graph says as a whole: batch jobs over every list at one revision.
//!
//! In reading order:
//!
//! - [`graph`]: what a job sees of a graph, and the graphs that there are: lists as the store keeps them, plain arrays.
//! - [`run`]: what a job runs under: threads, memory, cancellation, progress.
//! - [`checkpoint`]: what a long job has so far, as a file.
//! - [`jobs`]: one file a job, pure functions from a graph to a value for each vertex.
//! - [`job`]: any of them by name, with its result as a table.
//! - [`output`]: those values as CSV, Parquet and SVG, and as a summary.
//! - [`request`], [`source`], [`task`]: what somebody asks for, on the graph of a store, until it is told and published.
//! - [`service`]: the gRPC door of a server that has the graph open.
//!
//! What holds always: a job never changes a graph; it says beforehand what memory it needs; its results are the same for
//! a seed, whatever the number of threads and whichever kind of graph holds the edges.
//!
//! Deliberately absent: names, feeds, and the files of the store.

pub mod checkpoint;
pub mod error;
pub mod graph;
pub mod job;
pub mod jobs;
pub mod output;
mod priority;
mod random;
pub mod request;
pub mod run;
pub mod service;
pub mod source;
pub mod task;

pub use error::JobError;
pub use graph::{Csr, Graph, SnapshotGraph, Undirected};
pub use job::{Found, Job, Users};
pub use run::{Run, RunOptions};
pub use task::Task;
