//! The naive model: all tweets in a map, all retweets and favorites beside it; a list filters and sorts all of them.

use std::collections::BTreeMap;

use base::TweetId;
use proto::timeline::{Engagement, Entry, Selection, Tweet};

use crate::support::Edges;

const DAY_MS: u64 = 86_400_000;

/// A tweet of the model.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) author: u32,
    /// Which tweet it answers, and who wrote that.
    pub(crate) answers: Option<(u64, u32)>,
    pub(crate) deleted: bool,
}

/// Somebody's favorite or retweet of a tweet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Engaged {
    pub(crate) user: u32,
    pub(crate) tweet: u64,
}

/// An entry of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) id: u64,
    pub(crate) tweet: u64,
    pub(crate) retweeter: Option<u32>,
}

/// A tweet with all that is counted, as somebody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) id: u64,
    author: u32,
    /// Comments, favorites, retweets.
    counts: [u64; 3],
    /// Whether who looks favorited and retweeted it.
    flags: [bool; 2],
}

/// All that a page says of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    place: Place,
    seen: Seen,
}

impl From<&Tweet> for Seen {
    fn from(tweet: &Tweet) -> Self {
        Seen {
            id: tweet.id,
            author: tweet.author,
            counts: [tweet.comments_count, tweet.favorites_count, tweet.retweets_count],
            flags: [tweet.favorited, tweet.retweeted],
        }
    }
}

impl From<&Entry> for Shown {
    fn from(entry: &Entry) -> Self {
        let tweet = entry.tweet.as_ref().expect("an entry has its tweet");
        Shown { place: Place { id: entry.id, tweet: tweet.id, retweeter: entry.retweeter }, seen: tweet.into() }
    }
}

/// Everything that was ever posted, by id, and what was made of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) tweets: BTreeMap<u64, Written>,
    /// Retweets that were not taken back, by their ids.
    pub(crate) retweets: BTreeMap<u64, Engaged>,
    /// Favorites that were not taken back, by their places in time.
    pub(crate) favorites: BTreeMap<u64, Engaged>,
}

impl Model {
    /// The home feed of a reader, newest first, word by word as the rules say.
    pub(crate) fn home(&self, reader: u32, edges: &Edges) -> Vec<Place> {
        let follows = |user: u32| user == reader || edges.follows.contains(&(reader, user));
        let hidden = |user: u32| {
            let pair = [(reader, user), (user, reader)];
            edges.mutes.contains(&pair[0]) || pair.iter().any(|pair| edges.blocks.contains(pair))
        };
        let shown = |place: &Place| {
            let tweet = &self.tweets[&place.tweet];
            !hidden(tweet.author)
                && place.retweeter.is_none_or(|retweeter| !hidden(retweeter))
                && tweet.answers.is_none_or(|(answered, author)| {
                    follows(tweet.author) && follows(author) && !hidden(author) && !self.tweets[&answered].deleted
                })
        };
        let mut entries = self.entries(follows);
        entries.retain(shown);
        let time = |place: &Place| TweetId(place.id).time_ms();
        let before = |one: &Place, other: &Place| {
            one.tweet == other.tweet && other.id < one.id && time(other) + DAY_MS > time(one)
        };
        let first = |one: &&Place| !entries.iter().any(|other| before(one, other));
        entries.iter().filter(first).copied().collect()
    }

    /// The streams of some users, merged.
    fn entries(&self, of: impl Fn(u32) -> bool) -> Vec<Place> {
        let own = self.living(|_, tweet| of(tweet.author));
        let retweets = self.retweets.iter().filter(|(_, by)| of(by.user) && !self.tweets[&by.tweet].deleted);
        let retweets = retweets.map(|(&id, by)| Place { id, tweet: by.tweet, retweeter: Some(by.user) });
        let mut entries: Vec<_> = own.into_iter().chain(retweets).collect();
        entries.sort_by_key(|place| std::cmp::Reverse(place.id));
        entries
    }

