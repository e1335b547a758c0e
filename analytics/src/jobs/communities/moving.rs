//! Vertices move to better communities.
//!
//! As in the fast local moving of Leiden, vertices wait in a queue, in random order at first, and whoever has a neighbour that
//! moved elsewhere joins it again. Vertices are taken from it a batch at a time: all of a batch choose at once, in
//! parallel, and move before the next batch chooses. A batch is [`BATCH_SHARE`] of all vertices, so that hardly any two
//! in it are neighbours; and it does not depend on the threads.

use std::collections::VecDeque;

use super::Search;
use super::network::{Network, Tally};
use crate::JobError;
use crate::graph::Buffer;
use crate::random::shuffle;

/// One of so many vertices is in a batch.
const BATCH_SHARE: usize = 1024;
/// The most that are in a batch.
const BATCH_MAX: usize = 1 << 14;
/// How often vertices are visited on average at the most: those who chose at once may also disturb one another.
const VISITS_MAX: usize = 64;
/// Gains below that are rounding.
const GAIN_MIN: f64 = 1e-9;

/// A vertex that moves.
struct Move {
    vertex: u32,
    strength: u64,
    /// None for a community of its own.
    to: Option<u32>,
    neighbours: Vec<u32>,
}

/// The communities, by label.
struct State<'a> {
    labels: &'a mut [u32],
    /// The strength of each community.
    strengths: Vec<u64>,
    sizes: Vec<u32>,
    /// Labels that nobody had at some time.
    free: Vec<u32>,
}

/// Moves vertices until no move gains anything. Labels are below the number of vertices.
pub(super) fn improve<N: Network>(network: &N, labels: &mut [u32], search: Search<'_>) -> Result<(), JobError> {
    let Search { run, step, seed, .. } = search;
    let vertices = labels.len();
    let mut state = State::new(network, labels)?;
    let mut order: Vec<u32> = (0..vertices as u32).collect();
    shuffle(&mut order, seed);
    let mut queue = VecDeque::from(order);
    let mut is_queued = vec![true; vertices];
    let batch_len = (vertices / BATCH_SHARE).clamp(1, BATCH_MAX);
    let mut visits = 0;
    while !queue.is_empty() && visits < VISITS_MAX * vertices {
        let batch: Vec<u32> = queue.drain(..batch_len.min(queue.len())).collect();
        visits += batch.len();
        batch.iter().for_each(|vertex| is_queued[*vertex as usize] = false);
        let moves = run.some(step, &batch, <(Tally, Buffer)>::default, |(tally, buffer), batch| {
            let moves = batch.iter().map(|vertex| state.choose(network, *vertex, search.penalty, tally, buffer));
            moves.filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()
        })?;
        for chosen in moves.into_iter().flatten() {
            let to = state.apply(&chosen);
            for neighbour in chosen.neighbours {
                let is_queued = &mut is_queued[neighbour as usize];
                if !*is_queued && state.labels[neighbour as usize] != to {
                    *is_queued = true;
                    queue.push_back(neighbour);
                }
            }
        }
    }
    Ok(())
}

impl<'a> State<'a> {
    fn new<N: Network>(network: &N, labels: &'a mut [u32]) -> Result<Self, JobError> {
        let (mut strengths, mut sizes) = (vec![0; labels.len()], vec![0; labels.len()]);
        for (vertex, label) in (0..).zip(labels.iter()) {
            strengths[*label as usize] += network.strength(vertex)?;
            sizes[*label as usize] += 1;
        }
        let free = (0..).zip(&sizes).filter(|(_, size)| **size == 0).map(|(label, _)| label).collect();
        Ok(State { labels, strengths, sizes, free })
    }

    /// Where a vertex gains most, if it is elsewhere.
    fn choose<N: Network>(
        &self,
        network: &N,
        vertex: u32,
        penalty: f64,
        tally: &mut Tally,
        buffer: &mut Buffer,
    ) -> Result<Option<Move>, JobError> {
        network.each_neighbour(vertex, buffer, |neighbour, weight| {
            tally.add(self.labels[neighbour as usize], weight);
        })?;
        let (own, strength) = (self.labels[vertex as usize], network.strength(vertex)?);
        let gain = |label: u32, weight: u64| {
            let without = self.strengths[label as usize] - if label == own { strength } else { 0 };
            weight as f64 - penalty * strength as f64 * without as f64
        };
        // To be alone gains nothing and costs nothing.
        let (mut staying, mut best) = (gain(own, 0), None);
        for (label, weight) in tally.drain() {
            let gain = gain(label, weight);
            if label == own {
                staying = gain;
            } else if best.is_none_or(|(best, _)| gain > best) {
                best = Some((gain, label));
            }
        }
        let to = match best {
            Some((gain, label)) if gain > staying.max(0.0) + GAIN_MIN => Some(label),
            _ if staying < -GAIN_MIN && self.sizes[own as usize] > 1 => None,
            _ => return Ok(None),
        };
        let mut neighbours = Vec::new();
        network.each_neighbour(vertex, buffer, |neighbour, _| {
            if Some(self.labels[neighbour as usize]) != to {
                neighbours.push(neighbour);
            }
        })?;
        Ok(Some(Move { vertex, strength, to, neighbours }))
    }

    /// Moves a vertex, and answers where to.
    fn apply(&mut self, chosen: &Move) -> u32 {
        let from = &mut self.labels[chosen.vertex as usize];
        self.strengths[*from as usize] -= chosen.strength;
        self.sizes[*from as usize] -= 1;
        if self.sizes[*from as usize] == 0 {
            self.free.push(*from);
        }
        // Of as many labels as vertices one is free, now that a vertex is nowhere. Labels that were freed may be taken again.
        let to = chosen.to.or_else(|| {
            while self.free.pop_if(|label| self.sizes[*label as usize] > 0).is_some() {}
            self.free.pop()
        });
        let to = to.unwrap_or(*from);
        *from = to;
        self.strengths[to as usize] += chosen.strength;
        self.sizes[to as usize] += 1;
        to
    }
}
