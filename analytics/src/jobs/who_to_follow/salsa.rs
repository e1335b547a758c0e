//! SALSA: hubs that follow authorities, and authorities whom hubs follow.
//!
//! Lempel and Moran, "The stochastic approach for link-structure analysis (SALSA) and the TKC effect" (2000): a walk goes from a
//! hub to one of its authorities, back to one of the hubs that follow it, and so on. Here it starts at hubs by their
//! shares in the circle of trust, and in each round starts there again with the chance [`RESTART`], so that it stays close to
//! the user.

use base::Direction;
use rustc_hash::FxHashMap;

use super::{LIST_SAMPLED_MAX, WhoToFollow, sample};
use crate::JobError;
use crate::graph::{Buffer, Graph};

/// The chance that a walk that comes back to the hubs starts anew.
const RESTART: f64 = 0.2;

/// The bipartite graph of a circle, and where the walk is.
#[derive(Debug, Default)]
pub(super) struct Salsa {
    /// The place of each authority in `authorities`.
    places: FxHashMap<u32, u32>,
    authorities: Vec<Authority>,
    /// Authorities by place, hub after hub.
    edges: Vec<u32>,
    hubs: Vec<Hub>,
    buffer: Buffer,
}

#[derive(Clone, Copy, Debug)]
struct Authority {
    vertex: u32,
    /// Hubs that follow it.
    hubs: u32,
    score: f64,
}

#[derive(Clone, Copy, Debug)]
struct Hub {
    /// Where its edges end.
    end: usize,
    start_score: f64,
    score: f64,
}

impl Salsa {
    /// Bytes of memory that it takes.
    pub(super) fn memory(parameters: &WhoToFollow) -> u64 {
        let edges = (parameters.circle * LIST_SAMPLED_MAX) as u64;
        let authority = size_of::<Authority>() + 3 * size_of::<(u32, u32)>() + size_of::<(f64, u32)>();
        edges * (size_of::<u32>() + authority) as u64
    }

    /// Scores all whom a circle follows.
    pub(super) fn score<G: Graph>(
        &mut self,
        graph: &G,
        circle: &[(f64, u32)],
        parameters: &WhoToFollow,
    ) -> Result<(), JobError> {
        self.connect(graph, circle)?;
        self.forth();
        for _ in 0..parameters.rounds {
            self.back();
            self.forth();
        }
        Ok(())
    }

    /// Multiplies the scores of some.
    pub(super) fn multiply(&mut self, vertices: &[u32], factor: f64) {
        for place in vertices.iter().filter_map(|vertex| self.places.get(vertex)) {
            self.authorities[*place as usize].score *= factor;
        }
    }

    /// Everybody with a score.
    pub(super) fn authorities(&self) -> impl Iterator<Item = (f64, u32)> {
        self.authorities.iter().map(|authority| (authority.score, authority.vertex))
    }

    fn connect<G: Graph>(&mut self, graph: &G, circle: &[(f64, u32)]) -> Result<(), JobError> {
        self.places.clear();
        self.authorities.clear();
        self.edges.clear();
        self.hubs.clear();
        let total: f64 = circle.iter().map(|(share, _)| share).sum();
        for (share, hub) in circle {
            for vertex in sample(graph.neighbours(Direction::Forward, *hub, &mut self.buffer)?) {
                let place = *self.places.entry(vertex).or_insert_with(|| {
                    self.authorities.push(Authority { vertex, hubs: 0, score: 0.0 });
                    self.authorities.len() as u32 - 1
                });
                self.authorities[place as usize].hubs += 1;
                self.edges.push(place);
            }
            self.hubs.push(Hub { end: self.edges.len(), start_score: share / total, score: share / total });
        }
        Ok(())
    }

    /// From hubs to authorities.
    fn forth(&mut self) {
        self.authorities.iter_mut().for_each(|authority| authority.score = 0.0);
        let mut start = 0;
        for hub in &self.hubs {
            let edges = &self.edges[start..hub.end];
            let share = hub.score / edges.len() as f64;
            edges.iter().for_each(|place| self.authorities[*place as usize].score += share);
            start = hub.end;
        }
    }

    /// From authorities to hubs.
    fn back(&mut self) {
        let mut start = 0;
        for hub in &mut self.hubs {
            let share = |place: &u32| {
                let authority = &self.authorities[*place as usize];
                authority.score / f64::from(authority.hubs)
            };
            let arriving: f64 = self.edges[start..hub.end].iter().map(share).sum();
            hub.score = RESTART * hub.start_score + (1.0 - RESTART) * arriving;
            start = hub.end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Csr;

    #[test]
    fn authorities_of_many_hubs_score_high_and_so_do_those_beside_them() -> Result<(), JobError> {
        // Hubs 0, 1 and 2; all follow 3, two follow 4, and 5 is followed by the one that follows nobody else's.
        let graph = Csr::from_edges(7, &[(0, 3), (0, 4), (1, 3), (1, 4), (2, 3), (2, 5)]);
        let circle = [(0.2, 0), (0.2, 1), (0.2, 2), (0.2, 6)];
        let mut salsa = Salsa::default();
        let scores = |salsa: &Salsa| salsa.authorities().collect::<Vec<_>>();
        let parameters = WhoToFollow { rounds: 0, ..WhoToFollow::default() };
        salsa.score(&graph, &circle, &parameters)?;
        assert_eq!(scores(&salsa), [(0.375, 3), (0.25, 4), (0.125, 5)]);
        // A hub of two authorities gets a third of 3 and half of 4, or all of 5.
        salsa.score(&graph, &circle, &WhoToFollow { rounds: 1, ..parameters })?;
        let (both, other) = (0.2 * 0.25 + 0.8 * (0.125 + 0.125), 0.2 * 0.25 + 0.8 * (0.125 + 0.125));
        let expected = [(both + other / 2.0, 3), (both, 4), (other / 2.0, 5)];
        for ((score, vertex), (expected_score, expected)) in scores(&salsa).into_iter().zip(expected) {
            assert!(vertex == expected && (score - expected_score).abs() < 1e-15, "{vertex} {score}");
        }
        salsa.multiply(&[5, 6], 8.0);
        assert!((scores(&salsa)[2].0 - 4.0 * other).abs() < 1e-15);
        Ok(())
    }
}
