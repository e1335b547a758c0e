//! Portable roaring bitmaps, read by the letter of the format's specification
//! (<https://github.com/RoaringBitmap/RoaringFormatSpec>) and by nothing of ours.

use base::disk::SimulatedDisk;
use base::{ListRef, UserId};
use roaring::RoaringBitmap;

use super::*;

/// Reads little-endian numbers off the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_first_chunk().expect("the bytes go on");
        self.0 = rest;
        *taken
    }

    fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.bytes())
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }
}

/// The ids of a bitmap, and whether it has run containers; panics where the bytes are not by the specification.
fn ids_of(bytes: &[u8]) -> (Vec<u32>, bool) {
    let mut reader = Reader(bytes);
    let cookie = reader.u32();
    let (containers, runs) = match cookie & 0xffff {
        12346 => (reader.u32() as usize, Vec::new()),
        12347 => {
            let containers = (cookie >> 16) as usize + 1;
            (containers, (0..containers.div_ceil(8)).map(|_| reader.bytes::<1>()[0]).collect())
        }
        cookie => panic!("no cookie: {cookie}"),
    };
    let is_run = |container: usize| runs.get(container / 8).is_some_and(|byte| byte >> (container % 8) & 1 == 1);
    let described: Vec<(u16, usize)> = (0..containers).map(|_| (reader.u16(), reader.u16() as usize + 1)).collect();
    assert!(described.is_sorted_by(|a, b| a.0 < b.0), "keys ascend");
    // Without runs there are always offsets, with them from four containers on.
    let offsets: Option<Vec<usize>> =
        (runs.is_empty() || containers >= 4).then(|| (0..containers).map(|_| reader.u32() as usize).collect());
    let mut ids = Vec::new();
    for (container, (key, cardinality)) in described.into_iter().enumerate() {
        if let Some(offsets) = &offsets {
            assert_eq!(offsets[container], bytes.len() - reader.0.len(), "each container is where its offset says");
        }
        let low: Vec<u16> = if is_run(container) {
            let runs: Vec<(u16, u16)> = (0..reader.u16()).map(|_| (reader.u16(), reader.u16())).collect();
            runs.into_iter().flat_map(|(start, length)| start..=start + length).collect()
        } else if cardinality <= 4096 {
            (0..cardinality).map(|_| reader.u16()).collect()
        } else {
            let words: Vec<u64> = (0..1024).map(|_| reader.u64()).collect();
            (0..=u16::MAX).filter(|low| words[usize::from(*low) / 64] >> (*low % 64) & 1 == 1).collect()
        };
        assert_eq!(low.len(), cardinality);
        ids.extend(low.into_iter().map(|low| u32::from(key) << 16 | u32::from(low)));
    }
    assert!(reader.0.is_empty(), "nothing follows");
    assert!(ids.is_sorted_by(|a, b| a < b));
    (ids, !runs.is_empty())
}

/// What the README of the published test data says is in both files.
fn published() -> Vec<u32> {
    let thousands = (0..100_000).step_by(1000);
    thousands.chain((100_000..200_000).map(|k| 3 * k)).chain(700_000..800_000).collect()
}

#[test]
fn the_formats_published_bitmaps_are_read_with_and_without_runs() {
    for (name, has_runs) in [("bitmapwithruns.bin", true), ("bitmapwithoutruns.bin", false)] {
        let Some(path) = crate::parse_real::file(&format!("roaring-format-testdata/testdata/{name}")) else { return };
        let bytes = std::fs::read(path).expect("a file can be read");
        let expected = published();
        assert_eq!(ids_of(&bytes), (expected.clone(), has_runs), "{name}: this test's own reader");
        // What the doors and the catalog read bitmaps with.
        let bitmap = RoaringBitmap::deserialize_from(bytes.as_slice()).expect("a bitmap");
        assert!(bitmap.iter().eq(expected), "{name}");
        // And the other form, as we write it.
        let mut written = bitmap.clone();
        let changed = if has_runs { written.remove_run_compression() } else { written.optimize() };
        assert!(changed, "{name}");
        let mut again = Vec::new();
        written.serialize_into(&mut again).expect("memory takes every byte");
        assert_eq!(ids_of(&again), (published(), !has_runs), "{name}");
    }
}

