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
    items: fjall::Iter,
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
        range: impl FnOnce(std::ops::RangeInclusive<Vec<u8>>) -> fjall::Iter,
    ) -> Self {
        let key = |id| [prefix, &keys::id_key(id)].concat();
        Scan { table, order, items: range(key(ids.oldest)..=key(ids.newest)), record: PhantomData }
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
        let guard = match self.order {
            Order::NewestFirst => self.items.next_back(),
            Order::OldestFirst => self.items.next(),
        };
        guard.map(|guard| self.read(guard))
    }
}
