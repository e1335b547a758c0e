//! Pages of tweets, and the home feed.

use std::sync::Arc;
use std::time::Instant;

use base::cursor::CursorKind;
use base::{Code, Error, TweetId, UserId};
use proto::timeline::{HomeTimelineRequest, TimelineResponse};

use super::TimelineService;
use super::wire::{Shown, entry};
use crate::StoreError;
use crate::core::merge::Order;
use crate::core::page::{self, Between, Page, PageError, Timeline, Wanted};
use crate::core::rules::Reader;
use crate::graph::naming;
use crate::metrics;
use crate::tweets::View;

impl TimelineService {
    pub(super) async fn home(&self, request: HomeTimelineRequest) -> Result<TimelineResponse, Error> {
        let wanted = Wanted::parse(CursorKind::Feed, request.page.as_ref(), request.page_number)?;
        let at_least = proto::convert::revision(request.at_least.as_ref(), "at_least")?;
        let user = UserId(request.user);
        let sources = self.0.graph.sources(user, at_least).await.map_err(naming("user"))?;
        let reader = Reader::new(user, sources);
        let view = self.0.store.view();
        self.page("home", CursorKind::Feed, wanted, view.clone(), Some(user), HomeFeed { view, reader }).await
    }

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
    Ok(TimelineResponse { entries, next_cursor, prev_cursor })
}

/// Cuts a page. Blocks.
pub(super) fn cut<T: Timeline<Error = StoreError>>(timeline: &T, wanted: Wanted) -> Result<Page<T::Entry>, Error> {
    page::cut(timeline, wanted).map_err(|error| match error {
        PageError::TooFarDown => Error::new(Code::InvalidArgument, error.to_string()).with_field("page_number"),
        PageError::Read(error) => error.into(),
    })
}

/// The pull merge: what a user and those whom they follow posted and retweeted, and the rules as a filter over it.
struct HomeFeed {
    view: Arc<View>,
    reader: Reader,
}

impl Timeline for HomeFeed {
    type Entry = Shown;
    type Error = StoreError;

    fn walk(
        &self,
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, Option<Shown>), StoreError>> {
        let entries = self.view.entries_of(self.reader.authors(), order, between);
        entries.map(|item| {
            let (id, entry) = item?;
            let shows = self.reader.shows(&entry.origin(), &*self.view)?;
            Ok((id, shows.then_some(Shown::Entry(entry))))
        })
    }
}
