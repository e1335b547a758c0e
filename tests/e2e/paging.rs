//! Pages stay whole while others write: for a minute, readers page down and up through feeds and lists that grow and change
//! under them, and no reader misses an entry below one that it has seen, or meets one twice.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use base::{ListRef, Relation, UserId};
use futures::future::join_all;
use proto::common::PageRequest;
use proto::graph::{ListRequest, Order};
use proto::link::GraphLink;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Rest, each, graph, text, texts};
use crate::support::installation::{Installation, Wiring};

const MINUTE: Duration = Duration::from_secs(60);
const AUTHORS: usize = 4;
const READERS: usize = 3;
/// Followers who stay, and followers who come and go.
const LOYAL: usize = 60;
const FICKLE: usize = 6;
/// Entries of a page: few, so that there are many places at which something could go wrong.
const PAGE: usize = 7;
/// Pages of one walk through a feed, down and then up.
const PAGES_DOWN: usize = 30;
const PAGES_UP: usize = 60;

/// What one walk through a feed saw: ids, newest first going down; going up from `place`, oldest first.
#[derive(Debug)]
struct Walk {
    down: Vec<u64>,
    place: u64,
    up: Vec<u64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reader_of_a_feed_misses_an_entry_below_one_it_has_seen() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let installation = Installation::start(Wiring::OneProcess, &folder.path().join("data"));
    let rest = installation.rest();
    let reader = rest.join("reader").await;
    let authors: Vec<(String, Rest)> = each(0..AUTHORS, |number| {
        let (rest, reader) = (rest.clone(), reader.clone());
        async move {
            let username = format!("author{number}");
            let client = rest.join(&username).await;
            reader.switch(Method::POST, &format!("/api/users/{username}/followers")).await.expect(200);
            (username, client)
        }
    })
    .await;
    // One page at the least, so that the first walk has somewhere to go.
    for (username, client) in &authors {
        for _ in 0..PAGE {
            post(client, username).await;
        }
    }
    let until = Instant::now() + MINUTE;
    let writers = authors.into_iter().map(|(username, client)| {
        tokio::spawn(async move {
            while Instant::now() < until {
                post(&client, &username).await;
            }
        })
    });
    let readers = (0..READERS).map(|_| {
        let reader = reader.clone();
        tokio::spawn(async move {
            let mut walks = Vec::new();
            while Instant::now() < until {
                walks.push(walk(&reader).await);
            }
            walks
        })
    });
    let (writers, readers): (Vec<_>, Vec<_>) = (writers.collect(), readers.collect());
    join_all(writers).await.into_iter().for_each(|writer| writer.expect("a writer does not panic"));
    let walks = join_all(readers).await.into_iter().flat_map(|walks| walks.expect("a reader does not panic"));

    let feed = texts(&reader.all_pages("/api/feed").await, "id");
    let truth: Vec<u64> = feed.iter().map(|id| id.parse().expect("an id is a number")).collect();
    assert!(truth.is_sorted_by(|a, b| a > b), "newest first, each once");
    let mut count = 0;
    for walk in walks {
        let (newest, oldest) = (walk.down[0], walk.down[walk.down.len() - 1]);
        let expected: Vec<u64> = truth.iter().copied().filter(|id| (oldest..=newest).contains(id)).collect();
        assert_eq!(walk.down, expected, "a walk down");
        if let Some(newest) = walk.up.last() {
            let above = truth.iter().rev().copied().filter(|id| *id > walk.place && id <= newest);
            assert_eq!(walk.up, above.collect::<Vec<_>>(), "a walk up from {}", walk.place);
        }
        count += 1;
    }
    assert!(count > READERS, "{count} walks in a minute");
    installation.stop();
}

async fn post(client: &Rest, username: &str) {
    client.post(&format!("/api/users/{username}/tweets"), json!({ "text": "tick" })).await.expect(201);
}

