//! Favoriting a tweet.

use base::{TweetId, UserId};
use proto::timeline::NotificationKind;

use super::engagement::{Engaged, Target};
use super::{Command, Draft};
use crate::error::StoreError;
use crate::tweets::keys::{self, Table};
use crate::tweets::record::{EngagementRecord, FavoritedRecord, FavoritedTweetRecord, UserFavoriteRecord};

/// A tweet that is to be favorited, or no longer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Favorite {
    pub tweet: TweetId,
    pub user: UserId,
    /// False takes it back.
    pub engaged: bool,
}

impl Command for Favorite {
    type Outcome = Engaged;

    fn actor(&self) -> UserId {
        self.user
    }

    fn answers(&self) -> Option<TweetId> {
        Some(self.tweet)
    }

    /// Makes it so; nothing changes where it was so before. `id` is the favorite's place in the lists.
    fn apply(&mut self, id: TweetId, draft: &mut Draft<'_>) -> Result<Engaged, StoreError> {
        let Favorite { tweet, user, engaged } = *self;
        let mut target = Target::read(tweet, user, draft)?;
        match (target.favorited, engaged) {
            (Some(_), true) | (None, false) => return Ok(target.engaged(false)),
            (None, true) => {
                let kind = NotificationKind::Favorite;
                let notice = draft.notice(target.tweet.author, kind, tweet, &[user], id)?;
                add(&mut target, id, user, draft);
                draft.notify(notice);
            }
            (Some(FavoritedRecord { id, .. }), false) => remove(&mut target, TweetId(id), user, draft),
        }
        Ok(target.engaged(true))
    }
}

fn add(target: &mut Target, id: TweetId, user: UserId, draft: &mut Draft<'_>) {
    let (tweet, author) = (target.tweet.id, target.tweet.author);
    let favorited = FavoritedRecord { id: id.0, author: author.0 };
    draft.put(Table::Favorites, &keys::of_tweet(tweet, id), &EngagementRecord { user: user.0 });
    let by_user = UserFavoriteRecord { tweet: tweet.0, author: author.0 };
    draft.put(Table::UserFavorites, &keys::of_user(user, id), &by_user);
    draft.put(Table::Favorited, &keys::of_user(user, tweet), &favorited);
    if target.counts.favorites == 0 {
        draft.put(Table::FavoritedTweets, &keys::of_user(author, tweet), &FavoritedTweetRecord {});
    }
    target.counts.favorites += 1;
    target.favorited = Some(favorited);
    draft.put_counts(tweet, target.counts);
    draft.keep(id);
}

fn remove(target: &mut Target, id: TweetId, user: UserId, draft: &mut Draft<'_>) {
    let (tweet, author) = (target.tweet.id, target.tweet.author);
    draft.remove(Table::Favorites, &keys::of_tweet(tweet, id));
    draft.remove(Table::UserFavorites, &keys::of_user(user, id));
    draft.remove(Table::Favorited, &keys::of_user(user, tweet));
    target.counts.favorites = target.counts.favorites.saturating_sub(1);
    target.favorited = None;
    if target.counts.favorites == 0 {
        draft.remove(Table::FavoritedTweets, &keys::of_user(author, tweet));
    }
    draft.put_counts(tweet, target.counts);
}
