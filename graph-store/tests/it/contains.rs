//! Whom a list contains, asked one by one and in batches: the same, whatever form the list has and whatever changed since.

use std::collections::BTreeSet;

use base::disk::SimulatedDisk;
use base::{ListRef, Relation, UserId};
use graph_store::Store;
use graph_store::adjacency::HUB_ENTRIES;
use graph_store::log::Operation;
use graph_store::store::{BulkEdges, Change};

use crate::support::{NOW, change, open};

const USERS: u32 = 4 * HUB_ENTRIES as u32;
/// Users with a list of each form.
const HUB: u32 = 0;
const LOCAL: u32 = 1;
const SPREAD: u32 = 2;
const NOBODY: u32 = 3;

/// Followees of the hub, of somebody in a community with a few outside it, and of somebody ordinary.
fn followees(user: u32) -> BTreeSet<u32> {
    match user {
        HUB => (1..USERS).filter(|id| id % 3 > 0).collect(),
        LOCAL => (2000..2600).filter(|id| id % 4 > 0).chain((3000..USERS).step_by(997)).collect(),
        SPREAD => (10..USERS).step_by(61).collect(),
        _ => BTreeSet::new(),
    }
}

fn assert_contains(store: &Store, user: u32, expected: &BTreeSet<u32>) {
    let list = ListRef::forward(Relation::Follow, UserId(user));
    // In no order, and some of them twice.
    let asked: Vec<UserId> = (0..USERS).map(|i| UserId(i * 7919 % USERS)).chain([UserId(61), UserId(61)]).collect();
    let each = store.contains_each(list, &asked).expect("readable");
    let wrong = asked.iter().zip(each).find(|(id, contained)| expected.contains(&id.0) != *contained);
    assert_eq!(wrong, None, "in the list of {user}");
    for id in asked.into_iter().step_by(17) {
        assert_eq!(store.contains(list, id).expect("readable"), expected.contains(&id.0), "{id} in the list of {user}");
    }
}

#[test]
fn batches_are_right_in_lists_of_each_form_with_changes_above_them() {
    let disk = SimulatedDisk::new();
    let store = open(&disk);
    let mut lists: Vec<BTreeSet<u32>> = (HUB..=NOBODY).map(followees).collect();
    let edges = lists.iter().zip(0..).flat_map(|(list, user)| list.iter().map(move |id| (user, *id))).collect();
    let external_ids = (0..u64::from(USERS)).collect();
    store.import(BulkEdges { external_ids, edges, time: NOW, timed: vec![] }, &|_| {}).expect("the disk works");
    (HUB..).zip(&lists).for_each(|(user, list)| assert_contains(&store, user, list));

    for round in 0..3 {
        let mut changes: Vec<Change> = Vec::new();
        for (user, list) in (HUB..).zip(&mut lists) {
            for id in (100 + round..USERS).step_by(4093) {
                let operation = if list.remove(&id) { Operation::Remove } else { Operation::Add };
                if operation == Operation::Add {
                    list.insert(id);
                }
                changes.push(change(Relation::Follow, operation, user, id));
            }
        }
        store.apply_blocking(changes).expect("the disk works");
        (HUB..).zip(&lists).for_each(|(user, list)| assert_contains(&store, user, list));
        if round == 1 {
            store.compact().expect("the disk works");
        }
    }
}
