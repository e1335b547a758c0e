//! An entry of a stream as memory keeps it: what the rules ask of it, and nothing else.
//!
//! Entries lie one after the other as words of 8 bytes, oldest first, and are read from the end. An id has 63 bits, so that
//! the upper bit of a word says what comes before it:
//!
//! ```text
//! plain tweet              [id]
//! comment                  [author, answered author] [answered] [1 id]
//! retweet                  [f answered, or 0] [retweeter, author] [1 shown] [1 id]
//! retweet of a comment     [answered author] [f answered] [retweeter, author] [1 shown] [1 id]
//! ```
//!
//! `f` is 1 where it is known that it was the first retweet of its tweet. So most entries take 8 bytes. Nobody says who wrote a plain tweet: where it lies, or the slot in its id, tells.

use base::{TweetId, UserId};

use crate::core::rules::Origin;
use crate::tweets::Tweet;

/// Words of the longest entry.
pub(crate) const WORDS_MAX: usize = 5;

const MARK: u64 = 1 << 63;

/// An entry of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Entry {
    /// A tweet that answers nothing.
    Plain { id: TweetId },
    /// A tweet that answers another.
    Comment { id: TweetId, author: UserId, answers: (TweetId, UserId) },
    /// A retweet: of `shown`, which `author` wrote, and which may be a comment.
    Retweet {
        id: TweetId,
        retweeter: UserId,
        shown: TweetId,
        author: UserId,
        answers: Option<(TweetId, UserId)>,
        /// What is known of other retweets of the same tweet that came before it.
        others: Others,
    },
}

/// What is known of the retweets of a tweet that came before one. Half a word: entries are handed on many times, which is slow where
/// some of their bytes are copied apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Others {
    /// Nothing.
    Unknown,
    /// That there was none.
    None,
}

impl Entry {
    /// The place in its stream.
    pub(crate) const fn id(&self) -> TweetId {
        match *self {
            Entry::Plain { id } | Entry::Comment { id, .. } | Entry::Retweet { id, .. } => id,
        }
    }

    /// What the rules ask of it; none for a plain tweet, which they show to everybody who follows its author.
    #[inline]
    pub(crate) fn origin(&self) -> Option<Origin> {
        match *self {
            Entry::Plain { .. } => None,
            Entry::Comment { id, author, answers } => {
                Some(Origin { id, shown: id, author, retweeter: None, answers: Some(answers) })
            }
            Entry::Retweet { id, retweeter, shown, author, answers, .. } => {
                Some(Origin { id, shown, author, retweeter: Some(retweeter), answers })
            }
        }
    }

    /// The tweet that it shows.
    pub(crate) const fn shown(&self) -> TweetId {
        match *self {
            Entry::Plain { id } | Entry::Comment { id, .. } => id,
            Entry::Retweet { shown, .. } => shown,
        }
    }

    /// What the tweet that it shows answers.
    pub(crate) const fn answers(&self) -> Option<(TweetId, UserId)> {
        match *self {
            Entry::Plain { .. } => None,
            Entry::Comment { answers, .. } => Some(answers),
            Entry::Retweet { answers, .. } => answers,
        }
    }

    /// The same, if it is a retweet, as the first one of its tweet.
    pub(crate) fn first(mut self) -> Self {
        if let Entry::Retweet { others, .. } = &mut self {
            *others = Others::None;
        }
        self
    }

    /// Whether it is known to be the first retweet of its tweet: no other comes before it.
    pub(crate) const fn is_first_retweet(&self) -> bool {
        matches!(self, Entry::Retweet { others: Others::None, .. })
    }

    /// Appends it to `words`.
    pub(crate) fn write(&self, words: &mut Vec<u64>) {
        let (written, len) = self.words();
        words.extend_from_slice(&written[..len]);
    }

    /// Its words and how many there are.
    pub(crate) fn words(&self) -> ([u64; WORDS_MAX], usize) {
        match *self {
            Entry::Plain { id } => ([id.0, 0, 0, 0, 0], 1),
            Entry::Comment { id, author, answers: (answered, by) } => {
                ([pair(author, by), answered.0, id.0 | MARK, 0, 0], 3)
            }
            Entry::Retweet { id, retweeter, shown, author, answers, others } => {
                let mark = if others == Others::None { MARK } else { 0 };
                let (people, shown, id) = (pair(retweeter, author), shown.0 | MARK, id.0 | MARK);
                match answers {
                    None => ([mark, people, shown, id, 0], 4),
                    Some((answered, by)) => ([by.0.into(), answered.0 | mark, people, shown, id], 5),
                }
            }
        }
    }

