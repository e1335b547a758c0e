//! The naive model: all tweets in a map; a feed filters and sorts all of them.

use std::collections::BTreeMap;

use crate::support::Edges;

/// A tweet of the model.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) author: u32,
    /// Which tweet it answers, and who wrote that.
    pub(crate) answers: Option<(u64, u32)>,
    pub(crate) deleted: bool,
}

/// Everything that was ever posted, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) tweets: BTreeMap<u64, Written>,
}

impl Model {
    /// The home feed of a reader, newest first, word by word as the rules say.
    pub(crate) fn home(&self, reader: u32, edges: &Edges) -> Vec<u64> {
        let follows = |user: u32| user == reader || edges.follows.contains(&(reader, user));
        let hidden = |user: u32| {
            let pair = [(reader, user), (user, reader)];
            edges.mutes.contains(&pair[0]) || pair.iter().any(|pair| edges.blocks.contains(pair))
        };
        let shown = |tweet: &Written| {
            !tweet.deleted
                && follows(tweet.author)
                && !hidden(tweet.author)
                && tweet.answers.is_none_or(|(answered, author)| {
                    follows(author) && !hidden(author) && !self.tweets[&answered].deleted
                })
        };
        self.tweets.iter().rev().filter(|(_, tweet)| shown(tweet)).map(|(id, _)| *id).collect()
    }

    /// What a user posted, newest first.
    pub(crate) fn of(&self, author: u32) -> Vec<u64> {
        let own = |tweet: &Written| tweet.author == author && !tweet.deleted;
        self.tweets.iter().rev().filter(|(_, tweet)| own(tweet)).map(|(id, _)| *id).collect()
    }

    /// How many tweets answer this one.
    pub(crate) fn comments(&self, id: u64) -> u64 {
        let answers = |tweet: &&Written| !tweet.deleted && tweet.answers.is_some_and(|(answered, _)| answered == id);
        self.tweets.values().filter(answers).count() as u64
    }
}
