//! Recursive graph bisection: halve the users so that lists lie in one half as far as possible, then halve the halves.
//!
//! Dhulipala, Kabiljo, Karrer, Ottaviano, Pupyrev, Shalita, "Compressing graphs and indexes with recursive graph
//! bisection", KDD 2016. A list of which *a* members are in a half of *n* users takes about a log2(n / (a + 1)) bits there.
//! Each halving starts from the order at hand and exchanges users between the halves, those first who gain most, until
//! nobody gains. Below sixteen users nothing can be gained any more.
//!
//! Lists of both directions count, since both are stored: user *v* is a member of the followees of everybody who follows
//! *v*, and of the followers of everybody whom *v* follows. The followees of *u* are list *u*, the followers of *u* list
//! *n* + *u*.
//!
//! A list with a single member in a half costs the same wherever that member goes, so it is left out from there on. What
//! is left of a part of the graph ([`Part`]) is kept in memory as soon as it fits, and shrinks as it is halved; before that the
//! lists are read from the graph again and again.

mod halving;
mod part;

use base::Direction;
use rayon::prelude::*;

use self::halving::{Members, halve};
use self::part::Part;
use super::Adjacency;
use super::progress::{Cancelled, Progress};

/// Parts of so many users or fewer stay in the order they come in.
const LEAF_USERS: usize = 16;
/// Bytes of memory for each membership of a part: itself, once more while the part is cut in two, and the counts of its
/// list in both halves, of which there is at most one for two memberships.
const MEMBERSHIP_BYTES: usize = 12;

/// How many times so many users are halved, at the most.
pub(super) fn halvings(users: u32) -> u32 {
    (users as usize / LEAF_USERS).checked_ilog2().map_or(0, |levels| levels + 1)
}

/// Everybody, in an order that is better than the one they come in.
pub(super) fn order(
    graph: &dyn Adjacency,
    start: Vec<u32>,
    memory_bytes: usize,
    progress: &Progress<'_>,
) -> Result<Vec<u32>, Cancelled> {
    let mut ranks: Vec<u32> = (0..graph.users()).collect();
    let bisection = Bisection { graph, start: &start, memberships_max: memory_bytes / MEMBERSHIP_BYTES, progress };
    bisection.arrange(&mut ranks, halvings(graph.users()))?;
    Ok(ranks.into_iter().map(|rank| start[rank as usize]).collect())
}

/// The graph as it is bisected. Users go by their ranks in the order at the start.
struct Bisection<'a> {
    graph: &'a dyn Adjacency,
    /// The user of each rank.
    start: &'a [u32],
    memberships_max: usize,
    progress: &'a Progress<'a>,
}

impl Bisection<'_> {
    /// Puts these users in order, one part after the other until they fit into memory. `halvings` are still expected.
    fn arrange(&self, ranks: &mut [u32], halvings: u32) -> Result<(), Cancelled> {
        let selection = Selection { bisection: self, ranks };
        if ranks.len() <= LEAF_USERS || selection.memberships() <= self.memberships_max {
            return selection.part().arrange(ranks, halvings, self.progress);
        }
        let lists = 2 * self.start.len();
        let places = halve(&selection, ranks.len(), lists, self.progress)?.places;
        let halved: Vec<u32> = places.into_iter().map(|place| ranks[place as usize]).collect();
        ranks.copy_from_slice(&halved);
        drop(halved);
        self.progress.advance(ranks.len() as u64)?;
        let (left, right) = ranks.split_at_mut(ranks.len() / 2);
        self.arrange(left, halvings.saturating_sub(1))?;
        self.arrange(right, halvings.saturating_sub(1))
    }
}

/// Some users whose lists are read from the graph.
struct Selection<'a> {
    bisection: &'a Bisection<'a>,
    ranks: &'a [u32],
}

impl Selection<'_> {
    /// How many memberships in lists they have.
    fn memberships(&self) -> usize {
        let count = |ids: &mut Vec<u32>, place| self.lists_of(place, ids).len();
        (0..self.ranks.len()).into_par_iter().map_init(Vec::new, count).sum()
    }

    /// The same in memory.
    fn part(&self) -> Part {
        let mut lists = Vec::new();
        let mut ends = Vec::with_capacity(self.ranks.len());
        let mut ids = Vec::new();
        for place in 0..self.ranks.len() {
            lists.extend_from_slice(self.lists_of(place, &mut ids));
            ends.push(lists.len());
        }
        Part::new(self.ranks.to_vec(), lists, ends, 2 * self.bisection.start.len())
    }
}

impl Members for Selection<'_> {
    fn lists_of<'a>(&'a self, place: usize, ids: &'a mut Vec<u32>) -> &'a [u32] {
        let Bisection { graph, start, .. } = self.bisection;
        let user = start[self.ranks[place] as usize];
        ids.clear();
        graph.neighbours(user, Direction::Reverse, ids);
        let followers = ids.len();
        graph.neighbours(user, Direction::Forward, ids);
        for id in &mut ids[followers..] {
            *id += start.len() as u32;
        }
        ids
    }
}
