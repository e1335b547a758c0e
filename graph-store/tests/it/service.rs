//! Every call of the services answers what the store has, and refuses what is wrong by the name of the field.

mod backup;
mod compute;
mod refused;
mod select;
mod snapshot;
mod watch;

use std::fmt::Debug;

use base::disk::SimulatedDisk;
use base::{Code, Direction, ListRef, Relation, Revision, UserId};
use graph_store::Options;
use graph_store::published::PublishedRun;
use graph_store::service::GraphService;
use proto::common::PageRequest;
use proto::graph;
use proto::graph::graph_admin_server::GraphAdmin;
use proto::graph::graph_store_server::GraphStore;
use proto::graph::resolve_request::Ids;
use proto::graph::{Operation, Outcome, Relation as Wire};
use tonic::{Request, Response, Status};

use crate::support::{NOW, open_with, two_slots};

/// The answer to a call that must succeed.
fn ok<T>(result: Result<Response<T>, Status>) -> T {
    result.expect("nothing is wrong").into_inner()
}

/// Code and field of a call that must fail.
fn failure<T: Debug>(result: Result<Response<T>, Status>) -> (Code, String) {
    let error = proto::status::from_status(&result.expect_err("something is wrong"));
    (error.code(), error.field().unwrap_or_default().to_owned())
}

fn serve(disk: &SimulatedDisk, options: Options) -> GraphService {
    GraphService::new(open_with(disk, options).map(|(store, _)| store).expect("the store is whole"))
}

/// Services over a new store with so many users.
async fn with_users(count: u32) -> GraphService {
    let service = serve(&SimulatedDisk::new(), two_slots());
    allocate(&service, count).await;
    service
}

async fn allocate(service: &GraphService, count: u32) -> Revision {
    let request = graph::AllocateUsersRequest { count, ..Default::default() };
    revision(ok(service.allocate_users(Request::new(request)).await).revision)
}

fn revision(wire: Option<proto::common::Revision>) -> Revision {
    Revision::from_token(&wire.expect("given").token).expect("a token")
}

fn wire_change(relation: Wire, operation: Operation, source: u32, target: u32) -> graph::Change {
    graph::Change { relation: relation as i32, operation: operation as i32, source, target, time: 0 }
}

fn follow(source: u32, target: u32) -> graph::Change {
    wire_change(Wire::Follow, Operation::Add, source, target)
}

async fn apply(service: &GraphService, changes: Vec<graph::Change>) -> (Revision, Vec<Outcome>) {
    let applied = ok(service.apply(Request::new(graph::ApplyRequest { changes })).await);
    let outcomes = applied.outcomes().collect();
    (revision(applied.revision), outcomes)
}

fn followees(user: u32) -> Option<graph::ListRef> {
    Some(ListRef::forward(Relation::Follow, UserId(user)).into())
}

fn followers(user: u32) -> Option<graph::ListRef> {
    Some(ListRef::reverse(Relation::Follow, UserId(user)).into())
}

#[tokio::test]
async fn ids_are_given_out_once_and_the_same_key_gives_the_same() {
    let service = with_users(2).await;
    let allocate = async |count, key: &str| {
        let idempotency_key = key.to_owned();
        let request = graph::AllocateUsersRequest { count, idempotency_key, ..Default::default() };
        service.allocate_users(Request::new(request)).await
    };
    assert_eq!(ok(allocate(3, "first").await).users, [2, 3, 4]);
    assert_eq!(ok(allocate(3, "first").await).users, [2, 3, 4]);
    assert_eq!(ok(allocate(1, "second").await).users, [5]);
    assert_eq!(failure(allocate(4, "first").await), (Code::AlreadyExists, "idempotency_key".to_owned()));
}

