//! The graph store as `roost graph-store` serves it, over a store at hand.

use std::net::SocketAddr;

use graph_store::Store;
use graph_store::service::GraphService;
use proto::auth::ServiceToken;
use tokio::net::TcpListener;

/// Serves a store on a port of loopback that the system chooses, and tells which, until the runtime ends.
pub async fn serve(store: Store) -> anyhow::Result<(SocketAddr, impl Future<Output = anyhow::Result<()>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let service = proto::server::graph_store(GraphService::new(store), ServiceToken::none().guard());
    let server = proto::server::builder().add_service(service);
    let serving = async move { Ok(server.serve_with_incoming(proto::server::connections(listener)).await?) };
    Ok((address, serving))
}

/// A method of the graph store, as HTTP/2 names it.
pub fn path(method: &str) -> String {
    format!("/roost.graph.v1.GraphStore/{method}")
}
