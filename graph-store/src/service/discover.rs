//! Paths between people, and people to follow.

use std::time::Instant;

use base::{Error, limits};
use proto::graph;
use proto::graph::{PathRequest, PathResponse, SuggestRequest, SuggestResponse};

use super::lists::StoreLists;
use super::{blocking, checks};
use crate::query::path::{Bounds, shortest_path};
use crate::query::suggest::{Reason, Suggestion, suggest as find};
use crate::store::Store;

/// Steps that a search for a path goes when the caller does not say.
const PATH_DEPTH_DEFAULT: u32 = 6;
/// Suggestions when the caller does not say how many.
const SUGGEST_DEFAULT: u32 = 20;

pub(super) async fn path(store: &Store, request: PathRequest) -> Result<PathResponse, Error> {
    let depth = checks::within(request.max_depth, PATH_DEPTH_DEFAULT, limits::PATH_DEPTH_MAX, "max_depth")?;
    let bounds = Bounds::new(depth, Instant::now() + limits::CALL_DEADLINE);
    checks::at_least(store, request.at_least.as_ref()).await?;
    let from = checks::known(request.from, store.users(), || "from".to_owned())?;
    let to = checks::known(request.to, store.users(), || "to".to_owned())?;
    let store = store.clone();
    let path = blocking(move || shortest_path(&StoreLists(&store), from, to, bounds)).await?;
    Ok(PathResponse { users: path.unwrap_or_default().into_iter().map(|user| user.0).collect() })
}

pub(super) async fn suggest(store: &Store, request: SuggestRequest) -> Result<SuggestResponse, Error> {
    let limit = checks::within(request.limit, SUGGEST_DEFAULT, limits::SUGGEST_MAX, "limit")?;
    checks::at_least(store, request.at_least.as_ref()).await?;
    let user = checks::known(request.user, store.users(), || "user".to_owned())?;
    let store = store.clone();
    let found = blocking(move || find(&StoreLists(&store), user, limit as usize)).await?;
    Ok(SuggestResponse { suggestions: found.into_iter().map(wire_suggestion).collect() })
}

fn wire_suggestion(suggestion: Suggestion) -> graph::Suggestion {
    let reason = match suggestion.reason {
        Reason::FollowedByFollowees => graph::Reason::FollowedByFollowees,
        Reason::FollowsYou => graph::Reason::FollowsYou,
        Reason::Popular => graph::Reason::Popular,
    };
    graph::Suggestion {
        user: suggestion.user.0,
        reason: reason as i32,
        mutuals: suggestion.mutuals.into_iter().map(|user| user.0).collect(),
        mutuals_count: u32::try_from(suggestion.mutuals_count).unwrap_or(u32::MAX),
    }
}
