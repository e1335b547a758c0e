//! `roost.analytics.v1.Analytics` behind an address.

use base::{Error, limits};
use futures::stream::BoxStream;
use tonic::transport::Uri;

use super::opened;
use crate::analytics::analytics_client::AnalyticsClient;
use crate::analytics::{PublishedRequest, PublishedResponse, RunRequest, RunResponse};
use crate::auth::ServiceToken;
use crate::link::{Signed, channel, timed};
use crate::status::from_status;

/// Jobs over the graph behind an address: connects at the first call, and again whenever the connection was lost.
#[derive(Clone, Debug)]
pub struct AnalyticsLink(AnalyticsClient<Signed>);

impl AnalyticsLink {
    /// The jobs of the store behind an address.
    pub fn connect(address: Uri, token: ServiceToken) -> Self {
        let client = AnalyticsClient::with_interceptor(channel(address), token);
        AnalyticsLink(client.max_decoding_message_size(limits::GRPC_MESSAGE_MAX_BYTES))
    }

    /// Runs a job, for as long as the stream is held. Only the opening of the stream has a deadline.
    pub async fn run(&self, request: RunRequest) -> Result<BoxStream<'static, Result<RunResponse, Error>>, Error> {
        opened(self.0.clone().run(request)).await
    }

    /// The runs whose results the service answers from.
    pub async fn published(&self) -> Result<PublishedResponse, Error> {
        let answer = self.0.clone().published(timed(PublishedRequest {})).await;
        answer.map(tonic::Response::into_inner).map_err(|status| from_status(&status))
    }
}
