//! Compaction that cannot work holds memory and disk within their bounds, and goes on where it can.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::clock::ManualClock;
use base::disk::{Disk, DiskFile, LockGuard, Mapped, SimulatedDisk};
use base::{Relation, Revision};
use graph_store::log::{LogError, Operation};
use graph_store::store::{Change, Wanted};
use graph_store::{Options, Store, StoreError};

use crate::support::{change, two_slots};

const SEGMENTS: &str = "graph/segments";

/// A disk on which, while it is so, no segment can be made certain. Everything else works.
#[derive(Debug, Default)]
struct Stubborn {
    disk: SimulatedDisk,
    is_so: AtomicBool,
}

impl Disk for Stubborn {
    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        if self.is_so.load(Ordering::Relaxed) && folder == Path::new(SEGMENTS) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.disk.sync_folder(folder)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.disk.create_folder(path)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        self.disk.names(folder)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.disk.read(path)
    }

    fn map(&self, path: &Path) -> io::Result<Mapped> {
        self.disk.map(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn LockGuard>> {
        self.disk.lock(path)
    }
}

fn opened(disk: &Arc<Stubborn>, options: Options) -> Store {
    let clock = Arc::new(ManualClock::new(0));
    let opened = Store::open(disk.clone(), clock, Path::new("graph"), options);
    opened.map(|(store, _)| store).expect("the store is whole")
}

/// A follow that no other number stands for, among 100 users.
fn follow(number: u32) -> Change {
    let (source, step) = (number / 99, number % 99 + 1);
    change(Relation::Follow, Operation::Add, source, (source + step) % 100)
}

// What a failed compaction had frozen was no longer counted: writes were taken until the memory was full.
#[test]
fn while_compaction_fails_writes_are_taken_up_to_the_bound_and_no_further() {
    let disk = Arc::new(Stubborn::default());
    let store = opened(&disk, Options { overlay_changes: 10, ..two_slots() });
    store.allocate_blocking(Wanted::Count(100), String::new()).expect("the disk works");
    disk.is_so.store(true, Ordering::Relaxed);
    let mut taken = 0;
    let refused = loop {
        match store.apply_blocking(vec![follow(taken)]) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 200, "nothing was refused");
        store.compact().expect_err("no segment can be made certain");
    };
    assert!(matches!(refused, StoreError::OverlayFull { changes: 41 }), "after {taken}: {refused}");
    disk.is_so.store(false, Ordering::Relaxed);
    store.compact().expect("the disk works again");
    store.apply_blocking(vec![follow(taken)]).expect("there is room again");
    assert_eq!(store.stats().expect("readable").edges, u64::from(taken) + 1);
}

// Each compaction that failed left its files behind until the store was opened again.
#[test]
fn a_compaction_that_fails_leaves_no_files() {
    let disk = Arc::new(Stubborn::default());
    let store = opened(&disk, two_slots());
    store.allocate_blocking(Wanted::Count(100), String::new()).expect("the disk works");
    store.apply_blocking((0..20).map(follow).collect()).expect("the disk works");
    store.compact().expect("the disk works");
    let before = disk.names(Path::new(SEGMENTS)).expect("a folder");
    store.apply_blocking((20..40).map(follow).collect()).expect("the log is not touched");
    disk.is_so.store(true, Ordering::Relaxed);
    store.compact().expect_err("no segment can be made certain");
    assert_eq!(disk.names(Path::new(SEGMENTS)).expect("a folder"), before);
    assert!(store.check(&|_| {}).is_clean());
}

// Once one named reader held more of the log than the bound allows, every other one lost its place, too.
#[test]
fn a_named_reader_who_is_too_far_behind_costs_the_others_nothing() {
    let disk = Arc::new(Stubborn::default());
    let store = opened(&disk, Options { log_file_bytes: 200, consumer_log_bytes: 2_000, ..two_slots() });
    store.allocate_blocking(Wanted::Count(100), String::new()).expect("the disk works");
    assert!(store.consumer_is_at("slow", Revision(1)));
    let mut newest = Revision::ZERO;
    for number in 0..200 {
        newest = store.apply_blocking(vec![follow(number)]).expect("the disk works").revision;
    }
    let near = Revision(newest.0 - 20);
    assert!(store.consumer_is_at("quick", near));
    store.compact().expect("the disk works");
    assert_eq!(store.records_after(near, 100).expect("kept for its reader").len(), 20);
    let slow = store.records_after(Revision(1), 1).expect_err("too far behind");
    assert!(matches!(slow, StoreError::Log(LogError::Trimmed { .. })), "{slow}");
    assert!(store.stats().expect("readable").log_bytes <= 2_000);
}
