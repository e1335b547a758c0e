//! Many writers, readers and compactions at once: each writer reads its own writes, and nothing is lost.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use base::clock::SystemClock;
use base::disk::RealDisk;
use base::{ListRef, Relation, UserId};
use graph_store::log::Operation;
use graph_store::store::{Outcome, Wanted};
use graph_store::{Options, Store};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::support::change;

const WRITERS: u32 = 8;
const USERS: u32 = 64;
const WRITES: usize = 400;

fn opened(folder: &std::path::Path) -> Store {
    // So few changes make compaction begin that it runs all the time.
    let options = Options { overlay_bytes: 20_000, ..Options::default() };
    Store::open(Arc::new(RealDisk), Arc::new(SystemClock), folder, options).expect("a folder of its own").0
}

/// Follows and unfollows at random as one user, and reads each write back. The followees at the end.
fn write(store: &Store, source: u32) -> BTreeSet<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(u64::from(source));
    let mut followees = BTreeSet::new();
    for _ in 0..WRITES {
        let target = (source + random.random_range(1..USERS)) % USERS;
        let adds = !followees.contains(&target);
        let operation = if adds { Operation::Add } else { Operation::Remove };
        let written = vec![change(Relation::Follow, operation, source, target)];
        let applied = loop {
            match store.apply_blocking(written.clone()) {
                // Compaction has to catch up: what a client does on UNAVAILABLE.
                Err(graph_store::StoreError::OverlayFull { .. }) => thread::yield_now(),
                applied => break applied.expect("the disk works"),
            }
        };
        assert_eq!(applied.outcomes, [Outcome::Changed]);
        assert!(if adds { followees.insert(target) } else { followees.remove(&target) });
        let [source, target] = [UserId(source), UserId(target)];
        let forward = ListRef::forward(Relation::Follow, source);
        let reverse = ListRef::reverse(Relation::Follow, target);
        assert_eq!(store.contains(forward, target).expect("readable"), adds);
        assert_eq!(store.contains(reverse, source).expect("readable"), adds);
        assert_eq!(store.count(forward).expect("readable"), followees.len() as u64);
    }
    followees
}

#[test]
fn each_writer_reads_its_own_writes_while_compaction_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = opened(folder.path());
    store.allocate_blocking(Wanted::Count(USERS), String::new()).expect("the disk works");
    let done = AtomicBool::new(false);
    let expected: Vec<BTreeSet<u32>> = thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                store.compact().expect("the disk works");
                let report = store.check(&|_| {});
                assert!(report.is_clean(), "while writes go on: {report:?}");
            }
        });
        let store = &store;
        let writers: Vec<_> = (0..WRITERS).map(|source| scope.spawn(move || write(store, source))).collect();
        let expected = writers.into_iter().map(|writer| writer.join().expect("no assertion failed")).collect();
        done.store(true, Ordering::Relaxed);
        expected
    });
    assert_has(&store, &expected);
    drop(store);
    assert_has(&opened(folder.path()), &expected);
}

fn assert_has(store: &Store, followees: &[BTreeSet<u32>]) {
    for (source, expected) in (0..).zip(followees) {
        let members = store.members(ListRef::forward(Relation::Follow, UserId(source))).expect("readable");
        assert_eq!(&members.iter().collect::<BTreeSet<_>>(), expected);
    }
    let report = store.check(&|_| {});
    assert!(report.is_clean(), "{report:?}");
}

/// A compaction that began while the store was closing waited for ever for a thread that had ended.
#[test]
fn a_store_closes_while_compactions_and_writes_come_in() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 0..100 {
        let store = opened(folder.path());
        store.allocate_blocking(Wanted::Count(2), String::new()).expect("the disk works");
        thread::scope(|scope| {
            let compacting = scope.spawn(|| store.compact());
            let writing = scope.spawn(|| store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 0, 1)]));
            store.close();
            for ended in [compacting.join().expect("no panic").err(), writing.join().expect("no panic").err()] {
                assert!(matches!(ended, None | Some(graph_store::StoreError::Closing)), "round {round}: {ended:?}");
            }
        });
        assert!(matches!(store.compact(), Err(graph_store::StoreError::Closing)));
    }
}
