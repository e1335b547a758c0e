//! Notifications.

use std::collections::HashSet;
use std::sync::Arc;

use proto::common::Revision;
use proto::timeline::{Notification, NotificationKind};
use serde::Serialize;

use super::{Decimal, Rfc3339, TweetView, UserView};
use crate::accounts::Account;
use crate::error::Answer;
use crate::state::App;

/// What happened to one tweet in one way, or who followed.
#[derive(Debug, Serialize)]
pub(crate) struct NotificationView {
    id: Decimal,
    kind: &'static str,
    /// The last of them first, ten at the most.
    actors: Vec<UserView>,
    /// How many there are in all.
    actors_count: u32,
    /// None for a follow.
    tweet: Option<TweetView>,
    created_at: Rfc3339,
    read: bool,
}

impl App {
    /// Notifications as the one whom they are for sees them, with one statement for all the people in them, and the calls
    /// that a list of those people costs. Users of an imported graph who have no account are left out of the actors, and
    /// what leaves nobody, or is about a tweet of theirs, is left out altogether: there is nobody to show.
    pub(crate) async fn notification_views(
        &self,
        notifications: Vec<Notification>,
        viewer: u32,
        at_least: Option<Revision>,
    ) -> Answer<Vec<NotificationView>> {
        let actors = notifications.iter().flat_map(|notification| &notification.actors).copied();
        let actors: HashSet<u32> = actors.collect();
        let authors = notifications.iter().filter_map(|notification| Some(notification.tweet.as_ref()?.author));
        let accounts = self.accounts_by_id(actors.iter().copied().chain(authors).collect()).await?;
        let known: Vec<Arc<Account>> = actors.iter().filter_map(|actor| accounts.get(*actor)).cloned().collect();
        let actors = self.user_views_by_id(known, Some(viewer), at_least).await?;
        let view = |notification: Notification| {
            let shown: Vec<UserView> = notification.actors.iter().filter_map(|id| actors.get(id)).cloned().collect();
            let kind = name(notification.kind()).filter(|_| !shown.is_empty())?;
            let tweet = match notification.tweet {
                Some(tweet) => {
                    let author = accounts.get(tweet.author)?.clone();
                    Some(TweetView::new(tweet, author, true))
                }
                None => None,
            };
            Some(NotificationView {
                id: Decimal(notification.id),
                kind,
                actors: shown,
                actors_count: notification.actors_count,
                tweet,
                created_at: Rfc3339(notification.created_at_ms),
                read: notification.read,
            })
        };
        Ok(notifications.into_iter().filter_map(view).collect())
    }
}

/// What REST calls a kind; nothing for one that a newer timeline-service may know.
fn name(kind: NotificationKind) -> Option<&'static str> {
    match kind {
        NotificationKind::Follow => Some("follow"),
        NotificationKind::Favorite => Some("favorite"),
        NotificationKind::Retweet => Some("retweet"),
        NotificationKind::Comment => Some("comment"),
        NotificationKind::Mention => Some("mention"),
        NotificationKind::Tweet => Some("tweet"),
        NotificationKind::Unspecified => None,
    }
}
