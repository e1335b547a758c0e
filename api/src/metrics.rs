//! The names of this service's metrics. Labels are from closed sets: a method, a route as the router has it, a status.

use metrics::{Counter, Unit, counter, describe_counter, describe_histogram};

/// Requests answered. Labels: `method`, `route`, `status`.
pub(crate) const REQUESTS: &str = "roost_http_requests_total";
/// From the first byte of the head to the head of the answer. Labels: `method`, `route`.
pub(crate) const REQUEST_DURATION: &str = "roost_http_request_duration_seconds";
/// Requests answered with a problem. Labels: `code`, as in the problem.
pub(crate) const PROBLEMS: &str = "roost_http_problems_total";

/// First pages of home feeds. Label: `answer`, `kept` or `made`.
const FEEDS: &str = "roost_http_feeds_total";

/// How many were answered in one way. To look a counter up costs more than to count.
pub(crate) fn feeds(answer: &'static str) -> Counter {
    counter!(FEEDS, "answer" => answer)
}

/// Tells the recorder what they mean.
pub(crate) fn describe() {
    describe_counter!(REQUESTS, Unit::Count, "Requests answered, by method, route and status.");
    describe_histogram!(REQUEST_DURATION, Unit::Seconds, "Time to answer a request, by method and route.");
    describe_counter!(FEEDS, Unit::Count, "First pages of home feeds, by whether they were kept or made.");
    describe_counter!(PROBLEMS, Unit::Count, "Requests answered with a problem, by its code.");
}
