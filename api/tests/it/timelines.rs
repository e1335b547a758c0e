//! A user's timeline, their favorites, and both together.

use base::Revision;
use proto::timeline::Engagement;
use serde_json::{Value, json};

use crate::support::{Person, World, listed, text};

/// The pages of a user that are timelines.
const PATHS: [&str; 3] = ["/api/users/ada/tweets", "/api/users/ada/favorites", "/api/users/ada/activity"];

async fn favorite(world: &World, by: &Person, tweet: &Value) {
    world.post(&format!("/api/tweets/{}/favorites", text(&tweet["id"]))).by(by).send().await.expect(200);
}

async fn retweet(world: &World, by: &Person, tweet: &Value) {
    world.post(&format!("/api/tweets/{}/retweets", text(&tweet["id"]))).by(by).send().await.expect(200);
}

#[tokio::test]
async fn a_timeline_has_pages_by_cursor_and_by_number() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for n in 0..25 {
        world.tweet(&ada, &format!("tweet {n}")).await;
    }
    let get = async |query: &str| world.get(&format!("/api/users/ada/tweets{query}")).send().await.expect(200);
    let first = get("").await;
    assert_eq!(
        (listed(&first, "text").len(), listed(&first, "text")[0], &first["prev_cursor"]),
        (20, "tweet 24", &json!(null))
    );
    let next = first["next_cursor"].as_str().expect("there are more");
    let last = get(&format!("?cursor={next}")).await;
    assert_eq!(listed(&last, "text"), ["tweet 4", "tweet 3", "tweet 2", "tweet 1", "tweet 0"]);
    assert_eq!(last["next_cursor"], json!(null));
    let back = last["prev_cursor"].as_str().expect("there are newer ones");
    assert_eq!(listed(&get(&format!("?cursor={back}")).await, "text"), listed(&first, "text"));
    assert_eq!(listed(&get("?limit=2&page=3").await, "text"), ["tweet 20", "tweet 19"]);
    assert_eq!(listed(&get("?page=50").await, "text"), Vec::<&str>::new());
}

#[tokio::test]
async fn what_is_wrong_with_a_page_is_named() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for path in PATHS.into_iter().chain(["/api/feed"]) {
        let get = async |query: &str| world.get(&format!("{path}?{query}")).by(&ada).send().await;
        for limit in ["0", "1001", "x"] {
            get(&format!("limit={limit}")).await.refuses("limit");
        }
        for page in ["0", "51", "x"] {
            get(&format!("page={page}")).await.refuses("page");
        }
        get("cursor=rubbish").await.refuses("cursor");
        get("cursor=abc&page=2").await.refuses("page");
        let (_, fields) = get("limit=x&page=x").await.problem(400);
        assert_eq!(fields, ["limit", "page"]);
    }
    for timeline in ["tweets", "favorites", "activity"] {
        world.get(&format!("/api/users/nobody/{timeline}")).send().await.is(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_retweet_is_an_entry_of_its_own_in_its_retweeters_timeline() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let said = world.tweet(&bob, "said by bob").await;
    world.tweet(&ada, "said by ada").await;
    retweet(&world, &ada, &said).await;
    let timeline = world.get("/api/users/ada/tweets").send().await.expect(200);
    assert_eq!(listed(&timeline, "text"), ["said by bob", "said by ada"]);
    let entry = &timeline["items"][0];
    let by = json!({"id": ada.id, "username": "ada", "name": "ada", "image_url": null});
    assert_eq!((&entry["id"], &entry["author"]["username"], &entry["retweeted_by"]), (&said["id"], &json!("bob"), &by));
    assert!(text(&entry["entry_id"]) != text(&entry["id"]));
    assert_eq!(entry["retweets_count"], 1);
    let own = timeline["items"][1].as_object().expect("an object");
    assert!(!own.contains_key("entry_id") && !own.contains_key("retweeted_by"), "{own:?}");
    world.delete(&format!("/api/tweets/{}/retweets", text(&said["id"]))).by(&ada).send().await.expect(200);
    let timeline = world.get("/api/users/ada/tweets").send().await.expect(200);
    assert_eq!(listed(&timeline, "text"), ["said by ada"]);
}

#[tokio::test]
async fn favorites_are_by_when_they_were_made_and_activity_by_when_it_was_said() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let mut said = Vec::new();
    for (author, text) in [(&bob, "one"), (&ada, "two"), (&bob, "three"), (&bob, "four"), (&ada, "five")] {
        said.push(world.tweet(author, text).await);
    }
    // Her own is in both and once.
    for place in [2, 0, 1] {
        favorite(&world, &ada, &said[place]).await;
    }
    let get = async |path: &str| world.get(path).by(&ada).send().await.expect(200);
    let favorites = get("/api/users/ada/favorites").await;
    assert_eq!(listed(&favorites, "text"), ["two", "one", "three"]);
    assert!(favorites["items"].as_array().is_some_and(|items| items.iter().all(|item| item["favorited"] == true)));
    assert!(favorites["items"][0].get("entry_id").is_none());
    assert_eq!(listed(&get("/api/users/ada/activity").await, "text"), ["five", "three", "two", "one"]);
    assert_eq!(listed(&get("/api/users/ada/tweets?favorited=true").await, "text"), ["two"]);
    assert_eq!(listed(&get("/api/users/bob/tweets?favorited=true").await, "text"), ["three", "one"]);
    assert_eq!(listed(&get("/api/users/bob/favorites").await, "text"), Vec::<&str>::new());
    let first = get("/api/users/ada/favorites?limit=2").await;
    let next = format!("/api/users/ada/favorites?limit=2&cursor={}", text(&first["next_cursor"]));
    assert_eq!(listed(&get(&next).await, "text"), ["three"]);
    assert_eq!(listed(&get("/api/users/ada/activity?limit=3&page=2").await, "text"), ["one"]);
}

