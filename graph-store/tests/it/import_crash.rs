//! With the power cut at any write and any sync of an import that brings new people, all of it is there or nothing is, and
//! what it had written for nothing goes.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::disk::{Disk, SimulatedDisk};
use base::{Relation, Revision, Slots, UserId};
use graph_store::log::Operation;
use graph_store::reorder::Order;
use graph_store::store::{Bulk, BulkError, BulkOptions, BulkReport, Columns, EdgeBatch, Wanted};
use graph_store::{Options, Store};

use crate::asking_disk::AskingDisk;
use crate::support::{Contents, NOW, Weights, change, contents, open, open_on, open_with, weights};

/// External ids of who is in the store before, where somebody is.
const KNOWN: [u64; 6] = [10, 20, 30, 40, 50, 1 << 40];
/// Everybody in the imported edges: some of the known, and others whose ids lie between, below and above.
const IMPORTED: [u64; 9] = [5, 10, 15, 20, 25, 40, 1 << 39, 1 << 40, u64::MAX];
/// Somebody who comes after the import.
const NEXT: u64 = 77;

/// An import into a store.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// Whether the store has people, segments and changes since.
    filled: bool,
    times_and_weights: bool,
    reorder: Option<Order>,
}

const CASES: [Case; 5] = [
    Case { filled: false, times_and_weights: false, reorder: None },
    Case { filled: true, times_and_weights: false, reorder: None },
    Case { filled: true, times_and_weights: true, reorder: None },
    Case { filled: false, times_and_weights: true, reorder: Some(Order::BreadthFirst) },
    Case { filled: true, times_and_weights: false, reorder: Some(Order::Bisection) },
];

/// What somebody finds who asks a store for everything.
#[derive(PartialEq, Debug)]
struct Found {
    external_ids: Vec<Option<u64>>,
    users: Vec<Option<UserId>>,
    contents: Contents,
    weights: Weights,
}

impl Found {
    fn of(store: &Store) -> Found {
        let users: Vec<UserId> = (0..store.users()).map(UserId).collect();
        let mut contents = contents(store).expect("readable");
        contents.retain(|(_, members)| !members.is_empty());
        Found {
            external_ids: store.external_ids(&users),
            users: store.users_with_external_ids(&[&KNOWN[..], &IMPORTED].concat()),
            contents,
            weights: weights(store),
        }
    }
}

impl Case {
    /// The store before.
    fn begin(&self, disk: &SimulatedDisk) -> Store {
        use Relation::{Block, Follow};
        let store = open(disk);
        if !self.filled {
            return store;
        }
        let apply = |relation, operation, source, target| {
            store.apply_blocking(vec![change(relation, operation, source, target)]).expect("the disk works");
        };
        store.allocate_blocking(Wanted::ExternalIds(KNOWN.to_vec()), String::new()).expect("the disk works");
        apply(Follow, Operation::Add, 0, 1);
        apply(Follow, Operation::Add, 1, 3);
        apply(Block, Operation::Add, 3, 5);
        store.compact().expect("the disk works");
        apply(Follow, Operation::Remove, 1, 3);
        apply(Follow, Operation::Add, 5, 2);
        store
    }

    /// Everybody follows some of the others, not all as many.
    fn import(&self, store: &Store) -> Result<BulkReport, BulkError> {
        let columns = Columns { times: self.times_and_weights, weights: self.times_and_weights };
        let bulk = Bulk::new(BulkOptions { columns, reorder: self.reorder, threads: 2, ..BulkOptions::default() });
        let mut batch = EdgeBatch::default();
        for (place, source) in IMPORTED.iter().enumerate() {
            for target in IMPORTED.iter().rev().take(place + 1) {
                batch.edges.push((*source, *target));
                batch.times.push(NOW - place as u32);
                batch.weights.push(place as f64 / 4.0);
            }
        }
        let mut gatherer = bulk.gatherer();
        gatherer.add(&batch)?;
        gatherer.finish()?;
        store.load(bulk, NOW, &|_| {})
    }
}

