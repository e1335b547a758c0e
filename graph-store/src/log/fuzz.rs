//! What a fuzzer calls: see [`fuzzing`](crate::fuzzing).

use std::path::Path;
use std::sync::Arc;

use base::disk::{Disk, HighWaterMark, SimulatedDisk};
use base::{Relation, Revision, UserId};

use super::frame::{self, FRAME_HEADER_LEN, Frame};
use super::{ChangeLog, Ended, FileLog, Operation, Record};
use crate::fuzzing::Input;

const FOLDER: &str = "log";
/// Whether checksums are put right, and the revisions of frames.
const SEAL: u64 = 1;
/// Whether the file gets a header.
const HEADER: u64 = 2;

fn put(disk: &SimulatedDisk, path: &Path, bytes: &[u8]) {
    disk.create(path).and_then(|mut file| file.write_at(0, bytes)).expect("memory takes all");
}

/// A log of one file: [`SEAL`] and [`HEADER`] (one byte), the revision that the file begins after (`u64`), the bytes of
/// the file. Sealed, each frame in them is its length (`u16`) and its records.
pub(crate) fn files(input: &[u8]) {
    let mut input = Input(input);
    let (flags, after) = (input.number::<1>(), Revision(input.number::<8>()));
    let mut bytes = if flags & HEADER == 0 { vec![] } else { frame::header(after).to_vec() };
    if flags & SEAL == 0 {
        bytes.extend(input.0);
    } else {
        let mut last = after;
        while !input.0.is_empty() {
            let len = input.number::<2>() as usize;
            let payload = input.take(len);
            let sealed = frame::sealed(last, [&[0; FRAME_HEADER_LEN][..], payload].concat());
            let records = Frame::parse(&sealed).map_or(0, |frame| frame.records().flatten().count());
            last = Revision(last.0.wrapping_add(records as u64));
            bytes.extend(sealed);
        }
    }
    let disk = SimulatedDisk::new();
    let folder = Path::new(FOLDER);
    put(&disk, &folder.join(frame::file_name(after)), &bytes);
    HighWaterMark::create(&disk, &folder.join("HEAD"), 0).expect("memory takes all");
    let Ok((log, _)) = FileLog::open(Arc::new(disk.clone()), folder) else { return };
    let records = log.read(log.start(), usize::MAX).expect("each frame was checked");
    assert_eq!(records.last().map_or(after, |(revision, _)| *revision), log.last(), "all records are read");
    for (_, record) in &records {
        let mut again = vec![];
        record.encode(&mut again);
        assert_eq!(Record::decode(&mut &again[..]).as_ref(), Some(record), "encoded again");
    }
    if log.last().0 > frame::REVISION_MAX {
        return;
    }
    // What was torn is gone, and the log goes on.
    log.append(&[Record::Import { edges: 7 }]).expect("memory takes all");
    drop(log);
    let (log, cut) = FileLog::open(Arc::new(disk), folder).expect("what was opened opens again");
    assert_eq!(cut, None, "nothing is torn any more");
    let again = log.read(log.start(), usize::MAX).expect("each frame was checked");
    assert_eq!(again.len(), records.len() + 1, "what was appended is there");
    assert_eq!(again[..records.len()], records, "and what was before");
}

/// A high-water mark: its file.
pub(crate) fn high_water(input: &[u8]) {
    let disk = SimulatedDisk::new();
    let path = Path::new("HEAD");
    put(&disk, path, input);
    let Ok(mut mark) = HighWaterMark::open(&disk, path) else { return };
    let value = mark.value().saturating_add(1);
    mark.raise(value).expect("memory takes all");
    assert_eq!(HighWaterMark::open(&disk, path).expect("raised just now").value(), value, "it rises");
}

/// Records of each kind, in frames; whole, torn and to be sealed.
pub(crate) fn files_seeds() -> Vec<Vec<u8>> {
    let change = |relation, operation, ended| Record::Change {
        relation,
        operation,
        source: UserId(3),
        target: UserId(4),
        time: 1_700_000_000,
        ended,
    };
    let ended = Ended { by_source: true, by_target: false };
    let records = [
        Record::Allocate { first: UserId(0), count: 2, external_ids: vec![9, 8], key: "key".to_owned() },
        change(Relation::Follow, Operation::Add, Ended::default()),
        change(Relation::Block, Operation::Add, ended),
        Record::Set { name: "set".to_owned(), remove: vec![], add: vec![1, 2] },
        Record::Import { edges: 77 },
    ];
    let mut payloads = vec![vec![]; 2];
    records.iter().zip(0..).for_each(|(record, place)| record.encode(&mut payloads[place / 3]));
    let start = |flags: u64, after: u64| [&[flags as u8][..], &after.to_le_bytes()].concat();
    let framed: Vec<u8> =
        [frame::encode(Revision(0), &records[..3]), frame::encode(Revision(3), &records[3..])].concat();
    let sealed = payloads.iter().flat_map(|payload| [&(payload.len() as u16).to_le_bytes()[..], payload].concat());
    let sealed: Vec<u8> = sealed.collect();
    vec![
        start(HEADER, 0),
        [start(HEADER, 0), framed.clone()].concat(),
        [start(HEADER, 0), framed[..framed.len() - 9].to_vec()].concat(),
        [start(0, 0), frame::header(Revision(0))[..FRAME_HEADER_LEN].to_vec()].concat(),
        [start(HEADER | SEAL, 0), sealed.clone()].concat(),
        [start(HEADER | SEAL, u64::MAX - 5), sealed].concat(),
    ]
}

/// A mark that was raised, and one of whose sectors is torn.
pub(crate) fn high_water_seeds() -> Vec<Vec<u8>> {
    let disk = SimulatedDisk::new();
    let path = Path::new("HEAD");
    let mut mark = HighWaterMark::create(&disk, path, 3).expect("memory takes all");
    mark.raise(9).expect("memory takes all");
    let whole = disk.read(path).expect("written");
    vec![whole[..700].to_vec(), whole]
}
