//! The home feed.

use serde_json::{Value, json};

use crate::support::{Fault, World};

fn texts(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("a list");
    items.iter().map(|tweet| tweet["text"].as_str().expect("a string")).collect()
}

#[tokio::test]
async fn the_feed_has_ones_own_tweets_and_those_of_whom_one_follows() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let carl = world.person("carl").await;
    for (author, text) in [(&ada, "one"), (&bob, "two"), (&carl, "three")] {
        world.tweet(author, text).await;
    }
    assert_eq!(texts(&world.get("/api/feed").by(&ada).send().await.expect(200)), ["one"]);
    world.post("/api/users/carl/followers").by(&ada).send().await.expect(200);
    let feed = world.get("/api/feed").by(&ada).send().await.expect(200);
    assert_eq!(texts(&feed), ["three", "one"]);
    let by_carl = &feed["items"][0];
    assert_eq!((&by_carl["author"]["username"], &by_carl["favorited"]), (&json!("carl"), &json!(false)));
}

#[tokio::test]
async fn the_feed_has_pages_by_cursor_and_by_number() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for n in 0..5 {
        world.tweet(&ada, &format!("tweet {n}")).await;
    }
    let get = async |query: &str| world.get(&format!("/api/feed?{query}")).by(&ada).send().await.expect(200);
    let first = get("limit=2").await;
    assert_eq!((texts(&first), &first["prev_cursor"]), (vec!["tweet 4", "tweet 3"], &json!(null)));
    let next = first["next_cursor"].as_str().expect("there are more");
    let second = get(&format!("limit=2&cursor={next}")).await;
    assert_eq!(texts(&second), ["tweet 2", "tweet 1"]);
    assert_eq!(texts(&get("limit=2&page=2").await), texts(&second));
    let last = get("limit=2&page=3").await;
    assert_eq!((texts(&last), &last["next_cursor"]), (vec!["tweet 0"], &json!(null)));
}

#[tokio::test]
async fn a_page_costs_one_call_and_needs_a_caller() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for n in 0..5 {
        world.tweet(&ada, &format!("tweet {n}")).await;
    }
    world.timeline.faults.take_calls();
    world.graph.faults.take_calls();
    world.get("/api/feed").by(&ada).send().await.expect(200);
    assert_eq!(world.timeline.faults.take_calls(), ["home_timeline"]);
    assert_eq!(world.graph.faults.take_calls(), Vec::<&str>::new());
    world.get("/api/feed").send().await.is(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn without_the_timeline_the_feed_says_when_to_come_back() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.timeline.faults.set(Fault::Down);
    let reply = world.get("/api/feed").by(&ada).send().await;
    reply.is(503, "UNAVAILABLE");
    assert_eq!(reply.header("retry-after"), Some("1"));
    world.timeline.faults.set(Fault::None);
    world.get("/api/feed").by(&ada).send().await.expect(200);
}
