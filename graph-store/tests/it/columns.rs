//! The columns of a segment give back what each edge was written with, in whichever order one asks.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base::disk::{Disk, SimulatedDisk};
use graph_store::adjacency::Encoding;
use graph_store::segment::{Columns, Segment, SegmentError, SegmentId, SegmentWriter, TIME_ORDERED_ENTRIES};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::segment::{
    BASE_VERSION, FOLDER, Lists, REVISION, assert_golden, check, id, long, open, small, written, written_with,
};

/// The weights of the lists that have any, by ordinal.
type WeightsOf = BTreeMap<u32, Vec<f64>>;

fn weights_path(id: SegmentId) -> PathBuf {
    Path::new(FOLDER).join(id.weights_name())
}

fn begin(disk: &SimulatedDisk, id: SegmentId, encoding: Encoding) -> SegmentWriter {
    SegmentWriter::create(disk, Path::new(FOLDER), id, REVISION, BASE_VERSION, encoding).expect("created")
}

/// Writes lists with weights.
fn weighted(lists: &Lists, weights: &WeightsOf) -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let writer = begin(&disk, id(), Encoding::Auto).with_weights(&disk, Path::new(FOLDER));
    let mut writer = writer.expect("created").with_time_ordered_entries(3);
    for (ordinal, (version, ids, times)) in lists {
        let weights = weights.get(ordinal).map_or(&[][..], Vec::as_slice);
        writer.push_columns(*ordinal, *version, Columns { ids, times, weights }).expect("well-formed");
    }
    writer.finish().expect("written");
    disk
}

fn read_weights(segment: &Segment, ordinal: u32, len: usize) -> Result<Vec<f64>, SegmentError> {
    let mut weights = Vec::new();
    segment.weights().decode_into(ordinal, len, &mut weights)?;
    Ok(weights)
}

/// What a list of so many edges weighs.
fn expected_weights(weights: &WeightsOf, ordinal: u32, len: usize) -> Vec<f64> {
    weights.get(&ordinal).cloned().unwrap_or_else(|| vec![1.0; len])
}

fn check_weights(segment: &Segment, lists: &Lists, weights: &WeightsOf) {
    check(segment, lists);
    for (ordinal, (_, ids, _)) in lists {
        let found = read_weights(segment, *ordinal, ids.len()).expect("readable");
        assert_eq!(found, expected_weights(weights, *ordinal, ids.len()), "list {ordinal}");
    }
}

/// One list of different weights, one of equal ones, and two without.
fn small_weights() -> WeightsOf {
    BTreeMap::from([(0, vec![1.0, -2.5, 0.0, 1e300]), (1, vec![0.5; 3])])
}

/// Every way to the times of one list leads to the same ones.
pub(crate) fn check_times(segment: &Segment, ordinal: u32, times: &[u32]) {
    let (column, len) = (segment.times(), times.len());
    let positions: Vec<u32> = (0..len as u32).step_by(1 + len / 50).collect();
    let mut found = Vec::new();
    column.decode_at(ordinal, len, &positions, &mut found).expect("readable");
    let expected: Vec<u32> = positions.iter().map(|position| times[*position as usize]).collect();
    assert_eq!(found, expected, "some times of list {ordinal}");
    for range in [len / 3..len / 2, len..len, 0..len.min(1)] {
        found.clear();
        column.decode_range_into(ordinal, len, range.clone(), &mut found).expect("readable");
        assert_eq!(found, times[range.clone()], "times {range:?} of list {ordinal}");
    }
    let mut by_time: Vec<(u32, u32)> = times.iter().copied().zip(0..).collect();
    by_time.sort_unstable();
    let Some(column) = column.by_time(ordinal, len).expect("readable") else { return };
    let mut found = Vec::new();
    column.decode_into(0..len, &mut found).expect("readable");
    assert_eq!(found, by_time, "list {ordinal} by time");
    for start in (0..len).step_by(1 + len / 20) {
        found.clear();
        column.decode_into(start..len.min(start + 100), &mut found).expect("readable");
        assert_eq!(found, by_time[start..len.min(start + 100)], "list {ordinal} by time from {start}");
    }
    for &(time, position) in by_time.iter().step_by(1 + len / 20) {
        let near = [(time, position + 1), (time.saturating_sub(1), position), (time.saturating_add(1), 0)];
        for (time, position) in near.into_iter().chain([(time, position), (0, 0), (u32::MAX, u32::MAX)]) {
            let expected = by_time.partition_point(|edge| *edge < (time, position));
            assert_eq!(column.rank(time, position).expect("readable"), expected, "{time} at {position} of {ordinal}");
        }
    }
}

