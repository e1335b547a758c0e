//! A watch tells every effective change once and in order, wherever it is resumed, and says when it cannot.

use std::time::Duration;

use base::disk::SimulatedDisk;
use base::{Code, Revision};
use futures::StreamExt;
use futures::stream::BoxStream;
use graph_store::service::{GraphService, WATCHES_MAX};
use graph_store::store::{BulkEdges, CONSUMERS_MAX};
use graph_store::{Options, Store, StoreError};
use proto::graph;
use proto::graph::graph_admin_server::GraphAdmin;
use proto::graph::graph_store_server::GraphStore;
use proto::graph::watch_response::Event;
use proto::graph::{Operation, Relation as Wire, WatchRequest, WatchResponse};
use tonic::{Request, Status};

use super::{allocate, apply, failure, follow, ok, revision, serve, wire_change, with_users};
use crate::support::{NOW, open_with, two_slots};

type Stream = BoxStream<'static, Result<WatchResponse, Status>>;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

async fn watch(service: &GraphService, request: WatchRequest) -> Stream {
    ok(service.watch(Request::new(request)).await)
}

fn from(at: Revision) -> WatchRequest {
    WatchRequest { from: Some(at.into()), ..Default::default() }
}

async fn item(stream: &mut Stream) -> Option<Result<WatchResponse, Status>> {
    tokio::time::timeout(PATIENCE, stream.next()).await.expect("something comes")
}

async fn next(stream: &mut Stream) -> (Revision, Event) {
    let told = item(stream).await.expect("without end").expect("nothing is wrong");
    (revision(told.revision), told.event.expect("given"))
}

/// The next event that is not a progress mark.
async fn next_change(stream: &mut Stream) -> (Revision, graph::Change) {
    loop {
        match next(stream).await {
            (at, Event::Change(change)) => return (at, change),
            (_, Event::Progress(_)) => {}
            (at, other) => panic!("{other:?} at {at:?}"),
        }
    }
}

/// The code with which a stream ends, and what came before.
async fn end(stream: &mut Stream) -> (Vec<WatchResponse>, Option<Code>) {
    let mut told = Vec::new();
    loop {
        match item(stream).await {
            Some(Ok(response)) => told.push(response),
            Some(Err(status)) => return (told, Some(proto::status::from_status(&status).code())),
            None => return (told, None),
        }
    }
}

/// Waits until something holds, letting everything else go on.
async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("it comes to hold");
}

/// What a change that was sent without a time is told as.
fn told(change: graph::Change) -> graph::Change {
    graph::Change { time: NOW, ..change }
}

/// A log in files so small that trimming shows, and a store beside the services to look into.
async fn small_files(disk: &SimulatedDisk) -> (GraphService, Store) {
    let options = Options { log_file_bytes: 256, ..two_slots() };
    let store = reopen(disk, options).await;
    (GraphService::new(store.clone()), store)
}

