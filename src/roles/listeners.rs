//! The ports of a process, taken before anything is opened, so that a port in use is known within a moment.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use base::disk::{RealDisk, replace_file};
use tokio::net::TcpListener;

use crate::config::{Config, Role};

/// The listening sockets of a role. Connections queue in them until somebody serves them.
#[derive(Debug)]
pub(super) struct Listeners {
    /// REST.
    pub(super) http: Option<TcpListener>,
    /// gRPC.
    pub(super) grpc: Option<TcpListener>,
    /// `/healthz` and `/metrics` of a role without REST.
    pub(super) ops: Option<TcpListener>,
}

impl Listeners {
    /// Takes the ports of a role.
    pub(super) async fn bind(role: Role, config: &Config) -> anyhow::Result<Self> {
        let rest = role == Role::Serve || role == Role::Api;
        Ok(Listeners {
            http: bind("http", rest.then_some(config.http)).await?,
            grpc: bind("grpc", role.listens_for_grpc().then_some(config.grpc)).await?,
            ops: bind("ops", if rest { None } else { config.ops }).await?,
        })
    }

    /// Says where the process listens: in the log and, where one is named, in a file.
    pub(super) fn announce(&self, ready_file: Option<&Path>) -> anyhow::Result<()> {
        let mut addresses = serde_json::Map::new();
        for (name, listener) in [("http", &self.http), ("grpc", &self.grpc), ("ops", &self.ops)] {
            if let Some(listener) = listener {
                let address = listener.local_addr()?.to_string();
                tracing::info!(name, address, "listening");
                addresses.insert(name.to_owned(), address.into());
            }
        }
        if let Some(path) = ready_file {
            let text = serde_json::Value::from(addresses).to_string();
            let whole = std::path::absolute(path)?;
            replace_file(&RealDisk, &whole, text.as_bytes()).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }
}

async fn bind(name: &'static str, address: Option<SocketAddr>) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address} ({name})"))?;
    Ok(Some(listener))
}
