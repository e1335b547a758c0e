//! Asking to be told of each tweet of an author.

use base::{TweetId, UserId};

use super::{Command, Draft};
use crate::error::StoreError;
use crate::tweets::keys::{self, Table};
use crate::tweets::record::SubscriberRecord;

/// Whether somebody is to be told of each tweet of an author.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subscribe {
    pub user: UserId,
    pub author: UserId,
    /// False ends it.
    pub subscribed: bool,
}

impl Command for Subscribe {
    type Outcome = bool;

    fn actor(&self) -> UserId {
        self.user
    }

    /// Writes it down; answers whether it was otherwise before.
    fn apply(&mut self, id: TweetId, draft: &mut Draft<'_>) -> Result<bool, StoreError> {
        let key = keys::subscriber(self.author, self.user);
        let before = draft.get::<SubscriberRecord>(Table::Subscribers, &key)?;
        match (before, self.subscribed) {
            (Some(_), true) | (None, false) => return Ok(false),
            (None, true) => {
                draft.put(Table::Subscribers, &key, &SubscriberRecord { since: id.0 });
                draft.keep(id);
            }
            (Some(_), false) => draft.remove(Table::Subscribers, &key),
        }
        Ok(true)
    }
}
