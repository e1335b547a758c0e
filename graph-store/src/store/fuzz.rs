//! What a fuzzer calls: see [`fuzzing`](crate::fuzzing).

use std::path::Path;

use base::disk::{Disk, SimulatedDisk};
use base::{Revision, Slots, UserId};

use super::catalog::{Catalog, Granted};
use super::externals::Externals;
use super::manifest::{ImportMark, MANIFEST, Manifest, first_line};
use crate::fuzzing::Input;

const FOLDER: &str = "graph";

fn put(disk: &SimulatedDisk, path: &Path, bytes: &[u8]) {
    disk.create(path).and_then(|mut file| file.write_at(0, bytes)).expect("memory takes all");
}

/// A disk with one file, as it is and with the checksum of all of it behind.
fn disks(path: &Path, bytes: &[u8]) -> [SimulatedDisk; 2] {
    let checksum = crc32c::crc32c(bytes).to_le_bytes();
    [bytes.to_vec(), [bytes, &checksum].concat()].map(|bytes| {
        let disk = SimulatedDisk::new();
        put(&disk, path, &bytes);
        disk
    })
}

/// A manifest: its file, or what lies behind the first line.
pub(crate) fn manifest(input: &[u8]) {
    let folder = Path::new(FOLDER);
    let whole = [first_line(input).as_bytes(), b"\n", input].concat();
    for bytes in [input, &whole] {
        let disk = SimulatedDisk::new();
        put(&disk, &folder.join(MANIFEST), bytes);
        let Ok(Some(manifest)) = Manifest::read(&disk, folder) else { continue };
        let slots = Slots::new(manifest.slots).expect("refused otherwise");
        assert_eq!(manifest.slots_state.len(), slots.all().count(), "the files of each slot");
        assert!(manifest.slots_state.iter().all(|slot| slot.revision >= manifest.oldest_revision().0), "the oldest");
        manifest.write(&disk, folder).expect("memory takes all");
        assert_eq!(Manifest::read(&disk, folder).expect("written just now"), Some(manifest), "written again");
    }
}

/// A catalog: its file, with or without its checksum.
pub(crate) fn catalog(input: &[u8]) {
    let path = Path::new(FOLDER).join("catalog");
    for disk in disks(&path, input) {
        let Ok(catalog) = Catalog::read(&disk, &path) else { continue };
        catalog.write(&disk, &path).expect("memory takes all");
        let again = Catalog::read(&disk, &path).expect("written just now");
        assert!(again.is_same(&catalog), "written again");
    }
}

/// External ids: their file, with or without its checksum; and the pairs that the same bytes are (`u64` and a byte, by
/// which user ids grow), written and read.
pub(crate) fn externals(input: &[u8]) {
    let path = Path::new(FOLDER).join("externals");
    let few: Vec<u64> = [0, 1, u64::MAX]
        .into_iter()
        .chain(input.as_chunks::<8>().0.iter().map(|id| u64::from_le_bytes(*id)))
        .take(64)
        .collect();
    for disk in disks(&path, input) {
        let Ok(externals) = Externals::open(&disk, &path) else { continue };
        for id in &few {
            let _ = externals.user(*id);
        }
        for user in (0..64).chain([u32::MAX]) {
            let _ = externals.external_id(UserId(user));
        }
    }
    let (mut input, mut pairs, mut user) = (Input(input), std::collections::BTreeMap::new(), 0);
    while !input.0.is_empty() {
        let external_id = input.number::<8>();
        user += 1 + input.number::<1>() as u32;
        pairs.entry(external_id).or_insert(user);
    }
    let disk = SimulatedDisk::new();
    let written = pairs.iter().map(|(external_id, user)| (*external_id, *user));
    Externals::default().write(&disk, &path, written).expect("memory takes all");
    let externals = Externals::open(&disk, &path).expect("written just now");
    for (external_id, user) in &pairs {
        assert_eq!(externals.user(*external_id), Some(UserId(*user)), "external id {external_id}");
        assert_eq!(externals.external_id(UserId(*user)), Some(*external_id), "user {user}");
        for other in [external_id.wrapping_sub(1), external_id.wrapping_add(1)] {
            assert_eq!(externals.user(other).map(|user| user.0), pairs.get(&other).copied(), "external id {other}");
        }
    }
}

/// The manifest of an empty store, and of one with everything; whole, and what lies behind the first line.
pub(crate) fn manifest_seeds() -> Vec<Vec<u8>> {
    let empty = Manifest::empty(Slots::new(1).expect("one"));
    let mut full = Manifest::empty(Slots::new(2).expect("two"));
    full.next_number = 9;
    full.slots_state[1].segments = [Some(3), None, Some(4), None, None, Some(8)];
    full.slots_state[0].revision = 7;
    full.catalog.number = Some(2);
    full.externals = Some(1);
    full.import = Some(ImportMark { revision: 3, edges: 5 });
    full.consumers.insert("warmer".to_owned(), 4);
    let seeds = [empty, full].into_iter().flat_map(|manifest| {
        let disk = SimulatedDisk::new();
        manifest.write(&disk, Path::new(FOLDER)).expect("memory takes all");
        let whole = disk.read(&Path::new(FOLDER).join(MANIFEST)).expect("written");
        let body = whole.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        [whole[body..].to_vec(), whole]
    });
    seeds.collect()
}

/// An empty catalog and one with keys and sets, each with and without its checksum.
pub(crate) fn catalog_seeds() -> Vec<Vec<u8>> {
    let mut full = Catalog::default();
    full.grant(Granted { first: UserId(0), count: 7 }, "first");
    full.grant(Granted { first: UserId(7), count: 1 }, "second");
    full.update_set("active", &[], &[1, 5, 100_000], Revision(9));
    full.update_set("many", &[], &(0..5000).collect::<Vec<_>>(), Revision(10));
    let mut bytes = vec![Catalog::default().encode(), full.encode()];
    bytes.extend(bytes.clone().into_iter().map(|whole| whole[..whole.len() - 4].to_vec()));
    bytes
}

/// A file, with and without its checksum, and some pairs.
pub(crate) fn externals_seeds() -> Vec<Vec<u8>> {
    let disk = SimulatedDisk::new();
    let path = Path::new(FOLDER).join("externals");
    let pairs = (0..40u64).map(|place| (place * place * place * 1_000_003, (place * 7 % 40) as u32));
    Externals::default().write(&disk, &path, pairs).expect("memory takes all");
    let whole = disk.read(&path).expect("written");
    vec![whole[..whole.len() - 4].to_vec(), whole, (0..200).collect()]
}
