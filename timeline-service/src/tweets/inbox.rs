//! What is read of notifications, and what is still to be told.

use base::{Revision, TweetId, UserId};

use super::keys::{self, Table};
use super::record::{
    DeliveryRecord, FollowsRecord, InboxRecord, NotificationRecord, PresenceRecord, SubscriberRecord, damaged,
};
use super::view::View;
use crate::core::merge::Order;
use crate::core::page::Between;
use crate::error::{Damage, StoreError};

/// A tweet of which not all subscribers of its author are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub tweet: TweetId,
    pub author: UserId,
    /// The first subscriber whose turn has not come.
    pub from: UserId,
}

impl View {
    /// Nothing that is kept of what a user was notified of is older than this; none for somebody who never was.
    pub(crate) fn oldest_notification(&self, user: UserId) -> Result<Option<TweetId>, StoreError> {
        let inbox = self.get::<InboxRecord>(Table::Inboxes, &keys::author_key(user))?;
        Ok(inbox.map(|inbox| TweetId(inbox.oldest)))
    }

    /// What a user was notified of, from `oldest` on: what [`oldest_notification`](Self::oldest_notification) says.
    pub(crate) fn notifications(
        &self,
        user: UserId,
        oldest: TweetId,
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, NotificationRecord), StoreError>> {
        // What was removed lies before the oldest that is kept.
        let before = TweetId(oldest.0.saturating_sub(1));
        let between = Between { above: Some(between.above.map_or(before, |above| above.max(before))), ..between };
        self.scan(Table::Notifications, &keys::author_key(user), order, between)
    }

    /// What a user was notified of and has not read, from `oldest` on.
    pub(crate) fn unread(
        &self,
        user: UserId,
        oldest: TweetId,
    ) -> impl Iterator<Item = Result<NotificationRecord, StoreError>> {
        let between = Between { above: Some(TweetId(oldest.0.saturating_sub(1))), below: None };
        let unread = self.scan::<PresenceRecord>(Table::Unread, &keys::author_key(user), Order::OldestFirst, between);
        unread.map(move |item| {
            let key = keys::of_user(user, item?.0);
            // Both are written in one batch.
            let record = self.get(Table::Notifications, &key)?;
            record.ok_or_else(|| damaged(Table::Notifications, &key, Damage::Missing))
        })
    }

    /// The revision of the graph up to which follows are told; none where none ever was.
    pub(crate) fn follows_told(&self) -> Result<Option<Revision>, StoreError> {
        Ok(self.get::<FollowsRecord>(Table::State, keys::FOLLOWS)?.map(|told| Revision(told.revision)))
    }

    /// The tweets, from an id on, of which not all subscribers are told.
    pub(crate) fn deliveries(&self, from: TweetId) -> impl Iterator<Item = Result<Delivery, StoreError>> {
        self.from::<DeliveryRecord>(Table::Deliveries, &keys::id_key(from)).map(|item| {
            let (key, DeliveryRecord { author, from }) = item?;
            let tweet = keys::last_id(&key).ok_or_else(|| damaged(Table::Deliveries, &key, Damage::Truncated))?;
            Ok(Delivery { tweet, author: UserId(author), from: UserId(from) })
        })
    }

    /// Who wants to know of each tweet of an author, from a user on, and the id of the command since which they do.
    pub(crate) fn subscribers(
        &self,
        author: UserId,
        from: UserId,
    ) -> impl Iterator<Item = Result<(UserId, TweetId), StoreError>> {
        let (first, last) = (keys::subscriber(author, from), keys::subscriber(author, UserId(u32::MAX)));
        self.between::<SubscriberRecord>(Table::Subscribers, &first, &last).map(|item| {
            let (key, SubscriberRecord { since }) = item?;
            let subscriber = keys::last_user(&key);
            let subscriber = subscriber.ok_or_else(|| damaged(Table::Subscribers, &key, Damage::Truncated))?;
            Ok((subscriber, TweetId(since)))
        })
    }
}
