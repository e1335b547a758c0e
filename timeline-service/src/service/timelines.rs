//! Pages of tweets.

use std::sync::Arc;
use std::time::Instant;

use base::cursor::CursorKind;
use base::{Code, Error, UserId};
use proto::timeline::TimelineResponse;

use super::TimelineService;
use super::wire::{Shown, entry};
use crate::StoreError;
use crate::core::page::{self, Page, PageError, Timeline, Wanted};
use crate::metrics;
use crate::tweets::View;

impl TimelineService {
    /// A page of a timeline that is read from `view`, as `viewer` sees it, with the counts of the same state.
    pub(super) async fn page<T>(
        &self,
        name: &'static str,
        kind: CursorKind,
        wanted: Wanted,
        view: Arc<View>,
        viewer: Option<UserId>,
        timeline: T,
    ) -> Result<TimelineResponse, Error>
    where
        T: Timeline<Entry = Shown, Error = StoreError> + Send + 'static,
    {
        self.0.reads.run(move || read(name, kind, wanted, &view, viewer, &timeline)).await
    }
}

/// Reads a page of a timeline, as `viewer` sees it, with the counts of `view`. Blocks.
pub(super) fn read<T>(
    name: &'static str,
    kind: CursorKind,
    wanted: Wanted,
    view: &View,
    viewer: Option<UserId>,
    timeline: &T,
) -> Result<TimelineResponse, Error>
where
    T: Timeline<Entry = Shown, Error = StoreError>,
{
    let begun = Instant::now();
    let page = cut(timeline, wanted)?;
    let (next_cursor, prev_cursor) = (page.next_cursor(kind), page.previous_cursor(kind));
    let entries = page.entries.into_iter().map(|(_, shown)| entry(view, viewer, shown));
    let entries = entries.collect::<Result<_, StoreError>>()?;
    metrics::page(name, begun.elapsed());
    Ok(TimelineResponse { entries, next_cursor, prev_cursor, ..TimelineResponse::default() })
}

/// Cuts a page. Blocks.
pub(super) fn cut<T: Timeline<Error = StoreError>>(timeline: &T, wanted: Wanted) -> Result<Page<T::Entry>, Error> {
    page::cut(timeline, wanted).map_err(no_page)
}

/// Why there is no page, as callers are told.
pub(super) fn no_page(error: PageError<StoreError>) -> Error {
    match error {
        PageError::TooFarDown => Error::new(Code::InvalidArgument, error.to_string()).with_field("page_number"),
        PageError::Read(error) => error.into(),
    }
}