/// Asks for times as if the list were as long as it is, and longer.
pub(crate) fn read_times(segment: &Segment, ordinal: u32) -> Result<(), SegmentError> {
    let len = segment.list(ordinal)?.map_or(0, |list| list.len());
    for len in [len, len + 1, usize::MAX / 2] {
        let (mut times, mut edges) = (Vec::new(), Vec::new());
        let _ = segment.times().decode_at(ordinal, len, &[0, 1, 3, u32::MAX], &mut times);
        let _ = segment.times().decode_range_into(ordinal, len, 1..4, &mut times);
        if let Ok(Some(column)) = segment.times().by_time(ordinal, len) {
            let _ = column.rank(1_767_225_600, 2);
            let _ = column.decode_into(1..4, &mut edges);
        }
    }
    Ok(())
}

#[test]
fn times_that_are_all_equal_take_no_bytes() {
    let lists = |count: u32| -> Lists {
        (0..count).map(|ordinal| (ordinal, (BASE_VERSION, vec![1, 2, 3], vec![1_767_225_600; 3]))).collect()
    };
    let times_bytes = |count| open(&written(&lists(count))).expect("complete").info().times_bytes;
    assert_eq!(times_bytes(1), times_bytes(5000));
}

/// The bytes that the times of a list take in their file, without its header, index and checksum.
fn times_bytes(times: Vec<u32>) -> u64 {
    let bytes = |times: Vec<u32>| {
        let lists = BTreeMap::from([(0, (BASE_VERSION, (0..times.len() as u32).collect(), times))]);
        let segment = open(&written(&lists)).expect("complete");
        check(&segment, &lists);
        segment.info().times_bytes
    };
    // An ordinal without an entry has one offset in the index, of four bytes; one that has an entry has two.
    let none = bytes(vec![5; times.len()]);
    bytes(times).saturating_sub(none + 4)
}

#[test]
fn times_of_five_years_take_a_fiftieth_of_a_bit_more_than_they_need() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let range = 5 * 365 * 86_400;
    for len in [100u32, 200, 1000] {
        let mut times: Vec<u32> = (0..len).map(|_| 1_600_000_000 + random.random_range(0..range)).collect();
        times[0] = 1_600_000_000;
        let bits = times_bytes(times) as f64 * 8.0 / f64::from(len);
        let needed = f64::from(range).log2();
        // The head, the minimum, which is the base, the greatest digit, and what the last byte is filled up with.
        let list = (3.0 + 1.0) * 8.0 / f64::from(len);
        assert!(bits < needed + 0.02 + list, "{bits} bits an edge of {len}, which needs {needed}");
    }
}

#[test]
fn times_come_back_whatever_their_range_and_however_many_they_are() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let ranges = [1, 2, 3, 6, 126, 127, 128, 255, 256, 1 << 20, 157_000_000, u32::MAX - 1, u32::MAX];
    let lens = [2, 3, 7, 8, 9, 15, 16, 17, 65, 1000];
    for (range, len) in ranges.into_iter().flat_map(|range| lens.map(|len| (range, len))) {
        for minimum in [0, u32::MAX - range] {
            // The least, the greatest, and others.
            let others = (2..len).map(|_| minimum + random.random_range(0..=range));
            let mut times: Vec<u32> = [minimum, minimum + range].into_iter().chain(others).collect();
            times.rotate_left(random.random_range(0..len));
            let lists = BTreeMap::from([
                (0, (BASE_VERSION, vec![4], vec![1_600_000_000])),
                (1, (BASE_VERSION, (0..len as u32).collect(), times)),
            ]);
            check(&open(&written(&lists)).expect("complete"), &lists);
        }
    }
}

