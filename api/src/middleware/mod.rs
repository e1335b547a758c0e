//! What surrounds every request. From the outside in:
//!
//! 1. `request_id`: gives the request an id, in the answer and in the log.
//! 2. `measure`: counts the request and its time.
//! 3. `keep`: says who may keep the answer.
//! 4. `problems`: writes out the problem where the answer is one, the framework's own too.
//! 5. `limits`: an end to the time that a request may take, writes that are finished all the same, and an end to the reach of a panic.

mod keep;
mod limits;
mod measure;
mod problems;
mod request_id;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tower_http::catch_panic::CatchPanicLayer;

use self::measure::Meters;

/// Puts everything around the routes. What is added last is outermost.
pub(crate) fn around(routes: Router, request_timeout: Duration) -> Router {
    routes
        .layer(CatchPanicLayer::custom(limits::panicked))
        .layer(from_fn_with_state(request_timeout, limits::finish))
        .layer(from_fn_with_state(request_timeout, limits::end_in_time))
        .layer(from_fn(problems::write_out))
        .layer(from_fn(keep::by_caller_alone))
        .layer(from_fn_with_state(Arc::new(Meters::default()), measure::measure))
        .layer(from_fn(request_id::identify))
}
