//! A graph-store behind an address, for those who run it: `roost.graph.v1.GraphAdmin` for backups and for readers of the whole
//! graph, and jobs over it.

mod analytics;
mod snapshot;

use base::{Code, Error, limits};
use futures::stream::{BoxStream, StreamExt};
use tonic::transport::Uri;
use tonic::{Response, Status, Streaming};

use crate::auth::ServiceToken;
use crate::graph::graph_admin_client::GraphAdminClient;
use crate::graph::{BackupRequest, BackupResponse, SnapshotRequest, SnapshotResponse};
use crate::link::{Signed, channel};
use crate::status::from_status;

pub use analytics::AnalyticsLink;
pub use snapshot::{List, SnapshotItem, SnapshotReader};

/// A graph-store behind an address: connects at the first call, and again whenever the connection was lost.
#[derive(Clone, Debug)]
pub struct AdminLink(GraphAdminClient<Signed>);

impl AdminLink {
    /// The store behind an address.
    pub fn connect(address: Uri, token: ServiceToken) -> Self {
        let client = GraphAdminClient::with_interceptor(channel(address), token);
        AdminLink(client.max_decoding_message_size(limits::GRPC_MESSAGE_MAX_BYTES))
    }

    /// The whole graph at one revision. Only the opening of the stream has a deadline; [`SnapshotReader`] puts it together.
    pub async fn snapshot(
        &self,
        request: SnapshotRequest,
    ) -> Result<BoxStream<'static, Result<SnapshotResponse, Error>>, Error> {
        opened(self.0.clone().snapshot(request)).await
    }

    /// Backs the store up, and tells how far that is. Only the opening of the stream has a deadline.
    pub async fn backup(
        &self,
        request: BackupRequest,
    ) -> Result<BoxStream<'static, Result<BackupResponse, Error>>, Error> {
        opened(self.0.clone().backup(request)).await
    }
}

async fn opened<T: Send + 'static>(
    stream: impl Future<Output = Result<Response<Streaming<T>>, Status>>,
) -> Result<BoxStream<'static, Result<T, Error>>, Error> {
    match tokio::time::timeout(limits::CALL_DEADLINE, stream).await {
        Ok(Ok(stream)) => {
            let stream = stream.into_inner();
            Ok(stream.map(|item| item.map_err(|status| from_status(&status))).boxed())
        }
        Ok(Err(status)) => Err(from_status(&status)),
        Err(_) => Err(Error::new(Code::DeadlineExceeded, "a service took too long to answer")),
    }
}
