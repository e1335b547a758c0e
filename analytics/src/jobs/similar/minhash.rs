//! Who might be similar, by hashes of lists.
//!
//! MinHash (Broder, "On the resemblance and containment of documents", 1997): the chance that the smallest hash of two lists is the
//! same is their Jaccard similarity. Each list has `bands * rows` such hashes, its signature. Those whose signatures
//! agree in all rows of any band are candidates (Indyk and Motwani's locality-sensitive hashing, STOC 1998); of these the ones whose
//! signatures agree most are compared exactly, [`COMPARED`] times as many as are wanted.

use std::cmp::Ordering;
use std::ops::Range;

use base::Direction;
use rayon::prelude::*;

use super::Similar;
use crate::graph::{Buffer, Graph};
use crate::jobs::lists::{self, Lists};
use crate::jobs::scored::{self, Scored};
use crate::random::mix;
use crate::{JobError, Run};

/// How many candidates are compared for each that is wanted.
const COMPARED: usize = 4;
/// Candidates to either side of a user within one band. Where there are more, all of them are about equally similar.
const SIDE_MAX: usize = 128;

/// The signatures of all lists, and each band in order.
#[derive(Debug)]
pub(super) struct MinHash {
    rows: usize,
    /// Hashes in a signature.
    width: usize,
    /// Signature after signature.
    signatures: Vec<u32>,
    bands: Vec<Band>,
}

/// Vertices by their hashes in the rows of one band, so that those who agree stand together.
#[derive(Debug)]
struct Band {
    /// Those whose lists are not empty.
    order: Vec<u32>,
    /// The place in `order` of each vertex.
    places: Vec<u32>,
}

impl MinHash {
    /// Bytes of memory that it takes.
    pub(super) fn memory(parameters: &Similar, vertices: u32) -> u64 {
        let numbers = parameters.bands * parameters.rows + 2 * parameters.bands;
        u64::from(vertices) * (numbers * size_of::<u32>()) as u64
    }

    /// Reads all lists once.
    pub(super) fn new<G: Graph>(graph: &G, parameters: &Similar, run: &Run<'_>) -> Result<Self, JobError> {
        let (rows, width) = (parameters.rows, parameters.bands * parameters.rows);
        let vertices = graph.vertices();
        let mut signatures = vec![u32::MAX; vertices as usize * width];
        let hashes = Hashes::new(width, run.seed());
        let step = run.step("hashing", vertices.into());
        let filled = run.pass_rows(&step, &mut signatures, width, Buffer::default, |buffer, chunk, signatures| {
            let start = chunk.start;
            let mut filled = Vec::new();
            for vertex in graph.lying_order(chunk) {
                let list = graph.neighbours(parameters.direction, vertex, buffer)?;
                let place = (vertex - start) as usize * width;
                hashes.sign(list, &mut signatures[place..place + width]);
                filled.extend((!list.is_empty()).then_some(vertex));
            }
            filled.sort_unstable();
            Ok(filled)
        })?;
        let filled: Vec<u32> = filled.into_iter().flatten().collect();
        let mut minhash = MinHash { rows, width, signatures, bands: Vec::new() };
        for band in 0..parameters.bands {
            run.check()?;
            let mut order = filled.clone();
            run.install(|| order.par_sort_unstable_by(|a, b| minhash.compare(band, *a, *b).then(a.cmp(b))));
            let mut places = vec![0; vertices as usize];
            for (vertex, place) in order.iter().zip(0..) {
                places[*vertex as usize] = place;
            }
            minhash.bands.push(Band { order, places });
        }
        Ok(minhash)
    }

