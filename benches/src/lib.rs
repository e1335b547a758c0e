//! Measurements of Roost, each beside what it is to be compared with. The figures stand in `docs/benchmarks.md`.
//!
//! - `real-graphs`: bytes an edge of the real graphs, against the information-theoretic bound.
//! - `scale`: two billion follows on one small machine, from the edge list to queries and changes.
//! - `encodings`: bytes an edge of a generated graph, by encoding, against the same bound.
//! - `benches/adjacency.rs`: nanoseconds of each operation on a list, beside plain arrays and a map of bitmaps.

pub mod bound;
pub mod scale;
