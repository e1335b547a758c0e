//! New ids for the users of a graph, by locality: who is in the same lists lies side by side, and the lists pack smaller.
//!
//! Nothing here does I/O, and nothing knows how lists are coded: a graph comes in through [`Adjacency`], a permutation
//! goes out. The same graph under the same ids gets the same permutation, however many threads there are.
//!
//! - [`Order`]: which permutation; `breadth_first` and `bisection` find them.
//! - [`EdgeArrays`]: a graph in plain arrays, where memory allows for that.
//!
//! # Cost
//!
//! Besides what the graph itself takes, with *n* users:
//!
//! | order | memory in bytes | time |
//! |---|---|---|
//! | breadth-first | 13 n | each list once, on one thread |
//! | bisection | 44 n, and `memory_bytes` for the parts that fit | each list some ten times for every halving until the part at hand fits into `memory_bytes`, from there on in memory; all threads |
//!
//! What each is worth on real graphs: `docs/decisions/0012-ids-by-bisection.md`.

mod arrays;
mod bisection;
mod breadth_first;
mod progress;

use base::Direction;
use rayon::prelude::*;

pub use arrays::EdgeArrays;
pub use progress::Tell;
use progress::{Cancelled, Progress};

/// Users of a graph that can be put in order, at the most: each has a list in either direction, and lists are numbered.
pub const USERS_MAX: u32 = 1 << 31;

/// A graph whose lists can be read in any order, from several threads at once.
pub trait Adjacency: Sync {
    /// How many users there are; their ids are the numbers below.
    fn users(&self) -> u32;

    /// Appends whom a user follows (forward) or who follows them (reverse), ascending and without repetition.
    fn neighbours(&self, user: u32, direction: Direction, ids: &mut Vec<u32>);
}

/// How users are put in order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// As a search along edges in both directions meets them, from the user with the most edges on. Cheap, and better
    /// than chance.
    BreadthFirst,
    /// By halving again and again, so that each list lies in as few halves as possible. Takes a breadth-first order
    /// and makes it better.
    #[default]
    Bisection,
}

/// There is no new order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReorderError {
    /// Whoever wanted it ended it.
    #[error("the new order was cancelled")]
    Cancelled,
    /// There are more users than can be put in order.
    #[error("{users} users cannot be put in order, only {USERS_MAX}")]
    TooManyUsers {
        /// How many there are.
        users: u32,
    },
}

impl From<Cancelled> for ReorderError {
    fn from(_: Cancelled) -> Self {
        ReorderError::Cancelled
    }
}

/// The new id of each user: a permutation of the ids of `graph`.
///
/// `memory_bytes` bounds what bisection keeps of the graph in memory, not the arrays by user, which are always there.
/// `tell` hears the share that is done, from 0 to 1, and may end it.
///
/// # Errors
///
/// `tell` ended it, or there are more than [`USERS_MAX`] users.
pub fn reorder(
    graph: &dyn Adjacency,
    order: Order,
    memory_bytes: usize,
    tell: &Tell<'_>,
) -> Result<Vec<u32>, ReorderError> {
    let users = graph.users();
    if users > USERS_MAX {
        return Err(ReorderError::TooManyUsers { users });
    }
    let halvings = match order {
        Order::BreadthFirst => 0,
        Order::Bisection => bisection::halvings(users),
    };
    let progress = Progress::new(tell, u64::from(users) * u64::from(1 + halvings));
    let mut users = breadth_first::order(graph, &progress)?;
    if order == Order::Bisection {
        users = bisection::order(graph, users, memory_bytes, &progress)?;
    }
    unfollowed_last(graph, &mut users);
    let mut new_ids = vec![0; users.len()];
    for (user, new_id) in users.into_iter().zip(0..) {
        new_ids[user as usize] = new_id;
    }
    Ok(new_ids)
}

/// Moves those whom nobody follows behind everybody else: the index of the reverse lists ends before them.
fn unfollowed_last(graph: &dyn Adjacency, users: &mut [u32]) {
    let followed = |ids: &mut Vec<u32>, user: &u32| {
        ids.clear();
        graph.neighbours(*user, Direction::Reverse, ids);
        !ids.is_empty()
    };
    let followed: Vec<bool> = users.par_iter().map_init(Vec::new, followed).collect();
    let of = |wanted: bool| users.iter().zip(&followed).filter(move |(_, is)| **is == wanted).map(|(user, _)| *user);
    let sorted: Vec<u32> = of(true).chain(of(false)).collect();
    users.copy_from_slice(&sorted);
}