#[test]
fn the_time_of_a_single_edge_takes_four_bytes() {
    let bytes = |time| {
        // The first list's time is the base.
        let lists = [(vec![1, 2], vec![7, 7]), (vec![1], vec![time])].map(|(ids, times)| (BASE_VERSION, ids, times));
        let lists: Lists = (0..).zip(lists).collect();
        let segment = open(&written(&lists)).expect("complete");
        check(&segment, &lists);
        segment.info().times_bytes
    };
    // And the ordinal and two offsets of a sparse index, or three of a dense one, instead of one.
    assert!([0, 8, u32::MAX].map(|time| bytes(time) - bytes(7)).into_iter().all(|bytes| bytes == 4 + 8));
}

#[test]
fn times_in_the_order_of_time_take_some_two_bits_more_than_they_need() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for (len, bits) in [(4096, 30.2), (100_000, 30.2)] {
        let range = 5 * 365 * 86_400;
        let times = (0..len).map(|_| 1_600_000_000 + random.random_range(0..range)).collect();
        let lists = BTreeMap::from([(0, (BASE_VERSION, (0..len).collect(), times))]);
        let disk = written(&lists);
        let segment = open(&disk).expect("complete");
        check(&segment, &lists);
        let found = segment.info().times_bytes as f64 * 8.0 / f64::from(len);
        assert!(found < bits + 200.0 * 8.0 / f64::from(len), "{found} bits an edge of {len}");
    }
}

proptest! {
    #[test]
    fn weights_come_back(
        lens in prop::collection::btree_map(0..40u32, 0..30usize, 1..12),
        seed in any::<u64>(),
    ) {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let (mut lists, mut weights) = (Lists::new(), WeightsOf::new());
        for (ordinal, len) in lens {
            let time = |i| 1000 + i % 3;
            lists.insert(ordinal, (BASE_VERSION, (0..len as u32).collect(), (0..len as u32).map(time).collect()));
            let of_list: Vec<f64> = match random.random_range(0..3) {
                0 => continue,
                1 => vec![random.random(); len],
                _ => (0..len).map(|_| f64::from(random.random_range(0..3u8))).collect(),
            };
            weights.insert(ordinal, of_list);
        }
        let segment = open(&weighted(&lists, &weights)).expect("complete");
        prop_assert!(segment.weights().exist());
        check_weights(&segment, &lists, &weights);
    }
}

#[test]
fn weights_that_are_all_one_take_no_bytes_and_equal_ones_take_one_value() {
    let lists = BTreeMap::from([(0, (BASE_VERSION, (0..1000).collect(), vec![7; 1000]))]);
    let bytes = |weights: WeightsOf| open(&weighted(&lists, &weights)).expect("complete").info().weights_bytes;
    let none = bytes(WeightsOf::new());
    assert_eq!(bytes(BTreeMap::from([(0, vec![1.0; 1000])])), none);
    // The value, and the ordinal and two offsets of a sparse index instead of none.
    assert!(bytes(BTreeMap::from([(0, vec![2.0; 1000])])) <= none + 8 + 8);
    let segment = open(&written(&lists)).expect("complete");
    assert!(!segment.weights().exist());
    assert_eq!((segment.info().weights_bytes, read_weights(&segment, 0, 3).expect("all 1")), (0, vec![1.0; 3]));
}

#[test]
fn the_bytes_of_weights_are_those_of_the_first_release() {
    let disk = weighted(&small([0, 1, 2, 4]), &small_weights());
    assert_golden(&disk, &weights_path(id()), "weights", include_str!("../golden/dense.weights.hex"));
}

