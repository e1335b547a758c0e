//! Follow graphs out of nothing, with the shape of real ones: for measuring what no real graph at hand is large enough
//! for.
//!
//! The same [`GraphSpec`] gives the same bytes, on every machine and with any number of threads. Each user's list comes
//! from a random stream of its own, named by the seed and the user; transcendental functions are those of `libm`,
//! which are the same everywhere.
//!
//! # The graph
//!
//! - `degrees`: how many people a user follows is log-normal.
//! - `popularity`: whom, is a power law over the ranks of the users, who are ranked at random.
//! - `communities`: a share of them, on request, is from the user's own community of consecutive ids.
//! - `celebrity`: one user, on request, has an exact number of followers.
//! - `followees`: all of that for one user. Nobody is followed twice, and nobody follows themselves: whoever is drawn
//!   again is drawn anew, so that lists keep their lengths.
//! - With times, each edge has one of its own, uniform over the five years before 2026. The edges are the same as without.
//!
//! Users are the numbers from 0. The edges of a user are in the order in which they were drawn, those of all users in
//! the order of the sources.
//!
//! # Cost
//!
//! Memory is four bytes a user for the ranks, an eighth of a byte for the followers of a celebrity, and some megabytes for
//! each thread, whatever the number of edges. Lengths of lists are drawn twice, first for their sum, which the header
//! of the file tells.

mod celebrity;
mod communities;
mod degrees;
mod followees;
mod popularity;
mod random;
mod spec;

use std::io::{self, Write};
use std::ops::Range;

use rayon::prelude::*;
use serde::Serialize;

use crate::import::binary::{EdgeWriter, EncodedEdges};
use followees::{Followees, Model};
use random::below;

pub use degrees::FOLLOWEES_MAX;
pub use spec::{GraphSpec, SpecError};

/// The earliest time of an edge: 2021-01-01, in seconds since 1970.
pub const TIMES_START: u32 = 1_609_459_200;
/// The time that no edge reaches: 2026-01-01, in seconds since 1970.
pub const TIMES_END: u32 = 1_767_225_600;

/// Edges that one thread makes at once, about.
const CHUNK_EDGES: u32 = 1 << 17;
/// Chunks under way for each thread, so that none waits for the slowest.
const CHUNKS_PER_THREAD: usize = 4;
/// Users whose lists' lengths one thread sums at once.
const COUNTED_AT_ONCE: usize = 1 << 12;

/// What was generated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct GenerateReport {
    /// Users, those without edges included.
    pub users: u32,
    /// Edges.
    pub edges: u64,
}

/// Writes a graph as a binary edge list, and flushes it; `progress` is told the edges that are done and those in all.
///
/// # Errors
///
/// What `out` says.
pub fn generate(
    spec: &GraphSpec,
    out: impl Write + Send,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> io::Result<GenerateReport> {
    let model = Model::new(spec);
    let users = 0..spec.users();
    let edges = users.clone().into_par_iter().with_min_len(COUNTED_AT_ONCE).map(|user| model.degree(user)).sum();
    let mut writer = EdgeWriter::new(out, spec.times(), Some(edges))?;
    let mut chunks =
        Chunks { users, at_once: (f64::from(CHUNK_EDGES) / spec.mean_followees()).clamp(1.0, 65_536.0) as u32 };
    let mut made: Vec<EncodedEdges> = Vec::new();
    loop {
        let next: Vec<_> = chunks.by_ref().take(CHUNKS_PER_THREAD * rayon::current_num_threads()).collect();
        // One thread writes what is made while the others make what is next.
        let (written, next) = rayon::join(
            || made.iter().try_for_each(|chunk| writer.append(chunk)),
            || next.into_par_iter().map(|users| encode(&model, spec, users)).collect::<Vec<_>>(),
        );
        written?;
        progress(writer.edges(), edges);
        if next.is_empty() {
            break;
        }
        made = next;
    }
    writer.finish()?;
    Ok(GenerateReport { users: spec.users(), edges })
}

/// The edges of some users.
fn encode(model: &Model, spec: &GraphSpec, users: Range<u32>) -> EncodedEdges {
    let expected = f64::from(users.end - users.start) * spec.mean_followees();
    let mut edges = EncodedEdges::with_capacity(expected as usize, spec.times());
    let mut followees = Followees::default();
    for user in users {
        let mut random = followees.draw(model, user);
        for followee in followees.members() {
            let time = if spec.times() { below(&mut random, (TIMES_END - TIMES_START).into()) as u32 } else { 0 };
            edges.push(user, *followee, TIMES_START + time);
        }
    }
    edges
}

/// Cuts users into chunks.
struct Chunks {
    users: Range<u32>,
    at_once: u32,
}

impl Iterator for Chunks {
    type Item = Range<u32>;

    fn next(&mut self) -> Option<Range<u32>> {
        let start = self.users.start;
        self.users.start = start.saturating_add(self.at_once).min(self.users.end);
        (start < self.users.start).then_some(start..self.users.start)
    }
}
