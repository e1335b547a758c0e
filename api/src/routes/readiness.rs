//! `GET /readyz`: whether this process can serve; and `GET /metrics`: what it has counted.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use base::{Code, Error, ListRef, Relation, UserId};
use http::StatusCode;
use proto::graph::CountRequest;
use proto::timeline::AuthorStatsRequest;
use serde::Serialize;

use crate::error::{Answer, FieldError, Problem};
use crate::json::Json;
use crate::operations;
use crate::state::App;

/// How long each part may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The body of `/readyz` when all is well.
#[derive(Serialize)]
pub(crate) struct Ready {
    status: &'static str,
}

/// Asks the database and the other services something small. The problem names those that do not answer.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Answer<Json<Ready>> {
    let lists = vec![ListRef::reverse(Relation::Follow, UserId(0)).into()];
    let (accounts, graph, timeline) = tokio::join!(
        answers("accounts", app.accounts.ping()),
        answers("graph-store", app.graph.count(CountRequest { lists, at_least: None })),
        answers("timeline-service", app.timeline.author_stats(AuthorStatsRequest { users: vec![0] })),
    );
    let missing: Vec<_> = [accounts, graph, timeline].into_iter().flatten().collect();
    if missing.is_empty() { Ok(Json(Ready { status: "ready" })) } else { Err(Problem::unready(missing)) }
}

/// What is wrong with a part, if anything. That user 0 is unknown to it is an answer as good as any.
async fn answers<T>(part: &str, question: impl Future<Output = Result<T, Error>>) -> Option<FieldError> {
    let detail = match tokio::time::timeout(PATIENCE, question).await {
        Ok(Ok(_)) => return None,
        Ok(Err(error)) if !error.code().is_ours() => return None,
        Ok(Err(error)) => {
            error.log("asking whether all is ready");
            error.message().to_owned()
        }
        Err(_) => Code::DeadlineExceeded.name().to_owned(),
    };
    Some(FieldError { field: part.to_owned(), detail })
}

/// What this process has counted; not found where nobody counts.
pub(crate) async fn metrics(State(app): State<Arc<App>>) -> Answer<Response> {
    let metrics = app.metrics.as_ref().ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))?;
    Ok(operations::render(metrics))
}
