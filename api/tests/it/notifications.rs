//! Notifications: what there is, reading it, and asking for more of it.

use base::Revision;
use proto::timeline::NotificationKind;
use serde_json::{Value, json};

use crate::support::{Person, World, listed, text};

async fn inbox(world: &World, of: &Person) -> Value {
    world.get("/api/notifications").by(of).send().await.expect(200)
}

async fn switch(world: &World, by: &Person, path: &str) {
    world.post(path).by(by).send().await.expect(200);
}

#[tokio::test]
async fn each_kind_says_who_did_what_to_which_tweet() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let tweet = world.tweet(&ada, "hello").await;
    let id = text(&tweet["id"]);
    switch(&world, &ada, "/api/users/bob/tweet-notifications").await;
    world.timeline.notify(NotificationKind::Follow, ada.number(), bob.number(), 0);
    switch(&world, &bob, &format!("/api/tweets/{id}/favorites")).await;
    switch(&world, &bob, &format!("/api/tweets/{id}/retweets")).await;
    let mention = world.tweet(&bob, "hello @ada").await;
    let body = json!({"text": "well said"});
    let comment = world.post(&format!("/api/tweets/{id}/comments")).by(&bob).json(&body).send().await.expect(201);
    let page = inbox(&world, &ada).await;
    let items = page["items"].as_array().expect("a list");
    let seen: Vec<_> = items.iter().map(|item| (&item["kind"], &item["tweet"]["id"])).collect();
    let expected = [
        (json!("tweet"), &comment["id"]),
        (json!("comment"), &comment["id"]),
        (json!("tweet"), &mention["id"]),
        (json!("mention"), &mention["id"]),
        (json!("retweet"), &tweet["id"]),
        (json!("favorite"), &tweet["id"]),
        (json!("follow"), &Value::Null),
    ];
    assert_eq!(seen, expected.each_ref().map(|(kind, id)| (kind, *id)));
    assert_eq!(page["unread_count"], 7);
    for item in items {
        assert_eq!(item["actors"][0]["username"], "bob");
        assert_eq!((&item["actors_count"], &item["read"]), (&json!(1), &json!(false)));
        assert_eq!(item["created_at"], "2026-09-21T14:13:20.123Z");
        assert!(item["tweet"].is_null() || item["tweet"]["author"]["username"].is_string());
    }
    assert_eq!(page["items"][5]["tweet"]["favorites_count"], 1);
    assert_eq!(inbox(&world, &bob).await["items"], json!([]), "nobody is told of what they do themselves");
}

#[tokio::test]
async fn a_notification_is_answered_byte_for_byte() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    world.timeline.notify(NotificationKind::Follow, ada.number(), bob.number(), 0);
    let reply = world.get("/api/notifications").by(&ada).send().await;
    let id = text(&reply.expect(200)["items"][0]["id"]).to_owned();
    let expected = format!(
        concat!(
            r#"{{"items":[{{"id":"{id}","kind":"follow","actors":[{{"id":"{bob}","username":"bob","name":"bob","#,
            r#""description":"","image_url":null,"hero_image_url":null,"created_at":"2026-09-21T14:13:20.123Z","#,
            r#""followers_count":0,"followees_count":0,"tweets_count":0,"relationship":{{"following":false,"#,
            r#""followed_by":false,"blocking":false,"muting":false}}}}],"actors_count":1,"tweet":null,"#,
            r#""created_at":"2026-09-21T14:13:20.123Z","read":false}}],"next_cursor":null,"prev_cursor":null,"#,
            r#""unread_count":1}}"#
        ),
        id = id,
        bob = bob.id,
    );
    assert_eq!(reply.text, expected);
}

#[tokio::test]
async fn one_is_read_or_all_are_and_again_changes_nothing() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    for n in 0..3 {
        world.tweet(&bob, &format!("{n} @ada")).await;
    }
    let page = inbox(&world, &ada).await;
    let id = listed(&page, "id")[1].to_owned();
    let path = format!("/api/notifications/{id}/read");
    for _ in 0..2 {
        let reply = world.post(&path).by(&ada).send().await;
        reply.expect(200);
        assert_eq!(reply.text, r#"{"unread_count":2}"#);
    }
    let page = inbox(&world, &ada).await;
    let read: Vec<_> = page["items"].as_array().expect("a list").iter().map(|item| &item["read"]).collect();
    assert_eq!((read, &page["unread_count"]), (vec![&json!(false), &json!(true), &json!(false)], &json!(2)));
    for _ in 0..2 {
        let left = world.post("/api/notifications/read").by(&ada).json(&json!({})).send().await.expect(200);
        assert_eq!(left, json!({"unread_count": 0}));
    }
    let page = inbox(&world, &ada).await;
    assert!(page["items"].as_array().is_some_and(|items| items.iter().all(|item| item["read"] == true)));
    assert_eq!(page["unread_count"], 0);
}

