//! Tweets.

use proto::timeline::{Entities, Place, Span, Tweet};
use serde::Serialize;

use super::rfc3339;
use crate::accounts::Account;
use crate::error::Answer;
use crate::state::App;

/// A tweet. There are no media yet, which it says.
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

/// Where a tweet was posted, as it was said: what was left out stays out.
#[derive(Debug, Serialize)]
struct PlaceView {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    latitude: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longitude: Option<f64>,
}

/// An image or video of a tweet: there is no such thing.
#[derive(Debug, Serialize)]
enum MediaView {}

/// A person beside what they did: less than a profile, and nothing that another service would have to be asked for.
#[derive(Debug, Serialize)]
pub(super) struct AuthorView {
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

impl From<Place> for PlaceView {
    fn from(place: Place) -> Self {
        let Place { name, latitude, longitude } = place;
        PlaceView { name, latitude, longitude }
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
            favorites_count: tweet.favorites_count,
            retweets_count: tweet.retweets_count,
            comments_count: tweet.comments_count,
            in_reply_to: (tweet.in_reply_to != 0).then(|| tweet.in_reply_to.to_string()),
            place: tweet.place.map(PlaceView::from),
            media: [],
            entities: tweet.entities.unwrap_or_default().into(),
            favorited: signed_in.then_some(tweet.favorited),
            retweeted: signed_in.then_some(tweet.retweeted),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }
}

impl App {
    /// One tweet with its author; nothing where that is a user of an imported graph who has no account: there is nobody to
    /// show.
    pub(crate) async fn tweet_view(&self, tweet: Tweet, signed_in: bool) -> Answer<Option<TweetView>> {
        let author = self.accounts_by_id(vec![tweet.author]).await?.remove(&tweet.author);
        Ok(author.map(|author| TweetView::new(tweet, &author, signed_in)))
    }
}
