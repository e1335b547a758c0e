//! What follows for certain from the writes of a history, and what may be.

use std::collections::{BTreeMap, BTreeSet};

use super::history::{Change, History, Id, Outcome, Person, Post, Span, Switch, Tick, Write};

/// What a switch can have been.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct State {
    pub(super) may_be_on: bool,
    pub(super) may_be_off: bool,
}

impl State {
    fn certainly(on: bool) -> State {
        State { may_be_on: on, may_be_off: !on }
    }

    fn or(self, on: bool) -> State {
        State { may_be_on: self.may_be_on || on, may_be_off: self.may_be_off || !on }
    }

    pub(super) fn is_on(self) -> bool {
        !self.may_be_off
    }

    /// Whether this is what it was seen to be.
    pub(super) fn allows(self, on: bool) -> bool {
        if on { self.may_be_on } else { self.may_be_off }
    }
}

/// A tweet that was acknowledged.
#[derive(Debug)]
pub(super) struct Posted<'a> {
    pub(super) author: Person,
    pub(super) post: &'a Post,
    pub(super) span: Span,
}

/// The writes, in order, by what they are about.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) posted: BTreeMap<Id, Posted<'a>>,
    /// Acknowledged tweets of each author, comments too.
    pub(super) by_author: BTreeMap<Person, BTreeSet<Id>>,
    pub(super) comments: BTreeMap<Id, BTreeSet<Id>>,
    /// What may have been said, and by whom.
    pub(super) said: BTreeMap<&'a str, Person>,
    deletes: BTreeMap<Id, Vec<&'a Write>>,
    pub(super) switches: BTreeMap<(Person, Switch), Vec<(&'a Write, bool)>>,
}

/// After everything.
pub(super) const AFTERWARDS: Span = Span { begin: Tick::MAX, end: Tick::MAX };

impl<'a> Facts<'a> {
    pub(super) fn of(history: &'a History) -> Facts<'a> {
        let mut facts = Facts {
            posted: BTreeMap::new(),
            by_author: BTreeMap::new(),
            comments: BTreeMap::new(),
            said: BTreeMap::new(),
            deletes: BTreeMap::new(),
            switches: BTreeMap::new(),
        };
        for write in history.writes.iter().filter(|write| write.outcome != Outcome::Refused) {
            match &write.change {
                Change::Post(post) => facts.add_post(write, post),
                Change::Delete(id) => facts.deletes.entry(*id).or_default().push(write),
                Change::Switch(switch, on) => {
                    facts.switches.entry((write.person, *switch)).or_default().push((write, *on));
                }
            }
        }
        facts
    }

    fn add_post(&mut self, write: &'a Write, post: &'a Post) {
        self.said.insert(&post.said, write.person);
        let Some(id) = post.id else { return };
        self.posted.insert(id, Posted { author: write.person, post, span: write.span });
        self.by_author.entry(write.person).or_default().insert(id);
        if let Some(answered) = post.answers {
            self.comments.entry(answered).or_default().insert(id);
        }
    }

    /// Whether a tweet is gone for whoever asks at this time or later.
    pub(super) fn is_gone(&self, id: Id, begin: Tick) -> bool {
        self.deletes_of(id).any(|write| write.outcome == Outcome::Done && write.span.end < begin)
    }

    /// Whether whoever was answered by this time may have found it gone.
    pub(super) fn may_be_gone(&self, id: Id, end: Tick) -> bool {
        self.deletes_of(id).any(|write| write.span.begin < end)
    }

    fn deletes_of(&self, id: Id) -> impl Iterator<Item = &'a Write> {
        self.deletes.get(&id).into_iter().flatten().copied()
    }

    /// What somebody who looked in this time may have found. The writes of a switch are one person's, one after the other.
    pub(super) fn state(&self, person: Person, switch: Switch, looked: Span) -> State {
        let writes = self.switches.get(&(person, switch)).into_iter().flatten();
        let before = writes.take_while(|(write, _)| write.span.begin < looked.end);
        before.fold(State::certainly(false), |state, (write, on)| {
            match write.outcome == Outcome::Done && write.span.end < looked.begin {
                true => State::certainly(*on),
                false => state.or(*on),
            }
        })
    }

    /// Whether somebody follows somebody, everybody being their own follower.
    pub(super) fn follows(&self, person: Person, other: Person, looked: Span) -> State {
        match person == other {
            true => State::certainly(true),
            false => self.state(person, Switch::Follow(other), looked),
        }
    }
}