#[tokio::test]
async fn external_ids_resolve_both_ways_and_keep_their_users() {
    let service = with_users(1).await;
    let import = async |external_ids: Vec<u64>| {
        let request = graph::AllocateUsersRequest { external_ids, ..Default::default() };
        ok(service.allocate_users(Request::new(request)).await)
    };
    assert_eq!(import(vec![70, 50]).await.users, [1, 2]);
    let again = import(vec![50, u64::MAX]).await;
    assert_eq!(again.users, [2, 3]);
    let resolve = async |ids| {
        let request = graph::ResolveRequest { ids: Some(ids), at_least: again.revision.clone() };
        let resolved = ok(service.resolve(Request::new(request)).await).resolved;
        resolved.into_iter().map(|resolved| resolved.user.zip(resolved.external_id)).collect::<Vec<_>>()
    };
    let external = Ids::ExternalIds(graph::ExternalIds { ids: vec![u64::MAX, 60, 70] });
    assert_eq!(resolve(external).await, [Some((3, u64::MAX)), None, Some((1, 70))]);
    let users = Ids::Users(graph::UserIds { ids: vec![2, 0] });
    assert_eq!(resolve(users).await, [Some((2, 50)), None]);
}

#[tokio::test]
async fn changes_take_effect_in_order_and_blocks_end_and_refuse_follows() {
    let service = with_users(4).await;
    let changes = vec![
        follow(0, 1),
        follow(1, 0),
        follow(0, 1),
        wire_change(Wire::Mute, Operation::Add, 2, 0),
        wire_change(Wire::Block, Operation::Add, 1, 0),
        follow(0, 1),
        follow(2, 3),
    ];
    let (at, outcomes) = apply(&service, changes).await;
    let [changed, unchanged, blocked] = [Outcome::Changed, Outcome::Unchanged, Outcome::Blocked];
    assert_eq!(outcomes, [changed, changed, unchanged, changed, changed, blocked, changed]);

    let at_least = Some(at.into());
    let pairs = [(0, 1), (1, 0), (0, 2), (2, 3), (3, 2), (3, 3)];
    let pairs = pairs.map(|(source, target)| graph::Pair { source, target }).to_vec();
    let related = ok(service.relate(Request::new(graph::RelateRequest { pairs, at_least })).await).relationships;
    let none = graph::Relationship::default();
    let expected = [
        graph::Relationship { blocked_by: true, ..none },
        graph::Relationship { blocking: true, ..none },
        graph::Relationship { muted_by: true, ..none },
        graph::Relationship { following: true, ..none },
        graph::Relationship { followed_by: true, ..none },
        none,
    ];
    assert_eq!(related, expected);

    let request = graph::ContainsRequest { list: followees(2), users: vec![3, 1, 3], at_least: None };
    assert_eq!(ok(service.contains(Request::new(request)).await).contained, [true, false, true]);
    let lists = [followees(2), followers(3), followees(0), followers(0)].into_iter().flatten().collect::<Vec<_>>();
    let request = graph::CountRequest { lists: lists.clone(), at_least: None };
    assert_eq!(ok(service.count(Request::new(request)).await).counts, [1, 1, 0, 0]);
    let request = graph::VersionsRequest { lists, at_least: None };
    let versions = ok(service.versions(Request::new(request)).await).versions;
    // Five changes took effect; the fourth of them was the block, which ended the follows.
    let expected = [at, at, Revision(at.0 - 1), Revision(at.0 - 1)].map(proto::common::Revision::from);
    assert_eq!(versions, expected);
}

