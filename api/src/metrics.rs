//! The names of this service's metrics. Labels are from closed sets: a method, a route as the router has it, a status.

use metrics::{Unit, counter, describe_counter, describe_histogram};

/// Requests answered. Labels: `method`, `route`, `status`.
pub(crate) const REQUESTS: &str = "roost_http_requests_total";
/// From the first byte of the head to the head of the answer. Labels: `method`, `route`.
pub(crate) const REQUEST_DURATION: &str = "roost_http_request_duration_seconds";
/// Requests answered with a problem. Labels: `code`, as in the problem.
pub(crate) const PROBLEMS: &str = "roost_http_problems_total";

/// First pages of home feeds. Label: `answer`, `kept` or `made`.
const FEEDS: &str = "roost_http_feeds_total";

/// The first page of a home feed is answered.
pub(crate) fn feed(answer: &'static str) {
    counter!(FEEDS, "answer" => answer).increment(1);
}

/// Tells the recorder what they mean.
pub(crate) fn describe() {
    describe_counter!(REQUESTS, Unit::Count, "Requests answered, by method, route and status.");
    describe_histogram!(REQUEST_DURATION, Unit::Seconds, "Time to answer a request, by method and route.");
    describe_counter!(FEEDS, Unit::Count, "First pages of home feeds, by whether they were kept or made.");
    describe_counter!(PROBLEMS, Unit::Count, "Requests answered with a problem, by its code.");
}
