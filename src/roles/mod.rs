//! The roles: which services a process runs, how it starts, and how it stops.
//!
//! Starting: ports, services in the order in which they need one another, servers, then the announcement. Stopping is the
//! reverse: no new connections, the requests under way within [`limits::DRAIN_DEADLINE`], then api, timelines, graph.
//! So a request that was acknowledged has reached its service before that service closes.

pub(crate) mod folders;
mod grpc;
mod http;
mod listeners;
pub(crate) mod services;
pub(crate) mod shutdown;

use std::path::Path;
use std::sync::Arc;

use base::clock::SystemClock;
use base::{limits, telemetry};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Role};
use grpc::GrpcServer;
use listeners::Listeners;
use services::Services;

/// Runs a role until a signal says stop.
pub(crate) async fn run(role: Role, config: &Config, ready_file: Option<&Path>) -> anyhow::Result<()> {
    let stopping = shutdown::on_signals()?;
    let listeners = Listeners::bind(role, config).await?;
    let metrics = telemetry::init_metrics()?;
    let services = Services::open(role, config, Arc::new(SystemClock), Some(metrics.clone())).await?;
    listeners.announce(ready_file)?;

    let mut servers = JoinSet::new();
    if let Some((listener, api)) = listeners.http.zip(services.api.as_ref()) {
        servers.spawn(http::serve(listener, api.router(), stopping.clone()));
    }
    if let Some(listener) = listeners.ops {
        servers.spawn(http::serve(listener, api::operations::router(metrics), stopping.clone()));
    }
    if let Some(listener) = listeners.grpc {
        let server = GrpcServer::new(&services, &config.service_token)?;
        servers.spawn(server.serve(listener, stopping.clone()));
    }
    let ended = until_ended(&mut servers, &stopping).await;
    servers.shutdown().await;
    services.close().await;
    ended.inspect(|()| tracing::info!("stopped"))
}

/// Waits until every server has ended because it was told to, or until the deadline for that has passed.
async fn until_ended(servers: &mut JoinSet<anyhow::Result<()>>, stopping: &CancellationToken) -> anyhow::Result<()> {
    let failed = tokio::select! {
        () = stopping.cancelled() => None,
        Some(ended) = servers.join_next() => Some(ended),
    };
    // A server that ends by itself takes the others with it.
    stopping.cancel();
    let drain = async {
        while let Some(ended) = servers.join_next().await {
            ended??;
        }
        Ok(())
    };
    let drained = tokio::time::timeout(limits::DRAIN_DEADLINE, drain).await.unwrap_or_else(|_| {
        tracing::warn!(deadline_s = limits::DRAIN_DEADLINE.as_secs(), "requests under way were cut off");
        Ok(())
    });
    match failed {
        Some(ended) => ended?.and(drained),
        None => drained,
    }
}
