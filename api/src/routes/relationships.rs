//! `POST` and `DELETE` on `/api/users/{username}/followers`, `/blocks`, `/mutes`: switches that the caller sets.
//!
//! Each answers with the new state, and the same when it is repeated. A body is not read.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use base::{Code, Relation};
use proto::graph::{self, ApplyRequest, Change, Operation, Outcome};
use serde::Serialize;

use crate::error::{Answer, Problem};
use crate::extract::{Caller, with_revision};
use crate::json::Json;
use crate::state::App;
use crate::views::RelationshipView;

/// The new state.
#[derive(Serialize)]
struct Switched {
    relationship: RelationshipView,
}

/// Follow and unfollow.
pub(crate) fn follows() -> MethodRouter<Arc<App>> {
    switch(Relation::Follow)
}

/// Block and unblock. A block ends the follows both ways.
pub(crate) fn blocks() -> MethodRouter<Arc<App>> {
    switch(Relation::Block)
}

/// Mute and unmute.
pub(crate) fn mutes() -> MethodRouter<Arc<App>> {
    switch(Relation::Mute)
}

fn switch(relation: Relation) -> MethodRouter<Arc<App>> {
    let set = move |operation| {
        async move |State(app): State<Arc<App>>, Path(username): Path<String>, caller: Caller| {
            set(&app, &username, &caller, relation, operation).await
        }
    };
    post(set(Operation::Add)).delete(set(Operation::Remove))
}

async fn set(app: &App, username: &str, caller: &Caller, relation: Relation, operation: Operation) -> Answer<Response> {
    let (source, target) = (caller.account.id, app.account_of(username).await?.id);
    if source == target {
        return Err(Problem::field("username", "one cannot follow, block or mute oneself"));
    }
    let change = Change {
        relation: graph::Relation::from(relation) as i32,
        operation: operation as i32,
        source,
        target,
        time: 0,
    };
    let applied = app.graph.apply(ApplyRequest { changes: vec![change] }).await?;
    if applied.outcomes.first() == Some(&(Outcome::Blocked as i32)) {
        return Err(Problem::new(Code::PermissionDenied, "a block stands between you and this user"));
    }
    let relationships = app.relationships(Some(source), &[target], applied.revision.clone()).await?;
    let relationship = relationships.into_iter().next().unwrap_or_default();
    Ok(with_revision(applied.revision, Json(Switched { relationship }).into_response()))
}
