//! Backups restore to exactly what was, whatever fails on the way.

mod crash;
mod remote;

use std::fmt::Debug;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base::clock::ManualClock;
use base::disk::{Disk, SimulatedDisk};
use base::{Relation, Revision};
use graph_store::backup::{BackupError, FolderBlobs, Progress, Repository};
use graph_store::log::{Operation, Record};
use graph_store::store::{BulkEdges, Change, Wanted};
use graph_store::{Options, Store, StoreError};

use crate::support::{Model, NOW, change, contents, contents_of, import_csv, open, open_with, two_slots, weights};

const BACKUPS: &str = "backups-of-ours";

fn on(_: u64, _: u64) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

const ON: Progress<'static> = &on;

fn repository(disk: &SimulatedDisk) -> Repository {
    Repository::new(Arc::new(FolderBlobs::new(Arc::new(disk.clone()), Path::new(BACKUPS))))
}

/// The restored store, opened.
fn restored(repository: &Repository, revision: Option<Revision>) -> (SimulatedDisk, Store) {
    let disk = SimulatedDisk::new();
    repository.restore(revision, &disk, Path::new("graph"), ON).expect("the backup is whole");
    let store = open(&disk);
    let report = store.check(&|_| {});
    assert!(report.is_clean(), "{report:?}");
    (disk, store)
}

/// A store with something in every kind of file, and in memory.
fn filled(disk: &SimulatedDisk) -> Store {
    let store = open(disk);
    let edges = (1..10).map(|user| (user, 0)).collect();
    let bulk = BulkEdges { external_ids: (10..20).collect(), edges, time: NOW, timed: vec![] };
    store.import(bulk, &|_| {}).expect("the disk works");
    store.allocate_blocking(Wanted::Count(2), "key".to_owned()).expect("the disk works");
    let follow = |user| change(Relation::Follow, Operation::Add, user, user + 1);
    store.apply_blocking((1..6).map(follow).collect()).expect("the disk works");
    store.compact().expect("the disk works");
    store.apply_blocking((6..9).map(follow).collect()).expect("the disk works");
    store.apply_blocking(vec![change(Relation::Block, Operation::Add, 4, 5)]).expect("the disk works");
    store.allocate_blocking(Wanted::ExternalIds(vec![77, 12]), String::new()).expect("the disk works");
    store
}

fn assert_same(store: &Store, other: &Store) {
    assert_eq!(contents(store).expect("readable"), contents(other).expect("readable"));
    assert_eq!((store.users(), store.revision()), (other.users(), other.revision()));
    let users: Vec<_> = (0..store.users()).map(base::UserId).collect();
    assert_eq!(store.external_ids(&users), other.external_ids(&users));
}

#[test]
fn a_restored_store_is_what_was_backed_up_and_goes_on() {
    let disk = SimulatedDisk::new();
    let store = filled(&disk);
    let repository = repository(&disk);
    let report = repository.back_up(&store, ON).expect("the disk works");
    assert_eq!((report.backup, report.files_sent), (store.revision().0, report.files));
    let (_, again) = restored(&repository, None);
    assert_same(&again, &store);
    // What was asked before under this key is remembered, and what comes now is taken.
    let granted = again.allocate_blocking(Wanted::Count(2), "key".to_owned()).expect("the disk works");
    assert_eq!(granted.users, [10, 11].map(base::UserId));
    again.apply_blocking(vec![change(Relation::Follow, Operation::Add, 11, 0)]).expect("the disk works");
    again.compact().expect("the disk works");
    assert!(again.check(&|_| {}).is_clean());
}

#[test]
fn weights_are_backed_up_where_there_are_any_and_missed_where_they_are_gone() {
    let disk = SimulatedDisk::new();
    let store = filled(&disk);
    import_csv(&store, "source,target,weight\n12,15,2.5\n");
    repository(&disk).back_up(&store, ON).expect("the disk works");
    let (_, again) = restored(&repository(&disk), None);
    assert_same(&again, &store);
    assert_eq!((weights(&again), weights(&store).len()), (weights(&store), 2));
    // Behind the store's back: the backup has what is there, and the restore finds that it is not all.
    let segments = Path::new("graph/segments");
    let names = disk.names(segments).expect("a folder");
    let name = names.iter().find(|name| name.ends_with(".weights")).expect("there are some");
    disk.remove(&segments.join(name)).expect("it is there");
    repository(&disk).back_up(&store, ON).expect("the disk works");
    let target = SimulatedDisk::new();
    let told = expect_error(repository(&disk).restore(None, &target, Path::new("graph"), ON));
    assert!(base::error::chain(&told).contains(name), "{}", base::error::chain(&told));
    assert_eq!(target.names(segments).expect("a folder"), Vec::<String>::new());
    assert!(target.read(Path::new("graph/MANIFEST")).is_err());
}

