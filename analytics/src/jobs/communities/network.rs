//! Networks with whole numbers as weights: the graph itself, and those of its parts.

use base::Direction;

use super::Search;
use crate::JobError;
use crate::graph::{Buffer, Graph};

/// An undirected network.
pub(super) trait Network: Sync {
    /// How many vertices there are, numbered from 0 on.
    fn len(&self) -> u32;

    /// The weights of all edges of a vertex together; those to itself count from either end.
    fn strength(&self, vertex: u32) -> Result<u64, JobError>;

    /// Calls back with each neighbour of a vertex but itself, ascending, and the weight of the edge.
    fn each_neighbour(&self, vertex: u32, buffer: &mut Buffer, each: impl FnMut(u32, u64)) -> Result<(), JobError>;
}

/// The graph itself: each edge weighs 1.
#[derive(Debug)]
pub(super) struct Whole<'a, G>(pub(super) &'a G);

impl<G: Graph> Network for Whole<'_, G> {
    fn len(&self) -> u32 {
        self.0.vertices()
    }

    fn strength(&self, vertex: u32) -> Result<u64, JobError> {
        Ok(self.0.degree(Direction::Forward, vertex)?.into())
    }

    fn each_neighbour(&self, vertex: u32, buffer: &mut Buffer, mut each: impl FnMut(u32, u64)) -> Result<(), JobError> {
        self.0.neighbours(Direction::Forward, vertex, buffer)?.iter().for_each(|neighbour| each(*neighbour, 1));
        Ok(())
    }
}

/// A network whose vertices are parts of another.
#[derive(Debug)]
pub(super) struct Aggregate {
    /// Where the edges of each vertex end.
    ends: Vec<u64>,
    neighbours: Vec<u32>,
    /// Aligned with the neighbours.
    weights: Vec<u64>,
    strengths: Vec<u64>,
}

impl Aggregate {
    /// Adds up the edges between so many parts of a network.
    pub(super) fn new<N: Network>(
        network: &N,
        parts: &[u32],
        count: u32,
        search: Search<'_>,
    ) -> Result<Self, JobError> {
        let Search { run, step, .. } = search;
        let members = Groups::new(parts, count);
        let all: Vec<u32> = (0..count).collect();
        let rows = run.some(step, &all, <(Tally, Buffer)>::default, |(tally, buffer), all| {
            let (mut edges, mut rows) = (Vec::new(), Vec::with_capacity(all.len()));
            for part in all {
                let mut strength = 0;
                for vertex in members.of(*part) {
                    strength += network.strength(*vertex)?;
                    network.each_neighbour(*vertex, buffer, |neighbour, weight| {
                        tally.add(parts[neighbour as usize], weight);
                    })?;
                }
                let before = edges.len();
                edges.extend(tally.drain().filter(|(other, _)| other != part));
                rows.push((edges.len() - before, strength));
            }
            Ok((edges, rows))
        })?;
        let len = rows.iter().map(|(edges, _)| edges.len()).sum();
        let mut aggregate = Aggregate {
            ends: Vec::with_capacity(count as usize),
            neighbours: Vec::with_capacity(len),
            weights: Vec::with_capacity(len),
            strengths: Vec::with_capacity(count as usize),
        };
        let mut end = 0;
        for (edges, rows) in rows {
            for (len, strength) in rows {
                end += len as u64;
                aggregate.ends.push(end);
                aggregate.strengths.push(strength);
            }
            aggregate.neighbours.extend(edges.iter().map(|(neighbour, _)| *neighbour));
            aggregate.weights.extend(edges.iter().map(|(_, weight)| *weight));
        }
        Ok(aggregate)
    }
}

impl Network for Aggregate {
    fn len(&self) -> u32 {
        self.ends.len() as u32
    }

    fn strength(&self, vertex: u32) -> Result<u64, JobError> {
        Ok(self.strengths[vertex as usize])
    }

    fn each_neighbour(&self, vertex: u32, _: &mut Buffer, mut each: impl FnMut(u32, u64)) -> Result<(), JobError> {
        let vertex = vertex as usize;
        let start = if vertex == 0 { 0 } else { self.ends[vertex - 1] };
        let edges = start as usize..self.ends[vertex] as usize;
        let pairs = self.neighbours[edges.clone()].iter().zip(&self.weights[edges]);
        pairs.for_each(|(neighbour, weight)| each(*neighbour, *weight));
        Ok(())
    }
}

