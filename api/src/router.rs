//! Which path has which methods, and what surrounds them all.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::middleware;
use crate::routes::{
    comments, engagement, feed, lists, notifications, posting, relationships, search, sessions, suggestions, timelines,
    tweets, users,
};
use crate::state::App;
use crate::{operations, routes};

/// Bytes of a request's body: the longest tweet and profile many times over.
const BODY_MAX_BYTES: usize = 64 << 10;

pub(crate) fn router(app: Arc<App>) -> Router {
    let request_timeout = app.request_timeout;
    let routes = Router::new()
        .route("/api/users", post(users::sign_up))
        .route("/api/login", post(sessions::log_in))
        .route("/api/logout", post(sessions::log_out))
        .route("/api/token/refresh", post(sessions::refresh))
        .route("/api/users/{username}", get(users::profile).patch(users::change_profile))
        .route("/api/users/{username}/tweets", get(timelines::tweets).post(posting::create))
        .route("/api/users/{username}/tweets/{id}/favorites", engagement::favorites())
        .route("/api/users/{username}/favorites", get(timelines::favorites))
        .route("/api/users/{username}/activity", get(timelines::activity))
        .route("/api/users/{username}/followers", relationships::follows().get(lists::followers))
        .route("/api/users/{username}/followers/known", get(suggestions::known_followers))
        .route("/api/users/{username}/followees", get(lists::followees))
        .route("/api/users/{username}/blocks", relationships::blocks())
        .route("/api/users/{username}/mutes", relationships::mutes())
        .route("/api/users/{username}/tweet-notifications", notifications::of_tweets())
        .route("/api/blocks", get(lists::blocks))
        .route("/api/mutes", get(lists::mutes))
        .route("/api/tweets/{id}", get(tweets::one).delete(tweets::delete))
        .route("/api/tweets/{id}/favorites", engagement::favorites())
        .route("/api/tweets/{id}/retweets", engagement::retweets())
        .route("/api/tweets/{id}/comments", get(comments::list).post(comments::create))
        .route("/api/feed", get(feed::home))
        .route("/api/notifications", get(notifications::list))
        .route("/api/notifications/read", post(notifications::read_all))
        .route("/api/notifications/{id}/read", post(notifications::read_one))
        .route("/api/suggestions", get(suggestions::list))
        .route("/api/search/users", get(search::users))
        .route("/healthz", get(operations::health))
        .route("/readyz", get(routes::readiness::ready))
        .route("/metrics", get(routes::readiness::metrics))
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .with_state(app);
    middleware::around(routes, request_timeout)
}
