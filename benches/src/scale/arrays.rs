//! The forward lists as plain arrays: what an engineer would write who has the memory.

use std::ops::Range;

use anyhow::Result;
use base::{ListRef, Relation, UserId};
use graph_store::Store;

use super::degrees::Degrees;

/// All followees in one array, user by user, and where those of each user begin.
pub(super) struct Arrays {
    starts: Vec<u64>,
    followees: Vec<u32>,
}

impl Arrays {
    pub(super) fn of(store: &Store, degrees: &Degrees) -> Result<Self> {
        let mut followees = Vec::with_capacity(degrees.edges() as usize);
        let mut starts = Vec::with_capacity(degrees.all().len() + 1);
        for user in 0..degrees.all().len() as u32 {
            starts.push(followees.len() as u64);
            followees.extend(store.ids(ListRef::forward(Relation::Follow, UserId(user)))?);
        }
        starts.push(followees.len() as u64);
        Ok(Arrays { starts, followees })
    }

    /// Whether one follows the other.
    pub(super) fn contains(&self, source: UserId, target: UserId) -> bool {
        self.followees[self.range(source)].binary_search(&target.0).is_ok()
    }

    /// Whom somebody follows.
    pub(super) fn followees(&self, source: UserId) -> &[u32] {
        &self.followees[self.range(source)]
    }

    fn range(&self, source: UserId) -> Range<usize> {
        let source = source.0 as usize;
        self.starts[source] as usize..self.starts[source + 1] as usize
    }
}
