//! People in common, people to follow, and paths between people.

use base::{Error, ListRef, Relation, UserId, limits};
use proto::convert::at_most;
use proto::graph;
use proto::graph::{
    FollowersYouKnowRequest, FollowersYouKnowResponse, KnownFollowers, PathRequest, PathResponse, SuggestRequest,
    SuggestResponse,
};
use tonic::Request;

use super::{Inner, checks, compute};
use crate::query::Metered;
use crate::query::followers_you_know::{Known, followers_you_know as find_known};
use crate::query::path::{PATH_EDGES, shortest_path};
use crate::query::suggest::{Reason, Suggestion, suggest as find_suggestions};
use crate::store::Store;

/// Steps that a search for a path goes when the caller does not say.
const PATH_DEPTH_DEFAULT: u32 = 6;
/// Suggestions when the caller does not say how many.
const SUGGEST_DEFAULT: u32 = 20;

pub(super) async fn followers_you_know(
    service: &Inner,
    request: Request<FollowersYouKnowRequest>,
) -> Result<FollowersYouKnowResponse, Error> {
    let time = compute::time_limit(&request)?;
    let request = request.into_inner();
    at_most(request.candidates.len(), limits::KNOWN_CANDIDATES_MAX, "candidates")?;
    let limit = checks::within(request.limit, 0, limits::KNOWN_NAMED_MAX, "limit")? as usize;
    compute::in_time(time, checks::at_least(&service.store, request.at_least.as_ref())).await??;
    let users = service.store.users();
    let user = checks::known(request.user, users, || "user".to_owned())?;
    let candidates = checks::all_known(&request.candidates, users, "candidates")?;
    let followees = service.store.count(ListRef::forward(Relation::Follow, user))?;
    let cost = followees.saturating_mul(candidates.len() as u64);
    let known = compute::run(service, time, cost, move |store, budget| {
        find_known(&Metered::new(store, budget), user, &candidates, limit)
    })
    .await?;
    Ok(FollowersYouKnowResponse { candidates: known.into_iter().map(wire_known).collect() })
}

pub(super) async fn suggest(service: &Inner, request: Request<SuggestRequest>) -> Result<SuggestResponse, Error> {
    let time = compute::time_limit(&request)?;
    let request = request.into_inner();
    let limit = checks::within(request.limit, SUGGEST_DEFAULT, limits::SUGGEST_MAX, "limit")? as usize;
    compute::in_time(time, checks::at_least(&service.store, request.at_least.as_ref())).await??;
    let user = checks::known(request.user, service.store.users(), || "user".to_owned())?;
    let found = compute::run(service, time, u64::MAX, move |store, budget| {
        let published = published_for(store, user);
        find_suggestions(&Metered::new(store, budget), user, &published, limit)
    })
    .await?;
    Ok(SuggestResponse { suggestions: found.into_iter().map(wire_suggestion).collect() })
}

pub(super) async fn path(service: &Inner, request: Request<PathRequest>) -> Result<PathResponse, Error> {
    let time = compute::time_limit(&request)?;
    let request = request.into_inner();
    let depth = checks::within(request.max_depth, PATH_DEPTH_DEFAULT, limits::PATH_DEPTH_MAX, "max_depth")?;
    compute::in_time(time, checks::at_least(&service.store, request.at_least.as_ref())).await??;
    let users = service.store.users();
    let from = checks::known(request.from, users, || "from".to_owned())?;
    let to = checks::known(request.to, users, || "to".to_owned())?;
    let path = compute::run(service, time, u64::MAX, move |store, budget| {
        shortest_path(&Metered::new(store, budget.with_edges(PATH_EDGES)), from, to, depth)
    })
    .await?;
    Ok(PathResponse { users: ids(path.unwrap_or_default()) })
}

/// Whom the latest published run found for a user, best first.
fn published_for(store: &Store, user: UserId) -> Vec<UserId> {
    let Some(suggestions) = store.published().suggestions else { return Vec::new() };
    // A file from elsewhere could name users whom this store has not.
    suggestions.of(user).map(|(suggested, _)| suggested).filter(|suggested| suggested.0 < store.users()).collect()
}

fn ids(users: Vec<UserId>) -> Vec<u32> {
    users.into_iter().map(|user| user.0).collect()
}

fn wire_known(known: Known) -> KnownFollowers {
    let Known { count, first, followers, followees } = known;
    KnownFollowers { count, first: ids(first), followers, followees }
}

fn wire_suggestion(suggestion: Suggestion) -> graph::Suggestion {
    let reason = match suggestion.reason {
        Reason::MutualConnections => graph::Reason::MutualConnections,
        Reason::FollowedByFollowees => graph::Reason::FollowedByFollowees,
        Reason::FollowsYou => graph::Reason::FollowsYou,
        Reason::SimilarFollowees => graph::Reason::SimilarFollowees,
        Reason::Popular => graph::Reason::Popular,
        Reason::NearYou => graph::Reason::NearYou,
    };
    graph::Suggestion {
        user: suggestion.user.0,
        reason: reason as i32,
        mutuals: ids(suggestion.mutuals),
        mutuals_count: u32::try_from(suggestion.mutuals_count).unwrap_or(u32::MAX),
    }
}
