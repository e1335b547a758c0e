//! The store as a service: what a call over gRPC costs beside one that does nothing.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Map, Value};

use super::{Scale, figures};
use crate::grpc;

/// Seconds of each kind of call, for ten million users.
const SECONDS: usize = 8;

pub(super) fn serve(scale: &Scale) -> Result<Map<String, Value>> {
    let store = scale.open()?;
    // Every list is looked at once, so that nothing is asked of the disk.
    let stats = store.stats()?;
    let time = Duration::from_secs(scale.scaled(SECONDS, 1).min(SECONDS) as u64);
    let measured = grpc::measure(&store, time)?;
    store.close();
    let mut report = figures([("grpc_edges", stats.edges.into())]);
    if let Value::Object(measured) = serde_json::to_value(measured)? {
        report.extend(measured);
    }
    Ok(report)
}
