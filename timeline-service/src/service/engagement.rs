//! Favoriting and retweeting, and who did.

use std::sync::Arc;
use std::time::Instant;

use base::cursor::CursorKind;
use base::{Error, TweetId, UserId};
use proto::timeline::{self, EngageRequest, EngageResponse, EngagedRequest, EngagedResponse};

use super::TimelineService;
use super::timelines::cut;
use super::wire::tweet_seen;
use crate::StoreError;
use crate::core::merge::Order;
use crate::core::page::{Between, Timeline, Visit, Wanted, each};
use crate::error::Refusal;
use crate::graph::naming;
use crate::metrics;
use crate::tweets::{Engaged, Engagement, Favorite, Retweet, View};

impl TimelineService {
    pub(super) async fn change_engagement(&self, request: EngageRequest) -> Result<EngageResponse, Error> {
        let EngageRequest { engagement, id, user, engaged } = request;
        let engagement = engagement_of(engagement)?;
        let (tweet, user) = (TweetId(id), UserId(user));
        let view = self.0.store.view();
        let author = self.0.reads.run(move || Ok(view.author_of(tweet)?)).await?.ok_or(Refusal::NoTweet(tweet))?;
        // What was done before a block can be taken back, and that is all.
        if engaged && author != user && self.0.graph.either_blocks(user, author).await.map_err(naming("user"))? {
            return Err(Refusal::Blocked.into());
        }
        let Engaged { changed, seen } = match engagement {
            Engagement::Favorite => self.0.store.write(Favorite { tweet, user, engaged }).await?,
            Engagement::Retweet => self.0.store.write(Retweet { tweet, user, engaged }).await?,
        };
        Ok(EngageResponse { changed, tweet: Some(tweet_seen(seen)) })
    }

    pub(super) async fn who_engaged(&self, request: EngagedRequest) -> Result<EngagedResponse, Error> {
        let wanted = Wanted::parse(CursorKind::Engaged, request.page.as_ref(), 0)?;
        let (engagement, tweet) = (engagement_of(request.engagement)?, TweetId(request.id));
        let viewer = self.viewer(request.viewer, request.at_least.as_ref()).await?;
        let view = self.0.store.view();
        let read = move || {
            let author = view.author_of(tweet)?.filter(|&author| viewer.sees(author));
            author.ok_or(Refusal::NoTweet(tweet))?;
            let list = People { view, engagement, tweet };
            let begun = Instant::now();
            let page = cut(&list, wanted)?;
            let next_cursor = page.next_cursor(CursorKind::Engaged);
            let prev_cursor = page.previous_cursor(CursorKind::Engaged);
            metrics::page("engaged", begun.elapsed());
            let users = page.entries.into_iter().map(|(_, user)| user.0).collect();
            Ok(EngagedResponse { users, next_cursor, prev_cursor })
        };
        self.0.reads.run(read).await
    }
}

fn engagement_of(number: i32) -> Result<Engagement, Error> {
    match timeline::Engagement::try_from(number) {
        Ok(timeline::Engagement::Favorite) => Ok(Engagement::Favorite),
        Ok(timeline::Engagement::Retweet) => Ok(Engagement::Retweet),
        Ok(timeline::Engagement::Unspecified) | Err(_) => Err(Error::invalid("engagement", "no such engagement")),
    }
}

/// Who favorited or retweeted a tweet.
struct People {
    view: Arc<View>,
    engagement: Engagement,
    tweet: TweetId,
}

impl Timeline for People {
    type Entry = UserId;
    type Error = StoreError;

    fn walk(&self, order: Order, between: Between, visit: impl Visit<UserId>) -> Result<(), StoreError> {
        let people = self.view.engaged(self.engagement, self.tweet, order, between);
        each(people.map(|item| item.map(|(id, user)| (id, Some(user)))), visit)
    }
}
