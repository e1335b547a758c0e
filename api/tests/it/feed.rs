//! The home feed.

use api::Settings;
use proto::timeline::Engagement;
use serde_json::{Value, json};

use crate::support::{Fault, World, listed, text, until};

fn texts(page: &Value) -> Vec<&str> {
    listed(page, "text")
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
async fn a_page_that_is_asked_for_again_is_what_would_be_made_of_it_now() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    world.post("/api/users/bob/followers").by(&ada).send().await.expect(200);
    let said = world.tweet(&bob, "said by bob").await;
    let get = async |query: &str| world.get(&format!("/api/feed{query}")).by(&ada).send().await.expect(200);
    let made = async |what: &str| {
        let feed = get("").await;
        assert_eq!(world.timeline.take_unchanged(), 0, "{what}");
        assert_eq!(feed, get("?mode=pull").await, "{what}");
        // Accounts that nobody has looked at for a second are not believed, which happens on a busy machine.
        until(async || {
            assert_eq!(feed, get("").await, "{what}, and again");
            world.timeline.take_unchanged() == 1
        })
        .await;
        feed
    };
    assert_eq!(made("the first").await["items"][0]["favorited"], false);
    let favorites = format!("/api/tweets/{}/favorites", text(&said["id"]));
    world.post(&favorites).by(&ada).send().await.expect(200);
    assert_eq!(made("it is favorited").await["items"][0]["favorited"], true);
    world.patch("/api/users/bob").by(&bob).json(&json!({"name": "Robert"})).send().await.expect(200);
    let renamed = get("").await;
    assert_eq!(renamed["items"][0]["author"]["name"], "Robert");
    assert_eq!(world.timeline.take_unchanged(), 0, "a page with another name is not asked about");
    world.tweet(&ada, "said by ada").await;
    assert_eq!(texts(&made("there is more").await), ["said by ada", "said by bob"]);

    // Other pages are others', and those with somebody who has no account are not kept: they may have one at any time.
    assert_eq!(texts(&get("?limit=1").await), ["said by ada"]);
    assert_eq!(texts(&world.get("/api/feed").by(&bob).send().await.expect(200)), ["said by bob"]);
    let imported = world.graph.allocate(1)[0];
    world.graph.follow(ada.number(), imported);
    world.timeline.tweet_by(imported, "said by nobody");
    for _ in 0..2 {
        assert_eq!(texts(&get("").await), ["said by ada", "said by bob"]);
        assert_eq!(world.timeline.take_unchanged(), 0);
    }
}

#[tokio::test]
async fn without_memory_for_answers_every_page_is_made() {
    let world = World::with(|settings| Settings { feed_answers_bytes: 0, ..settings }).await;
    let ada = world.person("ada").await;
    world.tweet(&ada, "said by ada").await;
    for _ in 0..2 {
        assert_eq!(texts(&world.get("/api/feed").by(&ada).send().await.expect(200)), ["said by ada"]);
    }
    assert_eq!(world.timeline.take_unchanged(), 0);
}

#[tokio::test]
async fn what_a_followee_retweets_is_there_once_and_says_by_whom() {
    let world = World::new().await;
    let (ada, bob, carl) = (world.person("ada").await, world.person("bob").await, world.person("carl").await);
    world.person("dora").await;
    for followee in ["bob", "dora"] {
        world.post(&format!("/api/users/{followee}/followers")).by(&ada).send().await.expect(200);
    }
    let said = world.tweet(&carl, "said by carl").await;
    for retweeter in [&bob, &world.log_in("dora").await] {
        let path = format!("/api/tweets/{}/retweets", text(&said["id"]));
        world.post(&path).by(retweeter).send().await.expect(200);
    }
    let feed = world.get("/api/feed").by(&ada).send().await.expect(200);
    assert_eq!(listed(&feed, "id"), [text(&said["id"])]);
    let entry = &feed["items"][0];
    assert_eq!(entry["author"]["username"], "carl");
    assert_eq!(entry["retweeted_by"], json!({"id": bob.id, "username": "bob", "name": "bob", "image_url": null}));
    assert_ne!(entry["entry_id"], entry["id"]);
    assert_eq!((&entry["retweets_count"], &entry["retweeted"]), (&json!(2), &json!(false)));
    assert!(entry.get("explanation").is_none(), "nobody asked");
    let theirs = world.get("/api/feed").by(&bob).send().await.expect(200);
    assert_eq!(theirs["items"][0]["retweeted"], true);
}

