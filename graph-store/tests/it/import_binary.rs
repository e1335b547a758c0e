//! Binary edge lists: what was written is read, whatever is damaged or missing is told with its place, and times arrive.

use std::fs;
use std::io::{self, Read};

use base::disk::SimulatedDisk;
use base::{ListRef, Relation};
use graph_store::Store;
use graph_store::import::binary::{BLOCK_EDGES_MAX, BinaryError, Edge, EdgeReader, EdgeWriter, EncodedEdges};
use graph_store::import::blocks::SourceError;
use graph_store::import::{Import, ImportError, ImportReport, import};
use graph_store::store::BulkEdges;
use proptest::prelude::*;

use crate::support::{NOW, open};

/// The example of the format's documentation.
const EXAMPLE: &str = "52 4f 4f 53 54 45 44 47 01 00 00 00 02 00 00 00 00 00 00 00 96 b2 64 88 \
                       02 00 00 00 5c a0 a0 0f 01 00 00 00 02 00 00 00 03 00 00 00 01 00 00 00 \
                       00 00 00 00 3d 1d 83 49";

fn edge((source, target, time): (u32, u32, Option<u32>)) -> Edge {
    Edge { source, target, time }
}

/// A file of these edges, given to the writer in pieces.
fn written(edges: &[Edge], times: bool, promised: Option<u64>, piece: usize) -> Vec<u8> {
    let mut writer = EdgeWriter::new(Vec::new(), times, promised).expect("memory takes all");
    for edges in edges.chunks(piece) {
        let mut encoded = EncodedEdges::with_capacity(edges.len(), times);
        for edge in edges {
            encoded.push(edge.source, edge.target, edge.time.unwrap_or_default());
        }
        writer.append(&encoded).expect("memory takes all");
    }
    assert_eq!(writer.edges(), edges.len() as u64);
    writer.finish().expect("memory takes all")
}

fn read(bytes: impl Read) -> Result<Vec<Edge>, BinaryError> {
    EdgeReader::new(bytes)?.collect()
}

fn message(bytes: &[u8]) -> String {
    read(bytes).expect_err("damaged").to_string()
}

/// So many edges, each another one.
fn many(count: u32, times: bool) -> Vec<Edge> {
    (0..count).map(|i| edge((i, u32::MAX - i, times.then_some(i / 2)))).collect()
}

/// Gives at most a few bytes at a time.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let step = self.1.min(buffer.len());
        self.0.read(&mut buffer[..step])
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        ends in proptest::collection::vec(any::<(u32, u32, u32)>(), 0..200),
        times in any::<bool>(),
        known in any::<bool>(),
        piece in 1..50usize,
        step in 1..40usize,
    ) {
        let edges: Vec<Edge> =
            ends.into_iter().map(|(source, target, time)| edge((source, target, times.then_some(time)))).collect();
        let promised = known.then_some(edges.len() as u64);
        let bytes = written(&edges, times, promised, piece);
        let reader = EdgeReader::new(Trickle(&bytes, step)).expect("whole");
        prop_assert_eq!(reader.has_times(), times);
        prop_assert_eq!(reader.edges_promised(), promised);
        prop_assert_eq!(reader.collect::<Result<Vec<_>, _>>().expect("whole"), edges);
    }

    #[test]
    fn rubbish_behind_a_header_is_an_error_but_no_panic(rubbish in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = written(&[], false, None, 1);
        bytes.truncate(24);
        bytes.extend(rubbish);
        let mut reader = EdgeReader::new(&bytes[..]).expect("the header is whole");
        prop_assert_eq!(reader.by_ref().filter(Result::is_err).count(), 1);
        prop_assert!(reader.next().is_none());
    }
}

#[test]
fn the_bytes_are_those_of_the_documentation() {
    let hex = |byte: &str| u8::from_str_radix(byte, 16).expect("two digits");
    let example: Vec<u8> = EXAMPLE.split_whitespace().map(hex).collect();
    let edges = [edge((1, 2, None)), edge((3, 1, None))];
    assert_eq!(written(&edges, false, Some(2), 1), example);
    assert_eq!(read(&example[..]).expect("whole"), edges);
}

