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
    Ok(match shown {
        Shown::Named(Named { id, author }) => tweet(view.seen(Some(author), id, viewer)?),
        Shown::Entry(entry) if entry.record.retweet_of == 0 => tweet(view.seen_by(entry, viewer)?),
        Shown::Entry(Tweet { id, author: retweeter, record }) => {
            let author = UserId(record.retweet_of_author);
            retweet(id, retweeter, view.seen(Some(author), TweetId(record.retweet_of), viewer)?)
        }
    })
}

/// The entry at the place of a tweet.
pub(super) fn tweet(seen: Seen) -> Entry {
    Entry { id: seen.tweet.id.0, tweet: Some(tweet_seen(seen)), ..Entry::default() }
}

/// The entry at the place of a retweet.
pub(super) fn retweet(id: TweetId, retweeter: UserId, seen: Seen) -> Entry {
    Entry { id: id.0, retweeter: Some(retweeter.0), tweet: Some(tweet_seen(seen)), ..Entry::default() }
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
