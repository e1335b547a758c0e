//! One list as it was at one moment, read in parts.
//!
//! A page reads its own entries, and finds its place among the others: in the segment by rank, in the overlay's deltas by
//! key. So it costs what it shows, however long the list is. Two things cost more: newest first, the times that the deltas
//! have are looked through for each page, one by one; and of a list that is short enough for its times to lie in the order
//! of the ids, all are read.

use std::iter::Peekable;
use std::ops::Range;
use std::sync::Arc;

use base::{Edge, Error, UserId};

use super::StoreError;
use super::segments::{Key, Segments};
use crate::adjacency::List;
use crate::overlay::{Delta, Entry};
use crate::query::page::{self, ById, NewestFirst, Order, Page, Source};
use crate::segment::{ByTime, Segment, SegmentError};

/// Edges that are read at once where it is not known how many of them the deltas have taken away.
const CHUNK: usize = 128;

/// A list at one moment. Whatever happens to the list, a view of it stays the same.
#[derive(Debug)]
pub struct ListView {
    segments: Arc<Segments>,
    key: Key,
    /// Newest first.
    deltas: Vec<Delta>,
}

impl ListView {
    /// A list under its deltas, newest first.
    pub(super) fn new(segments: Arc<Segments>, key: Key, deltas: Vec<Delta>) -> Self {
        ListView { segments, key, deltas }
    }

    /// A page by id, with the time of each edge.
    ///
    /// The times of a list that lie in the order of time are searched for those of the page, in one pass over up to three
    /// bytes an edge; who needs the ids alone takes the view for a [`Source`].
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` in `page.cursor` for a cursor that is not of such a page; damage.
    pub fn by_id(&self, cursor: &str, limit: usize) -> Result<Page<Edge>, Error> {
        let Page { entries, next_cursor, prev_cursor } = page::by_id(self, cursor, limit)?;
        let entries = self.with_times(&entries).map_err(StoreError::from)?;
        Ok(Page { entries, next_cursor, prev_cursor })
    }

    /// A page, newest first; edges of the same second by id, greatest first.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` in `page.cursor` for a cursor that is not of such a page; damage.
    pub fn newest_first(&self, cursor: &str, limit: usize) -> Result<Page<Edge>, Error> {
        match self.by_time().map_err(StoreError::from)? {
            Some((list, by_time)) => {
                let changes = merge(self.deltas.iter().map(Delta::entries), Iterator::min);
                let added = changes.filter_map(edge_of).map(NewestFirst::key_of).collect();
                page::newest_first(&Newest { view: self, list, by_time, added }, cursor, limit)
            }
            None => page::newest_first(&self.edges().map_err(StoreError::from)?[..], cursor, limit),
        }
    }

    /// All edges, by id.
    pub(super) fn edges(&self) -> Result<Vec<Edge>, SegmentError> {
        let below = self.segments.edges(self.key)?;
        let edges = self.deltas.iter().rev().fold(below, |below, delta| delta.merge(&below));
        Ok(edges.into_iter().map(|(id, time)| Edge { user: UserId(id), time }).collect())
    }

    /// The list below the deltas and the times of its edges, where these are in the order of time.
    fn by_time(&self) -> Result<Option<(List<'_>, ByTime<'_>)>, SegmentError> {
        let Some((segment, list)) = self.below()? else { return Ok(None) };
        Ok(segment.times().by_time(self.key.2, list.len())?.map(|by_time| (list, by_time)))
    }

    fn below(&self) -> Result<Option<(&Segment, List<'_>)>, SegmentError> {
        let Some(segment) = self.segments.segment(self.key.0, self.key.1) else { return Ok(None) };
        Ok(segment.list(self.key.2)?.map(|list| (segment, list)))
    }

    /// Members with their times, by id.
    fn with_times(&self, members: &[UserId]) -> Result<Vec<Edge>, SegmentError> {
        let mut edges: Vec<Edge> = members.iter().map(|user| Edge { user: *user, time: 0 }).collect();
        let (mut untouched, mut positions) = (Vec::new(), Vec::new());
        let below = self.below()?;
        for edge in &mut edges {
            match (self.entry(edge.user.0), &below) {
                (Some(entry), _) => edge.time = entry.time().unwrap_or_default(),
                (None, Some((_, list))) => {
                    positions.push(list.rank(edge.user.0) as u32);
                    untouched.push(edge);
                }
                (None, None) => {}
            }
        }
        if let Some((segment, list)) = below {
            let mut times = Vec::with_capacity(positions.len());
            segment.times().decode_at(self.key.2, list.len(), &positions, &mut times)?;
            untouched.into_iter().zip(times).for_each(|(edge, time)| edge.time = time);
        }
        Ok(edges)
    }

