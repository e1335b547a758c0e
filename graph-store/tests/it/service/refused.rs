//! What is wrong with a request is named by the path of its field.

use base::{Code, limits};
use proto::common::{PageRequest, Revision};
use proto::graph;
use proto::graph::expression::Node;
use proto::graph::graph_store_server::GraphStore;
use proto::graph::resolve_request::Ids;
use proto::graph::select_request::Output;
use tonic::Request;

use super::{any_list, failure, follow, followees, with_users};
use crate::support::NOW;

/// Sends each request and compares the field that is refused.
macro_rules! refused {
    ($service:ident.$call:ident: $($request:expr => $field:expr),+ $(,)?) => {
        $({
            let request = $request;
            let sent = format!("{:.200}", format!("{request:?}"));
            let failed = failure($service.$call(Request::new(request)).await);
            assert_eq!(failed, (Code::InvalidArgument, $field.to_owned()), "{sent}");
        })+
    };
}

const USERS: u32 = 4;

fn bad_revision() -> Option<Revision> {
    Some(Revision { token: "17".to_owned() })
}

#[tokio::test]
async fn of_ids() {
    let service = with_users(USERS).await;
    let none = graph::AllocateUsersRequest::default();
    let duplicate = vec![9, 8, 7, 6, 5, 8];
    refused!(service.allocate_users:
        none.clone() => "count",
        graph::AllocateUsersRequest { count: 1, external_ids: vec![1], ..none.clone() } => "count",
        graph::AllocateUsersRequest { count: limits::ALLOCATE_MAX as u32 + 1, ..none.clone() } => "count",
        graph::AllocateUsersRequest { external_ids: duplicate, ..none.clone() } => "external_ids[5]",
        graph::AllocateUsersRequest { external_ids: (0..=limits::ALLOCATE_MAX as u64).collect(), ..none.clone() }
            => "external_ids",
        graph::AllocateUsersRequest { count: 1, idempotency_key: "k".repeat(65), ..none } => "idempotency_key",
    );
    let resolve = |ids| graph::ResolveRequest { ids: Some(ids), at_least: None };
    let too_many = limits::BATCH_MAX + 1;
    refused!(service.resolve:
        graph::ResolveRequest::default() => "ids",
        graph::ResolveRequest { ids: None, at_least: bad_revision() } => "at_least",
        resolve(Ids::Users(graph::UserIds { ids: vec![0, USERS] })) => "users.ids[1]",
        resolve(Ids::Users(graph::UserIds { ids: vec![0; too_many] })) => "users.ids",
        resolve(Ids::ExternalIds(graph::ExternalIds { ids: vec![0; too_many] })) => "external_ids.ids",
    );
}

#[tokio::test]
async fn of_changes() {
    let service = with_users(USERS).await;
    let fourth =
        |change: graph::Change| graph::ApplyRequest { changes: vec![follow(0, 1), follow(0, 2), follow(0, 3), change] };
    let day = 24 * 60 * 60;
    refused!(service.apply:
        graph::ApplyRequest::default() => "changes",
        graph::ApplyRequest { changes: vec![follow(0, 1); limits::CHANGES_MAX + 1] } => "changes",
        fourth(graph::Change { relation: 0, ..follow(0, 1) }) => "changes[3].relation",
        fourth(graph::Change { relation: 4, ..follow(0, 1) }) => "changes[3].relation",
        fourth(graph::Change { operation: 0, ..follow(0, 1) }) => "changes[3].operation",
        fourth(graph::Change { operation: 3, ..follow(0, 1) }) => "changes[3].operation",
        fourth(follow(USERS, 1)) => "changes[3].source",
        fourth(follow(1, USERS)) => "changes[3].target",
        fourth(follow(1, 1)) => "changes[3].target",
        fourth(graph::Change { time: NOW + day + 1, ..follow(0, 1) }) => "changes[3].time",
    );
    // Nothing of a refused batch took effect, and a day ahead is none too many.
    let changes = vec![follow(0, 1), graph::Change { time: NOW + day, ..follow(1, 0) }];
    let (_, outcomes) = super::apply(&service, changes).await;
    assert_eq!(outcomes, [graph::Outcome::Changed; 2]);
}

