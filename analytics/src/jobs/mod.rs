//! The jobs, one file each: what is computed, by which definition and from which source, and what it costs.

mod communities;
mod influence;
mod pagerank;
mod scored;
mod similar;
mod who_to_follow;

pub use communities::{Communities, Partition, communities};
pub use influence::{Distances, Influence, influence};
pub use pagerank::{PageRank, Ranks, pagerank};
pub use scored::Scored;
pub use similar::{Measure, Similar, Similarities, similar};
pub use who_to_follow::{LIST_SAMPLED_MAX, WhoToFollow, who_to_follow};
