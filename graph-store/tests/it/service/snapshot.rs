//! The stream of a snapshot is the graph at one revision, also where it breaks off and is resumed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base::{Error, Slot};
use futures::StreamExt;
use futures::stream::BoxStream;
use graph_store::service::SNAPSHOTS_MAX;
use proto::admin::{SnapshotItem, SnapshotReader};
use proto::graph::{SnapshotRequest, SnapshotResponse};

use super::*;
use crate::support::{Contents, contents, import_csv};

type Stream = BoxStream<'static, Result<SnapshotResponse, Error>>;

async fn opened(service: &GraphService, request: &SnapshotRequest) -> Result<Stream, Status> {
    let stream = service.snapshot(Request::new(request.clone())).await?.into_inner();
    Ok(stream.map(|item| item.map_err(|status| proto::status::from_status(&status))).boxed())
}

async fn reader(service: &GraphService, request: SnapshotRequest) -> SnapshotReader {
    let stream = opened(service, &request).await.expect("there is room");
    SnapshotReader::new(stream, request).await.expect("a header")
}

/// The lists and external ids of a stream, to its end.
#[derive(Debug, Default, PartialEq)]
struct Told {
    lists: BTreeMap<ListRef, Vec<(u32, u32)>>,
    external_ids: BTreeMap<u32, u64>,
}

impl Told {
    async fn read(&mut self, reader: &mut SnapshotReader) -> Option<Slot> {
        loop {
            match reader.next().await.expect("the stream goes on")? {
                SnapshotItem::ExternalIds(pairs) => {
                    self.external_ids.extend(pairs.iter().map(|(user, id)| (user.0, *id)))
                }
                SnapshotItem::List(list) => {
                    let edges = list.edges.iter().map(|edge| (edge.user.0, edge.time)).collect();
                    assert_eq!(self.lists.insert(list.list, edges), None, "each list comes once");
                }
                SnapshotItem::SlotDone(slot) => return Some(slot),
            }
        }
    }
}

fn not_empty(contents: Contents) -> BTreeMap<ListRef, Vec<(u32, u32)>> {
    contents.into_iter().filter(|(_, edges)| !edges.is_empty()).collect()
}

