//! Local clustering coefficients: how well somebody's neighbours know each other.
//!
//! Watts and Strogatz, "Collective dynamics of 'small-world' networks" (1998), for directed graphs as in the LDBC
//! Graphalytics specification (section 2.3.5): the neighbours of a vertex are those it is connected with in either
//! direction; its coefficient is the number of edges among them over the number that there could be, *d (d - 1)* for *d*
//! neighbours; 0 for fewer than two. In an undirected graph an edge counts from both ends.
//!
//! The edges among a vertex's neighbours are those opposite to it in its triangles, one or two in each.

use super::oriented::Oriented;
use crate::graph::Graph;
use crate::{JobError, Run};

/// The coefficient of every vertex, from 0 to 1.
///
/// # Errors
///
/// Too little memory, a list that cannot be read, or the run was cancelled.
pub fn lcc<G: Graph>(graph: &G, run: &Run<'_>) -> Result<Vec<f64>, JobError> {
    Oriented::reserve("lcc", graph, run)?;
    let oriented = Oriented::new(graph, run)?;
    let edges = oriented.count(u64::from, run)?;
    let coefficient = |(edges, degree): (u64, &u32)| {
        let possible = u64::from(*degree) * u64::from(degree.saturating_sub(1));
        if possible == 0 { 0.0 } else { edges as f64 / possible as f64 }
    };
    Ok(edges.into_iter().zip(oriented.degrees()).map(coefficient).collect())
}
