//! What a fuzzer calls: see [`fuzzing`](crate::fuzzing).

use base::{Direction, Edge, Error, ListRef, Relation, Revision, Slots, UserId};
use futures::executor::block_on;
use futures::stream::{self, StreamExt};
use prost::Message;
use proto::admin::{List, SnapshotItem, SnapshotReader};
use proto::graph::snapshot_response::Part;
use proto::graph::{
    self, SnapshotExternalIds, SnapshotHeader, SnapshotList, SnapshotLists, SnapshotRequest, SnapshotResponse,
    SnapshotSlotDone,
};

use crate::fuzzing::Input;

/// The stream of a snapshot. A byte whose lower bits say whether times and weights were asked for, and from which slot on;
/// then messages, each with its length before it (`u16`).
pub(crate) fn snapshot(input: &[u8]) {
    let mut input = Input(input);
    let asked = input.number::<1>() as u32;
    let request = SnapshotRequest {
        times: asked & 1 == 1,
        weights: asked & 2 == 2,
        from_slot: asked >> 2,
        ..SnapshotRequest::default()
    };
    let mut messages = vec![];
    while !input.0.is_empty() {
        let len = input.number::<2>() as usize;
        let message = SnapshotResponse::decode(input.take(len));
        messages.push(message.map_err(|_| Error::internal("no message")));
    }
    let Some((reader, items, ended)) = read(messages, &request) else { return };
    let mut slot = request.from_slot;
    for item in &items {
        match item {
            SnapshotItem::ExternalIds(pairs) => pairs.iter().for_each(|(user, _)| assert_is_told(&reader, *user, slot)),
            SnapshotItem::List(list) => assert_is_a_list(&reader, list, &request, slot),
            SnapshotItem::SlotDone(done) => {
                assert_eq!(u32::from(done.0), slot, "slot by slot");
                slot += 1;
            }
        }
    }
    assert_eq!(reader.resume().from_slot, slot, "the slot to go on from");
    if ended {
        assert_eq!(slot, u32::from(reader.slots().count()), "all slots");
        let again = messages_of(&reader, &items, &request).into_iter().map(Ok).collect();
        let (_, again, ended) = read(again, &request).expect("a header");
        assert!(again == items && ended, "told again");
    }
}

/// Reads a stream to its end, or to what is wrong with it; whether it ended as it should.
fn read(
    messages: Vec<Result<SnapshotResponse, Error>>,
    request: &SnapshotRequest,
) -> Option<(SnapshotReader, Vec<SnapshotItem>, bool)> {
    let stream = stream::iter(messages).boxed();
    let mut reader = block_on(SnapshotReader::new(stream, request.clone())).ok()?;
    let mut items = vec![];
    loop {
        match block_on(reader.next()) {
            Ok(Some(item)) => items.push(item),
            ended => return Some((reader, items, ended.is_ok())),
        }
    }
}

/// Panics unless this is somebody whom the slot at hand tells of.
fn assert_is_told(reader: &SnapshotReader, user: UserId, slot: u32) {
    assert!(user.0 < reader.users(), "a user that was given out");
    assert_eq!(u32::from(reader.slots().slot_of(user).0), slot, "a user of the slot");
}

fn assert_is_a_list(reader: &SnapshotReader, list: &List, request: &SnapshotRequest, slot: u32) {
    let List { list: ListRef { user, .. }, edges, weights } = list;
    assert_is_told(reader, *user, slot);
    assert!(!edges.is_empty(), "a list that has members");
    assert!(edges.is_sorted_by(|a, b| a.user < b.user), "members by id");
    assert!(edges.iter().all(|edge| edge.user.0 < reader.users()), "members that were given out");
    assert!(request.times || edges.iter().all(|edge| edge.time == 0), "times that nobody asked for");
    assert!(weights.is_empty() || request.weights && weights.len() == edges.len(), "a weight for each edge");
    assert!(weights.iter().all(|weight| weight.is_finite()), "weights are finite");
}