fn all() -> SnapshotRequest {
    SnapshotRequest { times: true, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_off_goes_on_at_the_same_revision_while_writes_go_on() {
    let (store, _) =
        open_with(&SimulatedDisk::new(), Options { slots: base::Slots::new(8), ..two_slots() }).expect("new");
    let service = GraphService::new(store.clone());
    let request = graph::AllocateUsersRequest { external_ids: (500..600).collect(), ..Default::default() };
    ok(service.allocate_users(Request::new(request)).await);
    let changes =
        (0..900u32).map(|n| follow(n % 100, (n * n + 1) % 99)).filter(|change| change.source != change.target);
    apply(&service, changes.collect()).await;
    ok(service.compact(Request::new(graph::CompactRequest {})).await);
    let block = wire_change(Wire::Block, Operation::Add, 7, 8);
    let (at, _) = apply(&service, vec![block, wire_change(Wire::Mute, Operation::Add, 8, 9)]).await;
    let expected = not_empty(contents(&store).expect("readable"));

    let mut told = Told::default();
    let mut request = all();
    let mut slots = Vec::new();
    for number in 0..8 {
        // One slot a stream, and between any two the graph becomes another.
        let mut reader = reader(&service, request).await;
        assert_eq!((reader.revision(), reader.users(), reader.slots().count()), (at, 100, 8));
        slots.extend(told.read(&mut reader).await);
        request = reader.resume();
        apply(
            &service,
            vec![follow(number, 99), follow(99, number), wire_change(Wire::Follow, Operation::Remove, 0, 1)],
        )
        .await;
        ok(service.compact(Request::new(graph::CompactRequest {})).await);
    }
    assert_eq!(slots, (0..8).map(Slot).collect::<Vec<_>>());
    let mut reader = reader(&service, request).await;
    assert_eq!(told.read(&mut reader).await, None, "all of it was told");
    assert_eq!(told.lists, expected);
    assert_eq!(told.external_ids, (0..100).map(|user| (user, 500 + u64::from(user))).collect());
    assert_ne!(not_empty(contents(&store).expect("readable")), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_lists_come_in_parts_and_only_what_was_asked_for_comes() {
    let (store, _) = open_with(&SimulatedDisk::new(), two_slots()).expect("new");
    let edges: Vec<(u32, u32)> = (1..150_000).map(|source| (source, 0)).collect();
    let bulk = graph_store::store::BulkEdges { external_ids: (0..150_000).collect(), edges, ..Default::default() };
    tokio::task::block_in_place(|| store.import(bulk, &|_| {})).expect("the disk works");
    let service = GraphService::new(store);
    let request = SnapshotRequest {
        relations: vec![Wire::Follow as i32],
        direction: graph::Direction::Reverse as i32,
        ..Default::default()
    };
    let mut stream = opened(&service, &request).await.expect("there is room");
    let mut largest = 0;
    while let Some(message) = stream.next().await {
        largest = largest.max(prost::Message::encoded_len(&message.expect("the stream goes on")));
    }
    assert!(largest < 1 << 20, "{largest} bytes");
    let mut reader = reader(&service, request).await;
    let mut told = Told::default();
    while told.read(&mut reader).await.is_some() {}
    let members: Vec<(u32, u32)> = (1..150_000).map(|source| (source, 0)).collect();
    assert_eq!(told.lists, BTreeMap::from([(ListRef::reverse(Relation::Follow, UserId(0)), members)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_come_where_they_are_asked_for() {
    let (store, _) = open_with(&SimulatedDisk::new(), two_slots()).expect("new");
    // A list of three parts, of which the first has no weights of its own, and one without any.
    let weight = |source: u32| if source < 100_000 { 1.0 } else { f64::from(source) / 8.0 };
    let rows: String = (1..150_000).map(|source| format!("{source},0,{}\n", weight(source))).collect();
    tokio::task::block_in_place(|| import_csv(&store, &format!("source,target,weight\n0,1,1\n{rows}")));
    let service = GraphService::new(store);
    for weights in [false, true] {
        let mut reader = reader(&service, SnapshotRequest { weights, ..all() }).await;
        let mut lists = BTreeMap::new();
        while let Some(item) = reader.next().await.expect("the stream goes on") {
            if let SnapshotItem::List(list) = item {
                lists.insert(list.list, list);
            }
        }
        let long = &lists[&ListRef::reverse(Relation::Follow, UserId(0))];
        assert_eq!(long.edges.len(), 149_999);
        let expected: Vec<f64> =
            if weights { long.edges.iter().map(|edge| weight(edge.user.0)).collect() } else { Vec::new() };
        assert!(long.weights == expected, "{weights}");
        assert_eq!(lists[&ListRef::reverse(Relation::Follow, UserId(1))].weights, Vec::<f64>::new());
        assert_eq!(
            lists[&ListRef::forward(Relation::Follow, UserId(149_999))].weights,
            &expected[expected.len().saturating_sub(1)..]
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_request_is_named() {
    let service = with_users(3).await;
    let refused = async |request| failure(service.snapshot(Request::new(request)).await.map(|_| Response::new(())));
    let invalid = |field: &str| (Code::InvalidArgument, field.to_owned());
    assert_eq!(refused(SnapshotRequest { relations: vec![1, 7], ..all() }).await, invalid("relations[1]"));
    assert_eq!(refused(SnapshotRequest { relations: vec![1; 4], ..all() }).await, invalid("relations"));
    assert_eq!(refused(SnapshotRequest { direction: 9, ..all() }).await, invalid("direction"));
    assert_eq!(refused(SnapshotRequest { from_slot: 3, ..all() }).await, invalid("from_slot"));
    let gone = refused(SnapshotRequest { snapshot: "0123456789abcdef".to_owned(), ..all() }).await;
    assert_eq!(gone, (Code::NotFound, "snapshot".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_snapshots_are_open_at_once() {
    let service = with_users(1).await;
    let mut held = Vec::new();
    for _ in 0..SNAPSHOTS_MAX {
        held.push(opened(&service, &all()).await.expect("there is room"));
    }
    let status = opened(&service, &all()).await.err().expect("no room");
    assert_eq!(proto::status::from_status(&status).code(), Code::ResourceExhausted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_that_nobody_reads_are_let_go() {
    let (store, _) = open_with(&SimulatedDisk::new(), two_slots()).expect("new");
    let service = GraphService::with_snapshot_idle(store, Duration::from_millis(100));
    let mut held = Vec::new();
    for _ in 0..SNAPSHOTS_MAX {
        held.push(opened(&service, &all()).await.expect("there is room"));
    }
    drop(held);
    let started = Instant::now();
    while opened(&service, &all()).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(60), "none was let go");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_stops_ends_its_streams() {
    let (store, _) =
        open_with(&SimulatedDisk::new(), Options { slots: base::Slots::new(64), ..two_slots() }).expect("new");
    let service = GraphService::new(store);
    let mut stream = opened(&service, &all()).await.expect("there is room");
    stream.next().await.expect("a header").expect("a header");
    service.end_streams();
    // What waited to be taken comes still, but not all of it.
    let mut last = None;
    while let Some(message) = stream.next().await {
        last = Some(message);
    }
    if let Some(Err(error)) = last {
        assert_eq!(error.code(), Code::Unavailable);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_no_snapshot_is_told() {
    use graph::snapshot_response::Part;
    let header = Part::Header(graph::SnapshotHeader {
        snapshot: "s".to_owned(),
        revision: Some(Revision(5).into()),
        slots: 2,
        users: 10,
    });
    let list = |user, continued, gaps: Vec<u32>| {
        let lists = vec![graph::SnapshotList { user, continued, gaps, ..Default::default() }];
        Part::Lists(graph::SnapshotLists { relation: 1, direction: 1, lists })
    };
    let done = |slot| Part::SlotDone(graph::SnapshotSlotDone { slot });
    let read = async |parts: Vec<Part>| {
        let messages: Vec<Result<_, Error>> =
            parts.into_iter().map(|part| Ok(SnapshotResponse { part: Some(part) })).collect();
        let mut reader =
            SnapshotReader::new(futures::stream::iter(messages).boxed(), SnapshotRequest::default()).await?;
        while reader.next().await?.is_some() {}
        Ok::<(), Error>(())
    };
    let whole = vec![header.clone(), list(4, false, vec![1, 2]), list(4, true, vec![7, 2]), done(0), done(1)];
    read(whole).await.expect("a snapshot");
    let weighted = |weights: Vec<f64>| {
        let lists = vec![graph::SnapshotList { user: 4, gaps: vec![1, 2], weights, ..Default::default() }];
        Part::Lists(graph::SnapshotLists { relation: 1, direction: 1, lists })
    };
    let ids = |users: Vec<u32>| {
        let external_ids = users.iter().map(|user| u64::from(*user) + 100).collect();
        Part::ExternalIds(graph::SnapshotExternalIds { users, external_ids })
    };
    read(vec![header.clone(), ids(vec![0, 8]), done(0), ids(vec![9]), done(1)]).await.expect("a snapshot");
    for (wrong, code) in [
        // External ids of users of another slot, and of nobody, came through, and so did lists that have no members.
        (vec![header.clone(), ids(vec![0, 1]), done(0), done(1)], Code::Internal),
        (vec![header.clone(), ids(vec![10]), done(0), done(1)], Code::Internal),
        (vec![header.clone(), list(4, false, vec![]), done(0), done(1)], Code::Internal),
        // Nobody asked for weights.
        (vec![header.clone(), weighted(vec![1.5, 2.5])], Code::Internal),
        (vec![done(0)], Code::Internal),
        (vec![header.clone(), header.clone()], Code::Internal),
        (vec![header.clone(), done(1)], Code::Internal),
        (vec![header.clone(), list(5, false, vec![1])], Code::Internal),
        (vec![header.clone(), list(4, true, vec![1])], Code::Internal),
        (vec![header.clone(), list(4, false, vec![1, 0])], Code::Internal),
        (vec![header.clone(), list(4, false, vec![1, u32::MAX])], Code::Internal),
        (vec![header.clone(), list(4, false, vec![9, 1])], Code::Internal),
        (vec![header.clone(), list(4, false, vec![5]), list(4, true, vec![5])], Code::Internal),
        (vec![header.clone(), done(0)], Code::Unavailable),
        (vec![header, list(4, false, vec![5])], Code::Unavailable),
    ] {
        let told = read(wrong.clone()).await.expect_err("no snapshot");
        assert_eq!(told.code(), code, "{wrong:?}");
    }
}
