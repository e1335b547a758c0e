//! A part of an endless timeline, and the places before and after it.
//!
//! A place is an id, and a page is what lies below or above it, so that what is posted meanwhile neither repeats an
//! entry nor hides one. The places that go out as cursors are those of entries that were shown, or, where hidden ones
//! were all that was looked at, of the last of those.
//!
//! The cursor's fields: the place, and the direction: 0 for the entries older than it, 1 for the newer ones.

use std::ops::ControlFlow;

use base::cursor::{self, CursorKind};
use base::{Error, TweetId, limits};
use proto::common::PageRequest;

use super::merge::Order;

/// Entries that one page looks at, hidden ones included. It bounds the work for a reader from whom nearly everything is
/// hidden: such a page is shorter than asked for, and its cursor goes on from where it stopped.
pub(crate) const EXAMINED_MAX: usize = 100_000;

const OLDER: u64 = 0;
const NEWER: u64 = 1;

/// Where a page lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// The newest entries.
    First,
    /// The newest of those older than this.
    OlderThan(TweetId),
    /// The oldest of those newer than this.
    NewerThan(TweetId),
    /// The page with this number, from 1, where the pages before it are full.
    Number(u32),
}

/// Which page is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Where it lies.
    pub position: Position,
    /// Entries at the most.
    pub limit: usize,
}

impl Wanted {
    /// Reads what the caller asked for; errors name the field.
    pub(crate) fn parse(kind: CursorKind, page: Option<&PageRequest>, page_number: u32) -> Result<Self, Error> {
        let (limit, cursor) = page.map_or((0, ""), |page| (page.limit, page.cursor.as_str()));
        let limit = proto::convert::page_limit(limit, "page")?;
        let position = match (cursor, page_number) {
            ("", 0) => Position::First,
            ("", 1..=limits::PAGE_NUMBER_MAX) => Position::Number(page_number),
            ("", _) => {
                let message = format!("at most {}; further down a cursor is the way", limits::PAGE_NUMBER_MAX);
                return Err(Error::invalid("page_number", message));
            }
            (_, 0) => match cursor::decode(kind, cursor) {
                Ok([place, OLDER]) => Position::OlderThan(TweetId(place)),
                Ok([place, NEWER]) => Position::NewerThan(TweetId(place)),
                Ok(_) => return Err(Error::invalid("page.cursor", cursor::BadCursor.to_string())),
                Err(bad) => return Err(Error::invalid("page.cursor", bad.to_string())),
            },
            (_, _) => return Err(Error::invalid("page_number", "either a cursor or a page number, not both")),
        };
        Ok(Wanted { position, limit })
    }
}

/// Ids that are looked at: above one bound and below the other, both excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Between {
    /// Greater than this one; none for from the very first.
    pub above: Option<TweetId>,
    /// Smaller than this one; none for up to the newest.
    pub below: Option<TweetId>,
}

impl Between {
    /// Everything.
    pub(crate) const ALL: Between = Between { above: None, below: None };

    /// The smallest and the greatest id that lie between; none where there is none.
    pub(crate) fn bounds(self) -> Option<(TweetId, TweetId)> {
        let first = self.above.map_or(Some(0), |above| above.0.checked_add(1))?;
        let last = self.below.map_or(Some(u64::MAX), |below| below.0.checked_sub(1))?;
        (first <= last).then_some((TweetId(first), TweetId(last)))
    }

    const fn older_than(place: TweetId) -> Self {
        Between { above: None, below: Some(place) }
    }

    const fn newer_than(place: TweetId) -> Self {
        Between { above: Some(place), below: None }
    }
}

/// Something that pages can be cut from. All calls answer from one state.
pub(crate) trait Timeline {
    /// What an entry is, beside its id.
    type Entry;
    /// Why reading can fail.
    type Error;

    /// Shows `visit` all that lies between two ids, in an order, until it has enough. Hidden entries come as `None`, so that the
    /// work for them is counted.
    fn walk(&self, order: Order, between: Between, visit: impl Visit<Self::Entry>) -> Result<(), Self::Error>;
}

/// Takes the entries of a timeline one by one: each where it is to stay, not handed on from one iterator to the next.
pub(crate) trait Visit<E>: FnMut(TweetId, Option<E>) -> ControlFlow<()> {}

impl<E, F: FnMut(TweetId, Option<E>) -> ControlFlow<()>> Visit<E> for F {}

/// Shows `visit` some entries, until it has enough.
pub(crate) fn each<E, F>(
    items: impl Iterator<Item = Result<(TweetId, Option<E>), F>>,
    mut visit: impl Visit<E>,
) -> Result<(), F> {
    for item in items {
        let (id, entry) = item?;
        if visit(id, entry).is_break() {
            break;
        }
    }
    Ok(())
}

/// A part of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page<E> {
    /// Newest first.
    pub entries: Vec<(TweetId, E)>,
    /// The entries older than this come next; none after the last page.
    pub next: Option<TweetId>,
    /// The entries newer than this come before; none on the first page.
    pub previous: Option<TweetId>,
    /// The first of those that come next, where it was looked at.
    pub beyond: Option<E>,
}

