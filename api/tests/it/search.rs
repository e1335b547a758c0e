//! Search of people.

use base::Revision;
use serde_json::json;

use crate::support::{Person, World, listed, text};

/// Somebody of this name.
async fn named(world: &World, username: &str, name: &str) -> Person {
    let person = world.person(username).await;
    world.patch(&format!("/api/users/{username}")).by(&person).json(&json!({"name": name})).send().await.expect(200);
    person
}

async fn follow(world: &World, follower: &Person, followee: &str) {
    world.post(&format!("/api/users/{followee}/followers")).by(follower).send().await.expect(200);
}

/// The usernames of the first page for a query, which is encoded already.
async fn found(world: &World, query: &str) -> Vec<String> {
    let page = world.get(&format!("/api/search/users?q={query}")).send().await.expect(200);
    listed(&page, "username").into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn people_are_found_by_the_beginnings_of_their_names() {
    let world = World::new().await;
    named(&world, "zoe_h", "Zoë Hára").await;
    named(&world, "marie", "Marie Curie").await;
    for (query, expected) in [
        ("zo%C3%AB", &["zoe_h"][..]),
        ("ZOE+har", &["zoe_h"]),
        ("@zoe_h", &["zoe_h"]),
        ("@hara", &[]),
        ("cur%20mar", &["marie"]),
        ("cur+zoe", &[]),
        ("%22cur%22", &["marie"]),
        ("urie", &[]),
    ] {
        assert_eq!(found(&world, query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn who_signs_up_is_found_at_once_and_by_the_new_name_after_a_change() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    assert_eq!(found(&world, "ada").await, ["ada"]);
    world.patch("/api/users/ada").by(&ada).json(&json!({"name": "Countess"})).send().await.expect(200);
    assert_eq!(
        (found(&world, "count").await, found(&world, "ada").await),
        (vec!["ada".to_owned()], vec!["ada".to_owned()])
    );
    world.patch("/api/users/ada").by(&ada).json(&json!({"name": null})).send().await.expect(200);
    assert_eq!(found(&world, "count").await, Vec::<String>::new());
    let world = world.restart().await;
    assert_eq!(found(&world, "ad").await, ["ada"]);
}

#[tokio::test]
async fn the_handle_comes_first_and_then_whom_most_follow() {
    let world = World::new().await;
    let mut people = Vec::new();
    for username in ["ann_1", "ann_2", "ann_3", "ann"] {
        people.push(named(&world, username, "Ann").await);
    }
    for (follower, followee) in [(0, "ann_3"), (1, "ann_3"), (2, "ann_2")] {
        follow(&world, &people[follower], followee).await;
    }
    assert_eq!(found(&world, "ann").await, ["ann", "ann_3", "ann_2", "ann_1"]);
    assert_eq!(found(&world, "%40ANN").await, ["ann", "ann_3", "ann_2", "ann_1"]);
    assert_eq!(found(&world, "an").await, ["ann_3", "ann_2", "ann_1", "ann"]);
}

#[tokio::test]
async fn a_published_rank_counts_more_than_followers() {
    let world = World::new().await;
    let mut people = Vec::new();
    for username in ["ann_1", "ann_2", "ann_3", "ann"] {
        people.push(named(&world, username, "Ann").await);
    }
    for (follower, followee) in [(0, "ann_3"), (1, "ann_3"), (0, "ann")] {
        follow(&world, &people[follower], followee).await;
    }
    world.graph.publish(vec![(people[0].number(), 0.1), (people[1].number(), 0.125), (people[2].number(), 0.1)]);
    assert_eq!(found(&world, "an").await, ["ann_2", "ann_3", "ann_1", "ann"]);
    assert_eq!(found(&world, "ann").await, ["ann", "ann_2", "ann_3", "ann_1"]);
    world.graph.publish(vec![(people[3].number(), 0.1)]);
    assert_eq!(found(&world, "an").await, ["ann", "ann_3", "ann_1", "ann_2"], "the latest run counts");
}

#[tokio::test]
async fn people_are_shown_as_the_caller_sees_them() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    follow(&world, &ada, "bob").await;
    let seen = world.get("/api/search/users?q=bob").by(&ada).send().await.expect(200);
    assert_eq!((&seen["items"][0]["id"], &seen["items"][0]["followers_count"]), (&json!(bob.id), &json!(1)));
    assert_eq!(seen["items"][0]["relationship"]["following"], true);
    assert_eq!(seen["items"][0].get("email"), None);
    let anybody = world.get("/api/search/users?q=bob").send().await.expect(200);
    assert_eq!(anybody["items"][0].get("relationship"), None);
    world.get("/api/search/users?q=bob").bearer("rubbish").send().await.is(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn who_blocks_the_caller_is_not_found() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    world.post("/api/users/bob/blocks").by(&ada).send().await.expect(200);
    let search = async |name: &str, caller: &Person| {
        world.get(&format!("/api/search/users?q={name}")).by(caller).send().await.expect(200)
    };
    assert_eq!(search("ada", &bob).await["items"], json!([]));
    let blocked = search("bob", &ada).await;
    assert_eq!(blocked["items"][0]["relationship"]["blocking"], true, "so that it can be ended");
    assert_eq!(found(&world, "ada").await, ["ada"]);
}

#[tokio::test]
async fn pages_show_everybody_once_for_the_same_calls() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for n in 0..5 {
        world.person(&format!("user{n}")).await;
    }
    let all = found(&world, "user").await;
    assert_eq!(all, ["user0", "user1", "user2", "user3", "user4"]);
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world.get(&format!("/api/search/users?q=user&limit=2{cursor}")).send().await.expect(200);
        pages.push(listed(&page, "username").join(" "));
        if page["next_cursor"].is_null() {
            let back = text(&page["prev_cursor"]);
            let before = world.get(&format!("/api/search/users?q=user&limit=2&cursor={back}")).send().await;
            assert_eq!(listed(&before.expect(200), "username"), ["user2", "user3"]);
            break;
        }
        cursor = format!("&cursor={}", text(&page["next_cursor"]));
    }
    assert_eq!(pages, ["user0 user1", "user2 user3", "user4"]);
    let mut costs = Vec::new();
    for limit in [1, 5] {
        world.graph.faults.take_calls();
        world.timeline.faults.take_calls();
        let token = Revision(2).token();
        let path = format!("/api/search/users?q=user&limit={limit}");
        world.get(&path).by(&ada).header("Roost-Revision", &token).send().await.expect(200);
        assert_eq!(world.graph.asked_at_least(), Some(token));
        let mut calls = world.graph.faults.take_calls();
        calls.extend(world.timeline.faults.take_calls());
        calls.sort_unstable();
        costs.push(calls);
    }
    assert_eq!(costs, [["author_stats", "contains", "count", "count", "ranks", "relate"]; 2]);
}

#[tokio::test]
async fn nobody_found_costs_nothing() {
    let world = World::new().await;
    let nobody = world.get("/api/search/users?q=nobody").send().await;
    nobody.expect(200);
    assert_eq!(nobody.text, r#"{"items":[],"next_cursor":null,"prev_cursor":null}"#);
    assert_eq!(world.graph.faults.take_calls(), Vec::<&str>::new());
}

#[tokio::test]
async fn what_is_wrong_with_a_search_is_named() {
    let world = World::new().await;
    let get = async |query: &str| world.get(&format!("/api/search/users?{query}")).send().await;
    let (long, many) = (format!("q={}", "x".repeat(101)), format!("q={}", "x+".repeat(11)));
    for query in ["", "q=", "q=+", "q=%40", "q=%22*%22", "q=%00", &long, &many] {
        get(query).await.refuses("q");
    }
    for (query, field) in
        [("limit=0", "limit"), ("limit=1001", "limit"), ("cursor=rubbish", "cursor"), ("page=2", "page")]
    {
        get(&format!("q=ada&{query}")).await.refuses(field);
    }
    let (code, fields) = get("limit=0").await.problem(400);
    assert_eq!((code.as_str(), fields), ("INVALID_ARGUMENT", vec!["q".to_owned(), "limit".to_owned()]));
}
