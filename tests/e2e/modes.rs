//! Feeds by pull, by push and by whatever is cheapest: the same for everybody, page for page, and equal to a feed that is
//! sorted and filtered in the plainest way; through follows, unfollows, blocks, mutes, deletes and a restart.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use reqwest::Method;
use serde_json::Value;

use crate::support::client::{Rest, text, texts};
use crate::support::installation::{Installation, Wiring};

const SEED: u64 = 0x40DE5;
const PEOPLE: usize = 12;
/// Things that happen between two comparisons, and how often there is one.
const STEPS: usize = 200;
const ROUNDS: usize = 3;
/// Entries of a page: few, so that there are many places at which something could go wrong.
const PAGE: usize = 7;
const MODES: [&str; 3] = ["pull", "push", "auto"];

/// The community, and what its members think of one another.
struct Community {
    clients: Vec<Rest>,
    follows: BTreeSet<(usize, usize)>,
    blocks: BTreeSet<(usize, usize)>,
    mutes: BTreeSet<(usize, usize)>,
    /// Tweets that are there, with their authors.
    tweets: Vec<(String, usize)>,
    /// Every tweet that was ever there.
    authors: BTreeMap<String, usize>,
}

/// A place in somebody's timeline.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Spot {
    id: u64,
    tweet: String,
    author: usize,
    retweeter: Option<usize>,
    answers: Option<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mode_shows_the_same_in_one_process() {
    every_mode_shows_the_same(Wiring::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mode_shows_the_same_in_three_processes() {
    every_mode_shows_the_same(Wiring::ThreeProcesses).await;
}

async fn every_mode_shows_the_same(wiring: Wiring) {
    println!("seed {SEED:#x}");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut installation = Installation::start(wiring, &folder.path().join("data"));
    let mut community = Community::arrive(&installation.rest()).await;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    for _ in 0..ROUNDS {
        for _ in 0..STEPS {
            community.live(&mut random).await;
        }
        community.compare(&installation.rest()).await;
        installation = installation.restart();
        community.log_in(&installation.rest()).await;
        community.compare(&installation.rest()).await;
    }
    let refused = community.clients[0].get("/api/feed?mode=magic&explain=perhaps").await.expect(400);
    assert_eq!(texts(refused["errors"].as_array().expect("errors"), "field"), ["mode", "explain"]);
    installation.stop();
}

impl Community {
    async fn arrive(rest: &Rest) -> Community {
        let mut clients = Vec::new();
        for person in 0..PEOPLE {
            clients.push(rest.join(&name(person)).await);
        }
        Community {
            clients,
            follows: BTreeSet::new(),
            blocks: BTreeSet::new(),
            mutes: BTreeSet::new(),
            tweets: Vec::new(),
            authors: BTreeMap::new(),
        }
    }

    async fn log_in(&mut self, rest: &Rest) {
        for person in 0..PEOPLE {
            self.clients[person] = rest.log_in(&name(person)).await;
        }
    }

    /// Somebody does something.
    async fn live(&mut self, random: &mut ChaCha8Rng) {
        let (person, other) = (random.random_range(0..PEOPLE), random.random_range(0..PEOPLE));
        let client = self.clients[person].clone();
        let tweet = self.tweets.choose(random).cloned();
        let closed = |author: usize| self.blocks.contains(&(person, author)) || self.blocks.contains(&(author, person));
        match (random.random_range(0..100), tweet) {
            (0..30, _) if person != other => self.relate(person, other, random).await,
            (30..55, _) | (_, None) => {
                let id = client.say(&name(person), "as one says").await;
                self.said(id, person);
            }
            (55..72, Some((tweet, author))) if !closed(author) => {
                let id = client.comment(&tweet, "as one answers").await;
                self.said(id, person);
            }
            (72..92, Some((tweet, author))) if !closed(author) => {
                let method = if random.random_ratio(3, 4) { Method::POST } else { Method::DELETE };
                client.switch(method, &format!("/api/tweets/{tweet}/retweets")).await.expect(200);
            }
            (92..96, Some((tweet, author))) => {
                self.clients[author].delete(&format!("/api/tweets/{tweet}")).await.expect(204);
                self.tweets.retain(|(other, _)| *other != tweet);
            }
            // A feed that is read now and then is one that others are pushed into.
            _ => drop(client.get("/api/feed?mode=push").await.expect(200)),
        }
    }

    fn said(&mut self, id: String, author: usize) {
        self.authors.insert(id.clone(), author);
        self.tweets.push((id, author));
    }

    /// Mostly follows, now and then the other things, and the end of each.
    async fn relate(&mut self, person: usize, other: usize, random: &mut ChaCha8Rng) {
        let pair = (person, other);
        let blocked = self.blocks.contains(&pair) || self.blocks.contains(&(other, person));
        let (list, relations) = match random.random_range(0..10) {
            0 => ("blocks", &mut self.blocks),
            1 => ("mutes", &mut self.mutes),
            _ if blocked => return,
            _ => ("followers", &mut self.follows),
        };
        let on = random.random_ratio(3, 4);
        let method = if on { Method::POST } else { Method::DELETE };
        self.clients[person].switch(method, &format!("/api/users/{}/{list}", name(other))).await.expect(200);
        if on {
            relations.insert(pair);
        } else {
            relations.remove(&pair);
        }
        if on && list == "blocks" {
            self.follows.retain(|follow| *follow != pair && *follow != (other, person));
        }
    }

    /// Every feed in every mode against the model.
    async fn compare(&self, rest: &Rest) {
        let mut streams = Vec::new();
        for person in 0..PEOPLE {
            let stream = rest.all_pages(&format!("/api/users/{}/tweets", name(person))).await;
            streams.push(stream.iter().map(spot).collect::<Vec<_>>());
        }
        let mut seen = 0;
        for reader in 0..PEOPLE {
            let expected = self.feed(reader, &streams);
            let client = &self.clients[reader];
            let plain = client.pages("/api/feed", PAGE, usize::MAX).await;
            let ids: Vec<Spot> = plain.iter().flatten().map(spot).collect();
            assert_eq!(ids, expected, "{} does not see what the model has", name(reader));
            for mode in MODES {
                let pages = client.pages(&format!("/api/feed?mode={mode}"), PAGE, usize::MAX).await;
                assert_eq!(pages, plain, "{} by {mode}", name(reader));
                for entry in client.all_pages(&format!("/api/feed?mode={mode}&explain=true")).await {
                    explained(&entry, reader, mode);
                }
            }
            seen += expected.len();
        }
        assert!(seen > PEOPLE * PAGE, "{seen} entries in all feeds are too few to say anything");
    }

    /// The definition: everything that the reader and those whom they follow said and retweeted, without what is hidden,
    /// each tweet once, where it came first. Nothing here is a day old.
    fn feed(&self, reader: usize, streams: &[Vec<Spot>]) -> Vec<Spot> {
        let follows = |person: usize| person == reader || self.follows.contains(&(reader, person));
        let hidden = |person: usize| {
            self.mutes.contains(&(reader, person))
                || self.blocks.contains(&(reader, person))
                || self.blocks.contains(&(person, reader))
        };
        let there: BTreeSet<&String> = self.tweets.iter().map(|(id, _)| id).collect();
        let shown = |spot: &&Spot| {
            let answered = spot.answers.as_ref().map(|id| self.authors[id]);
            let people = [Some(spot.author), spot.retweeter, answered];
            !people.into_iter().flatten().any(hidden)
                && there.contains(&spot.tweet)
                && spot.answers.as_ref().is_none_or(|id| there.contains(id))
                && answered.is_none_or(|answered| follows(spot.author) && follows(answered))
        };
        let streams = streams.iter().enumerate().filter(|(author, _)| follows(*author));
        let mut entries: Vec<&Spot> = streams.flat_map(|(_, stream)| stream).filter(shown).collect();
        entries.sort_by_key(|spot| spot.id);
        let mut once = BTreeSet::new();
        entries.retain(|spot| once.insert(&spot.tweet));
        entries.into_iter().rev().cloned().collect()
    }
}

/// An entry as a timeline shows it.
fn spot(entry: &Value) -> Spot {
    let id = entry.get("entry_id").unwrap_or(&entry["id"]);
    let person = |person: &Value| number(text(&person["username"]));
    Spot {
        id: text(id).parse().expect("an id is a number"),
        tweet: text(&entry["id"]).to_owned(),
        author: person(&entry["author"]),
        retweeter: entry.get("retweeted_by").map(person),
        answers: entry["in_reply_to"].as_str().map(str::to_owned),
    }
}

/// What an entry says of itself is true.
fn explained(entry: &Value, reader: usize, mode: &str) {
    let (seen, explanation) = (spot(entry), &entry["explanation"]);
    let reason = match seen.retweeter {
        Some(retweeter) if retweeter == reader => "own_retweet",
        Some(_) => "retweeter_followed",
        None if seen.author == reader => "own",
        None if seen.answers.is_some() => "conversation_followed",
        None => "author_followed",
    };
    // A comment of one's own, or one that is retweeted, is there for two reasons.
    let both = seen.answers.is_some() && explanation["reason"] == "conversation_followed";
    assert!(explanation["reason"] == reason || both, "{reason}: {entry}");
    let routes: &[&str] = match mode {
        "pull" => &["pulled"],
        // What a feed was made of was pulled once, whoever's it is.
        _ => &["pulled", "pushed", "under_way"],
    };
    assert!(routes.contains(&text(&explanation["route"])), "{entry} by {mode}");
}

fn name(person: usize) -> String {
    format!("p{person}")
}

fn number(name: &str) -> usize {
    name.strip_prefix('p').and_then(|number| number.parse().ok()).expect("one of the community")
}
