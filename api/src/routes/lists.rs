//! `GET /api/users/{username}/followers`, `/followees`, `GET /api/blocks`, `/api/mutes`: pages of users, newest first.
//!
//! Users of an imported graph who have no account are left out, since there is nobody to show. So a page may be shorter
//! than was asked for, and even empty, and still have a `next_cursor`: follow it until it is null.

use std::sync::Arc;

use axum::extract::{Path, State};
use base::{ListRef, Relation, UserId};
use proto::common::Revision;
use proto::graph::{ListRequest, Order};

use crate::error::Answer;
use crate::extract::{AtLeast, Caller, Paging};
use crate::json::Json;
use crate::state::App;
use crate::views::{Page, UserView, viewer_id};

/// Who follows a user.
pub(crate) async fn followers(
    State(app): State<Arc<App>>,
    Path(username): Path<String>,
    paging: Paging,
    AtLeast(at_least): AtLeast,
    caller: Option<Caller>,
) -> Answer<Json<Page<UserView>>> {
    let user = UserId(app.account_of(&username).await?.id);
    page(&app, ListRef::reverse(Relation::Follow, user), &paging, at_least, viewer_id(&caller)).await
}

/// Whom a user follows.
pub(crate) async fn followees(
    State(app): State<Arc<App>>,
    Path(username): Path<String>,
    paging: Paging,
    AtLeast(at_least): AtLeast,
    caller: Option<Caller>,
) -> Answer<Json<Page<UserView>>> {
    let user = UserId(app.account_of(&username).await?.id);
    page(&app, ListRef::forward(Relation::Follow, user), &paging, at_least, viewer_id(&caller)).await
}

/// Whom the caller blocks.
pub(crate) async fn blocks(
    State(app): State<Arc<App>>,
    paging: Paging,
    AtLeast(at_least): AtLeast,
    caller: Caller,
) -> Answer<Json<Page<UserView>>> {
    own(&app, Relation::Block, &paging, at_least, &caller).await
}

/// Whom the caller mutes.
pub(crate) async fn mutes(
    State(app): State<Arc<App>>,
    paging: Paging,
    AtLeast(at_least): AtLeast,
    caller: Caller,
) -> Answer<Json<Page<UserView>>> {
    own(&app, Relation::Mute, &paging, at_least, &caller).await
}

async fn own(
    app: &App,
    relation: Relation,
    paging: &Paging,
    at_least: Option<Revision>,
    caller: &Caller,
) -> Answer<Json<Page<UserView>>> {
    let user = caller.account.id;
    page(app, ListRef::forward(relation, UserId(user)), paging, at_least, Some(user)).await
}

async fn page(
    app: &App,
    list: ListRef,
    paging: &Paging,
    at_least: Option<Revision>,
    viewer: Option<u32>,
) -> Answer<Json<Page<UserView>>> {
    paging.by_cursor_only()?;
    let request = ListRequest {
        list: Some(list.into()),
        order: Order::NewestFirst as i32,
        page: Some(paging.request()),
        at_least: at_least.clone(),
    };
    let listed = app.graph.list(request).await?;
    let ids = listed.edges.iter().map(|edge| edge.user).collect();
    let users = app.people(ids, viewer, at_least).await?;
    Ok(Json(Page::new(users, listed.next_cursor, listed.prev_cursor)))
}
