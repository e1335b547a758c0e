//! What a home feed is.
//!
//! The home feed of a reader is the merge, newest first, of their own entries and those of the people they follow, in
//! which an entry is hidden when
//!
//! - its author, or the person it answers, is muted by the reader or blocked in either direction;
//! - it answers somebody whom the reader does not follow. Everyone counts as following themselves;
//! - the tweet that it answers is deleted: what is said under a tombstone stays there, and with its author;
//! - it is deleted, which the store sees to: a deleted tweet is in no stream.
//!
//! Whether an answered tweet is deleted costs a look at the store, at the state that the rest of the page is read from. So it
//! is asked last, of what nothing else hides: [`Reader::sees`] is the other rules.
//!
//! This is the definition. Whatever makes feeds faster must show exactly the same.

use base::UserId;
use roaring::RoaringBitmap;

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
    /// Who wrote it.
    pub author: UserId,
    /// Whom it answers.
    pub answers: Option<UserId>,
}

/// Somebody who looks at a home feed.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    user: UserId,
    sources: Sources,
}

impl Reader {
    /// A reader, and what the graph says about them.
    pub(crate) fn new(user: UserId, sources: Sources) -> Self {
        Reader { user, sources }
    }

    /// Whose streams the feed is merged from: the reader's own, and those of everyone followed and not hidden.
    pub(crate) fn authors(&self) -> impl Iterator<Item = UserId> {
        let mut authors = &self.sources.followees - &self.sources.hidden;
        authors.insert(self.user.0);
        authors.into_iter().map(UserId)
    }

    /// Whether an entry is in the feed, unless the tweet that it answers is deleted.
    pub(crate) fn sees(&self, origin: Origin) -> bool {
        self.accepts(origin.author) && origin.answers.is_none_or(|answered| self.accepts(answered))
    }

    fn accepts(&self, user: UserId) -> bool {
        user == self.user || self.sources.followees.contains(user.0) && !self.sources.hidden.contains(user.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: UserId = UserId(1);
    const FRIEND: UserId = UserId(2);
    const OTHER_FRIEND: UserId = UserId(3);
    const MUTED_FRIEND: UserId = UserId(4);
    const STRANGER: UserId = UserId(5);

    fn reader() -> Reader {
        let followees = [FRIEND, OTHER_FRIEND, MUTED_FRIEND].map(|user| user.0).into();
        Reader::new(ME, Sources { followees, hidden: [MUTED_FRIEND.0].into() })
    }

    #[test]
    fn ones_own_and_those_of_followees_that_are_not_hidden() {
        assert_eq!(reader().authors().collect::<Vec<_>>(), [ME, FRIEND, OTHER_FRIEND]);
        let sees = |author| reader().sees(Origin { author, answers: None });
        assert!(sees(ME) && sees(FRIEND));
        assert!(!sees(MUTED_FRIEND) && !sees(STRANGER));
    }

    #[test]
    fn a_comment_needs_both_its_author_and_the_person_it_answers() {
        let sees = |author, answered| reader().sees(Origin { author, answers: Some(answered) });
        assert!(sees(FRIEND, OTHER_FRIEND) && sees(FRIEND, ME) && sees(ME, FRIEND) && sees(ME, ME));
        assert!(!sees(FRIEND, STRANGER) && !sees(FRIEND, MUTED_FRIEND) && !sees(STRANGER, FRIEND));
        assert!(!sees(ME, STRANGER), "the rule has no exception for one's own comments");
    }
}
