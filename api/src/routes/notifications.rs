//! `GET /api/notifications`, `POST /api/notifications/{id}/read`, `POST /api/notifications/read`: what the caller was notified
//! of; and `POST` and `DELETE /api/users/{username}/tweet-notifications`: whether they are told of each tweet of somebody.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{MethodRouter, post};
use proto::timeline::{NotificationsRequest, ReadNotificationsRequest, SubscribeRequest};
use serde::Serialize;

use super::tweets::written_id;
use crate::error::{Answer, Problem};
use crate::extract::{AtLeast, Caller, Paging};
use crate::json::Json;
use crate::state::App;
use crate::views::{NotificationView, Page};

/// What a request for all of them names, among the services.
const ALL: u64 = 0;

/// A page, and how many are not read, on it or not.
#[derive(Serialize)]
pub(crate) struct Notifications {
    #[serde(flatten)]
    page: Page<NotificationView>,
    unread_count: u32,
}

/// How many are left.
#[derive(Serialize)]
pub(crate) struct Unread {
    unread_count: u32,
}

/// The new state.
#[derive(Serialize)]
struct Switched {
    tweet_notifications: bool,
}

/// What the caller was notified of, newest first.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    paging: Paging,
    AtLeast(at_least): AtLeast,
    caller: Caller,
) -> Answer<Json<Notifications>> {
    paging.by_cursor_only()?;
    let user = caller.account.id;
    let request = NotificationsRequest { user, page: Some(paging.request()), at_least: at_least.clone() };
    let found = app.timeline.notifications(request).await?;
    let items = app.notification_views(found.notifications, user, at_least).await?;
    let page = Page::new(items, found.next_cursor, found.prev_cursor);
    Ok(Json(Notifications { page, unread_count: found.unread_count }))
}

/// Marks one as read. That it was read already is no error.
pub(crate) async fn read_one(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Answer<Json<Unread>> {
    read(&app, &caller, written_id(&id).ok_or_else(Problem::no_such_notification)?).await
}

/// Marks all that there are as read.
pub(crate) async fn read_all(State(app): State<Arc<App>>, caller: Caller) -> Answer<Json<Unread>> {
    read(&app, &caller, ALL).await
}

async fn read(app: &App, caller: &Caller, id: u64) -> Answer<Json<Unread>> {
    let request = ReadNotificationsRequest { user: caller.account.id, id };
    let unread_count = app.timeline.read_notifications(request).await?.unread_count;
    Ok(Json(Unread { unread_count }))
}

/// Ask to be told of each tweet of a user, and end that.
pub(crate) fn of_tweets() -> MethodRouter<Arc<App>> {
    let set = |subscribed| {
        async move |State(app): State<Arc<App>>, Path(username): Path<String>, caller: Caller| {
            subscribe(&app, &username, &caller, subscribed).await
        }
    };
    post(set(true)).delete(set(false))
}

async fn subscribe(app: &App, username: &str, caller: &Caller, subscribed: bool) -> Answer<Json<Switched>> {
    let (user, author) = (caller.account.id, app.account_of(username).await?.id);
    if user == author {
        return Err(Problem::field("username", "one is not told of one's own tweets"));
    }
    app.timeline.subscribe(SubscribeRequest { user, author, subscribed }).await?;
    Ok(Json(Switched { tweet_notifications: subscribed }))
}