    /// What a selection of a user's timeline shows to somebody.
    pub(crate) fn timeline(&self, user: u32, selection: Selection, viewer: Option<u32>, edges: &Edges) -> Vec<Place> {
        let by = |engaged: &Engaged| engaged.user == user;
        let mut entries = match selection {
            Selection::Unspecified => self.entries(|other| other == user),
            Selection::Favorited => {
                self.living(|id, tweet| tweet.author == user && self.favorites.values().any(|by| by.tweet == id))
            }
            Selection::Favorites => {
                let favorites = self.favorites.values().rev().filter(|favorite| by(favorite));
                let living = favorites.filter(|favorite| !self.tweets[&favorite.tweet].deleted);
                living.map(|favorite| Place { id: favorite.tweet, tweet: favorite.tweet, retweeter: None }).collect()
            }
            Selection::Activity => self.living(|id, tweet| {
                tweet.author == user || self.favorites.values().any(|favorite| by(favorite) && favorite.tweet == id)
            }),
        };
        let exists = |author: u32| viewer.is_none_or(|viewer| !edges.blocks.contains(&(author, viewer)));
        entries.retain(|place| exists(user) && exists(self.tweets[&place.tweet].author));
        entries
    }

    /// The answers to a tweet that somebody sees; none where that does not exist for them.
    pub(crate) fn comments(&self, id: u64, viewer: Option<u32>, edges: &Edges) -> Option<Vec<Place>> {
        let exists = |author: u32| viewer.is_none_or(|viewer| !edges.blocks.contains(&(author, viewer)));
        let answers = |tweet: &Written| tweet.answers.is_some_and(|(answered, _)| answered == id);
        exists(self.tweets[&id].author).then(|| self.living(|_, tweet| answers(tweet) && exists(tweet.author)))
    }

    /// Who favorited or retweeted a tweet, newest first.
    pub(crate) fn engaged(&self, engagement: Engagement, id: u64) -> Vec<u32> {
        let all = self.engagements(engagement).values().rev();
        all.filter(|engaged| engaged.tweet == id).map(|engaged| engaged.user).collect()
    }

    /// A tweet with all that is counted.
    pub(crate) fn seen(&self, id: u64, viewer: Option<u32>) -> Seen {
        let answers = |tweet: &&Written| !tweet.deleted && tweet.answers.is_some_and(|(answered, _)| answered == id);
        let people = [Engagement::Favorite, Engagement::Retweet].map(|engagement| self.engaged(engagement, id));
        let comments = self.tweets.values().filter(answers).count();
        let counts = [comments, people[0].len(), people[1].len()].map(|count| count as u64);
        let flags = people.map(|people| viewer.is_some_and(|viewer| people.contains(&viewer)));
        Seen { id, author: self.tweets[&id].author, counts, flags }
    }

    /// Entries as a page shows them.
    pub(crate) fn shown(&self, places: Vec<Place>, viewer: Option<u32>) -> Vec<Shown> {
        places.into_iter().map(|place| Shown { seen: self.seen(place.tweet, viewer), place }).collect()
    }

    /// How many tweets an author has.
    pub(crate) fn tweets_count(&self, author: u32) -> u64 {
        self.living(|_, tweet| tweet.author == author).len() as u64
    }

    pub(crate) fn engagements(&self, engagement: Engagement) -> &BTreeMap<u64, Engaged> {
        if engagement == Engagement::Retweet { &self.retweets } else { &self.favorites }
    }

    pub(crate) fn engagements_mut(&mut self, engagement: Engagement) -> &mut BTreeMap<u64, Engaged> {
        if engagement == Engagement::Retweet { &mut self.retweets } else { &mut self.favorites }
    }

    /// The tweets that are not deleted and wanted, newest first.
    pub(crate) fn living(&self, wanted: impl Fn(u64, &Written) -> bool) -> Vec<Place> {
        let tweets = self.tweets.iter().rev().filter(|&(&id, tweet)| !tweet.deleted && wanted(id, tweet));
        tweets.map(|(&id, _)| Place { id, tweet: id, retweeter: None }).collect()
    }
}
