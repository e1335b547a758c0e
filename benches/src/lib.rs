//! Measurements of Roost, each beside what it is to be compared with. The figures stand in `docs/benchmarks.md`.
//!
//! - `real-graphs`: bytes an edge of the real graphs, by ids and encoding, against the information-theoretic bound.
//! - `encodings`: bytes an edge of a generated graph, by encoding, against the same bound.
//! - `benches/adjacency.rs`: nanoseconds of each operation on a list, beside plain arrays and a map of bitmaps.
//! - `columns`: bytes an edge that times take, and how long pages of a long list take.
//! - `churn`: durable changes a second, and what readers feel of them.
//! - `grpc`: what a call costs beside one that does nothing.
//! - `peers`: Roost beside Redis and PostgreSQL, with the same edges.
//! - `load`: requests over HTTP as many people send them, home feeds beside a job over the whole graph, and beside Redis and
//!   PostgreSQL.
//! - `feeds`: home feeds in process: pulled, materialised and mixed; fan-out; from a post to its place in a feed.
//! - `tweets`: millions of tweets, from an importer to the disk and back.
//! - `analytics`: jobs over whole graphs, on compressed lists beside plain arrays.
//! - `who-to-follow`: how often hidden followees are suggested, beside two ways that everybody knows.
//! - `scale`: two billion follows on one small machine, from the edge list to queries and changes.

pub mod analytics;
pub mod bound;
pub mod churn;
pub mod cores;
pub mod edges;
pub mod feeds;
pub mod goals;
pub mod grpc;
pub mod load;
pub mod peers;
pub mod progress;
pub mod scale;
pub mod servers;
pub mod serving;
pub mod times;
pub mod tweets;
pub mod wire;