/// Down from the newest, then up again from where that ended, while new entries come.
async fn walk(reader: &Rest) -> Walk {
    let mut page = reader.get(&format!("/api/feed?limit={PAGE}")).await.expect(200);
    let mut down = ids(&page);
    for _ in 0..PAGES_DOWN {
        let Some(next) = page["next_cursor"].as_str() else { break };
        page = reader.get(&format!("/api/feed?limit={PAGE}&cursor={next}")).await.expect(200);
        down.extend(ids(&page));
    }
    let place = *ids(&page).first().expect("no page of a feed that only grows is empty");
    let mut up = Vec::new();
    for _ in 0..PAGES_UP {
        let Some(previous) = page["prev_cursor"].as_str() else { break };
        page = reader.get(&format!("/api/feed?limit={PAGE}&cursor={previous}")).await.expect(200);
        up.extend(ids(&page).into_iter().rev());
    }
    Walk { down, place, up }
}

/// The ids on a page, newest first.
fn ids(page: &Value) -> Vec<u64> {
    let items = page["items"].as_array().expect("a page has items");
    items.iter().map(|item| text(&item["id"]).parse().expect("an id is a number")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_reader_of_a_list_misses_who_stays_in_it() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let installation = Installation::start(Wiring::OneProcess, &folder.path().join("data"));
    let rest = installation.rest();
    let star = rest.join("star").await.get("/api/users/star").await.expect(200);
    let star = UserId(text(&star["id"]).parse().expect("an id is a number"));
    // Those who stay and those who do not come in turns, so that their ids and times are mixed.
    let people: Vec<(u32, Rest)> = each(0..LOYAL + FICKLE, |number| {
        let rest = rest.clone();
        async move {
            let username = format!("fan{number}");
            let client = rest.join(&username).await;
            client.switch(Method::POST, "/api/users/star/followers").await.expect(200);
            let user = client.get(&format!("/api/users/{username}")).await.expect(200);
            (text(&user["id"]).parse().expect("an id is a number"), client)
        }
    })
    .await;
    let (fickle, loyal): (Vec<_>, Vec<_>) =
        people.into_iter().enumerate().partition(|(number, _)| number % (LOYAL / FICKLE + 1) == 0);
    let loyal: BTreeSet<u32> = loyal.into_iter().map(|(_, (id, _))| id).collect();

    let until = Instant::now() + MINUTE;
    let writers = fickle.into_iter().map(|(_, (_, client))| {
        tokio::spawn(async move {
            while Instant::now() < until {
                client.delete("/api/users/star/followers").await.expect(200);
                client.switch(Method::POST, "/api/users/star/followers").await.expect(200);
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let graph = graph(&installation.graph());
    let mut walks = 0;
    while Instant::now() < until {
        let by_id = walk_list(&graph, star, Order::ById).await;
        assert!(by_id.is_sorted_by(|a, b| a < b), "by id, each once: {by_id:?}");
        let newest_first = walk_list(&graph, star, Order::NewestFirst).await;
        let pages = rest.pages("/api/users/star/followers", PAGE, usize::MAX).await;
        let over_rest = texts(&pages.concat(), "id").iter().map(|id| id.parse().expect("a number")).collect();
        for seen in [by_id, newest_first, over_rest] {
            let once: BTreeSet<u32> = seen.iter().copied().collect();
            assert_eq!(once.len(), seen.len(), "somebody is there twice: {seen:?}");
            let missing: Vec<_> = loyal.difference(&once).collect();
            assert!(missing.is_empty(), "missing {missing:?} of {seen:?}");
            walks += 1;
        }
    }
    join_all(writers).await.into_iter().for_each(|writer| writer.expect("a writer does not panic"));
    assert!(walks > 3, "{walks} walks in a minute");
    installation.stop();
}

/// Every member of a list, in small pages.
async fn walk_list(graph: &GraphLink, user: UserId, order: Order) -> Vec<u32> {
    let mut members = Vec::new();
    let mut cursor = String::new();
    loop {
        let list = Some(ListRef::reverse(Relation::Follow, user).into());
        let page = Some(PageRequest { limit: PAGE as u32, cursor });
        let request = ListRequest { list, order: order as i32, page, at_least: None };
        let page = graph.list(request).await.expect("a list can be read");
        members.extend(page.edges.iter().map(|edge| edge.user));
        cursor = page.next_cursor;
        if cursor.is_empty() {
            return members;
        }
    }
}
