//! How many follow whom: what a graph is like, and the fewest bytes that could say so.

use anyhow::Result;
use base::{Direction, ListRef, Relation, UserId};
use graph_store::Store;

use crate::bound;

/// The length of every list of one direction.
pub(super) struct Degrees(Vec<u32>);

impl Degrees {
    /// Asks for each; every list has been looked at then.
    pub(super) fn of(store: &Store, direction: Direction) -> Result<Self> {
        let count = |user| store.count(ListRef { relation: Relation::Follow, direction, user: UserId(user) });
        let degrees = (0..store.users()).map(|user| Ok(count(user)? as u32)).collect::<Result<_>>()?;
        Ok(Degrees(degrees))
    }

    pub(super) fn all(&self) -> &[u32] {
        &self.0
    }

    pub(super) fn edges(&self) -> u64 {
        self.0.iter().map(|degree| u64::from(*degree)).sum()
    }

    /// The fewest bytes an edge that tell these lists from all others of the same lengths.
    pub(super) fn bound_bytes_per_edge(&self) -> f64 {
        let universe = self.0.len() as u64;
        let bits: f64 = self.0.iter().map(|degree| bound::bits(universe, u64::from(*degree))).sum();
        bits / 8.0 / self.edges().max(1) as f64
    }

    /// Who has the longest list.
    pub(super) fn longest(&self) -> UserId {
        let longest = (0..).zip(&self.0).max_by_key(|(_, degree)| **degree);
        UserId(longest.map_or(0, |(user, _)| user))
    }
}
