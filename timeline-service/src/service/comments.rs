//! The answers to a tweet.

use std::sync::Arc;

use base::cursor::CursorKind;
use base::{Error, TweetId};
use proto::timeline::{CommentsRequest, TimelineResponse};

use super::TimelineService;
use super::timelines::read;
use super::viewer::Viewer;
use super::wire::Shown;
use crate::StoreError;
use crate::core::merge::Order;
use crate::core::page::{Between, Timeline, Visit, Wanted, each};
use crate::core::rules::Facts as _;
use crate::error::Refusal;
use crate::tweets::View;

impl TimelineService {
    pub(super) async fn answers(&self, request: CommentsRequest) -> Result<TimelineResponse, Error> {
        let wanted = Wanted::parse(CursorKind::Comments, request.page.as_ref(), request.page_number)?;
        let tweet = TweetId(request.id);
        let viewer = self.viewer(request.viewer, request.at_least.as_ref()).await?;
        let view = self.0.store.view();
        let read = move || {
            let author = view.wrote(tweet)?.filter(|&author| viewer.sees(author));
            author.ok_or(Refusal::NoTweet(tweet))?;
            let (looks, answers) = (viewer.user, Answers { view: view.clone(), tweet, viewer });
            read("comments", CursorKind::Comments, wanted, &view, looks, &answers)
        };
        self.0.reads.run(read).await
    }
}

/// The answers to a tweet, which may be deleted itself, as somebody sees them.
struct Answers {
    view: Arc<View>,
    tweet: TweetId,
    viewer: Viewer,
}

impl Timeline for Answers {
    type Entry = Shown;
    type Error = StoreError;

    fn walk(&self, order: Order, between: Between, visit: impl Visit<Shown>) -> Result<(), StoreError> {
        let answers = self.view.answers(self.tweet, order, between).map(|item| {
            let named = item?;
            let shows = self.viewer.sees(named.author) && !self.view.is_deleted(named.id)?;
            Ok((named.id, shows.then_some(Shown::Named(named))))
        });
        each(answers, visit)
    }
}
