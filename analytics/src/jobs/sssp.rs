//! Single-source shortest paths: how far everybody is from one vertex, along edges of different lengths.
//!
//! Distances that only ever become smaller (Bellman, 1958), those below a threshold before those above it (Meyer and
//! Sanders, "Δ-stepping: a parallelizable shortest path algorithm", 2003; with two buckets, as in Davidson et al.,
//! "Work-efficient parallel GPU methods for single-source shortest paths", 2014). A distance is the least sum over all
//! paths, edges added from the source on: the same whichever thread was first.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use base::Direction;

use crate::graph::{Buffer, Graph};
use crate::run::Step;
use crate::{JobError, Run};

/// The parameters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sssp {
    /// Where paths start: a vertex.
    pub source: u32,
    /// Whether edges are as long as they weigh; otherwise each is 1 long.
    pub weighted: bool,
}

impl Sssp {
    /// Bytes of memory that it takes: a distance, a flag and, at worst, six places in piles for each vertex: those near, those
    /// who became closer, by thread and all together, and those far away, up to three times before they are looked through.
    pub fn memory(vertices: u32) -> u64 {
        u64::from(vertices) * (size_of::<u64>() + size_of::<AtomicBool>() + 6 * size_of::<u32>()) as u64
    }
}

/// The distance of every vertex from the source along forward edges; infinite where there is no path.
///
/// # Errors
///
/// No such vertex, a weight that is negative or no number, too little memory, a list that cannot be read, or the run was
/// cancelled.
pub fn sssp<G: Graph>(graph: &G, parameters: &Sssp, run: &Run<'_>) -> Result<Vec<f64>, JobError> {
    let vertices = graph.vertices();
    run.reserve("sssp", Sssp::memory(vertices))?;
    if parameters.source >= vertices {
        return Err(JobError::Parameter { name: "source", expected: "a vertex of the graph" });
    }
    let distances: Vec<AtomicU64> = (0..vertices).map(|_| AtomicU64::new(f64::INFINITY.to_bits())).collect();
    if parameters.weighted && !graph.has_weights() && graph.edges() > 0 {
        return Err(JobError::Parameter { name: "weights", expected: "left out: the import kept none" });
    }
    let weighted = parameters.weighted && graph.has_weights();
    let are_closer = (0..vertices).map(|_| AtomicBool::new(false)).collect();
    let search = Search { graph, run, weighted, step: run.step("searching", vertices.into()), distances, are_closer };
    search.distances[parameters.source as usize].store(0f64.to_bits(), Ordering::Relaxed);
    let width = search.mean_weight()?;
    let (mut near, mut far) = (vec![parameters.source], Vec::new());
    let mut threshold = width;
    while !near.is_empty() {
        while !near.is_empty() {
            let closer = search.shorten(&near)?;
            near.clear();
            for vertex in closer {
                if search.distance(vertex) < threshold { near.push(vertex) } else { far.push(vertex) }
            }
            if far.len() > vertices as usize {
                sort(&mut far);
            }
        }
        // Whoever was reached on a shorter way since has been dealt with.
        far.retain(|vertex| search.distance(*vertex) >= threshold);
        sort(&mut far);
        let nearest = far.iter().map(|vertex| search.distance(*vertex)).fold(f64::INFINITY, f64::min);
        // At least the next number, should the width be lost beside the distance.
        threshold = (nearest + width).max(nearest.next_up());
        (near, far) = far.into_iter().partition(|vertex| search.distance(*vertex) < threshold);
    }
    Ok(search.distances.into_iter().map(|bits| f64::from_bits(bits.into_inner())).collect())
}

struct Search<'a, G> {
    graph: &'a G,
    run: &'a Run<'a>,
    weighted: bool,
    step: Step,
    /// The bits of numbers that are not negative, which are in the same order as the numbers.
    distances: Vec<AtomicU64>,
    /// Who is in a pile of those who just became closer.
    are_closer: Vec<AtomicBool>,
}

/// Sorts a pile in which the same vertex may be more than once.
fn sort(pile: &mut Vec<u32>) {
    pile.sort_unstable();
    pile.dedup();
}

impl<G: Graph> Search<'_, G> {
    fn distance(&self, vertex: u32) -> f64 {
        f64::from_bits(self.distances[vertex as usize].load(Ordering::Relaxed))
    }

    /// What an edge weighs on average, after a look at all of them: none may be negative or no number.
    fn mean_weight(&self) -> Result<f64, JobError> {
        if !self.weighted || self.graph.edges() == 0 {
            return Ok(1.0);
        }
        let step = self.run.step("weighing", self.graph.vertices().into());
        let sums = self.run.scan(&step, self.graph.vertices(), Worker::default, |worker, chunk| {
            let mut sum = 0.0;
            for source in chunk {
                self.edges(source, worker, |target, weight| {
                    // Not a number is neither.
                    if !(weight >= 0.0 && weight.is_finite()) {
                        return Err(JobError::Weight { source_vertex: source, target, weight });
                    }
                    sum += weight;
                    Ok(())
                })?;
            }
            Ok(sum)
        })?;
        Ok(sums.into_iter().sum::<f64>() / self.graph.edges() as f64)
    }

    /// Goes on from some vertices, and answers those to whom that is shorter, each once, in order.
    fn shorten(&self, from: &[u32]) -> Result<Vec<u32>, JobError> {
        let shortened = self.run.some(&self.step, from, Worker::default, |worker, from| {
            let mut shortened = Vec::new();
            for source in from {
                let distance = self.distance(*source);
                self.edges(*source, worker, |target, weight| {
                    let bits = (distance + weight).to_bits();
                    if self.distances[target as usize].fetch_min(bits, Ordering::Relaxed) > bits
                        && !self.are_closer[target as usize].swap(true, Ordering::Relaxed)
                    {
                        shortened.push(target);
                    }
                    Ok(())
                })?;
            }
            Ok(shortened)
        })?;
        let mut shortened = shortened.concat();
        shortened.sort_unstable();
        for vertex in &shortened {
            self.are_closer[*vertex as usize].store(false, Ordering::Relaxed);
        }
        Ok(shortened)
    }

    fn edges(
        &self,
        source: u32,
        Worker { buffer, weights }: &mut Worker,
        mut each: impl FnMut(u32, f64) -> Result<(), JobError>,
    ) -> Result<(), JobError> {
        let targets = self.graph.neighbours(Direction::Forward, source, buffer)?;
        if !self.weighted {
            return targets.iter().try_for_each(|target| each(*target, 1.0));
        }
        self.graph.weights(Direction::Forward, source, targets, weights)?;
        targets.iter().zip(weights).try_for_each(|(target, weight)| each(*target, *weight))
    }
}

#[derive(Default)]
struct Worker {
    buffer: Buffer,
    weights: Vec<f64>,
}
