//! SIGKILL in the middle of everything: each acknowledged write is there afterwards, and none is there by half.
//!
//! Every worker acts for one person and has one request under way. So what the model knows of a pair or a tweet is either
//! certain (the last acknowledged state) or one of two (the request that was cut off).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::{ListRef, Relation, UserId, limits};
use proto::common::PageRequest;
use proto::graph::ListRequest;
use proto::link::GraphLink;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::client::{Answer, Rest, graph, text};
use crate::support::installation::{Installation, Wiring};
use crate::support::process::run;

const ROUNDS: usize = 20;
const WORKERS: usize = 12;
/// A round is killed after a number of acknowledged writes that is drawn from this range.
const WRITES: std::ops::Range<usize> = 40..400;
const SEED: u64 = 0xC4A5;

/// What one worker's person did.
#[derive(Debug)]
struct Worker {
    username: String,
    id: u32,
    token: String,
    random: ChaCha8Rng,
    /// Whom the person follows for certain.
    followees: BTreeSet<u32>,
    /// The pair that was being changed when the process died.
    unsure_followee: Option<u32>,
    /// Id and text of the tweets that are there for certain.
    tweets: BTreeMap<u64, String>,
    /// Tweets that are gone for certain.
    deleted: BTreeSet<u64>,
    /// A text that was being posted, or an id that was being deleted, when the process died.
    unsure_text: Option<String>,
    unsure_tweet: Option<u64>,
    posted: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    println!("the seed is {SEED:#x}; `cargo test --test e2e crash` repeats the run");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    let mut installation = Installation::start(Wiring::OneProcess, &data);
    let mut workers = Vec::new();
    for number in 0..WORKERS {
        workers.push(Worker::join(&installation.rest(), number).await);
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for round in 0..ROUNDS {
        let after = random.random_range(WRITES);
        workers = write_until_killed(installation, workers, after).await;
        run(&["graph", "check", "--data", data.to_str().expect("text")]).success();
        installation = Installation::start(Wiring::OneProcess, &data);
        let rest = installation.rest();
        let graph = graph(&installation.graph());
        for worker in &mut workers {
            worker.find_tweets(&rest, round).await;
        }
        find_follows(&graph, &mut workers, round).await;
    }
    let found = workers.iter().map(|worker| worker.tweets.len() + worker.deleted.len()).sum::<usize>();
    assert!(found > ROUNDS * WORKERS / 2, "only {found} tweets were ever posted");
    installation.stop();
}

/// All workers write; once so many writes are acknowledged, the process dies and each worker's next request fails.
async fn write_until_killed(installation: Installation, workers: Vec<Worker>, after: usize) -> Vec<Worker> {
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let ids: Arc<[u32]> = workers.iter().map(|worker| worker.id).collect();
    let names: Arc<[String]> = workers.iter().map(|worker| worker.username.clone()).collect();
    let rest = installation.rest();
    let installation = Arc::new(installation);
    let running: Vec<_> = workers
        .into_iter()
        .map(|mut worker| {
            let (acknowledged, ids, names) = (acknowledged.clone(), ids.clone(), names.clone());
            let (client, installation) = (rest.signed(&worker.token), installation.clone());
            tokio::spawn(async move {
                while worker.write(&client, &ids, &names).await {
                    // Whoever makes the number full kills, with the requests of all others under way.
                    if acknowledged.fetch_add(1, Ordering::SeqCst) + 1 == after {
                        installation.signal(Signal::KILL);
                    }
                }
                worker
            })
        })
        .collect();
    let mut workers = Vec::new();
    for worker in running {
        workers.push(worker.await.expect("a worker does not panic"));
    }
    let acknowledged = acknowledged.load(Ordering::SeqCst);
    assert!(acknowledged >= after, "only {acknowledged} writes were acknowledged");
    Arc::into_inner(installation).expect("the workers have ended").kill();
    workers
}

impl Worker {
    async fn join(rest: &Rest, number: usize) -> Worker {
        let username = format!("worker{number}");
        let client = rest.join(&username).await;
        let user = client.get(&format!("/api/users/{username}")).await.expect(200);
        Worker {
            id: text(&user["id"]).parse().expect("an id is a number"),
            token: client.token().to_owned(),
            username,
            random: ChaCha8Rng::seed_from_u64(SEED ^ number as u64),
            followees: BTreeSet::new(),
            unsure_followee: None,
            tweets: BTreeMap::new(),
            deleted: BTreeSet::new(),
            unsure_text: None,
            unsure_tweet: None,
            posted: 0,
        }
    }

    /// One write. False when it was not acknowledged: the process is gone, or says that it could not answer in time.
    async fn write(&mut self, client: &Rest, ids: &[u32], names: &[String]) -> bool {
        if self.random.random_bool(0.5) {
            self.write_edge(client, ids, names).await
        } else {
            self.write_tweet(client).await
        }
    }