#[test]
fn a_backup_while_imports_run_is_of_before_or_after_each_of_them() {
    let disk = SimulatedDisk::new();
    let options = Options { log_file_bytes: 1000, ..two_slots() };
    let (store, _) = open_with(&disk, options).expect("an empty disk");
    let (done, taken, repository) = (AtomicBool::new(false), AtomicUsize::new(0), repository(&disk));
    let states = thread::scope(|scope| {
        // The one that writes, so that it knows every state there was. Now and then it waits for a backup that was begun
        // meanwhile, so that there are some however seldom the other thread has its turn.
        let writer = scope.spawn(|| {
            let mut states = vec![(store.revision(), contents(&store).expect("readable"))];
            for number in 0..12u64 {
                let edges = (1..20).map(|user| (user, 0)).collect();
                let bulk = BulkEdges {
                    external_ids: (number * 20..number * 20 + 20).collect(),
                    edges,
                    ..BulkEdges::default()
                };
                store.import(bulk, &|_| {}).expect("the disk works");
                states.push((store.revision(), contents(&store).expect("readable")));
                let first = number as u32 * 20;
                for target in 1..4 {
                    let follow = change(Relation::Follow, Operation::Add, first, first + target);
                    store.apply_blocking(vec![follow]).expect("the disk works");
                    states.push((store.revision(), contents(&store).expect("readable")));
                }
                if number % 4 == 3 {
                    store.compact().expect("the disk works");
                }
                if number % 3 == 2 {
                    let (next, begun) = (taken.load(Ordering::Relaxed) + 2, Instant::now());
                    while taken.load(Ordering::Relaxed) < next && begun.elapsed() < Duration::from_secs(60) {
                        thread::yield_now();
                    }
                }
            }
            done.store(true, Ordering::Relaxed);
            states
        });
        while !done.load(Ordering::Relaxed) {
            repository.back_up(&store, ON).expect("the disk works");
            taken.fetch_add(1, Ordering::Relaxed);
        }
        writer.join().expect("the writer ends")
    });
    repository.back_up(&store, ON).expect("the disk works");
    let revisions = repository.revisions().expect("readable");
    assert!(revisions.len() >= 4, "{revisions:?}");
    for revision in revisions {
        let (_, again) = restored(&repository, Some(revision));
        let expected = states.iter().find(|(at, _)| *at == revision).map(|(_, contents)| contents);
        assert!(expected == Some(&contents(&again).expect("readable")), "at {}", revision.0);
        // It goes on, and takes another import.
        let bulk = BulkEdges { external_ids: vec![9000, 9001], edges: vec![(0, 1)], ..BulkEdges::default() };
        assert_eq!(again.import(bulk, &|_| {}).expect("the disk works").added, 1);
        assert_eq!(again.revision(), revision.next());
    }
}

#[test]
fn a_store_whose_import_got_stuck_half_way_is_not_backed_up() {
    // What an import committed and could not log may be there or not: only the next open can tell.
    let import = |disk: &SimulatedDisk, fails_after: Option<u64>| {
        let store = filled(disk);
        let before = disk.operations();
        if let Some(operations) = fails_after {
            disk.fail_once_after(operations);
        }
        let bulk = BulkEdges { external_ids: vec![300, 301], edges: vec![(0, 1)], ..BulkEdges::default() };
        let imported = store.import(bulk, &|_| {}).is_ok();
        (store, imported, before)
    };
    let whole = SimulatedDisk::new();
    let (_, _, before) = import(&whole, None);
    let mut refused = 0;
    for operations in 0..whole.operations() - before {
        let disk = SimulatedDisk::new();
        let (store, imported, _) = import(&disk, Some(operations));
        let elsewhere = SimulatedDisk::new();
        match repository(&elsewhere).back_up(&store, ON) {
            Ok(_) => assert_same(&restored(&repository(&elsewhere), None).1, &store),
            Err(error) => {
                assert!(matches!(error, BackupError::Store(StoreError::Refused)), "{error}");
                assert!(!imported, "failed after {operations}");
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
}

#[test]
fn an_empty_store_can_be_backed_up() {
    let disk = SimulatedDisk::new();
    let store = open(&disk);
    repository(&disk).back_up(&store, ON).expect("the disk works");
    let (_, again) = restored(&repository(&disk), None);
    assert_same(&again, &store);
}

#[test]
fn what_is_there_already_is_not_sent_again() {
    let disk = SimulatedDisk::new();
    let (store, repository) = (filled(&disk), repository(&disk));
    store.compact().expect("the disk works");
    let first = repository.back_up(&store, ON).expect("the disk works");
    let same = repository.back_up(&store, ON).expect("the disk works");
    assert_eq!((same.files_sent, same.bytes_sent, same.files), (0, 0, first.files));
    store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 11, 3)]).expect("the disk works");
    let second = repository.back_up(&store, ON).expect("the disk works");
    assert_eq!(second.files_sent, 1, "the end of the log alone is new");
    store.compact().expect("the disk works");
    let third = repository.back_up(&store, ON).expect("the disk works");
    // The lists and times of one slot in both directions, the manifest, and a log that is empty.
    assert_eq!((third.files_sent, third.files > 10), (6, true));
    assert_eq!(repository.revisions().expect("readable").len(), 2, "the last two are of one revision");
}

