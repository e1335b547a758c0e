//! A segment gives back the lists it was written from; whatever happened to its files, it never gives back others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base::disk::{Disk, RealDisk, SimulatedDisk};
use base::{Direction, Relation, Revision, Slot, Slots, UserId};
use graph_store::adjacency::{Encoding, List};
use graph_store::segment::{Segment, SegmentError, SegmentId, SegmentInfo, SegmentWriter, TIME_ORDERED_ENTRIES};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::columns::{check_times, read_times};

pub(crate) const FOLDER: &str = "segments";
pub(crate) const BASE_VERSION: u64 = 1000;
pub(crate) const REVISION: Revision = Revision(2000);

/// The number of a packed index in a header.
const PACKED: u8 = 2;

/// Version, ids and times.
pub(crate) type Content = (u64, Vec<u32>, Vec<u32>);

/// The lists of a segment, by ordinal.
pub(crate) type Lists = BTreeMap<u32, Content>;

pub(crate) fn id() -> SegmentId {
    let slots = Slots::default();
    SegmentId { slot: Slot(7), slots, relation: Relation::Follow, direction: Direction::Forward, number: 12 }
}

pub(crate) fn path() -> PathBuf {
    Path::new(FOLDER).join(id().file_name())
}

pub(crate) fn times_path() -> PathBuf {
    Path::new(FOLDER).join(id().times_name())
}

/// Writes lists whose times are in the order of time from so many on.
pub(crate) fn write_with(
    disk: &dyn Disk,
    folder: &Path,
    lists: &Lists,
    time_ordered_entries: u32,
) -> Result<SegmentInfo, SegmentError> {
    let mut writer = SegmentWriter::create(disk, folder, id(), REVISION, BASE_VERSION, Encoding::Auto)?
        .with_time_ordered_entries(time_ordered_entries);
    for (ordinal, (version, ids, times)) in lists {
        writer.push(*ordinal, *version, ids, times)?;
    }
    writer.finish()
}

fn write(disk: &dyn Disk, folder: &Path, lists: &Lists) -> Result<SegmentInfo, SegmentError> {
    write_with(disk, folder, lists, TIME_ORDERED_ENTRIES)
}

pub(crate) fn written_with(lists: &Lists, time_ordered_entries: u32) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    write_with(&disk, Path::new(FOLDER), lists, time_ordered_entries).expect("written");
    disk
}

pub(crate) fn written(lists: &Lists) -> SimulatedDisk {
    written_with(lists, TIME_ORDERED_ENTRIES)
}

pub(crate) fn open(disk: &dyn Disk) -> Result<Segment, SegmentError> {
    Segment::open(disk, &path())
}

/// What a segment answers about one ordinal.
fn read(segment: &Segment, ordinal: u32) -> Result<Option<Content>, SegmentError> {
    let Some(list) = segment.list(ordinal)? else { return Ok(None) };
    let mut times = Vec::new();
    segment.times().decode_into(ordinal, list.len(), &mut times)?;
    Ok(Some((list.version(), list.iter().collect(), times)))
}

/// Every list is there, and no other.
pub(crate) fn check(segment: &Segment, lists: &Lists) {
    segment.verify_all().expect("nothing is damaged");
    let end = lists.last_key_value().map_or(0, |(ordinal, _)| ordinal + 1);
    assert_eq!(segment.ordinals(), u64::from(end));
    for ordinal in lists.keys().flat_map(|ordinal| [ordinal.saturating_sub(1), *ordinal, ordinal + 1]) {
        let found = read(segment, ordinal).expect("readable");
        assert_eq!(found.as_ref(), lists.get(&ordinal), "list {ordinal}");
    }
    let all = segment.lists().map(|list| list.map(|(ordinal, list)| (ordinal, list.version(), list.iter().collect())));
    let all: Vec<(u32, u64, Vec<u32>)> = all.collect::<Result<_, _>>().expect("readable");
    assert!(all.into_iter().eq(lists.iter().map(|(ordinal, (version, ids, _))| (*ordinal, *version, ids.clone()))));
    for (ordinal, (_, _, times)) in lists {
        check_times(segment, *ordinal, times);
    }
}

