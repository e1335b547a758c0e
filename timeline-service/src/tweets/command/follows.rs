//! Notifying of follows.

use std::collections::BTreeMap;

use base::{Revision, TweetId, UserId};
use proto::timeline::NotificationKind;

use super::{Command, Draft};
use crate::error::StoreError;
use crate::tweets::keys::{self, Table};
use crate::tweets::record::FollowsRecord;

/// Somebody who began to follow somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Follow {
    /// The graph's revision of it.
    pub revision: Revision,
    pub follower: UserId,
    pub followee: UserId,
}

/// Follows that the graph told of, in its order.
#[derive(Clone, Debug)]
pub(crate) struct NotifyFollows {
    pub follows: Vec<Follow>,
    /// Up to here the graph has told.
    pub revision: Revision,
    /// Whether this goes on somewhere else than where it stopped: the revisions before say nothing of these.
    pub anew: bool,
}

impl Command for NotifyFollows {
    type Outcome = ();

    fn actor(&self) -> UserId {
        self.follows.first().map_or(UserId(0), |follow| follow.follower)
    }

    /// Notifies whoever is followed, and remembers the revision with it. What was told before is left out: the graph tells
    /// again what it told since the last revision that was remembered.
    fn apply(&mut self, id: TweetId, draft: &mut Draft<'_>) -> Result<(), StoreError> {
        let told = draft.get::<FollowsRecord>(Table::State, keys::FOLLOWS)?;
        let told = told.filter(|_| !self.anew).map_or(Revision::ZERO, |told| Revision(told.revision));
        let mut followers: BTreeMap<UserId, Vec<UserId>> = BTreeMap::new();
        for follow in self.follows.iter().filter(|follow| follow.revision > told) {
            followers.entry(follow.followee).or_default().push(follow.follower);
        }
        let notice = |(followee, followers): (&UserId, &Vec<UserId>)| {
            draft.notice(*followee, NotificationKind::Follow, TweetId(0), followers, id).transpose()
        };
        let notices = followers.iter().filter_map(notice).collect::<Result<Vec<_>, _>>()?;

        draft.notify(notices);
        if self.revision > told || self.anew {
            draft.put(Table::State, keys::FOLLOWS, &FollowsRecord { revision: self.revision.0 });
        }
        Ok(())
    }
}
