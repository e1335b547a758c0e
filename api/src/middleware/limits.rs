//! An end to the time that a request may take, and to the reach of a panic.

use std::any::Any;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use tracing::Instrument;

use crate::error::Problem;

/// How much longer than anybody waits for it a write may go on.
const FINISHED_WITHIN: u32 = 2;

/// Answers in time, at the latest with a problem. A write that is under way by then may still take effect.
pub(crate) async fn end_in_time(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(timeout, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::of_status(StatusCode::GATEWAY_TIMEOUT).into_response(),
    }
}

/// What was begun is finished, whoever hangs up or waits no longer: a write that the database commits all the same must be told to
/// those who remember what was there before. Reads end with whom they are for.
pub(crate) async fn finish(State(timeout): State<Duration>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let end = async move { tokio::time::timeout(timeout * FINISHED_WITHIN, next.run(request)).await };
    match tokio::spawn(end.in_current_span()).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Problem::of_status(StatusCode::GATEWAY_TIMEOUT).into_response(),
        // Panics are caught inside: the process is about to end.
        Err(_) => Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response(),
    }
}

/// The answer to a request whose handler panicked. The others go on.
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    let message = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(message = message.unwrap_or("no message"), "a handler panicked");
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}
