//! A graph in a `BTreeMap`, to ask the same questions of.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::{Edge, Error, ListRef, Relation, UserId};
use graph_store::query::{Budget, Cancellation, Lists, Metered, POPULAR_MAX, ProbedSet, TimeLimit};
use roaring::RoaringBitmap;

#[derive(Default, Debug)]
pub(crate) struct Model {
    lists: BTreeMap<ListRef, BTreeMap<u32, u32>>,
    pub(crate) sets: BTreeMap<String, BTreeSet<u32>>,
    /// The lists that were read whole, in order.
    read: RefCell<Vec<ListRef>>,
    /// The query that is cancelled once so many lists were read whole.
    cancelled: RefCell<Option<(usize, Cancellation)>>,
}

/// Longer than any test takes.
const HOUR: Duration = Duration::from_secs(3600);

/// Everything before a deadline.
pub(crate) fn until(deadline: Instant) -> Budget {
    Budget::new(time_limit(deadline), Cancellation::default())
}

fn time_limit(deadline: Instant) -> TimeLimit {
    TimeLimit { deadline, ..TimeLimit::from_now(HOUR, "AN_HOUR") }
}

impl Model {
    /// A graph of follows.
    pub(crate) fn of_follows(pairs: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut model = Model::default();
        for (source, target) in pairs {
            model.add(Relation::Follow, source, target, 0);
        }
        model
    }

    pub(crate) fn add(&mut self, relation: Relation, source: u32, target: u32, time: u32) {
        self.lists.entry(ListRef::forward(relation, UserId(source))).or_default().insert(target, time);
        self.lists.entry(ListRef::reverse(relation, UserId(target))).or_default().insert(source, time);
    }

    /// Empties a list, and leaves the lists at the other ends as they are.
    pub(crate) fn forget(&mut self, list: ListRef) {
        self.lists.remove(&list);
    }

    pub(crate) fn list(&self, list: ListRef) -> BTreeSet<u32> {
        self.lists.get(&list).map(|list| list.keys().copied().collect()).unwrap_or_default()
    }

    pub(crate) fn followees(&self, user: u32) -> BTreeSet<u32> {
        self.list(ListRef::forward(Relation::Follow, UserId(user)))
    }

    pub(crate) fn followers(&self, user: u32) -> BTreeSet<u32> {
        self.list(ListRef::reverse(Relation::Follow, UserId(user)))
    }

    /// The lists, for as long as it takes.
    pub(crate) fn metered(&self) -> Metered<'_, Model> {
        Metered::new(self, until(Instant::now() + HOUR))
    }

    /// The lists, to a query that is cancelled once so many of them were read whole.
    pub(crate) fn cancelled_after(&self, lists: usize) -> Metered<'_, Model> {
        let cancellation = Cancellation::default();
        *self.cancelled.borrow_mut() = Some((lists, cancellation.clone()));
        Metered::new(self, Budget::new(time_limit(Instant::now() + HOUR), cancellation))
    }

    fn note(&self, list: ListRef) {
        let mut read = self.read.borrow_mut();
        read.push(list);
        if let Some((lists, cancellation)) = self.cancelled.borrow().as_ref()
            && read.len() >= *lists
        {
            cancellation.cancel();
        }
    }

    pub(crate) fn read_whole(&self) -> Vec<ListRef> {
        self.read.borrow().clone()
    }
}

impl Lists for Model {
    fn ids(&self, list: ListRef) -> Result<Vec<u32>, Error> {
        self.note(list);
        Ok(self.list(list).into_iter().collect())
    }

    fn bitmap(&self, list: ListRef) -> Result<RoaringBitmap, Error> {
        self.note(list);
        Ok(self.list(list).into_iter().collect())
    }

    fn each_common(&self, list: ListRef, within: &[u32], found: &mut dyn FnMut(u32)) -> Result<(), Error> {
        assert!(within.is_sorted_by(|a, b| a < b), "{within:?}");
        if let Some(list) = self.lists.get(&list) {
            within.iter().filter(|id| list.contains_key(id)).for_each(|id| found(*id));
        }
        Ok(())
    }

    fn count(&self, list: ListRef) -> Result<u64, Error> {
        Ok(self.lists.get(&list).map_or(0, |list| list.len() as u64))
    }

    fn edges(&self, list: ListRef) -> Result<Vec<Edge>, Error> {
        let list = self.lists.get(&list).into_iter().flatten();
        Ok(list.map(|(user, time)| Edge { user: UserId(*user), time: *time }).collect())
    }

    fn named_set(&self, name: &str) -> Result<Option<Arc<ProbedSet>>, Error> {
        Ok(self.sets.get(name).map(|set| Arc::new(RoaringBitmap::from_iter(set.iter().copied()).into())))
    }

    fn popular(&self) -> Result<Arc<[UserId]>, Error> {
        let followed = self.lists.keys().filter(|list| **list == ListRef::reverse(Relation::Follow, list.user));
        let mut users: Vec<_> = followed.map(|list| list.user).collect();
        users.sort_by_key(|user| (std::cmp::Reverse(self.followers(user.0).len()), *user));
        users.truncate(POPULAR_MAX);
        Ok(users.into())
    }
}
