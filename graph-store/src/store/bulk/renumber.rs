//! New people by who follows whom: their lists are made once under the ids in which they came, and out of these come the
//! ids under which they are made again.

use std::ops::ControlFlow;

use base::{Direction, UserId};
use parking_lot::Mutex;

use super::BulkError;
use super::added::Lists;
use super::gather::BulkOptions;
use super::partition::{Partition, Staging};
use crate::reorder::{Adjacency, Order, reorder};
use crate::segment::SegmentError;

/// The new people of a load, and whom they follow among themselves.
pub(super) struct NewPeople<'a> {
    lists: &'a Lists,
    first: u32,
    count: u32,
    /// What kept a list from being read, first of all.
    failure: Mutex<Option<SegmentError>>,
}

impl<'a> NewPeople<'a> {
    /// Those whose ids are `first` and the `count - 1` after it.
    pub(super) fn new(lists: &'a Lists, first: u32, count: u32) -> Self {
        NewPeople { lists, first, count, failure: Mutex::new(None) }
    }

    /// The place among them, from 0, that each should have.
    pub(super) fn order(
        &self,
        order: Order,
        memory: u64,
        progress: &(dyn Fn(f64) + Sync),
    ) -> Result<Vec<u32>, BulkError> {
        let tell = |share| {
            progress(share);
            if self.failure.lock().is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let found = reorder(self, order, usize::try_from(memory).unwrap_or(usize::MAX), &tell);
        match self.failure.lock().take() {
            Some(error) => Err(error.into()),
            None => Ok(found?),
        }
    }

    /// All edges, by block of the new ids of their sources.
    pub(super) fn partition(&self, places: &[u32], options: &BulkOptions) -> Result<Partition, BulkError> {
        let new_id = |user: u32| match user.checked_sub(self.first) {
            Some(place) => self.first + places[place as usize],
            None => user,
        };
        let partition = Partition::new(options.columns, options.memory, &options.spill_folder);
        let mut staging = Staging::new(&partition);
        let (mut ids, mut times, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for segment in self.lists.forward.iter().flatten() {
            for list in segment.lists() {
                let (ordinal, list) = list?;
                let source = new_id(segment.user_at(ordinal).0);
                ids.clear();
                times.clear();
                weights.clear();
                list.decode_into(&mut ids);
                segment.times().decode_into(ordinal, ids.len(), &mut times)?;
                segment.weights().decode_into(ordinal, ids.len(), &mut weights)?;
                for ((target, time), weight) in ids.iter().zip(&times).zip(&weights) {
                    staging.push(source, new_id(*target), *time, *weight)?;
                }
            }
        }
        staging.flush()?;
        Ok(partition)
    }

    fn read(&self, user: u32, direction: Direction, ids: &mut Vec<u32>) -> Result<(), SegmentError> {
        let user = UserId(self.first + user);
        let slots = self.lists.slots;
        let segment = &self.lists.of(direction)[usize::from(slots.slot_of(user).0)];
        let Some(segment) = segment else { return Ok(()) };
        let Some(list) = segment.list(slots.ordinal_of(user))? else { return Ok(()) };
        let start = ids.len();
        list.decode_range_into(self.first..self.first + self.count, ids);
        ids[start..].iter_mut().for_each(|id| *id -= self.first);
        Ok(())
    }
}

impl Adjacency for NewPeople<'_> {
    fn users(&self) -> u32 {
        self.count
    }

    fn neighbours(&self, user: u32, direction: Direction, ids: &mut Vec<u32>) {
        if let Err(error) = self.read(user, direction, ids) {
            self.failure.lock().get_or_insert(error);
        }
    }
}
