//! A user's timelines: what they posted and retweeted, what of it is favorited, what they favorited, and both by date.

use std::sync::Arc;

use base::cursor::CursorKind;
use base::{Error, TweetId, UserId};
use proto::timeline::{Selection, TimelineResponse, UserTimelineRequest};

use super::TimelineService;
use super::viewer::Viewer;
use super::wire::Shown;
use crate::StoreError;
use crate::core::merge::{Merge, Order, Stream};
use crate::core::page::{Between, Timeline, Visit, Wanted, each};
use crate::core::rules::Facts as _;
use crate::tweets::{AuthorStream, Named, Tweet, View};

impl TimelineService {
    pub(super) async fn user(&self, request: UserTimelineRequest) -> Result<TimelineResponse, Error> {
        let selection = Selection::try_from(request.selection)
            .map_err(|_| Error::invalid("selection", "no such selection of a user's tweets"))?;
        let (name, kind) = match selection {
            Selection::Unspecified => ("user", CursorKind::Timeline),
            Selection::Favorited => ("favorited", CursorKind::Timeline),
            Selection::Favorites => ("favorites", CursorKind::Favorites),
            Selection::Activity => ("activity", CursorKind::Timeline),
        };
        let wanted = Wanted::parse(kind, request.page.as_ref(), request.page_number)?;
        let viewer = self.viewer(request.viewer, request.at_least.as_ref()).await?;
        let user = UserId(request.user);
        if !viewer.sees(user) {
            return Ok(TimelineResponse::default());
        }
        let view = self.0.store.view();
        let (looks, timeline) = (viewer.user, Selected { view: view.clone(), user, viewer, selection });
        self.page(name, kind, wanted, view, looks, timeline).await
    }
}

/// A selection of what one user posted, retweeted and favorited, as somebody sees it.
struct Selected {
    view: Arc<View>,
    user: UserId,
    viewer: Viewer,
    selection: Selection,
}

impl Timeline for Selected {
    type Entry = Shown;
    type Error = StoreError;

    fn walk(&self, order: Order, between: Between, visit: impl Visit<Shown>) -> Result<(), StoreError> {
        match self.selection {
            Selection::Unspecified => each(self.entries(order, between), visit),
            Selection::Favorited => {
                let tweets = self.view.favorited_tweets(self.user, order, between);
                each(tweets.map(|item| item.map(|named| (named.id, Some(Shown::Named(named))))), visit)
            }
            Selection::Favorites => {
                let favorites = self.view.favorites_of(self.user, order, between).map(|item| {
                    let (id, named) = item?;
                    Ok((id, self.living(named)?))
                });
                each(favorites, visit)
            }
            Selection::Activity => each(self.activity(order, between), visit),
        }
    }
}

impl Selected {
    /// What the user posted and retweeted.
    fn entries(
        &self,
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, Option<Shown>), StoreError>> {
        let entries = self.view.entries_of(std::iter::once(self.user), order, between);
        entries.map(|item| {
            let (id, entry) = item?;
            let origin = entry.origin();
            let shows =
                origin.retweeter.is_none() || self.viewer.sees(origin.author) && !self.view.is_deleted(origin.shown)?;
            Ok((id, shows.then_some(Shown::Entry(entry))))
        })
    }

    /// What the user posted or favorited, each once.
    fn activity(
        &self,
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, Option<Shown>), StoreError>> {
        let own = self.view.stream_of(self.user, order, between).map(Source::Own);
        let favorited = self.view.favorited_by(self.user, order, between);
        // What is their own is among their own: no id is in both.
        let favorited = favorited.filter(|item| item.as_ref().map_or(true, |named| named.author != self.user));
        let earliest = match order {
            Order::NewestFirst => between.below.unwrap_or(TweetId(u64::MAX)),
            Order::OldestFirst => between.above.unwrap_or(TweetId(0)),
        };
        let favorited = Source::Favorited { earliest, items: Box::new(favorited) };
        Merge::new(order, own.into_iter().chain([favorited]).collect()).map(|item| match item? {
            // A retweet is not what they posted.
            (id, Found::Own(entry)) => Ok((id, (entry.record.retweet_of == 0).then_some(Shown::Entry(entry)))),
            (id, Found::Favorited(named)) => Ok((id, self.living(named)?)),
        })
    }

    /// A tweet that a list names, if it is there and who looks may see it.
    fn living(&self, named: Named) -> Result<Option<Shown>, StoreError> {
        let shows = self.viewer.sees(named.author) && !self.view.is_deleted(named.id)?;
        Ok(shows.then_some(Shown::Named(named)))
    }
}

/// One of the streams that the activity of a user is merged from.
enum Source<'a> {
    Own(AuthorStream<'a>),
    Favorited { earliest: TweetId, items: Box<dyn Iterator<Item = Result<Named, StoreError>> + 'a> },
}

enum Found {
    Own(Tweet),
    Favorited(Named),
}

impl Stream for Source<'_> {
    type Entry = Found;
    type Error = StoreError;

    fn earliest(&self) -> TweetId {
        match self {
            Source::Own(stream) => stream.earliest(),
            Source::Favorited { earliest, .. } => *earliest,
        }
    }

    fn next(&mut self) -> Result<Option<(TweetId, Found)>, StoreError> {
        match self {
            Source::Own(stream) => Ok(stream.next()?.map(|(id, entry)| (id, Found::Own(entry)))),
            Source::Favorited { items, .. } => {
                Ok(items.next().transpose()?.map(|named| (named.id, Found::Favorited(named))))
            }
        }
    }
}
