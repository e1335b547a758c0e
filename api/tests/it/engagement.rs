//! Favorites and retweets: switches, and who set them.

use base::Revision;
use proto::timeline::Engagement;
use serde_json::{Value, json};

use crate::support::{Fault, Person, World, listed, text};

/// Ada's tweet, by its id.
async fn said(world: &World, by: &Person) -> String {
    text(&world.tweet(by, "hello").await["id"]).to_owned()
}

/// Every path at which a tweet of ada's can be favorited or retweeted.
fn paths(id: &str) -> [String; 3] {
    [
        format!("/api/tweets/{id}/favorites"),
        format!("/api/tweets/{id}/retweets"),
        format!("/api/users/ada/tweets/{id}/favorites"),
    ]
}

fn state(favorites: u64, retweets: u64, favorited: bool, retweeted: bool) -> Value {
    json!({
        "favorites_count": favorites, "retweets_count": retweets, "comments_count": 0, "favorited": favorited,
        "retweeted": retweeted,
    })
}

#[tokio::test]
async fn each_switch_answers_the_new_state_and_the_same_again() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let id = said(&world, &ada).await;
    let on = [state(1, 0, true, false), state(0, 1, false, true), state(1, 0, true, false)];
    for (path, on) in paths(&id).into_iter().zip(on) {
        for _ in 0..2 {
            assert_eq!(world.post(&path).by(&bob).send().await.expect(200), on, "POST {path}");
        }
        let seen = world.get(&format!("/api/tweets/{id}")).by(&bob).send().await.expect(200);
        for (field, value) in on.as_object().expect("an object") {
            assert_eq!(&seen[field], value, "{field}");
        }
        for _ in 0..2 {
            let off = world.delete(&path).by(&bob).send().await.expect(200);
            assert_eq!(off, state(0, 0, false, false), "DELETE {path}");
        }
    }
}

#[tokio::test]
async fn the_answer_is_byte_for_byte_and_a_body_is_not_read() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let path = format!("/api/tweets/{}/favorites", said(&world, &ada).await);
    let reply = world.post(&path).by(&ada).json(&json!({})).send().await;
    reply.expect(200);
    let expected = r#"{"favorites_count":1,"retweets_count":0,"comments_count":0,"favorited":true,"retweeted":false}"#;
    assert_eq!(reply.text, expected, "one's own, too");
    let rubbish = world.post(&path).by(&ada).body("{rubbish").send().await;
    assert_eq!(rubbish.expect(200), reply.json());
}

#[tokio::test]
async fn who_did_is_listed_newest_first_and_as_often_as_is_counted() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let id = said(&world, &ada).await;
    let mut fans = Vec::new();
    for n in 0..5 {
        fans.push(world.person(&format!("fan{n}")).await);
    }
    for path in paths(&id) {
        for fan in &fans {
            world.post(&path).by(fan).send().await.expect(200);
        }
        // Who takes it back and does it again is the newest.
        world.delete(&path).by(&fans[1]).send().await.expect(200);
        world.post(&path).by(&fans[1]).send().await.expect(200);
        let get = async |query: &str| world.get(&format!("{path}?{query}")).send().await;
        let first = get("limit=2").await.expect(200);
        assert_eq!((listed(&first, "username"), &first["prev_cursor"]), (vec!["fan1", "fan4"], &json!(null)));
        let second = get(&format!("limit=2&cursor={}", text(&first["next_cursor"]))).await.expect(200);
        assert_eq!(listed(&second, "username"), ["fan3", "fan2"]);
        let last = get(&format!("limit=2&cursor={}", text(&second["next_cursor"]))).await.expect(200);
        assert_eq!((listed(&last, "username"), &last["next_cursor"]), (vec!["fan0"], &json!(null)));
        let back = get(&format!("limit=2&cursor={}", text(&second["prev_cursor"]))).await.expect(200);
        assert_eq!(back["items"], first["items"]);
        for fan in &fans {
            world.delete(&path).by(fan).send().await.expect(200);
        }
        assert_eq!(get("").await.text, r#"{"items":[],"next_cursor":null,"prev_cursor":null}"#);
    }
}

