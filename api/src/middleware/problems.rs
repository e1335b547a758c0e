//! Writes out the problem where the answer is one. What the framework answers by itself (no such path, no such method, a
//! body that is too large) becomes one too, and keeps the headers that go with it, such as `Allow`.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};

use super::request_id::RequestId;
use crate::error::Problem;
use crate::metrics::PROBLEMS;

pub(crate) async fn write_out(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    let status = response.status();
    let problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if status.is_client_error() || status.is_server_error() => Problem::of_status(status),
        None => return response,
    };
    metrics::counter!(PROBLEMS, "code" => problem.code().name()).increment(1);
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.remove(CONTENT_TYPE);
    problem.render(parts.headers, id.as_ref().map_or("", RequestId::as_str))
}
