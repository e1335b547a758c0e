//! `GET /api/feed`: the caller's home feed, newest first.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use proto::timeline::{HomeTimelineRequest, TimelineResponse};

use crate::error::Answer;
use crate::extract::{AtLeast, Caller, Paging};
use crate::state::App;
use crate::views::{Page, TweetView};

/// What the caller and those whom they follow posted.
pub(crate) async fn home(
    State(app): State<Arc<App>>,
    paging: Paging,
    AtLeast(at_least): AtLeast,
    caller: Caller,
) -> Answer<Json<Page<TweetView>>> {
    let request = HomeTimelineRequest {
        user: caller.account.id,
        page: Some(paging.request()),
        page_number: paging.number(),
        at_least,
        ..HomeTimelineRequest::default()
    };
    let timeline = app.timeline.home_timeline(request).await?;
    page(&app, timeline, true).await
}

/// A page of a timeline as JSON.
pub(super) async fn page(app: &App, timeline: TimelineResponse, signed_in: bool) -> Answer<Json<Page<TweetView>>> {
    let tweets = timeline.entries.into_iter().filter_map(|entry| entry.tweet).collect();
    let items = app.tweet_views(tweets, signed_in).await?;
    Ok(Json(Page::new(items, timeline.next_cursor, timeline.prev_cursor)))
}
