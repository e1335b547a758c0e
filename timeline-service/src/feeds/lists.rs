//! A reader with their lists, as long as these are of the same versions.
//!
//! A list that has not changed need not be fetched again: that would cost more than all the rest of a read. The lists are
//! asked for between two questions for their versions, until these agree.

use std::sync::Arc;

use base::{Revision, Slots, TweetId, UserId};
use parking_lot::Mutex;

use crate::cache::{Cache, Weigh};
use crate::core::rules::{Reader, Sources};
use crate::graph::Versions;

/// A reader with their lists.
#[derive(Debug)]
pub(crate) struct Lists {
    pub user: UserId,
    pub versions: Versions,
    pub reader: Reader,
    /// Whose streams the feed is merged from, by slot.
    authors: Box<[u32]>,
    /// Those of them who are not pushed, and when that was found out.
    pulled: Mutex<(u64, Arc<[u32]>)>,
}

impl Lists {
    /// A reader with their lists.
    pub(crate) fn new(user: UserId, versions: Versions, sources: Sources) -> Self {
        let reader = Reader::new(user, sources);
        let mut authors: Vec<u32> = reader.authors().map(|author| author.0).collect();
        authors.sort_unstable_by_key(|&author| (author % u32::from(Slots::MAX), author));
        Lists { user, versions, reader, authors: authors.into(), pulled: Mutex::new((u64::MAX, Arc::default())) }
    }

    /// Whose streams the feed is merged from.
    pub(crate) fn authors(&self) -> &[u32] {
        &self.authors
    }

    /// Which of them wrote a tweet, where the slot in its id tells.
    pub(crate) fn author_of(&self, id: TweetId) -> Option<UserId> {
        let slots = u32::from(Slots::MAX);
        let slot = u32::from(id.slot().0);
        let first = self.authors.partition_point(|author| author % slots < slot);
        let author = *self.authors.get(first).filter(|&author| author % slots == slot)?;
        let is_only = self.authors.get(first + 1).is_none_or(|next| next % slots != slot);
        is_only.then_some(UserId(author))
    }

    /// What `find` says at `time`, asked once for each time.
    pub(crate) fn pulled(&self, time: u64, find: impl FnOnce() -> Vec<u32>) -> Arc<[u32]> {
        let mut pulled = self.pulled.lock();
        if pulled.0 != time {
            *pulled = (time, find().into());
        }
        pulled.1.clone()
    }
}

/// The lists of readers who read lately.
#[derive(Debug)]
pub(crate) struct ListsCache(Cache<Arc<Lists>>);

impl ListsCache {
    /// Nothing is known.
    pub(crate) fn new(bytes_max: usize) -> Self {
        ListsCache(Cache::new(bytes_max))
    }

    /// The lists of a reader, if they are known and of these versions.
    pub(crate) fn get(&self, user: UserId, versions: &Versions) -> Option<Arc<Lists>> {
        self.0.lock(user).get(user).filter(|lists| lists.versions == *versions).cloned()
    }

    /// Keeps the lists of a reader.
    pub(crate) fn put(&self, lists: Arc<Lists>) {
        self.0.put(&mut self.0.lock(lists.user), lists.user, lists);
    }

    /// Bytes that all of them take, about.
    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes()
    }
}

impl Weigh for Arc<Lists> {
    fn bytes(&self) -> usize {
        // Beside themselves they take a slot, a place in the map of their part, and what counts who has them.
        const BESIDE: usize = 64;
        size_of::<Lists>() + BESIDE + size_of_val(&*self.authors) + self.reader.bytes()
    }
}

/// The greatest revision that a read was answered for: what is asked of the graph afterwards must be as new.
#[derive(Debug, Default)]
pub(crate) struct SeenRevision(std::sync::atomic::AtomicU64);

impl SeenRevision {
    pub(crate) fn see(&self, revision: Revision) {
        self.0.fetch_max(revision.0, std::sync::atomic::Ordering::AcqRel);
    }

    pub(crate) fn get(&self) -> Option<Revision> {
        Some(Revision(self.0.load(std::sync::atomic::Ordering::Acquire))).filter(|seen| *seen != Revision::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slot_tells_the_author_unless_two_share_it() {
        let slots = u32::from(Slots::MAX);
        let followees = [3, 5 + slots, 5 + 2 * slots, 9].into();
        let lists = Lists::new(UserId(1), Versions::default(), Sources { followees, hidden: [9].into() });
        let author = |author| lists.author_of(TweetId::from_parts(77, 1, UserId(author)));
        assert_eq!(lists.authors(), [1, 3, 5 + slots, 5 + 2 * slots]);
        assert_eq!((author(3), author(1)), (Some(UserId(3)), Some(UserId(1))));
        assert_eq!((author(5 + slots), author(9), author(4), author(8191)), (None, None, None, None));
    }

    #[test]
    fn lists_of_other_versions_are_not_found() {
        let cache = ListsCache::new(1 << 20);
        let (user, other) = (UserId(1), Versions([Revision(1); 4]));
        cache.put(Arc::new(Lists::new(user, Versions::default(), Sources::default())));
        assert!(cache.get(user, &Versions::default()).is_some());
        assert!(cache.get(user, &other).is_none());
    }
}
