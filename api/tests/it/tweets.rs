//! Posting, reading and deleting tweets.

use serde_json::{Value, json};

use crate::support::{Person, World, text};

async fn block(world: &World, by: &Person, whom: &str) {
    world.post(&format!("/api/users/{whom}/blocks")).by(by).send().await.expect(200);
}

#[tokio::test]
async fn a_tweet_is_answered_byte_for_byte() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let picture = json!({"image_url": "https://example.org/a.png"});
    world.patch("/api/users/ada").by(&ada).json(&picture).send().await.expect(200);
    let body = json!({"text": "é @bob #hi https://a.b"});
    let reply = world.post("/api/users/ada/tweets").by(&ada).json(&body).send().await;
    let id = reply.expect(201)["id"].as_str().expect("ids are strings").to_owned();
    let public = format!(
        concat!(
            r#"{{"id":"{id}","text":"é @bob #hi https://a.b","author":{{"id":"{ada}","username":"ada","#,
            r#""name":"ada","image_url":"https://example.org/a.png"}},"created_at":"2026-09-21T14:13:20.123Z","#,
            r#""favorites_count":0,"retweets_count":0,"comments_count":0,"in_reply_to":null,"place":null,"media":[],"#,
            r#""entities":{{"hashtags":[{{"tag":"hi","start":7,"end":10}}],"#,
            r#""mentions":[{{"username":"bob","id":"{bob}","start":2,"end":6}}],"#,
            r#""urls":[{{"url":"https://a.b","start":11,"end":22}}]}}"#
        ),
        id = id,
        ada = ada.id,
        bob = bob.id,
    );
    let private = format!(r#"{public},"favorited":false,"retweeted":false}}"#);
    assert_eq!(reply.text, private);
    assert_eq!(reply.header("location"), Some(format!("/api/tweets/{id}").as_str()));
    let path = format!("/api/tweets/{id}");
    assert_eq!(world.get(&path).by(&bob).send().await.text, private);
    assert_eq!(world.get(&path).send().await.text, format!("{public}}}"));
}

#[tokio::test]
async fn an_answer_names_what_it_answers_and_is_counted() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let first = world.tweet(&ada, "hello").await;
    let body = json!({"text": "hello yourself", "in_reply_to": first["id"]});
    let answer = world.post("/api/users/bob/tweets").by(&bob).json(&body).send().await.expect(201);
    assert_eq!(answer["in_reply_to"], first["id"]);
    let path = format!("/api/tweets/{}", first["id"].as_str().expect("a string"));
    assert_eq!(world.get(&path).send().await.expect(200)["comments_count"], 1);
}

#[tokio::test]
async fn only_those_who_exist_and_do_not_block_the_author_are_mentioned() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    world.person("carl").await;
    block(&world, &bob, "ada").await;
    let tweet = world.tweet(&ada, "@ada @bob @carl @nobody").await;
    let mentions = tweet["entities"]["mentions"].as_array().expect("a list");
    let names: Vec<_> = mentions.iter().map(|mention| &mention["username"]).collect();
    assert_eq!(names, ["ada", "carl"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_post_is_named() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let post = async |body: Value| world.post("/api/users/ada/tweets").by(&ada).json(&body).send().await;
    post(json!({})).await.refuses("text");
    post(json!({"text": 7})).await.refuses("text");
    post(json!({"text": "x".repeat(141)})).await.refuses("text");
    for bad in [json!("x"), json!(7), json!("0"), json!("-1"), json!("9223372036854775808"), json!("+12")] {
        post(json!({"text": "hi", "in_reply_to": bad})).await.refuses("in_reply_to");
    }
    post(json!({"text": "hi", "in_reply_to": "12"})).await.names(404, "NOT_FOUND", "in_reply_to");
    post(json!({"text": "hi", "media_ids": ["1"]})).await.refuses("media_ids");
    post(json!({"text": "hi", "media_ids": "1"})).await.refuses("media_ids");
    let (_, fields) = post(json!({"in_reply_to": "x", "media_ids": [1]})).await.problem(400);
    assert_eq!(fields, ["text", "media_ids", "in_reply_to"]);
    assert_eq!(world.get("/api/users/ada").send().await.expect(200)["tweets_count"], 0);
    post(json!({"text": "hi", "in_reply_to": null, "media_ids": []})).await.expect(201);
}

#[tokio::test]
async fn a_post_that_is_sent_again_is_the_same_tweet() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let post = async |key: &str| {
        let call = world.post("/api/users/ada/tweets").by(&ada).header("Idempotency-Key", key);
        call.json(&json!({"text": "once"})).send().await
    };
    let first = post("key-1").await.expect(201);
    assert_eq!(post("key-1").await.expect(201), first);
    assert_ne!(post("key-2").await.expect(201)["id"], first["id"]);
    post(&"k".repeat(64)).await.expect(201);
    for bad in ["", "two words", &"k".repeat(65)] {
        post(bad).await.refuses("Idempotency-Key");
    }
    // What the timeline refused was named idempotency_key, which no client had sent.
    let another = world.post("/api/users/ada/tweets").by(&ada).header("Idempotency-Key", "key-1");
    let refused = another.json(&json!({"text": "twice"})).send().await;
    refused.names(409, "ALREADY_EXISTS", "Idempotency-Key");
}