#[test]
fn each_flipped_bit_and_each_cut_of_weights_is_noticed() {
    let (lists, weights) = (small([0, 1, 2, 4]), small_weights());
    let disk = weighted(&lists, &weights);
    let path = weights_path(id());
    let whole = disk.read(&path).expect("there");
    let mut file = disk.open(&path).expect("there");
    for bit in 0..whole.len() * 8 {
        let at = bit / 8;
        file.write_at(at as u64, &[whole[at] ^ 1 << (bit % 8)]).expect("written");
        if let Ok(segment) = open(&disk) {
            assert!(segment.verify_all().is_err(), "bit {bit} went unnoticed");
            for (ordinal, (_, ids, _)) in &lists {
                if let Ok(found) = read_weights(&segment, *ordinal, ids.len()) {
                    assert_eq!(found, expected_weights(&weights, *ordinal, ids.len()), "bit {bit}, list {ordinal}");
                }
            }
        }
        file.write_at(at as u64, &whole[at..=at]).expect("written");
    }
    for len in 0..whole.len() {
        file.set_len(len as u64).expect("cut");
        assert!(open(&disk).is_err(), "cut to {len} went unnoticed");
    }
    disk.remove(&path).expect("removed");
    assert!(matches!(open(&disk).expect_err("no weights"), SegmentError::Io { path: missing, .. } if missing == path));
}

#[test]
fn weights_that_cannot_be_are_not_written() {
    let disk = SimulatedDisk::new();
    let push = |writer: SegmentWriter, weights: &[f64]| {
        let mut writer = writer;
        writer.push_columns(0, BASE_VERSION, Columns { ids: &[1, 2], times: &[1, 1], weights }).expect_err("refused")
    };
    let with = || begin(&disk, id(), Encoding::Auto).with_weights(&disk, Path::new(FOLDER)).expect("created");
    let error = push(with(), &[1.0]);
    assert!(matches!(error, SegmentError::WeightsDiffer { ids: 2, weights: 1, .. }), "{error}");
    let error = push(with(), &[1.0, f64::NAN]);
    assert!(matches!(error, SegmentError::WeightNotFinite { position: 1, .. }), "{error}");
    let error = push(begin(&disk, id(), Encoding::Auto), &[1.0, 2.0]);
    assert!(matches!(error, SegmentError::WithoutWeights { .. }), "{error}");
}

/// Writes all lists of a segment again, by copying them or one by one, under the next number.
fn rewritten(disk: &SimulatedDisk, encoding: Encoding, copy: bool) -> Vec<Vec<u8>> {
    let segment = open(disk).expect("complete");
    let next = SegmentId { number: 13, ..id() };
    let writer = begin(disk, next, encoding).with_time_ordered_entries(3).continuing(&segment);
    let mut writer = writer.with_weights(disk, Path::new(FOLDER)).expect("created");
    for list in segment.lists() {
        let (ordinal, list) = list.expect("readable");
        if copy {
            writer.copy(ordinal, &list, &segment).expect("readable");
            continue;
        }
        let (mut ids, mut times) = (Vec::new(), Vec::new());
        list.decode_into(&mut ids);
        segment.times().decode_into(ordinal, ids.len(), &mut times).expect("readable");
        let weights = read_weights(&segment, ordinal, ids.len()).expect("readable");
        let columns = Columns { ids: &ids, times: &times, weights: &weights };
        writer.push_columns(ordinal, list.version(), columns).expect("in order");
    }
    writer.finish().expect("written");
    let names = [next.file_name(), next.times_name(), next.weights_name()];
    names.map(|name| disk.read(&Path::new(FOLDER).join(name)).expect("there")).to_vec()
}

#[test]
fn lists_that_are_copied_have_the_bytes_that_encoding_them_again_gives() {
    let mut lists = small([0, 1, 2, 4]);
    lists.extend(long().into_values().map(|content| (9, content)));
    lists.insert(10, (BASE_VERSION, (0..70_000).map(|i| i * 9).collect(), vec![5; 70_000]));
    for first in [vec![], vec![(0, vec![0.25; 4])]] {
        let weights: WeightsOf = first.into_iter().collect();
        for encoding in [Encoding::Auto, Encoding::Packed, Encoding::Roaring] {
            let [copied, again] = [true, false].map(|copy| rewritten(&weighted(&lists, &weights), encoding, copy));
            assert_eq!(copied, again, "{encoding:?}");
        }
    }
}

#[test]
fn lists_written_with_another_number_of_time_ordered_entries_are_copied_too() {
    let disk = written_with(&small([0, 1, 2, 4]), TIME_ORDERED_ENTRIES);
    let [copied, again] = [true, false].map(|copy| rewritten(&disk, Encoding::Auto, copy));
    assert_eq!(copied, again);
}
