//! One person who does at random whatever people do, through one connection, one thing after the other.
//!
//! An answer that is lost leaves what was asked for unknown. A post is then repeated with its key until it is answered. Of
//! the others half are repeated, and half are left alone for ever, so that both kinds are there to be checked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::afterwards::MODES;
use super::history::{
    Change, Entry, Id, Outcome, Person, Place, Post, Probe, Read, Recorder, Span, Switch, Write, id, username,
};
use super::{CHOSEN, CLIENTS, CLOSE};
use crate::support::client::{Answer, Rest, text};
use crate::support::wait;

/// Tweets that one chooses from to do something with.
const BOARD: usize = 64;
/// The events that one person is told of, at the most: of more than a thousand the service forgets the oldest.
const TOLD_MAX: u32 = 900;
/// Pages of the longest walk down.
const PAGES_MAX: usize = 3;

/// Where the server is.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) rest: Rest,
    /// How often it has been started.
    pub(super) started: usize,
    /// Whether whoever has their answer is to end.
    pub(super) is_over: bool,
}

/// What the people of an act share.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) act: usize,
    pub(super) recorder: Recorder,
    /// The newest tweets, deleted ones too, and whose they are.
    board: Mutex<Vec<(Id, Person)>>,
    told: Vec<AtomicU32>,
    /// Who may be told of each tweet of whom: author and subscriber.
    subscribers: Mutex<BTreeSet<(Person, Person)>>,
}

impl Stage {
    pub(super) fn new(act: usize) -> Stage {
        let told = (0..CLIENTS).map(|_| AtomicU32::new(0)).collect();
        Stage { act, recorder: Recorder::default(), board: Mutex::default(), told, subscribers: Mutex::default() }
    }

    fn put(&self, id: Id, person: Person) {
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        board.push((id, person));
        if board.len() > BOARD {
            board.remove(0);
        }
    }

    fn board(&self) -> Vec<(Id, Person)> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn subscribe(&self, subscriber: Person, author: Person) {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner).insert((author, subscriber));
    }

    /// Whether all who may be told of each tweet of somebody can be told of one more; if one cannot, none is.
    fn may_tell_subscribers(&self, author: Person) -> bool {
        let subscribers = self.subscribers.lock().unwrap_or_else(PoisonError::into_inner);
        let told = || subscribers.range((author, 0)..=(author, CLIENTS)).map(|(_, subscriber)| &self.told[*subscriber]);
        let may_tell = told().all(|told| told.load(Ordering::SeqCst) < TOLD_MAX);
        if may_tell {
            for told in told() {
                told.fetch_add(1, Ordering::SeqCst);
            }
        }
        may_tell
    }

    /// Whether somebody can be told of one more thing.
    fn may_tell(&self, person: Person) -> bool {
        self.told[person].fetch_add(1, Ordering::SeqCst) < TOLD_MAX
    }
}

/// A request that changes something.
struct Request {
    method: Method,
    path: String,
    body: Option<Value>,
    key: Option<String>,
}

/// One client.
pub(super) struct Client {
    person: Person,
    token: String,
    random: ChaCha8Rng,
    stage: Arc<Stage>,
    server: watch::Receiver<Server>,
    /// The state of the graph that the person's own last follow made.
    revision: Option<String>,
    /// What the person is sure of.
    switches: BTreeMap<Switch, bool>,
    left_alone: BTreeSet<Switch>,
    own: Vec<Id>,
    posted: usize,
    pub(super) lost: usize,
}

impl Client {
    pub(super) fn new(
        person: Person,
        token: String,
        random: ChaCha8Rng,
        stage: Arc<Stage>,
        server: watch::Receiver<Server>,
    ) -> Client {
        Client {
            person,
            token,
            random,
            stage,
            server,
            revision: None,
            switches: BTreeMap::new(),
            left_alone: BTreeSet::new(),
            own: Vec::new(),
            posted: 0,
            lost: 0,
        }
    }

    /// Lives until it is over.
    pub(super) async fn live(mut self) -> Client {
        for other in self.close().take(CLOSE / 2).collect::<Vec<_>>() {
            self.set(Switch::Follow(other), true, other).await;
        }
        for other in self.close().take(CHOSEN).collect::<Vec<_>>() {
            self.set(Switch::Tweets(other), true, other).await;
        }
        while !self.server.borrow().is_over {
            self.act().await;
        }
        self
    }

    /// Those whom the person has to do with: so few that a notification names all of them.
    fn close(&self) -> impl Iterator<Item = Person> + use<> {
        let person = self.person;
        (1..=CLOSE).map(move |distance| (person + distance) % CLIENTS)
    }

