//! What comes before all sources: whom a job over the whole graph found for the user.

use base::{Error, ListRef, Relation, UserId};

use super::similar::SHARED_MIN;
use super::{Reason, Search, Suggestion};
use crate::query::Lists;

impl<L: Lists> Search<'_, L> {
    pub(super) fn published(&mut self, candidates: &[UserId]) -> Result<(), Error> {
        if candidates.is_empty() {
            return Ok(());
        }
        let friends = self.friends()?;
        for user in candidates {
            if self.is_full() {
                break;
            }
            if !self.excluded.contains(user.0) {
                let suggestion = self.published_suggestion(*user, &friends)?;
                self.push(suggestion);
            }
        }
        Ok(())
    }

    /// The first reason that holds, in the order of the sources.
    fn published_suggestion(&self, user: UserId, friends: &[u32]) -> Result<Suggestion, Error> {
        let suggestion = self.near_suggestion(user, friends)?;
        if suggestion.mutuals_count > 0 {
            return Ok(suggestion);
        }
        let followees = ListRef::forward(Relation::Follow, user);
        let reason = if !self.lists.common(followees, &[self.user.0])?.is_empty() {
            Reason::FollowsYou
        } else if self.shared_followees(user)? >= SHARED_MIN {
            Reason::SimilarFollowees
        } else {
            Reason::NearYou
        };
        Ok(Suggestion { reason, ..suggestion })
    }
}
