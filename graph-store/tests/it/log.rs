//! The embedded change log: what was acknowledged is there, in order, or its loss is told.

use std::path::Path;
use std::sync::Arc;

use base::disk::{Disk, SimulatedDisk};
use base::{Relation, Revision, UserId};
use graph_store::log::{ChangeLog, Ended, FileLog, LogError, Operation, Record};

const FOLDER: &str = "log";

fn follow(number: u32) -> Record {
    Record::Change {
        relation: Relation::Follow,
        operation: Operation::Add,
        source: UserId(number),
        target: UserId(number + 1),
        time: number,
        ended: Ended::default(),
    }
}

fn created(disk: &SimulatedDisk) -> FileLog {
    FileLog::create(Arc::new(disk.clone()), Path::new(FOLDER)).expect("an empty disk takes a log")
}

fn opened(disk: &SimulatedDisk) -> Result<FileLog, LogError> {
    FileLog::open(Arc::new(disk.clone()), Path::new(FOLDER)).map(|(log, _)| log)
}

/// All records after a revision, a few at a time.
fn all_after(log: &FileLog, revision: Revision) -> Vec<(Revision, Record)> {
    let mut found: Vec<(Revision, Record)> = Vec::new();
    loop {
        let after = found.last().map_or(revision, |(revision, _)| *revision);
        let next = log.read(after, 7).expect("readable");
        if next.is_empty() {
            return found;
        }
        found.extend(next);
    }
}

fn numbered(records: impl IntoIterator<Item = u32>) -> Vec<(Revision, Record)> {
    records.into_iter().map(|number| (Revision(u64::from(number)), follow(number))).collect()
}

/// Appends `follow(n)` as revision `n`, in groups of three.
fn append(log: &FileLog, numbers: std::ops::RangeInclusive<u32>) {
    for group in numbers.collect::<Vec<_>>().chunks(3) {
        let records: Vec<Record> = group.iter().map(|number| follow(*number)).collect();
        let revision = log.append(&records).expect("the disk works");
        assert_eq!(revision.0, u64::from(group[group.len() - 1]));
    }
}

fn newest_file(disk: &SimulatedDisk) -> std::path::PathBuf {
    let names = disk.names(Path::new(FOLDER)).expect("a folder");
    let newest = names.into_iter().rfind(|name| name.ends_with(".log")).expect("a log has a file");
    Path::new(FOLDER).join(newest)
}

fn with_bytes(disk: &SimulatedDisk, path: &Path, bytes: &[u8]) -> SimulatedDisk {
    let copy = disk.after_power_cut(0);
    copy.create(path).and_then(|mut file| file.write_at(0, bytes)).expect("the disk works");
    copy
}

#[test]
fn records_are_read_from_any_revision_over_many_files_and_reopenings() {
    let disk = SimulatedDisk::new();
    append(&created(&disk).with_file_bytes(200), 1..=40);
    let log = opened(&disk).expect("whole").with_file_bytes(200);
    append(&log, 41..=100);
    assert!(disk.names(Path::new(FOLDER)).expect("names").len() > 5, "the log did not begin new files");
    for after in 0..=100 {
        assert_eq!(all_after(&log, Revision(u64::from(after))), numbered(after + 1..=100), "after {after}");
    }
}

#[test]
fn trimming_lets_whole_files_go_and_says_where_the_log_begins() {
    let disk = SimulatedDisk::new();
    let log = created(&disk).with_file_bytes(200);
    append(&log, 1..=60);
    log.trim(Revision(30)).expect("the disk works");
    let start = log.start();
    assert!((1..=30).contains(&start.0), "{start:?}");
    assert_eq!(all_after(&log, start), numbered(start.0 as u32 + 1..=60));
    let before = log.read(Revision(start.0 - 1), 1).expect_err("trimmed");
    assert!(matches!(before, LogError::Trimmed { start: told } if told == start.0), "{before}");
    log.trim(Revision(60)).expect("the disk works");
    drop(log);
    let log = opened(&disk).expect("whole");
    append(&log, 61..=62);
    assert_eq!(all_after(&log, Revision(60)), numbered(61..=62));
}

