//! What holds at the end: sets (timelines, follows, feeds), counters (favorites, retweets, comments) and the total queue
//! (notifications).

use std::collections::{BTreeMap, BTreeSet};

use super::anomaly::{Anomaly, Findings, Kind};
use super::facts::{AFTERWARDS, Facts, State};
use super::history::{Entry, History, Id, Outcome, Person, Span, Switch, Tick, mentioned};

/// The modes of a feed that must be the same.
pub(super) const MODES: [&str; 3] = ["pull", "push", "auto"];

/// Everything that can be seen at the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) people: BTreeMap<Person, OfPerson>,
    pub(super) tallies: BTreeMap<Id, Tally>,
    /// Of the tweets that were deleted for certain, those that are found when they are asked for.
    pub(super) risen: BTreeSet<Id>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct OfPerson {
    pub(super) timeline: Vec<Entry>,
    pub(super) tweets_count: u64,
    pub(super) followees: BTreeSet<Person>,
    /// In the order of [`MODES`].
    pub(super) feeds: [Vec<Entry>; 3],
    pub(super) notified: Vec<Notified>,
}

/// What became of a tweet: its lists as they are, and what it says of their lengths.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) favorites: Vec<Person>,
    pub(super) retweets: Vec<Person>,
    pub(super) comments: Vec<Id>,
    pub(super) counts: [u64; 3],
}

#[derive(Clone, Debug)]
pub(super) struct Notified {
    pub(super) kind: String,
    pub(super) tweet: Option<Id>,
    pub(super) actors: Vec<Person>,
    pub(super) actors_count: u64,
}

/// Everything that is wrong with what is there at the end.
pub(super) fn check(history: &History, seen: &Seen) -> Vec<Anomaly> {
    let facts = Facts::of(history);
    let entries = seen.people.values().flat_map(|of_person| &of_person.timeline);
    let tweets: BTreeMap<Id, &Entry> =
        entries.filter(|entry| entry.retweeter.is_none()).map(|entry| (entry.tweet, entry)).collect();
    let mut check = Check { facts: &facts, seen, tweets: &tweets, findings: Findings::default() };
    for id in &seen.risen {
        check.findings.require(false, Kind::CameBack, || format!("{id} was deleted and is found"));
    }
    check.tweets();
    for (person, of_person) in &seen.people {
        check.timeline(*person, of_person);
        check.followees(*person, of_person);
        check.feeds(*person, of_person);
        check.notifications(*person, of_person);
    }
    check.tallies();
    check.findings.0
}

struct Check<'a> {
    facts: &'a Facts<'a>,
    seen: &'a Seen,
    /// The tweets that are there.
    tweets: &'a BTreeMap<Id, &'a Entry>,
    findings: Findings,
}

