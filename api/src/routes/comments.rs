//! `GET` and `POST /api/tweets/{id}/comments`: the answers to a tweet.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use base::Error;
use http::HeaderMap;
use proto::timeline::CommentsRequest;

use super::posting::Post;
use super::timelines::page;
use super::tweets::tweet_id;
use crate::error::Answer;
use crate::extract::{AtLeast, Body, Caller, Paging};
use crate::json::Json;
use crate::state::App;
use crate::views::{EntryView, Page, viewer_id};

/// The answers to a tweet, newest first. Those to a deleted one stay.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    paging: Paging,
    AtLeast(at_least): AtLeast,
    caller: Option<Caller>,
) -> Answer<Json<Page<EntryView>>> {
    let request = CommentsRequest {
        id: tweet_id(&id)?,
        page: Some(paging.request()),
        page_number: paging.number(),
        viewer: viewer_id(&caller),
        at_least,
    };
    let comments = app.timeline.comments(request).await?;
    page(&app, comments, caller.is_some()).await
}

/// Answers a tweet: 201 with the answer.
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    mut body: Body,
) -> Answer<Response> {
    let answered = tweet_id(&id)?;
    let post = Post::take(&headers, &mut body)?;
    body.finish()?;
    Ok(post.by(&app, &caller.account, answered).await.map_err(named_by_the_path)?)
}

/// What is answered is in the path here, not in the body.
fn named_by_the_path(error: Error) -> Error {
    if error.field() == Some("in_reply_to") { error.with_field("id") } else { error }
}