/// Weights added up by label.
#[derive(Debug, Default)]
pub(super) struct Tally(Vec<(u32, u64)>);

impl Tally {
    pub(super) fn add(&mut self, label: u32, weight: u64) {
        match self.0.last_mut() {
            Some((last, sum)) if *last == label => *sum += weight,
            _ => self.0.push((label, weight)),
        }
    }

    /// Takes out the sums, by label. Most vertices have few neighbours, which are sorted faster than hashed.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (u32, u64)> {
        self.0.sort_unstable();
        self.0.dedup_by(|(label, weight), (kept, sum)| {
            let is_same = label == kept;
            *sum += if is_same { *weight } else { 0 };
            is_same
        });
        self.0.drain(..)
    }
}

/// Vertices by label.
#[derive(Debug)]
pub(super) struct Groups {
    /// Where each group starts, and where the last one ends.
    starts: Vec<u32>,
    vertices: Vec<u32>,
}

impl Groups {
    /// The groups of labels that are below `count`; within each, vertices ascend.
    pub(super) fn new(labels: &[u32], count: u32) -> Self {
        let mut starts = vec![0; count as usize + 1];
        labels.iter().for_each(|label| starts[*label as usize + 1] += 1);
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let (mut next, mut vertices) = (starts.clone(), vec![0; labels.len()]);
        for (vertex, label) in (0..).zip(labels) {
            let place = &mut next[*label as usize];
            vertices[*place as usize] = vertex;
            *place += 1;
        }
        Groups { starts, vertices }
    }

    pub(super) fn of(&self, label: u32) -> &[u32] {
        let label = label as usize;
        &self.vertices[self.starts[label] as usize..self.starts[label + 1] as usize]
    }
}

/// Gives labels, which are below their number, new numbers from 0 on in the order in which they come; answers how many there
/// are.
pub(super) fn renumber(labels: &mut [u32]) -> u32 {
    let mut new = vec![u32::MAX; labels.len()];
    let mut count = 0;
    for label in labels {
        let new = &mut new[*label as usize];
        if *new == u32::MAX {
            *new = count;
            count += 1;
        }
        *label = *new;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Csr, Run, RunOptions, Undirected};

    #[test]
    fn labels_are_numbered_as_they_come() {
        let mut labels = [4, 2, 4, 0, 2];
        assert_eq!((renumber(&mut labels), labels), (3, [0, 1, 0, 2, 1]));
        let groups = Groups::new(&labels, 3);
        assert_eq!([groups.of(0), groups.of(1), groups.of(2)], [&[0, 2][..], &[1, 4], &[3]]);
    }

    #[test]
    fn weights_are_added_up_by_label() {
        let mut tally = Tally::default();
        for (label, weight) in [(3, 1), (3, 5), (1, 2), (3, 10), (0, 1), (1, 1)] {
            tally.add(label, weight);
        }
        assert_eq!(tally.drain().collect::<Vec<_>>(), [(0, 1), (1, 3), (3, 16)]);
        assert_eq!(tally.drain().count(), 0);
    }

    #[test]
    fn parts_have_the_edges_of_their_members() -> Result<(), JobError> {
        let run = Run::new(RunOptions::default())?;
        // Two triangles and an edge between them, one part each, and somebody in the middle.
        let edges = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5), (5, 3), (6, 0), (6, 4), (6, 5)];
        let graph = Undirected::new(Csr::from_edges(7, &edges), &run)?;
        let search = Search { run: &run, step: &run.step("searching", 7), penalty: 0.0, seed: 0 };
        let aggregate = Aggregate::new(&Whole(&graph), &[0, 0, 0, 1, 1, 1, 2], 3, search)?;
        let mut edges = Vec::new();
        for vertex in 0..3 {
            aggregate
                .each_neighbour(vertex, &mut Buffer::default(), |other, weight| edges.push((vertex, other, weight)))?;
        }
        assert_eq!(edges, [(0, 1, 1), (0, 2, 1), (1, 0, 1), (1, 2, 2), (2, 0, 1), (2, 1, 2)]);
        assert_eq!([aggregate.strength(0)?, aggregate.strength(1)?, aggregate.strength(2)?], [8, 9, 3]);
        Ok(())
    }
}