#[tokio::test]
async fn of_named_sets() {
    let service = with_users(USERS).await;
    let update = |name: &str, add: Vec<u32>, remove: Vec<u32>| {
        let name = name.to_owned();
        graph::UpdateSetRequest { name, add, remove }
    };
    refused!(service.update_set:
        update("", vec![], vec![]) => "name",
        update("Active", vec![], vec![]) => "name",
        update("a b", vec![], vec![]) => "name",
        update(&"a".repeat(65), vec![], vec![]) => "name",
        update("active", vec![0, USERS], vec![]) => "add[1]",
        update("active", vec![], vec![USERS]) => "remove[0]",
        update("active", vec![0; limits::CALLER_SET_MAX + 1], vec![]) => "add",
        update("active", vec![], vec![0; limits::CALLER_SET_MAX + 1]) => "remove",
    );
    for number in 0..limits::NAMED_SETS_MAX {
        super::ok(service.update_set(Request::new(update(&format!("set-{number}_"), vec![], vec![]))).await);
    }
    refused!(service.update_set: update("one-more", vec![], vec![]) => "name");
}

#[tokio::test]
async fn of_batches() {
    let service = with_users(USERS).await;
    let pair = |source, target| graph::Pair { source, target };
    let relate = |pairs| graph::RelateRequest { pairs, at_least: None };
    let too_many = limits::BATCH_MAX + 1;
    refused!(service.relate:
        relate(vec![pair(0, 1), pair(0, 2), pair(0, USERS)]) => "pairs[2].target",
        relate(vec![pair(USERS, 0)]) => "pairs[0].source",
        relate(vec![pair(0, 1); too_many]) => "pairs",
        graph::RelateRequest { pairs: vec![], at_least: bad_revision() } => "at_least",
    );
    let contains = |list, users| graph::ContainsRequest { list, users, at_least: None };
    refused!(service.contains:
        contains(None, vec![]) => "list",
        contains(followees(USERS), vec![]) => "list.user",
        contains(any_list(0, 1, 0), vec![]) => "list.relation",
        contains(any_list(1, 3, 0), vec![]) => "list.direction",
        contains(followees(0), vec![0, USERS]) => "users[1]",
        contains(followees(0), vec![0; too_many]) => "users",
        graph::ContainsRequest { list: followees(0), users: vec![], at_least: bad_revision() } => "at_least",
    );
    let lists = |second| vec![followees(0).expect("a list"), second];
    let [unknown, unrelated] = [any_list(1, 1, USERS), any_list(7, 1, 0)].map(|list| lists(list.expect("a list")));
    let many = vec![followees(0).expect("a list"); too_many];
    let count = |lists| graph::CountRequest { lists, at_least: None };
    refused!(service.count:
        count(unknown.clone()) => "lists[1].user",
        count(unrelated.clone()) => "lists[1].relation",
        count(many.clone()) => "lists",
        graph::CountRequest { lists: vec![], at_least: bad_revision() } => "at_least",
    );
    let versions = |lists| graph::VersionsRequest { lists, at_least: None };
    refused!(service.versions:
        versions(unknown) => "lists[1].user",
        versions(unrelated) => "lists[1].relation",
        versions(many) => "lists",
        graph::VersionsRequest { lists: vec![], at_least: bad_revision() } => "at_least",
    );
}

#[tokio::test]
async fn of_pages() {
    let service = with_users(USERS).await;
    let page = |limit, cursor: &str| Some(PageRequest { limit, cursor: cursor.to_owned() });
    let list = |list, page| graph::ListRequest { list, order: 0, page, at_least: None };
    refused!(service.list:
        list(None, None) => "list",
        list(followees(USERS), None) => "list.user",
        list(followees(0), page(limits::PAGE_MAX + 1, "")) => "page.limit",
        list(followees(0), page(1, "rubbish")) => "page.cursor",
        graph::ListRequest { order: 3, ..list(followees(0), None) } => "order",
        graph::ListRequest { order: 2, ..list(followees(0), page(1, "rubbish")) } => "page.cursor",
        graph::ListRequest { at_least: bad_revision(), ..list(followees(0), None) } => "at_least",
    );
}

