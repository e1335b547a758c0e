//! A model of graph-store: a list of edges. It has what the api calls, and refuses the rest.

use std::sync::{Mutex, MutexGuard};

use base::cursor::{self, CursorKind};
use base::{Direction, Error, ListRef, Relation, Revision};
use futures::stream::BoxStream;
use proto::graph::graph_store_server::GraphStore;
use proto::graph::*;
use proto::status::to_status;
use proto::{common, convert};
use tonic::{Request, Response, Status};

use super::fault::Faults;

/// A model of graph-store.
#[derive(Debug, Default)]
pub(crate) struct ModelGraph {
    pub(crate) faults: Faults,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    users: u32,
    revision: u64,
    /// In the order in which they came about.
    edges: Vec<(Relation, u32, u32)>,
    /// Of users, from a run that was published.
    ranks: Option<Vec<(u32, f64)>>,
    asked_at_least: Option<common::Revision>,
}

impl State {
    fn has(&self, relation: Relation, source: u32, target: u32) -> bool {
        self.edges.contains(&(relation, source, target))
    }

    /// Newest first.
    fn list(&self, list: ListRef) -> Vec<u32> {
        let of = |&(relation, source, target): &(Relation, u32, u32)| {
            let (own, other) = match list.direction {
                Direction::Forward => (source, target),
                Direction::Reverse => (target, source),
            };
            (relation == list.relation && own == list.user.0).then_some(other)
        };
        self.edges.iter().rev().filter_map(of).collect()
    }

    fn apply(&mut self, relation: Relation, add: bool, source: u32, target: u32) -> Outcome {
        let pair = [(source, target), (target, source)];
        if relation == Relation::Follow && add && pair.iter().any(|(a, b)| self.has(Relation::Block, *a, *b)) {
            return Outcome::Blocked;
        }
        if self.has(relation, source, target) == add {
            return Outcome::Unchanged;
        }
        self.revision += 1;
        if add {
            self.edges.push((relation, source, target));
        } else {
            self.edges.retain(|edge| *edge != (relation, source, target));
        }
        if add && relation == Relation::Block {
            self.edges.retain(|(relation, a, b)| *relation != Relation::Follow || !pair.contains(&(*a, *b)));
        }
        Outcome::Changed
    }

    fn token(&self) -> Option<common::Revision> {
        Some(Revision(self.revision).into())
    }
}

impl ModelGraph {
    /// Gives out ids without a request, as an import does.
    pub(crate) fn allocate(&self, count: u32) -> Vec<u32> {
        let mut state = self.state();
        let first = state.users;
        state.users += count;
        (first..first + count).collect()
    }

    /// Adds a follow without a request, as an import does.
    pub(crate) fn follow(&self, source: u32, target: u32) {
        self.state().apply(Relation::Follow, true, source, target);
    }

    /// Publishes the ranks of some users; others have none.
    pub(crate) fn publish(&self, ranks: Vec<(u32, f64)>) {
        self.state().ranks = Some(ranks);
    }

    pub(crate) fn blocks(&self, source: u32, target: u32) -> bool {
        self.state().has(Relation::Block, source, target)
    }

    pub(crate) fn either_blocks(&self, one: u32, other: u32) -> bool {
        self.blocks(one, other) || self.blocks(other, one)
    }

    pub(crate) fn followees(&self, user: u32) -> Vec<u32> {
        self.state().list(ListRef::forward(Relation::Follow, base::UserId(user)))
    }

    /// The revision that the last read asked for.
    pub(crate) fn asked_at_least(&self) -> Option<String> {
        self.state().asked_at_least.clone().map(|revision| revision.token)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with it")
    }

    async fn read(
        &self,
        call: &'static str,
        at_least: Option<common::Revision>,
    ) -> Result<MutexGuard<'_, State>, Status> {
        self.faults.meet(call).await?;
        let mut state = self.state();
        state.asked_at_least = at_least;
        Ok(state)
    }
}

fn refused(error: Error) -> Status {
    to_status(&error)
}

fn never<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("the api has no need of this"))
}

