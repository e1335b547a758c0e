//! Health, readiness and metrics.

use api::Settings;
use axum::body::Body;
use base::telemetry::init_metrics;
use http::Request;
use tower::ServiceExt;

use crate::support::{Fault, Reply, World};

#[tokio::test]
async fn healthy_is_whoever_answers_and_ready_whoever_can_serve() {
    let world = World::new().await;
    assert_eq!(world.get("/healthz").send().await.expect(200)["status"], "ok");
    assert_eq!(world.get("/readyz").send().await.expect(200)["status"], "ready");
    let unready = async || {
        let reply = world.get("/readyz").send().await;
        assert_eq!(reply.header("retry-after"), Some("1"));
        let (code, parts) = reply.problem(503);
        assert_eq!(code, "UNAVAILABLE");
        parts
    };
    world.graph.faults.set(Fault::Down);
    assert_eq!(unready().await, ["graph-store"]);
    world.timeline.faults.set(Fault::Hangs);
    assert_eq!(unready().await, ["graph-store", "timeline-service"]);
    assert_eq!(world.get("/healthz").send().await.expect(200)["status"], "ok");
    world.graph.faults.set(Fault::None);
    world.timeline.faults.set(Fault::None);
    world.api.close().await;
    assert_eq!(unready().await, ["accounts"]);
}

/// The recorder is the process's, so one test has all there is to say about it.
#[tokio::test]
async fn requests_are_counted_by_route() {
    let world = World::new().await;
    world.get("/metrics").send().await.is(404, "NOT_FOUND");
    let handle = init_metrics().expect("the first recorder of this process");
    let world = World::with(|settings| Settings { metrics: Some(handle.clone()), ..settings }).await;
    world.get("/api/users/somebody_nobody_else_asks_for").send().await.is(404, "NOT_FOUND");
    world.get("/nothing/of/the/kind").send().await.is(404, "NOT_FOUND");
    let reply = world.get("/metrics").send().await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let has = |parts: &[&str]| reply.text.lines().any(|line| parts.iter().all(|part| line.contains(part)));
    let route = r#"route="/api/users/{username}""#;
    assert!(has(&["roost_http_requests_total{", r#"method="GET""#, route, r#"status="404""#]), "{reply:?}");
    assert!(has(&["roost_http_request_duration_seconds_bucket{", route, r#"le="0.1""#]), "{reply:?}");
    assert!(has(&["roost_http_requests_total{", r#"route="none""#]), "{reply:?}");
    assert!(has(&["roost_http_problems_total{", r#"code="NOT_FOUND""#]), "{reply:?}");
    assert!(has(&["# HELP roost_http_requests_total"]), "{reply:?}");
    assert!(!reply.text.contains("somebody_nobody_else_asks_for"), "no label is a path");

    let operations = api::operations::router(handle);
    for (path, status) in [("/healthz", 200), ("/metrics", 200), ("/api/feed", 404)] {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let Ok(response) = operations.clone().oneshot(request).await;
        assert_eq!(Reply::read(response).await.status, status, "{path}");
    }
}
