//! A graph in plain maps, and stores on a disk in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use base::clock::ManualClock;
use base::disk::{Disk, SimulatedDisk};
use base::{Direction, ListRef, Relation, Slots, UserId};
use graph_store::import::format::Format;
use graph_store::import::{Import, import};
use graph_store::log::Operation;
use graph_store::store::{Change, Outcome, Wanted};
use graph_store::{Options, Recovery, Store, StoreError};

/// Seconds since 1970 that the stores' clock shows.
pub(crate) const NOW: u32 = 1_800_000_000;

pub(crate) fn two_slots() -> Options {
    Options { slots: Slots::new(2), ..Options::default() }
}

pub(crate) fn open_with(disk: &SimulatedDisk, options: Options) -> Result<(Store, Recovery), StoreError> {
    open_on(Arc::new(disk.clone()), options)
}

pub(crate) fn open_on(disk: Arc<dyn Disk>, options: Options) -> Result<(Store, Recovery), StoreError> {
    let clock = Arc::new(ManualClock::new(u64::from(NOW) * 1000));
    Store::open(disk, clock, Path::new("graph"), options)
}

pub(crate) fn open(disk: &SimulatedDisk) -> Store {
    open_with(disk, two_slots()).map(|(store, _)| store).expect("the store is whole")
}

/// A store with so many users.
pub(crate) fn with_users(disk: &SimulatedDisk, users: u32) -> Store {
    let store = open(disk);
    store.allocate_blocking(Wanted::Count(users), String::new()).expect("the disk works");
    store
}

/// Imports the rows of a CSV file, the first of which names the columns.
pub(crate) fn import_csv(store: &Store, rows: &str) {
    let file = tempfile::NamedTempFile::new().expect("a file can be made");
    std::fs::write(file.path(), rows).expect("a file can be written");
    let what = Import { edges: file.path().to_owned(), format: Some(Format::Csv), ..Import::default() };
    import(store, &what, &|_| {}).expect("well-formed");
}

/// Lists with the weights of their members.
pub(crate) type Weights = Vec<(ListRef, Vec<f64>)>;

/// The weights of every list that has others than 1.
pub(crate) fn weights(store: &Store) -> Weights {
    let snapshot = store.snapshot().expect("the disk works");
    let weights = |list| {
        let edges = snapshot.edges(list).expect("readable");
        (list, snapshot.weights(list, &edges).expect("readable"))
    };
    all_lists(store.users()).map(weights).filter(|(_, weights)| !weights.is_empty()).collect()
}

pub(crate) fn change(relation: Relation, operation: Operation, source: u32, target: u32) -> Change {
    Change { relation, operation, source: UserId(source), target: UserId(target), time: NOW }
}

/// The graph as plain maps: for each relation, whom each user follows, blocks, mutes, and since when.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Model {
    forward: [BTreeMap<u32, BTreeSet<u32>>; 3],
    times: BTreeMap<(u8, u32, u32), u32>,
}

impl Model {
    pub(crate) fn has(&self, relation: Relation, source: u32, target: u32) -> bool {
        self.forward[relation as usize].get(&source).is_some_and(|targets| targets.contains(&target))
    }

    /// Does what the change asks for, as the rules have it.
    pub(crate) fn apply(&mut self, change: &Change) -> Outcome {
        let Change { relation, operation, source: UserId(source), target: UserId(target), time } = *change;
        if self.has(relation, source, target) == (operation == Operation::Add) {
            return Outcome::Unchanged;
        }
        if operation == Operation::Remove {
            self.remove(relation, source, target);
            return Outcome::Changed;
        }
        let blocked = self.has(Relation::Block, source, target) || self.has(Relation::Block, target, source);
        if relation == Relation::Follow && blocked {
            return Outcome::Blocked;
        }
        if relation == Relation::Block {
            self.remove(Relation::Follow, source, target);
            self.remove(Relation::Follow, target, source);
        }
        self.forward[relation as usize].entry(source).or_default().insert(target);
        self.times.insert((relation as u8, source, target), time);
        Outcome::Changed
    }

    fn remove(&mut self, relation: Relation, source: u32, target: u32) {
        if let Some(targets) = self.forward[relation as usize].get_mut(&source) {
            targets.remove(&target);
        }
        self.times.remove(&(relation as u8, source, target));
    }

    /// A list with its times, by id.
    pub(crate) fn edges(&self, list: ListRef) -> Vec<(u32, u32)> {
        let of_relation = self.times.iter().filter(|((relation, _, _), _)| *relation == list.relation as u8);
        let edges = of_relation.filter_map(|((_, source, target), time)| match list.direction {
            Direction::Forward => (*source == list.user.0).then_some((*target, *time)),
            Direction::Reverse => (*target == list.user.0).then_some((*source, *time)),
        });
        let mut edges: Vec<_> = edges.collect();
        edges.sort_unstable();
        edges
    }
}

/// Every list of so many users.
pub(crate) fn all_lists(users: u32) -> impl Iterator<Item = ListRef> {
    let of_user = |user| {
        Relation::ALL.into_iter().flat_map(move |relation| {
            Direction::ALL.map(|direction| ListRef { relation, direction, user: UserId(user) })
        })
    };
    (0..users).flat_map(of_user)
}

/// Lists with their members: ids and times.
pub(crate) type Contents = Vec<(ListRef, Vec<(u32, u32)>)>;

/// Every list as the store has it.
pub(crate) fn contents(store: &Store) -> Result<Contents, StoreError> {
    let read = |list: ListRef| {
        let edges = store.edges(list)?;
        Ok((list, edges.into_iter().map(|edge| (edge.user.0, edge.time)).collect()))
    };
    all_lists(store.users()).map(read).collect()
}

/// The same as the model has it.
pub(crate) fn contents_of(model: &Model, users: u32) -> Contents {
    all_lists(users).map(|list| (list, model.edges(list))).collect()
}

/// Panics unless the store has what the model has, whichever way one asks.
pub(crate) fn assert_same(store: &Store, model: &Model) {
    for (list, expected) in contents_of(model, store.users()) {
        let edges: Vec<_> = store.edges(list).expect("readable").iter().map(|edge| (edge.user.0, edge.time)).collect();
        assert_eq!(edges, expected, "{list:?}");
        let ids: Vec<u32> = expected.iter().map(|(id, _)| *id).collect();
        assert_eq!(store.members(list).expect("readable").iter().collect::<Vec<_>>(), ids, "{list:?}");
        assert_eq!(store.ids(list).expect("readable"), ids, "{list:?}");
        assert_eq!(store.count(list).expect("readable"), ids.len() as u64, "{list:?}");
        // All users at once, and few: the list is read, or they are looked up in it.
        for step in [1, 3, 200] {
            let within: Vec<u32> = (0..store.users()).step_by(step).collect();
            let mut common = Vec::new();
            store.each_common(list, &within, &mut |id| common.push(id)).expect("readable");
            assert_eq!(common, ids.iter().copied().filter(|id| id % step as u32 == 0).collect::<Vec<_>>(), "{list:?}");
        }
        for id in 0..store.users() {
            let contained = store.contains(list, UserId(id)).expect("readable");
            assert_eq!(contained, ids.binary_search(&id).is_ok(), "{list:?} and {id}");
        }
        // In no order, and some of them twice.
        let asked: Vec<UserId> = (0..store.users()).rev().chain(0..store.users()).map(UserId).collect();
        let each: Vec<bool> = asked.iter().map(|user| ids.binary_search(&user.0).is_ok()).collect();
        assert_eq!(store.contains_each(list, &asked).expect("readable"), each, "{list:?}");
    }
}