    /// The last entry of some words and how many it takes; none where they are at their end or cut within an entry.
    #[inline]
    pub(crate) fn last(words: &[u64]) -> Option<(Entry, usize)> {
        let (&word, rest) = words.split_last()?;
        if word & MARK == 0 {
            return Some((Entry::Plain { id: TweetId(word) }, 1));
        }
        let id = TweetId(word & !MARK);
        let (&reference, rest) = rest.split_last()?;
        let (&people, rest) = rest.split_last()?;
        let (first, second) = (UserId((people >> 32) as u32), UserId(people as u32));
        if reference & MARK == 0 {
            return Some((Entry::Comment { id, author: first, answers: (TweetId(reference), second) }, 3));
        }
        let shown = TweetId(reference & !MARK);
        let (&answered, rest) = rest.split_last()?;
        let others = if answered & MARK == 0 { Others::Unknown } else { Others::None };
        let answered = answered & !MARK;
        let retweet = |answers| Entry::Retweet { id, retweeter: first, shown, author: second, answers, others };
        if answered == 0 {
            return Some((retweet(None), 4));
        }
        let by = UserId(*rest.last()? as u32);
        Some((retweet(Some((TweetId(answered), by))), 5))
    }
}

impl From<&Tweet> for Entry {
    fn from(tweet: &Tweet) -> Self {
        match tweet.origin() {
            Origin { id, shown, author, retweeter: Some(retweeter), answers } => {
                Entry::Retweet { id, retweeter, shown, author, answers, others: Others::Unknown }
            }
            Origin { id, author, answers: Some(answers), .. } => Entry::Comment { id, author, answers },
            Origin { id, .. } => Entry::Plain { id },
        }
    }
}

/// The entries of some words, newest first.
#[derive(Clone, Debug)]
pub(crate) struct Backwards<'a>(pub &'a [u64]);

impl Iterator for Backwards<'_> {
    type Item = Entry;

    #[inline]
    fn next(&mut self) -> Option<Entry> {
        let (entry, len) = Entry::last(self.0)?;
        self.0 = &self.0[..self.0.len() - len];
        Some(entry)
    }
}

const fn pair(one: UserId, other: UserId) -> u64 {
    (one.0 as u64) << 32 | other.0 as u64
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) fn entry() -> impl Strategy<Value = Entry> {
        let id = || (1..MARK).prop_map(TweetId);
        let user = || any::<u32>().prop_map(UserId);
        prop_oneof![
            id().prop_map(|id| Entry::Plain { id }),
            (id(), user(), id(), user()).prop_map(|(id, author, answered, by)| Entry::Comment {
                id,
                author,
                answers: (answered, by)
            }),
            (id(), user(), id(), user(), prop::option::of((id(), user())), any::<bool>()).prop_map(
                |(id, retweeter, shown, author, answers, is_first)| {
                    let retweet = Entry::Retweet { id, retweeter, shown, author, answers, others: Others::Unknown };
                    if is_first { retweet.first() } else { retweet }
                }
            ),
        ]
    }

    proptest! {
        #[test]
        fn entries_come_back_from_their_words_newest_first(entries in prop::collection::vec(entry(), 0..20)) {
            let mut words = Vec::new();
            for entry in &entries {
                entry.write(&mut words);
            }
            let mut back: Vec<_> = Backwards(&words).collect();
            back.reverse();
            prop_assert_eq!(back, entries);
        }

        #[test]
        fn an_entry_that_lost_its_first_words_is_none(entry in entry()) {
            let (words, len) = entry.words();
            for cut in 1..len {
                prop_assert_eq!(Entry::last(&words[cut..len]), None);
            }
        }
    }

    #[test]
    fn a_plain_tweet_takes_eight_bytes() {
        assert_eq!(Entry::Plain { id: TweetId(7) }.words(), ([7, 0, 0, 0, 0], 1));
    }
}
