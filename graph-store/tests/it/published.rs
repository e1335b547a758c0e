//! What was published is what the store answers from, is there after every restart, and is nothing where it is damaged.

use std::path::{Path, PathBuf};

use base::disk::{Disk, SimulatedDisk};
use base::{Revision, UserId};
use graph_store::published::PublishedRun;
use graph_store::store::Wanted;
use graph_store::{Store, StoreError};

use crate::support::{open, open_with, two_slots, with_users};

const FILES: [&str; 2] = ["published-ranks.table", "published-suggestions.table"];

fn path(file: &str) -> PathBuf {
    Path::new("graph").join(file)
}

fn run(job: &str, users: u32) -> PublishedRun {
    PublishedRun {
        job: job.to_owned(),
        parameters: "d=1".to_owned(),
        revision: Revision(7),
        finished_at: 3_600_000,
        users,
    }
}

fn publish_ranks(store: &Store, ranks: &[f64]) -> Result<(), StoreError> {
    store.publish_ranks(&run("pagerank", ranks.len() as u32), ranks)
}

fn publish_suggestions(store: &Store, of_each: &[Vec<(u32, f32)>]) -> Result<(), StoreError> {
    let of_user =
        |suggested: &'_ Vec<(u32, f32)>| suggested.clone().into_iter().map(|(user, score)| (UserId(user), score));
    store.publish_suggestions(&run("wtf", of_each.len() as u32), of_each.iter().map(of_user))
}

/// The ranks of the first four users; none where nothing is published.
fn ranks(store: &Store) -> Option<[f64; 4]> {
    store.published().ranks.map(|ranks| [0, 1, 2, 3].map(|user| ranks.of(UserId(user))))
}

/// The suggestions for the first four users; none where nothing is published.
fn suggestions(store: &Store) -> Option<[Vec<(u32, f32)>; 4]> {
    let suggestions = store.published().suggestions?;
    Some([0, 1, 2, 3].map(|user| suggestions.of(UserId(user)).map(|(user, score)| (user.0, score)).collect()))
}

/// A store with both kinds of results for two of its four users.
fn with_both(disk: &SimulatedDisk) -> Store {
    let store = with_users(disk, 2);
    publish_ranks(&store, &[0.75, 0.25]).expect("the disk works");
    publish_suggestions(&store, &[vec![], vec![(0, 0.5)]]).expect("the disk works");
    store.allocate_blocking(Wanted::Count(2), String::new()).expect("the disk works");
    store
}

#[test]
fn the_files_are_as_the_documentation_shows() {
    let disk = SimulatedDisk::new();
    with_both(&disk);
    let file = |kind: u8, job: &[u8], body: &[u8]| {
        let mut bytes = b"ROOSTPUB\x01\0\0\0".to_vec();
        bytes.extend([kind, 0, 0, 0]);
        bytes.extend(b"\x07\0\0\0\0\0\0\0\x80\xee\x36\0\0\0\0\0\x02\0\0\0");
        bytes.extend([job.len() as u8, 0, 0, 0]);
        bytes.extend(job);
        bytes.extend(b"\x03\0\0\0d=1");
        bytes.extend(body);
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    };
    let ranks = b"\0\0\0\0\0\0\xe8\x3f\0\0\0\0\0\0\xd0\x3f";
    assert_eq!(disk.read(&path(FILES[0])).expect("published"), file(1, b"pagerank", ranks));
    let suggestions = b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x3f";
    assert_eq!(disk.read(&path(FILES[1])).expect("published"), file(2, b"wtf", suggestions));
}

#[test]
fn what_is_published_is_read_at_once_and_after_every_restart_until_the_next() {
    let disk = SimulatedDisk::new();
    let store = with_both(&disk);
    let of_each = [vec![], vec![(0, 0.5)], vec![], vec![]];
    assert_eq!((ranks(&store), suggestions(&store)), (Some([0.75, 0.25, 0.0, 0.0]), Some(of_each.clone())));
    drop(store);
    let store = open(&disk);
    assert_eq!((ranks(&store), suggestions(&store)), (Some([0.75, 0.25, 0.0, 0.0]), Some(of_each)));
    assert!(store.published().runs().eq(&[run("pagerank", 2), run("wtf", 2)]));
    let before = store.published();
    publish_ranks(&store, &[0.1, 0.2, 0.3, 0.4]).expect("the disk works");
    assert_eq!(ranks(&store), Some([0.1, 0.2, 0.3, 0.4]));
    // Whoever reads what was published before goes on with that.
    assert_eq!(before.ranks.map(|ranks| ranks.of(UserId(0))), Some(0.75));
    drop(store);
    assert_eq!(ranks(&open(&disk)), Some([0.1, 0.2, 0.3, 0.4]));
}

#[test]
fn results_that_are_not_of_their_run_are_refused() {
    let store = with_users(&SimulatedDisk::new(), 2);
    let refused = store.publish_ranks(&run("pagerank", 3), &[0.5, 0.5]).expect_err("there is one more user");
    assert_eq!(refused.to_string(), "a run over 3 users has results for 2");
    publish_suggestions(&store, &[vec![(2, 1.0)], vec![]]).expect_err("there is no user 2");
    let long = PublishedRun { parameters: "x".repeat(5000), ..run("pagerank", 0) };
    store.publish_ranks(&long, &[]).expect_err("too long");
    assert_eq!((ranks(&store), suggestions(&store)), (None, None));
}