    async fn write_edge(&mut self, client: &Rest, ids: &[u32], names: &[String]) -> bool {
        let others: Vec<usize> = (0..ids.len()).filter(|place| ids[*place] != self.id).collect();
        let target = *others.choose(&mut self.random).expect("there are others");
        let follows = self.followees.contains(&ids[target]);
        let method = if follows { Method::DELETE } else { Method::POST };
        self.unsure_followee = Some(ids[target]);
        let path = format!("/api/users/{}/followers", names[target]);
        let Some(answer) = answered(client, method, &path, None).await else { return false };
        assert_eq!(answer.expect(200)["relationship"]["following"], !follows);
        self.unsure_followee = None;
        match follows {
            true => self.followees.remove(&ids[target]),
            false => self.followees.insert(ids[target]),
        };
        true
    }

    async fn write_tweet(&mut self, client: &Rest) -> bool {
        let ids: Vec<u64> = self.tweets.keys().copied().collect();
        if self.random.random_bool(0.25)
            && let Some(id) = ids.choose(&mut self.random).copied()
        {
            self.unsure_tweet = Some(id);
            let path = format!("/api/tweets/{id}");
            let Some(answer) = answered(client, Method::DELETE, &path, None).await else { return false };
            answer.expect(204);
            self.unsure_tweet = None;
            self.tweets.remove(&id);
            self.deleted.insert(id);
            return true;
        }
        self.posted += 1;
        let said = format!("{} says number {}", self.username, self.posted);
        self.unsure_text = Some(said.clone());
        let path = format!("/api/users/{}/tweets", self.username);
        let body = Some(json!({ "text": said }));
        let Some(answer) = answered(client, Method::POST, &path, body).await else { return false };
        let id = text(&answer.expect(201)["id"]).parse().expect("an id is a number");
        self.unsure_text = None;
        self.tweets.insert(id, said);
        true
    }

    /// Compares the person's timeline with what was acknowledged, and settles what was unsure.
    async fn find_tweets(&mut self, rest: &Rest, round: usize) {
        let items = rest.all_pages(&format!("/api/users/{}/tweets", self.username)).await;
        let mut found: BTreeMap<u64, String> = items
            .iter()
            .map(|item| (text(&item["id"]).parse().expect("a number"), text(&item["text"]).to_owned()))
            .collect();
        assert_eq!(found.len(), items.len(), "round {round}: a tweet of {} is there twice", self.username);
        if let Some(said) = self.unsure_text.take()
            && let Some(id) = found.iter().find(|(_, text)| **text == said).map(|(id, _)| *id)
        {
            self.tweets.insert(id, said);
        }
        if let Some(id) = self.unsure_tweet.take()
            && !found.contains_key(&id)
        {
            self.tweets.remove(&id);
            self.deleted.insert(id);
        }
        assert_eq!(found, self.tweets, "round {round}: tweets of {}", self.username);
        found.retain(|id, _| self.deleted.contains(id));
        assert_eq!(found, BTreeMap::new(), "round {round}: deleted tweets of {}", self.username);
        // What a page says, a single read says too: a deleted tweet is gone by every way.
        if let Some(id) = self.deleted.last() {
            rest.get(&format!("/api/tweets/{id}")).await.expect(404);
        }
        if let Some((id, said)) = self.tweets.last_key_value() {
            let tweet = rest.get(&format!("/api/tweets/{id}")).await.expect(200);
            assert_eq!(tweet["text"], said.as_str());
        }
        let profile = rest.get(&format!("/api/users/{}", self.username)).await.expect(200);
        assert_eq!(
            profile["tweets_count"],
            self.tweets.len(),
            "round {round}: the number of tweets of {}",
            self.username
        );
    }
}

/// An answer that tells what was done. Where there is none, it may have been done or not.
async fn answered(client: &Rest, method: Method, path: &str, body: Option<Value>) -> Option<Answer> {
    client.send(method, path, body).await.ok().filter(|answer| !(502..=504).contains(&answer.status))
}

/// Compares both ends of every edge with what was acknowledged, and settles what was unsure.
async fn find_follows(graph: &GraphLink, workers: &mut [Worker], round: usize) {
    let mut forward = BTreeSet::new();
    let mut reverse = BTreeSet::new();
    for worker in &*workers {
        let user = UserId(worker.id);
        forward.extend(members(graph, ListRef::forward(Relation::Follow, user)).await.map(|other| (worker.id, other)));
        reverse.extend(members(graph, ListRef::reverse(Relation::Follow, user)).await.map(|other| (other, worker.id)));
    }
    assert_eq!(forward, reverse, "round {round}: every edge is there from both ends or from none");
    for worker in workers {
        if let Some(unsure) = worker.unsure_followee.take() {
            if forward.contains(&(worker.id, unsure)) {
                worker.followees.insert(unsure);
            } else {
                worker.followees.remove(&unsure);
            }
        }
        let found: BTreeSet<u32> =
            forward.iter().filter(|(source, _)| *source == worker.id).map(|(_, target)| *target).collect();
        assert_eq!(found, worker.followees, "round {round}: followees of {}", worker.username);
    }
}

async fn members(graph: &GraphLink, list: ListRef) -> impl Iterator<Item = u32> {
    let page = Some(PageRequest { limit: limits::PAGE_MAX, cursor: String::new() });
    let request = ListRequest { list: Some(list.into()), order: 0, page, at_least: None };
    let page = graph.list(request).await.expect("a list can be read");
    assert_eq!(page.next_cursor, "", "everybody fits on one page");
    page.edges.into_iter().map(|edge| edge.user)
}
