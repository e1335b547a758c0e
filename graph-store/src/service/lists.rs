//! The store, as queries see it.

use std::sync::Arc;

use base::{Edge, Error, ListRef, UserId};
use roaring::RoaringBitmap;

use crate::query::Lists;
use crate::store::Store;

/// The lists of a store. Each is read as it is at that moment.
pub(super) struct StoreLists<'a>(pub(super) &'a Store);

impl Lists for StoreLists<'_> {
    fn members(&self, list: ListRef) -> Result<RoaringBitmap, Error> {
        Ok(self.0.members(list)?)
    }

    fn contains(&self, list: ListRef, user: UserId) -> Result<bool, Error> {
        Ok(self.0.contains(list, user)?)
    }

    fn count(&self, list: ListRef) -> Result<u64, Error> {
        Ok(self.0.count(list)?)
    }

    fn edges(&self, list: ListRef) -> Result<Vec<Edge>, Error> {
        Ok(self.0.edges(list)?)
    }

    fn named_set(&self, name: &str) -> Result<Option<Arc<RoaringBitmap>>, Error> {
        Ok(self.0.named_set(name).map(|set| set.members))
    }

    fn popular(&self) -> Result<Arc<[UserId]>, Error> {
        Ok(Arc::from(self.0.popular()?.as_slice()))
    }
}