#[async_trait::async_trait]
impl GraphStore for ModelGraph {
    async fn allocate_users(
        &self,
        request: Request<AllocateUsersRequest>,
    ) -> Result<Response<AllocateUsersResponse>, Status> {
        self.faults.meet("allocate_users").await?;
        let users = self.allocate(request.into_inner().count);
        let mut state = self.state();
        state.revision += 1;
        Ok(Response::new(AllocateUsersResponse { users, revision: state.token() }))
    }

    async fn apply(&self, request: Request<ApplyRequest>) -> Result<Response<ApplyResponse>, Status> {
        self.faults.meet("apply").await?;
        let mut state = self.state();
        let mut outcomes = Vec::new();
        for change in request.into_inner().changes {
            let relation = convert::relation(change.relation, "changes[0].relation").map_err(refused)?;
            let add = change.operation == Operation::Add as i32;
            outcomes.push(state.apply(relation, add, change.source, change.target) as i32);
        }
        Ok(Response::new(ApplyResponse { revision: state.token(), outcomes }))
    }

    async fn relate(&self, request: Request<RelateRequest>) -> Result<Response<RelateResponse>, Status> {
        let request = request.into_inner();
        let state = self.read("relate", request.at_least).await?;
        let relate = |Pair { source, target }| Relationship {
            following: state.has(Relation::Follow, source, target),
            followed_by: state.has(Relation::Follow, target, source),
            blocking: state.has(Relation::Block, source, target),
            blocked_by: state.has(Relation::Block, target, source),
            muting: state.has(Relation::Mute, source, target),
            muted_by: state.has(Relation::Mute, target, source),
        };
        Ok(Response::new(RelateResponse { relationships: request.pairs.into_iter().map(relate).collect() }))
    }

    async fn count(&self, request: Request<CountRequest>) -> Result<Response<CountResponse>, Status> {
        let request = request.into_inner();
        let state = self.read("count", request.at_least).await?;
        let count = |list: &ListRef| state.list(*list).len() as u64;
        let lists = request.lists.iter().map(|list| convert::list_ref(Some(list), "lists").map_err(refused));
        let lists = lists.collect::<Result<Vec<_>, _>>()?;
        Ok(Response::new(CountResponse { counts: lists.iter().map(count).collect() }))
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        let request = request.into_inner();
        let state = self.read("list", request.at_least).await?;
        let list = convert::list_ref(request.list.as_ref(), "list").map_err(refused)?;
        let page = request.page.unwrap_or_default();
        let limit = convert::page_limit(page.limit, "page").map_err(refused)?;
        let offset = match page.cursor.as_str() {
            "" => 0,
            cursor => {
                let decoded = cursor::decode::<1>(CursorKind::ListByTime, cursor);
                let [offset] = decoded.map_err(|bad| refused(Error::invalid("page.cursor", bad.to_string())))?;
                offset as usize
            }
        };
        let mut users = state.list(list);
        if request.order != Order::NewestFirst as i32 {
            users.sort_unstable();
        }
        let edges = users.iter().skip(offset).take(limit).map(|user| Edge { user: *user, time: 0 }).collect();
        let cursor = |offset: usize| cursor::encode(CursorKind::ListByTime, &[offset as u64]);
        let next_cursor = if offset + limit < users.len() { cursor(offset + limit) } else { String::new() };
        let prev_cursor = if offset > 0 { cursor(offset.saturating_sub(limit)) } else { String::new() };
        Ok(Response::new(ListResponse { edges, next_cursor, prev_cursor }))
    }

    async fn resolve(&self, _: Request<ResolveRequest>) -> Result<Response<ResolveResponse>, Status> {
        never()
    }

    async fn contains(&self, request: Request<ContainsRequest>) -> Result<Response<ContainsResponse>, Status> {
        let request = request.into_inner();
        let state = self.read("contains", request.at_least).await?;
        let list = state.list(convert::list_ref(request.list.as_ref(), "list").map_err(refused)?);
        let contained = request.users.iter().map(|user| list.contains(user)).collect();
        Ok(Response::new(ContainsResponse { contained }))
    }

    async fn versions(&self, _: Request<VersionsRequest>) -> Result<Response<VersionsResponse>, Status> {
        never()
    }

