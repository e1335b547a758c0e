//! Weakly connected components: who is connected with whom by edges in whatever direction.
//!
//! Union-find without locks (Cole and Vishkin's hooking with path halving; as in Jaiganesh and Burtscher, "A
//! high-performance connected components implementation for GPUs", HPDC 2018): everybody points at somebody with a smaller number
//! or at themselves, and an edge makes the greater of two roots point at the smaller. Every edge is in the forward list
//! of its source, so that one pass over forward lists is all it takes. The root that remains is the smallest vertex
//! of its component, in whatever order edges were looked at.

use std::sync::atomic::{AtomicU32, Ordering};

use base::Direction;

use crate::graph::{Buffer, Graph};
use crate::{JobError, Run};

/// Bytes of memory that it takes: a parent and a root for each vertex.
pub(crate) fn memory(vertices: u32) -> u64 {
    u64::from(vertices) * 2 * size_of::<u32>() as u64
}

/// The component of each vertex, named by its smallest vertex.
///
/// Takes eight bytes for each vertex and one read of all forward lists.
///
/// # Errors
///
/// Too little memory, a list that cannot be read, or the run was cancelled.
pub fn wcc<G: Graph>(graph: &G, run: &Run<'_>) -> Result<Vec<u32>, JobError> {
    let vertices = graph.vertices();
    run.reserve("wcc", memory(vertices))?;
    let forest = Forest((0..vertices).map(AtomicU32::new).collect());
    let step = run.step("connecting", vertices.into());
    run.scan(&step, vertices, Buffer::default, |buffer, chunk| {
        for vertex in graph.lying_order(chunk) {
            let mut root = forest.root(vertex);
            for neighbour in graph.neighbours(Direction::Forward, vertex, buffer)? {
                // Soon nearly everybody points straight at the root of the largest component.
                if forest.parent(*neighbour) != root {
                    root = forest.unite(root, *neighbour);
                }
            }
        }
        Ok(())
    })?;
    run.check()?;
    let roots = (0..vertices).map(|vertex| forest.root(vertex));
    Ok(roots.collect())
}

/// Trees in which every parent is smaller than its children.
struct Forest(Vec<AtomicU32>);

impl Forest {
    #[inline]
    fn parent(&self, vertex: u32) -> u32 {
        self.0[vertex as usize].load(Ordering::Relaxed)
    }

    /// The root of a vertex's tree; on the way every other vertex is made to point past its parent.
    #[inline]
    fn root(&self, mut vertex: u32) -> u32 {
        let mut parent = self.parent(vertex);
        while parent != vertex {
            let above = self.parent(parent);
            if above == parent {
                return parent;
            }
            // Whoever else moves it moves it up as well: either is right.
            self.0[vertex as usize].store(above, Ordering::Relaxed);
            (vertex, parent) = (above, self.parent(above));
        }
        vertex
    }

    /// Makes one tree of those of two vertices, and answers its root.
    fn unite(&self, first: u32, second: u32) -> u32 {
        let (mut first, mut second) = (self.root(first), self.root(second));
        while first != second {
            let (upper, lower) = (first.min(second), first.max(second));
            let hooked = self.0[lower as usize].compare_exchange(lower, upper, Ordering::Relaxed, Ordering::Relaxed);
            if hooked.is_ok() {
                return upper;
            }
            // It has become part of another tree meanwhile.
            (first, second) = (self.root(upper), self.root(lower));
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Csr, RunOptions};

    #[test]
    fn direction_does_not_matter_and_the_smallest_names_all() -> Result<(), JobError> {
        let graph = Csr::from_edges(8, &[(6, 5), (5, 2), (7, 2), (4, 3)]);
        let run = Run::new(RunOptions::default())?;
        assert_eq!(wcc(&graph, &run)?, [0, 1, 2, 3, 3, 2, 2, 2]);
        Ok(())
    }
}
