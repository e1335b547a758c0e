//! How every gRPC server of ours is set: what it refuses, how long it waits, what a call costs.

use std::io;
use std::time::Duration;

use base::limits;
use futures::stream::{Stream, TryStreamExt};
use tokio::net::{TcpListener, TcpStream};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use crate::auth::Guard;
use crate::coalesce::Coalesced;
use crate::graph::graph_store_server::{GraphStore, GraphStoreServer};

/// Header bytes of one request: ours has none but the token.
const HEADERS_MAX_BYTES: u32 = 16 << 10;
/// How long a connection may be silent before it is asked whether it is still there, and how long it has to answer.
pub(crate) const KEEPALIVE: Duration = Duration::from_secs(20);

/// A server without services.
pub fn builder() -> Server {
    Server::builder()
        .timeout(limits::CALL_DEADLINE)
        .concurrency_limit_per_connection(limits::GRPC_IN_FLIGHT_MAX)
        .load_shed(true)
        .http2_max_header_list_size(HEADERS_MAX_BYTES)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
}

/// The connections of a listener. A server's own settings of sockets are for those that it opens itself.
pub fn connections(listener: TcpListener) -> impl Stream<Item = io::Result<Coalesced<TcpStream>>> {
    TcpIncoming::from(listener).with_nodelay(Some(true)).with_keepalive(Some(KEEPALIVE)).map_ok(Coalesced::new)
}

/// The graph store as a service, behind the guard.
pub fn graph_store<S: GraphStore>(service: S, guard: Guard) -> InterceptedService<GraphStoreServer<S>, Guard> {
    let server = GraphStoreServer::new(service).max_decoding_message_size(limits::GRPC_MESSAGE_MAX_BYTES);
    InterceptedService::new(server.max_encoding_message_size(limits::GRPC_MESSAGE_MAX_BYTES), guard)
}
