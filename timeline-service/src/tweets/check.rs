//! Whether everything that is stored fits together.
//!
//! One walk through each table, in the order of its keys, so that it takes no memory to speak of however much there is:
//!
//! - every record can be read;
//! - a tweet has an index entry that names its author and calls it not deleted, and the other way round;
//! - an author's figures are those of the tweets that are there;
//! - a tweet has as many comments as answers that are not deleted, and an answer answers something;
//! - what says that a notification is kept, unread, or to be joined says so of one that is, and the other way round;
//! - whoever did what somebody is notified of is remembered as told, and nobody else is;
//! - a tweet that is to be told to subscribers is its author's;
//! - an idempotency key and its age name each other, and there are as many as the state says;
//! - no id is greater than the greatest.

mod inboxes;

use base::{TweetId, UserId};
use prost::Message;

use super::keys::{self, Table};
use super::record::{
    AuthorRecord, CommentsRecord, IndexRecord, ReplyRecord, RequestAgeRecord, RequestRecord, StateRecord, TweetRecord,
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
    /// What is wrong and where, at most a hundred; empty when all is well.
    pub findings: Vec<String>,
}

/// Checks a state.
pub(super) fn check(view: &View) -> Result<CheckReport, StoreError> {
    let mut check = Check { view, report: CheckReport::default() };
    check.tweets()?;
    check.index()?;
    check.replies()?;
    check.comments()?;
    check.requests()?;
    check.inboxes()?;
    Ok(check.report)
}

struct Check<'a> {
    view: &'a View,
    report: CheckReport,
}

impl Check<'_> {
    /// The tweets by author, each author's against their figures.
    fn tweets(&mut self) -> Result<(), StoreError> {
        let mut current = None;
        let mut seen = AuthorRecord::default();
        self.each::<TweetRecord>(Table::Tweets, |check, key, _| {
            let (Some(author), Some(id)) = (key.first_chunk().copied().map(u32::from_be_bytes), keys::last_id(key))
            else {
                check.find(format!("tweets: {key:?} is no key"));
                return Ok(());
            };
            check.report.tweets += 1;
            if current != Some(author) {
                check.author(current, &seen)?;
                (current, seen) = (Some(author), AuthorRecord { oldest: id.0, ..AuthorRecord::default() });
            }
            seen.tweets += 1;
            seen.newest = id.0;
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
        let greatest = self.get::<StateRecord>(Table::State, keys::STATE)?.unwrap_or_default().greatest;
        self.each::<IndexRecord>(Table::Index, |check, key, index| {
            let id = keys::last_id(key).unwrap_or(TweetId(0));
            if id.0 > greatest {
                check.find(format!("tweet {id}: greater than the greatest, {greatest}"));
            }
            let tweet = check.get::<TweetRecord>(Table::Tweets, &keys::tweet(UserId(index.author), id))?;
            if tweet.is_some() == index.deleted {
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
            let answered = key.first_chunk().map(|bytes| TweetId(u64::from_be_bytes(*bytes)));
            let id = keys::last_id(key).unwrap_or(TweetId(0));
            if answered != current {
                check.count(current, count)?;
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
        self.count(current, count)
    }

    fn count(&mut self, answered: Option<TweetId>, count: u64) -> Result<(), StoreError> {
        let Some(answered) = answered else { return Ok(()) };
        let stored = self.get::<CommentsRecord>(Table::Comments, &keys::id_key(answered))?;
        let stored = stored.unwrap_or_default().count;
        if stored != count {
            self.find(format!("tweet {answered}: has {stored} comments, and {count} are there"));
        }
        Ok(())
    }

    /// That nothing has comments without answers; how many is the other walk's question.
    fn comments(&mut self) -> Result<(), StoreError> {
        self.each::<CommentsRecord>(Table::Comments, |check, key, _| {
            let first = check.view.from::<ReplyRecord>(Table::Replies, key).next().transpose();
            if let Ok(first) = first
                && !first.is_some_and(|(reply, _)| reply.starts_with(key))
            {
                let answered = keys::last_id(key).unwrap_or(TweetId(0));
                check.find(format!("tweet {answered}: has comments, and no answer is there"));
            }
            Ok(())
        })
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
