//! Measurements of Roost, each beside what it is to be compared with. The figures stand in `docs/benchmarks.md`.
//!
//! - `real-graphs`: bytes an edge of the real graphs, by ids and encoding, against the information-theoretic bound.

pub mod bound;
pub mod edges;
