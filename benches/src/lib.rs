//! Measurements of Roost, each beside what it is to be compared with. The figures stand in `docs/benchmarks.md`.
//!
//! - `real-graphs`: bytes an edge of the real graphs, against the information-theoretic bound.
//! - `churn`: durable changes a second, and what readers feel of them.

pub mod bound;
pub mod churn;
