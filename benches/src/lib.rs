//! Measurements of Roost, each beside what it is to be compared with. The figures stand in `docs/benchmarks.md`.
//!
//! - `real-graphs`: bytes an edge of the real graphs, against the information-theoretic bound.
//! - `encodings`: bytes an edge of a generated graph, by encoding, against the same bound.
//! - `benches/adjacency.rs`: nanoseconds of each operation on a list, beside plain arrays and a map of bitmaps.

pub mod bound;
