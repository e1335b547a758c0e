//! Whatever byte of whatever file is damaged, it is told, and no answer is wrong.

use std::path::{Path, PathBuf};

use base::Relation;
use base::disk::{Disk, SimulatedDisk};
use graph_store::log::Operation;
use graph_store::store::{BulkEdges, Wanted};

use crate::support::{NOW, change, contents, open, open_with, two_slots};

/// A small store with something in every kind of file.
fn store_with_everything() -> SimulatedDisk {
    let disk = SimulatedDisk::new();
    let store = open(&disk);
    let edges = (1..10).map(|user| (user, 0)).collect();
    let bulk = BulkEdges { external_ids: (10..20).collect(), edges, time: NOW, timed: vec![] };
    store.import(bulk, &|_| {}).expect("the disk works");
    store.allocate_blocking(Wanted::Count(2), "key".to_owned()).expect("the disk works");
    let apply = |relation, operation, source, target| {
        store.apply_blocking(vec![change(relation, operation, source, target)]).expect("the disk works");
    };
    for user in 1..8 {
        apply(Relation::Follow, Operation::Add, user, user + 1);
    }
    apply(Relation::Mute, Operation::Add, 1, 2);
    store.compact().expect("the disk works");
    apply(Relation::Block, Operation::Add, 4, 5);
    drop(store);
    disk
}

fn files(disk: &SimulatedDisk) -> Vec<PathBuf> {
    let folders = ["graph", "graph/segments", "graph/log"].map(Path::new);
    let inside =
        |folder: &Path| disk.names(folder).expect("a folder").into_iter().map(|name| folder.join(name)).collect();
    folders.into_iter().flat_map(|folder: &Path| -> Vec<PathBuf> { inside(folder) }).collect()
}

/// Panics unless a store with these bytes in one of its files says that it is damaged, or is none the worse for it.
fn assert_told(disk: &SimulatedDisk, path: &Path, bytes: &[u8], what: &str) {
    let truth = contents(&open(&disk.after_power_cut(0))).expect("whole");
    let copy = disk.after_power_cut(0);
    copy.create(path).and_then(|mut file| file.write_at(0, bytes)).expect("the disk works");
    let Ok((store, _)) = open_with(&copy, two_slots()) else { return };
    for (list, expected) in &truth {
        if let Ok(edges) = store.edges(*list) {
            let found: Vec<_> = edges.iter().map(|edge| (edge.user.0, edge.time)).collect();
            assert_eq!(&found, expected, "{what} of {}: {list:?}", path.display());
        }
    }
    // The high-water mark has two sectors, and lives with one.
    let told = !store.check(&|_| {}).is_clean();
    assert!(told || path.ends_with("HEAD"), "{what} of {} went unnoticed", path.display());
}

#[test]
fn each_damaged_byte_is_told_and_no_answer_is_wrong() {
    let disk = store_with_everything();
    for path in files(&disk) {
        let whole = disk.read(&path).expect("a file");
        for place in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[place] ^= 1 << (place % 8);
            assert_told(&disk, &path, &flipped, &format!("damage at {place}"));
        }
    }
}

#[test]
fn each_truncation_is_told_and_no_answer_is_wrong() {
    let disk = store_with_everything();
    for path in files(&disk) {
        let whole = disk.read(&path).expect("a file");
        for len in 0..whole.len() {
            assert_told(&disk, &path, &whole[..len], &format!("truncation to {len}"));
        }
    }
}

#[test]
fn a_missing_file_is_told_and_a_strange_one_is_left_alone() {
    let disk = store_with_everything();
    for path in files(&disk) {
        let copy = disk.after_power_cut(0);
        copy.remove(&path).expect("it was there");
        assert!(open_with(&copy, two_slots()).is_err(), "{} gone", path.display());
    }
    for name in
        ["graph/notes.txt", "graph/segments/README", "graph/log/x.log", "graph/segments/0000-follow-forward.segment"]
    {
        let copy = disk.after_power_cut(0);
        copy.create(Path::new(name)).expect("the disk works");
        let (_, recovery) = open_with(&copy, two_slots()).expect("none of our business");
        assert!(!recovery.removed.iter().any(|removed| removed == Path::new(name)), "{name}");
        assert!(copy.read(Path::new(name)).is_ok());
    }
}
