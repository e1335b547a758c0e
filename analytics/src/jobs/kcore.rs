//! Core numbers: how deep somebody sits in the part where everybody has many neighbours.
//!
//! The core number of a vertex is the greatest *k* for which it is part of a subgraph in which everybody has at least *k*
//! neighbours (Seidman, "Network structure and minimum degree", 1983). Whoever has the fewest neighbours is taken away,
//! and so on (Batagelj and Zaveršnik, 2003); all of one *k* in parallel (Dasari, Ranjan and Zubair, "ParK", 2014). Every
//! list is read once, when its vertex is taken away.

use std::sync::atomic::{AtomicU32, Ordering};

use base::Direction;
use rayon::prelude::*;

use crate::graph::{Buffer, Graph};
use crate::{JobError, Run};

/// Bytes of memory that it takes: for each vertex a count, and a place among those who remain and at two fronts.
pub(crate) fn memory(vertices: u32) -> u64 {
    u64::from(vertices) * 4 * size_of::<u32>() as u64
}

/// The core number of every vertex of a symmetric graph.
///
/// Takes sixteen bytes for each vertex.
///
/// # Errors
///
/// A graph that is not symmetric, too little memory, a list that cannot be read, or the run was cancelled.
pub fn kcore<G: Graph>(graph: &G, run: &Run<'_>) -> Result<Vec<u32>, JobError> {
    if !graph.is_symmetric() {
        return Err(JobError::Parameter { name: "the graph", expected: "undirected" });
    }
    let vertices = graph.vertices();
    run.reserve("kcore", memory(vertices))?;
    let degrees = (0..vertices).map(|vertex| graph.degree(Direction::Forward, vertex).map(AtomicU32::new));
    // How many neighbours are left, but for those taken away: how many were when it was, which is what we look for.
    let left: Vec<AtomicU32> = degrees.collect::<Result<_, _>>()?;
    let left_of = |vertex: &u32| left[*vertex as usize].load(Ordering::Relaxed);
    let step = run.step("peeling", vertices.into());
    let mut remaining: Vec<u32> = (0..vertices).collect();
    while let Some(fewest) = run.install(|| remaining.par_iter().map(left_of).min()) {
        let is_next = |vertex: &u32| left_of(vertex) == fewest;
        let mut front: Vec<u32> = remaining.iter().copied().filter(is_next).collect();
        while !front.is_empty() {
            let next = run.some(&step, &front, Buffer::default, |buffer, front| {
                let mut next = Vec::new();
                for vertex in front {
                    for neighbour in graph.neighbours(Direction::Forward, *vertex, buffer)? {
                        let left = &left[*neighbour as usize];
                        // Nobody sinks below the core that is being taken away: they are part of it.
                        let lose = |left: u32| (left > fewest).then(|| left - 1);
                        if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lose) == Ok(fewest + 1) {
                            next.push(*neighbour);
                        }
                    }
                }
                Ok(next)
            })?;
            front = next.concat();
        }
        run.install(|| {
            remaining = std::mem::take(&mut remaining).into_par_iter().filter(|v| left_of(v) > fewest).collect()
        });
    }
    Ok(left.into_iter().map(AtomicU32::into_inner).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Csr, RunOptions, Undirected};

    #[test]
    fn a_clique_with_a_tail_and_somebody_alone() -> Result<(), JobError> {
        let clique = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
        let graph = Csr::from_edges(7, &[&clique[..], &[(3, 4), (4, 5)]].concat());
        let run = Run::new(RunOptions::default())?;
        assert_eq!(kcore(&Undirected::new(graph, &run)?, &run)?, [3, 3, 3, 3, 1, 1, 0]);
        Ok(())
    }
}