impl<E> Page<E> {
    /// What a walk from the newest on down came to.
    fn downwards(entries: Vec<(TweetId, E)>, end: End<E>, previous: Option<TweetId>) -> Self {
        let next = end.place(&entries);
        let beyond = if let End::More(entry) = end { Some(entry) } else { None };
        Page { entries, next, previous, beyond }
    }

    /// The cursor of the page after this one; empty after the last.
    pub(crate) fn next_cursor(&self, kind: CursorKind) -> String {
        self.next.map(|place| cursor::encode(kind, &[place.0, OLDER])).unwrap_or_default()
    }

    /// The cursor of the page before this one; empty on the first.
    pub(crate) fn previous_cursor(&self, kind: CursorKind) -> String {
        self.previous.map(|place| cursor::encode(kind, &[place.0, NEWER])).unwrap_or_default()
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError<E> {
    /// So much is hidden that the pages before this one cannot be counted within [`EXAMINED_MAX`].
    #[error("too much is hidden to count the pages so far down")]
    TooFarDown,
    /// The timeline cannot be read.
    #[error("the timeline cannot be read")]
    Read(#[source] E),
}

/// Cuts the wanted page out of a timeline.
pub(crate) fn cut<T: Timeline>(timeline: &T, wanted: Wanted) -> Result<Page<T::Entry>, PageError<T::Error>> {
    let limit = wanted.limit;
    match wanted.position {
        Position::First => {
            let (entries, end) = collect(timeline, Order::NewestFirst, Between::ALL, 0, limit)?;
            Ok(Page::downwards(entries, end, None))
        }
        Position::Number(number) => {
            let skip = (number as usize - 1) * limit;
            let (entries, end) = collect(timeline, Order::NewestFirst, Between::ALL, skip, limit)?;
            if entries.is_empty() && matches!(end, End::Stopped(_)) {
                return Err(PageError::TooFarDown);
            }
            // A page behind the last one has everything before it.
            let top = entries.first().map_or(TweetId(0), |entry| entry.0);
            let previous = if number == 1 { None } else { newer_than(timeline, top)? };
            Ok(Page::downwards(entries, end, previous))
        }
        Position::OlderThan(place) => {
            let (entries, end) = collect(timeline, Order::NewestFirst, Between::older_than(place), 0, limit)?;
            let top = entries.first().map_or(TweetId(place.0.saturating_sub(1)), |entry| entry.0);
            let previous = newer_than(timeline, top)?;
            Ok(Page::downwards(entries, end, previous))
        }
        Position::NewerThan(place) => {
            let (mut entries, end) = collect(timeline, Order::OldestFirst, Between::newer_than(place), 0, limit)?;
            let previous = end.place(&entries);
            entries.reverse();
            let bottom = entries.last().map_or(TweetId(place.0.saturating_add(1)), |entry| entry.0);
            let next = any(timeline, Between::older_than(bottom))?.then_some(bottom);
            Ok(Page { entries, next, previous, beyond: None })
        }
    }
}

/// How a walk ended.
enum End<E> {
    /// There was no more.
    Exhausted,
    /// There is at least one more entry to show.
    More(E),
    /// Enough was looked at; nothing is known of what comes after this place.
    Stopped(TweetId),
}

impl<E> End<E> {
    /// Where the walk goes on, if it does. `entries` are in its order.
    fn place(&self, entries: &[(TweetId, E)]) -> Option<TweetId> {
        match self {
            End::Exhausted => None,
            End::More(_) => entries.last().map(|entry| entry.0),
            End::Stopped(place) => Some(*place),
        }
    }
}

type Collected<E> = (Vec<(TweetId, E)>, End<E>);

/// Leaves `skip` entries out, takes up to `limit`, and looks whether there is one more.
fn collect<T: Timeline>(
    timeline: &T,
    order: Order,
    between: Between,
    mut skip: usize,
    limit: usize,
) -> Result<Collected<T::Entry>, PageError<T::Error>> {
    // Those that are shown are work that was asked for: they come on top.
    let examined_max = EXAMINED_MAX + skip + limit;
    let (mut entries, mut end, mut examined) = (Vec::with_capacity(limit), End::Exhausted, 0);
    let walked = timeline.walk(order, between, |id, entry| {
        match entry {
            Some(_) if skip > 0 => skip -= 1,
            Some(entry) if entries.len() == limit => {
                end = End::More(entry);
                return ControlFlow::Break(());
            }
            Some(entry) => entries.push((id, entry)),
            None if examined >= examined_max => {
                end = End::Stopped(id);
                return ControlFlow::Break(());
            }
            None => {}
        }
        examined += 1;
        ControlFlow::Continue(())
    });
    walked.map_err(PageError::Read)?;
    Ok((entries, end))
}

/// `top`, if there is anything to show above it.
fn newer_than<T: Timeline>(timeline: &T, top: TweetId) -> Result<Option<TweetId>, PageError<T::Error>> {
    // From the newest on down: the newest entry of each stream is known without reading.
    Ok(any(timeline, Between::newer_than(top))?.then_some(top))
}

/// Whether there is anything to show; so much that is hidden that nobody can say counts as yes.
fn any<T: Timeline>(timeline: &T, between: Between) -> Result<bool, PageError<T::Error>> {
    let (entries, end) = collect(timeline, Order::NewestFirst, between, 0, 1)?;
    Ok(!entries.is_empty() || matches!(end, End::Stopped(_)))
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
