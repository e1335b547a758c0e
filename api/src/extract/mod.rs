//! What a handler needs to know of a request, checked.
//!
//! - `caller`: who is calling.
//! - `body`: the fields of a JSON object.
//! - `page`: which part of something long.
//! - `revision`: the graph that the answer must be built from must be at least this new.

mod body;
mod caller;
mod page;
mod revision;

pub(crate) use self::body::Body;
pub(crate) use self::caller::Caller;
pub(crate) use self::page::Paging;
pub(crate) use self::revision::{AtLeast, REVISION_HEADER, with_revision};