/// Panics unless a file with these bytes is no published result, and a check says so.
fn assert_unusable(disk: &SimulatedDisk, file: &str, bytes: &[u8], what: &str) {
    let copy = disk.after_power_cut(0);
    copy.create(&path(file)).and_then(|mut open| open.write_at(0, bytes)).expect("the disk works");
    let store = open(&copy);
    let published = store.published();
    let others = if file == FILES[0] { published.ranks.is_none() } else { published.suggestions.is_none() };
    assert!(others && published.runs().count() == 1, "{what} of {file} went unnoticed");
    let findings = store.check(&|_| {}).findings;
    assert!(matches!(&findings[..], [one] if one.starts_with(file)), "{what} of {file}: {findings:?}");
}

#[test]
fn each_flipped_bit_and_each_cut_makes_it_unusable_and_is_told() {
    let disk = SimulatedDisk::new();
    drop(with_both(&disk));
    for file in FILES {
        let whole = disk.read(&path(file)).expect("published");
        (0..whole.len()).for_each(|len| assert_unusable(&disk, file, &whole[..len], &format!("a cut at {len}")));
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_unusable(&disk, file, &flipped, &format!("bit {bit}"));
        }
    }
}

/// The bytes with their checksum made right.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let covered = bytes.len() - 4;
    let checksum = crc32c::crc32c(&bytes[..covered]);
    bytes[covered..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

#[test]
fn what_the_checksum_does_not_tell_is_told_too() {
    let disk = SimulatedDisk::new();
    drop(with_both(&disk));
    for file in FILES {
        let whole = disk.read(&path(file)).expect("published");
        // Every byte, which may then be a version, a length or an offset that cannot be, or be none the worse for it.
        for place in 0..whole.len() - 4 {
            for byte in [0x00, 0x01, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[place] = byte;
                let copy = disk.after_power_cut(0);
                let write = |mut open: Box<dyn base::disk::DiskFile>| open.write_at(0, &signed(changed));
                copy.create(&path(file)).and_then(write).expect("the disk works");
                let store = open(&copy);
                let told = !store.check(&|_| {}).is_clean();
                assert_eq!(told, store.published().runs().count() == 1, "{byte:x} at {place} of {file}");
                let named = suggestions(&store).into_iter().flatten().flatten();
                named.for_each(|(user, _)| assert!(user < 2, "{byte:x} at {place} of {file} names user {user}"));
                ranks(&store);
            }
        }
        let mut newer = whole.clone();
        newer[8] = 2;
        let copy = disk.after_power_cut(0);
        let write = |mut open: Box<dyn base::disk::DiskFile>| open.write_at(0, &signed(newer));
        copy.create(&path(file)).and_then(write).expect("the disk works");
        let findings = open(&copy).check(&|_| {}).findings;
        let expected = "has the format version 2, and 1 is known: publish again, or remove it";
        assert_eq!(findings, [format!("{file} {expected}")]);
    }
}

#[test]
fn with_the_power_cut_at_every_write_and_sync_one_of_both_results_is_there() {
    let disk = SimulatedDisk::new();
    drop(with_both(&disk));
    let again = |disk: &SimulatedDisk| -> Result<(), StoreError> {
        let (store, _) = open_with(disk, two_slots())?;
        publish_ranks(&store, &[1.0, 2.0, 3.0, 4.0])?;
        publish_suggestions(&store, &[vec![(1, 1.0)], vec![], vec![], vec![]])
    };
    let whole = disk.after_power_cut(0);
    again(&whole).expect("nothing was cut");
    let (old_ranks, new_ranks) = (Some([0.75, 0.25, 0.0, 0.0]), Some([1.0, 2.0, 3.0, 4.0]));
    let (of_old, of_new) = ([vec![], vec![(0, 0.5)], vec![], vec![]], [vec![(1, 1.0)], vec![], vec![], vec![]]);
    for operations in 0..whole.operations() {
        let cut = disk.after_power_cut(0);
        cut.cut_power_after(operations);
        let done = again(&cut);
        for seed in 0..8 {
            let found = cut.after_power_cut(seed);
            let store = open(&found);
            let (ranks, suggestions) = (ranks(&store), suggestions(&store));
            assert!(ranks == new_ranks || ranks == old_ranks, "cut after {operations}, seed {seed}: {ranks:?}");
            let possible = suggestions.as_ref() == Some(&of_old) || suggestions.as_ref() == Some(&of_new);
            assert!(possible, "cut after {operations}, seed {seed}: {suggestions:?}");
            // They were published one behind the other.
            assert!(suggestions.as_ref() == Some(&of_old) || ranks == new_ranks, "cut after {operations}, seed {seed}");
            assert!(done.is_err() || suggestions.as_ref() == Some(&of_new), "cut after {operations}, seed {seed}");
            assert!(store.check(&|_| {}).is_clean(), "cut after {operations}, seed {seed}");
            let left = found.names(Path::new("graph")).expect("a folder");
            assert!(!left.iter().any(|name| name.ends_with(".tmp")), "cut after {operations}, seed {seed}: {left:?}");
        }
    }
}
