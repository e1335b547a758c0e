//! The most followed users: what to suggest where nothing nearer is known.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use base::{Direction, ListRef, Relation, UserId};
use parking_lot::Mutex;

use super::{Shared, StoreError};
use crate::query::POPULAR_MAX;

/// The list is made anew once there was one change for so many users: counting costs some 0.2 microseconds a user, so
/// this keeps it at two microseconds a change.
const USERS_PER_CHANGE: u64 = 10;

/// The most followed users as they were some changes ago.
#[derive(Debug, Default)]
pub(super) struct Popular(Mutex<Option<Counted>>);

#[derive(Debug)]
struct Counted {
    revision: u64,
    users: Arc<Vec<UserId>>,
}

impl Popular {
    /// Best first, at most [`POPULAR_MAX`].
    pub(super) fn get(&self, shared: &Shared) -> Result<Arc<Vec<UserId>>, StoreError> {
        let revision = shared.revision().0;
        let users = shared.directory.read().catalog.next();
        let mut counted = self.0.lock();
        if let Some(counted) = counted.as_ref()
            && revision <= counted.revision + u64::from(users) / USERS_PER_CHANGE
        {
            return Ok(counted.users.clone());
        }
        // Others wait for the one who counts: once is enough.
        let users = Arc::new(most_followed(shared, users)?);
        *counted = Some(Counted { revision, users: users.clone() });
        Ok(users)
    }

    /// Forgets, after changes that the log does not have.
    pub(super) fn forget(&self) {
        *self.0.lock() = None;
    }
}

fn most_followed(shared: &Shared, users: u32) -> Result<Vec<UserId>, StoreError> {
    let mut best = BinaryHeap::with_capacity(POPULAR_MAX + 1);
    for user in (0..users).map(UserId) {
        let list = ListRef { relation: Relation::Follow, direction: Direction::Reverse, user };
        let followers = shared.slot_of(user).count(list)?;
        if followers > 0 {
            best.push(Reverse((followers, Reverse(user))));
            if best.len() > POPULAR_MAX {
                best.pop();
            }
        }
    }
    Ok(best.into_sorted_vec().into_iter().map(|Reverse((_, Reverse(user)))| user).collect())
}
