//! How far people are from one another, and who is close to many.
//!
//! HyperBall (Boldi and Vigna, "In-core computation of geometric centralities with HyperBall", 2013): each vertex has a counter of
//! its ball, those from whom it is reached along at most *t* edges, as a [HyperLogLog](counters). The ball of *t + 1*
//! is the union of the balls of *t* of those who follow the vertex: one pass over reverse lists, until no counter changes.
//!
//! From the sizes of balls follow:
//!
//! - the **neighbourhood function**: how many pairs are at most *t* edges apart, each vertex and itself included;
//! - the **effective diameter**: the distance within which 90 % of all pairs are that are connected at all, interpolated;
//! - the **mean distance** of the pairs that are connected, without those of a vertex and itself;
//! - the **harmonic centrality** of each vertex: the sum of 1 / distance from everybody else to it.
//!
//! The relative standard error of each ball is about `1.04 / sqrt(2^precision)` ([`Influence::error`]). The counters of a
//! graph share their hashes, so that sums over balls are not much better than single ones. Only counters of vertices that changed
//! in the last round are united, and as soon as few did, only the lists of those whom these follow are read.

mod counters;

use std::sync::atomic::{AtomicBool, Ordering};

use base::Direction;
use bytemuck::cast_slice;

use crate::graph::{Buffer, Graph};
use crate::run::Step;
use crate::{JobError, Run};
use counters::Counters;

/// From one changed vertex in so many on, everybody is looked at.
const FEW_SHARE: usize = 8;

/// The parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Influence {
    /// The logarithm of the bytes of a counter, from 6 to 16: of 2^precision.
    pub precision: u32,
    /// Rounds at the most: distances above are not seen.
    pub rounds_max: u32,
}

impl Default for Influence {
    fn default() -> Self {
        Influence { precision: 8, rounds_max: 1024 }
    }
}

impl Influence {
    /// Bytes of memory that it takes: two counters, the ball, once more as a checkpoint has it, and a flag for each vertex.
    pub fn memory(&self, vertices: u32) -> u64 {
        let counters = 2_u64 << self.precision.min(32);
        u64::from(vertices) * (counters + (size_of::<Ball>() + size_of::<KeptBall>() + size_of::<AtomicBool>()) as u64)
    }

    /// The relative standard error of the size of a ball.
    pub fn error(&self) -> f64 {
        1.04 / 2_f64.powf(f64::from(self.precision) / 2.0)
    }
}

/// What came out.
#[derive(Clone, PartialEq, Debug)]
pub struct Distances {
    /// How many pairs are at most so many edges apart, from 0 edges on, as estimated.
    pub neighbourhood: Vec<f64>,
    /// The harmonic centrality of each vertex, as estimated.
    pub harmonic: Vec<f64>,
    /// Whether all distances were seen.
    pub is_complete: bool,
}

impl Distances {
    /// The share of the connected pairs, a vertex and itself not among them, that are 1, 2 and more edges apart.
    pub fn distribution(&self) -> Vec<f64> {
        let pairs = self.pairs();
        self.neighbourhood.windows(2).map(|at_most| (at_most[1] - at_most[0]) / pairs).collect()
    }

    /// The mean distance of the connected pairs; 0 where there are none.
    pub fn mean(&self) -> f64 {
        self.distribution().iter().zip(1..).map(|(share, distance)| share * f64::from(distance)).sum()
    }

    /// The distance within which this share of all pairs is, a vertex and itself among them; between two whole numbers as if
    /// distances were spread evenly.
    pub fn effective_diameter(&self, share: f64) -> f64 {
        let wanted = share * self.neighbourhood.last().copied().unwrap_or_default();
        match self.neighbourhood.iter().position(|pairs| *pairs >= wanted) {
            None | Some(0) => 0.0,
            Some(distance) => {
                let (nearer, pairs) = (self.neighbourhood[distance - 1], self.neighbourhood[distance]);
                (distance - 1) as f64 + (wanted - nearer) / (pairs - nearer)
            }
        }
    }

    fn pairs(&self) -> f64 {
        match self.neighbourhood[..] {
            [first, .., last] => last - first,
            _ => 0.0,
        }
    }
}

/// The ball of a vertex.
#[derive(Clone, Copy, Debug)]
struct Ball {
    size: f64,
    harmonic: f64,
    has_changed: bool,
}

/// A ball as checkpoints have it: its size, the harmonic centrality, and 1 where it has changed.
type KeptBall = [f64; 3];

impl Ball {
    fn kept(&self) -> KeptBall {
        [self.size, self.harmonic, self.has_changed.into()]
    }

    fn of([size, harmonic, has_changed]: KeptBall) -> Self {
        Ball { size, harmonic, has_changed: has_changed > 0.0 }
    }
}

