//! The HTTP server: connections with deadlines and a limit, drained at the end.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Connections that are open at once; more wait in the listener's queue.
const CONNECTIONS_MAX: usize = 10_000;
/// How long a connection may be silent between requests, and how long the headers of one may take.
const HEADERS_DEADLINE: Duration = Duration::from_secs(30);
/// How long nothing is accepted after accepting failed, as it does without file descriptors: until some are closed.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is told to stop and the requests under way have been answered.
pub(super) async fn serve(listener: TcpListener, router: Router, stopping: CancellationToken) -> anyhow::Result<()> {
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEADERS_DEADLINE);
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let drain = GracefulShutdown::new();
    while let Some((stream, permit)) = next(&listener, &connections, &stopping).await {
        let service = TowerToHyperService::new(router.clone());
        let connection = drain.watch(server.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            let _permit = permit;
            if let Err(error) = connection.await {
                tracing::debug!(error = base::error::chain(&error), "connection ended");
            }
        });
    }
    drop(listener);
    drain.shutdown().await;
    Ok(())
}

/// The next connection and its place among those that are open; none once it is time to stop.
async fn next(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    stopping: &CancellationToken,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    let accepted = async {
        let permit = connections.clone().acquire_owned().await.ok()?;
        loop {
            match listener.accept().await.and_then(|(stream, _)| stream.set_nodelay(true).map(|()| stream)) {
                Ok(stream) => return Some((stream, permit)),
                Err(error) => {
                    tracing::warn!(%error, "no connection accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = stopping.cancelled() => None,
        accepted = accepted => accepted,
    }
}