/// Opens a store whose last watch may still be in the middle of a read.
async fn reopen(disk: &SimulatedDisk, options: Options) -> Store {
    let opening = async {
        loop {
            match open_with(disk, options.clone()) {
                Err(StoreError::InUse { .. }) => tokio::task::yield_now().await,
                opened => return opened.map(|(store, _)| store).expect("the store is whole"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, opening).await.expect("the store was closed")
}

/// Follows among `users`, one batch for each number.
fn follows_of(number: u32, users: u32) -> Vec<graph::Change> {
    (0..users).filter(|target| *target != number).map(|target| follow(number, target)).collect()
}

#[tokio::test]
async fn changes_come_once_and_in_order_over_a_reopening() {
    let disk = SimulatedDisk::new();
    let service = serve(&disk, two_slots());
    let begin = allocate(&service, 12).await;
    let sent: Vec<_> = (0..6).flat_map(|number| follows_of(number, 12)).map(told).collect();
    let mut stream = watch(&service, from(begin)).await;
    apply(&service, (0..3).flat_map(|number| follows_of(number, 12)).collect()).await;
    // A repeated follow changes nothing, and nobody is told of it.
    apply(&service, vec![follow(0, 1)]).await;
    let (mut at, mut seen) = (begin, Vec::new());
    for _ in 0..20 {
        let (revision, change) = next_change(&mut stream).await;
        assert_eq!(revision, at.next());
        at = revision;
        seen.push(change);
    }
    drop((stream, service));
    let service = GraphService::new(reopen(&disk, two_slots()).await);
    apply(&service, (3..6).flat_map(|number| follows_of(number, 12)).collect()).await;
    let mut stream = watch(&service, from(at)).await;
    while seen.len() < sent.len() {
        let (revision, change) = next_change(&mut stream).await;
        assert_eq!(revision, at.next());
        at = revision;
        seen.push(change);
    }
    assert_eq!(seen, sent);
}

#[tokio::test]
async fn without_a_revision_a_watch_begins_now_and_says_where_that_is() {
    let service = with_users(4).await;
    let (at, _) = apply(&service, vec![follow(0, 1)]).await;
    let mut stream = watch(&service, WatchRequest::default()).await;
    assert_eq!(next(&mut stream).await, (at, Event::Progress(graph::Progress {})));
    apply(&service, vec![follow(1, 0)]).await;
    assert_eq!(next(&mut stream).await, (at.next(), Event::Change(told(follow(1, 0)))));
}

#[tokio::test]
async fn a_filtered_watch_tells_what_passes_and_how_far_it_is() {
    let service = with_users(150).await;
    let begin = super::service_revision(&service).await;
    let mute = wire_change(Wire::Mute, Operation::Add, 140, 141);
    apply(&service, vec![follow(140, 141), follow(141, 142), mute, follow(142, 140)]).await;
    let request = WatchRequest { relations: vec![Wire::Follow as i32], users: vec![140], ..from(begin) };
    let mut stream = watch(&service, request).await;
    let last = Revision(begin.0 + 4);
    assert_eq!(next(&mut stream).await, (begin.next(), Event::Change(told(follow(140, 141)))));
    assert_eq!(next(&mut stream).await, (last, Event::Change(told(follow(142, 140)))));
    assert_eq!(next(&mut stream).await, (last, Event::Progress(graph::Progress {})), "caught up");
    // Nothing of this passes; the reader learns all the same that the revision has gone by.
    let (ended, _) = apply(&service, vec![follow(1, 2), follow(2, 3)]).await;
    assert_eq!(next(&mut stream).await, (ended, Event::Progress(graph::Progress {})));
}

#[tokio::test]
async fn a_long_stretch_without_anything_is_marked_on_the_way() {
    let service = with_users(150).await;
    let begin = super::service_revision(&service).await;
    for number in (0..140).step_by(20) {
        apply(&service, (number..number + 20).flat_map(|number| follows_of(number, 140)).collect()).await;
    }
    let mut stream = watch(&service, WatchRequest { users: vec![149], ..from(begin) }).await;
    let (first, event) = next(&mut stream).await;
    assert_eq!((event, first.0 - begin.0 <= 10_000), (Event::Progress(graph::Progress {}), true));
    let mut at = first;
    while at.0 < begin.0 + 140 * 139 {
        let (revision, event) = next(&mut stream).await;
        assert_eq!((event, revision > at), (Event::Progress(graph::Progress {}), true));
        at = revision;
    }
}

#[tokio::test]
async fn the_follows_that_a_block_ends_are_told_and_no_resuming_skips_one() {
    let service = with_users(3).await;
    let (before, _) = apply(&service, vec![follow(0, 1), follow(1, 0)]).await;
    let block = wire_change(Wire::Block, Operation::Add, 0, 1);
    let (at, _) = apply(&service, vec![block]).await;
    let unfollow = |source, target| told(wire_change(Wire::Follow, Operation::Remove, source, target));
    let all = [unfollow(0, 1), unfollow(1, 0), told(block)];
    let mut stream = watch(&service, from(before)).await;
    for (place, expected) in all.iter().enumerate() {
        let (revision, change) = next_change(&mut stream).await;
        assert_eq!(change, *expected);
        // Whoever leaves here and resumes is told all that is still missing.
        let mut resumed = watch(&service, from(revision)).await;
        let mut rest = Vec::new();
        while let (_, Event::Change(change)) = next(&mut resumed).await {
            rest.push(change);
        }
        assert!(all[place + 1..].iter().all(|missing| rest.contains(missing)), "{rest:?} after {place}");
        assert_eq!((revision, rest.is_empty()), if place == 2 { (at, true) } else { (before, false) });
    }
    let follows = WatchRequest { relations: vec![Wire::Follow as i32], ..from(before) };
    let mut stream = watch(&service, follows).await;
    assert_eq!(next_change(&mut stream).await, (before, unfollow(0, 1)));
    assert_eq!(next_change(&mut stream).await, (at, unfollow(1, 0)));
}

#[tokio::test]
async fn an_import_passes_every_filter() {
    let disk = SimulatedDisk::new();
    let (service, store) = small_files(&disk).await;
    allocate(&service, 2).await;
    let mut stream = watch(&service, WatchRequest { users: vec![0], ..Default::default() }).await;
    let bulk = BulkEdges { external_ids: vec![7, 8, 9], edges: vec![(0, 1), (1, 2)], time: NOW, timed: vec![] };
    let import = tokio::task::spawn_blocking(move || store.import(bulk, &|_| {}).map(|report| report.added));
    assert_eq!(import.await.expect("no panic").expect("the disk works"), 2);
    loop {
        match next(&mut stream).await {
            (_, Event::Progress(_)) => {}
            (_, event) => {
                assert_eq!(event, Event::Imported(graph::Imported { edges: 2 }));
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_the_log_no_longer_has_is_a_revision_trimmed() {
    let disk = SimulatedDisk::new();
    let (service, _) = small_files(&disk).await;
    let begin = allocate(&service, 100).await;
    // Nothing is taken from this one, so that the log is trimmed before it has been read.
    let mut slow = watch(&service, from(begin)).await;
    for number in 0..40 {
        apply(&service, follows_of(number, 100)).await;
    }
    ok(service.compact(Request::new(graph::CompactRequest {})).await);
    let refused = service.watch(Request::new(from(begin))).await.map(|_| ());
    let error = proto::status::from_status(&refused.expect_err("the log is trimmed"));
    assert_eq!(error.code(), Code::RevisionTrimmed);

    let (told, code) = end(&mut slow).await;
    assert_eq!(code, Some(Code::RevisionTrimmed));
    let mut at = begin;
    for response in told {
        if let Some(Event::Change(_)) = response.event {
            at = at.next();
        }
        assert_eq!(revision(response.revision), at);
    }
    assert!(at.0 < begin.0 + 40 * 99);
    // The last file of the log is still there, and with it the newest changes.
    let mut stream = watch(&service, WatchRequest::default()).await;
    let (now, _) = next(&mut stream).await;
    assert_eq!(now, Revision(begin.0 + 40 * 99));
}

#[tokio::test]
async fn a_named_reader_holds_the_log_and_goes_on_where_it_was() {
    let disk = SimulatedDisk::new();
    let (service, store) = small_files(&disk).await;
    let begin = allocate(&service, 50).await;
    let named = |from| WatchRequest { from, consumer: "feeds".to_owned(), ..Default::default() };
    drop(watch(&service, named(Some(begin.into()))).await);
    for number in 0..10 {
        apply(&service, follows_of(number, 50)).await;
    }
    ok(service.compact(Request::new(graph::CompactRequest {})).await);
    assert!(store.records_after(begin, 1).is_ok(), "held");

    let mut stream = watch(&service, named(None)).await;
    let mut at = begin;
    for _ in 0..5 * 49 {
        at = next_change(&mut stream).await.0;
    }
    assert_eq!(at, Revision(begin.0 + 5 * 49));
    drop(stream);
    // The last one taken was not yet asked beyond, so it does not count as seen.
    let seen = Revision(at.0 - 1);
    until(|| store.consumers().get("feeds") == Some(&seen)).await;
    ok(service.compact(Request::new(graph::CompactRequest {})).await);
    assert!(store.records_after(begin, 1).is_err(), "trimmed up to the reader");
    assert!(store.records_after(seen, 1).is_ok(), "and no further");

    drop((service, store));
    let (service, _store) = small_files(&disk).await;
    let mut stream = watch(&service, named(None)).await;
    assert_eq!(next_change(&mut stream).await.0, at);
}

#[tokio::test]
async fn a_named_reader_who_keeps_up_lets_the_log_go() {
    let disk = SimulatedDisk::new();
    let (service, store) = small_files(&disk).await;
    let begin = allocate(&service, 50).await;
    let mut stream = watch(&service, WatchRequest { consumer: "feeds".to_owned(), ..from(begin) }).await;
    for number in 0..5 {
        apply(&service, follows_of(number, 50)).await;
    }
    for _ in 0..5 * 49 {
        next_change(&mut stream).await;
    }
    // Asking for more tells that the last one was seen.
    let waiting = tokio::spawn(async move { next_change(&mut stream).await });
    let last = Revision(begin.0 + 5 * 49);
    until(|| store.consumers().get("feeds") == Some(&last)).await;
    apply(&service, vec![follow(10, 11)]).await;
    assert_eq!(waiting.await.expect("no panic"), (last.next(), told(follow(10, 11))));
}

#[tokio::test]
async fn named_readers_are_limited_in_number() {
    let service = with_users(2).await;
    let named = |number: usize| WatchRequest { consumer: format!("reader-{number}"), ..Default::default() };
    for number in 0..CONSUMERS_MAX {
        drop(watch(&service, named(number)).await);
    }
    let refused = service.watch(Request::new(named(CONSUMERS_MAX))).await.map(|_| tonic::Response::new(()));
    assert_eq!(failure(refused), (Code::ResourceExhausted, "consumer".to_owned()));
    drop(watch(&service, named(0)).await);
}

#[tokio::test]
async fn watches_are_limited_in_number_and_one_that_is_left_makes_room() {
    let service = with_users(2).await;
    let mut open = Vec::new();
    for _ in 0..WATCHES_MAX {
        open.push(watch(&service, WatchRequest::default()).await);
    }
    let another = async || service.watch(Request::new(WatchRequest::default())).await.map(|_| tonic::Response::new(()));
    assert_eq!(failure(another().await), (Code::ResourceExhausted, String::new()));
    open.pop();
    let room = async {
        while another().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, room).await.expect("the place becomes free");
}

#[tokio::test]
async fn what_is_wrong_with_a_watch_is_named() {
    let service = with_users(2).await;
    let next = super::service_revision(&service).await.next();
    let any = WatchRequest::default();
    let token = Some(proto::common::Revision { token: "17".to_owned() });
    let requests = [
        (WatchRequest { from: token, ..any.clone() }, "from"),
        (from(next), "from"),
        (WatchRequest { relations: vec![1, 0], ..any.clone() }, "relations[1]"),
        (WatchRequest { relations: vec![1; 4], ..any.clone() }, "relations"),
        (WatchRequest { users: vec![0, 2], ..any.clone() }, "users[1]"),
        (WatchRequest { users: vec![0; base::limits::BATCH_MAX + 1], ..any.clone() }, "users"),
        (WatchRequest { consumer: "Feeds".to_owned(), ..any }, "consumer"),
    ];
    for (request, field) in requests {
        let refused = service.watch(Request::new(request)).await.map(|_| tonic::Response::new(()));
        assert_eq!(failure(refused), (Code::InvalidArgument, field.to_owned()));
    }
}

#[tokio::test]
async fn watches_end_with_the_service_and_do_not_keep_the_store_open() {
    let disk = SimulatedDisk::new();
    let service = serve(&disk, two_slots());
    allocate(&service, 2).await;
    let [mut ended, mut left] =
        [watch(&service, WatchRequest::default()).await, watch(&service, from(Revision(1))).await];
    drop(service);
    assert_eq!(end(&mut ended).await.1, Some(Code::Unavailable));
    assert_eq!(end(&mut left).await.1, Some(Code::Unavailable));

    let service = GraphService::new(reopen(&disk, two_slots()).await);
    let mut stream = watch(&service, WatchRequest::default()).await;
    service.end_streams();
    assert_eq!(end(&mut stream).await.1, Some(Code::Unavailable));
    // Those that come later end as well.
    let mut late = watch(&service, WatchRequest::default()).await;
    assert_eq!(end(&mut late).await.1, Some(Code::Unavailable));
    // Everything else goes on.
    let request = graph::AllocateUsersRequest { count: 1, ..Default::default() };
    assert_eq!(ok(service.allocate_users(Request::new(request)).await).users, [2]);
}
