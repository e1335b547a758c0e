//! What was said and liked, as plain lists.

use base::cursor::{self, CursorKind};
use base::{Error, TweetId, UserId};
use proto::common::PageRequest;
use proto::timeline::{Engagement, Entry, Selection, Tweet};

/// What was said and liked, in the order in which it came about.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Ids that were given out.
    given: u16,
    pub(super) tweets: Vec<Tweet>,
    pub(super) deleted: Vec<u64>,
    pub(super) engaged: Vec<Engaged>,
    pub(super) keys: Vec<(u32, String, u64)>,
    pub(super) asked_at_least: Option<String>,
    /// Pages that were told to be what they were.
    pub(super) unchanged: usize,
}

/// One favorite, or one retweet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Engaged {
    pub(super) engagement: Engagement,
    pub(super) id: u64,
    pub(super) user: u32,
    pub(super) tweet: u64,
}

/// A place of a timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Spot {
    pub(super) id: u64,
    pub(super) tweet: u64,
    pub(super) retweeter: Option<u32>,
}

impl State {
    /// An id that is greater than all before.
    pub(super) fn next_id(&mut self, now_ms: u64, user: u32) -> u64 {
        self.given += 1;
        TweetId::from_parts(now_ms - TweetId::EPOCH_MS, self.given, UserId(user)).0
    }

    /// A tweet that is not deleted.
    pub(super) fn find(&self, id: u64) -> Option<&Tweet> {
        self.tweets.iter().find(|tweet| tweet.id == id && !self.deleted.contains(&id))
    }

    /// Those who favorited or retweeted a tweet, newest first.
    pub(super) fn engaged_in(&self, engagement: Engagement, tweet: u64) -> Vec<Engaged> {
        let of = |engaged: &&Engaged| engaged.engagement == engagement && engaged.tweet == tweet;
        self.engaged.iter().rev().filter(of).copied().collect()
    }

    /// A tweet with its counts, as `viewer` sees it.
    pub(super) fn shown(&self, tweet: &Tweet, viewer: Option<u32>) -> Tweet {
        let favorites = self.engaged_in(Engagement::Favorite, tweet.id);
        let retweets = self.engaged_in(Engagement::Retweet, tweet.id);
        let by_viewer = |engaged: &[Engaged]| engaged.iter().any(|engaged| Some(engaged.user) == viewer);
        Tweet {
            comments_count: self.comments_on(tweet.id).len() as u64,
            favorites_count: favorites.len() as u64,
            retweets_count: retweets.len() as u64,
            favorited: by_viewer(&favorites),
            retweeted: by_viewer(&retweets),
            ..tweet.clone()
        }
    }

    /// The answers to a tweet, newest first.
    pub(super) fn comments_on(&self, id: u64) -> Vec<Spot> {
        self.spots(|tweet| tweet.in_reply_to == id)
    }

    /// What a user posted and retweeted, newest first.
    pub(super) fn stream(&self, user: u32) -> Vec<Spot> {
        let mut stream = self.spots(|tweet| tweet.author == user);
        let retweets = self.engaged.iter().filter(|engaged| engaged.engagement == Engagement::Retweet);
        let retweets = retweets.filter(|engaged| engaged.user == user && self.find(engaged.tweet).is_some());
        stream.extend(retweets.map(|engaged| Spot { id: engaged.id, tweet: engaged.tweet, retweeter: Some(user) }));
        newest_first(stream)
    }

    /// Which tweets of a user, newest first.
    pub(super) fn selected(&self, user: u32, selection: Selection) -> Vec<Spot> {
        let favorites = self.engaged.iter().rev();
        let favorites = favorites.filter(|engaged| {
            engaged.engagement == Engagement::Favorite && engaged.user == user && self.find(engaged.tweet).is_some()
        });
        let favorites = || favorites.clone();
        match selection {
            Selection::Unspecified => self.stream(user),
            Selection::Favorited => {
                self.spots(|tweet| tweet.author == user && !self.engaged_in(Engagement::Favorite, tweet.id).is_empty())
            }
            Selection::Favorites => {
                favorites().map(|engaged| Spot { id: engaged.id, tweet: engaged.tweet, retweeter: None }).collect()
            }
            Selection::Activity => {
                self.spots(|tweet| tweet.author == user || favorites().any(|engaged| engaged.tweet == tweet.id))
            }
        }
    }

    /// The feed of somebody who follows `followees`, newest first, each tweet once, where it came first.
    pub(super) fn feed(&self, user: u32, followees: &[u32]) -> Vec<Spot> {
        let streams = std::iter::once(&user).chain(followees).flat_map(|author| self.stream(*author));
        let mut feed: Vec<Spot> = Vec::new();
        for spot in newest_first(streams.collect()).into_iter().rev() {
            if !feed.iter().any(|shown| shown.tweet == spot.tweet) {
                feed.push(spot);
            }
        }
        newest_first(feed)
    }

    /// Entries with their tweets, as `viewer` sees them.
    pub(super) fn entries(&self, spots: Vec<Spot>, viewer: Option<u32>) -> Vec<Entry> {
        let entry = |spot: Spot| {
            let tweet = self.find(spot.tweet).map(|tweet| self.shown(tweet, viewer));
            Entry { tweet, id: spot.id, retweeter: spot.retweeter, explanation: None }
        };
        spots.into_iter().map(entry).collect()
    }

    fn spots(&self, passes: impl Fn(&Tweet) -> bool) -> Vec<Spot> {
        let there = self.tweets.iter().rev().filter(|tweet| !self.deleted.contains(&tweet.id) && passes(tweet));
        there.map(|tweet| Spot { id: tweet.id, tweet: tweet.id, retweeter: None }).collect()
    }
}

fn newest_first(mut spots: Vec<Spot>) -> Vec<Spot> {
    spots.sort_by_key(|spot| std::cmp::Reverse(spot.id));
    spots
}

/// A page of `all`, and the cursors of the next one and the one before.
pub(super) fn cut<T: Clone>(
    all: &[T],
    page: Option<PageRequest>,
    number: u32,
    kind: CursorKind,
) -> Result<(Vec<T>, String, String), Error> {
    let PageRequest { limit, cursor } = page.unwrap_or_default();
    let limit = limit as usize;
    let offset = match (cursor.as_str(), number) {
        ("", 0) => 0,
        ("", number) => (number as usize - 1) * limit,
        (cursor, _) => {
            let [offset] =
                cursor::decode(kind, cursor).map_err(|bad| Error::invalid("page.cursor", bad.to_string()))?;
            offset as usize
        }
    };
    let cursor = |offset: usize| cursor::encode(kind, &[offset as u64]);
    let next_cursor = if offset + limit < all.len() { cursor(offset + limit) } else { String::new() };
    let prev_cursor = if offset > 0 { cursor(offset.saturating_sub(limit)) } else { String::new() };
    Ok((all.iter().skip(offset).take(limit).cloned().collect(), next_cursor, prev_cursor))
}