#[tokio::test]
async fn a_retweet_by_somebody_without_an_account_is_left_out() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let imported = world.graph.allocate(1)[0];
    world.graph.follow(ada.number(), imported);
    let said = world.tweet(&bob, "said by bob").await;
    let id = text(&said["id"]).parse().expect("a number");
    world.timeline.engaged_by(Engagement::Retweet, imported, id);
    assert_eq!(listed(&world.get("/api/feed").by(&ada).send().await.expect(200), "id"), Vec::<&str>::new());
}

#[tokio::test]
async fn every_mode_has_the_same_feed_and_says_how_it_came() {
    let world = World::new().await;
    let (ada, bob, carl) = (world.person("ada").await, world.person("bob").await, world.person("carl").await);
    world.post("/api/users/bob/followers").by(&ada).send().await.expect(200);
    let stranger = world.tweet(&carl, "said by carl").await;
    let own = world.tweet(&ada, "said by ada").await;
    world.tweet(&bob, "said by bob").await;
    let comment = json!({"text": "well said"});
    let comments = format!("/api/tweets/{}/comments", text(&own["id"]));
    world.post(&comments).by(&bob).json(&comment).send().await.expect(201);
    let retweets = format!("/api/tweets/{}/retweets", text(&stranger["id"]));
    world.post(&retweets).by(&bob).send().await.expect(200);
    let other = world.tweet(&carl, "more by carl").await;
    world.post(&format!("/api/tweets/{}/retweets", text(&other["id"]))).by(&ada).send().await.expect(200);

    let get = async |query: &str| world.get(&format!("/api/feed{query}")).by(&ada).send().await.expect(200);
    let plain = get("").await;
    let reasons = ["own_retweet", "retweeter_followed", "conversation_followed", "author_followed", "own"];
    for (query, route) in [("?mode=pull", "pulled"), ("?mode=push", "pushed"), ("?mode=auto", "under_way")] {
        assert_eq!(get(query).await, plain, "{query}");
        assert_eq!(get(&format!("{query}&explain=false")).await, plain, "{query}");
        let mut explained = get(&format!("{query}&explain=true")).await;
        for (item, reason) in explained["items"].as_array_mut().expect("a list").iter_mut().zip(reasons) {
            let explanation = item.as_object_mut().expect("an object").remove("explanation");
            assert_eq!(explanation, Some(json!({"reason": reason, "route": route})), "{item}");
        }
        assert_eq!(explained, plain, "{query}");
    }
    assert_eq!(plain["items"].as_array().map(Vec::len), Some(reasons.len()));
    assert_eq!(get("?explain=true").await["items"][0]["explanation"]["route"], "under_way", "auto is the default");
}

#[tokio::test]
async fn modes_and_explanations_that_are_none_are_named() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let get = async |query: &str| world.get(&format!("/api/feed?{query}")).by(&ada).send().await;
    for bad in ["", "PULL", "hybrid", "0"] {
        get(&format!("mode={bad}")).await.refuses("mode");
    }
    for bad in ["", "1", "yes", "True"] {
        get(&format!("explain={bad}")).await.refuses("explain");
    }
    let (_, fields) = get("mode=x&explain=x&limit=x&page=0").await.problem(400);
    assert_eq!(fields, ["limit", "page", "mode", "explain"]);
    world.get("/api/feed?mode=pull").send().await.is(401, "UNAUTHENTICATED");
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
