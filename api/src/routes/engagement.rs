//! `GET`, `POST` and `DELETE` on `/api/tweets/{id}/favorites` and `/retweets`, and on
//! `/api/users/{username}/tweets/{id}/favorites`: who favorited or retweeted a tweet, and switches that the caller sets.
//!
//! Each switch answers with the new state, and the same when it is repeated. A body is not read.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{MethodRouter, get};
use base::{Code, Error};
use proto::common::Revision;
use proto::timeline::{EngageRequest, EngagedRequest, Engagement, GetTweetsRequest, Tweet};
use serde::{Deserialize, Serialize};

use super::tweets::tweet_id;
use crate::error::{Answer, Problem};
use crate::extract::{AtLeast, Caller, Paging};
use crate::json::Json;
use crate::state::App;
use crate::views::{Page, UserView, viewer_id};

/// The new state.
#[derive(Serialize)]
struct Switched {
    favorites_count: u64,
    retweets_count: u64,
    comments_count: u64,
    favorited: bool,
    retweeted: bool,
}

/// A tweet as a path names it: alone, or as one of a user's.
#[derive(Deserialize)]
struct Named {
    username: Option<String>,
    id: String,
}

impl From<Tweet> for Switched {
    fn from(tweet: Tweet) -> Self {
        Switched {
            favorites_count: tweet.favorites_count,
            retweets_count: tweet.retweets_count,
            comments_count: tweet.comments_count,
            favorited: tweet.favorited,
            retweeted: tweet.retweeted,
        }
    }
}

impl Named {
    /// The tweet's id. Where the path says whose it is, it must be theirs.
    async fn id(&self, app: &App) -> Answer<u64> {
        let id = tweet_id(&self.id)?;
        if let Some(username) = &self.username {
            let account = app.account_of(username).await?;
            // Nobody in particular looks: what the caller may see of it is said by the call that comes after this one.
            let request = GetTweetsRequest { ids: vec![id], viewer: None, at_least: None };
            let found = app.timeline.get_tweets(request).await?.tweets;
            if found.first().is_none_or(|tweet| tweet.author != account.id) {
                return Err(Problem::no_such_tweet());
            }
        }
        Ok(id)
    }
}

/// Favorite, take that back, and who did.
pub(crate) fn favorites() -> MethodRouter<Arc<App>> {
    of(Engagement::Favorite)
}

/// Retweet, take that back, and who did.
pub(crate) fn retweets() -> MethodRouter<Arc<App>> {
    of(Engagement::Retweet)
}

fn of(engagement: Engagement) -> MethodRouter<Arc<App>> {
    let list = async move |State(app): State<Arc<App>>,
                           Path(named): Path<Named>,
                           paging: Paging,
                           AtLeast(at_least): AtLeast,
                           caller: Option<Caller>| {
        page(&app, &named, engagement, &paging, at_least, viewer_id(&caller)).await
    };
    let set = move |engaged| {
        async move |State(app): State<Arc<App>>, Path(named): Path<Named>, caller: Caller| {
            set(&app, &named, engagement, &caller, engaged).await
        }
    };
    get(list).post(set(true)).delete(set(false))
}

async fn page(
    app: &App,
    named: &Named,
    engagement: Engagement,
    paging: &Paging,
    at_least: Option<Revision>,
    viewer: Option<u32>,
) -> Answer<Json<Page<UserView>>> {
    paging.by_cursor_only()?;
    let request = EngagedRequest {
        engagement: engagement as i32,
        id: named.id(app).await?,
        page: Some(paging.request()),
        viewer,
        at_least: at_least.clone(),
    };
    let engaged = app.timeline.engaged(request).await?;
    let users = app.people(engaged.users, viewer, at_least).await?;
    Ok(Json(Page::new(users, engaged.next_cursor, engaged.prev_cursor)))
}

async fn set(
    app: &App,
    named: &Named,
    engagement: Engagement,
    caller: &Caller,
    engaged: bool,
) -> Answer<Json<Switched>> {
    let id = named.id(app).await?;
    let request = EngageRequest { engagement: engagement as i32, id, user: caller.account.id, engaged };
    let tweet = app.timeline.engage(request).await?.tweet;
    let tweet = tweet.ok_or_else(|| Error::new(Code::Internal, "the timeline answered without the tweet"))?;
    Ok(Json(tweet.into()))
}
