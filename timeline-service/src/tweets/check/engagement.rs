//! Retweets and favorites, each list against the others and against the counts.

use base::{TweetId, UserId};
use prost::Message;

use super::Check;
use crate::error::StoreError;
use crate::tweets::keys::{self, Table};
use crate::tweets::record::{
    CountsRecord, EngagementRecord, FavoritedRecord, FavoritedTweetRecord, IndexRecord, RetweetedRecord, TweetRecord,
    UserFavoriteRecord,
};

impl Check<'_> {
    /// A retweet in its retweeter's stream.
    pub(super) fn retweet(&mut self, user: UserId, id: TweetId, record: &TweetRecord) -> Result<(), StoreError> {
        let tweet = TweetId(record.retweet_of);
        let by = self.get::<EngagementRecord>(Table::Retweets, &keys::of_tweet(tweet, id))?;
        if by.is_none_or(|by| by.user != user.0) {
            self.find(format!("retweet {id} of {tweet} by {user}: the tweet's list says {by:?}"));
        }
        let of = self.get::<IndexRecord>(Table::Index, &keys::id_key(tweet))?;
        if of.as_ref().is_none_or(|of| of.author != record.retweet_of_author) || id <= tweet || id.0 > self.greatest {
            self.find(format!("retweet {id} of {tweet} by {user}: the tweet's index entry is {of:?}"));
        }
        Ok(())
    }

    /// The lists of those who retweeted and favorited, by tweet, against the counts.
    pub(super) fn engagements(&mut self) -> Result<(), StoreError> {
        self.listed(Table::Retweets, |counts| counts.retweets, Self::retweeted_by)?;
        self.listed(Table::Favorites, |counts| counts.favorites, Self::favorited_by)?;
        self.each_of_user::<RetweetedRecord>(Table::Retweeted, |check, user, tweet, retweeted| {
            let key = keys::of_tweet(tweet, TweetId(retweeted.id));
            check.agrees(Table::Retweeted, Table::Retweets, &key, user)
        })?;
        self.each_of_user::<FavoritedRecord>(Table::Favorited, |check, user, tweet, favorited| {
            check.wrote(Table::Favorited, tweet, favorited.author)?;
            let key = keys::of_tweet(tweet, TweetId(favorited.id));
            check.agrees(Table::Favorited, Table::Favorites, &key, user)
        })?;
        self.each_of_user::<UserFavoriteRecord>(Table::UserFavorites, |check, user, id, favorite| {
            check.wrote(Table::UserFavorites, TweetId(favorite.tweet), favorite.author)?;
            check.agrees(Table::UserFavorites, Table::Favorites, &keys::of_tweet(TweetId(favorite.tweet), id), user)
        })?;
        self.each_of_user::<FavoritedTweetRecord>(Table::FavoritedTweets, |check, author, tweet, _| {
            let index = check.get::<IndexRecord>(Table::Index, &keys::id_key(tweet))?;
            if index != Some(IndexRecord { author: author.0, deleted: false }) || check.counts(tweet)?.favorites == 0 {
                check.find(format!("favorited_tweets: {tweet} of {author} is deleted, or has no favorites"));
            }
            Ok(())
        })
    }

    /// That a tweet with favorites is among its author's.
    pub(super) fn is_among_favorited(&mut self, tweet: TweetId) -> Result<(), StoreError> {
        if let Some(IndexRecord { author, deleted: false }) = self.get(Table::Index, &keys::id_key(tweet))? {
            let key = keys::of_user(UserId(author), tweet);
            if self.get::<FavoritedTweetRecord>(Table::FavoritedTweets, &key)?.is_none() {
                self.find(format!("tweet {tweet}: has favorites, and is not among the favorited of {author}"));
            }
        }
        Ok(())
    }

    /// Each entry of a list by itself, and the length of each list.
    fn listed(
        &mut self,
        table: Table,
        counted: fn(CountsRecord) -> u64,
        entry: fn(&mut Self, TweetId, TweetId, UserId) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut current = None;
        let mut len = 0;
        self.each::<EngagementRecord>(table, |check, key, by| {
            let (Some(tweet), Some(id)) = (keys::first_id(key), keys::last_id(key)) else {
                check.find(format!("{}: {key:?} is no key", table.name()));
                return Ok(());
            };
            if current != Some(tweet) {
                check.len(table, current, len, counted)?;
                (current, len) = (Some(tweet), 0);
                if check.get::<IndexRecord>(Table::Index, &keys::id_key(tweet))?.is_none() {
                    check.find(format!("{}: {id} is of {tweet}, which never was", table.name()));
                }
            }
            len += 1;
            if id.0 > check.greatest {
                check.find(format!("{}: {id} is greater than the greatest", table.name()));
            }
            entry(check, tweet, id, UserId(by.user))
        })?;
        self.len(table, current, len, counted)
    }

    fn len(
        &mut self,
        table: Table,
        tweet: Option<TweetId>,
        len: u64,
        counted: fn(CountsRecord) -> u64,
    ) -> Result<(), StoreError> {
        let Some(tweet) = tweet else { return Ok(()) };
        let stored = counted(self.counts(tweet)?);
        if stored != len {
            self.find(format!("tweet {tweet}: has {stored} {}, and {len} are there", table.name()));
        }
        Ok(())
    }

    fn retweeted_by(&mut self, tweet: TweetId, id: TweetId, user: UserId) -> Result<(), StoreError> {
        let retweeted = self.get::<RetweetedRecord>(Table::Retweeted, &keys::of_user(user, tweet))?;
        let entry = self.get::<TweetRecord>(Table::Tweets, &keys::of_user(user, id))?;
        if retweeted != Some(RetweetedRecord { id: id.0 }) || entry.is_none_or(|entry| entry.retweet_of != tweet.0) {
            self.find(format!("retweet {id} of {tweet} by {user}: {retweeted:?}, or is not in the stream"));
        }
        Ok(())
    }

    fn favorited_by(&mut self, tweet: TweetId, id: TweetId, user: UserId) -> Result<(), StoreError> {
        let favorited = self.get::<FavoritedRecord>(Table::Favorited, &keys::of_user(user, tweet))?;
        let favorite = self.get::<UserFavoriteRecord>(Table::UserFavorites, &keys::of_user(user, id))?;
        let agree = favorited.is_some_and(|favorited| favorited.id == id.0)
            && favorite.is_some_and(|favorite| favorite.tweet == tweet.0);
        if !agree {
            self.find(format!("favorite {id} of {tweet} by {user}: {favorited:?}, {favorite:?}"));
        }
        Ok(())
    }

    /// That the list of a tweet has this user where `from` says.
    fn agrees(&mut self, from: Table, list: Table, key: &[u8], user: UserId) -> Result<(), StoreError> {
        let by = self.get::<EngagementRecord>(list, key)?;
        if by != Some(EngagementRecord { user: user.0 }) {
            self.find(format!("{}: {user} at {key:?} of {}, which has {by:?}", from.name(), list.name()));
        }
        Ok(())
    }

    fn wrote(&mut self, from: Table, tweet: TweetId, author: u32) -> Result<(), StoreError> {
        let index = self.get::<IndexRecord>(Table::Index, &keys::id_key(tweet))?;
        if index.as_ref().is_none_or(|index| index.author != author) {
            self.find(format!("{}: {tweet} of {author}: its index entry is {index:?}", from.name()));
        }
        Ok(())
    }

    fn each_of_user<M: Message + Default>(
        &mut self,
        table: Table,
        mut visit: impl FnMut(&mut Self, UserId, TweetId, M) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.each::<M>(table, |check, key, record| match (keys::first_user(key), keys::last_id(key)) {
            (Some(user), Some(id)) => visit(check, user, id, record),
            _ => {
                check.find(format!("{}: {key:?} is no key", table.name()));
                Ok(())
            }
        })
    }
}
