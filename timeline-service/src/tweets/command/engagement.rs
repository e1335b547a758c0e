//! What favoriting and retweeting have in common.

use base::{TweetId, UserId};

use super::{Draft, Tweet};
use crate::error::{Refusal, StoreError};
use crate::tweets::keys::{self, Table};
use crate::tweets::record::{CountsRecord, FavoritedRecord, IndexRecord, RetweetedRecord, TweetRecord};
use crate::tweets::seen::Seen;

/// What came of favoriting or retweeting, or of taking that back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Engaged {
    /// False where it was so before.
    pub changed: bool,
    /// The tweet afterwards.
    pub seen: Seen,
}

/// A tweet, and what somebody did to it.
pub(super) struct Target {
    pub tweet: Tweet,
    pub counts: CountsRecord,
    pub favorited: Option<FavoritedRecord>,
    pub retweeted: Option<RetweetedRecord>,
}

impl Target {
    /// Reads all of it.
    pub(super) fn read(id: TweetId, user: UserId, draft: &Draft<'_>) -> Result<Self, StoreError> {
        let index = draft.get::<IndexRecord>(Table::Index, &keys::id_key(id))?;
        let Some(IndexRecord { author, deleted: false }) = index else {
            return Err(Refusal::NoTweet(id).into());
        };
        let author = UserId(author);
        let record = draft.required::<TweetRecord>(Table::Tweets, &keys::of_user(author, id))?;
        let by_user = keys::of_user(user, id);
        Ok(Target {
            tweet: Tweet { id, author, record },
            counts: draft.counts(id)?,
            favorited: draft.get(Table::Favorited, &by_user)?,
            retweeted: draft.get(Table::Retweeted, &by_user)?,
        })
    }

    /// The answer.
    pub(super) fn engaged(self, changed: bool) -> Engaged {
        let Target { tweet, counts, favorited, retweeted } = self;
        let seen = Seen { tweet, counts, favorited: favorited.is_some(), retweeted: retweeted.is_some() };
        Engaged { changed, seen }
    }
}
