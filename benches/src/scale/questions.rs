//! What is asked: drawn before the clock starts.

use anyhow::Result;
use base::{ListRef, Relation, UserId};
use graph_store::Store;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Questions of one kind, none of them twice in a row.
pub(super) struct Questions {
    random: ChaCha8Rng,
    users: u32,
}

impl Questions {
    /// The same ones for the same seed.
    pub(super) fn new(users: u32, seed: u64) -> Self {
        Questions { random: ChaCha8Rng::seed_from_u64(seed), users }
    }

    pub(super) fn somebody(&mut self) -> UserId {
        UserId(self.random.random_range(0..self.users))
    }

    pub(super) fn people(&mut self, count: usize) -> Vec<UserId> {
        (0..count).map(|_| self.somebody()).collect()
    }

    /// Pairs of strangers, most of them.
    pub(super) fn pairs(&mut self, count: usize) -> Vec<(UserId, UserId)> {
        (0..count).map(|_| (self.somebody(), self.somebody())).collect()
    }

    /// Pairs, of which every other one does follow.
    pub(super) fn pairs_half_following(&mut self, store: &Store, count: usize) -> Result<Vec<(UserId, UserId)>> {
        let mut pairs = self.pairs(count);
        for (source, target) in pairs.iter_mut().step_by(2) {
            let followees = store.ids(ListRef::forward(Relation::Follow, *source))?;
            if !followees.is_empty() {
                *target = UserId(followees[self.random.random_range(0..followees.len())]);
            }
        }
        Ok(pairs)
    }
}
