//! What a fuzzer calls: see [`fuzzing`](crate::fuzzing).

use std::path::{Path, PathBuf};

use base::disk::{Disk, SimulatedDisk};
use base::{Direction, Relation, Revision, Slot, Slots};

use super::columns::TimesWriter;
use super::format::{BLOCK_BYTES, HEADER_BYTES, Header, INDEX_BYTES, IndexForm, Kind};
use super::table::TableWriter;
use super::{Columns, Segment, SegmentId, SegmentWriter, Times, Weights};
use crate::adjacency::Encoding;
use crate::fuzzing::Input;

const FOLDER: &str = "segments";
/// Ordinals and positions that are looked at one by one.
const PROBED: usize = 64;

fn id() -> SegmentId {
    let slots = Slots::default();
    SegmentId { slot: Slot(7), slots, relation: Relation::Follow, direction: Direction::Forward, number: 12 }
}

fn put(disk: &SimulatedDisk, path: &Path, bytes: &[u8]) {
    disk.create(path).and_then(|mut file| file.write_at(0, bytes)).expect("memory takes all");
}

/// The file that an image without checksums would be: the payload is what the index leaves, and all checksums are right.
fn sealed(image: &[u8]) -> Vec<u8> {
    let mut bytes = image.to_vec();
    if bytes.len() < HEADER_BYTES {
        return bytes;
    }
    let number = |offset: usize| bytes[offset..].first_chunk().map_or(0, |number| u64::from_le_bytes(*number));
    let numbers = |numbers: u64| numbers.saturating_mul(INDEX_BYTES as u64);
    let index = match bytes[14] {
        form if form == IndexForm::Dense as u8 => numbers(number(48).saturating_add(1)),
        form if form == IndexForm::Packed as u8 => number(104),
        _ => numbers(number(80).saturating_mul(2) | 1),
    };
    let payload = ((bytes.len() - HEADER_BYTES) as u64).saturating_sub(index);
    bytes[88..96].copy_from_slice(&payload.to_le_bytes());
    let blocks = bytes.chunks(BLOCK_BYTES).zip(0..);
    let checksums: Vec<u8> = blocks
        .flat_map(|(block, number)| crc32c::crc32c(&block[if number == 0 { HEADER_BYTES } else { 0 }..]).to_le_bytes())
        .collect();
    bytes[20..24].copy_from_slice(&crc32c::crc32c(&checksums).to_le_bytes());
    let checksum = crc32c::crc32c(&bytes[..HEADER_BYTES - 4]);
    bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    bytes.extend(checksums);
    bytes
}

/// The files of a segment. A byte whose lowest bit says whether to seal them, the lengths of the first two files (`u16`
/// each), the files.
pub(crate) fn files(input: &[u8]) {
    let mut input = Input(input);
    let seal = input.number::<1>() & 1 == 1;
    let [lists, times] = [(); 2].map(|()| input.number::<2>() as usize);
    let images = [input.take(lists), input.take(times), input.0];
    let [lists, times, weights] = images.map(|image| if seal { sealed(image) } else { image.to_vec() });
    let Ok(Header { id, .. }) = Header::parse(&lists, Kind::Lists, Path::new("lists")) else { return };
    let disk = SimulatedDisk::new();
    let path = |name: String| PathBuf::from(FOLDER).join(name);
    put(&disk, &path(id.file_name()), &lists);
    put(&disk, &path(id.times_name()), &times);
    put(&disk, &path(id.weights_name()), &weights);
    let Ok(segment) = Segment::open(&disk, &path(id.file_name())) else { return };
    let valid = segment.verify_all().is_ok();
    ask_columns(&segment, valid);
    if valid {
        assert_written_again(&segment);
    }
}

