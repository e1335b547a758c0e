//! The first source: followees of followees.

use base::{Error, ListRef, Relation, UserId};

use super::{Reason, Search, Suggestion, best_first};
use crate::query::Lists;

/// Keeps candidates with few followers from the top.
const SMOOTHING: f64 = 100.0;

impl<L: Lists> Search<'_, L> {
    pub(super) fn near(&mut self) -> Result<(), Error> {
        if self.is_full() {
            return Ok(());
        }
        let lists = self.sampled_followees().map(|followee| ListRef::forward(Relation::Follow, followee));
        let mut scored = Vec::new();
        for (user, mutuals) in self.tally(lists)? {
            let followers = self.lists.count(ListRef::reverse(Relation::Follow, user))?;
            scored.push((score(mutuals, followers), user, followers));
        }
        best_first(&mut scored);
        scored.truncate(self.limit - self.found.len());

        // Among those who made it, the order is by the mutual connections counted in full.
        let friends = self.friends()?;
        let mut exact = Vec::with_capacity(scored.len());
        for (_, user, followers) in scored {
            let suggestion = self.near_suggestion(user, &friends)?;
            exact.push((score(suggestion.mutuals_count, followers), user, suggestion));
        }
        best_first(&mut exact);
        for (_, _, suggestion) in exact {
            self.push(suggestion);
        }
        Ok(())
    }

    /// `friends` are those of the user.
    pub(super) fn near_suggestion(&self, user: UserId, friends: &[u32]) -> Result<Suggestion, Error> {
        let follow_them = self.lists.common(ListRef::reverse(Relation::Follow, user), friends)?;
        let friends_of_both = self.lists.common(ListRef::forward(Relation::Follow, user), &follow_them)?;
        let reason = if friends_of_both.is_empty() { Reason::FollowedByFollowees } else { Reason::MutualConnections };
        self.suggestion(user, reason)
    }
}

fn score(mutuals: u64, followers: u64) -> f64 {
    mutuals as f64 / (followers as f64 + SMOOTHING).sqrt()
}
