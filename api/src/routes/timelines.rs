//! `GET /api/users/{username}/tweets`, `/favorites`, `/activity`: what a user posted, and what they liked.

use std::sync::Arc;

use axum::extract::{Path, State};
use proto::common::Revision;
use proto::timeline::{Selection, TimelineResponse, UserTimelineRequest};

use crate::error::Answer;
use crate::extract::{AtLeast, Caller, Paging, Parameters};
use crate::json::Json;
use crate::state::App;
use crate::views::{EntryView, Page, viewer_id};

/// What a user posted and retweeted; with `favorited=true` what they posted and somebody favorited. Somebody whom the user
/// blocks gets an empty page.
pub(crate) async fn tweets(
    State(app): State<Arc<App>>,
    Path(username): Path<String>,
    mut parameters: Parameters,
    AtLeast(at_least): AtLeast,
    caller: Option<Caller>,
) -> Answer<Json<Page<EntryView>>> {
    let paging = Paging::take(&mut parameters);
    let selection = parameters.choice("favorited", &[("true", Selection::Favorited)]);
    parameters.finish()?;
    of_user(&app, &username, selection.unwrap_or(Selection::Unspecified), &paging, at_least, &caller).await
}

/// What a user favorited, by the time at which they did.
pub(crate) async fn favorites(
    State(app): State<Arc<App>>,
    Path(username): Path<String>,
    paging: Paging,
    AtLeast(at_least): AtLeast,
    caller: Option<Caller>,
) -> Answer<Json<Page<EntryView>>> {
    of_user(&app, &username, Selection::Favorites, &paging, at_least, &caller).await
}

/// What a user posted or favorited, by the time at which it was posted.
pub(crate) async fn activity(
    State(app): State<Arc<App>>,
    Path(username): Path<String>,
    paging: Paging,
    AtLeast(at_least): AtLeast,
    caller: Option<Caller>,
) -> Answer<Json<Page<EntryView>>> {
    of_user(&app, &username, Selection::Activity, &paging, at_least, &caller).await
}

async fn of_user(
    app: &App,
    username: &str,
    selection: Selection,
    paging: &Paging,
    at_least: Option<Revision>,
    caller: &Option<Caller>,
) -> Answer<Json<Page<EntryView>>> {
    let request = UserTimelineRequest {
        user: app.account_of(username).await?.id,
        page: Some(paging.request()),
        page_number: paging.number(),
        viewer: viewer_id(caller),
        at_least,
        selection: selection as i32,
    };
    let timeline = app.timeline.user_timeline(request).await?;
    page(app, timeline, caller.is_some()).await
}

/// A page of a timeline as JSON.
pub(super) async fn page(app: &App, timeline: TimelineResponse, signed_in: bool) -> Answer<Json<Page<EntryView>>> {
    let items = app.entry_views(timeline.entries, signed_in).await?;
    Ok(Json(Page::new(items, timeline.next_cursor, timeline.prev_cursor)))
}