    /// A page of an intersection of lists, which is all that the api asks for.
    async fn select(&self, request: Request<SelectRequest>) -> Result<Response<SelectResponse>, Status> {
        let request = request.into_inner();
        let state = self.read("select", request.at_least).await?;
        let Some(expression::Node::Combination(known)) = request.expression.and_then(|known| known.node) else {
            return never();
        };
        assert_eq!(known.combine(), Combine::Intersection);
        let list = |operand: &Expression| match &operand.node {
            Some(expression::Node::List(list)) => state.list(convert::list_ref(Some(list), "list").expect("a list")),
            other => panic!("the api has no need of {other:?}"),
        };
        let lists: Vec<Vec<u32>> = known.operands.iter().map(list).collect();
        let mut users = lists[0].clone();
        users.retain(|user| lists.iter().all(|list| list.contains(user)));
        users.sort_unstable();
        let Some(select_request::Output::Page(page)) = request.output else { return never() };
        let offset = match page.cursor.as_str() {
            "" => 0,
            cursor => {
                let decoded = cursor::decode::<1>(CursorKind::Selection, cursor);
                let [offset] = decoded.map_err(|bad| refused(Error::invalid("page.cursor", bad.to_string())))?;
                offset as usize
            }
        };
        let end = offset + page.limit as usize;
        let cursor = |offset: usize| cursor::encode(CursorKind::Selection, &[offset as u64]);
        let page = UserPage {
            next_cursor: if end < users.len() { cursor(end) } else { String::new() },
            prev_cursor: if offset > 0 { cursor(offset.saturating_sub(page.limit as usize)) } else { String::new() },
            users: users.into_iter().skip(offset).take(page.limit as usize).collect(),
        };
        Ok(Response::new(SelectResponse { output: Some(select_response::Output::Page(page)) }))
    }

    async fn update_set(&self, _: Request<UpdateSetRequest>) -> Result<Response<UpdateSetResponse>, Status> {
        never()
    }

    async fn followers_you_know(
        &self,
        _: Request<FollowersYouKnowRequest>,
    ) -> Result<Response<FollowersYouKnowResponse>, Status> {
        never()
    }

    async fn path(&self, _: Request<PathRequest>) -> Result<Response<PathResponse>, Status> {
        never()
    }

    async fn ranks(&self, request: Request<RanksRequest>) -> Result<Response<RanksResponse>, Status> {
        self.faults.meet("ranks").await?;
        let state = self.state();
        let Some(published) = &state.ranks else { return Ok(Response::new(RanksResponse::default())) };
        let rank = |user| published.iter().find(|(ranked, _)| *ranked == user).map_or(0.0, |(_, rank)| *rank);
        let ranks = request.into_inner().users.into_iter().map(rank).collect();
        Ok(Response::new(RanksResponse { run: Some(PublishedRun::default()), ranks }))
    }

    /// Those whom one's followees follow, by id, with those of one's followees who do.
    async fn suggest(&self, request: Request<SuggestRequest>) -> Result<Response<SuggestResponse>, Status> {
        let SuggestRequest { user, limit, at_least } = request.into_inner();
        let state = self.read("suggest", at_least).await?;
        let followees = state.list(ListRef::forward(Relation::Follow, base::UserId(user)));
        let suggestion = |candidate: u32| {
            let follows = |followee: &&u32| state.has(Relation::Follow, **followee, candidate);
            let mutuals: Vec<u32> = followees.iter().filter(follows).copied().collect();
            let mutuals_count = mutuals.len() as u32;
            let reason = Reason::FollowedByFollowees as i32;
            let known = candidate == user || followees.contains(&candidate) || mutuals.is_empty();
            (!known).then_some(Suggestion { user: candidate, reason, mutuals, mutuals_count })
        };
        let suggestions = (0..state.users).filter_map(suggestion).take(limit as usize).collect();
        Ok(Response::new(SuggestResponse { suggestions }))
    }

    type WatchStream = BoxStream<'static, Result<WatchResponse, Status>>;

    async fn watch(&self, _: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        never()
    }
}
