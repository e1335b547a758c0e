//! Who may keep an answer: its caller alone, and only what the answer says it is.
//!
//! What somebody sees depends on who they are and changes with every write, and some answers carry tokens. So no cache keeps
//! one, unless its handler says otherwise, and no browser takes a text that somebody posted for a page.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};

pub(crate) async fn by_caller_alone(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
