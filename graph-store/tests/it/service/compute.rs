//! What computes ends with its caller's time, whichever way it was called.

use std::sync::Arc;
use std::time::Duration;

use base::{Code, limits};
use proto::graph;
use proto::graph::graph_store_server::GraphStore;
use proto::graph::select_request::Output;
use proto::link::GraphLink;
use tonic::{Request, Status};

use super::{apply, failure, follow, followees, followers, with_users};

fn selection() -> graph::SelectRequest {
    let list = |list| graph::Expression { node: list_node(list) };
    let operands = vec![list(followees(0)), list(followers(1))];
    let combination = graph::Combination { combine: graph::Combine::Intersection as i32, operands };
    let node = graph::expression::Node::Combination(combination);
    graph::SelectRequest {
        expression: Some(graph::Expression { node: Some(node) }),
        output: Some(Output::Count(graph::CountOutput {})),
        at_least: None,
    }
}

fn list_node(list: Option<graph::ListRef>) -> Option<graph::expression::Node> {
    list.map(graph::expression::Node::List)
}

fn acquaintances() -> graph::FollowersYouKnowRequest {
    graph::FollowersYouKnowRequest { user: 0, candidates: vec![1, 2], limit: 1, at_least: None }
}

fn suggestions() -> graph::SuggestRequest {
    graph::SuggestRequest { user: 0, limit: 1, at_least: None }
}

fn path() -> graph::PathRequest {
    graph::PathRequest { from: 0, to: 2, max_depth: 3, at_least: None }
}

/// What each of the calls fails with.
macro_rules! all_failures {
    ($service:ident, $sent:expr) => {{
        let sent = $sent;
        [
            failed($service.select(sent.with(selection())).await),
            failed($service.followers_you_know(sent.with(acquaintances())).await),
            failed($service.suggest(sent.with(suggestions())).await),
            failed($service.path(sent.with(path())).await),
        ]
    }};
}

/// A request's `grpc-timeout`.
struct Sent(&'static str);

impl Sent {
    fn with<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert(proto::deadline::GRPC_TIMEOUT, self.0.parse().expect("visible"));
        request
    }
}

fn failed<T>(result: Result<T, Status>) -> (Code, Option<String>, String) {
    let error = proto::status::from_status(&result.err().expect("something is wrong"));
    (error.code(), error.field().map(str::to_owned), error.message().to_owned())
}

#[tokio::test]
async fn a_deadline_that_has_passed_is_told_with_its_name() {
    let service = with_users(4).await;
    apply(&service, vec![follow(0, 1), follow(1, 2)]).await;
    for failed in all_failures!(service, Sent("0m")) {
        let message = "not done within grpc-timeout of 0 ms".to_owned();
        assert_eq!(failed, (Code::DeadlineExceeded, None, message));
    }
}

#[tokio::test]
async fn a_deadline_that_is_none_is_refused() {
    let service = with_users(4).await;
    for (code, field, _) in all_failures!(service, Sent("soon")) {
        assert_eq!((code, field.as_deref()), (Code::InvalidArgument, Some("grpc-timeout")));
    }
}

#[tokio::test]
async fn a_revision_is_not_waited_for_beyond_the_deadline() {
    let service = with_users(4).await;
    let never = Some(base::Revision(1 << 40).into());
    let request = Sent("20m").with(graph::PathRequest { at_least: never, ..path() });
    let message = "not done within grpc-timeout of 20 ms".to_owned();
    assert_eq!(failed(service.path(request).await), (Code::DeadlineExceeded, None, message));
}

#[tokio::test]
async fn a_link_in_the_process_answers_and_refuses_as_the_service_does() {
    let service = with_users(4).await;
    apply(&service, vec![follow(0, 1), follow(1, 2)]).await;
    let link = GraphLink::Local(Arc::new(service.clone()));
    let answers = |result: Result<tonic::Response<graph::PathResponse>, Status>| result.expect("found").into_inner();
    assert_eq!(link.path(path()).await.expect("found"), answers(service.path(Request::new(path())).await));
    let known = link.followers_you_know(acquaintances()).await.expect("found").candidates;
    assert_eq!(known.iter().map(|known| known.count).collect::<Vec<_>>(), [0, 1]);
    let too_many =
        graph::FollowersYouKnowRequest { candidates: vec![1; limits::KNOWN_CANDIDATES_MAX + 1], ..acquaintances() };
    let error = link.followers_you_know(too_many.clone()).await.expect_err("too many");
    let refused = failure(service.followers_you_know(Request::new(too_many)).await);
    assert_eq!((error.code(), error.field().unwrap_or_default().to_owned()), refused);
}

#[test]
fn our_own_deadline_is_over_before_a_caller_gives_up() {
    assert!(limits::QUERY_DEADLINE + Duration::from_millis(500) <= limits::CALL_DEADLINE);
}
