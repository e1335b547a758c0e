//! Counts requests and their time, by the route that the router found and not by the path, which has no end of values.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Method, StatusCode};
use metrics::{Counter, Histogram};
use parking_lot::RwLock;

use crate::metrics::{REQUEST_DURATION, REQUESTS};

/// The label of what matches no route.
const NO_ROUTE: &str = "none";

/// What is counted, by route and then by method and status: to look a metric up by its labels costs more than to count.
#[derive(Default)]
pub(crate) struct Meters(RwLock<HashMap<String, OfRoute>>);

type OfRoute = HashMap<(&'static str, u16), Meter>;

#[derive(Clone)]
struct Meter {
    requests: Counter,
    duration: Histogram,
}

impl Meters {
    fn count(&self, method: &'static str, route: &str, status: StatusCode, elapsed: Duration) {
        let key = (method, status.as_u16());
        let known = self.0.read().get(route).and_then(|meters| meters.get(&key).cloned());
        let Meter { requests, duration } = known.unwrap_or_else(|| {
            let meter = Meter::new(method, route, status);
            self.0.write().entry(route.to_owned()).or_default().insert(key, meter.clone());
            meter
        });
        requests.increment(1);
        duration.record(elapsed.as_secs_f64());
    }
}

impl Meter {
    fn new(method: &'static str, route: &str, status: StatusCode) -> Self {
        let (route, status) = (route.to_owned(), status.as_str().to_owned());
        Meter {
            requests: metrics::counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status),
            duration: metrics::histogram!(REQUEST_DURATION, "method" => method, "route" => route),
        }
    }
}

pub(crate) async fn measure(State(meters): State<Arc<Meters>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let elapsed = start.elapsed();
    let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let status = response.status();
    tracing::debug!(method, route, status = status.as_u16(), elapsed_us = elapsed.as_micros() as u64, "answered");
    meters.count(method, route, status, elapsed);
    response
}

/// Anybody can invent a method; only these are labels.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invented_method_is_no_label_of_its_own() {
        assert_eq!(method_label(&Method::PATCH), "PATCH");
        assert_eq!(method_label(&Method::from_bytes(b"BREW").expect("a token")), "other");
    }
}
