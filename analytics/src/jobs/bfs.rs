//! Breadth-first search: how many edges away everybody is from one vertex.
//!
//! Beamer, Asanović and Patterson, "Direction-optimizing breadth-first search" (SC 2012): while few vertices are at the
//! front, their forward lists are read; while many are, it is cheaper that each vertex not reached yet looks into its
//! reverse list, which is decoded as a whole, for somebody at the front. Either way a vertex gets the same level, so that the
//! answer does not depend on who came first.

use std::sync::atomic::{AtomicU32, Ordering};

use base::Direction;

use crate::graph::{Buffer, Graph};
use crate::run::Step;
use crate::{JobError, Run};

/// The level of a vertex that cannot be reached.
pub const UNREACHED: u32 = u32::MAX;

/// The front has so large a share of the edges that are left when it is worth to turn round: one in so many (Beamer's α).
const TURN_AT_EDGES: u64 = 14;
/// And so small a share of the vertices when it is worth to turn back: one in so many (Beamer's β).
const BACK_AT_VERTICES: usize = 24;

/// What came out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Levels {
    /// How many edges away each vertex is, or [`UNREACHED`].
    pub levels: Vec<u32>,
    /// How many are reached, the source among them.
    pub reached: u64,
    /// The greatest level.
    pub depth: u32,
}

impl Levels {
    /// Bytes of memory that it takes: a level and, at worst, two places at the front for each vertex.
    pub fn memory(vertices: u32) -> u64 {
        u64::from(vertices) * 3 * size_of::<u32>() as u64
    }
}

/// Searches along forward edges from `source`, which must be a vertex.
///
/// # Errors
///
/// No such vertex, too little memory, a list that cannot be read, or the run was cancelled.
pub fn bfs<G: Graph>(graph: &G, source: u32, run: &Run<'_>) -> Result<Levels, JobError> {
    run.reserve("bfs", Levels::memory(graph.vertices()))?;
    if source >= graph.vertices() {
        return Err(JobError::Parameter { name: "source", expected: "a vertex of the graph" });
    }
    let vertices = graph.vertices() as usize;
    let levels: Vec<AtomicU32> = (0..vertices).map(|_| AtomicU32::new(UNREACHED)).collect();
    levels[source as usize].store(0, Ordering::Relaxed);
    let step = run.step("searching", vertices as u64);
    let search = Search { graph, run, step, levels };
    let (mut front, mut reached, mut depth) = (Front::default(), 1, 0);
    front.push(graph, source)?;
    // Edges out of vertices that were not at the front yet.
    let mut unexplored = graph.edges();
    loop {
        unexplored = unexplored.saturating_sub(front.edges);
        let bottom_up = front.edges > unexplored / TURN_AT_EDGES && front.vertices.len() > vertices / BACK_AT_VERTICES;
        front = if bottom_up { search.bottom_up(depth)? } else { search.top_down(&front.vertices, depth)? };
        if front.vertices.is_empty() {
            let levels = search.levels.into_iter().map(AtomicU32::into_inner).collect();
            return Ok(Levels { levels, reached, depth });
        }
        reached += front.vertices.len() as u64;
        depth += 1;
    }
}

struct Search<'a, G> {
    graph: &'a G,
    run: &'a Run<'a>,
    step: Step,
    levels: Vec<AtomicU32>,
}

/// The vertices of one level, and how many edges lead out of them.
#[derive(Default)]
struct Front {
    vertices: Vec<u32>,
    edges: u64,
}

impl Front {
    fn push<G: Graph>(&mut self, graph: &G, vertex: u32) -> Result<(), JobError> {
        self.vertices.push(vertex);
        self.edges += u64::from(graph.degree(Direction::Forward, vertex)?);
        Ok(())
    }

    fn concat(parts: &[Front]) -> Front {
        let vertices: Vec<&[u32]> = parts.iter().map(|part| part.vertices.as_slice()).collect();
        Front { vertices: vertices.concat(), edges: parts.iter().map(|part| part.edges).sum() }
    }
}

impl<G: Graph> Search<'_, G> {
    /// The next front: everybody in the lists of the front who was not reached yet.
    fn top_down(&self, front: &[u32], depth: u32) -> Result<Front, JobError> {
        let next = self.run.some(&self.step, front, Buffer::default, |buffer, front| {
            let mut next = Front::default();
            for vertex in front {
                for neighbour in self.graph.neighbours(Direction::Forward, *vertex, buffer)? {
                    let level = &self.levels[*neighbour as usize];
                    let (unreached, reached) = (UNREACHED, depth + 1);
                    // Most were reached before, which a plain look tells without holding up other threads.
                    if level.load(Ordering::Relaxed) == UNREACHED
                        && level.compare_exchange(unreached, reached, Ordering::Relaxed, Ordering::Relaxed).is_ok()
                    {
                        next.push(self.graph, *neighbour)?;
                    }
                }
            }
            Ok(next)
        })?;
        Ok(Front::concat(&next))
    }

    /// The next front: everybody not reached yet who has somebody of the front in their reverse list.
    fn bottom_up(&self, depth: u32) -> Result<Front, JobError> {
        let level = |vertex: u32| &self.levels[vertex as usize];
        let next = self.run.scan(&self.step, self.graph.vertices(), Buffer::default, |buffer, chunk| {
            let mut next = Front::default();
            for vertex in self.graph.lying_order(chunk) {
                if level(vertex).load(Ordering::Relaxed) == UNREACHED {
                    let mut sources = self.graph.neighbours(Direction::Reverse, vertex, buffer)?.iter();
                    if sources.any(|source| level(*source).load(Ordering::Relaxed) == depth) {
                        level(vertex).store(depth + 1, Ordering::Relaxed);
                        next.push(self.graph, vertex)?;
                    }
                }
            }
            Ok(next)
        })?;
        Ok(Front::concat(&next))
    }
}
