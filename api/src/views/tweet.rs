//! Tweets.

use std::collections::HashMap;
use std::sync::Arc;

use proto::timeline::{Entities, Span, Tweet};
use serde::Serialize;

use super::rfc3339;
use crate::accounts::Account;
use crate::error::Answer;
use crate::state::App;

/// A tweet. Nothing can be favorited or retweeted yet, and there are neither places nor media: those say so.
#[derive(Debug, Serialize)]
pub(crate) struct TweetView {
    id: String,
    text: String,
    author: AuthorView,
    created_at: String,
    favorites_count: u64,
    retweets_count: u64,
    comments_count: u64,
    in_reply_to: Option<String>,
    place: Option<PlaceView>,
    media: [MediaView; 0],
    entities: EntitiesView,
    /// For those who are logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    favorited: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retweeted: Option<bool>,
}

/// Where a tweet was posted: there is no such thing.
#[derive(Debug, Serialize)]
enum PlaceView {}

/// An image or video of a tweet: there is no such thing.
#[derive(Debug, Serialize)]
enum MediaView {}

#[derive(Debug, Serialize)]
struct AuthorView {
    id: String,
    username: String,
    name: String,
    image_url: Option<String>,
}

/// Parts of the text that stand for something; offsets in code points, `end` the first that no longer belongs to it.
#[derive(Debug, Serialize)]
struct EntitiesView {
    hashtags: Vec<HashtagView>,
    mentions: Vec<MentionView>,
    urls: Vec<UrlView>,
}

#[derive(Debug, Serialize)]
struct HashtagView {
    tag: String,
    start: u32,
    end: u32,
}

#[derive(Debug, Serialize)]
struct MentionView {
    username: String,
    id: String,
    start: u32,
    end: u32,
}

#[derive(Debug, Serialize)]
struct UrlView {
    url: String,
    start: u32,
    end: u32,
}

impl From<&Account> for AuthorView {
    fn from(account: &Account) -> Self {
        AuthorView {
            id: account.id.to_string(),
            username: account.username.clone(),
            name: account.name.clone(),
            image_url: account.image_url.clone(),
        }
    }
}

impl From<Entities> for EntitiesView {
    fn from(entities: Entities) -> Self {
        let range = |span: Option<Span>| span.map_or((0, 0), |span| (span.start, span.end));
        let hashtag = |hashtag: proto::timeline::Hashtag| {
            let (start, end) = range(hashtag.span);
            HashtagView { tag: hashtag.tag, start, end }
        };
        let mention = |mention: proto::timeline::Mention| {
            let (start, end) = range(mention.span);
            MentionView { username: mention.username, id: mention.user.to_string(), start, end }
        };
        let url = |url: proto::timeline::Url| {
            let (start, end) = range(url.span);
            UrlView { url: url.url, start, end }
        };
        EntitiesView {
            hashtags: entities.hashtags.into_iter().map(hashtag).collect(),
            mentions: entities.mentions.into_iter().map(mention).collect(),
            urls: entities.urls.into_iter().map(url).collect(),
        }
    }
}

impl TweetView {
    /// A tweet of `author`, for somebody who is logged in or not.
    pub(crate) fn new(tweet: Tweet, author: &Account, signed_in: bool) -> Self {
        TweetView {
            id: tweet.id.to_string(),
            text: tweet.text,
            author: author.into(),
            created_at: rfc3339(tweet.created_at_ms),
            favorites_count: 0,
            retweets_count: 0,
            comments_count: tweet.comments_count,
            in_reply_to: (tweet.in_reply_to != 0).then(|| tweet.in_reply_to.to_string()),
            place: None,
            media: [],
            entities: tweet.entities.unwrap_or_default().into(),
            favorited: signed_in.then_some(false),
            retweeted: signed_in.then_some(false),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

impl App {
    /// Tweets with their authors, in the order given, with one statement for all of them. Those of users of an imported
    /// graph who have no account are left out: there is nobody to show.
    pub(crate) async fn tweet_views(&self, tweets: Vec<Tweet>, signed_in: bool) -> Answer<Vec<TweetView>> {
        let mut ids: Vec<u32> = tweets.iter().map(|tweet| tweet.author).collect();
        ids.sort_unstable();
        ids.dedup();
        let authors = self.accounts.people.by_ids(ids).await?;
        let authors: HashMap<u32, Arc<Account>> = authors.into_iter().map(|account| (account.id, account)).collect();
        let view = |tweet: Tweet| authors.get(&tweet.author).map(|author| TweetView::new(tweet, author, signed_in));
        Ok(tweets.into_iter().filter_map(view).collect())
    }
}