    async fn act(&mut self) {
        let board = self.stage.board();
        let close: Vec<Person> = self.close().collect();
        let other = *close.choose(&mut self.random).expect("somebody is close");
        let theirs: Vec<_> = board.iter().filter(|(_, author)| close.contains(author)).copied().collect();
        let tweet = theirs.choose(&mut self.random).copied();
        let any = board.choose(&mut self.random).copied();
        match (self.random.random_range(0..100), tweet, any) {
            (0..18, _, _) => self.post(None, other).await,
            (18..28, Some(tweet), _) => self.post(Some(tweet), other).await,
            (28..40, Some((id, author)), _) => self.toggle(Switch::Favorite(id), author).await,
            (40..48, Some((id, author)), _) => self.toggle(Switch::Retweet(id), author).await,
            (48..53, _, _) => self.toggle(Switch::Follow(other), other).await,
            (53..58, _, _) => self.delete().await,
            (58..76, _, _) => self.read(Place::Feed).await,
            (76..84, _, _) => self.read(Place::Timeline(other)).await,
            (84..88, _, Some((id, _))) => self.read(Place::Comments(id)).await,
            (88..92, _, Some((id, _))) => self.probe(id, None).await,
            (92..94, _, _) => {
                let chosen = *close[..CHOSEN].choose(&mut self.random).expect("somebody is chosen");
                self.toggle(Switch::Tweets(chosen), chosen).await;
            }
            (94.., _, _) => self.read_notifications().await,
            _ => self.post(None, other).await,
        }
    }

    /// The answer, or none where it was lost: with the server, whose next start is then waited for, or by its own word.
    async fn ask(&mut self, request: &Request, revision: bool) -> Option<Answer> {
        let Server { rest, started, .. } = self.server.borrow().clone();
        let mut headers = Vec::new();
        headers.extend(request.key.as_ref().map(|key| ("Idempotency-Key", key.as_str())));
        headers.extend(self.revision.as_ref().filter(|_| revision).map(|token| ("Roost-Revision", token.as_str())));
        let client = rest.signed(&self.token);
        match client.send_with(request.method.clone(), &request.path, &headers, request.body.clone()).await {
            Ok(answer) if answer.status < 500 => return Some(answer),
            Ok(Answer { status: 502..=504, .. }) => tokio::task::yield_now().await,
            Ok(answer) => {
                let fault = format!("{} answered {}: {}", answer.request, answer.status, answer.body);
                self.stage.recorder.add(|history| history.faults.push(fault));
            }
            Err(_) => {
                let next = self.server.wait_for(|server| server.started > started);
                let next = tokio::time::timeout(wait::DEADLINE, next).await;
                next.expect("the server comes back").expect("the server is told of");
            }
        }
        self.lost += 1;
        None
    }

    async fn get(&mut self, path: String) -> Option<Answer> {
        self.ask(&Request { method: Method::GET, path, body: None, key: None }, true).await
    }

    fn record(&self, begin: u64, change: Change, outcome: Outcome) {
        let span = self.stage.recorder.since(begin);
        let write = Write { span, person: self.person, change, outcome };
        self.stage.recorder.add(|history| history.writes.push(write));
    }

    /// Says something, or answers a tweet, sometimes naming somebody; and then often looks whether it is there.
    async fn post(&mut self, answered: Option<(Id, Person)>, other: Person) {
        if !self.stage.may_tell_subscribers(self.person) {
            return;
        }
        let mentions = self.random.random_ratio(1, 4) && self.stage.may_tell(other);
        let answered = answered.filter(|(_, author)| self.stage.may_tell(*author));
        self.posted += 1;
        let mut said = format!("{} says {}", self.person, self.posted);
        if mentions {
            said = format!("{said} to @{}", username(self.stage.act, other));
        }
        let path = match answered {
            Some((id, _)) => format!("/api/tweets/{id}/comments"),
            None => format!("/api/users/{}/tweets", username(self.stage.act, self.person)),
        };
        let body = Some(json!({ "text": said }));
        let request = Request { method: Method::POST, path, body, key: Some(format!("post-{}", self.posted)) };
        let begin = self.stage.recorder.now();
        let mut post = Post { said, id: None, answers: answered.map(|(id, _)| id) };
        let mut was_lost = false;
        let answer = loop {
            match self.ask(&request, false).await {
                Some(answer) => break answer,
                None => was_lost = true,
            }
        };
        if answer.status == 404 && answered.is_some() {
            // What was lost may have been answered while what it answers was there.
            let outcome = if was_lost { Outcome::Unknown } else { Outcome::Refused };
            return self.record(begin, Change::Post(post), outcome);
        }
        let id = id(&answer.expect(201)["id"]);
        post.id = Some(id);
        self.record(begin, Change::Post(post), Outcome::Done);
        self.own.push(id);
        self.stage.put(id, self.person);
        if self.random.random_ratio(1, 3) {
            self.read(Place::Feed).await;
            self.read(Place::Timeline(self.person)).await;
        }
    }

    async fn delete(&mut self) {
        if self.own.is_empty() {
            return;
        }
        let place = self.random.random_range(0..self.own.len());
        let id = self.own.swap_remove(place);
        let request = Request { method: Method::DELETE, path: format!("/api/tweets/{id}"), body: None, key: None };
        loop {
            let begin = self.stage.recorder.now();
            if let Some(answer) = self.ask(&request, false).await {
                answer.expect(204);
                self.record(begin, Change::Delete(id), Outcome::Done);
                return self.probe(id, None).await;
            }
            self.record(begin, Change::Delete(id), Outcome::Unknown);
            if self.random.random_ratio(1, 2) {
                return;
            }
        }
    }