#[test]
fn blocks_are_full_however_the_edges_came() {
    for times in [false, true] {
        let edges = many(2 * BLOCK_EDGES_MAX as u32 + 3, times);
        let bytes = written(&edges, times, None, 1000);
        assert_eq!(bytes, written(&edges, times, None, 7 * BLOCK_EDGES_MAX));
        assert_eq!(bytes.len(), 24 + edges.len() * if times { 12 } else { 8 } + 4 * 8);
        assert_eq!(read(&bytes[..]).expect("whole"), edges);
    }
}

#[test]
fn each_flipped_bit_and_each_truncation_is_told() {
    for (times, promised) in [(false, None), (true, Some(5))] {
        let bytes = written(&many(5, times), times, promised, 5);
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                let error = read(&damaged[..]).err();
                assert!(error.is_some(), "bit {bit} of byte {at} makes no difference");
            }
            let error = read(&bytes[..at]).err();
            assert!(error.is_some(), "{at} of {} bytes are as good as all", bytes.len());
        }
    }
}

#[test]
fn errors_say_where() {
    let block = BLOCK_EDGES_MAX * 8 + 8;
    let edges = many(3 * BLOCK_EDGES_MAX as u32, false);
    let bytes = written(&edges, false, None, 1000);
    assert_eq!(message(b"1 2\n2 3\n"), "not a binary edge list");
    assert_eq!(message(&bytes[..20]), "the header is damaged");
    assert_eq!(message(&bytes[..24]), "edge 1: cut short there");
    // Ten edges of the second block, and half of one.
    assert_eq!(message(&bytes[..24 + block + 8 + 84]), "edge 65547: cut short there");
    assert_eq!(message(&bytes[..24 + 3 * block]), "edge 196609: cut short there");
    let mut damaged = bytes.clone();
    damaged[24 + 2 * block + 100] ^= 4;
    assert_eq!(message(&damaged), "edge 131073: the block that begins there is damaged");
    // The second block is missing.
    let missing = [&bytes[..24 + block], &bytes[24 + 2 * block..]].concat();
    assert_eq!(message(&missing), "edge 65537: the block that begins there is damaged");
    assert_eq!(message(&[&bytes[..], b"1"].concat()), "goes on after its end, which is after edge 196608");
    let promising = written(&[], false, None, 1);
    let wrong = [&header(1, 0, 9)[..], &promising[24..]].concat();
    assert_eq!(message(&wrong), "ends after edge 0, but 9 were promised");
    assert_eq!(message(&header(2, 0, 0)), "version 2 is not known, only 1");
    assert_eq!(message(&header(1, 0x8001, 0)), "flags 0x8001 are not known");
    // What comes before the damage comes whole, and nothing after it.
    let mut reader = EdgeReader::new(&damaged[..]).expect("the header is whole");
    assert_eq!(reader.by_ref().map_while(Result::ok).count(), 2 * BLOCK_EDGES_MAX);
    assert!(reader.next().is_none());
}

fn header(version: u16, flags: u16, edges: u64) -> Vec<u8> {
    let mut header = b"ROOSTEDG".to_vec();
    header.extend(version.to_le_bytes());
    header.extend(flags.to_le_bytes());
    header.extend(edges.to_le_bytes());
    header.extend(crc32c::crc32c(&header).to_le_bytes());
    header
}

#[test]
fn a_writer_holds_its_caller_to_what_was_promised() {
    let mut writer = EdgeWriter::new(Vec::new(), false, Some(1)).expect("memory takes all");
    let error = writer.append(&EncodedEdges::with_capacity(1, true)).expect_err("times in a file without");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    let error = writer.finish().expect_err("one edge is missing");
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

fn import_bytes(store: &Store, bytes: &[u8]) -> Result<ImportReport, ImportError> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("edges");
    fs::write(&file, bytes).expect("a file can be written");
    import(store, &Import { edges: file, ..Import::default() }, &|_| {})
}

/// Followers or followees by external ids, with times.
fn list(store: &Store, external_id: u64, followers: bool) -> Vec<(u64, u32)> {
    let user = store.users_with_external_ids(&[external_id])[0].expect("known");
    let list =
        if followers { ListRef::reverse(Relation::Follow, user) } else { ListRef::forward(Relation::Follow, user) };
    let edges = store.edges(list).expect("readable");
    edges.iter().map(|edge| (store.external_ids(&[edge.user])[0].expect("imported"), edge.time)).collect()
}

