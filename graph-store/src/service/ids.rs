//! Users given out, and external ids resolved.

use base::{Error, UserId, limits};
use proto::convert::at_most;
use proto::graph::resolve_request::Ids;
use proto::graph::{AllocateUsersRequest, AllocateUsersResponse, ResolveRequest, ResolveResponse, Resolved};
use rustc_hash::FxHashSet;

use super::{batch, checks};
use crate::store::{Store, Wanted};

pub(super) async fn allocate(store: &Store, request: AllocateUsersRequest) -> Result<AllocateUsersResponse, Error> {
    let AllocateUsersRequest { count, external_ids, idempotency_key } = request;
    if idempotency_key.len() > limits::NAME_MAX_BYTES {
        return Err(Error::invalid("idempotency_key", format!("at most {} bytes", limits::NAME_MAX_BYTES)));
    }
    let wanted = match (count, external_ids.is_empty()) {
        (0, true) => return Err(Error::invalid("count", "at least one user, or external ids")),
        (0, false) => Wanted::ExternalIds(all_different(external_ids)?),
        (count, true) => {
            at_most(count as usize, limits::ALLOCATE_MAX, "count")?;
            Wanted::Count(count)
        }
        (_, false) => return Err(Error::invalid("count", "must be 0 where there are external ids")),
    };
    let allocated = store.allocate(wanted, idempotency_key).await?;
    let users = allocated.users.into_iter().map(|user| user.0).collect();
    Ok(AllocateUsersResponse { users, revision: Some(allocated.revision.into()) })
}

pub(super) async fn resolve(store: &Store, request: ResolveRequest) -> Result<ResolveResponse, Error> {
    checks::at_least(store, request.at_least.as_ref()).await?;
    let known_as = |(user, external_id): (UserId, u64)| Resolved { user: Some(user.0), external_id: Some(external_id) };
    let store = store.clone();
    let resolved = match request.ids {
        Some(Ids::ExternalIds(external)) => {
            at_most(external.ids.len(), limits::BATCH_MAX, "external_ids.ids")?;
            batch(external.ids.len(), move || {
                let users = store.users_with_external_ids(&external.ids);
                Ok(users
                    .into_iter()
                    .zip(external.ids)
                    .map(|(user, id)| user.map(|user| known_as((user, id))))
                    .collect())
            })
            .await?
        }
        Some(Ids::Users(users)) => {
            at_most(users.ids.len(), limits::BATCH_MAX, "users.ids")?;
            let users = checks::all_known(&users.ids, store.users(), "users.ids")?;
            batch(users.len(), move || {
                let external_ids = store.external_ids(&users);
                Ok(external_ids.into_iter().zip(users).map(|(id, user)| id.map(|id| known_as((user, id)))).collect())
            })
            .await?
        }
        None => return Err(Error::invalid("ids", "must be given")),
    };
    let resolved: Vec<Option<Resolved>> = resolved;
    Ok(ResolveResponse { resolved: resolved.into_iter().map(Option::unwrap_or_default).collect() })
}

fn all_different(external_ids: Vec<u64>) -> Result<Vec<u64>, Error> {
    at_most(external_ids.len(), limits::ALLOCATE_MAX, "external_ids")?;
    let mut seen = FxHashSet::default();
    match external_ids.iter().position(|id| !seen.insert(*id)) {
        Some(place) => Err(Error::invalid(format!("external_ids[{place}]"), "came before")),
        None => Ok(external_ids),
    }
}