    async fn toggle(&mut self, switch: Switch, author: Person) {
        let on = !self.switches.get(&switch).copied().unwrap_or(false);
        self.set(switch, on, author).await;
    }

    async fn set(&mut self, switch: Switch, on: bool, author: Person) {
        if self.left_alone.contains(&switch) {
            return;
        }
        if on {
            match switch {
                // It tells nobody of anything by itself, and the subscriber of whatever comes.
                Switch::Tweets(_) => self.stage.subscribe(self.person, author),
                _ if !self.stage.may_tell(author) => return,
                _ => {}
            }
        }
        let path = match switch {
            Switch::Favorite(id) => format!("/api/tweets/{id}/favorites"),
            Switch::Retweet(id) => format!("/api/tweets/{id}/retweets"),
            Switch::Follow(other) => format!("/api/users/{}/followers", username(self.stage.act, other)),
            Switch::Tweets(other) => format!("/api/users/{}/tweet-notifications", username(self.stage.act, other)),
        };
        let method = if on { Method::POST } else { Method::DELETE };
        let request = Request { method, path, body: None, key: None };
        loop {
            let begin = self.stage.recorder.now();
            let Some(answer) = self.ask(&request, false).await else {
                self.record(begin, Change::Switch(switch, on), Outcome::Unknown);
                if self.random.random_ratio(1, 2) {
                    self.left_alone.insert(switch);
                    return;
                }
                continue;
            };
            if answer.status == 404 && matches!(switch, Switch::Favorite(_) | Switch::Retweet(_)) {
                return self.record(begin, Change::Switch(switch, on), Outcome::Refused);
            }
            if let Some(token) = answer.headers.get("Roost-Revision") {
                self.revision = Some(token.to_str().expect("a revision is text").to_owned());
            }
            answer.expect(200);
            self.switches.insert(switch, on);
            return self.record(begin, Change::Switch(switch, on), Outcome::Done);
        }
    }

    /// A page or some, and then whether a comment that was seen answers something.
    async fn read(&mut self, place: Place) {
        let mode = MODES.choose(&mut self.random).expect("there are modes");
        let path = match place {
            Place::Feed => format!("/api/feed?mode={mode}&"),
            Place::Timeline(person) => format!("/api/users/{}/tweets?", username(self.stage.act, person)),
            Place::Comments(id) => format!("/api/tweets/{id}/comments?"),
        };
        let limit = *[5, 20, 50].choose(&mut self.random).expect("there are limits");
        let begin = self.stage.recorder.now();
        let (mut entries, mut cursor) = (Vec::new(), String::new());
        for _ in 0..self.random.random_range(1..=PAGES_MAX) {
            let Some(answer) = self.get(format!("{path}limit={limit}{cursor}")).await else { return };
            if answer.status == 404 {
                // Of a tweet that was deleted.
                return;
            }
            let page = answer.expect(200);
            let items = page["items"].as_array().expect("a page has items");
            assert!(items.len() <= limit, "{path} answered {} items, {limit} at most", items.len());
            entries.extend(items.iter().map(Entry::parse));
            cursor = page["next_cursor"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
            if cursor.is_empty() {
                break;
            }
        }
        let span = self.stage.recorder.since(begin);
        let comments: Vec<_> = entries.iter().filter_map(|entry| Some((entry.answers?, entry.tweet))).collect();
        let read = Read { span, person: self.person, place, entries, goes_on: !cursor.is_empty() };
        self.stage.recorder.add(|history| history.reads.push(read));
        if let Some((answered, comment)) = comments.choose(&mut self.random).copied() {
            self.probe(answered, Some(comment)).await;
        }
    }

    async fn probe(&mut self, id: Id, comment: Option<Id>) {
        let begin = self.stage.recorder.now();
        let Some(answer) = self.get(format!("/api/tweets/{id}")).await else { return };
        let span: Span = self.stage.recorder.since(begin);
        let found = answer.status != 404;
        if found {
            answer.expect(200);
        }
        self.stage.recorder.add(|history| history.probes.push(Probe { span, id, found, comment }));
    }

    /// Reads what there is, and marks one as read, so that the next event of its kind begins another.
    async fn read_notifications(&mut self) {
        let Some(answer) = self.get("/api/notifications?limit=20".to_owned()).await else { return };
        let page = answer.expect(200);
        let Some(item) = page["items"].as_array().and_then(|items| items.choose(&mut self.random)) else { return };
        let path = format!("/api/notifications/{}/read", text(&item["id"]));
        let request = Request { method: Method::POST, path, body: None, key: None };
        if let Some(answer) = self.ask(&request, false).await {
            answer.expect(200);
        }
    }
}
