//! Pages of tweets: a user's own, and the home feed.

use std::sync::Arc;
use std::time::Instant;

use base::cursor::CursorKind;
use base::{Code, Error, TweetId, UserId};
use proto::timeline::{Entry, HomeTimelineRequest, TimelineResponse, UserTimelineRequest};

use super::TimelineService;
use super::tweets::to_wire;
use crate::StoreError;
use crate::core::merge::Order;
use crate::core::page::{self, Between, PageError, Timeline, Wanted};
use crate::core::rules::{Origin, Reader};
use crate::graph::naming;
use crate::metrics;
use crate::tweets::{Tweet, TweetRecord, View};

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
        self.page("user", CursorKind::Timeline, wanted, view.clone(), OwnTweets { view, user }).await
    }

    pub(super) async fn home(&self, request: HomeTimelineRequest) -> Result<TimelineResponse, Error> {
        let wanted = Wanted::parse(CursorKind::Feed, request.page.as_ref(), request.page_number)?;
        let at_least = proto::convert::revision(request.at_least.as_ref(), "at_least")?;
        let user = UserId(request.user);
        let sources = self.0.graph.sources(user, at_least).await.map_err(naming("user"))?;
        let reader = Reader::new(user, sources);
        let view = self.0.store.view();
        self.page("home", CursorKind::Feed, wanted, view.clone(), HomeFeed { view, reader }).await
    }

    /// A page of a timeline that is read from `view`, with the counts of the same state.
    async fn page<T>(
        &self,
        name: &'static str,
        kind: CursorKind,
        wanted: Wanted,
        view: Arc<View>,
        timeline: T,
    ) -> Result<TimelineResponse, Error>
    where
        T: Timeline<Entry = Tweet, Error = StoreError> + Send + 'static,
    {
        let read = move || {
            let begun = Instant::now();
            let page = page::cut(&timeline, wanted).map_err(|error| match error {
                PageError::TooFarDown => Error::new(Code::InvalidArgument, error.to_string()).with_field("page_number"),
                PageError::Read(error) => error.into(),
            })?;
            let (next_cursor, prev_cursor) = (page.next_cursor(kind), page.previous_cursor(kind));
            let entry = |(id, tweet): (TweetId, _)| {
                Ok(Entry { tweet: Some(to_wire(&view, tweet)?), id: id.0, ..Entry::default() })
            };
            let entries = page.entries.into_iter().map(entry).collect::<Result<_, StoreError>>()?;
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
    type Entry = Tweet;
    type Error = StoreError;

    fn walk(
        &self,
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, Option<Tweet>), StoreError>> {
        let tweets = self.view.tweets_of(std::iter::once(self.user), order, between);
        tweets.map(|item| item.map(|(id, entry)| (id, Some(tweet(id, entry)))))
    }
}

/// The pull merge: what a user and those whom they follow posted, under the rules.
struct HomeFeed {
    view: Arc<View>,
    reader: Reader,
}

impl Timeline for HomeFeed {
    type Entry = Tweet;
    type Error = StoreError;

    fn walk(
        &self,
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, Option<Tweet>), StoreError>> {
        let tweets = self.view.tweets_of(self.reader.authors(), order, between);
        tweets.map(|item| {
            let (id, entry) = item?;
            let tweet = tweet(id, entry);
            let answers = (tweet.record.in_reply_to != 0).then_some(UserId(tweet.record.in_reply_to_author));
            let seen = self.reader.sees(Origin { author: tweet.author, answers }) && !self.under_tombstone(&tweet)?;
            Ok((id, seen.then_some(tweet)))
        })
    }
}

impl HomeFeed {
    /// Whether a tweet answers one that is deleted.
    fn under_tombstone(&self, tweet: &Tweet) -> Result<bool, StoreError> {
        match tweet.record.in_reply_to {
            0 => Ok(false),
            answered => Ok(self.view.author_of(TweetId(answered))?.is_none()),
        }
    }
}

fn tweet(id: TweetId, (author, record): (UserId, TweetRecord)) -> Tweet {
    Tweet { id, author, record }
}