/// A few lists: imported ones of one time, one changed since, one emptied, and gaps.
pub(crate) fn small(ordinals: [u32; 4]) -> Lists {
    let imported = 1_767_225_600;
    let [first, second, third, fourth] = ordinals;
    BTreeMap::from([
        (first, (BASE_VERSION, vec![3, 64, 1000, 70_000], vec![imported; 4])),
        (second, (BASE_VERSION + 77, vec![1, 2, 5_000_000], vec![imported, imported - 60, imported + 3600])),
        (third, (BASE_VERSION + 300, vec![], vec![])),
        (fourth, (BASE_VERSION, (0..90).map(|i| i * i * 11).collect(), vec![imported; 90])),
    ])
}

/// A list whose times are in the order of time, with repetitions and samples.
pub(crate) fn long() -> Lists {
    let times = (0..TIME_ORDERED_ENTRIES).map(|i| 1_767_225_600 + i * i % 10_007 * 15_000).collect();
    BTreeMap::from([(3, (BASE_VERSION, (0..TIME_ORDERED_ENTRIES).map(|i| i * 3).collect(), times))])
}

/// A list whose times lie in groups, of which the last is not full.
pub(crate) fn grouped() -> Lists {
    let times = (0..30).map(|i| 1_767_225_600 + i * 7_654_321 % 157_000_000).collect();
    BTreeMap::from([(2, (BASE_VERSION, (0..30).map(|i| i * 5).collect(), times))])
}

/// Tiny lists with gaps between them, so many that the index of either file is packed, in one block.
pub(crate) fn packed() -> Lists {
    let list = |i: u32| {
        let ids = if i.is_multiple_of(3) { vec![i, 1000 + i * i] } else { vec![i * i * 7] };
        let times = ids.iter().map(|id| 1_767_225_600 + i * 60 + id % 7).collect();
        (i * 5 / 2, (BASE_VERSION + u64::from(i % 4), ids, times))
    };
    (0..110).map(list).collect()
}

/// Lists that fill some blocks, in a file that is still small enough to damage in many ways.
fn several_blocks() -> Lists {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut lists = Lists::new();
    for ordinal in 0..60 {
        let mut ids: Vec<u32> = (0..random.random_range(0..200)).map(|_| random.random_range(0..1_000_000)).collect();
        ids.sort_unstable();
        ids.dedup();
        let times = ids.iter().map(|_| random.random_range(1_000_000..1_000_100)).collect();
        lists.insert(ordinal * 3 / 2, (BASE_VERSION + u64::from(ordinal % 5), ids, times));
    }
    lists
}

/// Many lists with next to nothing in them, gaps between them, and a hub: enough for an index that is packed.
fn tiny() -> Lists {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut lists = Lists::new();
    for ordinal in (0..3000).filter(|ordinal| ordinal % 7 != 3) {
        let ids: Vec<u32> = (0..ordinal % 3).map(|i| i * 1_000_000 + random.random_range(0..1_000_000)).collect();
        let times = ids.iter().map(|_| random.random_range(1_000_000..1_000_100)).collect();
        lists.insert(ordinal, (BASE_VERSION, ids, times));
    }
    let hub: Vec<u32> = (0..5000).map(|i| i * 9 + i % 4).collect();
    let times = hub.iter().map(|id| 1_000_000 + id % 90).collect();
    lists.insert(1500, (BASE_VERSION + 9, hub, times));
    lists
}

fn lists() -> impl Strategy<Value = Lists> {
    let time = prop_oneof![Just(50_000u32), 49_000u32..52_000, any::<u32>()];
    let edges = prop::collection::btree_map(0u32..500_000, time, 0..80);
    let one_time = (prop::collection::btree_set(any::<u32>(), 0..80), Just(50_000u32))
        .prop_map(|(ids, time)| ids.into_iter().map(|id| (id, time)).collect::<BTreeMap<_, _>>());
    let list = (BASE_VERSION..BASE_VERSION + 3, prop_oneof![edges, one_time])
        .prop_map(|(version, edges)| (version, edges.keys().copied().collect(), edges.values().copied().collect()));
    let tiny = (BASE_VERSION..BASE_VERSION + 3, prop::collection::btree_map(0u32..500_000, 49_000u32..52_000, 0..4))
        .prop_map(|(version, edges)| (version, edges.keys().copied().collect(), edges.values().copied().collect()));
    prop_oneof![
        prop::collection::btree_map(0u32..60, list.clone(), 0..40),
        prop::collection::btree_map(0u32..1_000_000, list, 0..40),
        // The index is packed.
        prop::collection::btree_map(0u32..400, tiny, 150..300),
    ]
}

