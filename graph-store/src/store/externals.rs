//! The external ids of an imported graph, both ways.
//!
//! Those of imports lie in a mapped table; those given out since the table was written, in memory.
//!
//! # Layout of a table
//!
//! Numbers are little-endian; `n` is the number of external ids.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `ROOSTEXT` |
//! | 4 | version, now 1 |
//! | 4 | n |
//! | 8 × n | the external ids, ascending |
//! | 4 × n | the user id of each |
//! | 4 × n | places in the two columns above, in ascending order of the user id |
//! | 4 | CRC-32C of all before |
//!
//! The whole table is verified when it is opened.

use std::path::Path;

use base::UserId;
use base::disk::{Disk, Mapped, replace_file};
use rustc_hash::FxHashMap;

use super::StoreError;

const MAGIC: &[u8; 8] = b"ROOSTEXT";
const VERSION: u32 = 1;
const HEADER: usize = 16;

/// External ids and user ids, both ways.
#[derive(Clone, Debug, Default)]
pub(crate) struct Externals {
    table: Option<Table>,
    recent: FxHashMap<u64, u32>,
    recent_users: FxHashMap<u32, u64>,
}

impl Externals {
    /// Opens a table.
    pub(crate) fn open(disk: &dyn Disk, path: &Path) -> Result<Self, StoreError> {
        let bytes = disk.map(path).map_err(StoreError::io(path, "mapped"))?;
        let damaged = || StoreError::Damaged { path: path.to_owned(), what: "not a whole table of external ids" };
        Ok(Externals { table: Some(Table::new(bytes).ok_or_else(damaged)?), ..Externals::default() })
    }

    /// The user with this external id.
    pub(crate) fn user(&self, external_id: u64) -> Option<UserId> {
        let recent = self.recent.get(&external_id).copied();
        recent.or_else(|| self.table.as_ref()?.user(external_id)).map(UserId)
    }

    /// The external id of a user.
    pub(crate) fn external_id(&self, user: UserId) -> Option<u64> {
        self.recent_users.get(&user.0).copied().or_else(|| self.table.as_ref()?.external_id(user.0))
    }

    /// Remembers a pair.
    pub(crate) fn insert(&mut self, external_id: u64, user: UserId) {
        self.recent.insert(external_id, user.0);
        self.recent_users.insert(user.0, external_id);
    }

    /// Puts a table in place that has all pairs of `written`; what came since stays in memory.
    pub(crate) fn replace_table(&mut self, table: Externals, written: &Externals) {
        self.table = table.table;
        for (external_id, user) in &written.recent {
            self.recent.remove(external_id);
            self.recent_users.remove(user);
        }
    }

    /// Whether pairs are known that the table does not have.
    pub(crate) fn has_recent(&self) -> bool {
        !self.recent.is_empty()
    }

    /// Writes all pairs and some more, which are not known yet, as a new table, durably.
    pub(crate) fn write(
        &self,
        disk: &dyn Disk,
        path: &Path,
        more: impl Iterator<Item = (u64, u32)>,
    ) -> Result<(), StoreError> {
        let recent = self.recent.iter().map(|(external_id, user)| (*external_id, *user));
        let mut pairs: Vec<(u64, u32)> = recent.chain(more).collect();
        if let Some(table) = &self.table {
            pairs.extend((0..table.len).map(|place| (table.external_at(place), table.user_at(place))));
        }
        pairs.sort_unstable();
        let mut by_user: Vec<u32> = (0..pairs.len() as u32).collect();
        by_user.sort_unstable_by_key(|place| pairs[*place as usize].1);
        let mut bytes = Vec::with_capacity(HEADER + pairs.len() * 16 + 4);
        bytes.extend(MAGIC);
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((pairs.len() as u32).to_le_bytes());
        pairs.iter().for_each(|(external_id, _)| bytes.extend(external_id.to_le_bytes()));
        pairs.iter().for_each(|(_, user)| bytes.extend(user.to_le_bytes()));
        by_user.iter().for_each(|place| bytes.extend(place.to_le_bytes()));
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        replace_file(disk, path, &bytes).map_err(StoreError::io(path, "written"))
    }
}

#[derive(Clone, Debug)]
struct Table {
    bytes: Mapped,
    len: usize,
}

