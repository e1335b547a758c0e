//! A tweet with its counts, as somebody sees it.

use base::{TweetId, UserId};

use super::command::Tweet;
use super::keys::{self, Table};
use super::known::Known;
use super::record::{CountsRecord, FavoritedRecord, RetweetedRecord};
use super::view::View;
use crate::error::StoreError;

/// A tweet with its counts, as somebody sees it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub tweet: Tweet,
    pub counts: CountsRecord,
    /// Whether who looks favorited it; false where nobody is named.
    pub favorited: bool,
    /// Whether who looks retweeted it; false where nobody is named.
    pub retweeted: bool,
}

impl Seen {
    /// A tweet that nobody has done anything to.
    pub(crate) fn fresh(tweet: Tweet) -> Self {
        Seen { tweet, counts: CountsRecord::default(), favorited: false, retweeted: false }
    }
}

impl View {
    /// A tweet of which it is known, in this state, that it is not deleted, as `viewer` sees it. `author` is who it may be by, if
    /// that can be told.
    pub(crate) fn seen(&self, author: Option<UserId>, id: TweetId, viewer: Option<UserId>) -> Result<Seen, StoreError> {
        self.with_flags(&*self.known(author, id)?, viewer)
    }

    /// A tweet that was read from this state, as `viewer` sees it.
    pub(crate) fn seen_by(&self, tweet: Tweet, viewer: Option<UserId>) -> Result<Seen, StoreError> {
        self.with_flags(&*self.counted(tweet)?, viewer)
    }

    fn with_flags(&self, known: &Known, viewer: Option<UserId>) -> Result<Seen, StoreError> {
        let Known { tweet, counts } = known.clone();
        let mut seen = Seen { counts, ..Seen::fresh(tweet) };
        if let Some(viewer) = viewer {
            let key = keys::of_user(viewer, seen.tweet.id);
            // Most tweets have neither, and their counts say so.
            seen.favorited = counts.favorites > 0 && self.get::<FavoritedRecord>(Table::Favorited, &key)?.is_some();
            seen.retweeted = counts.retweets > 0 && self.get::<RetweetedRecord>(Table::Retweeted, &key)?.is_some();
        }
        Ok(seen)
    }
}
