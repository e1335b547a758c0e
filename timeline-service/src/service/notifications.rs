//! What a user was notified of.

use std::sync::Arc;
use std::time::Instant;

use base::cursor::CursorKind;
use base::{Error, TweetId, UserId};
use proto::timeline::{
    Notification, NotificationsRequest, NotificationsResponse, ReadNotificationsRequest, ReadNotificationsResponse,
    SubscribeRequest, SubscribeResponse,
};
use roaring::RoaringBitmap;

use super::TimelineService;
use super::wire::tweet_seen;
use crate::StoreError;
use crate::core::merge::Order;
use crate::core::page::{self, Between, PageError, Timeline, Visit, Wanted, each};
use crate::graph::naming;
use crate::metrics;
use crate::tweets::{NotificationRecord, Read, Subscribe, View};

impl TimelineService {
    pub(super) async fn notified(&self, request: NotificationsRequest) -> Result<NotificationsResponse, Error> {
        let wanted = Wanted::parse(CursorKind::Notifications, request.page.as_ref(), 0)?;
        let at_least = proto::convert::revision(request.at_least.as_ref(), "at_least")?;
        let user = UserId(request.user);
        let hidden = self.0.graph.hidden(user, at_least).await.map_err(naming("user"))?;
        let view = self.0.store.view();
        let read = move || {
            let begun = Instant::now();
            let inbox = Inbox::open(&view, user, hidden)?;
            let page = page::cut(&inbox, wanted).map_err(|error| match error {
                PageError::TooFarDown => Error::internal(error),
                PageError::Read(error) => error.into(),
            })?;
            let next_cursor = page.next_cursor(CursorKind::Notifications);
            let prev_cursor = page.previous_cursor(CursorKind::Notifications);
            let notifications = page.entries.into_iter().map(|(id, record)| inbox.wire(id, record));
            let notifications = notifications.collect::<Result<_, _>>()?;
            let unread_count = inbox.unread_count()?;
            metrics::page("notifications", begun.elapsed());
            Ok(NotificationsResponse { notifications, next_cursor, prev_cursor, unread_count })
        };
        self.0.reads.run(read).await
    }

    pub(super) async fn read(&self, request: ReadNotificationsRequest) -> Result<ReadNotificationsResponse, Error> {
        let user = UserId(request.user);
        let hidden = self.0.graph.hidden(user, None).await.map_err(naming("user"))?;
        let id = (request.id != 0).then_some(TweetId(request.id));
        let changed = self.0.store.write(Read { user, id }).await?;
        if id.is_none() {
            // As of that write: what has come in since is for whoever asks next.
            return Ok(ReadNotificationsResponse { changed, unread_count: 0 });
        }
        let view = self.0.store.view();
        let unread_count = self.0.reads.run(move || Ok(Inbox::open(&view, user, hidden)?.unread_count()?)).await?;
        Ok(ReadNotificationsResponse { changed, unread_count })
    }

    pub(super) async fn subscribed(&self, request: SubscribeRequest) -> Result<SubscribeResponse, Error> {
        let SubscribeRequest { user, author, subscribed } = request;
        if user == author {
            return Err(Error::invalid("author", "nobody is notified of their own tweets"));
        }
        let (user, author) = (UserId(user), UserId(author));
        if subscribed {
            // Whether they can be told now is asked again for each tweet; whether the graph knows them at all is not.
            self.0.graph.reachable(author, &[user]).await.map_err(naming("author"))?;
        }
        let changed = self.0.store.write(Subscribe { user, author, subscribed }).await?;
        Ok(SubscribeResponse { changed })
    }
}

/// What one user was notified of, as they see it now: without the people who are hidden from them, and without deleted
/// tweets.
struct Inbox {
    view: Arc<View>,
    user: UserId,
    /// Nothing is older; none where nothing ever was.
    oldest: Option<TweetId>,
    /// Whom the user mutes or blocks, and who blocks them.
    hidden: RoaringBitmap,
}

impl Timeline for Inbox {
    type Entry = NotificationRecord;
    type Error = StoreError;

    fn walk(&self, order: Order, between: Between, visit: impl Visit<NotificationRecord>) -> Result<(), StoreError> {
        let Some(oldest) = self.oldest else { return Ok(()) };
        let notifications = self.view.notifications(self.user, oldest, order, between).map(|item| {
            let (id, record) = item?;
            Ok((id, self.seen(record)?))
        });
        each(notifications, visit)
    }
}

impl Inbox {
    fn open(view: &Arc<View>, user: UserId, hidden: RoaringBitmap) -> Result<Self, StoreError> {
        Ok(Inbox { view: view.clone(), user, oldest: view.oldest_notification(user)?, hidden })
    }

    /// A notification as the user sees it, if they do. Of those who did it only the last are known by name: others who are
    /// hidden are counted.
    fn seen(&self, mut record: NotificationRecord) -> Result<Option<NotificationRecord>, StoreError> {
        let named = record.actors.len();
        record.actors.retain(|&actor| !self.hidden.contains(actor));
        record.actors_count = record.actors_count.saturating_sub((named - record.actors.len()) as u32);
        let seen =
            !record.actors.is_empty() && (record.tweet == 0 || self.view.author_of(TweetId(record.tweet))?.is_some());
        Ok(seen.then_some(record))
    }

    /// How many notifications the user sees and has not read.
    fn unread_count(&self) -> Result<u32, StoreError> {
        let Some(oldest) = self.oldest else { return Ok(0) };
        let seen = self.view.unread(self.user, oldest).map(|record| self.seen(record?));
        seen.filter_map(Result::transpose).try_fold(0, |count, record| record.map(|_| count + 1))
    }

    fn wire(&self, id: TweetId, record: NotificationRecord) -> Result<Notification, StoreError> {
        let tweet = match record.tweet {
            0 => None,
            tweet => {
                let tweet = self.view.tweet(TweetId(tweet))?;
                let seen = tweet.map(|tweet| self.view.seen_by(tweet, Some(self.user))).transpose()?;
                seen.map(tweet_seen)
            }
        };
        Ok(Notification {
            id: id.0,
            kind: record.kind,
            actors: record.actors,
            actors_count: record.actors_count,
            tweet,
            created_at_ms: id.time_ms(),
            read: record.read,
        })
    }
}