/// Panics unless the numbers of files that are there are those that the manifest names.
fn assert_nothing_is_left_over(disk: &SimulatedDisk, what: &str) {
    let manifest = disk.read(Path::new("graph/MANIFEST")).expect("a manifest");
    let body = manifest.splitn(2, |byte| *byte == b'\n').last().unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    let slots = manifest["slots_state"].as_array().expect("slots");
    let segments = slots.iter().flat_map(|slot| slot["segments"].as_array().expect("segments"));
    let tables = [&manifest["externals"], &manifest["catalog"]["number"]];
    let named: BTreeSet<u64> = segments.chain(tables).filter_map(serde_json::Value::as_u64).collect();
    let names = |folder| disk.names(Path::new(folder)).expect("a folder").into_iter();
    let numbered = names("graph").filter(|name| name != "MANIFEST").chain(names("graph/segments"));
    let number = |name: String| {
        let stem = name.split('.').next().and_then(|stem| stem.rsplit('-').next());
        stem.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{what}: {name} is left over"))
    };
    assert_eq!(numbered.map(number).collect::<BTreeSet<u64>>(), named, "{what}: files and what the manifest names");
}

#[test]
fn with_the_power_cut_at_every_write_and_sync_of_an_import_all_of_it_is_there_or_nothing() {
    for case in CASES {
        let whole = SimulatedDisk::new();
        let store = case.begin(&whole);
        let (before, revision) = (Found::of(&store), store.revision());
        let begun = whole.operations();
        let report = case.import(&store).expect("nothing was cut");
        let operations = whole.operations() - begun;
        assert_eq!((report.users_added, report.blocked), if case.filled { (5, 2) } else { (9, 0) }, "{case:?}");
        let after = Found::of(&store);
        let new = &after.external_ids[before.external_ids.len()..];
        assert_eq!(new.is_sorted(), case.reorder.is_none(), "{case:?}: {new:?}");
        let mut outcomes = [0; 2];
        for cut in 0..operations {
            let disk = SimulatedDisk::new();
            let store = case.begin(&disk);
            disk.cut_power_after(cut);
            let acknowledged = case.import(&store).is_ok();
            drop(store);
            for seed in 0..4 {
                let what = format!("{case:?}, cut after {cut} of {operations}, seed {seed}");
                let disk = disk.after_power_cut(seed);
                let store = open(&disk);
                let found = Found::of(&store);
                let happened = store.revision() > revision;
                let (expected, expected_revision) =
                    if happened { (&after, revision.next()) } else { (&before, revision) };
                assert!(happened || !acknowledged, "{what}: acknowledged and gone");
                assert!(found == *expected, "{what}: {found:?}");
                assert_eq!(store.revision(), expected_revision, "{what}");
                assert_nothing_is_left_over(&disk, &what);
                let report = store.check(&|_| {});
                assert!(report.is_clean(), "{what}: {report:?}");
                outcomes[usize::from(happened)] += 1;
                if seed == 0 {
                    // Whoever imports again, not knowing, has what was to be had.
                    case.import(&store).unwrap_or_else(|error| panic!("{what}, again: {error}"));
                    assert!(Found::of(&store) == after, "{what}, again");
                }
            }
        }
        assert!(outcomes.iter().all(|times| *times > 4), "{case:?}: {outcomes:?} times before and after");
    }
}

#[test]
fn whatever_fails_once_in_an_import_what_is_acknowledged_afterwards_is_kept() {
    for case in CASES {
        let whole = SimulatedDisk::new();
        let store = case.begin(&whole);
        let before = Found::of(&store);
        let begun = whole.operations();
        case.import(&store).expect("nothing fails");
        let (after, operations) = (Found::of(&store), whole.operations() - begun);
        let mut retried = 0;
        for fails in 0..operations {
            let disk = SimulatedDisk::new();
            let store = case.begin(&disk);
            disk.fail_once_after(fails);
            let acknowledged = [(); 2].map(|()| case.import(&store).is_ok());
            retried += u64::from(acknowledged == [false, true]);
            // What memory does not know of an import that failed half-way is not written over.
            let _ = store.compact();
            // Who comes next is somebody else than whom the import brings.
            let next = store.allocate_blocking(Wanted::ExternalIds(vec![NEXT]), String::new());
            let next = next.is_ok().then(|| store.users_with_external_ids(&[NEXT]));
            drop(store);
            let killed = std::iter::once(disk.clone());
            for (seed, disk) in killed.chain((0..2).map(|seed| disk.after_power_cut(seed))).enumerate() {
                let what = format!("{case:?}, failure of {fails} of {operations}, {seed}");
                let store = open(&disk);
                if let Some(next) = &next {
                    assert_eq!(&store.users_with_external_ids(&[NEXT]), next, "{what}");
                }
                let mut found = Found::of(&store);
                found.external_ids.retain(|external_id| *external_id != Some(NEXT));
                assert!(found == after || found == before && acknowledged == [false; 2], "{what}: {found:?}");
                assert_nothing_is_left_over(&disk, &what);
                let report = store.check(&|_| {});
                assert!(report.is_clean(), "{what}: {report:?}");
            }
        }
        assert!(retried > operations / 2, "{case:?}: only {retried} imports were repeated without a new start");
    }
}