#[test]
fn older_backups_stay_until_they_are_forgotten() {
    let disk = SimulatedDisk::new();
    let (store, repository) = (filled(&disk), repository(&disk));
    let mut states = Vec::new();
    for target in 0..4 {
        store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 11, target)]).expect("the disk works");
        store.compact().expect("the disk works");
        repository.back_up(&store, ON).expect("the disk works");
        states.push((store.revision(), contents(&store).expect("readable")));
    }
    for (revision, expected) in &states {
        let (_, again) = restored(&repository, Some(*revision));
        assert_eq!((&contents(&again).expect("readable"), again.revision()), (expected, *revision));
    }
    let objects = || disk.names(&Path::new(BACKUPS).join("objects")).expect("a folder").len();
    let before = objects();
    let kept = repository.keep(2).expect("the disk works");
    assert_eq!((kept.backups, kept.forgotten), (2, 2));
    assert_eq!(objects() + kept.objects_removed, before);
    assert!(kept.objects_removed > 0);
    let revisions: Vec<Revision> = states[2..].iter().map(|(revision, _)| *revision).collect();
    assert_eq!(repository.revisions().expect("readable"), revisions);
    for (revision, expected) in &states[2..] {
        assert_eq!(&contents(&restored(&repository, Some(*revision)).1).expect("readable"), expected);
    }
    let gone = repository.restore(Some(states[0].0), &SimulatedDisk::new(), Path::new("graph"), ON);
    assert!(matches!(gone, Err(BackupError::NotFound { revision: Some(_), .. })), "{gone:?}");
}

#[test]
fn a_backup_under_writes_and_compactions_holds_what_was_acknowledged_at_its_revision() {
    let disk = SimulatedDisk::new();
    let options = Options { overlay_bytes: 20_000, log_file_bytes: 1000, consumer_log_bytes: u64::MAX, ..two_slots() };
    let (store, _) = open_with(&disk, options).expect("an empty disk");
    store.allocate_blocking(Wanted::Count(50), String::new()).expect("the disk works");
    // Keeps all of the log, to know afterwards what there was.
    assert!(store.consumer_is_at("witness", Revision::ZERO));
    let (done, repository) = (AtomicBool::new(false), repository(&disk));
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0u32.. {
                let (source, step) = (number % 50, number / 50 % 49 + 1);
                let operation = if number.is_multiple_of(3) { Operation::Remove } else { Operation::Add };
                let _ = store.apply_blocking(vec![change(Relation::Follow, operation, source, (source + step) % 50)]);
                if done.load(Ordering::Relaxed) {
                    break;
                }
            }
        });
        for number in 1..=10 {
            while store.revision().0 < number * 30 {
                thread::yield_now();
            }
            repository.back_up(&store, ON).expect("the disk works");
        }
        done.store(true, Ordering::Relaxed);
    });
    let story = store.records_after(Revision::ZERO, usize::MAX).expect("kept for the witness");
    for revision in repository.revisions().expect("readable") {
        let (_, again) = restored(&repository, Some(revision));
        let mut model = Model::default();
        for (at, record) in &story {
            if let Record::Change { relation, operation, source, target, time, .. } = record
                && *at <= revision
            {
                let (relation, operation, source, target, time) = (*relation, *operation, *source, *target, *time);
                model.apply(&Change { relation, operation, source, target, time });
            }
        }
        assert_eq!(again.revision(), revision);
        assert_eq!(contents(&again).expect("readable"), contents_of(&model, 50), "at {}", revision.0);
    }
    store.compact().expect("the disk works");
    let segments = disk.names(Path::new("graph/segments")).expect("a folder").len();
    assert_eq!(segments, 8, "what waited for the backups is removed: two slots, two directions, two files");
}

