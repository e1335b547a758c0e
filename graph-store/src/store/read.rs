//! Reads: each answers from what is durable at that moment, and never waits for a writer.

use std::sync::Arc;

use base::{Edge, ListRef, Revision, UserId, limits};
use roaring::RoaringBitmap;

use super::{ListView, NamedSet, Store, StoreError};

impl Store {
    /// How many user ids were given out: all numbers below are known users.
    pub fn users(&self) -> u32 {
        self.0.shared.directory.read().catalog.next()
    }

    /// The newest revision that reads see.
    pub fn revision(&self) -> Revision {
        self.0.shared.revision()
    }

    /// Waits until reads see a revision.
    ///
    /// # Errors
    ///
    /// [`StoreError::RevisionWait`] after [`limits::REVISION_WAIT`].
    pub async fn wait_for(&self, wanted: Revision) -> Result<(), StoreError> {
        let mut newest = self.0.shared.revision.subscribe();
        let reached = newest.wait_for(|newest| *newest >= wanted);
        match tokio::time::timeout(limits::REVISION_WAIT, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(StoreError::Closing),
            Err(_) => Err(StoreError::RevisionWait { wanted: wanted.0, newest: self.revision().0 }),
        }
    }

    /// Whether `member` is in a list.
    pub fn contains(&self, list: ListRef, member: UserId) -> Result<bool, StoreError> {
        self.0.shared.contains(list, member)
    }

    /// Which of `members` are in a list, in their order: the list is found once, and is the same for all of them.
    pub fn contains_each(&self, list: ListRef, members: &[UserId]) -> Result<Vec<bool>, StoreError> {
        Ok(self.0.shared.slot_of(list.user).contains_each(list, members)?)
    }

    /// The size of a list.
    pub fn count(&self, list: ListRef) -> Result<u64, StoreError> {
        Ok(self.0.shared.slot_of(list.user).count(list)?)
    }

    /// The revision of a list's last change; zero where it never had one.
    pub fn version(&self, list: ListRef) -> Result<Revision, StoreError> {
        Ok(self.0.shared.slot_of(list.user).version(list)?)
    }

    /// The members of a list.
    pub fn members(&self, list: ListRef) -> Result<RoaringBitmap, StoreError> {
        Ok(self.0.shared.slot_of(list.user).members(list)?)
    }

    /// The members of a list, ascending.
    pub fn ids(&self, list: ListRef) -> Result<Vec<u32>, StoreError> {
        Ok(self.0.shared.slot_of(list.user).ids(list)?)
    }

    /// Tells, ascending, those of some users, strictly increasing, who are in a list. The list is searched where it
    /// lies.
    pub fn each_common(&self, list: ListRef, within: &[u32], found: &mut dyn FnMut(u32)) -> Result<(), StoreError> {
        Ok(self.0.shared.slot_of(list.user).each_common(list, within, found)?)
    }

    /// The members of a list with the time of each edge, by id.
    pub fn edges(&self, list: ListRef) -> Result<Vec<Edge>, StoreError> {
        Ok(self.0.shared.slot_of(list.user).edges(list)?)
    }

    /// A list as it is now, to be read in parts.
    pub fn view(&self, list: ListRef) -> ListView {
        self.0.shared.slot_of(list.user).view(list)
    }

    /// A named set.
    pub fn named_set(&self, name: &str) -> Option<NamedSet> {
        self.0.shared.directory.read().catalog.set(name).cloned()
    }

    /// The user with each of these external ids.
    pub fn users_with_external_ids(&self, external_ids: &[u64]) -> Vec<Option<UserId>> {
        let directory = self.0.shared.directory.read();
        external_ids.iter().map(|id| directory.externals.user(*id)).collect()
    }

    /// The external id of each of these users.
    pub fn external_ids(&self, users: &[UserId]) -> Vec<Option<u64>> {
        let directory = self.0.shared.directory.read();
        users.iter().map(|user| directory.externals.external_id(*user)).collect()
    }

    /// The most followed users, best first, at most [`POPULAR_MAX`](crate::query::POPULAR_MAX); a little out of date.
    pub fn popular(&self) -> Result<Arc<Vec<UserId>>, StoreError> {
        self.0.shared.popular.get(&self.0.shared)
    }

    /// Seconds since 1970, by the store's clock.
    pub fn now_seconds(&self) -> u32 {
        self.0.shared.clock.now_seconds()
    }
}