impl Check<'_> {
    /// What was acknowledged is there, what was deleted is not, and nothing else is.
    fn tweets(&mut self) {
        for (id, posted) in &self.facts.posted {
            match self.tweets.get(id) {
                None => {
                    let may_be_gone = self.facts.may_be_gone(*id, AFTERWARDS.end);
                    self.findings.require(may_be_gone, Kind::Missing, || format!("tweet {id}: {posted:?}"));
                }
                Some(entry) => {
                    let is_gone = self.facts.is_gone(*id, AFTERWARDS.begin);
                    self.findings.require(!is_gone, Kind::CameBack, || format!("{entry:?}"));
                    let same = entry.said == posted.post.said && entry.answers == posted.post.answers;
                    self.findings.require(same, Kind::FromNowhere, || format!("{entry:?} is not {posted:?}"));
                }
            }
        }
        for entry in self.tweets.values() {
            if let Some(answered) = entry.answers {
                let is_there = self.tweets.contains_key(&answered) || self.facts.may_be_gone(answered, AFTERWARDS.end);
                self.findings.require(is_there, Kind::BeforeParent, || format!("{entry:?}"));
            }
        }
    }

    fn timeline(&mut self, person: Person, of_person: &OfPerson) {
        let OfPerson { timeline, tweets_count, .. } = of_person;
        let descends = timeline.is_sorted_by(|a, b| a.id > b.id);
        self.findings.require(descends, Kind::OutOfOrder, || format!("the timeline of {person}: {timeline:?}"));
        let (mut said, mut retweeted) = (BTreeSet::new(), BTreeSet::new());
        for entry in timeline {
            let once = match entry.retweeter {
                None => said.insert(&entry.said),
                Some(_) => retweeted.insert(entry.tweet),
            };
            self.findings.require(once, Kind::Twice, || format!("{entry:?}"));
            let belongs = entry.retweeter.unwrap_or(entry.author) == person
                && self.facts.said.get(entry.said.as_str()) == Some(&entry.author);
            self.findings.require(belongs, Kind::FromNowhere, || format!("{entry:?} in the timeline of {person}"));
        }
        let counts = *tweets_count == said.len() as u64;
        self.findings.require(counts, Kind::Miscounted, || {
            format!("{person} has {} tweets, their profile says {tweets_count}", said.len())
        });
        for id in &retweeted {
            self.findings.require(self.tweets.contains_key(id), Kind::CameBack, || format!("{person} retweets {id}"));
        }
        for id in self.tweets.keys() {
            self.switch(person, Switch::Retweet(*id), retweeted.contains(id));
        }
    }

    /// Whether a switch may be as it is seen to be.
    fn switch(&mut self, person: Person, switch: Switch, on: bool) {
        let state = self.facts.state(person, switch, AFTERWARDS);
        let kind = match (on, self.facts.switches.contains_key(&(person, switch))) {
            (false, _) => Kind::Missing,
            (true, false) => Kind::FromNowhere,
            (true, true) => Kind::CameBack,
        };
        self.findings.require(state.allows(on), kind, || format!("{switch:?} of {person} is {on}"));
    }

    fn followees(&mut self, person: Person, of_person: &OfPerson) {
        for other in self.seen.people.keys().filter(|other| **other != person) {
            self.switch(person, Switch::Follow(*other), of_person.followees.contains(other));
        }
    }

    /// Every mode shows what the definition makes of the timelines and follows.
    fn feeds(&mut self, person: Person, of_person: &OfPerson) {
        let follows = |other: Person| person == other || of_person.followees.contains(&other);
        let people = self.seen.people.iter().filter(|(other, _)| follows(**other));
        let mut expected: Vec<&Entry> = people.flat_map(|(_, followee)| &followee.timeline).collect();
        expected.retain(|entry| {
            self.tweets.contains_key(&entry.tweet)
                && entry.answers.is_none_or(|answered| {
                    self.tweets.get(&answered).is_some_and(|parent| follows(parent.author) && follows(entry.author))
                })
        });
        expected.sort_by_key(|entry| entry.id);
        // Of the entries that show one tweet the first; nothing here is a day old.
        let mut shown = BTreeSet::new();
        expected.retain(|entry| shown.insert(entry.tweet));
        expected.reverse();
        for (mode, feed) in MODES.iter().zip(&of_person.feeds) {
            let is_same = feed.iter().eq(expected.iter().copied());
            self.findings.require(is_same, Kind::FeedDiffers, || {
                let lacks: Vec<_> = expected.iter().filter(|entry| !feed.contains(entry)).collect();
                let excess: Vec<_> = feed.iter().filter(|entry| !expected.contains(entry)).collect();
                format!("the feed of {person} by {mode} lacks {lacks:?} and has {excess:?} beside what it should")
            });
        }
    }

    /// Each count is the length of its list, and each list what was acknowledged.
    fn tallies(&mut self) {
        for id in self.tweets.keys() {
            let Some(tally) = self.seen.tallies.get(id) else {
                self.findings.require(false, Kind::Missing, || format!("{id} cannot be read by itself"));
                continue;
            };
            let lengths = [tally.favorites.len(), tally.retweets.len(), tally.comments.len()];
            let agree = lengths.map(|length| length as u64) == tally.counts;
            self.findings.require(agree, Kind::Miscounted, || format!("{id} has {tally:?}"));
            let (favorites, retweets) = (self.once(*id, &tally.favorites), self.once(*id, &tally.retweets));
            for person in self.seen.people.keys() {
                self.switch(*person, Switch::Favorite(*id), favorites.contains(person));
                self.switch(*person, Switch::Retweet(*id), retweets.contains(person));
            }
            let comments = self.once(*id, &tally.comments);
            let expected: BTreeSet<Id> =
                self.tweets.values().filter(|entry| entry.answers == Some(*id)).map(|entry| entry.tweet).collect();
            for comment in expected.symmetric_difference(&comments) {
                let kind = if expected.contains(comment) { Kind::Missing } else { Kind::FromNowhere };
                self.findings.require(false, kind, || format!("{comment} among the comments on {id}"));
            }
        }
    }

    fn once<T: Ord + Copy>(&mut self, id: Id, list: &[T]) -> BTreeSet<T> {
        let set: BTreeSet<T> = list.iter().copied().collect();
        self.findings.require(set.len() == list.len(), Kind::Twice, || format!("in a list of {id}"));
        set
    }

    /// Everything that happened has notified once, and nothing else has.
    fn notifications(&mut self, person: Person, of_person: &OfPerson) {
        let mut told: BTreeMap<(&str, Option<Id>, Person), usize> = BTreeMap::new();
        for notified in &of_person.notified {
            let agree = notified.actors_count == notified.actors.len() as u64;
            self.findings.require(agree, Kind::Miscounted, || format!("{person} is told of {notified:?}"));
            for actor in &notified.actors {
                *told.entry((&notified.kind, notified.tweet, *actor)).or_default() += 1;
            }
        }
        let (must, may) = self.notifying(person);
        for (event, times) in &told {
            self.findings.require(*times == 1, Kind::Twice, || format!("{person} is told of {event:?} {times} times"));
            let happened = must.contains(event) || may.contains(event);
            self.findings.require(happened, Kind::FromNowhere, || format!("{person} is told of {event:?}"));
        }
        for event in must.iter().filter(|event| !told.contains_key(*event)) {
            self.findings.require(false, Kind::Missing, || format!("{person} is not told of {event:?}"));
        }
    }

    /// Of what somebody must be told, and of what they may be.
    #[expect(clippy::type_complexity, reason = "two sets of the same, and nothing else has them")]
    fn notifying(
        &self,
        person: Person,
    ) -> (BTreeSet<(&'static str, Option<Id>, Person)>, BTreeSet<(&'static str, Option<Id>, Person)>) {
        let (mut must, mut may) = (BTreeSet::new(), BTreeSet::new());
        for ((actor, switch), writes) in &self.facts.switches {
            let of_own = |id: &Id| self.tweets.get(id).is_some_and(|tweet| tweet.author == person);
            let event = match switch {
                Switch::Favorite(id) if of_own(id) => ("favorite", Some(*id), *actor),
                Switch::Retweet(id) if of_own(id) => ("retweet", Some(*id), *actor),
                Switch::Follow(followee) if *followee == person => ("follow", None, *actor),
                _ => continue,
            };
            if *actor == person || !writes.iter().any(|(_, on)| *on) {
                continue;
            }
            match writes.iter().any(|(write, on)| *on && write.outcome == Outcome::Done) {
                true => must.insert(event),
                false => may.insert(event),
            };
        }
        // A tweet that is there notifies in the batch that wrote it.
        for (id, tweet) in self.tweets.iter().filter(|(_, tweet)| tweet.author != person) {
            let answers = tweet.answers.and_then(|answered| {
                let parent = self.tweets.get(&answered).map(|parent| parent.author);
                parent.or_else(|| self.facts.posted.get(&answered).map(|posted| posted.author))
            });
            if answers == Some(person) {
                must.insert(("comment", Some(*id), tweet.author));
            } else if mentioned(&tweet.said) == Some(person) {
                must.insert(("mention", Some(*id), tweet.author));
            } else {
                match self.told_of_each(person, tweet.author, *id) {
                    State { may_be_on: false, .. } => false,
                    State { may_be_off: false, .. } => must.insert(("tweet", Some(*id), tweet.author)),
                    _ => may.insert(("tweet", Some(*id), tweet.author)),
                };
            }
        }
        (must, may)
    }

    /// Whether somebody is told of a tweet because they asked to be told of each of its author's. They must have asked before it was posted, and
    /// are told at some time after it, if they ask still and follow the author then.
    fn told_of_each(&self, person: Person, author: Person, id: Id) -> State {
        let posted = self.facts.posted.get(&id).map_or(Span { begin: 0, end: Tick::MAX }, |posted| posted.span);
        let until_the_end = Span { end: Tick::MAX, ..posted };
        let asked = self.facts.state(person, Switch::Tweets(author), posted);
        let asks = self.facts.state(person, Switch::Tweets(author), until_the_end);
        let follows = self.facts.state(person, Switch::Follow(author), until_the_end);
        State { may_be_on: asked.may_be_on && follows.may_be_on, may_be_off: !(asks.is_on() && follows.is_on()) }
    }
}
