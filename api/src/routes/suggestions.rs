//! `GET /api/suggestions`: who to follow, and why; `GET /api/users/{username}/followers/known`: which of those whom the caller
//! follows follow a user.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use base::{Code, Error, ListRef, Relation, UserId, limits};
use proto::graph::expression::Node;
use proto::graph::{
    Combination, Combine, Expression, Reason, SelectRequest, SuggestRequest, select_request, select_response,
};
use serde::Serialize;

use crate::error::Answer;
use crate::extract::{AtLeast, Caller, Paging, Parameters};
use crate::json::Json;
use crate::state::App;
use crate::views::{Page, UserView};

/// Somebody to follow.
#[derive(Serialize)]
pub(crate) struct SuggestionView {
    #[serde(flatten)]
    user: UserView,
    reason: &'static str,
    /// Some of those whom the caller follows and who follow the suggested.
    mutuals: Vec<UserView>,
    /// How many there are in all.
    mutuals_count: u32,
}

/// Who to follow, best first. There is one page of them: its length is all that can be asked for.
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    mut parameters: Parameters,
    AtLeast(at_least): AtLeast,
    caller: Caller,
) -> Answer<Json<Page<SuggestionView>>> {
    let limit = parameters.number("limit", limits::SUGGEST_MAX).unwrap_or(limits::PAGE_DEFAULT);
    for name in ["cursor", "page"] {
        if parameters.value(name).is_some_and(|value| !value.is_empty()) {
            parameters.refuse(name, "there is one page of suggestions");
        }
    }
    parameters.finish()?;
    let user = caller.account.id;
    let request = SuggestRequest { user, limit, at_least: at_least.clone() };
    let found = app.graph.suggest(request).await?.suggestions;
    let mutuals = found.iter().flat_map(|suggestion| &suggestion.mutuals);
    let ids = found.iter().map(|suggestion| &suggestion.user).chain(mutuals).copied().collect();
    let accounts = app.accounts_by_id(ids).await?.into_accounts();
    let people = app.user_views_by_id(accounts, Some(user), at_least).await?;
    Ok(Json(Page::new(views(found, &people), String::new(), String::new())))
}

/// Suggestions with their people; those who have no account are left out: there is nobody to show.
fn views(found: Vec<proto::graph::Suggestion>, people: &HashMap<u32, UserView>) -> Vec<SuggestionView> {
    let view = |suggestion: proto::graph::Suggestion| {
        Some(SuggestionView {
            user: people.get(&suggestion.user)?.clone(),
            reason: name(suggestion.reason()),
            mutuals: suggestion.mutuals.iter().filter_map(|id| people.get(id)).cloned().collect(),
            mutuals_count: suggestion.mutuals_count,
        })
    };
    found.into_iter().filter_map(view).collect()
}

fn name(reason: Reason) -> &'static str {
    match reason {
        Reason::MutualConnections => "mutual_connections",
        Reason::FollowedByFollowees => "followed_by_followees",
        Reason::FollowsYou => "follows_you",
        Reason::SimilarFollowees => "similar_followees",
        Reason::Popular => "popular",
        Reason::NearYou => "near_you",
        Reason::Unspecified => "unspecified",
    }
}

/// Those whom the caller follows and who follow a user, by id.
pub(crate) async fn known_followers(
    State(app): State<Arc<App>>,
    Path(username): Path<String>,
    paging: Paging,
    AtLeast(at_least): AtLeast,
    caller: Caller,
) -> Answer<Json<Page<UserView>>> {
    paging.by_cursor_only()?;
    let (user, viewer) = (app.account_of(&username).await?.id, caller.account.id);
    let lists = [ListRef::forward(Relation::Follow, UserId(viewer)), ListRef::reverse(Relation::Follow, UserId(user))];
    let operands = lists.map(|list| Expression { node: Some(Node::List(list.into())) });
    let known = Combination { combine: Combine::Intersection as i32, operands: operands.into() };
    let request = SelectRequest {
        expression: Some(Expression { node: Some(Node::Combination(known)) }),
        output: Some(select_request::Output::Page(paging.request())),
        at_least: at_least.clone(),
    };
    let Some(select_response::Output::Page(found)) = app.graph.select(request).await?.output else {
        return Err(Error::new(Code::Internal, "the graph answered something else than a page").into());
    };
    let users = app.people(found.users, Some(viewer), at_least).await?;
    Ok(Json(Page::new(users, found.next_cursor, found.prev_cursor)))
}
