//! The undirected simple graph with each edge in one list only: that of the end with fewer neighbours.
//!
//! Every triangle has then exactly one vertex whose list has the other two, and no list is longer than the root of twice
//! the edges (Chiba and Nishizeki, "Arboricity and subgraph listing algorithms", 1985; Latapy, "Main-memory triangle
//! computations for very large (sparse (power-law)) graphs", 2008): all triangles are found in time O(m^1.5), however long
//! the lists of the most popular are.

use std::sync::atomic::{AtomicU64, Ordering};

use base::Direction;

use crate::graph::{Buffer, Graph, unite};
use crate::run::CHUNK_VERTICES;
use crate::{JobError, Run};

/// Vertices at the most: a neighbour and a flag share 32 bits.
const VERTICES_MAX: u32 = 1 << 31;

/// A neighbour with more neighbours, and whether both directions have an edge.
#[derive(Clone, Copy, Debug)]
struct Member(u32);

impl Member {
    fn new(vertex: u32, mutual: bool) -> Self {
        Member(vertex << 1 | u32::from(mutual))
    }

    fn vertex(self) -> u32 {
        self.0 >> 1
    }

    /// How many of the two directions have an edge: 1 or 2.
    fn edges(self) -> u8 {
        1 + (self.0 & 1) as u8
    }
}

/// The lists of [`CHUNK_VERTICES`] vertices, side by side.
struct Rows {
    ends: Vec<u32>,
    members: Vec<Member>,
}

/// The lists, and how many neighbours each vertex has in all.
pub(crate) struct Oriented {
    degrees: Vec<u32>,
    chunks: Vec<Rows>,
}

impl Oriented {
    /// Bytes of memory that it takes and that counting on it takes, at the most: four for each pair that is connected, and for
    /// each vertex a degree, the end of a list, a count and a mark for each thread.
    pub(crate) fn memory(vertices: u32, pairs: u64, threads: usize) -> u64 {
        let of_vertex = 2 * size_of::<u32>() + size_of::<u64>() + threads;
        pairs * size_of::<Member>() as u64 + u64::from(vertices) * of_vertex as u64
    }

    /// Says that so much memory will be taken.
    pub(super) fn reserve<G: Graph>(job: &'static str, graph: &G, run: &Run<'_>) -> Result<(), JobError> {
        // A symmetric graph has each pair as two edges, any other at least as one.
        let pairs = if graph.is_symmetric() { graph.edges() / 2 } else { graph.edges() };
        run.reserve(job, Oriented::memory(graph.vertices(), pairs, run.threads()))
    }

    /// Reads all lists twice: to count, and to take.
    pub(super) fn new<G: Graph>(graph: &G, run: &Run<'_>) -> Result<Self, JobError> {
        let vertices = graph.vertices();
        if vertices > VERTICES_MAX {
            return Err(JobError::Parameter { name: "the graph", expected: "of 2^31 vertices at the most" });
        }
        let step = run.step("orienting", 2 * u64::from(vertices));
        let mut degrees = vec![0; vertices as usize];
        run.pass(&step, &mut degrees, <[Buffer; 2]>::default, |buffers, chunk, degrees| {
            let start = chunk.start;
            for vertex in graph.lying_order(chunk) {
                each_neighbour(graph, vertex, buffers, |_| degrees[(vertex - start) as usize] += 1)?;
            }
            Ok(())
        })?;
        let chunks = run.scan(&step, vertices, <[Buffer; 2]>::default, |buffers, chunk| {
            let (mut ends, mut members) = (Vec::with_capacity(chunk.len()), Vec::new());
            for vertex in chunk {
                let place = |vertex: u32| (degrees[vertex as usize], vertex);
                each_neighbour(graph, vertex, buffers, |member| {
                    if place(member.vertex()) > place(vertex) {
                        members.push(member);
                    }
                })?;
                ends.push(members.len() as u32);
            }
            members.shrink_to_fit();
            Ok(Rows { ends, members })
        })?;
        Ok(Oriented { degrees, chunks })
    }

    /// How many neighbours each vertex has.
    pub(super) fn degrees(&self) -> &[u32] {
        &self.degrees
    }

    /// Finds every triangle once, and adds to the count of each of its corners what `amount` makes of the number of
    /// edges, 1 or 2, between the other two.
    pub(super) fn count(&self, amount: impl Fn(u8) -> u64 + Sync, run: &Run<'_>) -> Result<Vec<u64>, JobError> {
        let vertices = self.degrees.len() as u32;
        let counts: Vec<AtomicU64> = (0..vertices).map(|_| AtomicU64::new(0)).collect();
        let add = |vertex: u32, to_add: u64| counts[vertex as usize].fetch_add(to_add, Ordering::Relaxed);
        let step = run.step("counting triangles", vertices.into());
        // For each vertex, whether it is in the list at hand, and with how many edges.
        let marks = || vec![0; vertices as usize];
        run.scan(&step, vertices, marks, |marks, chunk| {
            for first in chunk {
                let members = self.members(first);
                members.iter().for_each(|third| marks[third.vertex() as usize] = third.edges());
                let mut of_first = 0;
                for second in members {
                    let mut of_second = 0;
                    for third in self.members(second.vertex()) {
                        let first_to_third = marks[third.vertex() as usize];
                        if first_to_third > 0 {
                            of_first += amount(third.edges());
                            of_second += amount(first_to_third);
                            add(third.vertex(), amount(second.edges()));
                        }
                    }
                    add(second.vertex(), of_second);
                }
                add(first, of_first);
                members.iter().for_each(|third| marks[third.vertex() as usize] = 0);
            }
            Ok(())
        })?;
        Ok(counts.into_iter().map(AtomicU64::into_inner).collect())
    }

    fn members(&self, vertex: u32) -> &[Member] {
        let (chunk, place) = (vertex as usize / CHUNK_VERTICES, vertex as usize % CHUNK_VERTICES);
        let Rows { ends, members } = &self.chunks[chunk];
        let start = if place == 0 { 0 } else { ends[place - 1] };
        &members[start as usize..ends[place] as usize]
    }
}

/// Calls `each` for everybody whom a vertex is connected with in either direction.
fn each_neighbour<G: Graph>(
    graph: &G,
    vertex: u32,
    [forward, reverse]: &mut [Buffer; 2],
    mut each: impl FnMut(Member),
) -> Result<(), JobError> {
    let forward = graph.neighbours(Direction::Forward, vertex, forward)?;
    let reverse = if graph.is_symmetric() { forward } else { graph.neighbours(Direction::Reverse, vertex, reverse)? };
    unite(forward, reverse, |neighbour, out, back| each(Member::new(neighbour, out.is_some() && back.is_some())));
    Ok(())
}
