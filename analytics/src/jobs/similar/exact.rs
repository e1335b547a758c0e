//! Counting in full who else is in the lists that one's own leads to.

use super::Similar;
use crate::graph::{Buffer, Graph};
use crate::jobs::lists::{self, Lists};
use crate::jobs::scored;
use crate::{JobError, Run};

/// What a thread counts in.
struct Counts {
    /// By vertex; all 0 between two users.
    common: Vec<u32>,
    /// Those who have any.
    counted: Vec<u32>,
    buffers: [Buffer; 2],
}

/// Bytes of memory that it takes.
pub(super) fn memory(vertices: u32, threads: usize) -> u64 {
    threads as u64 * u64::from(vertices) * 2 * size_of::<u32>() as u64
}

/// The most similar of each of the users; `lengths` are those of all lists.
pub(super) fn similar<G: Graph>(
    graph: &G,
    users: &[u32],
    lengths: &[u32],
    parameters: &Similar,
    run: &Run<'_>,
) -> Result<Lists, JobError> {
    let Similar { top, measure, direction, .. } = *parameters;
    let job = format!("similar, exactly, {parameters:?}");
    let worker = || Counts {
        common: vec![0; lengths.len()],
        counted: Vec::new(),
        buffers: [Buffer::default(), Buffer::default()],
    };
    lists::of_each(&job, "comparing", users, run, worker, |Counts { common, counted, buffers }, user| {
        let [of_user, of_member] = buffers;
        for member in graph.neighbours(direction, user, of_user)? {
            for other in graph.neighbours(direction.opposite(), *member, of_member)? {
                let common = &mut common[*other as usize];
                if *common == 0 {
                    counted.push(*other);
                }
                *common += 1;
            }
        }
        let length = lengths[user as usize];
        let score = |other: u32| {
            let common = std::mem::take(&mut common[other as usize]);
            (measure.of(common, length, lengths[other as usize]), other)
        };
        let candidates = counted.drain(..).map(score).filter(|(_, other)| *other != user);
        Ok(scored::best(candidates.collect(), top))
    })
}
