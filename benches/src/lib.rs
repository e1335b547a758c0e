//! Measurements of Roost, each beside what it is to be compared with. The figures stand in `docs/benchmarks.md`.
//!
//! - `real-graphs`: bytes an edge of the real graphs, against the information-theoretic bound.
//! - `scale`: two billion follows on one small machine, from the edge list to queries and changes.

pub mod bound;
pub mod scale;
