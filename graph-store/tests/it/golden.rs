//! The bytes of every format are those of the first release, which are those that docs/format.md shows, and they are read.
//!
//! The files of a segment are in `segment.rs` and `columns.rs`.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::cursor::{self, CursorKind};
use base::disk::{Disk, SimulatedDisk};
use base::{Direction, ListRef, Relation, Revision, Slots, UserId};
use graph_store::adjacency::{Encoding, List, encode};
use graph_store::backup::{FolderBlobs, Repository};
use graph_store::export::{Export, Format, Ids, export};
use graph_store::import::binary::{EdgeReader, EdgeWriter, EncodedEdges};
use graph_store::log::{Operation, Record, frame};
use graph_store::store::{BulkEdges, Wanted};
use graph_store::{Options, Store};
use sha2::{Digest, Sha256};

use crate::support::{NOW, change, open_with};

/// The folder of the store of the first release, among the golden files.
const STORE: &str = "store";

fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The golden bytes of this name.
fn golden(name: &str) -> Vec<u8> {
    let path = golden_folder().join(format!("{name}.hex"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bytes_of(text.lines())
}

/// The bytes of lines of hexadecimal numbers; what follows a semicolon is a remark.
fn bytes_of<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<u8> {
    let bytes = lines.flat_map(|line| line.split(';').next().unwrap_or_default().split_whitespace());
    bytes.map(|byte| u8::from_str_radix(byte, 16).unwrap_or_else(|_| panic!("{byte} is no byte"))).collect()
}

fn hex(bytes: &[u8]) -> String {
    let line = |line: &[u8]| line.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    bytes.chunks(16).map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// Panics unless these are the golden bytes of this name.
fn assert_golden(name: &str, bytes: &[u8]) {
    assert!(
        bytes == golden(name),
        "the bytes of {name} are no longer those of the first release. Who has files of it could not read them, or \
         would read them wrongly: give the format its next version, and the new version a golden file of its own. Now:\n{}",
        hex(bytes)
    );
}

/// A list in each form: its name, ids, version above the base, and how it is encoded.
fn lists() -> [(&'static str, Vec<u32>, u64, Encoding); 4] {
    let local =
        [9, 700_000, 700_001, 700_002, 700_004, 700_005, 700_007, 700_008, 700_009, 700_011, 1_000_000, 1_300_000];
    [
        ("list-packed", vec![2, 3, 5, 7, 11, 13, 24], 200, Encoding::Auto),
        ("list-windowed", local.to_vec(), 0, Encoding::Auto),
        ("list-roaring", vec![1, 2, 300, 65_541], 0, Encoding::Roaring),
        ("list-emptied", vec![], 5, Encoding::Auto),
    ]
}

#[test]
fn lists_are_as_they_were() {
    for (name, ids, version, encoding) in lists() {
        let mut bytes = vec![];
        encode(&ids, version, encoding, &mut bytes).expect("ids increase");
        assert_golden(name, &bytes);
        let list = List::parse(&bytes, 1000).expect("golden");
        assert_eq!((list.iter().collect(), list.version(), list.validate()), (ids, 1000 + version, Ok(())), "{name}");
    }
}

#[test]
fn edge_lists_are_as_they_were() {
    let edges = [(1, 2, 1_700_000_000), (3, 1, 1_700_000_060)];
    for (name, times) in [("binary", false), ("binary-times", true)] {
        let mut encoded = EncodedEdges::with_capacity(2, times);
        edges.iter().for_each(|(source, target, time)| encoded.push(*source, *target, *time));
        let mut writer = EdgeWriter::new(vec![], times, Some(2)).expect("memory takes all");
        writer.append(&encoded).expect("as it was begun");
        assert_golden(name, &writer.finish().expect("as many as promised"));
        let golden = golden(name);
        let read = EdgeReader::new(&golden[..]).expect("golden");
        let read: Vec<_> =
            read.map(|edge| edge.map(|edge| (edge.source, edge.target, edge.time)).expect("golden")).collect();
        assert_eq!(read, edges.map(|(source, target, time)| (source, target, times.then_some(time))), "{name}");
    }
}

#[test]
fn records_are_as_they_were() {
    let users = Record::Allocate { first: UserId(5), count: 2, external_ids: vec![77, 66], key: "k".to_owned() };
    for (name, record) in [("record-users", users), ("record-import", Record::Import { edges: 1000 })] {
        assert_golden(name, &frame::encode(Revision(8), std::slice::from_ref(&record)));
        let golden = golden(name);
        let read: Vec<_> = frame::Frame::parse(&golden).expect("golden").records().collect();
        assert_eq!(read, [Some((Revision(9), record))], "{name}");
    }
}

#[test]
fn tokens_are_as_they_were() {
    assert_eq!(Revision(1_000_000).token(), "AQEAAAAAAA9CQAk97Hw");
    let place = [1_700_000_000, 7, 0];
    assert_eq!(cursor::encode(CursorKind::ListByTime, &place), "AQMAAAAAZVPxAAAAAAAAAAAHAAAAAAAAAABvzaLl");
    assert_eq!(cursor::decode(CursorKind::ListByTime, "AQMAAAAAZVPxAAAAAAAAAAAHAAAAAAAAAABvzaLl"), Ok(place));
}

fn one_slot() -> Options {
    Options { slots: Slots::new(1), ..Options::default() }
}

/// Does all that leaves something in a file, but for external ids, whose file is another version's by now.
fn fill(store: &Store) {
    let apply = |relation, operation, source, target| {
        store.apply_blocking(vec![change(relation, operation, source, target)]).expect("the disk works");
    };
    store.allocate_blocking(Wanted::Count(5), "first".to_owned()).expect("the disk works");
    apply(Relation::Follow, Operation::Add, 0, 1);
    apply(Relation::Follow, Operation::Add, 0, 2);
    apply(Relation::Follow, Operation::Add, 3, 2);
    let updated = store.update_set("active".to_owned(), vec![], vec![1, 2, 4]);
    futures::executor::block_on(updated).expect("the disk works");
    store.compact().expect("the disk works");
    apply(Relation::Block, Operation::Add, 0, 2);
    apply(Relation::Follow, Operation::Remove, 3, 2);
}

/// Every file of a store, as a path in its folder.
fn files(disk: &SimulatedDisk) -> Vec<String> {
    let folders = ["", "log/", "segments/"].into_iter();
    let names = |folder: &str| disk.names(&Path::new("graph").join(folder)).expect("a folder");
    folders.flat_map(|folder| names(folder).into_iter().map(move |name| format!("{folder}{name}"))).collect()
}

#[test]
fn a_store_of_the_first_release_opens_and_one_of_now_has_the_same_files() {
    let disk = SimulatedDisk::new();
    let (store, _) = open_with(&disk, one_slot()).expect("an empty disk");
    fill(&store);
    store.close();
    drop(store);
    let first = SimulatedDisk::new();
    for name in files(&disk) {
        let path = Path::new("graph").join(&name);
        assert_golden(&format!("{STORE}/{name}"), &disk.read(&path).expect("a file"));
        let golden = golden(&format!("{STORE}/{name}"));
        first.create(&path).and_then(|mut file| file.write_at(0, &golden)).expect("memory takes all");
    }
    let (store, recovery) = open_with(&first, one_slot()).expect("a store of the first release");
    assert_eq!((recovery.cut, recovery.replayed), (None, 2));
    assert_filled(&store);
}

/// Panics unless a store has what [`fill`] put into it.
fn assert_filled(store: &Store) {
    let edges =
        |list| -> Vec<_> { store.edges(list).expect("readable").iter().map(|edge| (edge.user.0, edge.time)).collect() };
    assert_eq!(edges(ListRef::forward(Relation::Follow, UserId(0))), [(1, NOW)]);
    assert_eq!(edges(ListRef::forward(Relation::Block, UserId(0))), [(2, NOW)]);
    assert_eq!(edges(ListRef::reverse(Relation::Follow, UserId(2))), []);
    assert_eq!(store.users(), 5);
    assert!(store.named_set("active").expect("kept").members.bitmap().iter().eq([1, 2, 4]));
    assert!(store.check(&|_| {}).is_clean());
}

#[test]
fn a_backup_is_as_it_was() {
    let (disk, folder) = (SimulatedDisk::new(), Path::new("backups-of-ours"));
    let repository = |disk: &SimulatedDisk| Repository::new(Arc::new(FolderBlobs::new(Arc::new(disk.clone()), folder)));
    let on = |_, _| ControlFlow::Continue(());
    let (store, _) = open_with(&disk, one_slot()).expect("an empty disk");
    fill(&store);
    repository(&disk).back_up(&store, &on).expect("the disk works");
    let manifest = folder.join("backups/00000000000000000007.json");
    assert_golden("backup.json", &disk.read(&manifest).expect("a manifest"));
    // One of the first release, whose objects are the files themselves.
    let first = SimulatedDisk::new();
    let put = |path: &Path, bytes: &[u8]| {
        first.create(path).and_then(|mut file| file.write_at(0, bytes)).expect("memory takes all");
    };
    put(&manifest, &golden("backup.json"));
    for name in disk.names(&folder.join("objects")).expect("a folder") {
        let path = folder.join("objects").join(&name);
        let bytes = disk.read(&path).expect("a file");
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, name, "an object is named by its bytes");
        put(&path, &bytes);
    }
    repository(&first).restore(None, &first, Path::new("graph"), &on).expect("a backup of the first release");
    assert_filled(&open_with(&first, one_slot()).expect("a whole store").0);
}

#[test]
fn exported_bitmaps_are_as_they_were() {
    let (store, _) = open_with(&SimulatedDisk::new(), one_slot()).expect("an empty disk");
    let (external_ids, edges) = (vec![10, 20, 30, 40, 50], vec![(0, 1), (0, 2), (0, 3), (0, 4), (2, 1)]);
    store.import(BulkEdges { external_ids, edges, time: NOW, timed: vec![] }, &|_| {}).expect("the disk works");
    store.allocate_blocking(Wanted::Count(1), String::new()).expect("the disk works");
    store.apply_blocking(vec![change(Relation::Follow, Operation::Add, 5, 0)]).expect("the disk works");
    let what = Export {
        relation: Relation::Follow,
        direction: Direction::Forward,
        format: Format::Roaring,
        ids: Ids::Users,
        times: false,
        weights: false,
    };
    let mut bytes = vec![];
    export(&store.snapshot().expect("the disk works"), &what, &mut bytes, &|_, _| {}).expect("memory takes all");
    assert_golden("export.bitmaps", &bytes);
}

/// Blocks of docs/format.md that are golden: `hex` or `text`, and the name of a file.
fn shown() -> Vec<(String, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/format.md");
    let text = fs::read_to_string(path).expect("the documentation");
    let mut lines = text.lines();
    let mut shown = vec![];
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("```hex ") {
            shown.push((name.to_owned(), bytes_of(lines.by_ref().take_while(|line| *line != "```"))));
        }
        if let Some(name) = line.strip_prefix("```text ") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            shown.push((name.to_owned(), text.join("\n").into_bytes()));
        }
    }
    shown
}

#[test]
fn the_documentation_shows_the_golden_bytes() {
    let shown = shown();
    for (name, bytes) in &shown {
        // Of a file that is mostly zeros, or long, the documentation shows the beginning.
        let (golden, beginning) = (golden(name), name.ends_with("HEAD"));
        let same = if beginning { golden.starts_with(bytes) } else { golden == *bytes };
        assert!(same, "docs/format.md shows other bytes of {name} than the golden ones:\n{}", hex(&golden));
    }
    let files =
        ["log/HEAD", "log/00000000000000000000.log", "catalog-00000003.table"].map(|name| format!("{STORE}/{name}"));
    let named = lists().map(|(name, ..)| name.to_owned());
    let others =
        ["binary", "binary-times", "record-users", "record-import", "sparse.times", "backup.json", "export.bitmaps"];
    let others = others.map(str::to_owned);
    for name in files.into_iter().chain(named).chain(others) {
        assert!(shown.iter().any(|(other, _)| *other == name), "docs/format.md does not show {name}");
    }
}
