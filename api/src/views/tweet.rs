//! Tweets.
//!
//! A view keeps what the services answered, and its JSON is written from there: nothing is copied in between.

use std::sync::Arc;

use proto::timeline::{Entities, Hashtag, Mention, Place, Span, Tweet, Url};
use serde::{Serialize, Serializer};

use super::entry::ExplanationView;
use super::scalar::{Decimal, Rfc3339};
use crate::accounts::Account;
use crate::error::Answer;
use crate::state::App;

/// A tweet. There are no media yet, which it says.
#[derive(Debug)]
pub(crate) struct TweetView {
    tweet: Tweet,
    author: Arc<Account>,
    /// Whether who looks is logged in.
    signed_in: bool,
}

impl TweetView {
    /// A tweet of `author`, for somebody who is logged in or not.
    pub(crate) fn new(tweet: Tweet, author: Arc<Account>, signed_in: bool) -> Self {
        TweetView { tweet, author, signed_in }
    }

    pub(crate) fn id(&self) -> u64 {
        self.tweet.id
    }

    /// The tweet's JSON before it is written.
    pub(super) fn json(&self) -> TweetJson<'_> {
        let tweet = &self.tweet;
        TweetJson {
            id: Decimal(tweet.id),
            text: &tweet.text,
            author: AuthorJson::of(&self.author),
            created_at: Rfc3339(tweet.created_at_ms),
            favorites_count: tweet.favorites_count,
            retweets_count: tweet.retweets_count,
            comments_count: tweet.comments_count,
            in_reply_to: (tweet.in_reply_to != 0).then_some(Decimal(tweet.in_reply_to)),
            place: tweet.place.as_ref().map(PlaceJson::of),
            media: [],
            entities: tweet.entities.as_ref().map(EntitiesJson::of).unwrap_or_default(),
            favorited: self.signed_in.then_some(tweet.favorited),
            retweeted: self.signed_in.then_some(tweet.retweeted),
            entry_id: None,
            retweeted_by: None,
            explanation: None,
        }
    }
}

impl Serialize for TweetView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(serializer)
    }
}

impl App {
    /// One tweet with its author; nothing where that is a user of an imported graph who has no account: there is nobody to
    /// show.
    pub(crate) async fn tweet_view(&self, tweet: Tweet, signed_in: bool) -> Answer<Option<TweetView>> {
        let author = self.accounts.people.by_id(tweet.author).await?;
        Ok(author.map(|author| TweetView::new(tweet, author, signed_in)))
    }
}

/// A tweet as it is written, at a place of a timeline or by itself.
#[derive(Serialize)]
pub(super) struct TweetJson<'a> {
    id: Decimal,
    text: &'a str,
    author: AuthorJson<'a>,
    created_at: Rfc3339,
    favorites_count: u64,
    retweets_count: u64,
    comments_count: u64,
    in_reply_to: Option<Decimal>,
    place: Option<PlaceJson<'a>>,
    media: [MediaJson; 0],
    entities: EntitiesJson<'a>,
    /// For those who are logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    favorited: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retweeted: Option<bool>,
    /// The place's own id, where it is not the tweet's: it is there by a retweet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entry_id: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retweeted_by: Option<AuthorJson<'a>>,
    /// For those who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) explanation: Option<&'a ExplanationView>,
}

/// A person beside what they did: less than a profile, and nothing that another service would have to be asked for.
#[derive(Serialize)]
pub(super) struct AuthorJson<'a> {
    id: Decimal,
    username: &'a str,
    name: &'a str,
    image_url: Option<&'a str>,
}

impl<'a> AuthorJson<'a> {
    pub(super) fn of(account: &'a Account) -> Self {
        AuthorJson {
            id: Decimal(account.id.into()),
            username: &account.username,
            name: &account.name,
            image_url: account.image_url.as_deref(),
        }
    }
}

/// Where a tweet was posted, as it was said: what was left out stays out.
#[derive(Serialize)]
struct PlaceJson<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    latitude: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    longitude: Option<f64>,
}

impl<'a> PlaceJson<'a> {
    fn of(place: &'a Place) -> Self {
        PlaceJson { name: &place.name, latitude: place.latitude, longitude: place.longitude }
    }
}

/// An image or video of a tweet: there is no such thing.
#[derive(Serialize)]
enum MediaJson {}

/// Parts of the text that stand for something; offsets in code points, `end` the first that no longer belongs to it.
#[derive(Default, Serialize)]
struct EntitiesJson<'a> {
    #[serde(serialize_with = "each_hashtag")]
    hashtags: &'a [Hashtag],
    #[serde(serialize_with = "each_mention")]
    mentions: &'a [Mention],
    #[serde(serialize_with = "each_url")]
    urls: &'a [Url],
}

impl<'a> EntitiesJson<'a> {
    fn of(entities: &'a Entities) -> Self {
        EntitiesJson { hashtags: &entities.hashtags, mentions: &entities.mentions, urls: &entities.urls }
    }
}

fn each_hashtag<S: Serializer>(hashtags: &&[Hashtag], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct HashtagJson<'a> {
        tag: &'a str,
        start: u32,
        end: u32,
    }
    serializer.collect_seq(hashtags.iter().map(|hashtag| {
        let (start, end) = range(hashtag.span);
        HashtagJson { tag: &hashtag.tag, start, end }
    }))
}

fn each_mention<S: Serializer>(mentions: &&[Mention], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct MentionJson<'a> {
        username: &'a str,
        id: Decimal,
        start: u32,
        end: u32,
    }
    serializer.collect_seq(mentions.iter().map(|mention| {
        let (start, end) = range(mention.span);
        MentionJson { username: &mention.username, id: Decimal(mention.user.into()), start, end }
    }))
}

fn each_url<S: Serializer>(urls: &&[Url], serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct UrlJson<'a> {
        url: &'a str,
        start: u32,
        end: u32,
    }
    serializer.collect_seq(urls.iter().map(|url| {
        let (start, end) = range(url.span);
        UrlJson { url: &url.url, start, end }
    }))
}

fn range(span: Option<Span>) -> (u32, u32) {
    span.map_or((0, 0), |span| (span.start, span.end))
}
