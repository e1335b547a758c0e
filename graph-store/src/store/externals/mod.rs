//! The external ids of an imported graph, both ways.
//!
//! Those of imports lie in a mapped table; those given out since the table was written, in memory.
//!
//! - `table`: the file; `lines`: its columns of user ids and of ranks.

use std::path::Path;

use base::UserId;
use base::disk::{Disk, replace_file};
use rustc_hash::FxHashMap;

use super::StoreError;
use table::Table;

mod lines;
mod table;

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
        let mut pairs: Vec<(u64, u32)> = self.table.iter().flat_map(Table::pairs).collect();
        pairs.extend(more);
        pairs.extend(self.recent.iter().map(|(external_id, user)| (*external_id, *user)));
        // Runs that ascend are merged: both those of the table and those of an import do.
        pairs.sort();
        // What the log tells again at an open is in memory and in the table.
        pairs.dedup();
        replace_file(disk, path, &table::encode(&pairs)).map_err(StoreError::io(path, "written"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::collections::btree_map::Entry;

    use base::disk::SimulatedDisk;
    use proptest::prelude::*;

    use super::*;

    /// What an import, a compaction or a call does: people who come with external ids, numbered in their order or in
    /// another; users without external ids between them; a new table; or a pair that the log tells again.
    #[derive(Clone, Debug)]
    enum Step {
        Import { external_ids: Vec<u64>, shuffled: bool },
        Insert(u64),
        Unnamed(u32),
        Write,
        Again(prop::sample::Index),
    }

    fn any_external_id() -> impl Strategy<Value = u64> {
        prop_oneof![0..3000u64, 0..3000u64, any::<u64>(), (u64::MAX - 300)..=u64::MAX]
    }

    fn any_step() -> impl Strategy<Value = Step> {
        let run = (0..5000u64, 1..700u64, 1..4u64)
            .prop_map(|(start, len, step)| (0..len).map(|i| start + i * step).collect());
        let external_ids = prop_oneof![run, prop::collection::vec(any_external_id(), 0..300)];
        prop_oneof![
            3 => (external_ids, any::<bool>()).prop_map(|(external_ids, shuffled)| Step::Import { external_ids, shuffled }),
            6 => any_external_id().prop_map(Step::Insert),
            1 => (0..600u32).prop_map(Step::Unnamed),
            3 => Just(Step::Write),
            1 => any::<prop::sample::Index>().prop_map(Step::Again),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn external_ids_equal_a_plain_map_both_ways(steps in prop::collection::vec(any_step(), 1..12)) {
            let (disk, path) = (SimulatedDisk::new(), Path::new("table"));
            let (mut externals, mut model, mut next) = (Externals::default(), BTreeMap::<u64, u32>::new(), 0u32);
            for step in steps {
                match step {
                    Step::Import { mut external_ids, shuffled } => {
                        external_ids.sort_unstable();
                        external_ids.dedup();
                        external_ids.retain(|id| !model.contains_key(id));
                        if shuffled {
                            external_ids.sort_by_key(|id| id.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                        }
                        let new: Vec<(u64, u32)> = external_ids.into_iter().zip(next..).collect();
                        next += new.len() as u32;
                        externals.write(&disk, path, new.iter().copied()).expect("the disk works");
                        externals = Externals::open(&disk, path).expect("just written");
                        model.extend(new);
                    }
                    Step::Insert(external_id) => {
                        if let Entry::Vacant(vacant) = model.entry(external_id) {
                            vacant.insert(next);
                            externals.insert(external_id, UserId(next));
                            next += 1;
                        }
                    }
                    Step::Unnamed(users) => next += users,
                    Step::Write => {
                        let written = externals.clone();
                        written.write(&disk, path, std::iter::empty()).expect("the disk works");
                        externals.replace_table(Externals::open(&disk, path).expect("just written"), &written);
                        prop_assert!(!externals.has_recent());
                    }
                    Step::Again(which) if !model.is_empty() => {
                        let (external_id, user) = model.iter().nth(which.index(model.len())).expect("within");
                        externals.insert(*external_id, UserId(*user));
                    }
                    Step::Again(_) => {}
                }
            }
            let by_user: BTreeMap<u32, u64> = model.iter().map(|(external_id, user)| (*user, *external_id)).collect();
            for user in (0..next + 300).chain([u32::MAX - 1, u32::MAX]) {
                prop_assert_eq!(externals.external_id(UserId(user)), by_user.get(&user).copied(), "{}", user);
            }
            for external_id in model.keys().copied().chain(0..8000) {
                for near in [external_id, external_id.wrapping_add(1), external_id.wrapping_sub(1)] {
                    prop_assert_eq!(externals.user(near), model.get(&near).copied().map(UserId), "{}", near);
                }
            }
        }
    }

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
}
