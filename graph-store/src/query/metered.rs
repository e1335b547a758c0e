//! Lists that are paid for as they are read.

use std::sync::Arc;

use base::{Edge, Error, ListRef, UserId};

use super::budget::{Budget, LOOK_EDGES};
use super::members::{Members, SORTED_MAX};
use super::{Lists, ProbedSet};

/// The lists that one query reads, and the budget that it pays from. Any read may end the query with the budget's
/// error.
#[derive(Debug)]
pub struct Metered<'a, L> {
    lists: &'a L,
    budget: Budget,
}

impl<'a, L: Lists> Metered<'a, L> {
    /// Lists to be read within a budget.
    pub fn new(lists: &'a L, budget: Budget) -> Self {
        Metered { lists, budget }
    }

    /// The lists themselves, for what costs little and is bounded otherwise.
    pub fn unmetered(&self) -> &'a L {
        self.lists
    }

    /// What has been paid so far.
    pub fn spent(&self) -> u64 {
        self.budget.spent()
    }

    /// Pays for work on edges that were read before.
    pub fn spend(&self, edges: u64) -> Result<(), Error> {
        self.budget.spend(edges)
    }

    /// How many users are in a list; as dear as one edge.
    pub fn count(&self, list: ListRef) -> Result<u64, Error> {
        self.budget.spend(1)?;
        self.lists.count(list)
    }

    /// All users of a list.
    pub fn members(&self, list: ListRef) -> Result<Members, Error> {
        let count = self.count(list)?;
        self.budget.spend(count)?;
        if count <= SORTED_MAX {
            self.lists.ids(list).map(Members::Sorted)
        } else {
            Ok(self.lists.bitmap(list)?.into())
        }
    }

    /// All users of a list, ascending, however many there are.
    pub fn ids(&self, list: ListRef) -> Result<Vec<u32>, Error> {
        self.budget.spend(self.lists.count(list)?.saturating_add(1))?;
        self.lists.ids(list)
    }

    /// All users of a list with the time of each, by id.
    pub fn edges(&self, list: ListRef) -> Result<Vec<Edge>, Error> {
        self.budget.spend(self.lists.count(list)?.saturating_add(1))?;
        self.lists.edges(list)
    }

    /// Tells, ascending, those of some users, strictly increasing, who are in a list, without reading the rest of it.
    pub fn each_common(&self, list: ListRef, within: &[u32], found: &mut dyn FnMut(u32)) -> Result<(), Error> {
        for part in within.chunks(LOOK_EDGES as usize) {
            self.budget.spend(part.len() as u64)?;
            self.lists.each_common(list, part, found)?;
        }
        Ok(())
    }

    /// Those of some users, strictly increasing, who are in a list.
    pub fn common(&self, list: ListRef, within: &[u32]) -> Result<Vec<u32>, Error> {
        let mut common = Vec::new();
        self.each_common(list, within, &mut |id| common.push(id))?;
        Ok(common)
    }

    /// A set that a client keeps under this name.
    pub fn named_set(&self, name: &str) -> Result<Option<Arc<ProbedSet>>, Error> {
        self.lists.named_set(name)
    }

    /// The most followed users, most followed first.
    pub fn popular(&self) -> Result<Arc<[UserId]>, Error> {
        self.lists.popular()
    }
}