#[tokio::test]
async fn people_are_shown_as_in_any_list_of_them() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let id = said(&world, &ada).await;
    let imported = world.graph.allocate(1)[0];
    world.timeline.engaged_by(Engagement::Favorite, imported, id.parse().expect("a number"));
    let path = format!("/api/tweets/{id}/favorites");
    world.post("/api/users/ada/followers").by(&bob).send().await.expect(200);
    for person in [&ada, &bob] {
        world.post(&path).by(person).send().await.expect(200);
    }
    world.graph.faults.take_calls();
    world.timeline.faults.take_calls();
    let page = world.get(&path).by(&bob).header("Roost-Revision", &Revision(1).token()).send().await.expect(200);
    let mut calls = world.graph.faults.take_calls();
    calls.extend(world.timeline.faults.take_calls());
    calls.sort_unstable();
    assert_eq!(calls, ["author_stats", "count", "engaged", "relate"]);
    assert_eq!(world.timeline.asked_at_least(), Some(Revision(1).token()));
    assert_eq!(listed(&page, "username"), ["bob", "ada"], "those without an account are left out");
    assert_eq!(page["items"][1]["relationship"]["following"], true);
    assert_eq!((&page["items"][1]["followers_count"], &page["items"][1]["tweets_count"]), (&json!(1), &json!(1)));
    assert_eq!((page["items"][1].get("email"), &page["items"][0]["email"]), (None, &json!("bob@example.org")));
    assert_eq!(world.get(&format!("/api/tweets/{id}")).send().await.expect(200)["favorites_count"], 3);
}

#[tokio::test]
async fn who_is_not_logged_in_may_look_and_nothing_else() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for path in paths(&said(&world, &ada).await) {
        world.get(&path).send().await.expect(200);
        world.post(&path).send().await.is(401, "UNAUTHENTICATED");
        world.delete(&path).send().await.is(401, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn nothing_is_done_to_a_tweet_that_is_not_there() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let gone = said(&world, &ada).await;
    for path in paths(&gone) {
        world.post(&path).by(&ada).send().await.expect(200);
    }
    world.delete(&format!("/api/tweets/{gone}")).by(&ada).send().await;
    for id in [gone.as_str(), "12", "0", "x", "+12", "012", "9223372036854775808"] {
        for path in paths(id) {
            for reply in [
                world.get(&path).send().await,
                world.post(&path).by(&ada).send().await,
                world.delete(&path).by(&ada).send().await,
            ] {
                assert_eq!(reply.problem(404).0, "NOT_FOUND", "{path}");
            }
        }
    }
}

#[tokio::test]
async fn under_a_user_are_that_users_tweets_alone() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let id = said(&world, &ada).await;
    for username in ["bob", "nobody"] {
        let path = format!("/api/users/{username}/tweets/{id}/favorites");
        world.get(&path).send().await.is(404, "NOT_FOUND");
        world.post(&path).by(&bob).send().await.is(404, "NOT_FOUND");
        world.delete(&path).by(&bob).send().await.is(404, "NOT_FOUND");
    }
    assert_eq!(world.get(&format!("/api/tweets/{id}")).send().await.expect(200)["favorites_count"], 0);
    world.post(&format!("/api/users/ada/tweets/{id}/retweets")).by(&bob).send().await.is(404, "NOT_FOUND");
}

#[tokio::test]
async fn what_is_wrong_with_a_page_is_named() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for path in paths(&said(&world, &ada).await) {
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=x", "limit"),
            ("cursor=rubbish", "cursor"),
            ("page=2", "page"),
        ] {
            world.get(&format!("{path}?{query}")).send().await.refuses(field);
        }
        world.get(&path).header("Roost-Revision", "x").send().await.refuses("Roost-Revision");
    }
}

#[tokio::test]
async fn a_block_refuses_either_way_and_one_may_still_take_back() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let (by_ada, by_bob) = (said(&world, &ada).await, said(&world, &bob).await);
    for path in paths(&by_ada) {
        world.post(&path).by(&bob).send().await.expect(200);
    }
    world.post("/api/users/bob/blocks").by(&ada).send().await.expect(200);
    for path in paths(&by_ada) {
        world.post(&path).by(&bob).send().await.is(403, "PERMISSION_DENIED");
        world.get(&path).by(&bob).send().await.names(404, "NOT_FOUND", "id");
        world.get(&path).send().await.expect(200);
        world.delete(&path).by(&bob).send().await.expect(200);
    }
    for switch in ["favorites", "retweets"] {
        let path = format!("/api/tweets/{by_bob}/{switch}");
        world.post(&path).by(&ada).send().await.is(403, "PERMISSION_DENIED");
    }
}

#[tokio::test]
async fn a_store_that_refuses_writes_says_when_to_come_back() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let path = format!("/api/tweets/{}/favorites", said(&world, &ada).await);
    world.timeline.faults.set(Fault::ReadOnly);
    let reply = world.post(&path).by(&ada).send().await;
    reply.is(503, "READ_ONLY");
    assert_eq!(reply.header("retry-after"), Some("60"));
}