#[tokio::test]
async fn favorited_is_true_or_nothing() {
    let world = World::new().await;
    world.person("ada").await;
    for bad in ["false", "1", "TRUE", ""] {
        world.get(&format!("/api/users/ada/tweets?favorited={bad}")).send().await.refuses("favorited");
    }
    let (_, fields) = world.get("/api/users/ada/tweets?favorited=x&limit=0").send().await.problem(400);
    assert_eq!(fields, ["limit", "favorited"]);
}

#[tokio::test]
async fn a_page_costs_one_call_whatever_is_in_it() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    for n in 0..5 {
        let said = world.tweet(&bob, &format!("tweet {n}")).await;
        favorite(&world, &ada, &said).await;
        retweet(&world, &ada, &said).await;
    }
    for path in PATHS {
        world.timeline.faults.take_calls();
        world.graph.faults.take_calls();
        let page = world.get(path).by(&bob).send().await.expect(200);
        assert_eq!(listed(&page, "id").len(), 5);
        assert_eq!(world.timeline.faults.take_calls(), ["user_timeline"]);
        assert_eq!(world.graph.faults.take_calls(), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn what_people_without_an_account_said_is_left_out() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let imported = world.graph.allocate(1)[0];
    let theirs = world.timeline.tweet_by(imported, "from afar");
    world.timeline.engaged_by(Engagement::Retweet, ada.number(), theirs);
    world.timeline.engaged_by(Engagement::Favorite, ada.number(), theirs);
    let own = world.tweet(&ada, "my own").await;
    favorite(&world, &ada, &own).await;
    for path in PATHS {
        assert_eq!(listed(&world.get(path).send().await.expect(200), "text"), ["my own"], "{path}");
    }
    world.get(&format!("/api/tweets/{theirs}")).send().await.is(404, "NOT_FOUND");
}

#[tokio::test]
async fn those_whom_somebody_blocks_see_none_of_it_while_logged_in() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let said = world.tweet(&ada, "hello").await;
    favorite(&world, &ada, &said).await;
    world.post("/api/users/bob/blocks").by(&ada).send().await.expect(200);
    for path in PATHS {
        let timeline = world.get(path).by(&bob).send().await;
        timeline.expect(200);
        assert_eq!(timeline.text, r#"{"items":[],"next_cursor":null,"prev_cursor":null}"#);
        assert_eq!(listed(&world.get(path).send().await.expect(200), "text"), ["hello"], "{path}");
    }
}

#[tokio::test]
async fn timelines_pass_the_revision_on_and_refuse_a_bad_one() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let token = Revision(1).token();
    for path in PATHS.into_iter().chain(["/api/feed"]) {
        world.get(path).by(&ada).send().await.expect(200);
        assert_eq!(world.timeline.asked_at_least(), None, "{path}");
        world.get(path).by(&ada).header("roost-revision", &token).send().await.expect(200);
        assert_eq!(world.timeline.asked_at_least().as_deref(), Some(token.as_str()), "{path}");
        world.get(path).by(&ada).header("roost-revision", "x").send().await.refuses("Roost-Revision");
    }
}
