//! With the power cut at any write and any sync, a repository has the backups that it had, and a folder is a whole store
//! or none.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use base::Relation;
use base::disk::{Disk, SimulatedDisk};
use graph_store::log::Operation;

use super::{ON, filled, repository, restored};
use crate::asking_disk::AskingDisk;
use crate::support::{change, contents, open};

#[test]
fn with_the_power_cut_at_every_write_and_sync_of_a_backup_every_backup_there_is_is_whole() {
    let run = |disk: &SimulatedDisk, cut: Option<u64>| {
        // The store is on a disk of its own, and lives on.
        let store = filled(&SimulatedDisk::new());
        let mut states = Vec::new();
        if let Some(operations) = cut {
            disk.cut_power_after(operations);
        }
        let mut taken = 0usize;
        for target in 0..3 {
            store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 11, target)]).expect("the disk works");
            store.compact().expect("the disk works");
            states.push((store.revision(), contents(&store).expect("readable")));
            let done = repository(disk).back_up(&store, ON).and_then(|_| repository(disk).keep(2));
            if done.is_err() {
                break;
            }
            taken += 1;
        }
        (states, taken)
    };
    let whole = SimulatedDisk::new();
    assert_eq!(run(&whole, None).1, 3);
    for operations in 0..whole.operations() {
        let disk = SimulatedDisk::new();
        let (states, taken) = run(&disk, Some(operations));
        assert!(taken < 3, "the cut after {operations} was not felt");
        for seed in 0..2 {
            let after = disk.after_power_cut(seed);
            let revisions = repository(&after).revisions().expect("readable");
            let acknowledged = taken.checked_sub(1).map(|last| states[last].0);
            assert!(revisions.iter().max().copied() >= acknowledged, "cut after {operations}, seed {seed}");
            for revision in revisions {
                let (_, expected) = states.iter().find(|(at, _)| *at == revision).expect("no other was begun");
                let (_, again) = restored(&repository(&after), Some(revision));
                assert_eq!(&contents(&again).expect("readable"), expected, "cut after {operations}, seed {seed}");
            }
            // What was left half done is no obstacle.
            let store = filled(&SimulatedDisk::new());
            for target in 0..4 {
                store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 11, target)]).expect("works");
            }
            repository(&after).back_up(&store, ON).expect("the disk works");
            repository(&after).keep(1).expect("the disk works");
            restored(&repository(&after), None);
        }
    }
}

#[test]
fn whichever_write_or_sync_fails_the_next_backup_survives_a_power_cut() {
    // An object whose name could not be synced was taken for one that is there.
    let store = filled(&SimulatedDisk::new());
    let whole = SimulatedDisk::new();
    repository(&whole).back_up(&store, ON).expect("the disk works");
    for operations in 0..whole.operations() {
        let disk = SimulatedDisk::new();
        disk.fail_once_after(operations);
        repository(&disk).back_up(&store, ON).expect_err("the failure is felt");
        repository(&disk).back_up(&store, ON).expect("the disk works again");
        for seed in 0..4 {
            restored(&repository(&disk.after_power_cut(seed)), None);
        }
    }
}

#[test]
fn with_the_power_cut_at_every_write_and_sync_of_a_restore_it_is_a_store_or_can_be_restored_again() {
    let source = SimulatedDisk::new();
    let store = filled(&source);
    let expected = contents(&store).expect("readable");
    let repository = repository(&source);
    repository.back_up(&store, ON).expect("the disk works");
    let restore = |disk: &SimulatedDisk| repository.restore(None, disk, Path::new("graph"), ON);
    let whole = SimulatedDisk::new();
    restore(&whole).expect("the backup is whole");
    for operations in 0..whole.operations() {
        let disk = SimulatedDisk::new();
        disk.cut_power_after(operations);
        restore(&disk).expect_err("the cut is felt");
        for seed in 0..4 {
            let after = disk.after_power_cut(seed);
            let is_store = after.read(Path::new("graph/MANIFEST")).is_ok();
            if !is_store {
                restore(&after).expect("what was left is cleared away");
            }
            let store = open(&after);
            assert_eq!(contents(&store).expect("readable"), expected, "cut after {operations}, seed {seed}");
            assert!(store.check(&|_| {}).is_clean(), "cut after {operations}, seed {seed}");
            assert!(after.read(Path::new("graph/RESTORING")).is_err(), "cut after {operations}, seed {seed}");
        }
    }
}

/// Killed while it cleared up after itself, a restore left a manifest without its files, which counted as a damaged store.
#[test]
fn a_restore_that_fails_and_is_killed_while_it_clears_up_can_be_made_again() {
    let source = SimulatedDisk::new();
    let store = filled(&source);
    let expected = contents(&store).expect("readable");
    let repository = repository(&source);
    repository.back_up(&store, ON).expect("the disk works");
    let restore = |disk: &dyn Disk| repository.restore(None, disk, Path::new("graph"), ON);
    let whole = SimulatedDisk::new();
    restore(&whole).expect("the backup is whole");
    for fails in 0..whole.operations() {
        for killed in 1..=whole.operations() {
            let disk = SimulatedDisk::new();
            let steps = AtomicU64::new(0);
            let asking = AskingDisk::new(disk.clone(), move |_| {
                let step = steps.fetch_add(1, Ordering::Relaxed);
                if step == fails || step >= fails + killed { Err(io::Error::other("no")) } else { Ok(()) }
            });
            restore(&asking).expect_err("a step fails");
            if disk.read(Path::new("graph/MANIFEST")).is_err() {
                restore(&disk).expect("what was left is cleared away");
            }
            let found = contents(&open(&disk)).expect("readable");
            assert_eq!(found, expected, "step {fails} failed, killed {killed} after it");
        }
    }
}
