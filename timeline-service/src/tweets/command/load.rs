//! Many tweets at once, from elsewhere.

use std::collections::BTreeMap;

use base::{TweetId, UserId};
use proto::timeline::Entities;

use super::{Command, Draft, Effect, Tweet};
use crate::error::StoreError;
use crate::ids;
use crate::tweets::keys::{self, Table};
use crate::tweets::record::{AuthorRecord, IndexRecord, TweetRecord};

/// Tweets that are to be written together, or not at all. They answer nothing, and nobody is notified of them.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub tweets: Vec<Loaded>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub author: UserId,
    pub text: String,
    pub entities: Entities,
}

impl Command for Load {
    type Outcome = Vec<TweetId>;

    fn actor(&self) -> UserId {
        self.tweets.first().map_or(UserId(0), |first| first.author)
    }

    fn ids(&self) -> u64 {
        self.tweets.len() as u64
    }

    fn apply(&mut self, first: TweetId, draft: &mut Draft<'_>) -> Result<Vec<TweetId>, StoreError> {
        let mut authors: BTreeMap<UserId, AuthorRecord> = BTreeMap::new();
        for Loaded { author, .. } in &self.tweets {
            authors.entry(*author).or_default();
        }
        for (author, of_author) in &mut authors {
            *of_author = draft.get(Table::Authors, &keys::author_key(*author))?.unwrap_or_default();
        }

        let mut made = Vec::with_capacity(self.tweets.len());
        for (place, Loaded { author, text, entities }) in self.tweets.drain(..).enumerate() {
            let id = ids::further(first, place as u64, author);
            let record = TweetRecord { text, entities: Some(entities), ..TweetRecord::default() };
            draft.put(Table::Tweets, &keys::of_user(author, id), &record);
            draft.put(Table::Index, &keys::id_key(id), &IndexRecord { author: author.0, deleted: false });
            let of_author = authors.entry(author).or_default();
            of_author.reach(id);
            of_author.tweets += 1;
            draft.keep(id);
            draft.affect(Effect::Entered { tweet: Tweet { id, author, record }, is_first_retweet: false });
            made.push(id);
        }
        for (author, of_author) in &authors {
            draft.put(Table::Authors, &keys::author_key(*author), of_author);
        }
        Ok(made)
    }
}
