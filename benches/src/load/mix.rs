//! What is asked, how often, and by whom.

use clap::ValueEnum;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use serde_json::json;

use super::people::People;
use super::text::say;
use crate::wire::http::{get, post};

/// How far down numbered pages are read.
const PAGES: u32 = 10;

/// A mix of requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mix {
    /// Home feeds, 10 tweets of a page from 1 to 10.
    HomeRead,
    /// Tweets of 10 to 140 characters, some with mentions and links.
    Post,
    /// 60 % home feeds and 30 % users' timelines, 10 tweets of a page from 1 to 10, and 10 % tweets.
    Mixed,
    /// 90 % users' timelines, 7 % followers, and 1 % each of one tweet, a home feed and a tweet that is posted.
    Twitter,
}

/// A kind of request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `GET /api/feed`
    HomeFeed,
    /// `GET /api/users/{username}/tweets`
    UserTimeline,
    /// `GET /api/users/{username}/followers`
    Followers,
    /// `GET /api/tweets/{id}`
    Tweet,
    /// `POST /api/users/{me}/tweets`
    Post,
}

impl Mix {
    /// The kinds of its requests and how many of a hundred each is.
    pub fn shares(self) -> &'static [(Kind, u32)] {
        match self {
            Mix::HomeRead => &[(Kind::HomeFeed, 100)],
            Mix::Post => &[(Kind::Post, 100)],
            Mix::Mixed => &[(Kind::HomeFeed, 60), (Kind::UserTimeline, 30), (Kind::Post, 10)],
            Mix::Twitter => &[
                (Kind::UserTimeline, 90),
                (Kind::Followers, 7),
                (Kind::Tweet, 1),
                (Kind::HomeFeed, 1),
                (Kind::Post, 1),
            ],
        }
    }

    /// Which part of a timeline is asked for.
    fn part(self, random: &mut ChaCha8Rng) -> String {
        match self {
            Mix::Twitter => "limit=20".to_owned(),
            _ => format!("limit=10&page={}", random.random_range(1..=PAGES)),
        }
    }
}

/// A request as it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// What it asks.
    pub kind: Kind,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// The requests of a mix, one after the other: the same for the same people and the same seed.
#[derive(Debug)]
pub struct Requests<'a> {
    mix: Mix,
    people: &'a People,
    random: ChaCha8Rng,
}

impl<'a> Requests<'a> {
    /// Requests to and from these people. All who ask, and all who are asked about, do so as often as one another.
    pub fn new(mix: Mix, people: &'a People, seed: u64) -> Self {
        Requests { mix, people, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// The next one.
    pub fn draw(&mut self) -> Request {
        let Requests { mix, people, random } = self;
        let kind = match drawn(mix.shares(), random.random_range(0..100)) {
            // Nobody has said anything yet: there is no one tweet to ask for.
            Kind::Tweet if people.tweets.is_empty() => Kind::UserTimeline,
            kind => kind,
        };
        let (reader, host) = (&people.readers[random.random_range(0..people.readers.len())], &people.host);
        let person = &people.names[random.random_range(0..people.names.len())];
        let token = Some(&reader.token[..]);
        let bytes = match kind {
            Kind::HomeFeed => get(host, &format!("/api/feed?{}", mix.part(random)), token),
            Kind::UserTimeline => get(host, &format!("/api/users/{person}/tweets?{}", mix.part(random)), token),
            Kind::Followers => get(host, &format!("/api/users/{person}/followers?limit=20"), token),
            Kind::Tweet => {
                let tweet = people.tweets.choose(random).map(String::as_str).unwrap_or_default();
                get(host, &format!("/api/tweets/{tweet}"), token)
            }
            Kind::Post => {
                let text = say(&people.names, random).text;
                post(host, &format!("/api/users/{}/tweets", reader.name), token, &json!({ "text": text }))
            }
        };
        Request { kind, bytes }
    }
}

/// The kind in whose share a number below 100 lies.
fn drawn(shares: &[(Kind, u32)], number: u32) -> Kind {
    let mut end = 0;
    let found = shares.iter().find(|(_, share)| {
        end += share;
        number < end
    });
    found.map_or(Kind::HomeFeed, |(kind, _)| *kind)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::load::people::Reader;

    fn people() -> People {
        let names: Vec<String> = (0..50).map(|person| format!("u{person}")).collect();
        let reader = |name: &String| Reader { name: name.clone(), token: format!("token-of-{name}") };
        let readers = names[..5].iter().map(reader).collect();
        let mut people = People::at(([127, 0, 0, 1], 8080).into(), names, readers);
        people.tweets = vec!["17".to_owned(), "18".to_owned()];
        people
    }

    #[test]
    fn each_kind_is_asked_as_often_as_the_mix_says() {
        let people = people();
        for mix in [Mix::HomeRead, Mix::Post, Mix::Mixed, Mix::Twitter] {
            assert_eq!(mix.shares().iter().map(|(_, share)| share).sum::<u32>(), 100);
            let mut requests = Requests::new(mix, &people, 1);
            let mut counts = BTreeMap::<Kind, u32>::new();
            (0..100_000).for_each(|_| *counts.entry(requests.draw().kind).or_default() += 1);
            for (kind, share) in mix.shares() {
                let (got, expected) = (f64::from(counts.remove(kind).unwrap_or_default()), f64::from(share * 1000));
                assert!((got - expected).abs() < 4.0 * expected.sqrt(), "{mix:?} {kind:?}: {got} of {expected}");
            }
            assert_eq!(counts, BTreeMap::new());
        }
    }

    #[test]
    fn a_mixed_read_is_ten_tweets_of_a_page_from_1_to_10() {
        let people = people();
        let mut requests = Requests::new(Mix::Mixed, &people, 2);
        let mut heads = BTreeSet::new();
        for _ in 0..10_000 {
            let Request { kind, bytes } = requests.draw();
            let text = String::from_utf8(bytes).expect("ASCII");
            let line = text.lines().next().expect("a request line").to_owned();
            match kind {
                Kind::HomeFeed => drop(heads.insert(line)),
                Kind::Post => {
                    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
                    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
                    let characters = body["text"].as_str().expect("a text").chars().count();
                    assert!((10..=140).contains(&characters), "{body}");
                    let name = line.split('/').nth(3).expect("a name");
                    assert!(head.contains(&format!("Bearer token-of-{name}\r\n")), "who posts is who is signed in");
                }
                _ => assert!(line.starts_with("GET /api/users/u"), "{line}"),
            }
        }
        let pages = (1..=10).map(|page| format!("GET /api/feed?limit=10&page={page} HTTP/1.1"));
        assert_eq!(heads, pages.collect());
    }

    #[test]
    fn the_same_seed_gives_the_same_requests() {
        let people = people();
        let drawn = |seed| {
            let mut requests = Requests::new(Mix::Twitter, &people, seed);
            (0..100).map(|_| requests.draw()).collect::<Vec<_>>()
        };
        assert_eq!(drawn(3), drawn(3));
        assert_ne!(drawn(3), drawn(4));
    }
}
