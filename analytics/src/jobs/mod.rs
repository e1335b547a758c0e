//! The jobs, one file each: what is computed, by which definition and from which source, and what it costs.

mod pagerank;

pub use pagerank::{PageRank, Ranks, pagerank};