#[tokio::test]
async fn a_large_batch_answers_as_a_small_one() {
    let service = with_users(300).await;
    apply(&service, (1..300).step_by(3).map(|target| follow(0, target)).collect()).await;
    let request = graph::ContainsRequest { list: followees(0), users: (0..300).collect(), at_least: None };
    let contained = ok(service.contains(Request::new(request)).await).contained;
    assert_eq!(contained, (0..300).map(|user| user % 3 == 1).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_read_waits_for_the_revision_it_asks_for() {
    let service = with_users(2).await;
    let next = service_revision(&service).await.next();
    let request = graph::CountRequest { lists: vec![followees(0).expect("a list")], at_least: Some(next.into()) };
    let (counted, (at, _)) = tokio::join!(service.count(Request::new(request)), apply(&service, vec![follow(0, 1)]));
    assert_eq!((ok(counted).counts, at), (vec![1], next));
}

#[tokio::test]
async fn a_revision_that_does_not_come_is_a_deadline_exceeded() {
    let service = with_users(2).await;
    let request = graph::CountRequest { lists: Vec::new(), at_least: Some(Revision(1 << 40).into()) };
    let failed = failure(service.count(Request::new(request)).await);
    assert_eq!(failed, (Code::DeadlineExceeded, "at_least".to_owned()));
}

#[tokio::test]
async fn lists_page_both_ways_in_both_orders() {
    let service = with_users(30).await;
    // Whoever was followed last comes first, and the two at a time share a second.
    let change = |target: u32| graph::Change { time: NOW - 1000 + target / 2, ..follow(0, target) };
    apply(&service, (1..=25).map(change).collect()).await;
    let by_id: Vec<u32> = (1..=25).collect();
    let newest_first: Vec<u32> = (1..=25).rev().collect();
    for (order, expected) in [(0, &by_id), (1, &by_id), (2, &newest_first)] {
        let page = async |cursor: &str| {
            let page = Some(PageRequest { limit: 10, cursor: cursor.to_owned() });
            let request = graph::ListRequest { list: followees(0), order, page, at_least: None };
            let answer = ok(service.list(Request::new(request)).await);
            for edge in &answer.edges {
                assert_eq!(edge.time, NOW - 1000 + edge.user / 2);
            }
            let users = answer.edges.iter().map(|edge| edge.user).collect::<Vec<_>>();
            (users, answer.next_cursor, answer.prev_cursor)
        };
        let (first, next, before_first) = page("").await;
        let (second, after_second, before_second) = page(&next).await;
        let (third, after_third, before_third) = page(&after_second).await;
        assert_eq!([&first[..], &second, &third], [&expected[..10], &expected[10..20], &expected[20..]]);
        assert_eq!((before_first.as_str(), after_third.as_str()), ("", ""));
        assert_eq!(page(&before_third).await.0, second);
        assert_eq!(page(&before_second).await.0, first);
    }
}

#[tokio::test]
async fn an_unlisted_page_has_twenty_entries_and_a_list_of_ten_no_second_page() {
    let service = with_users(30).await;
    apply(&service, (1..=25).map(|target| follow(0, target)).chain((1..=10).map(|s| follow(s, 29))).collect()).await;
    let list = async |list, limit| {
        let page = (limit > 0).then(|| PageRequest { limit, cursor: String::new() });
        let request = graph::ListRequest { list, order: 0, page, at_least: None };
        ok(service.list(Request::new(request)).await)
    };
    assert_eq!(list(followees(0), 0).await.edges.len(), 20);
    let exact = list(followers(29), 10).await;
    assert_eq!((exact.edges.len(), exact.next_cursor.as_str()), (10, ""));
}

#[tokio::test]
async fn named_sets_are_created_and_changed() {
    let service = with_users(10).await;
    let update = async |add: Vec<u32>, remove: Vec<u32>| {
        let request = graph::UpdateSetRequest { name: "active".to_owned(), add, remove };
        let updated = ok(service.update_set(Request::new(request)).await);
        (updated.count, revision(updated.revision))
    };
    let (empty, first) = update(vec![], vec![]).await;
    let (three, second) = update(vec![1, 2, 3], vec![]).await;
    // What is removed and added at once is there.
    let (two, third) = update(vec![1], vec![1, 2]).await;
    assert_eq!((empty, three, two), (0, 3, 2));
    assert_eq!([second, third], [first.next(), second.next()]);
}

#[tokio::test]
async fn paths_are_shortest_and_bounded() {
    let service = with_users(6).await;
    apply(&service, vec![follow(0, 1), follow(1, 2), follow(2, 3), follow(0, 4), follow(4, 3)]).await;
    let path = async |from, to, max_depth| {
        let request = graph::PathRequest { from, to, max_depth, at_least: None };
        ok(service.path(Request::new(request)).await).users
    };
    assert_eq!(path(0, 3, 0).await, [0, 4, 3]);
    assert!(path(0, 3, 1).await.is_empty());
    assert!(path(3, 0, 8).await.is_empty());
    assert_eq!(path(5, 5, 1).await, [5]);
}

#[tokio::test]
async fn followers_that_one_knows_are_found_for_many_at_once() {
    let service = with_users(40).await;
    // 0 follows 1 to 20, all of whom follow 30, and the odd ones 31, whom others follow too.
    let known = (1..=20).flat_map(|user| [follow(0, user), follow(user, 30 + user % 2), follow(user, 32)]);
    apply(&service, known.chain([follow(25, 32), follow(32, 0), follow(32, 1)]).collect()).await;
    let asked = async |limit| {
        let candidates = vec![32, 31, 33, 32];
        let request = graph::FollowersYouKnowRequest { user: 0, candidates, limit, at_least: None };
        ok(service.followers_you_know(Request::new(request)).await).candidates
    };
    let answer = |count, first: &[u32], followers, followees| {
        let first = first.to_vec();
        graph::KnownFollowers { count, first, followers, followees }
    };
    let celebrity = answer(20, &[1, 2, 3], 21, 2);
    assert_eq!(asked(3).await, [celebrity.clone(), answer(10, &[1, 3, 5], 10, 0), answer(0, &[], 0, 0), celebrity]);
    assert_eq!(asked(0).await[..2], [answer(20, &[], 21, 2), answer(10, &[], 10, 0)]);
    assert_eq!(asked(100).await[0].first, (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn suggestions_come_with_their_reasons() {
    let service = with_users(10).await;
    // 0 follows 1 and 2, who follow 3; 1 is a friend of both; 2 alone follows 9; 4 follows 0; 8 follows whom 0 follows;
    // 6 has a follower and nothing to do with 0; 5 is blocked.
    let block = wire_change(Wire::Block, Operation::Add, 0, 5);
    let friends = [(0, 1), (1, 0), (1, 3), (3, 1)];
    let follows = [(0, 2), (2, 3), (2, 9), (1, 5), (4, 0), (8, 1), (8, 2), (7, 6)];
    let follows = friends.into_iter().chain(follows);
    apply(&service, follows.map(|(source, target)| follow(source, target)).chain([block]).collect()).await;
    let suggest = async |limit| {
        let request = graph::SuggestRequest { user: 0, limit, at_least: None };
        ok(service.suggest(Request::new(request)).await).suggestions
    };
    let expected = [
        (3, graph::Reason::MutualConnections, vec![1, 2]),
        (9, graph::Reason::FollowedByFollowees, vec![2]),
        (4, graph::Reason::FollowsYou, vec![]),
        (8, graph::Reason::SimilarFollowees, vec![]),
        (6, graph::Reason::Popular, vec![]),
    ];
    let suggestion = |(user, reason, mutuals): (u32, graph::Reason, Vec<u32>)| {
        let mutuals_count = mutuals.len() as u32;
        graph::Suggestion { user, reason: reason as i32, mutuals, mutuals_count }
    };
    let expected: Vec<_> = expected.into_iter().map(suggestion).collect();
    assert_eq!(suggest(0).await, expected);
    assert_eq!(suggest(1).await, expected[..1]);
}

#[tokio::test]
async fn published_suggestions_come_first_as_far_as_they_hold_now() {
    let disk = SimulatedDisk::new();
    let (store, _) = open_with(&disk, two_slots()).expect("the store is whole");
    let service = GraphService::new(store.clone());
    allocate(&service, 8).await;
    apply(&service, vec![follow(0, 1), follow(1, 2), follow(1, 3)]).await;
    let suggest = async |user| {
        let request = graph::SuggestRequest { user, limit: 10, at_least: None };
        let suggestions = ok(service.suggest(Request::new(request)).await).suggestions;
        suggestions.into_iter().map(|suggestion| (suggestion.user, suggestion.reason())).collect::<Vec<_>>()
    };
    let near = graph::Reason::FollowedByFollowees;
    assert_eq!(suggest(0).await, [(2, near), (3, near)]);
    let of_others = suggest(4).await;

    let job = "who-to-follow".to_owned();
    let run = PublishedRun { job, parameters: String::new(), revision: store.revision(), finished_at: 9, users: 7 };
    let mut of_each = vec![vec![]; 7];
    of_each[0] = [3, 6, 5].map(|user| (UserId(user), 1.0)).into();
    store.publish_suggestions(&run, of_each.iter().map(|of_user| of_user.iter().copied())).expect("the disk works");
    let around = graph::Reason::NearYou;
    assert_eq!(suggest(0).await, [(3, near), (6, around), (5, around), (2, near)]);
    // Who has none, as one who came after the run, is suggested whom they would have been.
    assert_eq!((suggest(4).await, suggest(7).await), (of_others.clone(), of_others));
    apply(&service, vec![follow(0, 3), wire_change(Wire::Block, Operation::Add, 5, 0)]).await;
    assert_eq!(suggest(0).await[..2], [(6, around), (2, near)]);
}

#[tokio::test]
async fn ranks_are_those_of_the_latest_published_run() {
    let disk = SimulatedDisk::new();
    let (store, _) = open_with(&disk, two_slots()).expect("the store is whole");
    let service = GraphService::new(store.clone());
    allocate(&service, 300).await;
    let ranks = async |users: &[u32]| service.ranks(Request::new(graph::RanksRequest { users: users.to_vec() })).await;
    assert_eq!(ok(ranks(&[1]).await), graph::RanksResponse::default());
    let revision = store.revision();
    let (job, parameters) = ("pagerank".to_owned(), "damping 0.85".to_owned());
    let run = PublishedRun { job: job.clone(), parameters: parameters.clone(), revision, finished_at: 9, users: 200 };
    let all: Vec<f64> = (0..200).map(f64::from).collect();
    store.publish_ranks(&run, &all).expect("the disk works");
    let answer = ok(ranks(&[7, 0, 7, 250]).await);
    let told = graph::PublishedRun { job, revision: Some(revision.into()), finished_at: 9, users: 200, parameters };
    assert_eq!((answer.run, answer.ranks), (Some(told), vec![7.0, 0.0, 7.0, 0.0]));
    let many: Vec<u32> = (0..10_000).map(|i| i % 200).collect();
    assert_eq!(ok(ranks(&many).await).ranks, many.iter().map(|user| f64::from(*user)).collect::<Vec<_>>());
    assert_eq!(failure(ranks(&[0; 10_001]).await), (Code::InvalidArgument, "users".to_owned()));
    assert_eq!(failure(ranks(&[0, 300]).await), (Code::InvalidArgument, "users[1]".to_owned()));
}

#[tokio::test]
async fn the_store_is_counted_compacted_and_checked() {
    let service = with_users(5).await;
    let block = wire_change(Wire::Block, Operation::Add, 4, 0);
    let (at, _) = apply(&service, vec![follow(0, 1), follow(2, 1), follow(3, 1), follow(0, 2), block]).await;
    let before = ok(service.stats(Request::new(graph::StatsRequest {})).await);
    assert_eq!((before.users, before.allocated, before.edges, before.slots), (4, 5, 4, 2));
    assert_eq!((before.max_followers, before.max_followees, before.overlay_changes > 0), (3, 2, true));
    assert_eq!(revision(before.revision), at);
    let compacted = ok(service.compact(Request::new(graph::CompactRequest {})).await);
    assert_eq!(revision(compacted.revision), at);
    let after = ok(service.stats(Request::new(graph::StatsRequest {})).await);
    assert_eq!((after.edges, after.overlay_changes), (4, 0));
    assert!(after.segment_bytes_forward > 0 && after.segment_bytes_reverse > 0 && after.bytes_per_edge_forward > 0.0);
    let report = ok(service.check(Request::new(graph::CheckRequest {})).await);
    // Follows of 0, 2, 3 and a block of 4; followers of 1 and 2, and who blocks 0.
    assert_eq!(report, graph::CheckResponse { lists: 7, edges: 5, findings: Vec::new() });
}

async fn service_revision(service: &GraphService) -> Revision {
    revision(ok(service.stats(Request::new(graph::StatsRequest {})).await).revision)
}

fn any_list(relation: i32, direction: i32, user: u32) -> Option<graph::ListRef> {
    Some(graph::ListRef { relation, direction, user })
}

/// The list of a relation that the store has, as the wire has it.
fn list_of(relation: Relation, direction: Direction, user: u32) -> graph::ListRef {
    ListRef { relation, direction, user: UserId(user) }.into()
}
