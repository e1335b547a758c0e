//! With the power cut at any write and any sync, what was acknowledged is there and nothing is half done.

use std::sync::{Arc, Mutex};
use std::thread;

use base::disk::SimulatedDisk;
use base::{ListRef, Relation, UserId};
use graph_store::log::Operation;
use graph_store::store::{BulkEdges, BulkError, Change, Wanted};
use graph_store::{Store, StoreError};

use crate::asking_disk::AskingDisk;
use crate::support::{Model, NOW, all_lists, change, contents, contents_of, open, open_on, open_with, two_slots};

const USERS: u32 = 6;

/// What was done to a store, as the model has it: the last state may have been acknowledged or not.
#[derive(Default)]
struct Story(Vec<Model>);

impl Story {
    /// The next state, known before it is known whether it counts.
    fn expect(&mut self, changes: &[Change]) {
        let mut next = self.0.last().cloned().unwrap_or_default();
        changes.iter().for_each(|change| {
            next.apply(change);
        });
        self.0.push(next);
    }

    fn apply(&mut self, store: &Store, steps: &[(Relation, Operation, u32, u32)]) -> Result<(), StoreError> {
        for (relation, operation, source, target) in steps {
            let change = change(*relation, *operation, *source, *target);
            self.expect(&[change]);
            store.apply_blocking(vec![change])?;
        }
        Ok(())
    }

    /// Does something of everything, up to the first step that fails.
    fn run(&mut self, disk: &SimulatedDisk) -> Result<(), StoreError> {
        use Operation::{Add, Remove};
        use Relation::{Block, Follow, Mute};
        let external_ids: Vec<u64> = (0..u64::from(USERS)).collect();
        let (store, _) = open_with(disk, two_slots())?;
        store.allocate_blocking(Wanted::ExternalIds(external_ids.clone()), String::new())?;
        self.apply(&store, &[(Follow, Add, 0, 1), (Follow, Add, 1, 0), (Mute, Add, 2, 3), (Follow, Add, 4, 5)])?;
        store.compact()?;
        self.apply(&store, &[(Block, Add, 1, 0), (Follow, Remove, 4, 5), (Follow, Add, 5, 4)])?;
        drop(store);
        let (store, _) = open_with(disk, two_slots())?;
        store.compact()?;
        let edges = vec![(2, 1), (3, 1), (0, 1)];
        self.expect(&edges.iter().map(|(source, target)| change(Follow, Add, *source, *target)).collect::<Vec<_>>());
        let bulk = BulkEdges { external_ids, edges, time: NOW, timed: vec![] };
        store.import(bulk, &|_| {}).map_err(in_store)?;
        self.apply(&store, &[(Follow, Add, 5, 0), (Follow, Remove, 2, 1)])?;
        store.compact()?;
        Ok(())
    }
}

impl Story {
    /// Panics unless the disk holds all that was acknowledged. The step under way when the power went may have happened
    /// or not, and nothing in between.
    fn assert_is_in(&self, disk: &SimulatedDisk, case: &str) {
        let store = open(disk);
        let found = contents(&store).expect("readable");
        let nothing = Model::default();
        let possible = self.0.iter().rev().take(2).chain(self.0.len().lt(&2).then_some(&nothing));
        let same = possible.into_iter().any(|model| contents_of(model, store.users()) == found);
        assert!(same, "{case}: {found:?}");
        let report = store.check(&|_| {});
        assert!(report.is_clean(), "{case}: {report:?}");
    }
}

/// What a disk that says no does to an import.
fn in_store(error: BulkError) -> StoreError {
    match error {
        BulkError::Store(error) => error,
        BulkError::Segment(error) => error.into(),
        other => panic!("not the disk's: {other}"),
    }
}

#[test]
fn with_the_power_cut_at_every_write_and_sync_nothing_acknowledged_is_lost() {
    let whole = SimulatedDisk::new();
    Story::default().run(&whole).expect("nothing was cut");
    for operations in 0..whole.operations() {
        let disk = SimulatedDisk::new();
        disk.cut_power_after(operations);
        let mut story = Story::default();
        let failed = story.run(&disk).is_err();
        assert!(failed || operations + 3 > whole.operations(), "the cut after {operations} was not felt");
        for seed in 0..4 {
            story.assert_is_in(&disk.after_power_cut(seed), &format!("cut after {operations}, seed {seed}"));
        }
    }
}

/// Compacts twice, and before everything that a compaction does on the disk a change is made.
fn compact_among_writes(disk: &SimulatedDisk) -> (Story, Result<(), StoreError>) {
    type Change = Box<dyn FnMut() + Send>;
    let compacting = thread::current().id();
    let between: Arc<Mutex<Option<Change>>> = Arc::default();
    let asked = between.clone();
    let asking = AskingDisk::new(disk.clone(), move |_| {
        // Taken out meanwhile: what the change does on the disk asks, too, in other threads.
        let change = (thread::current().id() == compacting).then(|| asked.lock().expect("no panic").take()).flatten();
        if let Some(mut change) = change {
            change();
            *asked.lock().expect("no panic") = Some(change);
        }
        Ok(())
    });
    let story = Arc::new(Mutex::new(Story::default()));
    let done = || -> Result<(), StoreError> {
        let store = open_on(Arc::new(asking), two_slots())?.0;
        store.allocate_blocking(Wanted::Count(USERS), String::new())?;
        story.lock().expect("no panic").apply(&store, &[(Relation::Follow, Operation::Add, 0, 1)])?;
        let (writing, told) = (store.clone(), story.clone());
        let mut number = 0;
        let mut is_over = false;
        *between.lock().expect("no panic") = Some(Box::new(move || {
            let (source, step) = (number % USERS, number / USERS % (USERS - 1) + 1);
            // Every edge in turn, there and away again.
            let edges = USERS * (USERS - 1);
            let operation = if (number / edges).is_multiple_of(2) { Operation::Add } else { Operation::Remove };
            let steps = [(Relation::Mute, operation, source, (source + step) % USERS)];
            is_over = is_over || told.lock().expect("no panic").apply(&writing, &steps).is_err();
            number += 1;
        }));
        let compacted = store.compact().and_then(|_| store.compact());
        // The change holds the store, and the store's disk the change.
        between.lock().expect("no panic").take();
        compacted.map(drop)
    };
    let done = done();
    let story = std::mem::take(&mut *story.lock().expect("no panic"));
    (story, done)
}

