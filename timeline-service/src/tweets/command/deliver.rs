//! Telling some subscribers of a tweet.

use base::{TweetId, UserId};
use proto::timeline::NotificationKind;

use super::{Command, Draft};
use crate::error::StoreError;
use crate::tweets::keys::{self, Table};
use crate::tweets::record::{DeliveryRecord, IndexRecord};

/// A part of the subscribers of a tweet's author, who are told of it.
#[derive(Clone, Debug)]
pub(crate) struct Deliver {
    pub tweet: TweetId,
    pub author: UserId,
    /// The first subscriber of this part: where the part before ended.
    pub from: UserId,
    /// The first subscriber of the part after this one; none after the last.
    pub next: Option<UserId>,
    /// Those of this part who are told.
    pub recipients: Vec<UserId>,
}

impl Command for Deliver {
    type Outcome = ();

    fn actor(&self) -> UserId {
        self.author
    }

    /// Notifies the recipients and moves on. A part that was done already, by a command whose answer came too late, is not
    /// done again; and nobody is told of a tweet that is deleted.
    fn apply(&mut self, id: TweetId, draft: &mut Draft<'_>) -> Result<(), StoreError> {
        let Deliver { tweet, author, from, next, ref recipients } = *self;
        let key = keys::id_key(tweet);
        let at = draft.get::<DeliveryRecord>(Table::Deliveries, &key)?;
        if at.is_none_or(|at| at.from != from.0) {
            return Ok(());
        }
        let index = draft.required::<IndexRecord>(Table::Index, &key)?;
        if index.deleted {
            draft.remove(Table::Deliveries, &key);
            return Ok(());
        }
        let notice = |&recipient| draft.notice(recipient, NotificationKind::Tweet, tweet, &[author], id).transpose();
        let notices = recipients.iter().filter_map(notice).collect::<Result<Vec<_>, _>>()?;

        draft.notify(notices);
        match next {
            Some(next) => {
                draft.put(Table::Deliveries, &key, &DeliveryRecord { author: author.0, from: next.0 });
            }
            None => draft.remove(Table::Deliveries, &key),
        }
        Ok(())
    }
}
