//! Compaction that cannot work holds memory and disk within their bounds, and goes on where it can.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base::disk::{Disk, SimulatedDisk};
use base::{Relation, Revision};
use graph_store::log::{LogError, Operation};
use graph_store::store::{Change, Wanted};
use graph_store::{Options, Store, StoreError};

use crate::asking_disk::AskingDisk;
use crate::support::{change, open_on, two_slots};

const SEGMENTS: &str = "graph/segments";

/// A disk on which segments can be made certain only so many times more. Everything else works.
struct Stubborn {
    disk: SimulatedDisk,
    times: Arc<AtomicUsize>,
}

impl Default for Stubborn {
    fn default() -> Self {
        Stubborn { disk: SimulatedDisk::new(), times: Arc::new(AtomicUsize::new(usize::MAX)) }
    }
}

impl Stubborn {
    fn open(&self, options: Options) -> Store {
        let times = self.times.clone();
        let disk = AskingDisk::new(self.disk.clone(), move |path| {
            let less = |times: usize| times.checked_sub(1);
            let refused =
                path == Path::new(SEGMENTS) && times.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_err();
            if refused { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        });
        open_on(Arc::new(disk), options).map(|(store, _)| store).expect("the store is whole")
    }

    /// So many more segments can be made certain.
    fn lets_through(&self, times: usize) {
        self.times.store(times, Ordering::Relaxed);
    }
}

/// A follow that no other number stands for, among 100 users.
fn follow(number: u32) -> Change {
    let (source, step) = (number / 99, number % 99 + 1);
    change(Relation::Follow, Operation::Add, source, (source + step) % 100)
}

// What a failed compaction had frozen was no longer counted: writes were taken until the memory was full.
#[test]
fn while_compaction_fails_writes_are_taken_up_to_the_bound_and_no_further() {
    let disk = Stubborn::default();
    let store = disk.open(Options { overlay_bytes: 10_000, overlay_wait: Duration::ZERO, ..two_slots() });
    store.allocate_blocking(Wanted::Count(100), String::new()).expect("the disk works");
    disk.lets_through(0);
    let mut taken = 0;
    let refused = loop {
        match store.apply_blocking(vec![follow(taken)]) {
            Ok(_) => taken += 1,
            Err(error) => break error,
        }
        assert!(taken < 200, "nothing was refused");
        store.compact().expect_err("no segment can be made certain");
    };
    let StoreError::OverlayFull { bytes, max: 10_000 } = refused else { panic!("after {taken}: {refused}") };
    assert!((10_000..11_000).contains(&bytes), "after {taken}: {bytes}");
    assert_eq!(store.overlay_bytes(), bytes);
    disk.lets_through(usize::MAX);
    store.compact().expect("the disk works again");
    store.apply_blocking(vec![follow(taken)]).expect("there is room again");
    assert_eq!(store.stats().expect("readable").edges, u64::from(taken) + 1);
}

// Each compaction that failed left its files behind until the store was opened again.
#[test]
fn a_compaction_that_fails_leaves_no_files() {
    let disk = Stubborn::default();
    let store = disk.open(two_slots());
    store.allocate_blocking(Wanted::Count(100), String::new()).expect("the disk works");
    store.apply_blocking((0..20).map(follow).collect()).expect("the disk works");
    store.compact().expect("the disk works");
    let before = disk.disk.names(Path::new(SEGMENTS)).expect("a folder");
    store.apply_blocking((20..40).map(follow).collect()).expect("the log is not touched");
    disk.lets_through(0);
    store.compact().expect_err("no segment can be made certain");
    assert_eq!(disk.disk.names(Path::new(SEGMENTS)).expect("a folder"), before);
    assert!(store.check(&|_| {}).is_clean());
}

// Once one named reader held more of the log than the bound allows, every other one lost its place, too.
#[test]
fn a_named_reader_who_is_too_far_behind_costs_the_others_nothing() {
    let disk = Stubborn::default();
    let store = disk.open(Options { log_file_bytes: 200, consumer_log_bytes: 2_000, ..two_slots() });
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

/// Yields until it is so.
fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "it never came to be");
        thread::yield_now();
    }
}

// The slots were written out together, and the log was trimmed when the last one was: one that changed once in a while
// made all others wait.
#[test]
fn a_log_that_reaches_its_bound_is_trimmed_although_the_overlay_is_small_and_slots_are_idle() {
    let disk = Stubborn::default();
    let store = disk.open(Options { log_file_bytes: 500, log_bytes: 20_000, ..two_slots() });
    store.allocate_blocking(Wanted::Count(100), String::new()).expect("the disk works");
    // A change of both slots, and from then on only of one.
    store.apply_blocking(vec![follow(0)]).expect("the disk works");
    for operation in [Operation::Add, Operation::Remove].repeat(3_000) {
        store.apply_blocking(vec![change(Relation::Follow, operation, 0, 2)]).expect("the disk works");
        wait_until(|| store.log_bytes() <= 20_000);
    }
    assert!(store.revision().0 > 6_000, "the log was never long enough");
    drop(store);
    let store = disk.open(two_slots());
    assert_eq!(store.stats().expect("readable").edges, 1);
    assert!(store.check(&|_| {}).is_clean());
}

// Compaction began only after a write, and no write was taken before compaction.
#[test]
fn a_store_that_opens_with_more_changes_than_its_bound_makes_room_for_writes() {
    let disk = Stubborn::default();
    let store = disk.open(two_slots());
    store.allocate_blocking(Wanted::Count(100), String::new()).expect("the disk works");
    store.apply_blocking((0..50).map(follow).collect()).expect("the disk works");
    drop(store);
    let store = disk.open(Options { overlay_bytes: 1_000, overlay_wait: Duration::from_secs(30), ..two_slots() });
    assert!(store.overlay_bytes() > 1_000);
    store.apply_blocking(vec![follow(50)]).expect("room is made");
    assert_eq!(store.stats().expect("readable").edges, 51);
}

// All changes in memory were counted until the last slot was written out.
#[test]
fn the_memory_of_a_slot_is_free_as_soon_as_its_segments_are_in_place() {
    let disk = Stubborn::default();
    let store = disk.open(two_slots());
    store.allocate_blocking(Wanted::Count(100), String::new()).expect("the disk works");
    store.apply_blocking((0..50).map(follow).collect()).expect("the disk works");
    let before = store.overlay_bytes();
    disk.lets_through(1);
    store.compact().expect_err("the second slot's segments cannot be made certain");
    let after = store.overlay_bytes();
    assert!(0 < after && after < before, "{before}, then {after}");
    disk.lets_through(usize::MAX);
    store.compact().expect("the disk works again");
    assert_eq!(store.overlay_bytes(), 0);
}
