//! `GET /api/feed`: the caller's home feed, newest first.
//!
//! `mode` says how it is made (`pull`, `push`, or whatever is cheapest, `auto`), which changes nothing of what is in it;
//! `explain=true` has each entry say why it is there, and how it came.

use std::sync::Arc;

use axum::extract::State;
use proto::timeline::{FeedMode, HomeTimelineRequest};

use super::timelines::page;
use crate::error::Answer;
use crate::extract::{AtLeast, Caller, Paging, Parameters};
use crate::json::Json;
use crate::state::App;
use crate::views::{EntryView, Page};

/// The names of the modes.
const MODES: [(&str, FeedMode); 3] =
    [("pull", FeedMode::Pull), ("push", FeedMode::Push), ("auto", FeedMode::Unspecified)];

/// What the caller and those whom they follow posted and retweeted.
pub(crate) async fn home(
    State(app): State<Arc<App>>,
    mut parameters: Parameters,
    AtLeast(at_least): AtLeast,
    caller: Caller,
) -> Answer<Json<Page<EntryView>>> {
    let paging = Paging::take(&mut parameters);
    let mode = parameters.choice("mode", &MODES).unwrap_or(FeedMode::Unspecified);
    let explain = parameters.choice("explain", &[("true", true), ("false", false)]).unwrap_or(false);
    parameters.finish()?;
    let request = HomeTimelineRequest {
        user: caller.account.id,
        page: Some(paging.request()),
        page_number: paging.number(),
        at_least,
        mode: mode as i32,
        explain,
        state: None,
    };
    let timeline = app.timeline.home_timeline(request).await?;
    page(&app, timeline, true).await
}
