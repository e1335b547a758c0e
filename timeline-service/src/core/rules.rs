//! What a home feed is.
//!
//! The home feed of a reader is the merge, newest first, of their own entries and those of the people they follow. An entry
//! is a tweet or a retweet; a retweet shows the tweet that it retweets, by whomever that is. An entry is hidden when
//!
//! 1. its author, its retweeter, or the person it answers, is muted by the reader or blocked in either direction;
//! 2. it shows a comment, unless the reader follows both its author and the person it answers. Everyone counts as following
//!    themselves;
//! 3. the tweet that it shows is deleted, or the tweet which that answers: what is said under a tombstone stays there, and
//!    with its author;
//! 4. another entry that shows the same tweet, and is not hidden by the rules above, lies in the [`WINDOW_MS`] before it: a
//!    tweet that many retweet shows once, where it came first, and nothing that comes later changes an older page.
//!
//! What is deleted or taken back is in no stream, which the store sees to. The other rules are a filter over the merge,
//! each entry by itself: [`Reader::shows`]. The first two are answered from what the graph says about the reader; what the
//! others ask, a few [`Facts`], must be of the state that the rest of the page is read from.
//!
//! For the last rule little has to be looked up. The entries of one tweet share author and answered person, so of those that
//! the rules above let through, one differs from another in whose stream it is in alone. The tweet itself is such an
//! entry where the reader follows its author, and it is older than its retweets. Of the retweets it is enough to know whether one
//! in the window is by somebody whom the reader follows.
//!
//! This is the definition. Whatever makes feeds faster must show exactly the same.

use base::{TweetId, UserId};
use roaring::RoaringBitmap;

use super::members::Members;
use super::page::Between;

/// How far apart two entries of one tweet must be for both to be shown: the first hides what comes less than this after it.
pub(crate) const WINDOW_MS: u64 = 24 * 60 * 60 * 1000;

/// Retweets of a tweet that are looked at for each person followed, before these are asked instead: to read on in a list is
/// so much cheaper than to look for somebody.
const SCANNED_FOR_EACH: u64 = 4;

/// What the graph says about a reader.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    /// Whom the reader follows.
    pub followees: RoaringBitmap,
    /// Whom the reader mutes or blocks, and who blocks the reader.
    pub hidden: RoaringBitmap,
}

/// What the rules ask of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Its own id.
    pub id: TweetId,
    /// The tweet that it shows: itself, or the one that it retweets.
    pub shown: TweetId,
    /// Who wrote that.
    pub author: UserId,
    /// Who retweeted it, where that is why it is there.
    pub retweeter: Option<UserId>,
    /// Which tweet the shown one answers, and who wrote that.
    pub answers: Option<(TweetId, UserId)>,
}

/// What the rules have to look up.
pub(crate) trait Facts {
    /// Why a look-up can fail.
    type Error;

    /// Whether a tweet that was there once is deleted.
    fn is_deleted(&self, tweet: TweetId) -> Result<bool, Self::Error>;

    /// The retweets of a tweet that lie between two ids, in any order, and whose they are.
    fn retweeters(
        &self,
        tweet: TweetId,
        between: Between,
    ) -> impl Iterator<Item = Result<(TweetId, UserId), Self::Error>>;

    /// A user's retweet of a tweet.
    fn retweet_of(&self, user: UserId, tweet: TweetId) -> Result<Option<TweetId>, Self::Error>;
}

/// Somebody who looks at a home feed.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    user: UserId,
    /// The reader, and everyone followed and not hidden.
    authors: Members,
    hidden: Members,
}

impl Reader {
    /// A reader, and what the graph says about them.
    pub(crate) fn new(user: UserId, sources: Sources) -> Self {
        let Sources { followees, hidden } = sources;
        let mut authors = followees - &hidden;
        authors.insert(user.0);
        Reader { user, authors: Members::from(&authors), hidden: Members::from(&hidden) }
    }

    /// Whose streams the feed is merged from, in no order: the reader's own, and those of everyone followed and not hidden.
    pub(crate) fn authors(&self) -> impl Iterator<Item = UserId> {
        self.authors.iter()
    }

    /// Bytes beside itself.
    pub(crate) const fn bytes(&self) -> usize {
        self.authors.bytes() + self.hidden.bytes()
    }

    /// Asks the memory for what the rules look at that need nothing but the reader.
    #[inline]
    pub(crate) fn fetch(&self, entry: &Origin) {
        self.authors.fetch(entry.author);
        if let Some(by) = entry.retweeter {
            self.authors.fetch(by);
        }
        match entry.answers {
            Some((_, answered)) => self.authors.fetch(answered),
            None => self.hidden.fetch(entry.author),
        }
    }

    /// Whether an entry of one of these streams is in the feed.
    pub(crate) fn shows<F: Facts>(&self, entry: &Origin, facts: &F) -> Result<bool, F::Error> {
        // The cheap rules first, and the dearest last.
        Ok(self.accepts(entry) && !is_gone(entry, facts)? && !self.came_before(entry, facts)?)
    }

    /// The rules that need nothing but the reader: 1 and 2.
    pub(crate) fn accepts(&self, entry: &Origin) -> bool {
        let by = entry.retweeter.unwrap_or(entry.author);
        self.follows(by)
            && match entry.answers {
                None => entry.author == by || entry.author == self.user || !self.hidden.contains(entry.author),
                Some((_, answered)) => self.follows(entry.author) && self.follows(answered),
            }
    }

    /// Rule 4, for an entry that the others let through.
    fn came_before<F: Facts>(&self, entry: &Origin, facts: &F) -> Result<bool, F::Error> {
        if entry.retweeter.is_none() {
            return Ok(false);
        }
        let window = window(entry.id);
        let within = |id: TweetId| window.above.is_none_or(|above| id > above) && id < entry.id;
        if self.follows(entry.author) && within(entry.shown) {
            return Ok(true);
        }
        let mut left = (self.authors.len() as u64).saturating_mul(SCANNED_FOR_EACH);
        for retweet in facts.retweeters(entry.shown, window) {
            if self.follows(retweet?.1) {
                return Ok(true);
            }
            match left.checked_sub(1) {
                Some(less) => left = less,
                None => return self.any_retweeted(entry.shown, within, facts),
            }
        }
        Ok(false)
    }

    /// Whether somebody whom the reader follows has a retweet of `tweet` that is `within` the window.
    fn any_retweeted<F: Facts>(
        &self,
        tweet: TweetId,
        within: impl Fn(TweetId) -> bool,
        facts: &F,
    ) -> Result<bool, F::Error> {
        for author in self.authors() {
            if facts.retweet_of(author, tweet)?.is_some_and(&within) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a user's entries are in the feed: the reader's own, and those of everyone followed and not hidden.
    pub(crate) fn follows(&self, user: UserId) -> bool {
        self.authors.contains(user)
    }
}

/// Rule 3. A tweet that is in its author's stream is known not to be deleted.
fn is_gone<F: Facts>(entry: &Origin, facts: &F) -> Result<bool, F::Error> {
    if entry.retweeter.is_some() && facts.is_deleted(entry.shown)? {
        return Ok(true);
    }
    match entry.answers {
        Some((answered, _)) => facts.is_deleted(answered),
        None => Ok(false),
    }
}

/// The ids that come before `id` by less than [`WINDOW_MS`].
fn window(id: TweetId) -> Between {
    let first = (id.tick() + 1).checked_sub(WINDOW_MS).map(|tick| TweetId::from_parts(tick, 0, UserId(0)));
    let above = first.and_then(|first| first.0.checked_sub(1)).map(TweetId);
    Between { above, below: Some(id) }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
