//! Retweeting a tweet.

use base::{TweetId, UserId};

use super::engagement::{Engaged, Target};
use super::{Command, Draft, Effect, Tweet};
use crate::error::{Refusal, StoreError};
use crate::tweets::keys::{self, Table};
use crate::tweets::record::{AuthorRecord, EngagementRecord, RetweetedRecord, TweetRecord};

/// A tweet that is to be retweeted, or no longer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retweet {
    pub tweet: TweetId,
    pub user: UserId,
    /// False takes it back.
    pub engaged: bool,
    /// A block stands between the user and the author: no retweet can come about, but one can be there, and end.
    pub blocked: bool,
}

impl Command for Retweet {
    type Outcome = Engaged;

    fn actor(&self) -> UserId {
        self.user
    }

    fn answers(&self) -> Option<TweetId> {
        Some(self.tweet)
    }

    /// Makes it so; nothing changes where it was so before. `id` is the retweet's place in the streams.
    fn apply(&self, id: TweetId, draft: &mut Draft<'_>) -> Result<Engaged, StoreError> {
        let Retweet { tweet, user, engaged, blocked } = *self;
        let mut target = Target::read(tweet, user, draft)?;
        match (target.retweeted, engaged) {
            (Some(_), true) | (None, false) => return Ok(target.engaged(false)),
            (None, true) if blocked => return Err(Refusal::Blocked.into()),
            (None, true) => {
                let of_user = draft.get::<AuthorRecord>(Table::Authors, &keys::author_key(user))?.unwrap_or_default();
                add(&mut target, id, user, of_user, draft);
            }
            (Some(RetweetedRecord { id }), false) => remove(&mut target, TweetId(id), user, draft),
        }
        Ok(target.engaged(true))
    }
}

fn add(target: &mut Target, id: TweetId, user: UserId, mut of_user: AuthorRecord, draft: &mut Draft<'_>) {
    let tweet = &target.tweet;
    let record = TweetRecord {
        in_reply_to: tweet.record.in_reply_to,
        in_reply_to_author: tweet.record.in_reply_to_author,
        retweet_of: tweet.id.0,
        retweet_of_author: tweet.author.0,
        ..TweetRecord::default()
    };
    let retweeted = RetweetedRecord { id: id.0 };
    draft.put(Table::Tweets, &keys::of_user(user, id), &record);
    draft.put(Table::Retweets, &keys::of_tweet(tweet.id, id), &EngagementRecord { user: user.0 });
    draft.put(Table::Retweeted, &keys::of_user(user, tweet.id), &retweeted);
    of_user.reach(id);
    draft.put(Table::Authors, &keys::author_key(user), &of_user);
    target.counts.retweets += 1;
    target.retweeted = Some(retweeted);
    draft.put_counts(tweet.id, target.counts);
    draft.keep(id);
    draft.affect(Effect::Entered(Tweet { id, author: user, record }));
}

fn remove(target: &mut Target, id: TweetId, user: UserId, draft: &mut Draft<'_>) {
    let tweet = target.tweet.id;
    draft.remove(Table::Tweets, &keys::of_user(user, id));
    draft.remove(Table::Retweets, &keys::of_tweet(tweet, id));
    draft.remove(Table::Retweeted, &keys::of_user(user, tweet));
    target.counts.retweets = target.counts.retweets.saturating_sub(1);
    target.retweeted = None;
    draft.put_counts(tweet, target.counts);
    draft.affect(Effect::Left { author: user, id });
}
