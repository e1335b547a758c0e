//! Pages of tweets: a user's own.

use std::sync::Arc;
use std::time::Instant;

use base::cursor::CursorKind;
use base::{Code, Error, TweetId, UserId};
use proto::timeline::{TimelineResponse, UserTimelineRequest};

use super::TimelineService;
use super::wire::{Shown, entry};
use crate::StoreError;
use crate::core::merge::Order;
use crate::core::page::{self, Between, PageError, Timeline, Wanted};
use crate::core::rules::Facts as _;
use crate::graph::naming;
use crate::metrics;
use crate::tweets::View;

impl TimelineService {
    pub(super) async fn user(&self, request: UserTimelineRequest) -> Result<TimelineResponse, Error> {
        let wanted = Wanted::parse(CursorKind::Timeline, request.page.as_ref(), request.page_number)?;
        let at_least = proto::convert::revision(request.at_least.as_ref(), "at_least")?;
        let user = UserId(request.user);
        if let Some(viewer) = request.viewer.filter(|&viewer| viewer != request.user) {
            let blocking = self.0.graph.blocking(&[user], UserId(viewer), at_least).await.map_err(naming("viewer"))?;
            if blocking.contains(&true) {
                return Ok(TimelineResponse::default());
            }
        }
        let view = self.0.store.view();
        let viewer = request.viewer.map(UserId);
        self.page("user", CursorKind::Timeline, wanted, view.clone(), viewer, OwnTweets { view, user }).await
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
        let read = move || {
            let begun = Instant::now();
            let page = page::cut(&timeline, wanted).map_err(page_error)?;
            let (next_cursor, prev_cursor) = (page.next_cursor(kind), page.previous_cursor(kind));
            let entries = page.entries.into_iter().map(|(_, shown)| entry(&view, viewer, shown));
            let entries = entries.collect::<Result<_, StoreError>>()?;
            metrics::page(name, begun.elapsed());
            Ok(TimelineResponse { entries, next_cursor, prev_cursor })
        };
        self.0.reads.run(read).await
    }
}

/// What one user posted.
struct OwnTweets {
    view: Arc<View>,
    user: UserId,
}

impl Timeline for OwnTweets {
    type Entry = Shown;
    type Error = StoreError;

    fn walk(
        &self,
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, Option<Shown>), StoreError>> {
        let tweets = self.view.entries_of(std::iter::once(self.user), order, between);
        tweets.map(|item| {
            let (id, entry) = item?;
            let gone = entry.record.retweet_of != 0 && self.view.is_deleted(TweetId(entry.record.retweet_of))?;
            Ok((id, (!gone).then_some(Shown::Entry(entry))))
        })
    }
}

pub(super) fn page_error(error: PageError<StoreError>) -> Error {
    match error {
        PageError::TooFarDown => Error::new(Code::InvalidArgument, error.to_string()).with_field("page_number"),
        PageError::Read(error) => error.into(),
    }
}
