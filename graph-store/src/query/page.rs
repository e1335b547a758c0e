//! Pages: a part of a set, by id or newest first, that stays in its place while the set changes.
//!
//! Each entry has a key that orders it: its id, or its time and id. A cursor names a place between two keys and the
//! side of it that is wanted, not a count of entries. So whoever walks through all pages sees each entry that was there
//! throughout exactly once, whatever else comes and goes, even the entry that the cursor was made from.
//!
//! A page costs what its [`Source`] takes to find so many keys next to one: the set need not be had as a whole.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use base::cursor::{self, BadCursor, CursorKind};
use base::{Edge, Error, UserId};
use roaring::RoaringBitmap;

/// Some entries in their order, and how to go on from there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page<T> {
    /// The entries.
    pub entries: Vec<T>,
    /// Asks for the page after this one; empty where nothing follows.
    pub next_cursor: String,
    /// Asks for the page before this one; empty where nothing precedes.
    pub prev_cursor: String,
}

/// A page of a list by id: at most `limit` entries. An empty cursor asks for the first page.
///
/// # Errors
///
/// `INVALID_ARGUMENT` in `page.cursor` for a cursor that is not of such a page.
pub fn by_id(users: &(impl Source<ById> + ?Sized), cursor: &str, limit: usize) -> Result<Page<UserId>, Error> {
    turn::<ById, 2>(CursorKind::ListById, users, cursor, limit)
}

/// A page of a selection, by id: as [`by_id`], with cursors of their own kind. Of a selection its
/// [`window`](super::expression::Expression::window) at this cursor is enough.
pub fn selection(users: &(impl Source<ById> + ?Sized), cursor: &str, limit: usize) -> Result<Page<UserId>, Error> {
    turn::<ById, 2>(CursorKind::Selection, users, cursor, limit)
}

/// Where a cursor of a selection stands among the ids: before this one (which may be one past the last id), and whether
/// the page goes on upwards from there.
pub(super) fn place_of_selection(cursor: &str) -> Result<(u64, bool), Error> {
    match read::<ById, 2>(CursorKind::Selection, cursor) {
        Ok(Place::Start) => Ok((0, true)),
        Ok(Place::After(key)) => Ok((key + 1, true)),
        Ok(Place::Before(key)) => Ok((key, false)),
        Err(bad) => Err(Error::invalid("page.cursor", bad.to_string())),
    }
}

/// A page of a list, newest first; edges of the same second by id, largest first: at most `limit` entries. An empty cursor
/// asks for the first page.
///
/// # Errors
///
/// `INVALID_ARGUMENT` in `page.cursor` for a cursor that is not of such a page.
pub fn newest_first(
    edges: &(impl Source<NewestFirst> + ?Sized),
    cursor: &str,
    limit: usize,
) -> Result<Page<Edge>, Error> {
    turn::<NewestFirst, 3>(CursorKind::ListByTime, edges, cursor, limit)
}

/// Where a page is: the entries next to a key, which need not be there, on one side of it.
#[derive(Clone, Copy)]
enum Place {
    Start,
    After(u64),
    Before(u64),
}

/// An order of entries, as ascending keys.
pub trait Order {
    /// What a page shows of a key.
    type Entry;

    /// Above every key that an entry can have, or the greatest of them: no page begins after it.
    const END: u64;

    /// The entry that has the key.
    fn entry(key: u64) -> Self::Entry;
    /// The fields that stand for the key in a cursor, before the direction.
    fn fields(key: u64) -> Vec<u64>;
    /// The key of such fields; `None` where no entry could have it.
    fn key(fields: &[u64]) -> Option<u64>;
}

/// A set that is read in an order, from any key in either direction.
pub trait Source<O: Order> {
    /// The first `count` of the keys above one, or of all, ascending.
    fn after(&self, key: Option<u64>, count: usize) -> Result<Vec<u64>, Error>;

    /// The last `count` of the keys below one, or of all, descending.
    fn before(&self, key: Option<u64>, count: usize) -> Result<Vec<u64>, Error>;
}

