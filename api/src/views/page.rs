//! A part of something long.

use serde::Serialize;

/// A page. It may have fewer items than were asked for and still not be the last: only `next_cursor` says so.
#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
    prev_cursor: Option<String>,
}

impl<T> Page<T> {
    /// With the cursors as the services have them: empty where there is no such page.
    pub(crate) fn new(items: Vec<T>, next_cursor: String, prev_cursor: String) -> Self {
        let some = |cursor: String| (!cursor.is_empty()).then_some(cursor);
        Page { items, next_cursor: some(next_cursor), prev_cursor: some(prev_cursor) }
    }

    /// How many items it has.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }
}