/// Asks for everything. What is damaged is an error.
fn ask_columns(segment: &Segment, valid: bool) {
    let heads = segment.heads(0..PROBED as u32);
    for (ordinal, head) in heads.into_iter().flatten().enumerate() {
        let one = segment.head(ordinal as u32).expect("it is one of those");
        assert_eq!((one.version, one.len), (head.version, head.len), "heads are the same at once and one by one");
    }
    let listed = segment.lists().flatten().map(|(ordinal, _)| ordinal).take(PROBED);
    for ordinal in (0..PROBED as u32).chain(listed) {
        let head = segment.head(ordinal);
        let Ok(Some(list)) = segment.list(ordinal) else { continue };
        let head = head.expect("it is a part of the list");
        assert_eq!((head.version, head.len), (list.version(), list.len()), "the head is that of the list");
        ask_times(segment.times(), ordinal, list.len(), valid);
        let _ = segment.weights().decode_into(ordinal, list.len(), &mut vec![]);
        let _ = segment.members(ordinal);
    }
}

/// Ordinal, version, ids, times and weights of a list.
type Content = (u32, u64, Vec<u32>, Vec<u32>, Vec<f64>);

/// Every list of a segment that verifies, as a writer takes it.
fn contents(segment: &Segment) -> Vec<Content> {
    let lists = segment.lists().map(|list| {
        let (ordinal, list) = list.expect("verified");
        let (ids, mut times, mut weights): (Vec<u32>, _, _) = (list.iter().collect(), vec![], vec![]);
        segment.times().decode_into(ordinal, ids.len(), &mut times).expect("verified");
        segment.weights().decode_into(ordinal, ids.len(), &mut weights).expect("verified");
        (ordinal, list.version(), ids, times, weights)
    });
    lists.collect()
}

/// Written by a writer of ours it is the same segment.
fn assert_written_again(segment: &Segment) {
    let disk = SimulatedDisk::new();
    let (id, folder) = (segment.id(), Path::new(FOLDER));
    let time_ordered_entries = u32::try_from(segment.times().header().parameter).unwrap_or(u32::MAX);
    let writer = SegmentWriter::create(&disk, folder, id, segment.revision(), segment.base_version(), Encoding::Packed)
        .expect("memory takes all")
        .with_time_ordered_entries(time_ordered_entries);
    let mut writer = match segment.weights().exist() {
        true => writer.with_weights(&disk, folder).expect("memory takes all"),
        false => writer,
    };
    let all = contents(segment);
    for (ordinal, version, ids, times, weights) in &all {
        let weights = if segment.weights().exist() { weights } else { &vec![] };
        writer.push_columns(*ordinal, *version, Columns { ids, times, weights }).expect("verified");
    }
    writer.finish().expect("memory takes all");
    let again = Segment::open(&disk, &folder.join(id.file_name())).expect("written just now");
    again.verify_all().expect("written just now");
    assert_eq!(contents(&again), all, "written again");
}

/// Asks the times of one list in every way. Those that are `valid` say the same whichever way; answers them.
fn ask_times(times: &Times, ordinal: u32, len: usize, valid: bool) -> Vec<u32> {
    let step = len / PROBED + 1;
    let (mut whole, mut halves, mut at) = (vec![], vec![], vec![]);
    let ranges = [0..len / 2, len / 2..len];
    let positions: Vec<u32> = (0..len as u32).step_by(step).collect();
    let read = times
        .decode_into(ordinal, len, &mut whole)
        .and(ranges.into_iter().try_for_each(|range| times.decode_range_into(ordinal, len, range, &mut halves)))
        .and(times.decode_at(ordinal, len, &positions, &mut at));
    let (mut by_time, mut ranks) = (vec![], vec![]);
    if let Ok(Some(column)) = times.by_time(ordinal, len)
        && column.decode_into(0..len, &mut by_time).is_ok()
    {
        ranks.extend(by_time.iter().step_by(step).map(|(time, position)| column.rank(*time, *position).ok()));
        let _ = column.rank(0, 0).and(column.rank(u32::MAX, u32::MAX));
    }
    if valid {
        read.expect("what is valid can be read");
        assert_eq!(halves, whole, "halves are the whole");
        assert!(at.into_iter().eq(positions.iter().map(|position| whole[*position as usize])), "looked up one by one");
    }
    if valid && !by_time.is_empty() {
        let mut expected: Vec<(u32, u32)> = whole.iter().copied().zip(0..).collect();
        expected.sort_unstable();
        assert_eq!(by_time, expected, "by time");
        assert!(ranks.into_iter().eq((0..len).step_by(step).map(Some)), "ranks");
    }
    whole
}