proptest! {
    #[test]
    fn a_segment_gives_back_the_lists_it_was_written_from(
        lists in lists(),
        time_ordered_entries in prop_oneof![Just(TIME_ORDERED_ENTRIES), 0..30u32],
    ) {
        let disk = SimulatedDisk::new();
        let info = write_with(&disk, Path::new(FOLDER), &lists, time_ordered_entries).expect("written");
        let segment = open(&disk).expect("complete");
        check(&segment, &lists);
        prop_assert_eq!(segment.info(), info);
        prop_assert_eq!(info.bytes, disk.read(&path()).expect("there").len() as u64);
        prop_assert_eq!(info.times_bytes, disk.read(&times_path()).expect("there").len() as u64);
        prop_assert_eq!(info.lists, lists.len() as u64);
        prop_assert_eq!(info.edges, lists.values().map(|(_, ids, _)| ids.len() as u64).sum::<u64>());
    }
}

#[test]
fn a_segment_of_many_chunks_is_read_back_from_a_real_disk() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut lists = Lists::new();
    for ordinal in 0..150 {
        let step = random.random_range(2..2000);
        let ids: Vec<u32> = (0..20_000).map(|i| i * step + random.random_range(0..step)).collect();
        let times = ids.iter().map(|id| 1_767_225_600 + id % 1000).collect();
        lists.insert(ordinal, (BASE_VERSION, ids, times));
    }
    let hub: Vec<u32> = (0..300_000).map(|i| i * 7).collect();
    lists.insert(200, (BASE_VERSION + 1, hub.clone(), vec![5; hub.len()]));
    let info = write(&RealDisk, folder.path(), &lists)?;
    assert!(info.bytes > 2 << 20, "{} bytes are one chunk", info.bytes);
    assert_eq!(info.longest, hub.len() as u64);
    let segment = Segment::open(&RealDisk, &folder.path().join(id().file_name()))?;
    check(&segment, &lists);
    assert!(segment.list(200)?.is_some_and(|list| list.roaring_bytes().is_some()), "the hub is roaring");
    Ok(())
}

#[test]
fn the_index_of_many_tiny_lists_takes_less_than_a_byte_each() {
    let lists = tiny();
    let disk = SimulatedDisk::new();
    let info = write(&disk, Path::new(FOLDER), &lists).expect("written");
    assert!(info.index_bytes < 3000, "{} bytes", info.index_bytes);
    let segment = open(&disk).expect("complete");
    assert_eq!(segment.info(), info);
    check(&segment, &lists);
    // Beyond the last there is nothing.
    assert_eq!(read(&segment, 3000).expect("readable"), None);
}

/// Panics unless a file has these bytes, given as hexadecimal numbers.
pub(crate) fn assert_golden(disk: &SimulatedDisk, path: &Path, name: &str, expected: &str) {
    let bytes = disk.read(path).expect("there");
    let lines =
        bytes.chunks(16).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "));
    const WHAT_NOW: &str = "no longer has the bytes of the first release: give the format its next version";
    assert_eq!(lines.collect::<Vec<_>>().join("\n"), expected.trim_end(), "{name} {WHAT_NOW}");
}