fn turn<O: Order, const FIELDS: usize>(
    kind: CursorKind,
    source: &(impl Source<O> + ?Sized),
    cursor: &str,
    limit: usize,
) -> Result<Page<O::Entry>, Error> {
    let place = read::<O, FIELDS>(kind, cursor).map_err(|bad| Error::invalid("page.cursor", bad.to_string()))?;
    // The way on from a key, if there is anything on that side of it, on this page or beyond.
    let back = |key: u64| Ok::<_, Error>((!source.before(Some(key), 1)?.is_empty()).then_some(Place::Before(key)));
    let on = |key: u64| Ok::<_, Error>((!source.after(Some(key), 1)?.is_empty()).then_some(Place::After(key)));
    let mut keys = match place {
        Place::Start => source.after(None, limit)?,
        Place::After(key) => source.after(Some(key), limit)?,
        Place::Before(key) => source.before(Some(key), limit)?,
    };
    if let Place::Before(_) = place {
        keys.reverse();
    }
    let (prev, next) = match (keys.first(), keys.last(), place) {
        (Some(&first), Some(&last), _) => (back(first)?, on(last)?),
        // Everything on this side has gone since the cursor was made: the way back includes the key itself.
        (_, _, Place::After(key)) => (back(key + 1)?, None),
        (_, _, Place::Before(key)) => (None, on(key - 1)?),
        (_, _, Place::Start) => (None, None),
    };
    Ok(Page {
        entries: keys.into_iter().map(O::entry).collect(),
        next_cursor: write::<O>(kind, next),
        prev_cursor: write::<O>(kind, prev),
    })
}

fn write<O: Order>(kind: CursorKind, place: Option<Place>) -> String {
    let (key, direction) = match place {
        None | Some(Place::Start) => return String::new(),
        Some(Place::After(key)) => (key, 0),
        Some(Place::Before(key)) => (key, 1),
    };
    let mut fields = O::fields(key);
    fields.push(direction);
    cursor::encode(kind, &fields)
}

/// Keys at the very ends have no neighbour on one side; no cursor that was given out names them with that side.
fn read<O: Order, const FIELDS: usize>(kind: CursorKind, token: &str) -> Result<Place, BadCursor> {
    if token.is_empty() {
        return Ok(Place::Start);
    }
    let fields = cursor::decode::<FIELDS>(kind, token)?;
    let (direction, fields) = fields.split_last().ok_or(BadCursor)?;
    let key = O::key(fields).ok_or(BadCursor)?;
    match direction {
        0 if key < O::END => Ok(Place::After(key)),
        1 if key > 0 => Ok(Place::Before(key)),
        _ => Err(BadCursor),
    }
}

/// Ascending ids; the key is the id.
#[derive(Clone, Copy, Debug)]
pub struct ById;

impl Order for ById {
    type Entry = UserId;

    const END: u64 = 1 << 32;

    fn entry(key: u64) -> UserId {
        UserId(key as u32)
    }

    fn fields(key: u64) -> Vec<u64> {
        vec![key]
    }

    fn key(fields: &[u64]) -> Option<u64> {
        // One past the last id is a place too: all ids are before it.
        fields.first().copied().filter(|key| *key <= Self::END)
    }
}

/// Descending times, then ids; the key is the complement of the time above the id.
#[derive(Clone, Copy, Debug)]
pub struct NewestFirst;

impl NewestFirst {
    /// The key of an edge.
    pub fn key_of(edge: Edge) -> u64 {
        !(u64::from(edge.time) << 32 | u64::from(edge.user.0))
    }
}

impl Order for NewestFirst {
    type Entry = Edge;

    const END: u64 = u64::MAX;

    fn entry(key: u64) -> Edge {
        Edge { user: UserId(!key as u32), time: (!key >> 32) as u32 }
    }

    fn fields(key: u64) -> Vec<u64> {
        vec![!key >> 32, !key & u64::from(u32::MAX)]
    }

    fn key(fields: &[u64]) -> Option<u64> {
        let [time, user] = *fields else { return None };
        let edge = Edge { user: UserId(u32::try_from(user).ok()?), time: u32::try_from(time).ok()? };
        Some(Self::key_of(edge))
    }
}

impl Source<ById> for RoaringBitmap {
    fn after(&self, key: Option<u64>, count: usize) -> Result<Vec<u64>, Error> {
        let start = u32::try_from(key.map_or(0, |key| key + 1));
        Ok(start.map_or_else(|_| Vec::new(), |start| self.range(start..).take(count).map(u64::from).collect()))
    }

    fn before(&self, key: Option<u64>, count: usize) -> Result<Vec<u64>, Error> {
        Ok(match key.map(u32::try_from) {
            Some(Ok(key)) => self.range(..key).rev().take(count).map(u64::from).collect(),
            _ => self.iter().rev().take(count).map(u64::from).collect(),
        })
    }
}

/// Edges in any order: each page reads all of them.
impl Source<NewestFirst> for [Edge] {
    fn after(&self, key: Option<u64>, count: usize) -> Result<Vec<u64>, Error> {
        Ok(first_after(self.iter().copied().map(NewestFirst::key_of), key, count))
    }

    fn before(&self, key: Option<u64>, count: usize) -> Result<Vec<u64>, Error> {
        Ok(last_before(self.iter().copied().map(NewestFirst::key_of), key, count))
    }
}

/// The smallest `count` keys above one, ascending, of keys in any order.
pub(crate) fn first_after(keys: impl Iterator<Item = u64>, key: Option<u64>, count: usize) -> Vec<u64> {
    smallest(keys.filter(|found| key.is_none_or(|key| *found > key)), count)
}