#[test]
fn times_come_with_their_edges_in_both_directions() {
    let edges = [(9, 4, 70), (4, 9, 80), (9, 5, 90), (5, 5, 1), (9, 4, 60), (u32::MAX, 4, 100)];
    let edges = edges.map(|(source, target, time)| edge((source, target, Some(time))));
    let store = open(&SimulatedDisk::new());
    let report = import_bytes(&store, &written(&edges, true, None, 2)).expect("whole");
    assert_eq!((report.edges_read, report.self_loops, report.bulk.duplicates, report.bulk.added), (6, 1, 1, 4));
    assert_eq!(list(&store, 9, false), [(4, 60), (5, 90)], "of two times the earlier one");
    assert_eq!(list(&store, 4, true), [(9, 60), (u32::MAX.into(), 100)]);
    assert_eq!(list(&store, 9, true), [(4, 80)]);

    // An edge that is there already keeps its time.
    let again = [edge((9, 5, Some(10))), edge((5, 9, Some(20)))];
    let report = import_bytes(&store, &written(&again, true, Some(2), 2)).expect("whole");
    assert_eq!((report.bulk.existing, report.bulk.added), (1, 1));
    assert_eq!(list(&store, 5, true), [(9, 90)]);
    assert_eq!(list(&store, 9, true), [(4, 80), (5, 20)]);
    store.close();
}

#[test]
fn edges_without_times_have_that_of_the_import() {
    let store = open(&SimulatedDisk::new());
    import_bytes(&store, &written(&many(3, false), false, None, 2)).expect("whole");
    assert_eq!(list(&store, 1, false), [(u64::from(u32::MAX - 1), NOW)]);
    store.close();
}

#[test]
fn edges_with_and_without_times_can_come_together() {
    let store = open(&SimulatedDisk::new());
    let bulk = BulkEdges {
        external_ids: vec![3, 5, 8],
        edges: vec![(0, 1), (1, 2)],
        time: NOW,
        timed: vec![(0, 2, 7), (1, 2, 8)],
    };
    let report = store.import(bulk, &|_| {}).expect("the disk works");
    assert_eq!((report.added, report.duplicates), (3, 1));
    assert_eq!(list(&store, 8, true), [(3, 7), (5, 8)]);
    assert_eq!(list(&store, 3, false), [(5, NOW), (8, 7)]);
    store.close();
}

#[test]
fn a_compressed_file_is_recognised_and_a_damaged_one_changes_nothing() {
    let store = open(&SimulatedDisk::new());
    let mut bytes = written(&many(3, false), false, None, 2);
    let compressed = zstd::encode_all(&bytes[..], 3).expect("memory takes all");
    assert_eq!(import_bytes(&store, &compressed).expect("whole").bulk.added, 3);
    let (users, revision) = (store.users(), store.revision());

    bytes[40] ^= 1;
    match import_bytes(&store, &bytes) {
        Err(ImportError::Source { path, source: SourceError::Binary(BinaryError::DamagedBlock { edge: 1 }) }) => {
            assert_eq!(path.file_name(), Some("edges".as_ref()));
        }
        other => panic!("a damaged block is told, not {other:?}"),
    }
    // Cut in the middle of the compressed bytes: what the decompressor says is passed on.
    let long = written(&many(40_000, false), false, None, 1000);
    let compressed = zstd::encode_all(&long[..], 3).expect("memory takes all");
    let cut = import_bytes(&store, &compressed[..compressed.len() - 6]).expect_err("cut short");
    assert!(
        matches!(cut, ImportError::Source { source: SourceError::Binary(BinaryError::Read { .. }), .. }),
        "{cut:?}"
    );
    assert_eq!((store.users(), store.revision()), (users, revision));
    store.close();
}

#[test]
fn a_short_text_is_still_a_text() {
    let store = open(&SimulatedDisk::new());
    assert_eq!(import_bytes(&store, b"1 2").expect("well-formed").bulk.added, 1);
    assert_eq!(import_bytes(&store, b"").expect("well-formed").edges_read, 0);
    let error = import_bytes(&store, b"ROOSTED 1").expect_err("neither");
    assert!(matches!(error, ImportError::Source { source: SourceError::Line(_), .. }), "{error:?}");
    store.close();
}