fn expect_error<T: Debug>(result: Result<T, BackupError>) -> BackupError {
    result.expect_err("something is wrong")
}

#[test]
fn a_folder_that_is_not_empty_is_left_alone() {
    let disk = SimulatedDisk::new();
    repository(&disk).back_up(&filled(&disk), ON).expect("the disk works");
    let target = SimulatedDisk::new();
    for name in ["graph/MANIFEST", "graph/notes.txt", "graph/log/00000000000000000000.log"] {
        let target = target.after_power_cut(0);
        target.create(Path::new(name)).expect("the disk works");
        let refused = expect_error(repository(&disk).restore(None, &target, Path::new("graph"), ON));
        assert!(matches!(refused, BackupError::NotEmpty { .. }), "{name}: {refused}");
        assert!(target.read(Path::new(name)).is_ok());
    }
    let refused = expect_error(repository(&disk).restore(None, &disk, Path::new("graph"), ON));
    assert!(matches!(refused, BackupError::NotEmpty { .. }), "{refused}");
}

#[test]
fn each_damaged_object_and_manifest_is_told_and_nothing_is_restored() {
    let disk = SimulatedDisk::new();
    let store = filled(&disk);
    repository(&disk).back_up(&store, ON).expect("the disk works");
    drop(store);
    let inside = |folder: &str| -> Vec<PathBuf> {
        let folder = Path::new(BACKUPS).join(folder);
        disk.names(&folder).expect("a folder").iter().map(|name| folder.join(name)).collect()
    };
    for path in [inside("objects"), inside("backups")].concat() {
        let whole = disk.read(&path).expect("a file");
        let mut damages: Vec<Vec<u8>> = vec![whole[..whole.len() - 1].to_vec(), [&whole[..], b"x"].concat()];
        damages.extend((0..whole.len()).step_by(37).map(|place| {
            let mut flipped = whole.clone();
            flipped[place] ^= 1;
            flipped
        }));
        for bytes in damages {
            let copy = disk.after_power_cut(0);
            copy.create(&path).and_then(|mut file| file.write_at(0, &bytes)).expect("the disk works");
            let target = SimulatedDisk::new();
            let told = expect_error(repository(&copy).restore(None, &target, Path::new("graph"), ON));
            assert!(matches!(told, BackupError::Damaged { .. }), "{told}");
            for folder in ["graph", "graph/segments", "graph/log"] {
                assert_eq!(target.names(Path::new(folder)).expect("a folder"), Vec::<String>::new());
            }
        }
    }
}

#[test]
fn a_missing_object_is_told() {
    let disk = SimulatedDisk::new();
    repository(&disk).back_up(&filled(&disk), ON).expect("the disk works");
    let objects = Path::new(BACKUPS).join("objects");
    for name in disk.names(&objects).expect("a folder") {
        let copy = disk.after_power_cut(0);
        copy.remove(&objects.join(&name)).expect("it is there");
        let told = expect_error(repository(&copy).restore(None, &SimulatedDisk::new(), Path::new("graph"), ON));
        assert!(matches!(&told, BackupError::Blob { name: told, .. } if told.ends_with(&name)), "{told}");
    }
}

#[test]
fn a_repository_with_later_backups_is_not_this_stores() {
    let disk = SimulatedDisk::new();
    repository(&disk).back_up(&filled(&disk), ON).expect("the disk works");
    let other = SimulatedDisk::new();
    let refused = expect_error(repository(&disk).back_up(&open(&other), ON));
    assert!(matches!(refused, BackupError::Newer { revision: 0, .. }), "{refused}");
}

#[test]
fn one_writes_at_a_time_and_one_that_is_told_to_stop_does() {
    let disk = SimulatedDisk::new();
    let store = filled(&disk);
    let second = |_, _| {
        let refused = expect_error(repository(&disk).keep(1));
        assert!(matches!(refused, BackupError::Locked { .. }), "{refused}");
        ControlFlow::Break(())
    };
    let stopped = expect_error(repository(&disk).back_up(&store, &second));
    assert!(matches!(stopped, BackupError::Stopped), "{stopped}");
    assert_eq!(repository(&disk).revisions().expect("readable"), []);
    let next = repository(&disk).back_up(&store, ON).expect("the lock is free again");
    assert!(next.files_sent < next.files, "what was sent before it stopped serves the next");
}

#[test]
fn a_store_is_not_made_where_a_restore_was_cut_short() {
    let disk = SimulatedDisk::new();
    disk.create(Path::new("graph/RESTORING")).expect("the disk works");
    let refused = open_with(&disk, two_slots()).expect_err("half restored");
    assert!(matches!(refused, StoreError::HalfRestored { .. }), "{refused}");
}