#[test]
fn each_list_is_a_bitmap_by_the_specification_and_the_index_finds_it() {
    let disk = SimulatedDisk::new();
    let store = open(&disk);
    let external_ids: Vec<u64> = (0..100_000).map(|user| user * 10).collect();
    // A run, an array, a bitmap, and all of them in one list of several containers.
    let mut edges: Vec<(u32, u32)> = (1000..9000).map(|target| (0, target)).collect();
    edges.extend((10..70_000).step_by(997).map(|target| (1, target)));
    edges.extend((70_000..99_999).step_by(2).map(|target| (2, target)));
    edges.extend((3..6).chain(1000..9000).chain((9001..64_000).step_by(3)).chain(66_000..99_000).map(|t| (3, t)));
    store.import(BulkEdges { external_ids, edges, ..BulkEdges::default() }, &|_| {}).expect("the disk works");
    store.allocate_blocking(Wanted::Count(1), String::new()).expect("the disk works");
    store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 100_000, 7)]).expect("the disk works");
    for direction in Direction::ALL {
        let (bytes, report) = written(&store, &Export { format: Format::Roaring, direction, ..FOLLOWS });
        let (header, mut footer) = (&bytes[..32], Reader(&bytes[bytes.len() - 32..]));
        assert_eq!(&header[..8], b"ROOSTRBM");
        assert_eq!(header[8..16], [1, 0, 0, 0, 0, direction as u8, 0, 0]);
        let mut rest = Reader(&header[16..]);
        assert_eq!((rest.u64(), rest.u64()), (100_001, store.revision().0));
        let (index, entries, checksum) = (footer.u64() as usize, footer.u64() as usize, footer.u64() as u32);
        assert_eq!(footer.0, b"ROOSTRBM");
        let index = &bytes[index..bytes.len() - 32];
        // Everybody with an external id, and the one without, who follows and is not followed.
        assert_eq!((index.len(), entries), (entries * 32, 100_001 - direction as usize));
        assert_eq!(checksum, crc32c::crc32c(&[header, index].concat()));
        let (mut lists, mut edges, mut with_runs) = (0, 0, 0);
        for entry in index.chunks(32) {
            let mut entry = Reader(entry);
            let (user, flags, external_id) = (UserId(entry.u32()), entry.u32(), entry.u64());
            assert_eq!((flags == 1).then_some(external_id), store.external_ids(&[user])[0]);
            let (offset, length) = (entry.u64() as usize, entry.u64() as usize);
            let expected = store.members(ListRef { relation: Relation::Follow, direction, user }).expect("readable");
            if length == 0 {
                assert!(expected.is_empty());
                continue;
            }
            let (ids, has_runs) = ids_of(&bytes[offset..offset + length]);
            assert!(expected.iter().eq(ids.iter().copied()), "{user}");
            lists += 1;
            edges += ids.len() as u64;
            with_runs += usize::from(has_runs);
        }
        assert_eq!((report.lists, report.edges), (lists, edges));
        // Those of the first and the last source; of three sources and fewer, runs take no fewer bytes.
        assert_eq!(with_runs, if direction == Direction::Forward { 2 } else { 0 });
    }
}

#[test]
fn bitmaps_hold_neither_times_nor_weights() {
    let store = filled();
    let snapshot = store.snapshot().expect("the disk works");
    let bitmaps = Export { format: Format::Roaring, ..FOLLOWS };
    for what in [Export { times: true, ..bitmaps }, Export { weights: true, ..bitmaps }] {
        let refused = export(&snapshot, &what, Vec::new(), &|_, _| {}).expect_err("no place for them");
        assert!(matches!(refused, ExportError::OnlyIds), "{refused}");
    }
}
