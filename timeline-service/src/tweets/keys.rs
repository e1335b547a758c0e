//! The tables, and what their keys look like.
//!
//! | table | key | record |
//! |---|---|---|
//! | `tweets` | author, id | the tweet, while it is not deleted |
//! | `index` | id | its author, and whether it is deleted |
//! | `replies` | answered id, id | that the second answers the first, deleted or not |
//! | `comments` | id | how many tweets that are not deleted answer it, where there are any |
//! | `authors` | author | how many tweets there are, and the bounds of their ids |
//! | `requests` | author, idempotency key | the tweet that it made |
//! | `request_ages` | id | the idempotency key that made it: the oldest are first |
//! | `state` | nothing | the number of the batch, the greatest id, how many idempotency keys |
//!
//! Authors are 4 bytes, ids 8, both big-endian, so that the tweets of an author lie together and in order.

use base::{TweetId, UserId};

/// The tables.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Table {
    Tweets,
    Index,
    Replies,
    Comments,
    Authors,
    Requests,
    RequestAges,
    State,
}

impl Table {
    /// Every table, in the order of the enumeration.
    pub(crate) const ALL: [Table; 8] = [
        Table::Tweets,
        Table::Index,
        Table::Replies,
        Table::Comments,
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
            Table::Comments => "comments",
            Table::Authors => "authors",
            Table::Requests => "requests",
            Table::RequestAges => "request_ages",
            Table::State => "state",
        }
    }
}

/// The key of the one record of [`Table::State`].
pub(crate) const STATE: &[u8] = b"state";

/// A key of [`Table::Tweets`].
pub(crate) fn tweet(author: UserId, id: TweetId) -> [u8; 12] {
    join(author_key(author), id_key(id))
}

/// The id in a key of [`Table::Tweets`] or [`Table::Replies`]: its last 8 bytes.
pub(crate) fn last_id(key: &[u8]) -> Option<TweetId> {
    key.last_chunk().map(|bytes| TweetId(u64::from_be_bytes(*bytes)))
}

/// A key of [`Table::Index`], [`Table::Comments`] and [`Table::RequestAges`].
pub(crate) const fn id_key(id: TweetId) -> [u8; 8] {
    id.0.to_be_bytes()
}

/// A key of [`Table::Replies`].
pub(crate) fn reply(answered: TweetId, id: TweetId) -> [u8; 16] {
    join(id_key(answered), id_key(id))
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
        let keys = places.map(|(author, id)| tweet(UserId(author), TweetId(id)));
        assert!(keys.is_sorted());
        assert_eq!(keys.map(|key| last_id(&key)), places.map(|(_, id)| Some(TweetId(id))));
    }

    #[test]
    fn a_key_that_is_cut_short_names_nobody() {
        assert_eq!(author_in(&author_key(UserId(7))), Some(UserId(7)));
        assert_eq!(author_in(b"abc"), None);
        assert_eq!(last_id(b"seven..").map(|id| id.0), None);
    }
}
