//! The manifest: which files make up the store.
//!
//! Renaming a new `MANIFEST` over the old one is the commit of everything that is not in the log: a compaction, an
//! import. Files that it does not name are left over from something that was cut short, and are removed at open.
//!
//! # Layout
//!
//! A line and a JSON object:
//!
//! ```text
//! roost-manifest 1 crc32c=9a71bb4c bytes=163
//! {"slots":64,"next_number":3,"catalog":{"number":1,"revision":20},"externals":null,"import":null, …}
//! ```
//!
//! The number behind the name is the version; the checksum and the length are of all bytes behind the first line.
//! `slots_state` has one entry a slot: the revision that its segments stand for, and the number of each segment file
//! or null, in the order follow forward, follow reverse, block forward, block reverse, mute forward, mute reverse.

use std::collections::BTreeMap;
use std::path::Path;

use base::disk::{Disk, replace_file};
use base::{Revision, Slots};
use serde::{Deserialize, Serialize};

use super::StoreError;

/// The name of the file in the store's folder.
pub(crate) const MANIFEST: &str = "MANIFEST";
const MAGIC: &str = "roost-manifest 1";

/// Which files make up the store, and what they stand for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The number of slots.
    pub(crate) slots: u16,
    /// The number of the next file: never used twice.
    pub(crate) next_number: u64,
    /// Ids given out, idempotency keys and named sets.
    pub(crate) catalog: CatalogFile,
    /// The number of the table of external ids.
    pub(crate) externals: Option<u64>,
    /// The last import: its record is appended to the log after the manifest committed it.
    pub(crate) import: Option<ImportMark>,
    /// Named readers of the log, and the revision that each has seen.
    pub(crate) consumers: BTreeMap<String, u64>,
    /// One for each slot.
    pub(crate) slots_state: Vec<SlotFiles>,
}

/// The catalog's file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CatalogFile {
    /// Its number; none where nothing was ever given out.
    pub(crate) number: Option<u64>,
    /// What it stands for.
    pub(crate) revision: u64,
}

/// An import.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportMark {
    /// The revision of its record.
    pub(crate) revision: u64,
    /// How many edges were new.
    pub(crate) edges: u64,
}

/// The segments of one slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlotFiles {
    /// What they stand for.
    pub(crate) revision: u64,
    /// The number of each file.
    pub(crate) segments: [Option<u64>; 6],
}

impl Manifest {
    /// That of an empty store.
    pub(crate) fn empty(slots: Slots) -> Self {
        Manifest {
            slots: slots.count(),
            next_number: 1,
            catalog: CatalogFile { number: None, revision: 0 },
            externals: None,
            import: None,
            consumers: BTreeMap::new(),
            slots_state: vec![SlotFiles::default(); usize::from(slots.count())],
        }
    }

    /// Reads the manifest of a folder; `None` where there is none.
    pub(crate) fn read(disk: &dyn Disk, folder: &Path) -> Result<Option<Self>, StoreError> {
        let path = folder.join(MANIFEST);
        let bytes = match disk.read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io(path, "read")(error)),
        };
        Self::decode(&bytes, &path).map(Some)
    }

    /// Reads the bytes of a manifest, which is at `path`.
    pub(crate) fn decode(bytes: &[u8], path: &Path) -> Result<Self, StoreError> {
        let damaged = |what| StoreError::Damaged { path: path.to_owned(), what };
        let line_end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(|| damaged("no first line"))?;
        let body = &bytes[line_end + 1..];
        if bytes[..line_end] != *first_line(body).as_bytes() {
            return Err(damaged("checksum, length or version is wrong"));
        }
        let manifest: Manifest = serde_json::from_slice(body).map_err(|_| damaged("not what a manifest says"))?;
        if Slots::new(manifest.slots).is_none() || manifest.slots_state.len() != usize::from(manifest.slots) {
            return Err(damaged("impossible number of slots"));
        }
        Ok(manifest)
    }

    /// Makes this the manifest of a folder, durably and at once.
    pub(crate) fn write(&self, disk: &dyn Disk, folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(MANIFEST);
        let body = serde_json::to_vec(self).map_err(|error| StoreError::io(&path, "written")(error.into()))?;
        let mut bytes = first_line(&body).into_bytes();
        bytes.push(b'\n');
        bytes.extend(body);
        replace_file(disk, &path, &bytes).map_err(StoreError::io(path, "written"))
    }

    /// A number for a new file.
    pub(crate) fn take_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// The revision that some file stands for, and none for a later one.
    pub(crate) fn newest_revision(&self) -> Revision {
        let slots = self.slots_state.iter().map(|slot| slot.revision);
        Revision(slots.chain([self.catalog.revision]).max().unwrap_or_default())
    }

    /// The revision that every file stands for at least: earlier records are not needed.
    pub(crate) fn oldest_revision(&self) -> Revision {
        let slots = self.slots_state.iter().map(|slot| slot.revision);
        Revision(slots.chain([self.catalog.revision]).min().unwrap_or_default())
    }
}

pub(super) fn first_line(body: &[u8]) -> String {
    format!("{MAGIC} crc32c={:08x} bytes={}", crc32c::crc32c(body), body.len())
}

#[cfg(test)]
mod tests {
    use base::disk::SimulatedDisk;

    use super::*;

    #[test]
    fn each_flipped_bit_and_each_cut_is_noticed() -> Result<(), StoreError> {
        let disk = SimulatedDisk::new();
        let folder = Path::new("graph");
        let mut manifest = Manifest::empty(Slots::new(2).expect("two"));
        manifest.slots_state[1].segments[3] = Some(17);
        manifest.consumers.insert("warmer".to_owned(), 9);
        manifest.write(&disk, folder)?;
        assert_eq!(Manifest::read(&disk, folder)?.as_ref(), Some(&manifest));
        let path = folder.join(MANIFEST);
        let whole = disk.read(&path).expect("written above");
        let damaged = |bytes: &[u8]| {
            disk.create(&path).and_then(|mut file| file.write_at(0, bytes)).expect("the disk works");
            assert!(matches!(Manifest::read(&disk, folder), Err(StoreError::Damaged { .. })));
        };
        (0..whole.len()).for_each(|len| damaged(&whole[..len]));
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            damaged(&flipped);
        }
        Ok(())
    }
}
