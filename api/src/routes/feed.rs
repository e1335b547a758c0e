//! `GET /api/feed`: the caller's home feed, newest first.
//!
//! `mode` says how it is made (`pull`, `push`, or whatever is cheapest, `auto`), which changes nothing of what is in it;
//! `explain=true` has each entry say why it is there, and how it came. A first page is kept, and given again as long as nothing
//! in it has changed; where `pull` or `push` is asked for, it is made.

use std::sync::Arc;

use axum::extract::State;
use base::Error;
use proto::timeline::{FeedMode, HomeTimelineRequest, TimelineResponse};

use super::timelines::page;
use crate::error::Answer;
use crate::extract::{AtLeast, Caller, Paging, Parameters};
use crate::json::{Json, Written};
use crate::kept::Kept;
use crate::state::App;

/// The names of the modes.
const MODES: [(&str, FeedMode); 3] =
    [("pull", FeedMode::Pull), ("push", FeedMode::Push), ("auto", FeedMode::Unspecified)];

/// What the caller and those whom they follow posted and retweeted.
pub(crate) async fn home(
    State(app): State<Arc<App>>,
    mut parameters: Parameters,
    AtLeast(at_least): AtLeast,
    caller: Caller,
) -> Answer<Written> {
    let paging = Paging::take(&mut parameters);
    let mode = parameters.choice("mode", &MODES).unwrap_or(FeedMode::Unspecified);
    let explain = parameters.choice("explain", &[("true", true), ("false", false)]).unwrap_or(false);
    parameters.finish()?;
    let reader = caller.account.id;
    // Entries of a page that may be kept.
    let limit = paging.first().filter(|_| mode == FeedMode::Unspecified && !explain && app.feeds.is_on());
    let kept = limit.and_then(|limit| app.feeds.get(reader, limit));
    let kept = kept.filter(|kept| app.accounts.people.stand(&kept.people));
    let request = HomeTimelineRequest {
        user: reader,
        page: Some(paging.request()),
        page_number: paging.number(),
        at_least,
        mode: mode as i32,
        explain,
        state: limit.map(|_| kept.as_ref().map(|kept| kept.state.clone()).unwrap_or_default()),
    };
    let timeline = app.timeline.home_timeline(request).await?;
    match (limit, kept) {
        (None, _) => written(&app, timeline).await,
        (Some(_), Some(kept)) if timeline.unchanged => {
            app.feeds.given();
            Ok(Written(kept.body.clone()))
        }
        (Some(_), None) if timeline.unchanged => Err(Error::internal("a feed that nobody has is unchanged").into()),
        (Some(limit), _) => {
            app.feeds.made();
            made(&app, reader, limit, timeline).await
        }
    }
}

async fn written(app: &App, timeline: TimelineResponse) -> Answer<Written> {
    let Json(page) = page(app, timeline, true).await?;
    Written::new(&page)
}

/// A page that was not kept, or has changed. It is kept from now on.
async fn made(app: &App, reader: u32, limit: u32, mut timeline: TimelineResponse) -> Answer<Written> {
    let state = std::mem::take(&mut timeline.state);
    let entries = timeline.entries.iter();
    let ids = entries.flat_map(|entry| entry.tweet.iter().map(|tweet| tweet.author).chain(entry.retweeter));
    let ids: Vec<u32> = ids.collect();
    // Before they are read: whoever changes meanwhile is another.
    let people = app.accounts.people.standing(&ids);
    let count = timeline.entries.len();
    let Json(page) = page(app, timeline, true).await?;
    let written = Written::new(&page)?;
    // An account can be made of somebody who has none, which changes no row.
    if !state.is_empty() && page.len() == count {
        app.feeds.put(reader, Kept { limit, body: written.0.clone(), state, people });
    }
    Ok(written)
}
