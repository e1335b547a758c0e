//! Whether everything that is stored fits together.
//!
//! One walk through each table, in the order of its keys, so that it takes no memory to speak of however much there is:
//!
//! - every record can be read;
//! - a tweet has an index entry that names its author and calls it not deleted, and the other way round; a retweet has none,
//!   and retweets something;
//! - an author's figures are those of the tweets that are there;
//! - a tweet has as many comments as answers that are not deleted, and an answer answers something;
//! - who retweeted or favorited a tweet is in its list, and the tweet in theirs, and both lists are as long as is counted;
//! - the favorited tweets of an author are those that have favorites and are not deleted;
//! - what says that a notification is kept, unread, or to be joined says so of one that is, and the other way round;
//! - whoever did what somebody is notified of is remembered as told, and nobody else is;
//! - a tweet that is to be told to subscribers is its author's;
//! - an idempotency key and its age name each other, and there are as many as the state says;
//! - no id is greater than the greatest.

mod engagement;
mod inboxes;

use base::{TweetId, UserId};
use prost::Message;

use super::keys::{self, Table};
use super::record::{
    AuthorRecord, CountsRecord, IndexRecord, ReplyRecord, RequestAgeRecord, RequestRecord, StateRecord, TweetRecord,
};
use super::view::View;
use crate::error::StoreError;

/// Findings of one check at the most: where more is wrong, the first of it are enough to know.
const FINDINGS_MAX: usize = 100;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Tweets that are not deleted.
    pub tweets: u64,
    /// Tweets of which not all subscribers of their authors are told yet.
    pub deliveries: u64,
    /// What is wrong and where, at most a hundred; empty when all is well.
    pub findings: Vec<String>,
}

/// Checks a state.
pub(super) fn check(view: &View) -> Result<CheckReport, StoreError> {
    let mut check = Check { view, report: CheckReport::default(), greatest: 0 };
    check.greatest = check.get::<StateRecord>(Table::State, keys::STATE)?.unwrap_or_default().greatest;
    check.tweets()?;
    check.index()?;
    check.replies()?;
    check.engagements()?;
    check.counted()?;
    check.requests()?;
    check.inboxes()?;
    Ok(check.report)
}

struct Check<'a> {
    view: &'a View,
    report: CheckReport,
    /// The greatest id that was given out.
    greatest: u64,
}

