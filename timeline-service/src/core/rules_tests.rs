//! Each rule by itself, and what it asks for.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use super::*;

const ME: UserId = UserId(1);
const FRIEND: UserId = UserId(2);
const OTHER_FRIEND: UserId = UserId(3);
const MUTED_FRIEND: UserId = UserId(4);
const STRANGER: UserId = UserId(5);
const BLOCKED: UserId = UserId(6);

/// A tweet at a time.
fn at(ms: u64) -> TweetId {
    TweetId::from_parts(ms, 0, UserId(0))
}

const DAY: u64 = WINDOW_MS;

#[derive(Default)]
struct Known {
    deleted: BTreeSet<TweetId>,
    retweets: BTreeMap<TweetId, UserId>,
    scanned: Cell<u64>,
    asked: Cell<u64>,
}

impl Facts for Known {
    type Error = Infallible;

    fn is_deleted(&self, tweet: TweetId) -> Result<bool, Infallible> {
        Ok(self.deleted.contains(&tweet))
    }

    fn retweeters(&self, _: TweetId, between: Between) -> impl Iterator<Item = Result<(TweetId, UserId), Infallible>> {
        let (first, last) = between.bounds().unwrap_or((TweetId(1), TweetId(0)));
        let within = self.retweets.iter().filter(move |(id, _)| (first..=last).contains(id));
        within.map(|(id, user)| {
            self.scanned.update(|scanned| scanned + 1);
            Ok((*id, *user))
        })
    }

    fn retweet_of(&self, user: UserId, _: TweetId) -> Result<Option<TweetId>, Infallible> {
        self.asked.update(|asked| asked + 1);
        Ok(self.retweets.iter().find(|(_, retweeter)| **retweeter == user).map(|(id, _)| *id))
    }
}

fn reader() -> Reader {
    let followees = [FRIEND, OTHER_FRIEND, MUTED_FRIEND].map(|user| user.0).into();
    Reader::new(ME, Sources { followees, hidden: [MUTED_FRIEND.0, BLOCKED.0].into() })
}

fn tweet(author: UserId) -> Origin {
    Origin { id: at(9), shown: at(9), author, retweeter: None, answers: None }
}

fn answer(author: UserId, answered: UserId) -> Origin {
    Origin { answers: Some((at(1), answered)), ..tweet(author) }
}

fn retweet(retweeter: UserId, of: Origin) -> Origin {
    Origin { id: at(of.id.tick() + 1), retweeter: Some(retweeter), ..of }
}

fn shows(entry: Origin, facts: &Known) -> bool {
    let Ok(shows) = reader().shows(&entry, facts);
    shows
}

#[test]
fn ones_own_and_those_of_followees_that_are_not_hidden() {
    assert_eq!(reader().authors().collect::<BTreeSet<_>>(), [ME, FRIEND, OTHER_FRIEND].into());
    let accepts = |author| reader().accepts(&tweet(author));
    assert!(accepts(ME) && accepts(FRIEND));
    assert!(!accepts(MUTED_FRIEND) && !accepts(STRANGER));
}

#[test]
fn a_comment_needs_both_its_author_and_the_person_it_answers() {
    let accepts = |author, answered| reader().accepts(&answer(author, answered));
    assert!(accepts(FRIEND, OTHER_FRIEND) && accepts(FRIEND, ME) && accepts(ME, FRIEND) && accepts(ME, ME));
    assert!(!accepts(FRIEND, STRANGER) && !accepts(FRIEND, MUTED_FRIEND) && !accepts(STRANGER, FRIEND));
    assert!(!accepts(ME, STRANGER), "the rule has no exception for one's own comments");
}

#[test]
fn a_retweet_of_a_strangers_tweet_is_shown_but_not_of_their_comment() {
    let accepts = |retweeter, of| reader().accepts(&retweet(retweeter, of));
    assert!(accepts(FRIEND, tweet(STRANGER)) && accepts(ME, tweet(STRANGER)) && accepts(FRIEND, tweet(ME)));
    assert!(!accepts(STRANGER, tweet(FRIEND)) && !accepts(MUTED_FRIEND, tweet(STRANGER)));
    assert!(!accepts(FRIEND, tweet(MUTED_FRIEND)) && !accepts(ME, tweet(BLOCKED)));
    assert!(accepts(FRIEND, answer(OTHER_FRIEND, ME)) && accepts(FRIEND, answer(FRIEND, OTHER_FRIEND)));
    assert!(!accepts(FRIEND, answer(STRANGER, FRIEND)) && !accepts(FRIEND, answer(OTHER_FRIEND, STRANGER)));
    assert!(!accepts(FRIEND, answer(OTHER_FRIEND, BLOCKED)));
}