#[test]
fn the_bytes_of_a_segment_are_those_of_the_first_release() {
    let golden = |name: &str, path: &Path, lists: &Lists, expected: &str| {
        assert_golden(&written(lists), path, name, expected);
    };
    let dense = small([0, 1, 2, 4]);
    let sparse = small([5, 80, 81, 1_000_000]);
    golden("dense", &path(), &dense, include_str!("../golden/dense.segment.hex"));
    golden("dense times", &times_path(), &dense, include_str!("../golden/dense.times.hex"));
    golden("sparse", &path(), &sparse, include_str!("../golden/sparse.segment.hex"));
    golden("sparse times", &times_path(), &sparse, include_str!("../golden/sparse.times.hex"));
    let packed = packed();
    let disk = written(&packed);
    for (file, expected) in [
        (path(), include_str!("../golden/packed.segment.hex")),
        (times_path(), include_str!("../golden/packed.times.hex")),
    ] {
        assert_eq!(disk.read(&file).expect("there")[14], PACKED);
        assert_golden(&disk, &file, "packed", expected);
    }
    check(&open(&disk).expect("complete"), &packed);
    golden("times in groups", &times_path(), &grouped(), include_str!("../golden/groups.times.hex"));
    golden("times by time", &times_path(), &long(), include_str!("../golden/long.times.hex"));
}

