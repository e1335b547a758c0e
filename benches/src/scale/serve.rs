//! The store as a service: what a call over gRPC costs beside one that does nothing.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Map, Value};

use super::Scale;
use crate::grpc;

/// Seconds of each kind of call, for ten million users.
const SECONDS: usize = 8;

pub(super) fn serve(scale: &Scale) -> Result<Map<String, Value>> {
    let store = scale.open_warm()?;
    let time = Duration::from_secs(scale.scaled(SECONDS, 1).min(SECONDS) as u64);
    let measured = grpc::measure(&store, time)?;
    store.close();
    match serde_json::to_value(measured)? {
        Value::Object(figures) => Ok(figures),
        other => anyhow::bail!("not an object: {other}"),
    }
}
