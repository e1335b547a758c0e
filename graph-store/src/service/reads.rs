//! Relationships, memberships, counts, versions and published ranks in batches, and lists in pages.

use base::{Error, ListRef, Relation, UserId, limits};
use proto::convert::{at_most, page_limit};
use proto::graph;
use proto::graph::{
    ContainsRequest, ContainsResponse, CountRequest, CountResponse, ListRequest, ListResponse, Order, RanksRequest,
    RanksResponse, RelateRequest, RelateResponse, Relationship, VersionsRequest, VersionsResponse,
};

use super::{batch, blocking, checks};
use crate::store::{ListView, Store, StoreError};

pub(super) async fn relate(store: &Store, request: RelateRequest) -> Result<RelateResponse, Error> {
    at_most(request.pairs.len(), limits::BATCH_MAX, "pairs")?;
    checks::at_least(store, request.at_least.as_ref()).await?;
    let users = store.users();
    let mut pairs = Vec::with_capacity(request.pairs.len());
    for (i, pair) in request.pairs.iter().enumerate() {
        let source = checks::known(pair.source, users, || format!("pairs[{i}].source"))?;
        let target = checks::known(pair.target, users, || format!("pairs[{i}].target"))?;
        pairs.push((source, target));
    }
    let store = store.clone();
    batch(pairs.len(), move || {
        let related = pairs.into_iter().map(|(source, target)| relationship(&store, source, target));
        Ok(RelateResponse { relationships: related.collect::<Result<_, _>>()? })
    })
    .await
}

pub(super) async fn contains(store: &Store, request: ContainsRequest) -> Result<ContainsResponse, Error> {
    at_most(request.users.len(), limits::BATCH_MAX, "users")?;
    checks::at_least(store, request.at_least.as_ref()).await?;
    let list = checks::known_list(request.list.as_ref(), store.users(), "list")?;
    let users = checks::all_known(&request.users, store.users(), "users")?;
    let store = store.clone();
    batch(users.len(), move || Ok(ContainsResponse { contained: store.contains_each(list, &users)? })).await
}

pub(super) async fn count(store: &Store, request: CountRequest) -> Result<CountResponse, Error> {
    at_most(request.lists.len(), limits::BATCH_MAX, "lists")?;
    checks::at_least(store, request.at_least.as_ref()).await?;
    let lists = known_lists(&request.lists, store.users())?;
    let store = store.clone();
    batch(lists.len(), move || {
        Ok(CountResponse { counts: lists.into_iter().map(|list| store.count(list)).collect::<Result<_, _>>()? })
    })
    .await
}

pub(super) async fn versions(store: &Store, request: VersionsRequest) -> Result<VersionsResponse, Error> {
    at_most(request.lists.len(), limits::BATCH_MAX, "lists")?;
    checks::at_least(store, request.at_least.as_ref()).await?;
    let lists = known_lists(&request.lists, store.users())?;
    let store = store.clone();
    batch(lists.len(), move || {
        let versions = lists.into_iter().map(|list| store.version(list).map(Into::into));
        Ok(VersionsResponse { versions: versions.collect::<Result<_, _>>()? })
    })
    .await
}

pub(super) async fn ranks(store: &Store, request: RanksRequest) -> Result<RanksResponse, Error> {
    at_most(request.users.len(), limits::BATCH_MAX, "users")?;
    let users = checks::all_known(&request.users, store.users(), "users")?;
    let Some(ranks) = store.published().ranks else { return Ok(RanksResponse::default()) };
    batch(users.len(), move || {
        let run = Some(ranks.run().into());
        Ok(RanksResponse { run, ranks: users.into_iter().map(|user| ranks.of(user)).collect() })
    })
    .await
}

pub(super) async fn list(store: &Store, request: ListRequest) -> Result<ListResponse, Error> {
    checks::at_least(store, request.at_least.as_ref()).await?;
    let list = checks::known_list(request.list.as_ref(), store.users(), "list")?;
    let turn = match Order::try_from(request.order) {
        Ok(Order::Unspecified | Order::ById) => ListView::by_id,
        Ok(Order::NewestFirst) => ListView::newest_first,
        Err(_) => return Err(Error::invalid("order", "no such order")),
    };
    let asked = request.page.unwrap_or_default();
    let limit = page_limit(asked.limit, "page")?;
    let store = store.clone();
    let page = blocking(move || turn(&store.view(list), &asked.cursor, limit)).await?;
    let edges = page.entries.into_iter().map(|edge| graph::Edge { user: edge.user.0, time: edge.time }).collect();
    Ok(ListResponse { edges, next_cursor: page.next_cursor, prev_cursor: page.prev_cursor })
}

/// How the source stands to the target: all six flags.
fn relationship(store: &Store, source: UserId, target: UserId) -> Result<Relationship, StoreError> {
    let is = |relation, source, target| store.contains(ListRef::forward(relation, source), target);
    Ok(Relationship {
        following: is(Relation::Follow, source, target)?,
        followed_by: is(Relation::Follow, target, source)?,
        blocking: is(Relation::Block, source, target)?,
        blocked_by: is(Relation::Block, target, source)?,
        muting: is(Relation::Mute, source, target)?,
        muted_by: is(Relation::Mute, target, source)?,
    })
}

fn known_lists(lists: &[graph::ListRef], users: u32) -> Result<Vec<ListRef>, Error> {
    // A name is made for a list that is refused alone.
    let known = |(i, list)| {
        let known = checks::known_list(Some(list), users, "lists");
        known.or_else(|_| checks::known_list(Some(list), users, &format!("lists[{i}]")))
    };
    lists.iter().enumerate().map(known).collect()
}
