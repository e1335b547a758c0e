//! Tweets as clients see them.

use base::{TweetId, UserId};
use proto::timeline::{self, Entry};

use crate::error::StoreError;
use crate::tweets::{Named, Seen, Tweet, View};

/// What a timeline has at a place.
pub(super) enum Shown {
    /// A tweet or a retweet, from its author's or retweeter's stream.
    Entry(Tweet),
    /// A tweet that a list names.
    Named(Named),
}

/// The entry at a place, with the counts of the state that the place was read from, as `viewer` sees it. What is shown is
/// known not to be deleted.
pub(super) fn entry(view: &View, viewer: Option<UserId>, shown: Shown) -> Result<Entry, StoreError> {
    let (id, retweeter, tweet) = match shown {
        Shown::Named(Named { id, author }) => (id, None, view.tweet_of(author, id)?),
        Shown::Entry(entry) if entry.record.retweet_of == 0 => (entry.id, None, entry),
        Shown::Entry(Tweet { id, author: retweeter, record }) => {
            let tweet = view.tweet_of(UserId(record.retweet_of_author), TweetId(record.retweet_of))?;
            (id, Some(retweeter.0), tweet)
        }
    };
    let tweet = Some(tweet_seen(view.seen_by(tweet, viewer)?));
    Ok(Entry { tweet, id: id.0, retweeter, ..Entry::default() })
}

/// The entry at the place of a retweet.
pub(super) fn retweet(
    view: &View,
    viewer: Option<UserId>,
    id: TweetId,
    retweeter: UserId,
    tweet: Tweet,
) -> Result<Entry, StoreError> {
    let tweet = Some(tweet_seen(view.seen_by(tweet, viewer)?));
    Ok(Entry { tweet, id: id.0, retweeter: Some(retweeter.0), ..Entry::default() })
}

/// A tweet with its counts.
pub(super) fn tweet_seen(seen: Seen) -> timeline::Tweet {
    let Seen { tweet: Tweet { id, author, record }, counts, favorited, retweeted } = seen;
    timeline::Tweet {
        id: id.0,
        author: author.0,
        text: record.text,
        created_at_ms: id.time_ms(),
        in_reply_to: record.in_reply_to,
        in_reply_to_author: record.in_reply_to_author,
        entities: record.entities,
        comments_count: counts.comments,
        favorites_count: counts.favorites,
        retweets_count: counts.retweets,
        place: record.place,
        favorited,
        retweeted,
    }
}
