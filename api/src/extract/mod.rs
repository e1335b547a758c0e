//! What a handler needs to know of a request, checked.
//!
//! - `caller`: who is calling.
//! - `body`: the fields of a JSON object.
//! - `query`: the parameters of a query.
//! - `page`: which part of something long.
//! - `revision`: the graph that the answer must be built from must be at least this new.

mod body;
mod caller;
mod page;
mod query;
mod revision;

pub(crate) use self::body::Body;
pub(crate) use self::caller::Caller;
pub(crate) use self::page::Paging;
pub(crate) use self::query::Parameters;
pub(crate) use self::revision::{AtLeast, REVISION_HEADER, with_revision};

/// The header by which a post that is sent again is known for the same.
pub(crate) const IDEMPOTENCY_KEY_HEADER: &str = "Idempotency-Key";