#[tokio::test]
async fn notifications_are_their_owners_alone() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    world.tweet(&bob, "@ada").await;
    let id = listed(&inbox(&world, &ada).await, "id")[0].to_owned();
    let path = format!("/api/notifications/{id}/read");
    world.post(&path).by(&bob).send().await.names(404, "NOT_FOUND", "id");
    world.post("/api/notifications/read").by(&bob).send().await.expect(200);
    assert_eq!(inbox(&world, &ada).await["unread_count"], 1);
    world.get("/api/notifications").send().await.is(401, "UNAUTHENTICATED");
    world.post(&path).send().await.is(401, "UNAUTHENTICATED");
    world.post("/api/notifications/read").send().await.is(401, "UNAUTHENTICATED");
    world.post("/api/notifications/12/read").by(&ada).send().await.names(404, "NOT_FOUND", "id");
    // Zero stands for all of them among the services: as an id it is none.
    for id in ["0", "00", "x", "-1", "9223372036854775808"] {
        world.post(&format!("/api/notifications/{id}/read")).by(&ada).send().await.is(404, "NOT_FOUND");
    }
    assert_eq!(inbox(&world, &ada).await["unread_count"], 1);
}

#[tokio::test]
async fn a_page_costs_the_same_calls_whatever_its_length() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for n in 0..5 {
        let fan = world.person(&format!("fan{n}")).await;
        world.tweet(&fan, "@ada").await;
    }
    let mut costs = Vec::new();
    for limit in [1, 5] {
        world.graph.faults.take_calls();
        world.timeline.faults.take_calls();
        let path = format!("/api/notifications?limit={limit}");
        let token = Revision(1).token();
        world.get(&path).by(&ada).header("Roost-Revision", &token).send().await.expect(200);
        assert_eq!(world.timeline.asked_at_least(), Some(token));
        let mut calls = world.graph.faults.take_calls();
        calls.extend(world.timeline.faults.take_calls());
        calls.sort_unstable();
        costs.push(calls);
    }
    assert_eq!(costs, [["author_stats", "count", "notifications", "relate"]; 2]);
}

#[tokio::test]
async fn what_is_wrong_with_a_page_is_named_and_what_is_right_goes_on() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    for n in 0..3 {
        world.tweet(&bob, &format!("{n} @ada")).await;
    }
    let get = async |query: &str| world.get(&format!("/api/notifications?{query}")).by(&ada).send().await;
    for (query, field) in
        [("limit=0", "limit"), ("limit=1001", "limit"), ("cursor=rubbish", "cursor"), ("page=2", "page")]
    {
        get(query).await.refuses(field);
    }
    let first = get("limit=2").await.expect(200);
    assert_eq!(
        (listed(&first, "id").len(), &first["prev_cursor"], &first["unread_count"]),
        (2, &json!(null), &json!(3))
    );
    let last = get(&format!("limit=2&cursor={}", text(&first["next_cursor"]))).await.expect(200);
    assert_eq!((listed(&last, "id").len(), &last["next_cursor"], &last["unread_count"]), (1, &json!(null), &json!(3)));
    let back = get(&format!("limit=2&cursor={}", text(&last["prev_cursor"]))).await.expect(200);
    assert_eq!(back["items"], first["items"]);
}

#[tokio::test]
async fn actors_without_an_account_are_left_out_and_what_they_did_alone_as_well() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let tweet = world.tweet(&ada, "hello").await;
    let id = text(&tweet["id"]).parse().expect("a number");
    let imported = world.graph.allocate(1)[0];
    let theirs = world.timeline.tweet_by(imported, "@ada");
    world.timeline.notify(NotificationKind::Mention, ada.number(), imported, theirs);
    world.timeline.notify(NotificationKind::Follow, ada.number(), imported, 0);
    world.timeline.notify(NotificationKind::Favorite, ada.number(), imported, id);
    switch(&world, &bob, &format!("/api/tweets/{id}/favorites")).await;
    let page = inbox(&world, &ada).await;
    assert_eq!(listed(&page, "kind"), ["favorite"]);
    let favorite = &page["items"][0];
    assert_eq!(favorite["actors"].as_array().map(Vec::len), Some(1));
    assert_eq!((&favorite["actors"][0]["username"], &favorite["actors_count"]), (&json!("bob"), &json!(2)));
}

#[tokio::test]
async fn one_asks_to_be_told_of_each_tweet_and_no_longer() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let path = "/api/users/bob/tweet-notifications";
    for _ in 0..2 {
        let reply = world.post(path).by(&ada).send().await;
        reply.expect(200);
        assert_eq!(reply.text, r#"{"tweet_notifications":true}"#);
    }
    world.tweet(&bob, "told").await;
    for _ in 0..2 {
        let off = world.delete(path).by(&ada).json(&json!({})).send().await.expect(200);
        assert_eq!(off, json!({"tweet_notifications": false}));
    }
    world.tweet(&bob, "not told").await;
    let page = inbox(&world, &ada).await;
    assert_eq!((listed(&page, "kind"), &page["items"][0]["tweet"]["text"]), (vec!["tweet"], &json!("told")));
    let own = "/api/users/ada/tweet-notifications";
    world.post(own).by(&ada).send().await.refuses("username");
    world.delete(own).by(&ada).send().await.refuses("username");
    world.post("/api/users/nobody/tweet-notifications").by(&ada).send().await.is(404, "NOT_FOUND");
    world.post(path).send().await.is(401, "UNAUTHENTICATED");
    world.delete(path).send().await.is(401, "UNAUTHENTICATED");
    world.post("/api/users/ada/blocks").by(&bob).send().await.expect(200);
    world.post(path).by(&ada).send().await.is(403, "PERMISSION_DENIED");
    world.delete(path).by(&ada).send().await.expect(200);
}
