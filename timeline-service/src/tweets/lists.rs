//! The lists that refer to a tweet, and those of what a user favorited.
//!
//! A tweet's death is written in its index entry alone: a list may name tweets that are deleted, and who reads it asks.

use base::{TweetId, UserId};

use super::keys::{self, Table};
use super::record::{
    EngagementRecord, FavoritedRecord, FavoritedTweetRecord, IndexRecord, ReplyRecord, RetweetedRecord,
    UserFavoriteRecord,
};
use super::view::View;
use crate::core::merge::Order;
use crate::core::page::Between;
use crate::core::rules::Facts;
use crate::error::StoreError;

/// What somebody can do to a tweet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engagement {
    Favorite,
    Retweet,
}

/// A tweet that a list names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub id: TweetId,
    pub author: UserId,
}

impl View {
    /// Who favorited or retweeted a tweet, by the ids of the favorites or retweets.
    pub(crate) fn engaged(
        &self,
        engagement: Engagement,
        tweet: TweetId,
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, UserId), StoreError>> {
        let table = match engagement {
            Engagement::Favorite => Table::Favorites,
            Engagement::Retweet => Table::Retweets,
        };
        let scan = self.scan::<EngagementRecord>(table, &keys::id_key(tweet), order, between);
        scan.map(|item| item.map(|(id, record)| (id, UserId(record.user))))
    }

    /// The answers to a tweet, deleted ones too.
    pub(crate) fn answers(
        &self,
        tweet: TweetId,
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<Named, StoreError>> {
        let scan = self.scan::<ReplyRecord>(Table::Replies, &keys::id_key(tweet), order, between);
        scan.map(|item| item.map(|(id, record)| Named { id, author: UserId(record.author) }))
    }

    /// What a user favorited, by the ids of the favorites; deleted tweets too.
    pub(crate) fn favorites_of(
        &self,
        user: UserId,
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, Named), StoreError>> {
        let scan = self.scan::<UserFavoriteRecord>(Table::UserFavorites, &keys::author_key(user), order, between);
        let named = |record: UserFavoriteRecord| Named { id: TweetId(record.tweet), author: UserId(record.author) };
        scan.map(move |item| item.map(|(id, record)| (id, named(record))))
    }

    /// What a user favorited, by the ids of the tweets; deleted ones too.
    pub(crate) fn favorited_by(
        &self,
        user: UserId,
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<Named, StoreError>> {
        let scan = self.scan::<FavoritedRecord>(Table::Favorited, &keys::author_key(user), order, between);
        scan.map(|item| item.map(|(id, record)| Named { id, author: UserId(record.author) }))
    }

    /// The tweets of an author that somebody favorited; none of them is deleted.
    pub(crate) fn favorited_tweets(
        &self,
        author: UserId,
        order: Order,
        between: Between,
    ) -> impl Iterator<Item = Result<Named, StoreError>> {
        let key = keys::author_key(author);
        let scan = self.scan::<FavoritedTweetRecord>(Table::FavoritedTweets, &key, order, between);
        scan.map(move |item| item.map(|(id, _)| Named { id, author }))
    }

    /// Who wrote a tweet, deleted or not; none where there never was one.
    pub(crate) fn wrote(&self, tweet: TweetId) -> Result<Option<UserId>, StoreError> {
        let index = self.get::<IndexRecord>(Table::Index, &keys::id_key(tweet))?;
        Ok(index.map(|index| UserId(index.author)))
    }
}

impl Facts for View {
    type Error = StoreError;

    fn is_deleted(&self, tweet: TweetId) -> Result<bool, StoreError> {
        Ok(self.author_of(tweet)?.is_none())
    }

    fn retweeters(
        &self,
        tweet: TweetId,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, UserId), StoreError>> {
        self.engaged(Engagement::Retweet, tweet, Order::NewestFirst, between)
    }

    fn retweet_of(&self, user: UserId, tweet: TweetId) -> Result<Option<TweetId>, StoreError> {
        let retweeted = self.get::<RetweetedRecord>(Table::Retweeted, &keys::of_user(user, tweet))?;
        Ok(retweeted.map(|retweeted| TweetId(retweeted.id)))
    }
}