#[tokio::test]
async fn of_selections() {
    let service = with_users(USERS).await;
    let node = |node| Some(graph::Expression { node: Some(node) });
    let users = |ids| Node::Users(graph::UserIds { ids });
    let operand = |ids| graph::Expression { node: Some(users(ids)) };
    let combination = |combine, operands| Node::Combination(graph::Combination { combine, operands });
    let count = |expression| graph::SelectRequest {
        expression,
        output: Some(Output::Count(graph::CountOutput {})),
        at_least: None,
    };
    let all = |output| graph::SelectRequest { output: Some(output), ..count(node(users(vec![0]))) };
    let page = |limit, cursor: &str| Output::Page(PageRequest { limit, cursor: cursor.to_owned() });
    let contains = |ids| Output::Contains(graph::UserIds { ids });
    refused!(service.select:
        count(None) => "expression",
        count(Some(graph::Expression::default())) => "expression",
        graph::SelectRequest { output: None, ..count(node(users(vec![0]))) } => "output",
        graph::SelectRequest { at_least: bad_revision(), ..count(None) } => "at_least",
        count(node(users(vec![0, USERS]))) => "expression.users.ids[1]",
        count(node(Node::Bitmap(vec![1, 2, 3]))) => "expression.bitmap",
        count(node(combination(9, vec![operand(vec![0])]))) => "expression.combination.combine",
        count(node(combination(1, vec![]))) => "expression.combination.operands",
        count(node(combination(1, vec![operand(vec![0]), operand(vec![USERS])])))
            => "expression.combination.operands[1].users.ids[0]",
        all(page(limits::PAGE_MAX + 1, "")) => "page.limit",
        all(page(1, "rubbish")) => "page.cursor",
        all(contains(vec![0, 1, USERS])) => "contains.ids[2]",
        all(contains(vec![0; limits::BATCH_MAX + 1])) => "contains.ids",
    );
    let unknown = service.select(Request::new(count(node(Node::NamedSet("nobody".to_owned()))))).await;
    assert_eq!(failure(unknown), (Code::NotFound, "expression.named_set".to_owned()));
}

#[tokio::test]
async fn of_acquaintances_suggestions_and_paths() {
    let service = with_users(USERS).await;
    let known = graph::FollowersYouKnowRequest { candidates: vec![1], ..Default::default() };
    let too_many = vec![1; limits::KNOWN_CANDIDATES_MAX + 1];
    refused!(service.followers_you_know:
        graph::FollowersYouKnowRequest { user: USERS, ..known.clone() } => "user",
        graph::FollowersYouKnowRequest { candidates: vec![1, USERS], ..known.clone() } => "candidates[1]",
        graph::FollowersYouKnowRequest { candidates: too_many, ..known.clone() } => "candidates",
        graph::FollowersYouKnowRequest { limit: limits::KNOWN_NAMED_MAX + 1, ..known.clone() } => "limit",
        graph::FollowersYouKnowRequest { at_least: bad_revision(), ..known } => "at_least",
    );
    let path = graph::PathRequest::default();
    refused!(service.path:
        graph::PathRequest { from: USERS, ..path.clone() } => "from",
        graph::PathRequest { to: USERS, ..path.clone() } => "to",
        graph::PathRequest { max_depth: 9, ..path.clone() } => "max_depth",
        graph::PathRequest { at_least: bad_revision(), ..path } => "at_least",
    );
    let suggest = graph::SuggestRequest::default();
    refused!(service.suggest:
        graph::SuggestRequest { user: USERS, ..suggest.clone() } => "user",
        graph::SuggestRequest { limit: 101, ..suggest.clone() } => "limit",
        graph::SuggestRequest { at_least: bad_revision(), ..suggest } => "at_least",
    );
}