#[tokio::test]
async fn a_tweet_has_one_address() {
    // The same tweet was found under +id and 0id too, and could be answered under these names.
    let world = World::new().await;
    let ada = world.person("ada").await;
    let id = world.tweet(&ada, "hello").await["id"].as_str().expect("a string").to_owned();
    world.get(&format!("/api/tweets/{id}")).send().await.expect(200);
    for alias in [format!("+{id}"), format!("0{id}"), format!("%2B{id}"), format!("{id}%20")] {
        world.get(&format!("/api/tweets/{alias}")).send().await.is(404, "NOT_FOUND");
        world.delete(&format!("/api/tweets/{alias}")).by(&ada).send().await.is(404, "NOT_FOUND");
    }
    for alias in [format!("+{id}"), format!("0{id}")] {
        let body = json!({"text": "hi", "in_reply_to": alias});
        world.post("/api/users/ada/tweets").by(&ada).json(&body).send().await.refuses("in_reply_to");
    }
}

#[tokio::test]
async fn a_place_is_shown_as_it_was_said() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let post = async |place: Value| {
        let body = json!({"text": "here", "place": place});
        world.post("/api/users/ada/tweets").by(&ada).json(&body).send().await
    };
    for place in [
        json!({"name": "Brussels"}),
        json!({"name": "Null Island", "latitude": 0.0, "longitude": 0.0}),
        json!({"name": "Everest", "latitude": 27.988_056, "longitude": 86.925_278}),
        json!(null),
    ] {
        let tweet = post(place.clone()).await.expect(201);
        assert_eq!(tweet["place"], place);
        let path = format!("/api/tweets/{}", text(&tweet["id"]));
        assert_eq!(world.get(&path).send().await.expect(200)["place"], place);
    }
    let whole = post(json!({"name": "x", "latitude": -90, "longitude": 180})).await.expect(201);
    assert_eq!(whole["place"], json!({"name": "x", "latitude": -90.0, "longitude": 180.0}));
    let unnamed = post(json!({"name": "x", "latitude": null, "longitude": null})).await.expect(201);
    assert_eq!(unnamed["place"], json!({"name": "x"}));
}

#[tokio::test]
async fn what_is_wrong_with_a_place_is_named() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let post = async |place: Value| {
        let body = json!({"text": "here", "place": place});
        world.post("/api/users/ada/tweets").by(&ada).json(&body).send().await
    };
    for bad in [json!("Brussels"), json!(7), json!(["Brussels"])] {
        post(bad).await.refuses("place");
    }
    post(json!({})).await.refuses("place.name");
    post(json!({"name": 7})).await.refuses("place.name");
    post(json!({"name": "x", "latitude": "50.8", "longitude": 4.4})).await.refuses("place.latitude");
    post(json!({"name": "x", "latitude": 50.8, "longitude": {}})).await.refuses("place.longitude");
    post(json!({"name": "x", "lat": 50.8})).await.refuses("place.lat");
    post(json!({"name": "x", "latitude": 50.8})).await.refuses("place.longitude");
    let (_, fields) = post(json!({"latitude": "x", "longitude": "x", "city": "x"})).await.problem(400);
    assert_eq!(fields, ["place.name", "place.latitude", "place.longitude", "place.city"]);
    assert_eq!(world.get("/api/users/ada").send().await.expect(200)["tweets_count"], 0);
}

#[tokio::test]
async fn nobody_posts_for_others() {
    let world = World::new().await;
    let (_, bob) = (world.person("ada").await, world.person("bob").await);
    let body = json!({"text": "I am Ada"});
    world.post("/api/users/ada/tweets").by(&bob).json(&body).send().await.is(403, "PERMISSION_DENIED");
    world.post("/api/users/nobody/tweets").by(&bob).json(&body).send().await.is(404, "NOT_FOUND");
    world.post("/api/users/ada/tweets").json(&body).send().await.is(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_deleted_tweet_is_gone_and_deleting_it_again_is_no_error() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let tweet = world.tweet(&ada, "oops").await;
    let path = format!("/api/tweets/{}", tweet["id"].as_str().expect("a string"));
    world.delete(&path).send().await.is(401, "UNAUTHENTICATED");
    world.delete(&path).by(&bob).send().await.is(403, "PERMISSION_DENIED");
    world.get(&path).send().await.expect(200);
    for _ in 0..2 {
        let reply = world.delete(&path).by(&ada).send().await;
        assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    }
    world.get(&path).send().await.is(404, "NOT_FOUND");
    for id in ["0", "x", "-1", "99999999999999999999"] {
        let path = format!("/api/tweets/{id}");
        world.get(&path).send().await.is(404, "NOT_FOUND");
        world.delete(&path).by(&ada).send().await.is(404, "NOT_FOUND");
    }
    world.get("/api/tweets/12").send().await.is(404, "NOT_FOUND");
    world.delete("/api/tweets/12").by(&ada).send().await.names(404, "NOT_FOUND", "id");
}

#[tokio::test]
async fn those_whom_the_author_blocks_see_nothing_while_logged_in() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let tweet = world.tweet(&ada, "hello").await;
    block(&world, &ada, "bob").await;
    let path = format!("/api/tweets/{}", tweet["id"].as_str().expect("a string"));
    world.get(&path).by(&bob).send().await.is(404, "NOT_FOUND");
    world.get(&path).by(&ada).send().await.expect(200);
}
