//! A repair makes again what is there twice, exactly, and touches nothing else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::clock::ManualClock;
use base::disk::{Disk, SimulatedDisk};
use base::{ListRef, Relation, Revision, UserId};
use graph_store::log::Operation;
use graph_store::store::{BulkEdges, Repairs, Wanted};
use graph_store::{Store, StoreError};

use crate::support::{Contents, NOW, Weights, all_lists, change, contents, import_csv, open, two_slots, weights};

const SEGMENTS: &str = "graph/segments";

/// A store with all relations in segments, with times and weights, some of which are newer than others, and more in the log.
fn filled() -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let store = open(&disk);
    let edges = (1..10).map(|user| (user, 0)).collect();
    let timed = vec![(3, 4, NOW - 7), (7, 2, NOW - 9)];
    store.import(BulkEdges { external_ids: (10..20).collect(), edges, time: NOW, timed }, &|_| {}).expect("works");
    import_csv(&store, "source,target,time,weight\n12,15,700,2.5\n14,13,800,1\n16,15,900,-0.5\n17,15,950,3\n");
    store.allocate_blocking(Wanted::Count(2), "key".to_owned()).expect("the disk works");
    let apply = |relation, operation, source, target| {
        store.apply_blocking(vec![change(relation, operation, source, target)]).expect("the disk works");
    };
    for user in 1..8 {
        apply(Relation::Follow, Operation::Add, user, user + 1);
        apply(Relation::Mute, Operation::Add, user, user + 2);
    }
    apply(Relation::Block, Operation::Add, 9, 8);
    store.compact().expect("the disk works");
    // Touches one slot alone: the others stand for the same revision with older files.
    apply(Relation::Follow, Operation::Remove, 3, 1);
    store.compact().expect("the disk works");
    apply(Relation::Block, Operation::Add, 4, 5);
    apply(Relation::Follow, Operation::Add, 10, 11);
    apply(Relation::Follow, Operation::Remove, 1, 0);
    // Who comes back weighs 1.
    apply(Relation::Follow, Operation::Remove, 7, 5);
    apply(Relation::Follow, Operation::Add, 7, 5);
    disk
}

fn repair(disk: &SimulatedDisk) -> Result<Repairs, StoreError> {
    Store::repair(Arc::new(disk.clone()), Arc::new(ManualClock::new(0)), Path::new("graph"), two_slots())
}

fn files(disk: &SimulatedDisk) -> Vec<(PathBuf, Vec<u8>)> {
    let inside = |folder: &str| -> Vec<PathBuf> {
        disk.names(Path::new(folder)).expect("a folder").iter().map(|name| Path::new(folder).join(name)).collect()
    };
    let paths = [inside("graph"), inside(SEGMENTS), inside("graph/log")].concat();
    paths.into_iter().map(|path| (path.clone(), disk.read(&path).expect("a file"))).collect()
}

fn write(disk: &SimulatedDisk, path: &Path, bytes: &[u8]) {
    let written = disk.create(path).and_then(|mut file| {
        file.write_at(0, bytes)?;
        file.sync()
    });
    written.and_then(|()| disk.sync_folder(path.parent().expect("a file in a folder"))).expect("the disk works");
}

fn flipped(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[place] ^= 1 << (place % 8);
    flipped
}

/// Contents, the weights among them, and versions.
fn truth(disk: &SimulatedDisk) -> ((Contents, Weights), Vec<Revision>) {
    let store = open(disk);
    let versions = all_lists(store.users()).map(|list| store.version(list).expect("readable")).collect();
    ((contents(&store).expect("readable"), weights(&store)), versions)
}

#[test]
fn nothing_is_done_to_a_store_that_is_whole() {
    let disk = filled();
    let before = files(&disk);
    assert_eq!(repair(&disk).expect("whole"), Repairs::default());
    assert_eq!(files(&disk), before);
}

#[test]
fn whichever_byte_of_a_segment_is_damaged_it_is_made_again() {
    let disk = filled();
    let (expected, versions) = truth(&disk.after_power_cut(0));
    let forward = |user| ListRef::forward(Relation::Follow, UserId(user));
    let reverse = ListRef::reverse(Relation::Follow, UserId(5));
    let weighted =
        [(forward(2), vec![1.0, 1.0, 2.5]), (reverse, vec![2.5, -0.5, 1.0]), (forward(6), vec![1.0, -0.5, 1.0])];
    assert_eq!(expected.1, weighted, "this test's own store");
    for (path, bytes) in files(&disk).into_iter().filter(|(path, _)| path.starts_with(SEGMENTS)) {
        let damages = (0..bytes.len()).step_by(13).map(|place| Some(flipped(&bytes, place)));
        for damaged in damages.chain([Some(bytes[..bytes.len() - 1].to_vec()), Some(Vec::new()), None]) {
            let copy = disk.after_power_cut(0);
            match &damaged {
                Some(damaged) => write(&copy, &path, damaged),
                None => copy.remove(&path).expect("it is there"),
            }
            let repairs = repair(&copy).expect("one direction is whole");
            assert_eq!((repairs.rebuilt.len(), repairs.refused.len()), (1, 0), "{}: {repairs:?}", path.display());
            let (found, versions_found) = truth(&copy);
            assert_eq!(found, expected, "{}", path.display());
            assert!(versions_found.iter().zip(&versions).all(|(found, before)| found >= before), "{}", path.display());
            assert!(open(&copy).check(&|_| {}).is_clean(), "{}", path.display());
        }
    }
}