#[test]
fn what_a_killed_import_had_written_is_removed_and_told_at_the_next_start() {
    let disk = SimulatedDisk::new();
    let is_armed = Arc::new(AtomicBool::new(false));
    let (armed, dead) = (is_armed.clone(), AtomicBool::new(false));
    // Killed when all is written and only the manifest's name is missing, the process does nothing any more.
    let asking = AskingDisk::new(disk.clone(), move |path| {
        if armed.load(Ordering::Relaxed) && path == Path::new("graph/MANIFEST") {
            dead.store(true, Ordering::Relaxed);
        }
        if dead.load(Ordering::Relaxed) { Err(io::Error::other("killed")) } else { Ok(()) }
    });
    let one_slot = || Options { slots: Slots::new(1), ..Options::default() };
    let case = Case { filled: false, times_and_weights: true, reorder: None };
    let (store, _) = open_on(Arc::new(asking), one_slot()).expect("an empty disk");
    is_armed.store(true, Ordering::Relaxed);
    case.import(&store).expect_err("killed");
    drop(store);
    disk.create(Path::new("graph/notes.txt")).expect("memory takes all");
    let (store, recovery) = open_with(&disk, one_slot()).expect("the store is whole");
    let left_over = [
        "MANIFEST.tmp",
        "catalog-00000004.table",
        "externals-00000001.table",
        "segments/0000-follow-forward-00000002.segment",
        "segments/0000-follow-forward-00000002.times",
        "segments/0000-follow-forward-00000002.weights",
        "segments/0000-follow-reverse-00000003.segment",
        "segments/0000-follow-reverse-00000003.times",
        "segments/0000-follow-reverse-00000003.weights",
    ];
    assert_eq!(recovery.removed, left_over.map(|name| Path::new("graph").join(name)));
    assert_eq!((store.users(), store.revision()), (0, Revision::ZERO));
    assert!(disk.names(Path::new("graph/segments")).expect("a folder").is_empty());
    assert!(disk.read(Path::new("graph/notes.txt")).is_ok(), "what is somebody else's stays");
    drop(store);
    let (_, recovery) = open_with(&disk, one_slot()).expect("the store is whole");
    assert_eq!(recovery.removed, Vec::<PathBuf>::new(), "told once");
}

#[test]
fn what_a_failed_import_had_written_is_removed_at_once() {
    for case in CASES {
        for fails in ["externals-", "follow-reverse-", "catalog-"] {
            let disk = SimulatedDisk::new();
            drop(case.begin(&disk));
            let is_armed = Arc::new(AtomicBool::new(false));
            let armed = is_armed.clone();
            let asking = AskingDisk::new(disk.clone(), move |path| {
                let hit = path.to_string_lossy().contains(fails) && armed.swap(false, Ordering::Relaxed);
                if hit { Err(io::Error::other("full")) } else { Ok(()) }
            });
            let (store, _) = open_on(Arc::new(asking), Options::default()).expect("the store is whole");
            let names = || ["graph", "graph/segments"].map(|folder| disk.names(Path::new(folder)).expect("a folder"));
            let before = names();
            is_armed.store(true, Ordering::Relaxed);
            case.import(&store).expect_err("the disk is full");
            assert_eq!(names(), before, "{case:?}, {fails}");
            case.import(&store).expect("there is room again");
            drop(store);
            let store = open(&disk);
            let report = store.check(&|_| {});
            assert!(report.is_clean(), "{case:?}, {fails}: {report:?}");
        }
    }
}
