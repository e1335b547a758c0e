//! What holds while it runs: for each read, page and single tweet, given all that was acknowledged before it began and all
//! that was begun before it ended.

use std::collections::{BTreeMap, BTreeSet};

use super::anomaly::{Anomaly, Findings, Kind};
use super::facts::Facts;
use super::history::{Change, Entry, History, Id, Outcome, Person, Place, Read, Switch, Tick};

/// Everything that is wrong with what the clients saw.
pub(super) fn check(history: &History) -> Vec<Anomaly> {
    let mut check = Check { facts: &Facts::of(history), gone: gone(history), findings: Findings::default() };
    history.faults.iter().for_each(|fault| check.findings.require(false, Kind::Fault, || fault.clone()));
    history.reads.iter().for_each(|read| check.read(read));
    check.probes(history);
    check.writes(history);
    check.findings.0
}

/// When each tweet was first found gone.
fn gone(history: &History) -> BTreeMap<Id, Tick> {
    let mut gone = BTreeMap::new();
    for probe in history.probes.iter().filter(|probe| !probe.found) {
        let first = gone.entry(probe.id).or_insert(probe.span.end);
        *first = probe.span.end.min(*first);
    }
    gone
}

struct Check<'a> {
    facts: &'a Facts<'a>,
    gone: BTreeMap<Id, Tick>,
    findings: Findings,
}

impl Check<'_> {
    fn read(&mut self, read: &Read) {
        let Read { place, entries, person, .. } = read;
        let descends = entries.is_sorted_by(|a, b| a.id > b.id);
        self.findings.require(descends, Kind::OutOfOrder, || format!("{person} read {place:?}: {entries:?}"));
        let mut seen = BTreeSet::new();
        for entry in entries {
            // A timeline may have a tweet and its author's retweet of it.
            let key = if *place == Place::Feed { entry.tweet } else { entry.id };
            self.findings
                .require(seen.insert(key), Kind::Twice, || format!("{person} read {place:?} with {entry:?} twice"));
            self.entry(read, entry);
        }
        self.complete(read);
    }

    /// That an entry may be there.
    fn entry(&mut self, read: &Read, entry: &Entry) {
        let (facts, looked, reader) = (self.facts, read.span, read.person);
        let told = || format!("{reader} read {:?} at {looked:?} with {entry:?}", read.place);
        let was_said = facts.said.get(entry.said.as_str()) == Some(&entry.author);
        self.findings.require(was_said, Kind::FromNowhere, told);
        let after_parent = entry.answers.is_none_or(|answered| answered < entry.tweet);
        self.findings.require(after_parent, Kind::BeforeParent, told);
        // A comment stays under its tombstone, but in no feed.
        let shown = [Some(entry.tweet), entry.answers.filter(|_| read.place == Place::Feed)];
        for id in shown.into_iter().flatten() {
            let is_there =
                !facts.is_gone(id, looked.begin) && self.gone.get(&id).is_none_or(|end| *end >= looked.begin);
            self.findings.require(is_there, Kind::CameBack, told);
        }
        if let Some(retweeter) = entry.retweeter {
            let retweets = facts.state(retweeter, Switch::Retweet(entry.tweet), looked);
            self.findings.require(retweets.may_be_on, Kind::CameBack, told);
        }
        let by = entry.retweeter.unwrap_or(entry.author);
        let belongs = match read.place {
            Place::Feed => facts.follows(reader, by, looked).may_be_on,
            Place::Timeline(person) => person == by,
            Place::Comments(id) => entry.answers == Some(id),
        };
        self.findings.require(belongs, Kind::FromNowhere, told);
    }

    /// That nothing is missing which was acknowledged before, and not deleted until the end.
    fn complete(&mut self, read: &Read) {
        let floor = match (read.goes_on, read.entries.last()) {
            (false, _) => 0,
            (true, Some(last)) => last.id,
            (true, None) => Id::MAX,
        };
        let there: BTreeSet<Id> = read.entries.iter().map(|entry| entry.tweet).collect();
        let expected: Vec<Id> = match read.place {
            Place::Timeline(person) => self.by(person, floor).collect(),
            Place::Comments(id) => self.facts.comments.get(&id).into_iter().flatten().copied().collect(),
            Place::Feed => {
                let mut authors = self.facts.by_author.keys();
                let followed: BTreeSet<Person> =
                    authors.by_ref().filter(|author| self.follows(read, **author)).copied().collect();
                let all = followed.iter().flat_map(|author| self.by(*author, floor));
                all.filter(|id| self.is_for(*id, read, &followed)).collect()
            }
        };
        for id in expected.into_iter().filter(|id| *id >= floor) {
            let posted = &self.facts.posted[&id];
            let must = posted.span.end < read.span.begin && !self.facts.may_be_gone(id, read.span.end);
            self.findings.require(!must || there.contains(&id), Kind::Missing, || {
                format!("{} read {:?} at {:?} without {id}, {posted:?}", read.person, read.place, read.span)
            });
        }
    }

    fn by(&self, author: Person, floor: Id) -> impl Iterator<Item = Id> {
        self.facts.by_author.get(&author).into_iter().flat_map(move |ids| ids.range(floor..).copied())
    }

    fn follows(&self, read: &Read, author: Person) -> bool {
        self.facts.follows(read.person, author, read.span).is_on()
    }

    /// Whether a tweet of somebody who is followed is in the feed: a comment only where it answers such a person too.
    fn is_for(&self, id: Id, read: &Read, followed: &BTreeSet<Person>) -> bool {
        let Some(answered) = self.facts.posted[&id].post.answers else { return true };
        let author = self.facts.posted.get(&answered).map(|posted| posted.author);
        author.is_some_and(|author| followed.contains(&author)) && !self.facts.may_be_gone(answered, read.span.end)
    }

    /// Whoever is asked for by name is there until they are deleted, and not after.
    fn probes(&mut self, history: &History) {
        for probe in &history.probes {
            if probe.found {
                let was_gone = self.gone.get(&probe.id).is_some_and(|end| *end < probe.span.begin);
                let is_gone = self.facts.is_gone(probe.id, probe.span.begin);
                self.findings.require(!was_gone && !is_gone, Kind::CameBack, || format!("{probe:?}"));
            } else {
                let kind = if probe.comment.is_some() { Kind::BeforeParent } else { Kind::Missing };
                let may_be_gone = self.facts.may_be_gone(probe.id, probe.span.end);
                self.findings.require(may_be_gone, kind, || format!("{probe:?}"));
            }
        }
    }

    /// Nothing is done to what is gone, and nothing is refused to what is there.
    fn writes(&mut self, history: &History) {
        for write in &history.writes {
            let id = match &write.change {
                Change::Post(post) => post.answers,
                Change::Switch(Switch::Favorite(id) | Switch::Retweet(id), _) => Some(*id),
                Change::Delete(_) | Change::Switch(Switch::Follow(_) | Switch::Tweets(_), _) => None,
            };
            let is_gone = id.is_some_and(|id| self.facts.is_gone(id, write.span.begin));
            let done = write.outcome == Outcome::Done;
            self.findings.require(!(is_gone && done), Kind::DoneToDeleted, || format!("{write:?}"));
            let may_be_gone = id.is_some_and(|id| self.facts.may_be_gone(id, write.span.end));
            let refused = write.outcome == Outcome::Refused;
            self.findings.require(!refused || may_be_gone, Kind::Missing, || format!("{write:?}"));
        }
    }
}
