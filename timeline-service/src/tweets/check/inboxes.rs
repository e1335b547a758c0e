//! Notifications and all that belongs to them, subscribers, and what is still to be told.

use base::{TweetId, UserId};
use proto::timeline::NotificationKind;

use super::Check;
use crate::error::StoreError;
use crate::tweets::command::{ACTORS_MAX, KEPT_MAX, joins};
use crate::tweets::keys::{self, Table};
use crate::tweets::record::{
    DeliveryRecord, FollowsRecord, InboxRecord, IndexRecord, NotificationRecord, OpenGroupRecord, PresenceRecord,
    StateRecord, SubscriberRecord,
};

/// What was seen of one recipient's notifications.
#[derive(Clone, Copy, Default)]
struct Seen {
    recipient: Option<UserId>,
    oldest: u64,
    kept: u64,
    /// Those who did what can happen again.
    actors: u64,
}

impl Check<'_> {
    pub(super) fn inboxes(&mut self) -> Result<(), StoreError> {
        let greatest = self.get::<StateRecord>(Table::State, keys::STATE)?.unwrap_or_default().greatest;
        let kept = self.notifications(greatest)?;
        self.each_inbox(kept)?;
        self.unread()?;
        self.open_groups()?;
        self.notified()?;
        self.subscribers(greatest)?;
        self.deliveries()?;
        match self.view.get::<FollowsRecord>(Table::State, keys::FOLLOWS) {
            Err(damaged @ StoreError::Damaged { .. }) => {
                self.find(base::error::chain(&damaged));
                Ok(())
            }
            outcome => outcome.map(|_| ()),
        }
    }

    /// The notifications by recipient, each recipient's against their inbox; answers how many there are.
    fn notifications(&mut self, greatest: u64) -> Result<u64, StoreError> {
        let mut seen = Seen::default();
        let mut kept = 0;
        self.each::<NotificationRecord>(Table::Notifications, |check, key, record| {
            let (Some(recipient), Some(id)) = (keys::first_user(key), keys::last_id(key)) else {
                check.find(format!("notifications: {key:?} is no key"));
                return Ok(());
            };
            if seen.recipient != Some(recipient) {
                check.inbox(seen)?;
                seen = Seen { recipient: Some(recipient), oldest: id.0, ..Seen::default() };
            }
            kept += 1;
            seen.kept += 1;
            if joins(record.kind()) {
                seen.actors += u64::from(record.actors_count);
            }
            if id.0 > greatest {
                check.find(format!("notification {id} of {recipient}: greater than the greatest, {greatest}"));
            }
            check.notification(recipient, id, &record)
        })?;
        self.inbox(seen)?;
        Ok(kept)
    }

    fn notification(&mut self, recipient: UserId, id: TweetId, record: &NotificationRecord) -> Result<(), StoreError> {
        let mut wrong = Vec::new();
        let (kind, tweet) = (record.kind(), TweetId(record.tweet));
        if kind == NotificationKind::Unspecified || (kind == NotificationKind::Follow) != (tweet.0 == 0) {
            wrong.push("is of no kind");
        }
        let count = record.actors_count as usize;
        if record.actors.len() != count.min(ACTORS_MAX) || count == 0 || count > 1 && !joins(kind) {
            wrong.push("does not name as many as did it");
        }
        if tweet.0 != 0 && self.get::<IndexRecord>(Table::Index, &keys::id_key(tweet))?.is_none() {
            wrong.push("is about a tweet that never was");
        }
        let unread = self.get::<PresenceRecord>(Table::Unread, &keys::of_user(recipient, id))?.is_some();
        if unread == record.read {
            wrong.push("is read and unread, or neither");
        }
        if joins(kind) {
            let open = self.get::<OpenGroupRecord>(Table::OpenGroups, &keys::group(recipient, kind, tweet))?;
            if open.is_some_and(|open| open.notification == id.0) == record.read {
                wrong.push("is joined though it is read, or not though it is unread");
            }
            for &actor in &record.actors {
                let told = keys::notified(recipient, kind, tweet, UserId(actor));
                if self.get::<PresenceRecord>(Table::Notified, &told)?.is_none() {
                    wrong.push("names somebody who would be told of again");
                }
            }
        }
        for wrong in wrong {
            self.find(format!("notification {id} of {recipient}: {wrong}"));
        }
        Ok(())
    }

    /// One recipient's figures, and as many marks of who was told of as there should be.
    fn inbox(&mut self, seen: Seen) -> Result<(), StoreError> {
        let Seen { recipient: Some(recipient), oldest, kept, actors } = seen else { return Ok(()) };
        let inbox = self.get::<InboxRecord>(Table::Inboxes, &keys::author_key(recipient))?.unwrap_or_default();
        if inbox.kept != kept || inbox.oldest > oldest || kept > KEPT_MAX {
            self.find(format!("inbox of {recipient}: {inbox:?}, and {kept} are there from {oldest} on"));
        }
        let prefix = keys::author_key(recipient);
        let mut told = 0;
        for mark in self.view.from::<PresenceRecord>(Table::Notified, &prefix) {
            match mark {
                Ok((key, _)) if key.starts_with(&prefix) => told += 1,
                Ok(_) => break,
                // Its own table's walk says so.
                Err(StoreError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        if told != actors + inbox.forgotten_actors {
            let forgotten = inbox.forgotten_actors;
            self.find(format!("inbox of {recipient}: {told} are remembered as told, not {actors} and {forgotten}"));
        }
        Ok(())
    }

    fn each_inbox(&mut self, kept: u64) -> Result<(), StoreError> {
        let mut sum = 0;
        self.each::<InboxRecord>(Table::Inboxes, |_, _, inbox| {
            sum += inbox.kept;
            Ok(())
        })?;
        if sum != kept {
            self.find(format!("inboxes: they add up to {sum} notifications, and {kept} are there"));
        }
        Ok(())
    }

    fn unread(&mut self) -> Result<(), StoreError> {
        self.each::<PresenceRecord>(Table::Unread, |check, key, _| {
            let record = check.get::<NotificationRecord>(Table::Notifications, key)?;
            if record.is_none_or(|record| record.read) {
                check.find(format!("unread: {key:?} names no notification that is"));
            }
            Ok(())
        })
    }

    fn open_groups(&mut self) -> Result<(), StoreError> {
        self.each::<OpenGroupRecord>(Table::OpenGroups, |check, key, open| {
            let recipient = keys::first_user(key).unwrap_or(UserId(0));
            let named = keys::of_user(recipient, TweetId(open.notification));
            let record = check.get::<NotificationRecord>(Table::Notifications, &named)?;
            let fits = record.is_some_and(|record| {
                !record.read
                    && joins(record.kind())
                    && keys::group(recipient, record.kind(), TweetId(record.tweet)) == *key
            });
            if !fits {
                check.find(format!("open_groups: {key:?} names no unread notification of its kind and tweet"));
            }
            Ok(())
        })
    }

    /// That nobody is remembered as told whose recipient never had a notification; how many is the other walk's question.
    fn notified(&mut self) -> Result<(), StoreError> {
        self.each::<PresenceRecord>(Table::Notified, |check, key, _| {
            let recipient = keys::first_user(key).unwrap_or(UserId(0));
            if check.get::<InboxRecord>(Table::Inboxes, &keys::author_key(recipient))?.is_none() {
                check.find(format!("notified: {key:?} is of somebody who was told nothing"));
            }
            Ok(())
        })
    }

    fn subscribers(&mut self, greatest: u64) -> Result<(), StoreError> {
        self.each::<SubscriberRecord>(Table::Subscribers, |check, key, SubscriberRecord { since }| {
            if key.len() != 8 || keys::first_user(key) == keys::last_user(key) || since > greatest {
                check.find(format!("subscribers: {key:?} since {since} is nobody's subscription"));
            }
            Ok(())
        })
    }

    fn deliveries(&mut self) -> Result<(), StoreError> {
        self.each::<DeliveryRecord>(Table::Deliveries, |check, key, delivery| {
            check.report.deliveries += 1;
            match check.get::<IndexRecord>(Table::Index, key)? {
                Some(index) if index.author == delivery.author => {}
                index => {
                    check.find(format!("deliveries: {key:?} of {}: its index entry is {index:?}", delivery.author))
                }
            }
            Ok(())
        })
    }
}