impl Check<'_> {
    /// The streams by author, each author's against their figures.
    fn tweets(&mut self) -> Result<(), StoreError> {
        let mut current = None;
        let mut seen = AuthorRecord::default();
        self.each::<TweetRecord>(Table::Tweets, |check, key, record| {
            let (Some(UserId(author)), Some(id)) = (keys::first_user(key), keys::last_id(key)) else {
                check.find(format!("tweets: {key:?} is no key"));
                return Ok(());
            };
            if current != Some(author) {
                check.author(current, &seen)?;
                (current, seen) = (Some(author), AuthorRecord { oldest: id.0, ..AuthorRecord::default() });
            }
            seen.newest = id.0;
            if record.retweet_of != 0 {
                return check.retweet(UserId(author), id, &record);
            }
            check.report.tweets += 1;
            seen.tweets += 1;
            let index = check.get::<IndexRecord>(Table::Index, &keys::id_key(id))?;
            if index != Some(IndexRecord { author, deleted: false }) {
                check.find(format!("tweet {id} of {author}: its index entry is {index:?}"));
            }
            Ok(())
        })?;
        self.author(current, &seen)?;
        // Authors all of whose tweets are deleted.
        let mut authors_tweets = 0;
        self.each::<AuthorRecord>(Table::Authors, |_, _, author| {
            authors_tweets += author.tweets;
            Ok(())
        })?;
        if authors_tweets != self.report.tweets {
            let tweets = self.report.tweets;
            self.find(format!("authors: their figures add up to {authors_tweets} tweets, and {tweets} are there"));
        }
        Ok(())
    }

    fn author(&mut self, author: Option<u32>, seen: &AuthorRecord) -> Result<(), StoreError> {
        let Some(author) = author else { return Ok(()) };
        let figures = self.get::<AuthorRecord>(Table::Authors, &keys::author_key(UserId(author)))?.unwrap_or_default();
        if figures.tweets != seen.tweets || figures.oldest > seen.oldest || figures.newest < seen.newest {
            self.find(format!("author {author}: {figures:?}, and there are {seen:?}"));
        }
        Ok(())
    }

    fn index(&mut self) -> Result<(), StoreError> {
        self.each::<IndexRecord>(Table::Index, |check, key, index| {
            let id = keys::last_id(key).unwrap_or(TweetId(0));
            if id.0 > check.greatest {
                check.find(format!("tweet {id}: greater than the greatest, {}", check.greatest));
            }
            let tweet = check.get::<TweetRecord>(Table::Tweets, &keys::of_user(UserId(index.author), id))?;
            if tweet.is_some_and(|tweet| tweet.retweet_of == 0) == index.deleted {
                let not = if index.deleted { "is deleted, and there" } else { "is not deleted, and not there" };
                check.find(format!("tweet {id} of {}: {not}", index.author));
            }
            Ok(())
        })
    }

    /// The answers by what they answer, against the counts.
    fn replies(&mut self) -> Result<(), StoreError> {
        let mut current = None;
        let mut count = 0;
        self.each::<ReplyRecord>(Table::Replies, |check, key, reply| {
            let answered = keys::first_id(key);
            let id = keys::last_id(key).unwrap_or(TweetId(0));
            if answered != current {
                check.comments(current, count)?;
                (current, count) = (answered, 0);
                if let Some(answered) = answered
                    && check.get::<IndexRecord>(Table::Index, &keys::id_key(answered))?.is_none()
                {
                    check.find(format!("tweet {id}: answers {answered}, which never was"));
                }
            }
            match check.get::<IndexRecord>(Table::Index, &keys::id_key(id))? {
                Some(index) if index.author == reply.author => count += u64::from(!index.deleted),
                index => check.find(format!("answer {id} of {}: its index entry is {index:?}", reply.author)),
            }
            Ok(())
        })?;
        self.comments(current, count)
    }

    fn comments(&mut self, answered: Option<TweetId>, count: u64) -> Result<(), StoreError> {
        let Some(answered) = answered else { return Ok(()) };
        let stored = self.counts(answered)?.comments;
        if stored != count {
            self.find(format!("tweet {answered}: has {stored} comments, and {count} are there"));
        }
        Ok(())
    }

    /// That what is counted has a list; how long it is, is the other walks' question.
    fn counted(&mut self) -> Result<(), StoreError> {
        self.each::<CountsRecord>(Table::Counts, |check, key, counts| {
            let tweet = keys::last_id(key).unwrap_or(TweetId(0));
            let CountsRecord { comments, favorites, retweets } = counts;
            let lists = [(comments, Table::Replies), (favorites, Table::Favorites), (retweets, Table::Retweets)];
            for (count, list) in lists {
                // What lies under the key is checked by the walk through its own table.
                if count > 0 && !check.view.any(list, key)? {
                    check.find(format!("tweet {tweet}: {} counts {count}, and none is there", list.name()));
                }
            }
            if favorites > 0 { check.is_among_favorited(tweet) } else { Ok(()) }
        })
    }

    fn counts(&self, tweet: TweetId) -> Result<CountsRecord, StoreError> {
        Ok(self.get(Table::Counts, &keys::id_key(tweet))?.unwrap_or_default())
    }

    fn requests(&mut self) -> Result<(), StoreError> {
        let (mut requests, mut ages) = (0, 0);
        self.each::<RequestRecord>(Table::Requests, |check, key, request| {
            requests += 1;
            let age = check.get::<RequestAgeRecord>(Table::RequestAges, &keys::id_key(TweetId(request.id)))?;
            if age.is_none_or(|age| age.request != key) {
                check.find(format!("tweet {}: its idempotency key has no age", request.id));
            }
            Ok(())
        })?;
        self.each::<RequestAgeRecord>(Table::RequestAges, |_, _, _| {
            ages += 1;
            Ok(())
        })?;
        let counted = self.get::<StateRecord>(Table::State, keys::STATE)?.unwrap_or_default().requests;
        if requests != counted || ages != counted {
            self.find(format!("state: {counted} idempotency keys, {requests} are there with {ages} ages"));
        }
        Ok(())
    }

    /// Calls `visit` for each record of a table. A record that cannot be read is a finding.
    fn each<M: Message + Default>(
        &mut self,
        table: Table,
        mut visit: impl FnMut(&mut Self, &[u8], M) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let view = self.view;
        for item in view.from::<M>(table, &[]) {
            match item {
                Ok((key, record)) => visit(self, &key, record)?,
                Err(damaged @ StoreError::Damaged { .. }) => self.find(base::error::chain(&damaged)),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A record; one that cannot be read is a finding of the walk through its own table.
    fn get<M: Message + Default>(&self, table: Table, key: &[u8]) -> Result<Option<M>, StoreError> {
        match self.view.get(table, key) {
            Err(StoreError::Damaged { .. }) => Ok(None),
            outcome => outcome,
        }
    }

    fn find(&mut self, finding: String) {
        if self.report.findings.len() < FINDINGS_MAX {
            self.report.findings.push(finding);
        }
    }
}
