//! The jobs, one file each: what is computed, by which definition and from which source, and what it costs.

mod bfs;
mod cdlp;
mod degrees;
mod kcore;
mod lcc;
mod oriented;
mod pagerank;
mod reciprocity;
mod sssp;
mod triangles;
mod wcc;

pub use bfs::{Levels, UNREACHED, bfs};
pub use cdlp::{Cdlp, Labels, cdlp};
pub use degrees::{Degrees, degrees};
pub use kcore::kcore;
pub use lcc::lcc;
pub use pagerank::{PageRank, Ranks, pagerank};
pub use reciprocity::{Reciprocity, reciprocity};
pub use sssp::{Sssp, sssp};
pub use triangles::{Triangles, triangles};
pub use wcc::wcc;
