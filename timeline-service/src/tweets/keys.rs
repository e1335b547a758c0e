//! The tables, and what their keys look like.
//!
//! | table | key | record |
//! |---|---|---|
//! | `tweets` | author, id | the tweet, while it is not deleted; or the retweet, while it is not taken back |
//! | `index` | id of a tweet | its author, and whether it is deleted |
//! | `replies` | answered id, id | that the second answers the first, deleted or not |
//! | `retweets` | tweet, id of the retweet | who retweeted it |
//! | `retweeted` | user, tweet | the id of the retweet |
//! | `favorites` | tweet, id of the favorite | who favorited it |
//! | `user_favorites` | user, id of the favorite | the tweet, and its author |
//! | `favorited` | user, tweet | the id of the favorite, and the tweet's author |
//! | `favorited_tweets` | author, tweet | that somebody favorited it, while it is not deleted |
//! | `counts` | id | how many tweets that are not deleted answer it, and how many favorites and retweets it has, where there are any |
//! | `authors` | author | how many tweets there are, and the bounds of the ids of tweets and retweets |
//! | `requests` | author, idempotency key | the tweet that it made |
//! | `request_ages` | id | the idempotency key that made it: the oldest are first |
//! | `state` | nothing | the number of the batch, the greatest id, how many idempotency keys |
//!
//! Users are 4 bytes, ids 8, both big-endian, so that the tweets of an author lie together and in order.
//!
//! **A tweet's death is written once**, in its index entry. Its comments, retweets and favorites stay where they are, however
//! many there are, and so do their counts: whoever reads a list that refers to a tweet looks there. A retweet has no index
//! entry: its id names a place in its retweeter's stream, and no tweet.

use base::{TweetId, UserId};

/// The tables.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Table {
    Tweets,
    Index,
    Replies,
    Retweets,
    Retweeted,
    Favorites,
    UserFavorites,
    Favorited,
    FavoritedTweets,
    Counts,
    Authors,
    Requests,
    RequestAges,
    State,
}

impl Table {
    /// Every table, in the order of the enumeration.
    pub(crate) const ALL: [Table; 14] = [
        Table::Tweets,
        Table::Index,
        Table::Replies,
        Table::Retweets,
        Table::Retweeted,
        Table::Favorites,
        Table::UserFavorites,
        Table::Favorited,
        Table::FavoritedTweets,
        Table::Counts,
        Table::Authors,
        Table::Requests,
        Table::RequestAges,
        Table::State,
    ];

    /// The name on disk.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Table::Tweets => "tweets",
            Table::Index => "index",
            Table::Replies => "replies",
            Table::Retweets => "retweets",
            Table::Retweeted => "retweeted",
            Table::Favorites => "favorites",
            Table::UserFavorites => "user_favorites",
            Table::Favorited => "favorited",
            Table::FavoritedTweets => "favorited_tweets",
            Table::Counts => "counts",
            Table::Authors => "authors",
            Table::Requests => "requests",
            Table::RequestAges => "request_ages",
            Table::State => "state",
        }
    }
}

/// The key of the one record of [`Table::State`].
pub(crate) const STATE: &[u8] = b"state";

/// A key of [`Table::Tweets`], [`Table::Retweeted`], [`Table::UserFavorites`], [`Table::Favorited`] and
/// [`Table::FavoritedTweets`].
pub(crate) fn of_user(user: UserId, id: TweetId) -> [u8; 12] {
    join(author_key(user), id_key(id))
}

/// The user in a key that begins with one.
pub(crate) fn first_user(key: &[u8]) -> Option<UserId> {
    key.first_chunk().map(|bytes| UserId(u32::from_be_bytes(*bytes)))
}

/// The tweet in a key that begins with one.
pub(crate) fn first_id(key: &[u8]) -> Option<TweetId> {
    key.first_chunk().map(|bytes| TweetId(u64::from_be_bytes(*bytes)))
}

/// The id in a key that ends with one: its last 8 bytes.
pub(crate) fn last_id(key: &[u8]) -> Option<TweetId> {
    key.last_chunk().map(|bytes| TweetId(u64::from_be_bytes(*bytes)))
}

/// A key of [`Table::Index`], [`Table::Counts`] and [`Table::RequestAges`].
pub(crate) const fn id_key(id: TweetId) -> [u8; 8] {
    id.0.to_be_bytes()
}

/// A key of [`Table::Replies`], [`Table::Retweets`] and [`Table::Favorites`].
pub(crate) fn of_tweet(tweet: TweetId, id: TweetId) -> [u8; 16] {
    join(id_key(tweet), id_key(id))
}

/// A key of [`Table::Authors`].
pub(crate) const fn author_key(author: UserId) -> [u8; 4] {
    author.0.to_be_bytes()
}

/// The author in a key of [`Table::Authors`].
pub(crate) fn author_in(key: &[u8]) -> Option<UserId> {
    key.try_into().ok().map(|bytes| UserId(u32::from_be_bytes(bytes)))
}

/// A key of [`Table::Requests`].
pub(crate) fn request(author: UserId, idempotency_key: &str) -> Vec<u8> {
    [&author_key(author), idempotency_key.as_bytes()].concat()
}

fn join<const A: usize, const B: usize, const N: usize>(first: [u8; A], second: [u8; B]) -> [u8; N] {
    const { assert!(A + B == N, "a key is as long as its parts") };
    let mut key = [0; N];
    key[..A].copy_from_slice(&first);
    key[A..].copy_from_slice(&second);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tweets_of_an_author_lie_together_in_order() {
        let places = [(1, 1 << 40), (2, 1), (2, 255), (2, 256), (256, 0)];
        let keys = places.map(|(author, id)| of_user(UserId(author), TweetId(id)));
        assert!(keys.is_sorted());
        assert_eq!(keys.map(|key| last_id(&key)), places.map(|(_, id)| Some(TweetId(id))));
    }

    #[test]
    fn a_key_that_is_cut_short_names_nobody() {
        assert_eq!(author_in(&author_key(UserId(7))), Some(UserId(7)));
        assert_eq!(author_in(b"abc"), None);
        assert_eq!(first_user(b"abc"), None);
        assert_eq!((first_id(b"seven.."), last_id(b"seven..")), (None, None));
    }
}