/// Estimates all distances. For an undirected graph both directions are the same; for a directed one they are those along
/// edges, from who follows to who is followed.
///
/// # Errors
///
/// Parameters out of range, too little memory, a list that cannot be read, or the run was cancelled.
pub fn influence<G: Graph>(graph: &G, parameters: &Influence, run: &Run<'_>) -> Result<Distances, JobError> {
    if !(6..=16).contains(&parameters.precision) {
        return Err(JobError::Parameter { name: "precision", expected: "from 6 to 16" });
    }
    run.reserve("influence", parameters.memory(graph.vertices()))?;
    let vertices = graph.vertices() as usize;
    let job = format!("influence {parameters:?} with seed {}", run.seed());
    let kept = run.resume(&job)?.and_then(|saved| {
        let counters = Counters::of_registers(parameters.precision, saved.array(0, vertices << parameters.precision)?);
        let balls = saved.array(1, vertices)?.into_iter().map(Ball::of).collect();
        Some((counters, balls, saved.array(2, saved.iteration as usize + 1)?))
    });
    let (mut counters, mut balls, neighbourhood) = kept.unwrap_or_else(|| {
        let counters = Counters::new(graph.vertices(), parameters.precision, run.seed());
        let ball = Ball { size: 1.0, harmonic: 0.0, has_changed: true };
        (counters, vec![ball; vertices], vec![vertices as f64])
    });
    let mut next = counters.clone();
    let mut distances = Distances { neighbourhood, harmonic: Vec::new(), is_complete: false };
    let rounds = distances.neighbourhood.len() as u32..=parameters.rounds_max;
    let step = run.step("growing", 2 * rounds.clone().count() as u64 * vertices as u64);
    for distance in rounds {
        let touched = touched(graph, &balls, &step, run)?;
        let unite = |buffer: &mut Buffer, chunk: std::ops::Range<u32>, rows: &mut [u8]| {
            let start = chunk.start;
            for vertex in graph.lying_order(chunk) {
                let row = &mut rows[counters.range(vertex - start)];
                row.copy_from_slice(counters.of(vertex));
                if touched.as_ref().is_some_and(|touched| !touched[vertex as usize].load(Ordering::Relaxed)) {
                    continue;
                }
                for follower in graph.neighbours(Direction::Reverse, vertex, buffer)? {
                    if balls[*follower as usize].has_changed {
                        counters::unite(row, counters.of(*follower));
                    }
                }
            }
            Ok(())
        };
        run.pass_rows(&step, &mut next.registers, 1 << parameters.precision, Buffer::default, unite)?;
        let grown = run.pass(
            &step,
            &mut balls,
            || (),
            |(), chunk, balls| {
                let (mut pairs, mut changed) = (0.0, 0);
                for (vertex, ball) in chunk.zip(balls) {
                    ball.has_changed = next.of(vertex) != counters.of(vertex);
                    if ball.has_changed {
                        let size = next.estimate(vertex).max(ball.size);
                        ball.harmonic += (size - ball.size) / f64::from(distance);
                        ball.size = size;
                        changed += 1;
                    }
                    pairs += ball.size;
                }
                Ok((pairs, changed))
            },
        )?;
        std::mem::swap(&mut counters, &mut next);
        if grown.iter().all(|(_, changed)| *changed == 0) {
            distances.is_complete = true;
            break;
        }
        distances.neighbourhood.push(grown.iter().map(|(pairs, _)| pairs).sum());
        let kept: Vec<KeptBall> = balls.iter().map(Ball::kept).collect();
        run.save(&job, distance, &[&counters.registers, cast_slice(&kept), cast_slice(&distances.neighbourhood)]);
    }
    distances.harmonic = balls.iter().map(|ball| ball.harmonic).collect();
    Ok(distances)
}

/// Whose balls may grow: those whom a vertex follows whose own ball did. None for everybody.
fn touched<G: Graph>(
    graph: &G,
    balls: &[Ball],
    step: &Step,
    run: &Run<'_>,
) -> Result<Option<Vec<AtomicBool>>, JobError> {
    let changed: Vec<u32> = (0..).zip(balls).filter(|(_, ball)| ball.has_changed).map(|(vertex, _)| vertex).collect();
    if changed.len() > balls.len() / FEW_SHARE {
        return Ok(None);
    }
    let touched: Vec<AtomicBool> = balls.iter().map(|_| AtomicBool::new(false)).collect();
    run.some(step, &changed, Buffer::default, |buffer, changed| {
        for vertex in changed {
            for followee in graph.neighbours(Direction::Forward, *vertex, buffer)? {
                touched[*followee as usize].store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    })?;
    Ok(Some(touched))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_from_the_neighbourhood_function() {
        // A path of four, undirected: 4 pairs at 0, 6 at 1, 4 at 2, 2 at 3.
        let neighbourhood = vec![4.0, 10.0, 14.0, 16.0];
        let distances = Distances { neighbourhood, harmonic: Vec::new(), is_complete: true };
        assert_eq!(distances.distribution(), [0.5, 4.0 / 12.0, 2.0 / 12.0]);
        assert!((distances.mean() - 20.0 / 12.0).abs() < 1e-15);
        // 14.4 pairs are a fifth of the way from 2 to 3, and 4 are at 0.
        assert!((distances.effective_diameter(0.9) - 2.2).abs() < 1e-12);
        assert_eq!((distances.effective_diameter(0.25), distances.effective_diameter(1.0)), (0.0, 3.0));
    }

    #[test]
    fn nothing_is_no_distance_away() {
        let distances = Distances { neighbourhood: vec![0.0], harmonic: Vec::new(), is_complete: true };
        assert_eq!((distances.mean(), distances.effective_diameter(0.9)), (0.0, 0.0));
        assert_eq!(distances.distribution(), [0.0; 0]);
    }
}