    /// How a member stands that was touched.
    fn entry(&self, id: u32) -> Option<Entry> {
        self.deltas.iter().find_map(|delta| delta.entry(id))
    }
}

impl Source<ById> for ListView {
    fn after(&self, key: Option<u64>, count: usize) -> Result<Vec<u64>, Error> {
        let Ok(start) = u32::try_from(key.map_or(0, |key| key + 1)) else { return Ok(Vec::new()) };
        let below = self.below().map_err(StoreError::from)?;
        let ids = below.into_iter().flat_map(|(_, list)| list.iter_from(start));
        let changes = merge(self.deltas.iter().map(|delta| delta.entries_in(start..)), Iterator::min);
        Ok(lay_over(ids, changes, |id, changed| id < changed).take(count).map(u64::from).collect())
    }

    fn before(&self, key: Option<u64>, count: usize) -> Result<Vec<u64>, Error> {
        let end = key.and_then(|key| u32::try_from(key).ok());
        let below = self.below().map_err(StoreError::from)?;
        let ids = below.into_iter().flat_map(|(_, list)| Descending::new(list, end));
        let last = match end.map(|end| end.checked_sub(1)) {
            Some(None) => return Ok(Vec::new()),
            Some(Some(last)) => last,
            None => u32::MAX,
        };
        let changes = merge(self.deltas.iter().map(|delta| delta.entries_in(..=last).rev()), Iterator::max);
        Ok(lay_over(ids, changes, |id, changed| id > changed).take(count).map(u64::from).collect())
    }
}

/// A list whose times lie in the order of time, newest first.
struct Newest<'a> {
    view: &'a ListView,
    list: List<'a>,
    by_time: ByTime<'a>,
    /// The keys of the edges that the deltas have, in no order of time.
    added: Vec<u64>,
}

impl Newest<'_> {
    /// The keys of the edges of some ranks that no delta has touched, from the oldest on.
    fn keys(&self, ranks: Range<usize>) -> Result<Vec<u64>, Error> {
        let mut found = Vec::with_capacity(ranks.len());
        self.by_time.decode_into(ranks, &mut found).map_err(StoreError::from)?;
        let edges = found.into_iter().filter_map(|(time, position)| {
            let id = self.list.get(position as usize)?;
            self.view.entry(id).is_none().then_some(Edge { user: UserId(id), time })
        });
        Ok(edges.map(NewestFirst::key_of).collect())
    }

    /// How many edges of the segment are older than that of a key; and the edge itself, if it is to be `counted`.
    fn rank(&self, key: u64, counted: bool) -> Result<usize, Error> {
        let Edge { user, time } = NewestFirst::entry(key);
        let position = match user.0.checked_add(u32::from(counted)) {
            Some(id) => self.list.rank(id),
            None => self.list.len(),
        };
        Ok(self.by_time.rank(time, position as u32).map_err(StoreError::from)?)
    }
}

impl Source<NewestFirst> for Newest<'_> {
    fn after(&self, key: Option<u64>, count: usize) -> Result<Vec<u64>, Error> {
        let mut end = key.map_or(Ok(self.list.len()), |key| self.rank(key, false))?;
        let mut keys = Vec::new();
        while keys.len() < count && end > 0 {
            let start = end.saturating_sub(CHUNK.min(count));
            keys.extend(self.keys(start..end)?.into_iter().rev());
            end = start;
        }
        keys.extend(page::first_after(self.added.iter().copied(), key, count));
        keys.sort_unstable();
        keys.truncate(count);
        Ok(keys)
    }

    fn before(&self, key: Option<u64>, count: usize) -> Result<Vec<u64>, Error> {
        let mut start = key.map_or(Ok(0), |key| self.rank(key, true))?;
        let mut keys = Vec::new();
        while keys.len() < count && start < self.list.len() {
            let end = self.list.len().min(start + CHUNK.min(count));
            keys.extend(self.keys(start..end)?);
            start = end;
        }
        keys.extend(page::last_before(self.added.iter().copied(), key, count));
        keys.sort_unstable_by(|a, b| b.cmp(a));
        keys.truncate(count);
        Ok(keys)
    }
}

/// The ids of a list from the last on, or from the last below one.
struct Descending<'a> {
    list: List<'a>,
    /// How many ids are left besides those in the chunk.
    left: usize,
    chunk: Vec<u32>,
}