#[test]
fn with_the_power_cut_anywhere_in_a_compaction_among_writes_nothing_acknowledged_is_lost() {
    let whole = SimulatedDisk::new();
    let (story, done) = compact_among_writes(&whole);
    done.expect("nothing was cut");
    assert!(story.0.len() > 40, "only {} changes were made", story.0.len());
    for operations in 0..whole.operations() {
        let disk = SimulatedDisk::new();
        disk.cut_power_after(operations);
        let (story, _) = compact_among_writes(&disk);
        // One of many ways to lose what was not synced, another one for each cut.
        story.assert_is_in(&disk.after_power_cut(operations), &format!("cut after {operations}"));
    }
}

/// Follows, a compaction and an import, of which one operation of the disk fails; who follows whom by what was
/// acknowledged.
fn follow_while_one_fails(disk: &SimulatedDisk, fail_after: Option<u64>) -> Vec<(u32, u32)> {
    let external_ids: Vec<u64> = (0..u64::from(USERS)).collect();
    let store = open(disk);
    let mut acknowledged = Vec::new();
    let mut follow = |source, target| {
        if store.apply_blocking(vec![change(Relation::Follow, Operation::Add, source, target)]).is_ok() {
            acknowledged.push((source, target));
        }
    };
    store.allocate_blocking(Wanted::ExternalIds(external_ids.clone()), String::new()).expect("the disk works");
    follow(0, 1);
    if let Some(operations) = fail_after {
        disk.fail_once_after(operations);
    }
    // What fails is told, and what matters here is what comes after it.
    let _ = store.compact();
    follow(4, 1);
    let edges = vec![(2, 1), (3, 1)];
    let _ = store.import(BulkEdges { external_ids, edges, time: NOW, ..BulkEdges::default() }, &|_| {});
    follow(5, 1);
    drop(store);
    // What has not failed by now is not to fail when the store is opened.
    disk.fail_once_after(u64::MAX);
    acknowledged
}

// A manifest that was renamed and not made certain committed an import that the store did not know of; the changes
// acknowledged after it had the import's revision, and were gone at the next open.
#[test]
fn whatever_fails_once_nothing_acknowledged_afterwards_is_lost() {
    use Relation::Follow;
    let whole = SimulatedDisk::new();
    assert_eq!(follow_while_one_fails(&whole, None), [(0, 1), (4, 1), (5, 1)]);
    for operations in 0..whole.operations() {
        let disk = SimulatedDisk::new();
        let acknowledged = follow_while_one_fails(&disk, Some(operations));
        let killed = std::iter::once(disk.clone());
        for (cut, disk) in killed.chain((0..4).map(|seed| disk.after_power_cut(seed))).enumerate() {
            let store = open(&disk);
            for (source, target) in &acknowledged {
                let list = ListRef::forward(Follow, UserId(*source));
                let kept = store.contains(list, UserId(*target)).expect("readable");
                assert!(kept, "{source} follows {target}, failure after {operations}, {cut}");
            }
            let report = store.check(&|_| {});
            assert!(report.is_clean(), "failure after {operations}, {cut}: {report:?}");
        }
    }
}

// What was written and could not be synced is in the machine's cache, where the next process finds it: it was shown, changes
// that were made again counted as made, compactions named it, and a power cut then took it away, or all of the store.
#[test]
fn what_an_open_has_found_survives_a_power_cut_after_it() {
    let whole = SimulatedDisk::new();
    follow_while_one_fails(&whole, None);
    for operations in 0..whole.operations() {
        for compacts in [false, true] {
            let disk = SimulatedDisk::new();
            follow_while_one_fails(&disk, Some(operations));
            let what = format!("failure after {operations}, compacted {compacts}");
            let store = open(&disk);
            if compacts {
                store.compact().expect("the disk works");
            }
            for source in 2..USERS.min(store.users()) {
                let again = vec![change(Relation::Follow, Operation::Add, source, 1)];
                store.apply_blocking(again).expect("the disk works");
            }
            let (found, revision) = (contents(&store).expect("readable"), store.revision());
            for seed in 0..8 {
                let store = open(&disk.after_power_cut(seed));
                assert_eq!(store.revision(), revision, "{what}, {seed}");
                assert!(contents(&store).expect("readable") == found, "{what}, {seed}");
            }
        }
    }
}

#[test]
fn after_a_failed_write_the_store_refuses_writes_and_goes_on_reading() {
    let disk = SimulatedDisk::new();
    let store = crate::support::with_users(&disk, USERS);
    store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 0, 1)]).expect("the disk works");
    disk.cut_power_after(0);
    for _ in 0..2 {
        let refused = store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 0, 2)]).expect_err("no disk");
        assert_eq!(base::Error::from(refused).code(), base::Code::ReadOnly);
    }
    assert_eq!(all_lists(USERS).map(|list| store.count(list).expect("readable")).sum::<u64>(), 2);
}
