//! Who is similar to whom: those whose lists have the most in common.
//!
//! With *A* and *B* the followees of two users (or their followers), the similarity is
//!
//! | measure | is |
//! |---|---|
//! | Jaccard | the size of *A ∩ B* by that of *A ∪ B* |
//! | cosine | the size of *A ∩ B* by the geometric mean of those of *A* and *B* (Salton index) |
//!
//! There are two ways, and the answer says which was taken:
//!
//! - [`exact`]: counts for each user who else is in the lists that theirs lead to. Takes as many steps as there are
//!   pairs of members of one list, which celebrities make a great many of.
//! - [`minhash`]: only those are looked at whose lists look alike by their hashes. Similarities are exact here too; but
//!   some of those who are similar are overlooked, the fewer the more similar they are.
//!
//! The exact one is taken where it ends within [`steps_max`](Similar::steps_max) steps.

mod exact;
mod minhash;

use base::Direction;

use super::degrees;
use super::lists::{self, Lists};
use crate::graph::{Buffer, Graph};
use crate::{JobError, Run};
use minhash::MinHash;

/// How much alike two lists are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Measure {
    /// What is common to what is in either.
    #[default]
    Jaccard,
    /// What is common to the geometric mean of their lengths.
    Cosine,
}

impl Measure {
    /// The similarity of two lists by their lengths and how many members they have in common; 0 where they have none.
    pub fn of(self, common: u32, first: u32, second: u32) -> f64 {
        let (common, first, second) = (f64::from(common), f64::from(first), f64::from(second));
        let whole = match self {
            Measure::Jaccard => first + second - common,
            Measure::Cosine => (first * second).sqrt(),
        };
        if common == 0.0 { 0.0 } else { common / whole }
    }
}

/// The parameters.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Similar {
    /// Similar users for each at the most.
    pub top: usize,
    /// How similarity is measured.
    pub measure: Measure,
    /// Whose lists: followees (forward) or followers (reverse).
    pub direction: Direction,
    /// Members of lists that the exact way may look at.
    pub steps_max: u64,
    /// Bands of hashes of the other way: who agrees in one of them is looked at.
    pub bands: usize,
    /// Hashes in each band.
    pub rows: usize,
}

impl Default for Similar {
    fn default() -> Self {
        let (measure, direction) = (Measure::Jaccard, Direction::Forward);
        Similar { top: 10, measure, direction, steps_max: 1 << 40, bands: 32, rows: 2 }
    }
}

impl Similar {
    /// Bytes of memory that it takes for so many users of a graph, with what it takes to make a table of the result. Which way
    /// it will be is not known before it begins.
    pub fn memory(&self, vertices: u32, users: usize, threads: usize) -> u64 {
        let of_way = |is_exact| self.memory_of_way(vertices, users, threads, is_exact);
        of_way(true).max(of_way(false))
    }

    fn memory_of_way(&self, vertices: u32, users: usize, threads: usize, is_exact: bool) -> u64 {
        // The length of each list, and those that lead back to each vertex.
        let lengths = 2 * u64::from(vertices) * size_of::<u32>() as u64;
        let way = if is_exact { exact::memory(vertices, threads) } else { MinHash::memory(self, vertices) };
        lists::memory(users, self.top, threads, lengths + way)
    }

    /// The chance that the way by hashes finds a user of this Jaccard similarity: `1 - (1 - similarity^rows)^bands`. (Leskovec,
    /// Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4.)
    pub fn chance_found(&self, similarity: f64) -> f64 {
        1.0 - (1.0 - similarity.powf(self.rows as f64)).powf(self.bands as f64)
    }

    fn check(&self) -> Result<(), JobError> {
        for (name, value) in [("bands", self.bands), ("rows", self.rows)] {
            if !(1..=256).contains(&value) {
                return Err(JobError::Parameter { name, expected: "from 1 to 256" });
            }
        }
        Ok(())
    }
}

/// What came out.
#[derive(Clone, PartialEq, Debug)]
pub struct Similarities {
    /// Those who are similar to each of the users that were asked about, the most similar first; the score is the
    /// similarity.
    pub similar: Lists,
    /// Whether nobody was overlooked. Otherwise [`chance_found`](Similar::chance_found) says how many were.
    pub is_exact: bool,
    /// Members of lists that the exact way looks at.
    pub steps: u64,
}

/// Finds the most similar of each of `users`, in their order.
///
/// # Errors
///
/// Parameters out of range, too little memory, a list that cannot be read, or the run was cancelled.
pub fn similar<G: Graph>(
    graph: &G,
    users: &[u32],
    parameters: &Similar,
    run: &Run<'_>,
) -> Result<Similarities, JobError> {
    parameters.check()?;
    run.reserve("similar", parameters.memory(graph.vertices(), users.len(), run.threads()))?;
    let lengths = lengths(graph, parameters.direction, "counting members", run)?;
    let steps = steps(graph, users, parameters.direction, run)?;
    let is_exact = steps <= parameters.steps_max;
    let similar = if is_exact {
        exact::similar(graph, users, &lengths, parameters, run)?
    } else {
        MinHash::new(graph, parameters, run)?.similar(graph, users, &lengths, parameters, run)?
    };
    Ok(Similarities { similar, is_exact, steps })
}

/// The length of every list.
fn lengths<G: Graph>(graph: &G, direction: Direction, step: &'static str, run: &Run<'_>) -> Result<Vec<u32>, JobError> {
    degrees::each(graph, direction, &run.step(step, graph.vertices().into()), run)
}

/// How many members the lists have that those of the users lead to.
fn steps<G: Graph>(graph: &G, users: &[u32], direction: Direction, run: &Run<'_>) -> Result<u64, JobError> {
    let back = lengths(graph, direction.opposite(), "counting memberships", run)?;
    let steps =
        run.some(&run.step("counting steps", users.len() as u64), users, Buffer::default, |buffer, users| {
            users.iter().try_fold(0, |steps, user| {
                let members = graph.neighbours(direction, *user, buffer)?;
                Ok(steps + members.iter().map(|member| u64::from(back[*member as usize])).sum::<u64>())
            })
        })?;
    Ok(steps.into_iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_their_formulas() {
        assert_eq!(Measure::Jaccard.of(2, 4, 6), 0.25);
        assert_eq!(Measure::Cosine.of(3, 4, 9), 0.5);
        assert_eq!((Measure::Jaccard.of(0, 0, 0), Measure::Cosine.of(0, 0, 5)), (0.0, 0.0));
        assert_eq!((Measure::Jaccard.of(7, 7, 7), Measure::Cosine.of(7, 7, 7)), (1.0, 1.0));
    }

    #[test]
    fn the_more_similar_the_more_are_found() {
        let parameters = Similar { bands: 2, rows: 2, ..Similar::default() };
        assert_eq!(parameters.chance_found(0.5), 1.0 - 0.75 * 0.75);
        assert_eq!((parameters.chance_found(0.0), parameters.chance_found(1.0)), (0.0, 1.0));
    }
}
