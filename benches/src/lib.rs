//! Measurements of Roost, each beside what it is to be compared with. The figures stand in `docs/benchmarks.md`.
//!
//! - `real-graphs`: bytes an edge of the real graphs, against the information-theoretic bound.
//! - `peers`: Roost beside Redis and PostgreSQL, with the same edges.
//! - `grpc`: what a call costs beside one that does nothing.

pub mod bound;
pub mod grpc;
pub mod peers;
pub mod serving;
pub mod wire;
