//! `GET` and `DELETE /api/tweets/{id}`; and which tweet a path names.

use std::sync::Arc;

use axum::extract::{Path, State};
use base::TweetId;
use http::StatusCode;
use proto::timeline::{DeleteTweetRequest, GetTweetsRequest};

use crate::error::{Answer, Problem};
use crate::extract::{AtLeast, Caller};
use crate::json::Json;
use crate::state::App;
use crate::views::{TweetView, viewer_id};

/// One tweet.
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    AtLeast(at_least): AtLeast,
    caller: Option<Caller>,
) -> Answer<Json<TweetView>> {
    let request = GetTweetsRequest { ids: vec![tweet_id(&id)?], viewer: viewer_id(&caller), at_least };
    let found = app.timeline.get_tweets(request).await?.tweets;
    let tweet = found.into_iter().next().ok_or_else(Problem::no_such_tweet)?;
    app.tweet_view(tweet, caller.is_some()).await?.map(Json).ok_or_else(Problem::no_such_tweet)
}

/// Deletes a tweet of the caller's own, everywhere at once.
pub(crate) async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>, caller: Caller) -> Answer<StatusCode> {
    let request = DeleteTweetRequest { id: tweet_id(&id)?, user: caller.account.id };
    app.timeline.delete_tweet(request).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The id that a path names. One that no tweet could have is one that no tweet has.
pub(super) fn tweet_id(text: &str) -> Answer<u64> {
    written_id(text).ok_or_else(Problem::no_such_tweet)
}

/// An id as we write it. A sign or zeros before it would make a second name, and a second address, for the same tweet.
pub(super) fn written_id(text: &str) -> Option<u64> {
    let TweetId(id) = text.parse().ok()?;
    (text.starts_with(|first: char| matches!(first, '1'..='9'))).then_some(id)
}
