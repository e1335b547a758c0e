//! The door: `roost.analytics.v1.Analytics`, over gRPC, wherever a graph is served.
//!
//! A job works on a snapshot, so that it sees one revision while writes go on. It runs on threads of its own that give way to
//! everybody else, which is about processors alone: it also uses the memory's bandwidth and the page cache, so that unless
//! the caller says otherwise it takes half of the cores. There is one job at a time, within a bound on memory that is the
//! server's; it ends when its caller goes away or the server stops.
//!
//! - `running`: one job, from its request to its last row.
//! - `rows`: what it found, in messages of bounded size.

mod rows;
mod running;

use std::path::PathBuf;
use std::sync::Arc;

use base::disk::Disk;
use base::{Error, limits};
use futures::stream::BoxStream;
use graph_store::Store;
use proto::analytics::analytics_server::{Analytics, AnalyticsServer};
use proto::analytics::{PublishedRequest, PublishedResponse, RunRequest, RunResponse};
use proto::auth::Guard;
use proto::status::to_status;
use tokio::sync::{Semaphore, watch};
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Response, Status};

pub use running::{RESULTS_MAX, ROWS_PATIENCE};

/// What a server lets jobs have.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bytes that the arrays of a job may take, whatever is asked for.
    pub memory_bytes: u64,
    /// Where jobs keep what they have so far.
    pub checkpoints: PathBuf,
    /// The disk of that folder.
    pub disk: Arc<dyn Disk>,
}

/// Jobs on the graph of one store. Clones are the same.
#[derive(Clone, Debug)]
pub struct AnalyticsService(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    settings: Settings,
    /// One permit: two jobs would only slow one another, and take twice the memory.
    turn: Arc<Semaphore>,
    /// One permit for each result that may be in memory.
    results: Arc<Semaphore>,
    /// Whether jobs are to end.
    stopping: watch::Sender<bool>,
}

impl AnalyticsService {
    /// The jobs of a store.
    pub fn new(store: Store, settings: Settings) -> Self {
        let (turn, results) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(RESULTS_MAX)));
        AnalyticsService(Arc::new(Inner { store, settings, turn, results, stopping: watch::Sender::new(false) }))
    }

    /// Ends the job that runs and every stream, now and from now on: they would keep a server that drains from stopping.
    pub fn end_jobs(&self) {
        self.0.stopping.send_replace(true);
    }

    /// The service for a server, behind the guard.
    pub fn server(self, guard: Guard) -> InterceptedService<AnalyticsServer<Self>, Guard> {
        let server = AnalyticsServer::new(self).max_decoding_message_size(limits::GRPC_MESSAGE_MAX_BYTES);
        InterceptedService::new(server.max_encoding_message_size(limits::GRPC_MESSAGE_MAX_BYTES), guard)
    }
}

#[tonic::async_trait]
impl Analytics for AnalyticsService {
    type RunStream = BoxStream<'static, Result<RunResponse, Status>>;

    async fn run(&self, request: Request<RunRequest>) -> Result<Response<Self::RunStream>, Status> {
        match running::begin(&self.0, request.into_inner()) {
            Ok(stream) => Ok(Response::new(stream)),
            Err(error) => Err(refuse(&error)),
        }
    }

    async fn published(&self, _: Request<PublishedRequest>) -> Result<Response<PublishedResponse>, Status> {
        let runs = self.0.store.published().runs().map(Into::into).collect();
        Ok(Response::new(PublishedResponse { runs }))
    }
}

/// What the caller gets: an error of ours is logged here.
fn refuse(error: &Error) -> Status {
    error.log("begin a job");
    to_status(error)
}
