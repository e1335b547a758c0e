//! A graph in a `BTreeMap`, to ask the same questions of.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::{Edge, Error, ListRef, Relation, UserId};
use graph_store::query::{Lists, POPULAR_MAX};
use roaring::RoaringBitmap;

#[derive(Default, Debug)]
pub(crate) struct Model {
    lists: BTreeMap<ListRef, BTreeMap<u32, u32>>,
    pub(crate) sets: BTreeMap<String, BTreeSet<u32>>,
    /// The lists that were read whole, in order.
    read: RefCell<Vec<ListRef>>,
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

    pub(crate) fn read_whole(&self) -> Vec<ListRef> {
        self.read.borrow().clone()
    }
}

impl Lists for Model {
    fn members(&self, list: ListRef) -> Result<RoaringBitmap, Error> {
        self.read.borrow_mut().push(list);
        Ok(self.list(list).into_iter().collect())
    }

    fn contains(&self, list: ListRef, user: UserId) -> Result<bool, Error> {
        Ok(self.lists.get(&list).is_some_and(|list| list.contains_key(&user.0)))
    }

    fn count(&self, list: ListRef) -> Result<u64, Error> {
        Ok(self.lists.get(&list).map_or(0, |list| list.len() as u64))
    }

    fn edges(&self, list: ListRef) -> Result<Vec<Edge>, Error> {
        let list = self.lists.get(&list).into_iter().flatten();
        Ok(list.map(|(user, time)| Edge { user: UserId(*user), time: *time }).collect())
    }

    fn named_set(&self, name: &str) -> Result<Option<Arc<RoaringBitmap>>, Error> {
        Ok(self.sets.get(name).map(|set| Arc::new(set.iter().copied().collect())))
    }

    fn popular(&self) -> Result<Arc<[UserId]>, Error> {
        let followed = self.lists.keys().filter(|list| **list == ListRef::reverse(Relation::Follow, list.user));
        let mut users: Vec<_> = followed.map(|list| list.user).collect();
        users.sort_by_key(|user| (std::cmp::Reverse(self.followers(user.0).len()), *user));
        users.truncate(POPULAR_MAX);
        Ok(users.into())
    }
}
