//! The jobs, one file each: what is computed, by which definition and from which source, and what it costs.

mod bfs;
mod cdlp;
mod communities;
pub(crate) mod degrees;
mod influence;
pub(crate) mod kcore;
mod lcc;
mod lists;
pub(crate) mod oriented;
mod pagerank;
pub(crate) mod reciprocity;
mod scored;
mod similar;
mod sssp;
mod triangles;
pub(crate) mod wcc;
mod who_to_follow;

pub use bfs::{Levels, UNREACHED, bfs};
pub use cdlp::{Cdlp, Labels, cdlp};
pub use communities::{Communities, Partition, communities};
pub use degrees::{Degrees, degrees};
pub use influence::{Distances, Influence, influence};
pub use kcore::kcore;
pub use lcc::lcc;
pub use lists::Lists;
pub use pagerank::{PageRank, Ranks, pagerank};
pub use reciprocity::{Reciprocity, reciprocity};
pub use scored::Scored;
pub use similar::{Measure, Similar, Similarities, similar};
pub use sssp::{Sssp, sssp};
pub use triangles::{Triangles, triangles};
pub use wcc::wcc;
pub use who_to_follow::{LIST_SAMPLED_MAX, WhoToFollow, who_to_follow};
