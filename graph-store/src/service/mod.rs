//! The store's doors: `roost.graph.v1.GraphStore` and `GraphAdmin`, over gRPC or as plain calls.
//!
//! A handler checks what it was sent, asks the store, and answers; it decides nothing. Every read first waits for the
//! revision that it was asked to be at least as new as. What costs more than some tens of microseconds runs on the
//! runtime's threads for blocking work, so that short calls never wait behind long ones.
//!
//! - `ids`: users given out, external ids resolved.
//! - `changes`: edges and named sets changed.
//! - `reads`: relationships, memberships, counts, versions, published ranks, and lists in pages.
//! - `select`: set algebra.
//! - `discover`: acquaintances, suggestions and paths.
//! - `compute`: how these run, within their caller's deadline and ours.
//! - `watch`: the change stream.
//! - `backups`: the store copied while it serves.
//! - `snapshots`: the whole graph at one revision.
//! - `admin`: for those who run the store.
//! - `checks`: what several of them refuse.
//! - `lists`: the store, as queries see it.

mod admin;
mod backups;
mod changes;
mod checks;
mod compute;
mod discover;
pub(crate) mod fuzz;
mod ids;
mod lists;
mod reads;
mod select;
mod snapshots;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use base::{Error, limits};
use futures::stream::BoxStream;
use proto::graph::graph_store_server::GraphStore;
use proto::graph::{
    AllocateUsersRequest, AllocateUsersResponse, ApplyRequest, ApplyResponse, ContainsRequest, ContainsResponse,
    CountRequest, CountResponse, FollowersYouKnowRequest, FollowersYouKnowResponse, ListRequest, ListResponse,
    PathRequest, PathResponse, RanksRequest, RanksResponse, RelateRequest, RelateResponse, ResolveRequest,
    ResolveResponse, SelectRequest, SelectResponse, SuggestRequest, SuggestResponse, UpdateSetRequest,
    UpdateSetResponse, VersionsRequest, VersionsResponse, WatchRequest, WatchResponse,
};
use tokio::sync::{Semaphore, watch as tokio_watch};
use tonic::{Request, Response, Status};

use self::snapshots::Snapshots;
use crate::store::Store;

pub use snapshots::{SNAPSHOT_IDLE, SNAPSHOTS_MAX};
pub use watch::WATCHES_MAX;

/// Items of a batch that are looked up where the call came in; more of them are blocking work. A lookup takes a tenth of
/// a microsecond, a change of threads ten.
const INLINE_MAX: usize = 128;

/// The services of one store. Clones are the same; streams end when the last one is dropped.
#[derive(Clone, Debug)]
pub struct GraphService(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    /// One permit for each query that may compute.
    queries: Arc<Semaphore>,
    /// One permit for each watch that may be open.
    watches: Arc<Semaphore>,
    snapshots: Snapshots,
    /// One permit: two backups would only slow one another.
    backups: Arc<Semaphore>,
    /// Whether streams are to end.
    stopping: tokio_watch::Sender<bool>,
}

impl GraphService {
    /// The services of a store.
    pub fn new(store: Store) -> Self {
        Self::with_snapshot_idle(store, SNAPSHOT_IDLE)
    }

    /// The same, with snapshots that nobody reads let go after so long, instead of [`SNAPSHOT_IDLE`].
    pub fn with_snapshot_idle(store: Store, idle: Duration) -> Self {
        let [queries, watches, backups] =
            [limits::QUERIES_AT_ONCE_MAX, WATCHES_MAX, 1].map(|permits| Arc::new(Semaphore::new(permits)));
        let (snapshots, stopping) = (Snapshots::new(idle), tokio_watch::Sender::new(false));
        GraphService(Arc::new(Inner { store, queries, watches, snapshots, backups, stopping }))
    }

    /// Ends every stream with `UNAVAILABLE`, now and from now on: they would keep a server that drains from stopping.
    pub fn end_streams(&self) {
        self.0.stopping.send_replace(true);
    }

    fn store(&self) -> &Store {
        &self.0.store
    }
}

#[tonic::async_trait]
impl GraphStore for GraphService {
    async fn allocate_users(
        &self,
        request: Request<AllocateUsersRequest>,
    ) -> Result<Response<AllocateUsersResponse>, Status> {
        answer("allocate users", ids::allocate(self.store(), request.into_inner()).await)
    }

    async fn resolve(&self, request: Request<ResolveRequest>) -> Result<Response<ResolveResponse>, Status> {
        answer("resolve ids", ids::resolve(self.store(), request.into_inner()).await)
    }

    async fn apply(&self, request: Request<ApplyRequest>) -> Result<Response<ApplyResponse>, Status> {
        answer("apply changes", changes::apply(self.store(), request.into_inner()).await)
    }

    async fn relate(&self, request: Request<RelateRequest>) -> Result<Response<RelateResponse>, Status> {
        answer("relate pairs", reads::relate(self.store(), request.into_inner()).await)
    }

    async fn contains(&self, request: Request<ContainsRequest>) -> Result<Response<ContainsResponse>, Status> {
        answer("look users up", reads::contains(self.store(), request.into_inner()).await)
    }

    async fn count(&self, request: Request<CountRequest>) -> Result<Response<CountResponse>, Status> {
        answer("count lists", reads::count(self.store(), request.into_inner()).await)
    }

    async fn versions(&self, request: Request<VersionsRequest>) -> Result<Response<VersionsResponse>, Status> {
        answer("tell versions", reads::versions(self.store(), request.into_inner()).await)
    }

    async fn list(&self, request: Request<ListRequest>) -> Result<Response<ListResponse>, Status> {
        answer("list", reads::list(self.store(), request.into_inner()).await)
    }

    async fn select(&self, request: Request<SelectRequest>) -> Result<Response<SelectResponse>, Status> {
        answer("select", select::select(&self.0, request).await)
    }

    async fn update_set(&self, request: Request<UpdateSetRequest>) -> Result<Response<UpdateSetResponse>, Status> {
        answer("update a set", changes::update_set(self.store(), request.into_inner()).await)
    }

    async fn followers_you_know(
        &self,
        request: Request<FollowersYouKnowRequest>,
    ) -> Result<Response<FollowersYouKnowResponse>, Status> {
        answer("find acquaintances", discover::followers_you_know(&self.0, request).await)
    }

    async fn suggest(&self, request: Request<SuggestRequest>) -> Result<Response<SuggestResponse>, Status> {
        answer("suggest", discover::suggest(&self.0, request).await)
    }

    async fn path(&self, request: Request<PathRequest>) -> Result<Response<PathResponse>, Status> {
        answer("find a path", discover::path(&self.0, request).await)
    }

    async fn ranks(&self, request: Request<RanksRequest>) -> Result<Response<RanksResponse>, Status> {
        answer("tell ranks", reads::ranks(self.store(), request.into_inner()).await)
    }

    type WatchStream = BoxStream<'static, Result<WatchResponse, Status>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        answer("open a watch", watch::watch(&self.0, request.into_inner()).await)
    }
}

/// What the caller gets: an error of ours is logged here and nowhere else.
fn answer<T>(doing: &'static str, result: Result<T, Error>) -> Result<Response<T>, Status> {
    result.map(Response::new).map_err(|error| refuse(doing, &error))
}

fn refuse(doing: &'static str, error: &Error) -> Status {
    error.log(doing);
    proto::status::to_status(error)
}

/// Does work that may take long where it holds nobody up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

/// Does work on so many items, here or where it holds nobody up.
async fn batch<T: Send + 'static>(
    len: usize,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    if len <= INLINE_MAX { work() } else { blocking(work).await }
}
