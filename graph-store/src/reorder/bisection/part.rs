//! A part of a graph in memory: some users, and the lists in which two of them or more are.

use std::sync::atomic::Ordering;

use super::super::progress::{Cancelled, Progress};
use super::LEAF_USERS;
use super::halving::{Halves, Members, halve};

/// Users by their ranks, ascending, with the lists that they are in, numbered from 0.
#[derive(Debug)]
pub(super) struct Part {
    ranks: Vec<u32>,
    /// Of one user after the other.
    lists: Vec<u32>,
    /// Where those of each user end.
    ends: Vec<usize>,
    /// One more than the greatest number of a list.
    list_count: usize,
}

impl Part {
    /// Users who are in lists below `list_count`.
    pub(super) fn new(ranks: Vec<u32>, lists: Vec<u32>, ends: Vec<usize>, list_count: usize) -> Self {
        let mut members = vec![0u32; list_count];
        for list in &lists {
            members[*list as usize] += 1;
        }
        let part = Part { ranks, lists, ends, list_count };
        part.select(0..part.ranks.len() as u32, members.into_iter())
    }

    /// Writes the ranks in their new order. `halvings` are still expected.
    pub(super) fn arrange(self, order: &mut [u32], halvings: u32, progress: &Progress<'_>) -> Result<(), Cancelled> {
        // Without lists one order is as good as another.
        if self.ranks.len() <= LEAF_USERS || self.lists.is_empty() {
            order.copy_from_slice(&self.ranks);
            return progress.advance(self.ranks.len() as u64 * u64::from(halvings));
        }
        let Halves { places, members } = halve(&self, self.ranks.len(), self.list_count, progress)?;
        progress.advance(self.ranks.len() as u64)?;
        let middle = self.ranks.len() / 2;
        let [left, right] = [(0, &places[..middle]), (1, &places[middle..])].map(|(side, places)| {
            let members = members.iter().map(|members| members[side].load(Ordering::Relaxed));
            self.select(places.iter().copied(), members)
        });
        drop((self, places, members));
        let (order_left, order_right) = order.split_at_mut(middle);
        let halvings = halvings.saturating_sub(1);
        let (left, right) = rayon::join(
            || left.arrange(order_left, halvings, progress),
            || right.arrange(order_right, halvings, progress),
        );
        left.and(right)
    }

    /// The users at these places, ascending; `members` says of each list how many of them are in it.
    fn select(&self, places: impl Iterator<Item = u32>, members: impl Iterator<Item = u32>) -> Part {
        /// Stands for a list that is left out.
        const NONE: u32 = u32::MAX;
        let mut list_count = 0;
        let number = |members: u32| {
            if members < 2 {
                return NONE;
            }
            list_count += 1;
            list_count - 1
        };
        let numbers: Vec<u32> = members.map(number).collect();
        let mut part = Part { ranks: Vec::new(), lists: Vec::new(), ends: Vec::new(), list_count: list_count as usize };
        for place in places {
            let lists = self.lists_at(place as usize).iter().map(|list| numbers[*list as usize]);
            part.lists.extend(lists.filter(|number| *number != NONE));
            part.ranks.push(self.ranks[place as usize]);
            part.ends.push(part.lists.len());
        }
        part
    }

    fn lists_at(&self, place: usize) -> &[u32] {
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.lists[start..self.ends[place]]
    }
}

impl Members for Part {
    fn lists_of<'a>(&'a self, place: usize, _: &'a mut Vec<u32>) -> &'a [u32] {
        self.lists_at(place)
    }
}
