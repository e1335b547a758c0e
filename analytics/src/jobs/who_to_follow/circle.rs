//! The circle of trust: where a walk is found that takes edges at random, in either direction, and keeps starting again at
//! one user.
//!
//! Personalised PageRank by pushing (Andersen, Chung and Lang, "Local graph partitioning using PageRank vectors", FOCS
//! 2006) instead of by walking: nothing is random, and what is left out is known. Of what is waiting at a vertex the share *restart*
//! settles there, and the rest goes on to its neighbours in equal parts, until nowhere more than *precision* times the degree is
//! waiting. That takes at most 1 / (precision * restart) steps along edges besides those of the user.

use std::collections::VecDeque;

use base::Direction;
use rustc_hash::FxHashMap;

use super::{LIST_SAMPLED_MAX, WhoToFollow, sample, sample_len};
use crate::JobError;
use crate::graph::{Buffer, Graph};

/// A walk, and its room.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The place of each vertex in `reached`.
    places: FxHashMap<u32, u32>,
    /// In the order in which the walk came to them.
    reached: Vec<Reached>,
    /// Places where enough is waiting.
    queue: VecDeque<u32>,
    neighbours: Vec<u32>,
    buffer: Buffer,
}

#[derive(Clone, Copy, Debug)]
struct Reached {
    vertex: u32,
    /// Members of its lists that count.
    degree: u32,
    settled: f64,
    waiting: f64,
}

impl Walk {
    /// Bytes of memory that it takes.
    pub(super) fn memory(parameters: &WhoToFollow) -> u64 {
        let steps = 1.0 / (parameters.precision * parameters.restart) + (2 * LIST_SAMPLED_MAX) as f64;
        // A map is at least 7/16 full, and the queue may have everybody.
        steps as u64 * (size_of::<Reached>() + 3 * size_of::<(u32, u32)>() + size_of::<u32>()) as u64
    }

    /// At most so many vertices around a user as the parameters say, with their shares of the walk, greatest first.
    pub(super) fn circle<G: Graph>(
        &mut self,
        graph: &G,
        user: u32,
        parameters: &WhoToFollow,
    ) -> Result<Vec<(f64, u32)>, JobError> {
        self.places.clear();
        self.reached.clear();
        self.reach(graph, user)?;
        self.reached[0].waiting = 1.0;
        self.queue.push_back(0);
        while let Some(place) = self.queue.pop_front() {
            self.push(graph, place as usize, parameters)?;
        }
        // What still waits at a vertex was on its way there: it counts as if it had settled.
        let mut circle: Vec<_> =
            self.reached[1..].iter().map(|reached| (reached.settled + reached.waiting, reached.vertex)).collect();
        circle.sort_unstable_by(|(a_share, a), (b_share, b)| b_share.total_cmp(a_share).then(a.cmp(b)));
        circle.truncate(parameters.circle);
        Ok(circle)
    }

    /// Lets settle what is waiting at a place, and sends the rest on.
    fn push<G: Graph>(&mut self, graph: &G, place: usize, parameters: &WhoToFollow) -> Result<(), JobError> {
        let WhoToFollow { restart, precision, .. } = *parameters;
        let reached = &mut self.reached[place];
        let (vertex, moving) = (reached.vertex, std::mem::take(&mut reached.waiting));
        reached.settled += restart * moving;
        let share = (1.0 - restart) * moving / f64::from(reached.degree);
        let mut neighbours = std::mem::take(&mut self.neighbours);
        neighbours.clear();
        for direction in Direction::ALL {
            neighbours.extend(sample(graph.neighbours(direction, vertex, &mut self.buffer)?));
        }
        for neighbour in &neighbours {
            let place = self.reach(graph, *neighbour)?;
            let reached = &mut self.reached[place as usize];
            let enough = precision * f64::from(reached.degree);
            let was_enough = reached.waiting >= enough;
            reached.waiting += share;
            if !was_enough && reached.waiting >= enough {
                self.queue.push_back(place);
            }
        }
        self.neighbours = neighbours;
        Ok(())
    }

    /// The place of a vertex.
    fn reach<G: Graph>(&mut self, graph: &G, vertex: u32) -> Result<u32, JobError> {
        if let Some(place) = self.places.get(&vertex) {
            return Ok(*place);
        }
        let mut degree = 0;
        for direction in Direction::ALL {
            degree += sample_len(graph.degree(direction, vertex)? as usize) as u32;
        }
        let place = self.reached.len() as u32;
        self.places.insert(vertex, place);
        self.reached.push(Reached { vertex, degree, settled: 0.0, waiting: 0.0 });
        Ok(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Csr;

    /// Personalised PageRank by its definition, on both directions of every edge.
    fn ranks(vertices: u32, edges: &[(u32, u32)], user: usize, restart: f64) -> Vec<f64> {
        let mut degrees = vec![0.0; vertices as usize];
        edges.iter().flat_map(|(a, b)| [a, b]).for_each(|vertex| degrees[*vertex as usize] += 1.0);
        let mut ranks = vec![0.0; vertices as usize];
        for _ in 0..200 {
            let mut next = vec![0.0; vertices as usize];
            next[user] = restart;
            for (from, to) in edges.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]) {
                next[to as usize] += (1.0 - restart) * ranks[from as usize] / degrees[from as usize];
            }
            ranks = next;
        }
        ranks
    }

    #[test]
    fn pushing_comes_to_personalised_pagerank() -> Result<(), JobError> {
        let edges = [(0, 1), (1, 0), (1, 2), (2, 3), (3, 1), (4, 0), (5, 6), (3, 7)];
        let parameters = WhoToFollow { precision: 1e-9, ..WhoToFollow::default() };
        let circle = Walk::default().circle(&Csr::from_edges(8, &edges), 0, &parameters)?;
        let expected = ranks(8, &edges, 0, parameters.restart);
        assert_eq!(circle.len(), 5, "5 and 6 are elsewhere, and 0 is the user: {circle:?}");
        for (share, vertex) in &circle {
            assert!((share - expected[*vertex as usize]).abs() < 1e-7, "{vertex}: {share} in {expected:?}");
        }
        assert!(circle.is_sorted_by(|(a, _), (b, _)| a >= b));
        Ok(())
    }

    #[test]
    fn who_is_alone_has_no_circle() -> Result<(), JobError> {
        let graph = Csr::from_edges(3, &[(0, 1)]);
        assert_eq!(Walk::default().circle(&graph, 2, &WhoToFollow::default())?, []);
        Ok(())
    }
}
