//! Answers as JSON.

use axum::body::Bytes;
use axum::response::{IntoResponse, Response};
use base::Error;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use crate::error::Answer;

/// Bytes that most answers stay below, so that theirs need not be moved while they are written.
const USUAL_BYTES: usize = 12 << 10;

/// An answer's body.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        Written::new(&self.0).into_response()
    }
}

/// A body that is written already.
#[derive(Clone, Debug)]
pub(crate) struct Written(pub(crate) Bytes);

impl Written {
    /// A value as JSON.
    pub(crate) fn new<T: Serialize>(value: &T) -> Answer<Self> {
        let mut body = Vec::with_capacity(USUAL_BYTES);
        serde_json::to_writer(&mut body, value).map_err(Error::internal)?;
        Ok(Written(body.into()))
    }
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], self.0).into_response()
    }
}
