//! The third source: those whose followees resemble the user's.

use base::{Error, ListRef, Relation, UserId};

use super::{Reason, Search, best_first};
use crate::query::Lists;

/// Followees in common from which two people are alike at all.
pub(super) const SHARED_MIN: u64 = 2;

impl<L: Lists> Search<'_, L> {
    pub(super) fn similar(&mut self) -> Result<(), Error> {
        if self.is_full() {
            return Ok(());
        }
        // Who follows somebody little known is more alike than who follows somebody famous too.
        let mut sampled = Vec::new();
        for followee in self.sampled_followees() {
            let followers = ListRef::reverse(Relation::Follow, followee);
            sampled.push((self.lists.count(followers)?, followers));
        }
        sampled.sort_unstable_by_key(|(count, followers)| (*count, followers.user));
        let mut scored = Vec::new();
        for (user, _) in self.tally(sampled.into_iter().map(|(_, followers)| followers))? {
            let shared = self.shared_followees(user)?;
            if shared >= SHARED_MIN {
                let followees = ListRef::forward(Relation::Follow, user);
                let score = shared as f64 / (self.lists.count(followees)? as f64).sqrt();
                scored.push((score, user, ()));
            }
        }
        best_first(&mut scored);
        self.suggest_all(scored.into_iter().map(|(_, user, ())| user), Reason::SimilarFollowees)
    }

    /// How many both the user and another one follow.
    pub(super) fn shared_followees(&self, other: UserId) -> Result<u64, Error> {
        let mut shared = 0;
        self.lists.each_common(ListRef::forward(Relation::Follow, other), &self.followees, &mut |_| shared += 1)?;
        Ok(shared)
    }
}