#[test]
fn both_segments_of_one_direction_are_made_again_and_those_of_both_are_not() {
    let disk = filled();
    let (expected, _) = truth(&disk.after_power_cut(0));
    let segments: Vec<_> = files(&disk).into_iter().filter(|(path, _)| path.starts_with(SEGMENTS)).collect();
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).expect("a file");
    let of = |parts: &[&str]| -> Vec<&(PathBuf, Vec<u8>)> {
        segments.iter().filter(|(path, _)| parts.iter().all(|part| name(path).contains(part))).collect()
    };
    let damage = |files: &[&(PathBuf, Vec<u8>)]| {
        let copy = disk.after_power_cut(0);
        files.iter().for_each(|(path, bytes)| write(&copy, path, &flipped(bytes, bytes.len() / 2)));
        copy
    };
    for direction in ["forward", "reverse"] {
        let copy = damage(&of(&[direction]));
        let repairs = repair(&copy).expect("one direction is whole");
        assert!(repairs.rebuilt.len() >= 4 && repairs.refused.is_empty(), "{repairs:?}");
        assert_eq!(truth(&copy).0, expected, "{direction}");
    }
    // Of one relation this direction and of another that one: still each edge is somewhere.
    let copy = damage(&[of(&["follow-forward"]), of(&["mute-reverse"])].concat());
    assert!(repair(&copy).expect("each edge is somewhere").refused.is_empty());
    assert_eq!(truth(&copy).0, expected);
    let copy = damage(&[of(&["0000-follow-forward"]), of(&["0001-follow-reverse"]), of(&["mute-reverse"])].concat());
    let before = files(&copy);
    let repairs = repair(&copy).expect("it is told");
    assert_eq!((repairs.rebuilt.len(), repairs.refused.len()), (0, 2), "{repairs:?}");
    assert!(repairs.refused[0].starts_with("follow forward lists of slot 0, while reverse lists are damaged, too: "));
    assert_eq!(files(&copy), before, "nothing was changed");
}

#[test]
fn what_is_there_once_is_not_repaired() {
    let disk = filled();
    for (path, bytes) in files(&disk).into_iter().filter(|(path, _)| !path.starts_with(SEGMENTS)) {
        // The high-water mark has two sectors, and lives with one.
        if path.ends_with("HEAD") {
            continue;
        }
        let copy = disk.after_power_cut(0);
        write(&copy, &path, &flipped(&bytes, bytes.len() / 2));
        let (segment, whole) = files(&copy).into_iter().find(|(path, _)| path.starts_with(SEGMENTS)).expect("some");
        write(&copy, &segment, &flipped(&whole, 40));
        let before = files(&copy);
        repair(&copy).expect_err("it cannot be opened");
        assert_eq!(files(&copy), before, "{}", path.display());
    }
}

#[test]
fn with_the_power_cut_at_every_write_and_sync_a_repair_can_be_repeated() {
    let disk = filled();
    let (expected, _) = truth(&disk.after_power_cut(0));
    let damaged = || {
        let copy = disk.after_power_cut(0);
        for (path, bytes) in files(&copy).into_iter().filter(|(path, _)| path.to_string_lossy().contains("reverse")) {
            write(&copy, &path, &flipped(&bytes, bytes.len() / 2));
        }
        copy.after_power_cut(0)
    };
    let whole = damaged();
    repair(&whole).expect("one direction is whole");
    for operations in 0..whole.operations() {
        let disk = damaged();
        disk.cut_power_after(operations);
        // The log's mark is synced when it is let go, which nothing depends on.
        assert!(repair(&disk).is_err() || operations + 1 == whole.operations(), "the cut after {operations} is felt");
        for seed in 0..4 {
            let after = disk.after_power_cut(seed);
            repair(&after).expect("one direction is whole");
            assert_eq!(truth(&after).0, expected, "cut after {operations}, seed {seed}");
        }
    }
}
