//! Deleting a tweet.

use base::{TweetId, UserId};

use super::{Command, Draft, Effect};
use crate::error::{Refusal, StoreError};
use crate::tweets::keys::{self, Table};
use crate::tweets::record::{AuthorRecord, CountsRecord, FavoritedTweetRecord, IndexRecord, TweetRecord};

/// A tweet that is to be deleted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Delete {
    pub id: TweetId,
    /// Who asks.
    pub user: UserId,
}

impl Command for Delete {
    type Outcome = bool;

    fn actor(&self) -> UserId {
        self.user
    }

    /// Takes the tweet away, its text for good; answers whether it was still there. What refers to it, however much that
    /// is, stays: the index entry says that the tweet is gone.
    fn apply(&mut self, _: TweetId, draft: &mut Draft<'_>) -> Result<bool, StoreError> {
        let Delete { id, user } = *self;
        let index_key = keys::id_key(id);
        let index = draft.get::<IndexRecord>(Table::Index, &index_key)?.ok_or(Refusal::NoTweet(id))?;
        if index.author != user.0 {
            return Err(Refusal::NotTheAuthor.into());
        }
        if index.deleted {
            return Ok(false);
        }
        let tweet_key = keys::of_user(user, id);
        let author_key = keys::author_key(user);
        let record = draft.required::<TweetRecord>(Table::Tweets, &tweet_key)?;
        let mut of_author = draft.required::<AuthorRecord>(Table::Authors, &author_key)?;
        let answered = match record.in_reply_to {
            0 => None,
            answered => {
                let counts = draft.required::<CountsRecord>(Table::Counts, &keys::id_key(TweetId(answered)))?;
                Some((TweetId(answered), counts))
            }
        };
        let is_favorited = draft.get::<FavoritedTweetRecord>(Table::FavoritedTweets, &tweet_key)?.is_some();

        draft.remove(Table::Tweets, &tweet_key);
        draft.put(Table::Index, &index_key, &IndexRecord { deleted: true, ..index });
        of_author.tweets = of_author.tweets.saturating_sub(1);
        draft.put(Table::Authors, &author_key, &of_author);
        draft.affect(Effect::Left { author: user, id });
        if is_favorited {
            draft.remove(Table::FavoritedTweets, &tweet_key);
        }
        if let Some((answered, counts)) = answered {
            draft.put_counts(answered, CountsRecord { comments: counts.comments.saturating_sub(1), ..counts });
        }
        Ok(true)
    }
}