    /// The most similar of each of the users, as far as they are candidates.
    pub(super) fn similar<G: Graph>(
        &self,
        graph: &G,
        users: &[u32],
        lengths: &[u32],
        parameters: &Similar,
        run: &Run<'_>,
    ) -> Result<Lists, JobError> {
        let Similar { top, measure, direction, .. } = *parameters;
        let job = format!("similar, by hashes of seed {}, {parameters:?}", run.seed());
        let worker = || (Vec::new(), [Buffer::default(), Buffer::default()]);
        lists::of_each(&job, "comparing", users, run, worker, |(candidates, buffers), user| {
            self.candidates(user, candidates);
            let agreeing = candidates.iter().map(|candidate| (self.agreement(user, *candidate), *candidate));
            let nearest = scored::best(agreeing.collect(), COMPARED * top);
            let mut exact = Vec::with_capacity(nearest.len());
            for Scored { vertex, .. } in nearest {
                let common = common(graph, direction, [user, vertex], buffers)?;
                exact.push((measure.of(common, lengths[user as usize], lengths[vertex as usize]), vertex));
            }
            // Hashes may agree by chance.
            exact.retain(|(similarity, _)| *similarity > 0.0);
            Ok(scored::best(exact, top))
        })
    }

    /// Those who agree with a user in a band, in place of what `candidates` held.
    fn candidates(&self, user: u32, candidates: &mut Vec<u32>) {
        candidates.clear();
        for (number, band) in self.bands.iter().enumerate() {
            let place = band.places[user as usize] as usize;
            if band.order.get(place) != Some(&user) {
                // Their list is empty.
                return;
            }
            let agrees = |other: &&u32| self.compare(number, user, **other) == Ordering::Equal;
            let before = band.order[..place].iter().rev().take(SIDE_MAX).take_while(agrees);
            candidates.extend(before.chain(band.order[place + 1..].iter().take(SIDE_MAX).take_while(agrees)));
        }
        candidates.sort_unstable();
        candidates.dedup();
    }

    fn compare(&self, band: usize, a: u32, b: u32) -> Ordering {
        let rows = band * self.rows..(band + 1) * self.rows;
        self.hashes(a, rows.clone()).cmp(self.hashes(b, rows))
    }

    /// In how many hashes two signatures agree.
    fn agreement(&self, a: u32, b: u32) -> f64 {
        let pairs = self.hashes(a, 0..self.width).iter().zip(self.hashes(b, 0..self.width));
        pairs.filter(|(a, b)| a == b).count() as f64
    }

    fn hashes(&self, vertex: u32, hashes: Range<usize>) -> &[u32] {
        &self.signatures[vertex as usize * self.width..][hashes]
    }
}

/// Hash functions: `factor * x + summand` modulo 2^32 of ids that were mixed before, which processors compute eight at a time.
struct Hashes {
    seed: u64,
    factors: Vec<u32>,
    summands: Vec<u32>,
}

impl Hashes {
    fn new(width: usize, seed: u64) -> Self {
        let numbers = |salt: u64| (0..width as u64).map(move |idx| mix(seed ^ mix(2 * idx + salt)) as u32);
        // An odd factor gives different hashes to different numbers.
        Hashes { seed, factors: numbers(0).map(|factor| factor | 1).collect(), summands: numbers(1).collect() }
    }

    /// Lowers each hash of a signature to the smallest of a list.
    fn sign(&self, list: &[u32], signature: &mut [u32]) {
        for member in list {
            let member = mix(self.seed ^ u64::from(*member)) as u32;
            for ((hash, factor), summand) in signature.iter_mut().zip(&self.factors).zip(&self.summands) {
                *hash = (*hash).min(factor.wrapping_mul(member).wrapping_add(*summand));
            }
        }
    }
}

/// How many members the lists of two vertices have in common.
fn common<G: Graph>(
    graph: &G,
    direction: Direction,
    [first, second]: [u32; 2],
    buffers: &mut [Buffer; 2],
) -> Result<u32, JobError> {
    let [of_first, of_second] = buffers;
    let mut first = graph.neighbours(direction, first, of_first)?.iter().peekable();
    let second = graph.neighbours(direction, second, of_second)?;
    let is_in_first = |member: &&u32| {
        while first.next_if(|other| other < member).is_some() {}
        first.next_if(|other| other == member).is_some()
    };
    Ok(second.iter().filter(is_in_first).count() as u32)
}
