//! The store equals a graph in plain maps, whatever is done to it and however often it is compacted and reopened.

use std::collections::BTreeMap;

use base::disk::SimulatedDisk;
use base::{ListRef, Relation, Revision};
use graph_store::log::Operation;
use graph_store::store::{BulkEdges, Change};
use proptest::prelude::*;

use crate::support::{Model, NOW, all_lists, assert_same, change, open, with_users};

const USERS: u32 = 8;

#[derive(Clone, Debug)]
enum Step {
    Apply(Vec<Change>),
    Compact,
    Reopen,
    PowerCut(u64),
    Import(Vec<(u32, u32)>),
}

fn any_change() -> impl Strategy<Value = Change> {
    (0..3u8, any::<bool>(), 0..USERS, 1..USERS, 0..1000u32).prop_map(|(relation, removal, source, step, age)| {
        let relation = Relation::from_number(relation).expect("one of three");
        let operation = if removal { Operation::Remove } else { Operation::Add };
        Change { time: NOW - age, ..change(relation, operation, source, (source + step) % USERS) }
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let edge = (0..USERS, 1..USERS).prop_map(|(source, step)| (source, (source + step) % USERS));
    prop_oneof![
        12 => prop::collection::vec(any_change(), 1..12).prop_map(Step::Apply),
        2 => Just(Step::Compact),
        2 => Just(Step::Reopen),
        1 => any::<u64>().prop_map(Step::PowerCut),
        1 => prop::collection::vec(edge, 0..10).prop_map(Step::Import),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn the_store_equals_plain_maps(steps in prop::collection::vec(any_step(), 1..30)) {
        let mut disk = SimulatedDisk::new();
        let mut store = with_users(&disk, USERS);
        let mut model = Model::default();
        let mut versions = BTreeMap::<ListRef, Revision>::new();
        for step in steps {
            let before = model.clone();
            match step {
                Step::Apply(changes) => {
                    let applied = store.apply_blocking(changes.clone()).expect("the disk works");
                    let outcomes: Vec<_> = changes.iter().map(|change| model.apply(change)).collect();
                    prop_assert_eq!(applied.outcomes, outcomes);
                    prop_assert_eq!(applied.revision, store.revision());
                }
                Step::Compact => {
                    store.compact().expect("the disk works");
                }
                Step::Reopen => {
                    drop(store);
                    store = open(&disk);
                }
                Step::PowerCut(seed) => {
                    disk = disk.after_power_cut(seed);
                    store = open(&disk);
                }
                Step::Import(edges) => {
                    // External ids are given to people of their own: the import finds none of those who are there.
                    let people = (0..USERS).map(|user| 1000 + u64::from(user)).collect();
                    let bulk = BulkEdges { external_ids: people, edges: edges.clone(), time: NOW, timed: vec![] };
                    let first = store.users();
                    let known = store.users_with_external_ids(&[1000])[0].map_or(first, |user| user.0);
                    let report = store.import(bulk, &|_| {}).expect("the disk works");
                    let adds = edges.iter().map(|(source, target)| {
                        model.apply(&change(Relation::Follow, Operation::Add, known + source, known + target))
                    });
                    let added = adds.filter(|outcome| *outcome == graph_store::store::Outcome::Changed).count();
                    prop_assert_eq!(report.added, added as u64);
                }
            }
            for list in all_lists(store.users()) {
                let version = store.version(list).expect("readable");
                let last = versions.insert(list, version).unwrap_or_default();
                let changed = model.edges(list) != before.edges(list);
                prop_assert!(if changed { version > last } else { version >= last }, "{:?} at {:?}", list, version);
                prop_assert!(version <= store.revision());
            }
        }
        assert_same(&store, &model);
        let report = store.check(&|_| {});
        prop_assert!(report.is_clean(), "{:?}", report);
    }
}

#[test]
fn a_version_is_the_revision_of_the_last_change_and_compaction_leaves_it_alone() {
    let disk = SimulatedDisk::new();
    let store = with_users(&disk, 4);
    let follow = |source, target| {
        let changes = vec![change(Relation::Follow, Operation::Add, source, target)];
        store.apply_blocking(changes).expect("the disk works").revision
    };
    let (first, second) = (follow(0, 1), follow(2, 1));
    let version = |list| store.version(list).expect("readable");
    let expect = || {
        assert_eq!(version(ListRef::forward(Relation::Follow, base::UserId(0))), first);
        assert_eq!(version(ListRef::reverse(Relation::Follow, base::UserId(1))), second);
        assert_eq!(version(ListRef::forward(Relation::Follow, base::UserId(3))), Revision::ZERO);
    };
    expect();
    store.compact().expect("the disk works");
    expect();
    // A repeated follow changes nothing, and so no version.
    assert_eq!(follow(0, 1), second);
    expect();
}
