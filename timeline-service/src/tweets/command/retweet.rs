//! Retweeting a tweet.

use base::{TweetId, UserId};
use proto::timeline::NotificationKind;

use super::engagement::{Engaged, Target};
use super::{Command, Draft, Effect, Tweet};
use crate::error::StoreError;
use crate::tweets::keys::{self, Table};
use crate::tweets::record::{AuthorRecord, EngagementRecord, IndexRecord, RetweetedRecord, TweetRecord};

/// A tweet that is to be retweeted, or no longer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retweet {
    pub tweet: TweetId,
    pub user: UserId,
    /// False takes it back.
    pub engaged: bool,
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
    fn apply(&mut self, id: TweetId, draft: &mut Draft<'_>) -> Result<Engaged, StoreError> {
        let Retweet { tweet, user, engaged } = *self;
        let mut target = Target::read(tweet, user, draft)?;
        match (target.retweeted, engaged) {
            (Some(_), true) | (None, false) => return Ok(target.engaged(false)),
            (None, true) => {
                let of_user = draft.get::<AuthorRecord>(Table::Authors, &keys::author_key(user))?.unwrap_or_default();
                let kind = NotificationKind::Retweet;
                let notice = draft.notice(target.tweet.author, kind, tweet, &[user], id)?;
                let is_dead = answers_deleted(&target.tweet, draft)?;
                add(&mut target, id, user, of_user, is_dead, draft);
                draft.notify(notice);
            }
            (Some(RetweetedRecord { id }), false) => remove(&mut target, TweetId(id), user, draft),
        }
        Ok(target.engaged(true))
    }
}

/// Whether what a tweet answers is deleted.
fn answers_deleted(tweet: &Tweet, draft: &Draft<'_>) -> Result<bool, StoreError> {
    let Some((answered, _)) = tweet.origin().answers else { return Ok(false) };
    let index = draft.get::<IndexRecord>(Table::Index, &keys::id_key(answered))?;
    Ok(index.is_none_or(|index| index.deleted))
}

fn add(
    target: &mut Target,
    id: TweetId,
    user: UserId,
    mut of_user: AuthorRecord,
    is_dead: bool,
    draft: &mut Draft<'_>,
) {
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
    let is_first_retweet = target.counts.retweets == 0;
    target.counts.retweets += 1;
    target.retweeted = Some(retweeted);
    draft.put_counts(tweet.id, target.counts);
    draft.keep(id);
    draft.affect(match is_dead {
        true => Effect::EnteredDead { retweeter: user, id },
        false => Effect::Entered { tweet: Tweet { id, author: user, record }, is_first_retweet },
    });
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base::clock::ManualClock;
    use base::disk::RealDisk;

    use super::*;
    use crate::settings::Settings;
    use crate::tweets::Store;
    use crate::tweets::command::{Delete, NewTweet};
    use crate::tweets::record::StateRecord;

    #[test]
    fn those_who_keep_streams_in_memory_learn_of_all_that_enters_and_leaves() -> Result<(), Box<dyn std::error::Error>>
    {
        let folder = tempfile::tempdir()?;
        let settings = Settings { folder: folder.path().to_owned(), ..Settings::default() };
        let memory = Arc::new(Arc::new(crate::tweets::bounds::Bounds::new()));
        let store = Store::open(&settings, &RealDisk, Arc::new(ManualClock::new(TweetId::EPOCH_MS)), memory)?;
        let view = store.view();
        let mut draft = Draft::new(&view, StateRecord::default());
        let mut new = NewTweet {
            author: UserId(1),
            text: "text".to_owned(),
            in_reply_to: None,
            entities: proto::timeline::Entities::default(),
            place: None,
            idempotency_key: String::new(),
        };
        let tweet = new.apply(TweetId(100), &mut draft)?;
        let retweet = |user| Retweet { tweet: tweet.id, user: UserId(user), engaged: true };
        assert!(retweet(2).apply(TweetId(200), &mut draft)?.changed);
        assert!(!retweet(2).apply(TweetId(300), &mut draft)?.changed);
        assert!(retweet(3).apply(TweetId(400), &mut draft)?.changed);
        let mut back = Retweet { engaged: false, ..retweet(2) };
        let answer = back.apply(TweetId(500), &mut draft)?;
        assert_eq!((answer.changed, answer.seen.counts.retweets, answer.seen.retweeted), (true, 1, false));
        assert!(Delete { id: tweet.id, user: UserId(1) }.apply(TweetId(600), &mut draft)?);

        let record = TweetRecord { retweet_of: 100, retweet_of_author: 1, ..TweetRecord::default() };
        let retweet = |id, user| Tweet { id: TweetId(id), author: UserId(user), record: record.clone() };
        let entered = |tweet, is_first_retweet| Effect::Entered { tweet, is_first_retweet };
        let left = |id, user| Effect::Left { author: UserId(user), id: TweetId(id) };
        let [of_two, of_three] = [retweet(200, 2), retweet(400, 3)];
        assert_eq!(of_three.origin().shown, tweet.id, "so the end of the tweet is the end of its retweet");
        let counted = || Effect::Counted(TweetId(100));
        let expected = [
            entered(tweet, false),
            counted(),
            entered(of_two, true),
            counted(),
            entered(of_three, false),
            counted(),
            left(200, 2),
            left(100, 1),
        ];
        assert_eq!(draft.effects, expected);
        assert_eq!(draft.state.greatest, 400, "what changed nothing needs no id");
        Ok(())
    }
}