impl<'a> Descending<'a> {
    fn new(list: List<'a>, end: Option<u32>) -> Self {
        let left = end.map_or(list.len(), |end| list.rank(end));
        Descending { list, left, chunk: Vec::new() }
    }
}

impl Iterator for Descending<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        while self.chunk.is_empty() && self.left > 0 {
            let start = self.left.saturating_sub(CHUNK);
            let first = self.list.get(start)?;
            self.chunk.extend(self.list.iter_from(first).take(self.left - start));
            self.left = start;
        }
        self.chunk.pop()
    }
}

/// Merges the entries of deltas, newest delta first, each sorted; `next` picks the id that comes first. Of entries of
/// the same id the newest counts.
fn merge<I: Iterator<Item = Entry>>(
    deltas: impl Iterator<Item = I>,
    next: impl Fn(std::vec::IntoIter<u32>) -> Option<u32>,
) -> impl Iterator<Item = Entry> {
    let mut deltas: Vec<Peekable<I>> = deltas.map(Iterator::peekable).collect();
    std::iter::from_fn(move || {
        let ids: Vec<u32> = deltas.iter_mut().filter_map(|delta| delta.peek().map(|entry| entry.id)).collect();
        let id = next(ids.into_iter())?;
        deltas.iter_mut().filter_map(|delta| delta.next_if(|entry| entry.id == id)).reduce(|newest, _| newest)
    })
}

/// Lays entries over ids, both in the same order, in which an id comes before another as `precedes` says.
fn lay_over(
    ids: impl Iterator<Item = u32>,
    changes: impl Iterator<Item = Entry>,
    precedes: impl Fn(u32, u32) -> bool,
) -> impl Iterator<Item = u32> {
    let (mut ids, mut changes) = (ids.peekable(), changes.peekable());
    std::iter::from_fn(move || {
        loop {
            let Some(entry) = changes.peek().copied() else { return ids.next() };
            if let Some(id) = ids.next_if(|id| precedes(*id, entry.id)) {
                return Some(id);
            }
            ids.next_if_eq(&entry.id);
            changes.next();
            if entry.time().is_some() {
                return Some(entry.id);
            }
        }
    })
}

fn edge_of(entry: Entry) -> Option<Edge> {
    entry.time().map(|time| Edge { user: UserId(entry.id), time })
}

#[cfg(test)]
mod tests {
    use base::{Direction, Relation, Revision};

    use super::*;
    use crate::overlay::Generation;

    const LIST: (Relation, Direction, u32) = (Relation::Follow, Direction::Reverse, 0);

    /// Three deltas of one list, the newest first.
    fn deltas() -> Vec<Delta> {
        let mut generations: [Generation; 3] = Default::default();
        let [newest, middle, oldest] = &mut generations;
        oldest.add(LIST, 5, 10, Revision(1));
        oldest.remove(LIST, 2, Revision(2));
        oldest.add(LIST, 9, 11, Revision(3));
        middle.remove(LIST, 5, Revision(4));
        middle.add(LIST, 2, 12, Revision(5));
        newest.add(LIST, 5, 13, Revision(6));
        newest.remove(LIST, 9, Revision(7));
        newest.remove(LIST, 4, Revision(8));
        let deltas = generations.iter().filter_map(|generation| generation.delta(LIST.0, LIST.1, LIST.2));
        deltas.cloned().collect()
    }

    #[test]
    fn of_several_entries_of_a_member_the_newest_counts() {
        let deltas = deltas();
        let ascending = merge(deltas.iter().map(Delta::entries), Iterator::min);
        let expected = [(2, Some(12)), (4, None), (5, Some(13)), (9, None)];
        let ascending: Vec<_> = ascending.map(|entry| (entry.id, entry.time())).collect();
        assert_eq!(ascending, expected);
        let descending = merge(deltas.iter().map(|delta| delta.entries().rev()), Iterator::max);
        assert!(descending.map(|entry| (entry.id, entry.time())).eq(expected.into_iter().rev()));
    }

    #[test]
    fn entries_lie_over_the_ids_below_in_either_direction() {
        let (deltas, below, expected) = (deltas(), [1, 2, 4, 7, 9, 11], [1, 2, 5, 7, 11]);
        let changes = merge(deltas.iter().map(Delta::entries), Iterator::min);
        assert!(lay_over(below.into_iter(), changes, |id, changed| id < changed).eq(expected));
        let changes = merge(deltas.iter().map(|delta| delta.entries().rev()), Iterator::max);
        let descending = lay_over(below.into_iter().rev(), changes, |id, changed| id > changed);
        assert!(descending.eq(expected.into_iter().rev()));
    }
}
