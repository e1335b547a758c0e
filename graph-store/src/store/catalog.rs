//! What the store knows beside its lists: ids given out, idempotency keys and named sets.
//!
//! # Layout of a catalog file
//!
//! Numbers are little-endian. The file is small and read as a whole at open.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `ROOSTCAT` |
//! | 4 | version, now 1 |
//! | 4 | the next user id to give out |
//! | 4 | number of idempotency keys, oldest first, each: length (1), key, first id (4), count (4) |
//! | 4 | number of named sets, by name, each: length (1), name, version (8), bytes (4), portable roaring bitmap |
//! | 4 | CRC-32C of all before |

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use base::disk::{Disk, replace_file};
use base::{Revision, UserId, limits};
use roaring::RoaringBitmap;
use rustc_hash::FxHashMap;

use super::StoreError;
use crate::bytes::{put_name, take_name, take_slice, take_u32, take_u64};
use crate::query::ProbedSet;

const MAGIC: &[u8; 8] = b"ROOSTCAT";
const VERSION: u32 = 1;
/// How many idempotency keys are remembered: a client that repeats a request does so within seconds.
const KEYS_MAX: usize = 100_000;

/// A set of users that a client keeps here.
#[derive(Clone, Debug, Default)]
pub struct NamedSet {
    /// Its members. Shared: a change makes a new one where somebody still reads the old.
    pub members: Arc<ProbedSet>,
    /// The revision of its last change.
    pub version: Revision,
}

/// Ids given out, idempotency keys and named sets.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalog {
    next: u32,
    keys: VecDeque<(String, Granted)>,
    by_key: FxHashMap<String, Granted>,
    sets: BTreeMap<String, NamedSet>,
}

/// Ids that one request got: `count` from `first` on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Granted {
    pub(crate) first: UserId,
    pub(crate) count: u32,
}

impl Catalog {
    /// How many ids were given out; all below are known users.
    pub(crate) fn next(&self) -> u32 {
        self.next
    }

    /// What the request with this key got.
    pub(crate) fn granted(&self, key: &str) -> Option<Granted> {
        self.by_key.get(key).copied()
    }

    /// Gives out ids.
    pub(crate) fn grant(&mut self, granted: Granted, key: &str) {
        self.next = self.next.max(granted.first.0.saturating_add(granted.count));
        if !key.is_empty() && self.by_key.insert(key.to_owned(), granted).is_none() {
            self.keys.push_back((key.to_owned(), granted));
            if self.keys.len() > KEYS_MAX
                && let Some((oldest, _)) = self.keys.pop_front()
            {
                self.by_key.remove(&oldest);
            }
        }
    }

    /// A named set.
    pub(crate) fn set(&self, name: &str) -> Option<&NamedSet> {
        self.sets.get(name)
    }

    /// Whether one more set may be created.
    pub(crate) fn has_room_for_set(&self) -> bool {
        self.sets.len() < limits::NAMED_SETS_MAX
    }

    /// Changes a named set.
    pub(crate) fn update_set(&mut self, name: &str, remove: &[u32], add: &[u32], version: Revision) {
        let set = self.sets.entry(name.to_owned()).or_default();
        Arc::make_mut(&mut set.members).update(remove, add);
        set.version = version;
    }

    /// Writes the file, durably.
    pub(crate) fn write(&self, disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
        replace_file(disk, path, &self.encode()).map_err(StoreError::io(path, "written"))
    }

    /// Reads the file.
    pub(crate) fn read(disk: &dyn Disk, path: &Path) -> Result<Catalog, StoreError> {
        let bytes = disk.read(path).map_err(StoreError::io(path, "read"))?;
        Self::decode(&bytes).ok_or_else(|| StoreError::Damaged { path: path.to_owned(), what: "not a whole catalog" })
    }

    /// Whether both say the same.
    pub(super) fn is_same(&self, other: &Catalog) -> bool {
        let sets = |catalog: &Catalog| -> Vec<_> {
            catalog.sets.iter().map(|(name, set)| (name.clone(), set.members.clone(), set.version)).collect()
        };
        (self.next, &self.keys, &self.by_key, sets(self)) == (other.next, &other.keys, &other.by_key, sets(other))
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for number in [VERSION, self.next, self.keys.len() as u32] {
            bytes.extend(number.to_le_bytes());
        }
        for (key, granted) in &self.keys {
            put_name(key, &mut bytes);
            bytes.extend(granted.first.0.to_le_bytes());
            bytes.extend(granted.count.to_le_bytes());
        }
        bytes.extend((self.sets.len() as u32).to_le_bytes());
        for (name, set) in &self.sets {
            let members = set.members.bitmap();
            put_name(name, &mut bytes);
            bytes.extend(set.version.0.to_le_bytes());
            bytes.extend((members.serialized_size() as u32).to_le_bytes());
            #[expect(clippy::expect_used, reason = "writing to memory cannot fail")]
            members.serialize_into(&mut bytes).expect("memory takes every byte");
        }
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Catalog> {
        let (body, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32c::crc32c(body) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let mut rest = body.strip_prefix(MAGIC)?.strip_prefix(&VERSION.to_le_bytes())?;
        let mut catalog = Catalog { next: take_u32(&mut rest)?, ..Catalog::default() };
        for _ in 0..take_u32(&mut rest)? {
            let key = take_name(&mut rest)?;
            let granted = Granted { first: UserId(take_u32(&mut rest)?), count: take_u32(&mut rest)? };
            // No request without a key is remembered, and none twice.
            if key.is_empty() || catalog.granted(&key).is_some() {
                return None;
            }
            catalog.grant(granted, &key);
        }
        for _ in 0..take_u32(&mut rest)? {
            let name = take_name(&mut rest)?;
            let version = Revision(take_u64(&mut rest)?);
            let len = take_u32(&mut rest)? as usize;
            let mut members = take_slice(&mut rest, len)?;
            let set =
                NamedSet { members: Arc::new(RoaringBitmap::deserialize_from(&mut members).ok()?.into()), version };
            if !members.is_empty() || catalog.sets.insert(name, set).is_some() {
                return None;
            }
        }
        rest.is_empty().then_some(catalog)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_catalog_comes_back_and_damage_is_noticed() {
        let mut catalog = Catalog::default();
        catalog.grant(Granted { first: UserId(0), count: 7 }, "first");
        catalog.grant(Granted { first: UserId(7), count: 1 }, "");
        catalog.update_set("active", &[], &[1, 5, 100_000], Revision(9));
        let bytes = catalog.encode();
        let again = Catalog::decode(&bytes).expect("whole");
        assert_eq!((again.next(), again.granted("first")), (8, catalog.granted("first")));
        assert_eq!(again.set("active").map(|set| (set.members.bitmap().len(), set.version)), Some((3, Revision(9))));
        for len in 0..bytes.len() {
            assert!(Catalog::decode(&bytes[..len]).is_none(), "cut at {len}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Catalog::decode(&flipped).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn the_oldest_keys_are_forgotten() {
        let mut catalog = Catalog::default();
        for number in 0..=KEYS_MAX as u32 {
            catalog.grant(Granted { first: UserId(number), count: 1 }, &format!("key-{number}"));
        }
        assert_eq!(catalog.granted("key-0"), None);
        assert!(catalog.granted("key-1").is_some());
    }
}