/// The messages that tell these items.
fn messages_of(reader: &SnapshotReader, items: &[SnapshotItem], request: &SnapshotRequest) -> Vec<SnapshotResponse> {
    let header = SnapshotHeader {
        snapshot: reader.resume().snapshot,
        revision: Some(reader.revision().into()),
        slots: reader.slots().count().into(),
        users: reader.users(),
    };
    let parts = items.iter().map(|item| match item {
        SnapshotItem::ExternalIds(pairs) => {
            let (users, external_ids) = pairs.iter().map(|(user, external_id)| (user.0, *external_id)).unzip();
            Part::ExternalIds(SnapshotExternalIds { users, external_ids })
        }
        SnapshotItem::List(list) => Part::Lists(lists_of(list, request)),
        SnapshotItem::SlotDone(slot) => Part::SlotDone(SnapshotSlotDone { slot: slot.0.into() }),
    });
    std::iter::once(Part::Header(header)).chain(parts).map(|part| SnapshotResponse { part: Some(part) }).collect()
}

/// A list in two parts, where it has so many members.
fn lists_of(list: &List, request: &SnapshotRequest) -> SnapshotLists {
    let List { list: ListRef { relation, direction, user }, edges, weights } = list;
    let middle = edges.len().div_ceil(2);
    let parts = edges.chunks(middle.max(1)).enumerate().map(|(number, part)| {
        let ids = part.iter().map(|edge| edge.user.0);
        let gaps = std::iter::once(0).chain(ids.clone()).zip(ids).map(|(before, id)| id - before).collect();
        let times = part.iter().filter(|_| request.times).map(|edge| edge.time).collect();
        let weights = weights.chunks(middle.max(1)).nth(number).unwrap_or_default().to_vec();
        SnapshotList { user: user.0, continued: number > 0, gaps, times, weights }
    });
    SnapshotLists {
        relation: graph::Relation::from(*relation) as i32,
        direction: graph::Direction::from(*direction) as i32,
        lists: parts.collect(),
    }
}

/// A snapshot of two slots, without times and weights and with them, and what is left of it from the second slot on.
pub(crate) fn snapshot_seeds() -> Vec<Vec<u8>> {
    let list = |direction, user, ids: &[u32], weights: &[f64]| {
        let list = ListRef { relation: Relation::Follow, direction, user: UserId(user) };
        let edges = ids.iter().map(|id| Edge { user: UserId(*id), time: 1_700_000_000 + id }).collect();
        SnapshotItem::List(List { list, edges, weights: weights.to_vec() })
    };
    let slots = Slots::new(2).expect("two");
    let items = [
        SnapshotItem::ExternalIds(vec![(UserId(0), 77), (UserId(4), u64::MAX)]),
        list(Direction::Forward, 0, &[1, 2, 900], &[0.5, 1.0, -3.0]),
        list(Direction::Reverse, 2, &[0], &[0.5]),
        SnapshotItem::SlotDone(base::Slot(0)),
        list(Direction::Reverse, 1, &[0, 3], &[]),
        SnapshotItem::SlotDone(base::Slot(1)),
    ];
    let seeds = [(0, &items[..]), (3, &items), (1 << 2, &items[4..])].into_iter().map(|(asked, items)| {
        let request = SnapshotRequest { times: asked & 1 == 1, weights: asked & 2 == 2, ..SnapshotRequest::default() };
        let header = SnapshotHeader {
            snapshot: "s".to_owned(),
            revision: Some(Revision(12).into()),
            slots: slots.count().into(),
            users: 1000,
        };
        let header = SnapshotResponse { part: Some(Part::Header(header)) };
        let reader = block_on(SnapshotReader::new(stream::iter([Ok(header)]).boxed(), request.clone()));
        let mut items = items.to_vec();
        for item in &mut items {
            if let SnapshotItem::List(list) = item
                && !request.weights
            {
                list.weights.clear();
            }
        }
        let mut seed = vec![asked];
        for message in messages_of(&reader.expect("a header"), &items, &request) {
            let message = message.encode_to_vec();
            seed.extend((message.len() as u16).to_le_bytes());
            seed.extend(message);
        }
        seed
    });
    seeds.collect()
}