/// Whatever is read from a damaged segment is what was written, or an error.
fn check_damaged(disk: &SimulatedDisk, lists: &Lists, what: &str) {
    let Ok(segment) = open(disk) else { return };
    assert!(segment.verify_all().is_err(), "{what}: unnoticed");
    let segment = open(disk).expect("opened before");
    for ordinal in lists.keys().flat_map(|ordinal| [*ordinal, ordinal + 1]) {
        if let Ok(found) = read(&segment, ordinal) {
            assert_eq!(found.as_ref(), lists.get(&ordinal), "{what}: list {ordinal}");
        }
        let times = lists.get(&ordinal).map_or(&[][..], |(_, _, times)| times);
        let mut by_time: Vec<(u32, u32)> = times.iter().copied().zip(0..).collect();
        by_time.sort_unstable();
        let mut newest = Vec::new();
        if let (Some((last, _)), Ok(Some(column))) =
            (by_time.split_last(), segment.times().by_time(ordinal, times.len()))
            && column.decode_into(times.len() - 1..times.len(), &mut newest).is_ok()
        {
            assert_eq!(newest, [*last], "{what}: the newest of list {ordinal}");
            if let Ok(rank) = column.rank(last.0, last.1) {
                assert_eq!(rank, times.len() - 1, "{what}: the rank of the newest of list {ordinal}");
            }
        }
    }
    let all: Vec<(u32, List<'_>)> = segment.lists().flatten().collect();
    for (ordinal, list) in all {
        let expected = lists.get(&ordinal).map(|(_, ids, _)| ids.clone());
        assert_eq!(Some(list.iter().collect()), expected, "{what}: list {ordinal} of all");
    }
}

/// Flips bits and cuts the two files, every `step` bits and bytes.
fn damage(lists: &Lists, time_ordered_entries: u32, step: usize) {
    let disk = written_with(lists, time_ordered_entries);
    for path in [path(), times_path()] {
        let whole = disk.read(&path).expect("there");
        let mut file = disk.open(&path).expect("there");
        for bit in (0..whole.len() * 8).step_by(step) {
            let at = bit / 8;
            file.write_at(at as u64, &[whole[at] ^ 1 << (bit % 8)]).expect("written");
            check_damaged(&disk, lists, &format!("{} with bit {} of byte {at} flipped", path.display(), bit % 8));
            file.write_at(at as u64, &whole[at..=at]).expect("written");
        }
        for len in (0..whole.len()).step_by(step) {
            file.set_len(len as u64).expect("cut");
            let error = open(&disk).expect_err("a file that was cut").to_string();
            assert!(error.contains(&*path.to_string_lossy()), "cut to {len}: {error}");
        }
        file.write_at(0, &whole).expect("written");
        file.write_at(whole.len() as u64, &[0]).expect("written");
        let error = open(&disk).expect_err("a file that is too long");
        assert!(matches!(error, SegmentError::WrongLength { .. }), "{error}");
        file.set_len(whole.len() as u64).expect("cut");
        check(&open(&disk).expect("whole again"), lists);
    }
}

#[test]
fn each_flipped_bit_and_each_cut_of_a_small_segment_is_noticed() {
    damage(&small([0, 1, 2, 4]), TIME_ORDERED_ENTRIES, 1);
    damage(&small([5, 80, 81, 1_000_000]), TIME_ORDERED_ENTRIES, 1);
    damage(&small([0, 1, 2, 4]), 3, 1);
    damage(&grouped(), TIME_ORDERED_ENTRIES, 1);
}

#[test]
fn flipped_bits_and_cuts_of_a_segment_of_several_blocks_are_noticed() {
    damage(&several_blocks(), TIME_ORDERED_ENTRIES, 173);
    damage(&several_blocks(), 3, 173);
    damage(&long(), TIME_ORDERED_ENTRIES, 1009);
    damage(&tiny(), TIME_ORDERED_ENTRIES, 4001);
}

#[test]
fn a_damaged_block_is_an_error_each_time_and_other_blocks_are_readable() {
    let lists = several_blocks();
    let disk = written(&lists);
    let byte = disk.read(&path()).expect("there")[5000];
    disk.open(&path()).expect("there").write_at(5000, &[byte ^ 0x10]).expect("written");
    let segment = open(&disk).expect("the header is whole");
    let damaged: Vec<u32> = lists.keys().copied().filter(|ordinal| segment.list(*ordinal).is_err()).collect();
    assert!(!damaged.is_empty() && damaged.len() < lists.len(), "{} lists are damaged", damaged.len());
    for ordinal in damaged {
        let error = segment.list(ordinal).expect_err("damaged before");
        let SegmentError::DamagedBlock { block, offset, path: found } = error else { panic!("{error}") };
        assert_eq!((block, offset, found), (1, 4096, path()));
    }
}

#[test]
fn files_under_another_name_or_beside_other_lists_are_refused() {
    let disk = written(&small([0, 1, 2, 4]));
    let other = SegmentId { number: 13, ..id() };
    disk.rename(&path(), &Path::new(FOLDER).join(other.file_name())).expect("renamed");
    let error = Segment::open(&disk, &Path::new(FOLDER).join(other.file_name())).expect_err("renamed");
    assert!(error.to_string().ends_with(&format!("holds {}", id().file_name())), "{error}");

    let mut more = small([0, 1, 2, 4]);
    more.insert(9, (BASE_VERSION, vec![1], vec![1]));
    let times = written(&more).read(&times_path()).expect("there");
    let disk = written(&small([0, 1, 2, 4]));
    let mut file = disk.create(&times_path()).expect("created");
    file.write_at(0, &times).expect("written");
    let error = open(&disk).expect_err("other times");
    assert!(matches!(&error, SegmentError::Misplaced { path, .. } if *path == times_path()), "{error}");

    disk.remove(&times_path()).expect("removed");
    let error = open(&disk).expect_err("no times");
    assert!(matches!(&error, SegmentError::Io { path, .. } if *path == times_path()), "{error}");
}

#[test]
fn what_is_not_a_segment_or_of_a_later_release_is_called_so() {
    let disk = written(&small([0, 1, 2, 4]));
    let mut header = disk.read(&path()).expect("there")[..128].to_vec();
    header[8] = 2;
    let checksum = crc32c::crc32c(&header[..124]).to_le_bytes();
    header[124..].copy_from_slice(&checksum);
    disk.open(&path()).expect("there").write_at(0, &header).expect("written");
    let error = open(&disk).expect_err("a later version");
    assert!(matches!(error, SegmentError::UnknownVersion { version: 2, .. }), "{error}");
    disk.open(&path()).expect("there").write_at(0, b"%PDF-1.7").expect("written");
    let error = open(&disk).expect_err("no segment");
    assert!(matches!(error, SegmentError::NotASegment { .. }), "{error}");
}

#[test]
fn times_of_version_1_which_had_no_groups_are_refused_by_name() {
    let disk = written(&small([5, 80, 81, 1_000_000]));
    let old = include_str!("../golden/sparse-version-1.times.hex").split_whitespace();
    let old: Vec<u8> = old.map(|byte| u8::from_str_radix(byte, 16).expect("a byte")).collect();
    disk.create(&times_path()).and_then(|mut file| file.write_at(0, &old)).expect("written");
    let error = open(&disk).expect_err("an earlier version");
    assert!(matches!(&error, SegmentError::UnknownVersion { path, version: 1 } if *path == times_path()), "{error}");
    assert!(error.to_string().contains("format version 1"), "{error}");
}

#[test]
fn a_list_with_valid_checksums_that_is_none_is_reported_with_its_user() {
    let lists = small([0, 1, 2, 4]);
    let disk = written(&lists);
    let mut bytes = disk.read(&path()).expect("there");
    // The head of the list at ordinal 1, which follows that at ordinal 0, gets a form that nobody knows.
    let segment = open(&disk).expect("complete");
    let index = 128 + payload_bytes(&bytes);
    let start = 128 + u32::from_le_bytes(std::array::from_fn(|i| bytes[index + 4 + i])) as usize;
    bytes[start] |= 0xc0;
    seal(&mut bytes);
    drop(segment);
    disk.open(&path()).expect("there").write_at(0, &bytes).expect("written");
    let segment = open(&disk).expect("the header is whole");
    for error in [segment.verify_all().expect_err("corrupt"), segment.list(1).map(drop).expect_err("corrupt")] {
        let SegmentError::CorruptList { ordinal, user, .. } = error else { panic!("{error}") };
        assert_eq!((ordinal, user), (1, UserId(64 + 7)));
    }
    assert_eq!(read(&segment, 0).expect("whole").as_ref(), lists.get(&0));
}

#[test]
fn what_contradicts_itself_under_right_checksums_is_said_to() {
    type Change = fn(&mut Vec<u8>);
    let first_offset: Change = |file| {
        let index = 128 + payload_bytes(file);
        file[index] = 1;
    };
    let last_offset: Change = |file| {
        let last = file.len() - 8;
        file[last] -= 1;
    };
    let lists = || small([0, 1, 2, 4]);
    type Case<'a> = (&'a str, fn() -> Lists, &'a [PathBuf], Change);
    let cases: [Case<'_>; 13] = [
        ("DamagedHeader", lists, &[path()], |file| file[120] = 1),
        ("DamagedHeader", lists, &[path()], |file| file[16] = 64),
        ("CorruptIndex", lists, &[path()], first_offset),
        ("CorruptIndex", lists, &[path()], last_offset),
        ("WrongCounts", lists, &[path(), times_path()], |file| file[72] += 1),
        ("CorruptTimes", lists, &[times_path()], |file| file[128] = 33),
        ("CorruptTimes", lists, &[times_path()], |file| file[128 + 6] |= 0x80),
        // Times in groups: the head, a minimum of one byte, the greatest digit, digits and low bits.
        ("CorruptTimes", grouped, &[times_path()], |file| file[128] = 0x80 | 26),
        ("CorruptTimes", grouped, &[times_path()], |file| file[128] ^= 0x40),
        ("CorruptTimes", grouped, &[times_path()], |file| file[128 + 2] = 0),
        ("CorruptTimes", grouped, &[times_path()], |file| file[128 + 2] = 128),
        ("CorruptTimes", grouped, &[times_path()], |file| file[128 + 2] -= 1),
        ("CorruptTimes", grouped, &[times_path()], |file| file[128 + 3..128 + 9].fill(0xff)),
    ];
    for (case, (expected, lists, paths, change)) in cases.into_iter().enumerate() {
        let disk = written(&lists());
        for path in paths {
            let mut bytes = disk.read(path).expect("there");
            change(&mut bytes);
            seal(&mut bytes);
            disk.open(path).expect("there").write_at(0, &bytes).expect("written");
        }
        let error = open(&disk).and_then(|segment| segment.verify_all()).expect_err(expected);
        assert!(format!("{error:?}").starts_with(expected), "case {case}: {error:?} is not {expected}");
    }
}

fn payload_bytes(file: &[u8]) -> usize {
    u64::from_le_bytes(std::array::from_fn(|i| file[88 + i])) as usize
}

/// Makes the checksums of a file of one block right again.
fn seal(file: &mut [u8]) {
    let end = file.len() - 4;
    let block = crc32c::crc32c(&file[128..end]).to_le_bytes();
    file[end..].copy_from_slice(&block);
    let checksums = crc32c::crc32c(&block).to_le_bytes();
    file[20..24].copy_from_slice(&checksums);
    let header = crc32c::crc32c(&file[..124]).to_le_bytes();
    file[124..128].copy_from_slice(&header);
}

proptest! {
    #[test]
    fn arbitrary_bytes_with_right_checksums_never_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        times in any::<bool>(),
        lists in prop_oneof![
            Just(small([0, 1, 2, 4])),
            Just(small([5, 80, 81, 1_000_000])),
            Just(grouped()),
            Just(packed()),
        ],
        time_ordered_entries in prop_oneof![Just(TIME_ORDERED_ENTRIES), Just(3)],
    ) {
        let disk = written_with(&lists, time_ordered_entries);
        let path = if times { times_path() } else { path() };
        let mut bytes = disk.read(&path).expect("there");
        for (at, value) in damage {
            let at = 24 + at.index(bytes.len() - 28);
            bytes[at] = value;
        }
        seal(&mut bytes);
        disk.open(&path).expect("there").write_at(0, &bytes).expect("written");
        if let Ok(segment) = open(&disk) {
            // Only that it returns is asked here: with checksums made right, other lists are right too.
            let _ = segment.verify_all();
            for ordinal in (0..300).chain([1_000_000, u32::MAX]) {
                let _ = read(&segment, ordinal);
                let _ = read_times(&segment, ordinal);
            }
        }
    }
}

