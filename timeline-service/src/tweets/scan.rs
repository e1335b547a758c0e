//! A part of a table that is walked either way: the records under one prefix, by the id at the end of their keys.

use std::marker::PhantomData;

use base::TweetId;
use prost::Message;

use super::bounds::Span;
use super::keys::{self, Table};
use super::record::{self, damaged};
use crate::core::merge::Order;
use crate::error::{Damage, StoreError};

/// Records with their ids, in order.
pub(crate) struct Scan<M> {
    table: Table,
    order: Order,
    /// The items, or once why there are none.
    items: Result<fjall::Iter, Option<StoreError>>,
    record: PhantomData<fn() -> M>,
}

impl<M: Message + Default> Scan<M> {
    /// The records of `table` whose keys are `prefix` and one of `ids`. `range` gives the items between two keys, both
    /// included.
    pub(super) fn new(
        table: Table,
        prefix: &[u8],
        ids: Span,
        order: Order,
        range: impl FnOnce(std::ops::RangeInclusive<Vec<u8>>) -> Result<fjall::Iter, StoreError>,
    ) -> Self {
        let key = |id| [prefix, &keys::id_key(id)].concat();
        let items = range(key(ids.oldest)..=key(ids.newest)).map_err(Some);
        Scan { table, order, items, record: PhantomData }
    }

    fn read(&self, guard: fjall::Guard) -> Result<(TweetId, M), StoreError> {
        let (key, value) = guard.into_inner()?;
        let id = keys::last_id(&key).ok_or_else(|| damaged(self.table, &key, Damage::Truncated))?;
        Ok((id, record::decode(self.table, &key, &value)?))
    }
}

impl<M: Message + Default> Iterator for Scan<M> {
    type Item = Result<(TweetId, M), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let items = match &mut self.items {
            Ok(items) => items,
            Err(refused) => return refused.take().map(Err),
        };
        let guard = match self.order {
            Order::NewestFirst => items.next_back(),
            Order::OldestFirst => items.next(),
        };
        guard.map(|guard| self.read(guard))
    }
}