#[test]
fn nothing_is_shown_of_what_is_deleted_or_under_a_tombstone() {
    let deleted = |id| Known { deleted: [id].into(), ..Known::default() };
    assert!(shows(answer(FRIEND, ME), &Known::default()));
    assert!(!shows(answer(FRIEND, ME), &deleted(at(1))));
    assert!(shows(retweet(FRIEND, tweet(STRANGER)), &Known::default()));
    assert!(!shows(retweet(FRIEND, tweet(STRANGER)), &deleted(at(9))));
    let old = Origin { id: at(9 + 2 * DAY), ..retweet(FRIEND, answer(OTHER_FRIEND, ME)) };
    assert!(shows(old, &Known::default()));
    assert!(!shows(old, &deleted(at(1))));
}

#[test]
fn a_retweet_is_hidden_for_a_day_after_the_tweet_itself() {
    let after = |ms, author| Origin { id: at(9 + ms), ..retweet(FRIEND, tweet(author)) };
    let facts = Known::default();
    for author in [ME, FRIEND, OTHER_FRIEND] {
        assert!(!shows(after(1, author), &facts) && !shows(after(DAY - 1, author), &facts));
        assert!(shows(after(DAY, author), &facts), "the bound itself is outside");
    }
    assert!(shows(after(1, STRANGER), &facts), "a stranger's tweet is no entry of this feed");
}

#[test]
fn a_retweet_is_hidden_for_a_day_after_another_that_the_reader_could_see() {
    let second = |ms| Origin { id: at(9 + ms), ..retweet(FRIEND, tweet(STRANGER)) };
    let first = |user| Known { retweets: [(at(20), user)].into(), ..Known::default() };
    for user in [ME, OTHER_FRIEND] {
        assert!(!shows(second(12), &first(user)) && !shows(second(11 + DAY - 1), &first(user)));
        assert!(shows(second(11 + DAY), &first(user)), "the bound itself is outside");
        assert!(shows(second(5), &first(user)), "what comes later hides nothing");
    }
    for user in [STRANGER, MUTED_FRIEND, BLOCKED] {
        assert!(shows(second(12), &first(user)), "{user} retweets where the reader does not look");
    }
}

#[test]
fn an_entry_that_is_hidden_for_a_day_hides_others_itself() {
    // The rule says: not hidden by the rules above. So three retweets, each less than a day after the one before, show once.
    let retweets = [(at(20), FRIEND), (at(20 + DAY - 1), OTHER_FRIEND)].into();
    let facts = Known { retweets, ..Known::default() };
    let third = Origin { id: at(20 + DAY + 5), ..retweet(ME, tweet(STRANGER)) };
    assert!(!shows(third, &facts));
}

#[test]
fn the_work_for_a_tweet_that_a_crowd_retweeted_is_bounded() {
    let crowd = (100..5100).map(|number| (at(number), UserId(number as u32)));
    let mut facts = Known { retweets: crowd.collect(), ..Known::default() };
    let entry = Origin { id: at(6000), ..retweet(FRIEND, tweet(STRANGER)) };
    assert!(shows(entry, &facts));
    assert_eq!((facts.scanned.get(), facts.asked.get()), (3 * SCANNED_FOR_EACH + 1, 3));
    facts.retweets.insert(at(5500), OTHER_FRIEND);
    assert!(!shows(entry, &facts));
    let later = Origin { id: at(5500 + DAY), ..entry };
    assert!(shows(later, &facts));
}

#[test]
fn the_window_of_the_first_day_begins_with_the_first_id() {
    for (ms, first) in [(0, 0), (DAY - 1, 0), (DAY, 1), (DAY + 7, 8)] {
        let id = TweetId::from_parts(ms, 3, UserId(7));
        let expected = (id.0 > 0).then(|| (at(first), TweetId(id.0 - 1)));
        assert_eq!(window(id).bounds(), expected, "{ms}");
    }
}
