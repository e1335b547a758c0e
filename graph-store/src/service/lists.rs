//! The store, as queries see it: each list as it is at that moment.

use std::sync::Arc;

use base::{Edge, Error, ListRef, UserId};
use roaring::RoaringBitmap;

use crate::query::{Lists, ProbedSet};
use crate::store::Store;

impl Lists for Store {
    fn ids(&self, list: ListRef) -> Result<Vec<u32>, Error> {
        Ok(self.ids(list)?)
    }

    fn bitmap(&self, list: ListRef) -> Result<RoaringBitmap, Error> {
        Ok(self.members(list)?)
    }

    fn each_common(&self, list: ListRef, within: &[u32], found: &mut dyn FnMut(u32)) -> Result<(), Error> {
        Ok(self.each_common(list, within, found)?)
    }

    fn count(&self, list: ListRef) -> Result<u64, Error> {
        Ok(self.count(list)?)
    }

    fn edges(&self, list: ListRef) -> Result<Vec<Edge>, Error> {
        Ok(self.edges(list)?)
    }

    fn named_set(&self, name: &str) -> Result<Option<Arc<ProbedSet>>, Error> {
        Ok(self.named_set(name).map(|set| set.members))
    }

    fn popular(&self) -> Result<Arc<[UserId]>, Error> {
        Ok(Arc::from(self.popular()?.as_slice()))
    }
}