// A file that could not be removed was forgotten; the next trim removed the one behind it, and the log did not open.
#[test]
fn a_trim_that_failed_leaves_a_log_without_a_hole() {
    for operations in 0..4 {
        let disk = SimulatedDisk::new();
        let log = created(&disk).with_file_bytes(120);
        append(&log, 1..=30);
        disk.fail_once_after(operations);
        log.trim(Revision(12)).expect_err("one operation fails");
        assert_eq!(all_after(&log, Revision(12)), numbered(13..=30), "{operations}");
        log.trim(Revision(20)).expect("the disk works again");
        drop(log);
        let log = opened(&disk).unwrap_or_else(|error| panic!("after {operations}: {error}"));
        assert_eq!(all_after(&log, Revision(20)), numbered(21..=30), "{operations}");
    }
}

#[test]
fn a_torn_append_is_cut_off_and_reported() {
    let disk = SimulatedDisk::new();
    append(&created(&disk), 1..=9);
    let path = newest_file(&disk);
    let whole = disk.read(&path).expect("a file");
    append(&opened(&disk).expect("whole"), 10..=12);
    let longer = disk.read(&path).expect("a file");
    // The high-water mark of the shorter log: the last append was never acknowledged.
    let before = SimulatedDisk::new();
    append(&created(&before), 1..=9);
    for len in whole.len() + 1..longer.len() {
        let torn = with_bytes(&before, &path, &longer[..len]);
        let (log, cut) = FileLog::open(Arc::new(torn.clone()), Path::new(FOLDER)).expect("a torn end is no damage");
        let cut = cut.expect("something was cut off");
        assert_eq!((cut.offset, cut.bytes), (whole.len() as u64, (len - whole.len()) as u64));
        assert_eq!(all_after(&log, Revision::ZERO), numbered(1..=9));
        append(&log, 10..=12);
        drop(log);
        assert_eq!(all_after(&opened(&torn).expect("whole again"), Revision::ZERO), numbered(1..=12));
    }
}

#[test]
fn every_flipped_bit_and_every_truncation_of_what_was_acknowledged_is_told() {
    let disk = SimulatedDisk::new();
    append(&created(&disk).with_file_bytes(150), 1..=12);
    let folder = Path::new(FOLDER);
    let names = disk.names(folder).expect("names");
    for path in names.iter().filter(|name| name.ends_with(".log")).map(|name| folder.join(name)) {
        let whole = disk.read(&path).expect("a file");
        for len in 0..whole.len() {
            let cut = with_bytes(&disk, &path, &whole[..len]);
            assert!(opened(&cut).is_err(), "{} cut to {len}", path.display());
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let flipped = with_bytes(&disk, &path, &flipped);
            assert!(opened(&flipped).is_err(), "{} with bit {bit} flipped", path.display());
        }
    }
    // Without its oldest file a log begins later, as if it had been trimmed: who needs those records will tell.
    for name in names.iter().filter(|name| name.ends_with(".log")).skip(1) {
        let gone = disk.after_power_cut(0);
        gone.remove(&folder.join(name)).expect("it was there");
        assert!(opened(&gone).is_err(), "{name} gone");
    }
}

#[test]
fn with_the_power_cut_at_every_write_and_sync_the_acknowledged_is_there() {
    let run = |disk: &SimulatedDisk| -> u64 {
        let Ok(log) = FileLog::create(Arc::new(disk.clone()), Path::new(FOLDER)) else { return 0 };
        let log = log.with_file_bytes(120);
        (1..=8).take_while(|number| log.append(&[follow(*number)]).is_ok()).last().map_or(0, u64::from)
    };
    let whole = SimulatedDisk::new();
    assert_eq!(run(&whole), 8);
    for operations in 0..whole.operations() {
        for seed in 0..8 {
            let disk = SimulatedDisk::new();
            disk.cut_power_after(operations);
            let acknowledged = run(&disk);
            let after = disk.after_power_cut(seed);
            match opened(&after) {
                Ok(log) => {
                    let found = all_after(&log, Revision::ZERO);
                    assert!(found.len() as u64 >= acknowledged, "cut after {operations}, seed {seed}");
                    assert_eq!(found, numbered(1..=found.len() as u32), "cut after {operations}, seed {seed}");
                }
                Err(error) => assert_eq!(acknowledged, 0, "cut after {operations}, seed {seed}: {error}"),
            }
        }
    }
}

#[test]
fn after_a_failed_append_every_further_one_is_refused() {
    let disk = SimulatedDisk::new();
    let log = created(&disk);
    append(&log, 1..=3);
    disk.cut_power_after(1);
    assert!(matches!(log.append(&[follow(4)]), Err(LogError::Io { .. })));
    assert!(matches!(log.append(&[follow(4)]), Err(LogError::Refused)));
    assert_eq!(all_after(&log, Revision::ZERO), numbered(1..=3));
}
