//! Read your writes: the header `Roost-Revision`. A write to the graph answers with it; a read that sends it is answered
//! from a graph at least as new.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use base::Revision;
use http::HeaderValue;
use http::request::Parts;
use proto::common;

use crate::error::{Answer, Problem};

/// The name of the header.
pub(crate) const REVISION_HEADER: &str = "Roost-Revision";

/// The graph must be at least this new.
#[derive(Clone, Debug)]
pub(crate) struct AtLeast(pub(crate) Option<common::Revision>);

impl<S: Send + Sync> FromRequestParts<S> for AtLeast {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let Some(header) = parts.headers.get(REVISION_HEADER) else { return Ok(AtLeast(None)) };
        let revision = header.to_str().ok().and_then(|token| Revision::from_token(token).ok());
        match revision {
            Some(revision) => Ok(AtLeast(Some(revision.into()))),
            None => Err(Problem::field(REVISION_HEADER, "is not a revision that this service gave out")),
        }
    }
}

/// Answers with the revision of a write.
pub(crate) fn with_revision(revision: Option<common::Revision>, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    let value = revision.and_then(|revision| HeaderValue::try_from(revision.token).ok());
    if let Some(value) = value {
        response.headers_mut().insert(REVISION_HEADER, value);
    }
    response
}