/// A table of one entry, in a file.
fn table(disk: &SimulatedDisk, kind: Kind, base: u64, parameter: u64, len: usize, entry: &[u8]) -> PathBuf {
    let name = if kind == Kind::Times { id().times_name() } else { id().weights_name() };
    let path = PathBuf::from(FOLDER).join(name);
    let mut table = TableWriter::create(disk, path.clone(), kind, id(), Revision(1), base).expect("memory takes all");
    table.set_parameter(parameter);
    table.push(0, len, entry).expect("memory takes all");
    let (_, unsynced) = table.finish().expect("memory takes all");
    unsynced.sync().expect("memory takes all");
    path
}

/// The times of one list: how many edges (`u16`), the base (`u32`), from how many edges on times are in order (`u16`), the
/// entry.
pub(crate) fn times(input: &[u8]) {
    let mut input = Input(input);
    let (len, base, ordered) = (input.number::<2>() as usize, input.number::<4>(), input.number::<2>());
    let disk = SimulatedDisk::new();
    let path = table(&disk, Kind::Times, base, ordered, len, input.0);
    let times = Times::open(&disk, &path).expect("whole");
    let valid = times.check(|_| Ok(len)).is_ok();
    let decoded = ask_times(&times, 0, len, valid);
    if valid {
        let again = SimulatedDisk::new();
        let mut writer = TimesWriter::create(&again, Path::new(FOLDER), id(), Revision(1)).expect("memory takes all");
        writer.set_base(base);
        writer.set_time_ordered_entries(ordered as u32);
        writer.push(0, &decoded).expect("memory takes all");
        let (_, unsynced) = writer.finish().expect("memory takes all");
        unsynced.sync().expect("memory takes all");
        assert_eq!(again.read(&path).expect("written"), disk.read(&path).expect("written"), "written again");
    }
}

/// The weights of one list: how many edges (`u16`), the entry.
pub(crate) fn weights(input: &[u8]) {
    let mut input = Input(input);
    let len = input.number::<2>() as usize;
    let disk = SimulatedDisk::new();
    let path = table(&disk, Kind::Weights, 0, 0, len, input.0);
    let weights = Weights::open(&disk, Some(&path)).expect("whole");
    let mut decoded = vec![];
    let read = weights.decode_into(0, len, &mut decoded);
    if read.is_ok() {
        assert_eq!(decoded.len(), len, "a weight for each edge");
    }
    if weights.check(|_| Ok(len)).is_ok() {
        read.expect("what is valid can be read");
        assert!(decoded.iter().all(|weight| weight.is_finite()), "weights are finite");
        let mut again = vec![];
        super::columns::encode_weights(&decoded, &mut again);
        assert_eq!(again, input.0, "written again");
    }
}

/// A small segment with an emptied list and gaps, dense and sparse, and one of many tiny lists, whose indexes are packed;
/// without and with weights; whole, and without its checksums to be sealed.
pub(crate) fn files_seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![];
    for (step, weighted, ordered) in [(1, false, 4096), (1, true, 3), (9000, true, 3), (9000, false, 4096)] {
        let ids: Vec<u32> = (0..12).map(|i| i * i * 5).collect();
        let lists = [(1, 10, vec![]), (2, 12, vec![]), (4, 19, ids)];
        let lists = lists.map(|(ordinal, version, ids)| (ordinal * step, version, ids));
        seeds.extend(seeds_of(&lists, weighted, ordered));
    }
    for weighted in [false, true] {
        let tiny = (0..86).map(|i| (i * 3 + i % 2, 10 + u64::from(i % 3), vec![i * i * 7]));
        let tiny: Vec<_> = tiny.collect();
        seeds.extend(seeds_of(&tiny, weighted, 4096));
    }
    seeds
}