/// The greatest `count` keys below one, descending, of keys in any order.
pub(crate) fn last_before(keys: impl Iterator<Item = u64>, key: Option<u64>, count: usize) -> Vec<u64> {
    let keys = keys.filter(|found| key.is_none_or(|key| *found < key));
    smallest(keys.map(Reverse), count).into_iter().map(|Reverse(key)| key).collect()
}

/// The smallest `count` items in order, in one pass and without a copy of the rest.
fn smallest<T: Ord>(items: impl Iterator<Item = T>, count: usize) -> Vec<T> {
    let mut kept = BinaryHeap::with_capacity(count);
    for item in items {
        if kept.len() < count {
            kept.push(item);
        } else if let Some(mut largest) = kept.peek_mut()
            && item < *largest
        {
            *largest = item;
        }
    }
    kept.into_sorted_vec()
}

#[cfg(test)]
mod tests {
    use base::Code;

    use super::*;

    fn users(ids: &[u32]) -> RoaringBitmap {
        ids.iter().copied().collect()
    }

    fn ids(page: &Page<UserId>) -> Vec<u32> {
        page.entries.iter().map(|user| user.0).collect()
    }

    #[test]
    fn a_page_that_is_exactly_the_last_has_no_next() {
        let set = users(&[1, 2, 3, u32::MAX]);
        let first = by_id(&set, "", 2).expect("valid");
        assert_eq!((ids(&first), first.prev_cursor.as_str()), (vec![1, 2], ""));
        let second = by_id(&set, &first.next_cursor, 2).expect("valid");
        assert_eq!((ids(&second), second.next_cursor.as_str()), (vec![3, u32::MAX], ""));
        assert_eq!(by_id(&set, &second.prev_cursor, 2).expect("valid"), first);
    }

    #[test]
    fn the_way_back_from_an_emptied_page_includes_the_entry_at_the_place() {
        let full = users(&[0, 5, 9]);
        let next = by_id(&full, "", 2).expect("valid").next_cursor;
        let emptied = by_id(&users(&[0, 5]), &next, 2).expect("valid");
        assert_eq!((ids(&emptied), emptied.next_cursor.as_str()), (vec![], ""));
        assert_eq!(ids(&by_id(&full, &emptied.prev_cursor, 2).expect("valid")), [0, 5]);

        let prev = by_id(&full, &next, 2).expect("valid").prev_cursor;
        let emptied = by_id(&users(&[9]), &prev, 2).expect("valid");
        assert_eq!((ids(&emptied), emptied.prev_cursor.as_str()), (vec![], ""));
        assert_eq!(ids(&by_id(&full, &emptied.next_cursor, 2).expect("valid")), [9]);
    }

    #[test]
    fn newest_come_first_and_ties_go_by_id() {
        let edge = |user, time| Edge { user: UserId(user), time };
        let edges = [edge(1, 7), edge(2, 9), edge(3, 7), edge(u32::MAX, 0), edge(0, u32::MAX)];
        let first = newest_first(&edges[..], "", 3).expect("valid");
        assert_eq!(first.entries, [edge(0, u32::MAX), edge(2, 9), edge(3, 7)]);
        let second = newest_first(&edges[..], &first.next_cursor, 3).expect("valid");
        assert_eq!(second.entries, [edge(1, 7), edge(u32::MAX, 0)]);
        assert_eq!(newest_first(&edges[..], &second.prev_cursor, 3).expect("valid"), first);
    }

    #[test]
    fn cursors_that_were_never_given_out_are_refused() {
        let set = users(&[1]);
        let refused = [
            "rubbish".to_owned(),
            cursor::encode(CursorKind::Selection, &[1, 0]),
            cursor::encode(CursorKind::ListById, &[1]),
            cursor::encode(CursorKind::ListById, &[1, 2]),
            cursor::encode(CursorKind::ListById, &[0, 1]),
            cursor::encode(CursorKind::ListById, &[u64::MAX, 0]),
            // It was taken, and the way back from it was a cursor that was not.
            cursor::encode(CursorKind::ListById, &[1 << 32, 0]),
        ];
        for token in refused {
            let error = by_id(&set, &token, 1).unwrap_err();
            assert_eq!((error.code(), error.field()), (Code::InvalidArgument, Some("page.cursor")), "{token}");
        }
        for fields in [[u64::from(u32::MAX), u64::from(u32::MAX), 1], [0, 0, 0], [1 << 32, 0, 0], [0, 1 << 32, 0]] {
            let token = cursor::encode(CursorKind::ListByTime, &fields);
            let error = newest_first(&[] as &[Edge], &token, 1).unwrap_err();
            assert_eq!((error.code(), error.field()), (Code::InvalidArgument, Some("page.cursor")), "{fields:?}");
        }
    }
}
