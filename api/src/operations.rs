//! Health and metrics, for roles that serve nothing else over HTTP, and what surrounds every answer of ours.

use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base::telemetry::PrometheusHandle;
use http::header::CONTENT_TYPE;
use serde::Serialize;

use crate::json::Json;
use crate::middleware;

/// The version of Prometheus' text format that the recorder writes.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How long a request may take: nothing here waits for anybody.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The body of `/healthz`.
#[derive(Serialize)]
pub(crate) struct Health {
    status: &'static str,
}

/// `GET /healthz` and `GET /metrics`.
pub fn router(metrics: PrometheusHandle) -> Router {
    around(Router::new().route("/healthz", get(health)).route("/metrics", get(async move || render(&metrics))))
}

/// Routes of others, surrounded by what surrounds all of ours: benchmarks compare with an answer that is always the same.
pub fn around(routes: Router) -> Router {
    middleware::around(routes, REQUEST_TIMEOUT)
}

/// `GET /healthz`: the process runs. Whoever needs to know whether it can serve asks `/readyz`.
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// What the recorder has counted, as Prometheus reads it.
pub(crate) fn render(metrics: &PrometheusHandle) -> Response {
    // Histograms gather their samples until somebody folds them.
    metrics.run_upkeep();
    ([(CONTENT_TYPE, PROMETHEUS_TEXT)], metrics.render()).into_response()
}
