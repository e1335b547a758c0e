//! Edges and named sets changed.

use base::{Error, limits};
use proto::convert::{self, at_most};
use proto::graph;
use proto::graph::{ApplyRequest, ApplyResponse, UpdateSetRequest, UpdateSetResponse};

use super::checks;
use crate::log::Operation;
use crate::store::{Change, Outcome, Store};

/// How far the time of a change may lie in the future: clocks differ, days do not.
const AHEAD_MAX_SECONDS: u32 = 24 * 60 * 60;

pub(super) async fn apply(store: &Store, request: ApplyRequest) -> Result<ApplyResponse, Error> {
    if request.changes.is_empty() {
        return Err(Error::invalid("changes", "at least one"));
    }
    at_most(request.changes.len(), limits::CHANGES_MAX, "changes")?;
    let (users, now) = (store.users(), store.now_seconds());
    let mut changes = Vec::with_capacity(request.changes.len());
    for (i, wire) in request.changes.iter().enumerate() {
        changes.push(change(wire, users, now, |part| format!("changes[{i}].{part}"))?);
    }
    let applied = store.apply(changes).await?;
    let outcomes = applied.outcomes.into_iter().map(|outcome| wire_outcome(outcome) as i32).collect();
    Ok(ApplyResponse { revision: Some(applied.revision.into()), outcomes })
}

pub(super) async fn update_set(store: &Store, request: UpdateSetRequest) -> Result<UpdateSetResponse, Error> {
    let UpdateSetRequest { name, add, remove } = request;
    let name = checks::name(name, "name")?;
    let users = store.users();
    for (ids, field) in [(&add, "add"), (&remove, "remove")] {
        at_most(ids.len(), limits::CALLER_SET_MAX, field)?;
        checks::all_known(ids, users, field)?;
    }
    let revision = store.update_set(name.clone(), remove, add).await?;
    // Version and size belong together, and somebody else may have changed the set since.
    let set = store.named_set(&name);
    let (version, count) = set.map_or((revision, 0), |set| (set.version, set.members.bitmap().len()));
    Ok(UpdateSetResponse { revision: Some(version.into()), count })
}

fn change(wire: &graph::Change, users: u32, now: u32, field: impl Fn(&str) -> String) -> Result<Change, Error> {
    let relation = convert::relation(wire.relation, &field("relation"))?;
    let operation = match graph::Operation::try_from(wire.operation) {
        Ok(graph::Operation::Add) => Operation::Add,
        Ok(graph::Operation::Remove) => Operation::Remove,
        Ok(graph::Operation::Unspecified) | Err(_) => {
            return Err(Error::invalid(field("operation"), "no such operation"));
        }
    };
    let source = checks::known(wire.source, users, || field("source"))?;
    let target = checks::known(wire.target, users, || field("target"))?;
    if source == target {
        return Err(Error::invalid(field("target"), "must be somebody else"));
    }
    if wire.time > now.saturating_add(AHEAD_MAX_SECONDS) {
        return Err(Error::invalid(field("time"), "more than a day in the future"));
    }
    let time = if wire.time == 0 { now } else { wire.time };
    Ok(Change { relation, operation, source, target, time })
}

fn wire_outcome(outcome: Outcome) -> graph::Outcome {
    match outcome {
        Outcome::Changed => graph::Outcome::Changed,
        Outcome::Unchanged => graph::Outcome::Unchanged,
        Outcome::Blocked => graph::Outcome::Blocked,
    }
}
