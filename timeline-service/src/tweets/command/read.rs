//! Marking notifications as read.

use base::{TweetId, UserId};

use super::{Command, Draft};
use crate::error::{Refusal, StoreError};
use crate::tweets::keys::{self, Table};
use crate::tweets::record::{InboxRecord, NotificationRecord, PresenceRecord};

/// Notifications that somebody has read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Read {
    pub user: UserId,
    /// One of theirs; none for all that there are.
    pub id: Option<TweetId>,
}

impl Command for Read {
    type Outcome = bool;

    fn actor(&self) -> UserId {
        self.user
    }

    /// Marks as read what is not; answers whether anything was. There are at most as many as are kept.
    fn apply(&mut self, _: TweetId, draft: &mut Draft<'_>) -> Result<bool, StoreError> {
        let unread = match self.id {
            Some(id) => {
                let record = draft.get::<NotificationRecord>(Table::Notifications, &keys::of_user(self.user, id))?;
                let record = record.ok_or(Refusal::NoNotification(id))?;
                if record.read { Vec::new() } else { vec![(id, record)] }
            }
            None => self.unread(draft)?,
        };

        for (id, record) in &unread {
            draft.no_longer_unread(self.user, *id, record);
            let read = NotificationRecord { read: true, ..record.clone() };
            draft.put(Table::Notifications, &keys::of_user(self.user, *id), &read);
        }
        Ok(!unread.is_empty())
    }
}

impl Read {
    fn unread(&self, draft: &Draft<'_>) -> Result<Vec<(TweetId, NotificationRecord)>, StoreError> {
        let inbox = draft.get::<InboxRecord>(Table::Inboxes, &keys::author_key(self.user))?;
        let Some(InboxRecord { oldest, .. }) = inbox else { return Ok(Vec::new()) };
        let first = keys::of_user(self.user, TweetId(oldest));
        let last = keys::of_user(self.user, TweetId(u64::MAX));
        let unread = draft.between::<PresenceRecord>(Table::Unread, &first, &last);
        let record = |item: Result<(Vec<u8>, PresenceRecord), StoreError>| {
            let (key, _) = item?;
            let id = keys::last_id(&key).unwrap_or(TweetId(0));
            Ok((id, draft.required(Table::Notifications, &key)?))
        };
        unread.map(record).collect()
    }
}
