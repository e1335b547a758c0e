//! Communities by label propagation: everybody takes up what most of their neighbours say.
//!
//! Raghavan, Albert and Kumara, "Near linear time algorithm to detect community structures in large-scale networks"
//! (2007), made deterministic as in the LDBC Graphalytics specification (section 2.3.4): all change their labels at
//! once; in a directed graph a neighbour in both directions has two votes; of several labels with the most votes the
//! smallest wins. Labels are the external ids at first, so that ties are broken by them.

use base::Direction;

use crate::graph::{Buffer, Graph};
use crate::{JobError, Run};

/// The parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cdlp {
    /// Iterations at the most; it ends earlier where nothing changes any more.
    pub iterations: u32,
}

impl Default for Cdlp {
    fn default() -> Self {
        Cdlp { iterations: 10 }
    }
}

/// What came out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Labels {
    /// By vertex.
    pub labels: Vec<u64>,
    /// How many iterations were made.
    pub iterations: u32,
}

impl Cdlp {
    /// Bytes of memory that it takes: two labels for each vertex.
    pub fn memory(vertices: u32) -> u64 {
        u64::from(vertices) * 2 * size_of::<u64>() as u64
    }
}

/// Lets `labels`, one for each vertex, spread.
///
/// # Errors
///
/// Too little memory, a list that cannot be read, or the run was cancelled.
pub fn cdlp<G: Graph>(graph: &G, parameters: &Cdlp, labels: Vec<u64>, run: &Run<'_>) -> Result<Labels, JobError> {
    run.reserve("cdlp", Cdlp::memory(graph.vertices()))?;
    if labels.len() != graph.vertices() as usize {
        return Err(JobError::Parameter { name: "labels", expected: "as many as there are vertices" });
    }
    let step = run.step("spreading", u64::from(parameters.iterations) * labels.len() as u64);
    let job =
        format!("cdlp {parameters:?} from labels of checksum {:08x}", crc32c::crc32c(bytemuck::cast_slice(&labels)));
    let mut spread = Labels { labels, iterations: 0 };
    if let Some(saved) = run.resume(&job)?
        && let Some(labels) = saved.array(0, spread.labels.len())
    {
        spread = Labels { labels, iterations: saved.iteration as u32 };
    }
    let mut next = spread.labels.clone();
    let directions = if graph.is_symmetric() { &Direction::ALL[..1] } else { &Direction::ALL };
    while spread.iterations < parameters.iterations {
        let labels = &spread.labels;
        let changed = run.pass(&step, &mut next, <(Buffer, Vec<u64>)>::default, |(buffer, votes), chunk, next| {
            let start = chunk.start;
            let mut changed = false;
            for vertex in graph.lying_order(chunk) {
                votes.clear();
                for direction in directions {
                    let neighbours = graph.neighbours(*direction, vertex, buffer)?;
                    votes.extend(neighbours.iter().map(|neighbour| labels[*neighbour as usize]));
                }
                let before = labels[vertex as usize];
                let label = most_frequent(votes).unwrap_or(before);
                next[(vertex - start) as usize] = label;
                changed |= label != before;
            }
            Ok(changed)
        })?;
        std::mem::swap(&mut spread.labels, &mut next);
        spread.iterations += 1;
        // Whoever went on from the labels that stay would find out once more that they do.
        if !changed.contains(&true) {
            break;
        }
        run.save(&job, spread.iterations, &[bytemuck::cast_slice(&spread.labels)]);
    }
    Ok(spread)
}

/// The label with the most votes, of several the smallest; none where nobody votes.
fn most_frequent(votes: &mut [u64]) -> Option<u64> {
    votes.sort_unstable();
    let of_label = votes.chunk_by(|one, other| one == other);
    // The first of those with the most, as they come in ascending order.
    of_label.rev().max_by_key(|votes| votes.len()).map(|votes| votes[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_label_wins_and_of_several_the_smallest() {
        assert_eq!(most_frequent(&mut [9, 3, 9, 3, 1]), Some(3));
        assert_eq!(most_frequent(&mut [5, 4]), Some(4));
        assert_eq!(most_frequent(&mut []), None);
    }
}