#[test]
fn what_cannot_be_a_segment_is_not_written() {
    let disk = SimulatedDisk::new();
    let writer = || {
        let folder = Path::new(FOLDER);
        SegmentWriter::create(&disk, folder, id(), REVISION, BASE_VERSION, Encoding::Auto).expect("created")
    };
    let error = writer().push(0, BASE_VERSION, &[1, 2], &[1]).expect_err("a time is missing");
    assert!(matches!(error, SegmentError::TimesDiffer { ids: 2, times: 1, .. }), "{error}");
    let error = writer().push(0, BASE_VERSION, &[2, 2], &[1, 1]).expect_err("not increasing");
    assert!(matches!(error, SegmentError::NotAList { .. }), "{error}");
    let error = writer().push(0, BASE_VERSION - 1, &[2], &[1]).expect_err("too old");
    assert!(matches!(error, SegmentError::VersionBelowBase { version: 999, base_version: 1000, .. }), "{error}");
    let error = writer().push(1 << 26, BASE_VERSION, &[2], &[1]).expect_err("nobody has this ordinal");
    assert!(matches!(error, SegmentError::OutOfOrder { .. }), "{error}");
    let mut twice = writer();
    twice.push(5, BASE_VERSION, &[2], &[1]).expect("in order");
    let error = twice.push(5, BASE_VERSION, &[3], &[1]).expect_err("twice");
    assert!(matches!(error, SegmentError::OutOfOrder { ordinal: 5, .. }), "{error}");
}

#[test]
fn wherever_the_power_is_cut_a_segment_is_complete_or_an_error() {
    let lists = several_blocks();
    let whole = written(&lists);
    whole.sync_folder(Path::new(FOLDER)).expect("synced");
    for seed in 0..20 {
        check(&open(&whole.after_power_cut(seed)).expect("acknowledged"), &lists);
    }
    for operations in 0..whole.operations() {
        let disk = SimulatedDisk::new();
        disk.cut_power_after(operations);
        let finished = write(&disk, Path::new(FOLDER), &lists).and_then(|_| {
            let path = PathBuf::from(FOLDER);
            disk.sync_folder(&path).map_err(|source| SegmentError::Io { path, source })
        });
        assert!(finished.is_err(), "only {operations} operations of {}", whole.operations());
        for seed in 0..20 {
            if let Ok(segment) = open(&disk.after_power_cut(seed))
                && segment.verify_all().is_ok()
            {
                check(&segment, &lists);
            }
        }
    }
}