/// The files of a segment with these ordinals, versions and ids, whole and to be sealed.
fn seeds_of(lists: &[(u32, u64, Vec<u32>)], weighted: bool, ordered: u32) -> [Vec<u8>; 2] {
    let disk = SimulatedDisk::new();
    let folder = Path::new(FOLDER);
    let writer = SegmentWriter::create(&disk, folder, id(), Revision(20), 10, Encoding::Auto);
    let mut writer = writer.expect("memory takes all").with_time_ordered_entries(ordered);
    if weighted {
        writer = writer.with_weights(&disk, folder).expect("memory takes all");
    }
    for (ordinal, version, ids) in lists {
        let times: Vec<u32> = ids.iter().map(|id| 1_700_000_000 + id * 7 % 1000).collect();
        let weights: Vec<f64> = ids.iter().filter(|_| weighted).map(|id| f64::from(*id) / 4.0).collect();
        let columns = Columns { ids, times: &times, weights: &weights };
        writer.push_columns(*ordinal, *version, columns).expect("in order");
    }
    writer.finish().expect("memory takes all");
    let read = |name: String| disk.read(&folder.join(name)).unwrap_or_default();
    let whole = [read(id().file_name()), read(id().times_name()), read(id().weights_name())];
    [0, 1].map(|seal| {
        let files = whole.each_ref().map(|file| &file[..file.len().saturating_sub(if seal == 1 { 4 } else { 0 })]);
        let mut seed = vec![seal];
        files[..2].iter().for_each(|file| seed.extend((file.len() as u16).to_le_bytes()));
        seed.extend(files.concat());
        seed
    })
}

/// Times in the order of ids, packed and in groups, and in their own, with samples, equal, of the base, and far from it.
pub(crate) fn times_seeds() -> Vec<Vec<u8>> {
    let lists: [(Vec<u32>, u32, u16); 8] = [
        (vec![107, 100, 103, 100, 131], 100, 4096),
        (vec![107, 100, 103, 100, 131], 90, 3),
        (vec![5; 40], 7, 3),
        (vec![5; 40], 5, 3),
        ((0..1300).map(|i| 1_700_000_000 + i * i % 10_007 * 15_000).collect(), 0, 4),
        (vec![0, u32::MAX], 1 << 31, 4096),
        ((0..30).map(|i| 1_700_000_000 + i * 7_654_321 % 157_000_000).collect(), 1_700_000_000, 4096),
        ((0..64).map(|i| i * i % 5).collect(), 0, 4096),
    ];
    let seeds = lists.iter().map(|(times, base, ordered)| {
        let mut seed = (times.len() as u16).to_le_bytes().to_vec();
        seed.extend(base.to_le_bytes());
        seed.extend(ordered.to_le_bytes());
        super::columns::encode_times(times, *base, (*ordered).into(), &mut seed);
        seed
    });
    seeds.collect()
}

/// Weights that differ, that are all the same, and that are all 1.
pub(crate) fn weights_seeds() -> Vec<Vec<u8>> {
    let seeds = [vec![0.5, 1.0, -3.0], vec![2.5; 7], vec![1.0; 7]].map(|weights| {
        let mut seed = (weights.len() as u16).to_le_bytes().to_vec();
        super::columns::encode_weights(&weights, &mut seed);
        seed
    });
    seeds.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The formula of a sparse index stood for that of a packed one, so that no sealed file with one could be opened.
    #[test]
    fn what_is_sealed_is_what_was_written_whatever_its_index() {
        let mut forms = [0; 3];
        for seeds in files_seeds().chunks(2) {
            let [whole, unsealed] = [&seeds[0], &seeds[1]].map(|seed| {
                let mut input = Input(&seed[1..]);
                let [lists, times] = [(); 2].map(|()| input.number::<2>() as usize);
                [input.take(lists), input.take(times), input.0]
            });
            for (whole, unsealed) in whole.into_iter().zip(unsealed).filter(|(whole, _)| !whole.is_empty()) {
                assert_eq!(sealed(unsealed), whole);
                forms[usize::from(whole[14])] += 1;
            }
        }
        assert!(forms.iter().all(|files| *files > 1), "{forms:?} files with dense, sparse and packed indexes");
    }
}
