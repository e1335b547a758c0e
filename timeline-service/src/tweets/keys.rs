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
//! | `notifications` | recipient, notification id | what happened to which tweet, and who did it |
//! | `open_groups` | recipient, kind, tweet | the unread notification that more of the same joins, where there is one |
//! | `notified` | recipient, kind, tweet, actor | that this was told once, and is not again |
//! | `unread` | recipient, notification id | that it is unread |
//! | `inboxes` | recipient | how many notifications are kept, and from where on |
//! | `subscribers` | author, subscriber | since when the second wants to know of each tweet of the first |
//! | `deliveries` | tweet id | up to which subscriber of its author it is told, until it is to all |
//! | `state` | `state` | the number of the batch, the greatest id, how many idempotency keys |
//! | `state` | `follows` | the revision of the graph up to which follows are told |
//!
//! Users are 4 bytes, ids 8, both big-endian, so that the tweets of an author lie together and in order; a kind of
//! notification is 1. The tweet of a follow is 0.
//!
//! **A tweet's death is written once**, in its index entry. Its comments, retweets and favorites stay where they are, however
//! many there are, and so do their counts: whoever reads a list that refers to a tweet looks there. A retweet has no index
//! entry: its id names a place in its retweeter's stream, and no tweet.

use base::{TweetId, UserId};
use proto::timeline::NotificationKind;

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
    Notifications,
    OpenGroups,
    Notified,
    Unread,
    Inboxes,
    Subscribers,
    Deliveries,
    State,
}

impl Table {
    /// Every table, in the order of the enumeration.
    pub(crate) const ALL: [Table; 21] = [
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
        Table::Notifications,
        Table::OpenGroups,
        Table::Notified,
        Table::Unread,
        Table::Inboxes,
        Table::Subscribers,
        Table::Deliveries,
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
            Table::Notifications => "notifications",
            Table::OpenGroups => "open_groups",
            Table::Notified => "notified",
            Table::Unread => "unread",
            Table::Inboxes => "inboxes",
            Table::Subscribers => "subscribers",
            Table::Deliveries => "deliveries",
            Table::State => "state",
        }
    }

    /// Bytes of changes in memory before they are written out. Where most bytes are written the engine merges less often
    /// if it can wait for more of them; nothing else needs much.
    pub(crate) const fn memtable_bytes(self) -> u64 {
        match self {
            Table::Tweets => 32 << 20,
            Table::Index | Table::Authors | Table::Notified => 8 << 20,
            Table::Replies
            | Table::Retweets
            | Table::Retweeted
            | Table::Favorites
            | Table::UserFavorites
            | Table::Favorited
            | Table::Counts
            | Table::Notifications => 4 << 20,
            Table::FavoritedTweets
            | Table::Requests
            | Table::RequestAges
            | Table::OpenGroups
            | Table::Unread
            | Table::Inboxes
            | Table::Subscribers
            | Table::Deliveries
            | Table::State => 1 << 20,
        }
    }
}

/// Bytes of changes of all tables that may be in memory: those that are collected, and those that are being written out,
/// for which writes wait where the disk falls behind.
pub const MEMORY_OF_TABLES_BYTES: u64 = {
    let (mut all, mut at) = (0, 0);
    while at < Table::ALL.len() {
        all += Table::ALL[at].memtable_bytes() * MEMTABLES_MAX;
        at += 1;
    }
    all
};

/// Memtables of one table at the most: four that the engine writes out, and the one that changes are collected in.
const MEMTABLES_MAX: u64 = 5;

/// The key of the store's own record in [`Table::State`].
pub(crate) const STATE: &[u8] = b"state";

/// The key in [`Table::State`] of how far the graph's follows are told.
pub(crate) const FOLLOWS: &[u8] = b"follows";

/// A key of [`Table::Tweets`], [`Table::Retweeted`], [`Table::UserFavorites`], [`Table::Favorited`],
/// [`Table::FavoritedTweets`], [`Table::Notifications`] and [`Table::Unread`].
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

/// A key of [`Table::Index`], [`Table::Counts`], [`Table::RequestAges`] and [`Table::Deliveries`].
pub(crate) const fn id_key(id: TweetId) -> [u8; 8] {
    id.0.to_be_bytes()
}

/// A key of [`Table::Replies`], [`Table::Retweets`] and [`Table::Favorites`].
pub(crate) fn of_tweet(tweet: TweetId, id: TweetId) -> [u8; 16] {
    join(id_key(tweet), id_key(id))
}

/// A key of [`Table::Authors`] and [`Table::Inboxes`].
pub(crate) const fn author_key(author: UserId) -> [u8; 4] {
    author.0.to_be_bytes()
}

/// The user in a key of [`Table::Authors`] or [`Table::Inboxes`].
pub(crate) fn author_in(key: &[u8]) -> Option<UserId> {
    key.try_into().ok().map(|bytes| UserId(u32::from_be_bytes(bytes)))
}

/// A key of [`Table::Requests`].
pub(crate) fn request(author: UserId, idempotency_key: &str) -> Vec<u8> {
    [&author_key(author), idempotency_key.as_bytes()].concat()
}

/// A key of [`Table::OpenGroups`], and what those of [`Table::Notified`] begin with. `tweet` is 0 for a follow.
pub(crate) fn group(recipient: UserId, kind: NotificationKind, tweet: TweetId) -> [u8; 13] {
    let kind_and_tweet: [u8; 9] = join([kind as u8], id_key(tweet));
    join(author_key(recipient), kind_and_tweet)
}

/// A key of [`Table::Notified`].
pub(crate) fn notified(recipient: UserId, kind: NotificationKind, tweet: TweetId, actor: UserId) -> [u8; 17] {
    join(group(recipient, kind, tweet), author_key(actor))
}

/// A key of [`Table::Subscribers`].
pub(crate) fn subscriber(author: UserId, subscriber: UserId) -> [u8; 8] {
    join(author_key(author), author_key(subscriber))
}

/// The user in a key that ends with one.
pub(crate) fn last_user(key: &[u8]) -> Option<UserId> {
    key.last_chunk().map(|bytes| UserId(u32::from_be_bytes(*bytes)))
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
    fn all_that_one_group_was_told_lies_together() {
        let group = group(UserId(7), NotificationKind::Favorite, TweetId(300));
        let told = notified(UserId(7), NotificationKind::Favorite, TweetId(300), UserId(9));
        assert!(told.starts_with(&group));
        assert_eq!((first_user(&told), last_user(&told)), (Some(UserId(7)), Some(UserId(9))));
        assert!(!notified(UserId(7), NotificationKind::Retweet, TweetId(300), UserId(9)).starts_with(&group));
    }

    #[test]
    fn a_key_that_is_cut_short_names_nobody() {
        assert_eq!(author_in(&author_key(UserId(7))), Some(UserId(7)));
        assert_eq!(author_in(b"abc"), None);
        assert_eq!(first_user(b"abc"), None);
        assert_eq!((first_id(b"seven.."), last_id(b"seven..")), (None, None));
    }
}
