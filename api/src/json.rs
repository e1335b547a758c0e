//! Answers as JSON.

use axum::response::{IntoResponse, Response};
use base::Error;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use crate::error::Problem;

/// Bytes that most answers stay below, so that theirs need not be moved while they are written.
const USUAL_BYTES: usize = 12 << 10;

/// An answer's body.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(USUAL_BYTES);
        match serde_json::to_writer(&mut body, &self.0) {
            Ok(()) => ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
            Err(error) => Problem::from(Error::internal(error)).into_response(),
        }
    }
}
