//! A snapshot is the graph at its revision, whatever happens to the store meanwhile.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use base::disk::{Disk, SimulatedDisk};
use base::{Direction, ListRef, Relation, UserId};
use graph_store::log::{Operation, Record};
use graph_store::store::{BulkEdges, Change, Snapshot, Wanted};
use graph_store::{Options, Store};

use crate::support::{Contents, Model, NOW, all_lists, change, contents_of, open_with, two_slots, with_users};

const USERS: u32 = 40;

/// Every list as the snapshot has it.
fn contents(snapshot: &Snapshot) -> Contents {
    let edges = |list| {
        let edges: Vec<(u32, u32)> =
            snapshot.edges(list).expect("readable").iter().map(|edge| (edge.user.0, edge.time)).collect();
        // Whoever asks for less gets the same.
        let mut ids = vec![7];
        snapshot.ids_into(list, &mut ids).expect("readable");
        assert!(ids.iter().eq(edges.iter().map(|(id, _)| id)), "{list:?}: {ids:?}");
        assert_eq!(snapshot.count(list).expect("readable"), edges.len() as u64, "{list:?}");
        edges
    };
    for relation in Relation::ALL {
        let lists = snapshot.lists(relation, Direction::Forward);
        let edges: usize = lists.map(|list| list.expect("readable").1.len()).sum();
        assert_eq!(snapshot.edge_count(relation), edges as u64, "{relation:?}");
    }
    all_lists(snapshot.users()).map(|list| (list, edges(list))).collect()
}

/// What the log says of the graph up to a revision.
fn model_at(store: &Store, snapshot: &Snapshot) -> Model {
    let mut model = Model::default();
    for (revision, record) in store.records_after(base::Revision::ZERO, usize::MAX).expect("nothing was trimmed") {
        if let Record::Change { relation, operation, source, target, time, .. } = record
            && revision <= snapshot.revision()
        {
            model.apply(&Change { relation, operation, source, target, time });
        }
    }
    model
}

/// The `number`th change of a long story.
fn step(number: u32) -> Change {
    let (source, target) = (number % USERS, (number / USERS + number + 1) % USERS);
    let relation = Relation::ALL[usize::from(number.is_multiple_of(11)) + usize::from(number.is_multiple_of(17))];
    let operation = if number.is_multiple_of(5) { Operation::Remove } else { Operation::Add };
    change(relation, operation, source, if target == source { (target + 1) % USERS } else { target })
}

#[test]
fn a_snapshot_taken_under_writes_and_compactions_is_the_graph_at_its_revision() {
    let disk = SimulatedDisk::new();
    // Nothing of the log goes, so that it tells afterwards what there was.
    let options = Options { overlay_bytes: 20_000, log_file_bytes: 1 << 30, ..two_slots() };
    let (store, _) = open_with(&disk, options).expect("an empty disk");
    store.allocate_blocking(Wanted::Count(USERS), String::new()).expect("the disk works");
    let done = AtomicBool::new(false);
    let snapshots: Vec<Snapshot> = thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                // Full overlays are told, and what they refuse is no part of the story.
                let _ = store.apply_blocking(vec![step(number)]);
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        let take = |number: u64| {
            while store.revision().0 < number * 20 {
                thread::yield_now();
            }
            store.snapshot().expect("the disk works")
        };
        let snapshots = (1..=30).map(take).collect();
        done.store(true, Ordering::Relaxed);
        snapshots
    });
    store.compact().expect("the disk works");
    for snapshot in &snapshots {
        let expected = contents_of(&model_at(&store, snapshot), USERS);
        assert_eq!(contents(snapshot), expected, "at {}", snapshot.revision().0);
    }
    store.close();
    let last = snapshots.last().expect("thirty");
    assert_eq!(contents(last), contents_of(&model_at(&store, last), USERS), "also of a store that is closed");
}

#[test]
fn lists_come_by_user_and_without_those_that_are_empty() {
    let disk = SimulatedDisk::new();
    let store = with_users(&disk, 6);
    let follow = |operation, source, target| change(Relation::Follow, operation, source, target);
    let changes = [(5, 0), (3, 1), (3, 0), (2, 4)].map(|(source, target)| follow(Operation::Add, source, target));
    store.apply_blocking(changes.to_vec()).expect("the disk works");
    store.compact().expect("the disk works");
    store.apply_blocking(vec![follow(Operation::Remove, 2, 4), follow(Operation::Add, 0, 4)]).expect("the disk works");
    let snapshot = store.snapshot().expect("the disk works");
    let lists = |direction| -> Vec<(u32, Vec<u32>)> {
        let lists = snapshot.lists(Relation::Follow, direction).map(|list| list.expect("readable"));
        lists.map(|(user, edges)| (user.0, edges.iter().map(|edge| edge.user.0).collect())).collect()
    };
    assert_eq!(lists(Direction::Forward), [(0, vec![4]), (3, vec![0, 1]), (5, vec![0])]);
    assert_eq!(lists(Direction::Reverse), [(0, vec![3, 5]), (1, vec![3]), (4, vec![0])]);
}

#[test]
fn snapshots_without_end_do_not_pile_up_what_they_freeze() {
    let disk = SimulatedDisk::new();
    let store = with_users(&disk, 60);
    let segments = || disk.names(Path::new("graph/segments")).expect("a folder").len();
    let mut snapshots = Vec::new();
    for target in 2..60 {
        store
            .apply_blocking(vec![change(Relation::Follow, Operation::Add, target % 2, target)])
            .expect("the disk works");
        snapshots.push(store.snapshot().expect("the disk works"));
        assert!(target > 15 || segments() == 0, "written out far too early");
    }
    assert!(segments() > 0, "what sixteen snapshots froze was written out");
    for (snapshot, count) in snapshots.iter().zip(1..) {
        let lists = snapshot.lists(Relation::Follow, Direction::Forward).map(|list| list.expect("readable").1.len());
        assert_eq!(lists.sum::<usize>(), count);
    }
}

#[test]
fn an_import_does_not_change_a_snapshot() {
    let disk = SimulatedDisk::new();
    let store = with_users(&disk, 3);
    store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 0, 1)]).expect("the disk works");
    let snapshot = store.snapshot().expect("the disk works");
    let bulk = BulkEdges { external_ids: vec![70, 80], edges: vec![(0, 1)], time: NOW, timed: vec![] };
    store.import(bulk, &|_| {}).expect("the disk works");
    assert_eq!((snapshot.users(), snapshot.external_id(UserId(3))), (3, None));
    assert_eq!(store.snapshot().expect("the disk works").external_id(UserId(3)), Some(70));
    let edges = snapshot.edges(ListRef::forward(Relation::Follow, UserId(0))).expect("readable");
    assert_eq!(edges.iter().map(|edge| edge.user.0).collect::<Vec<_>>(), [1]);
}