impl Table {
    fn new(bytes: Mapped) -> Option<Table> {
        let (body, checksum) = bytes.split_last_chunk::<4>()?;
        let counted = body.strip_prefix(MAGIC)?.strip_prefix(&VERSION.to_le_bytes())?;
        let len = u32::from_le_bytes(*counted.first_chunk()?) as usize;
        let whole = body.len() == HEADER + len * 16 && crc32c::crc32c(body) == u32::from_le_bytes(*checksum);
        whole.then_some(Table { bytes, len })
    }

    fn external_at(&self, place: usize) -> u64 {
        let start = HEADER + place * 8;
        self.bytes[start..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    fn u32_at(&self, start: usize, place: usize) -> u32 {
        self.bytes[start + place * 4..].first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    fn user_at(&self, place: usize) -> u32 {
        self.u32_at(HEADER + self.len * 8, place)
    }

    /// The place of the user that is the `idx`th by id. A writer of ours wrote it, and the checksum says it is whole;
    /// even so a place beyond the end must not be read.
    fn place_by_user(&self, idx: usize) -> usize {
        (self.u32_at(HEADER + self.len * 12, idx) as usize).min(self.len - 1)
    }

    fn user(&self, external_id: u64) -> Option<u32> {
        let place = partition_point(self.len, |place| self.external_at(place) < external_id);
        (place < self.len && self.external_at(place) == external_id).then(|| self.user_at(place))
    }

    fn external_id(&self, user: u32) -> Option<u64> {
        let idx = partition_point(self.len, |idx| self.user_at(self.place_by_user(idx)) < user);
        let place = (idx < self.len).then(|| self.place_by_user(idx))?;
        (self.user_at(place) == user).then(|| self.external_at(place))
    }
}

/// The first of `0..len` for which `before` is false, given that it is true up to there.
fn partition_point(len: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use base::disk::SimulatedDisk;

    use super::*;

    #[test]
    fn pairs_resolve_both_ways_from_memory_and_from_the_table() -> Result<(), StoreError> {
        let disk = SimulatedDisk::new();
        let mut externals = Externals::default();
        let pairs = [(u64::MAX, 3), (17, 9), (5, 1), (900, 0)];
        for (external_id, user) in &pairs[..3] {
            externals.insert(*external_id, UserId(*user));
        }
        externals.write(&disk, Path::new("one"), std::iter::empty())?;
        let mut externals = Externals::open(&disk, Path::new("one"))?;
        externals.insert(pairs[3].0, UserId(pairs[3].1));
        externals.write(&disk, Path::new("two"), std::iter::empty())?;
        for externals in [externals, Externals::open(&disk, Path::new("two"))?] {
            for (external_id, user) in pairs {
                assert_eq!(externals.user(external_id), Some(UserId(user)));
                assert_eq!(externals.external_id(UserId(user)), Some(external_id));
            }
            assert_eq!((externals.user(6), externals.external_id(UserId(2))), (None, None));
            assert_eq!(externals.external_id(UserId(u32::MAX)), None);
        }
        Ok(())
    }

    /// External ids stayed in memory for good, and each compaction wrote the whole table again.
    #[test]
    fn what_the_table_has_leaves_memory_and_what_came_since_stays() -> Result<(), StoreError> {
        let disk = SimulatedDisk::new();
        let mut externals = Externals::default();
        externals.insert(17, UserId(0));
        let written = externals.clone();
        written.write(&disk, Path::new("table"), std::iter::empty())?;
        externals.insert(18, UserId(1));
        externals.replace_table(Externals::open(&disk, Path::new("table"))?, &written);
        assert_eq!(externals.recent.len(), 1);
        assert_eq!([17, 18].map(|id| externals.user(id)), [Some(UserId(0)), Some(UserId(1))]);
        assert_eq!([0, 1].map(|user| externals.external_id(UserId(user))), [Some(17), Some(18)]);
        Ok(())
    }

    #[test]
    fn each_flipped_bit_and_each_cut_is_noticed() -> Result<(), StoreError> {
        let disk = SimulatedDisk::new();
        let mut externals = Externals::default();
        externals.insert(77, UserId(0));
        externals.insert(66, UserId(1));
        externals.write(&disk, Path::new("table"), std::iter::empty())?;
        let whole = disk.read(Path::new("table")).expect("written above");
        assert!((0..whole.len()).all(|len| Table::new(Mapped::from_memory(&whole[..len])).is_none()));
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Table::new(Mapped::from_memory(flipped)).is_none(), "bit {bit}");
        }
        Ok(())
    }
}
