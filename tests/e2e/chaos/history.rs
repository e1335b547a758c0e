//! What the clients did and saw, each with when it began and ended on one clock.
//!
//! Two things of which one ended before the other began happened in that order; of all others the checks assume neither.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use crate::support::client::text;

/// One of the people of an act, by number.
pub(super) type Person = usize;
/// A tweet, or a place in a timeline. Newer ones are greater.
pub(super) type Id = u64;
/// A reading of the clock. No two are the same.
pub(super) type Tick = u64;

/// When something began and ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) begin: Tick,
    pub(super) end: Tick,
}

/// What became of a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// It was acknowledged.
    Done,
    /// It was refused: it did not happen.
    Refused,
    /// Its answer was lost: it happened, or it did not.
    Unknown,
}

/// What can be on or off between a person and something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Switch {
    Favorite(Id),
    Retweet(Id),
    Follow(Person),
    /// Being notified of each tweet of somebody.
    Tweets(Person),
}

/// A tweet or a comment. No two say the same.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Post {
    pub(super) said: String,
    /// Known once it is acknowledged.
    pub(super) id: Option<Id>,
    pub(super) answers: Option<Id>,
}

/// What somebody wanted to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Change {
    Post(Post),
    Delete(Id),
    Switch(Switch, bool),
}

#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) span: Span,
    pub(super) person: Person,
    pub(super) change: Change,
    pub(super) outcome: Outcome,
}

/// What was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// The reader's own home feed.
    Feed,
    Timeline(Person),
    Comments(Id),
}

/// One or more pages from the top.
#[derive(Clone, Debug)]
pub(super) struct Read {
    pub(super) span: Span,
    pub(super) person: Person,
    pub(super) place: Place,
    pub(super) entries: Vec<Entry>,
    /// Whether there was more below.
    pub(super) goes_on: bool,
}

/// Whether a tweet was there when it was asked for by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub(super) span: Span,
    pub(super) id: Id,
    pub(super) found: bool,
    /// The comment on it that had been seen.
    pub(super) comment: Option<Id>,
}

/// A place in a timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) id: Id,
    pub(super) tweet: Id,
    pub(super) author: Person,
    pub(super) retweeter: Option<Person>,
    pub(super) answers: Option<Id>,
    pub(super) said: String,
}

impl Entry {
    pub(super) fn parse(item: &Value) -> Entry {
        Entry {
            id: id(item.get("entry_id").unwrap_or(&item["id"])),
            tweet: id(&item["id"]),
            author: person(&item["author"]),
            retweeter: item.get("retweeted_by").map(person),
            answers: item.get("in_reply_to").filter(|answered| !answered.is_null()).map(id),
            said: text(&item["text"]).to_owned(),
        }
    }
}

/// Everything that happened.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    pub(super) writes: Vec<Write>,
    pub(super) reads: Vec<Read>,
    pub(super) probes: Vec<Probe>,
    /// Answers that say that the server is at fault.
    pub(super) faults: Vec<String>,
}

/// A history while it grows, and its clock.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    clock: AtomicU64,
    history: Mutex<History>,
}

impl Recorder {
    pub(super) fn now(&self) -> Tick {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    /// From then until now.
    pub(super) fn since(&self, begin: Tick) -> Span {
        Span { begin, end: self.now() }
    }

    pub(super) fn add(&self, add: impl FnOnce(&mut History)) {
        add(&mut self.history.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn finish(&self) -> History {
        std::mem::take(&mut self.history.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An id in an answer.
pub(super) fn id(value: &Value) -> Id {
    text(value).parse().expect("an id is a number")
}

/// A person in an answer.
pub(super) fn person(value: &Value) -> Person {
    let username = text(&value["username"]);
    let number = username.rsplit_once('p').and_then(|(_, number)| number.parse().ok());
    number.unwrap_or_else(|| panic!("{username} is none of the people"))
}

/// The name of a person of an act.
pub(super) fn username(act: usize, person: Person) -> String {
    format!("a{act}p{person}")
}

/// Whom a text mentions.
pub(super) fn mentioned(said: &str) -> Option<Person> {
    let (_, name) = said.split_once('@')?;
    name.rsplit_once('p')?.1.parse().ok()
}
