//! Answers to a tweet.

use base::Revision;
use serde_json::{Value, json};

use crate::support::{Person, Reply, World, listed, text};

/// Ada's tweet, and the path of its comments.
async fn said(world: &World, by: &Person) -> (Value, String) {
    let tweet = world.tweet(by, "hello").await;
    let path = format!("/api/tweets/{}/comments", text(&tweet["id"]));
    (tweet, path)
}

async fn comment(world: &World, by: &Person, path: &str, text: &str) -> Reply {
    world.post(path).by(by).json(&json!({"text": text})).send().await
}

#[tokio::test]
async fn a_comment_is_a_tweet_that_answers_another() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let (tweet, path) = said(&world, &ada).await;
    let body = json!({"text": "hello @ada", "media_ids": [], "place": {"name": "Brussels"}});
    let reply = world.post(&path).by(&bob).json(&body).send().await;
    let answer = reply.expect(201);
    assert_eq!((&answer["in_reply_to"], &answer["author"]["username"]), (&tweet["id"], &json!("bob")));
    assert_eq!((&answer["place"]["name"], &answer["favorited"]), (&json!("Brussels"), &json!(false)));
    assert_eq!(answer["entities"]["mentions"][0]["id"], ada.id);
    assert_eq!(reply.header("location"), Some(format!("/api/tweets/{}", text(&answer["id"])).as_str()));
    let nested = format!("/api/tweets/{}/comments", text(&answer["id"]));
    comment(&world, &ada, &nested, "welcome").await.expect(201);
    let answered = world.get(&format!("/api/tweets/{}", text(&tweet["id"]))).send().await.expect(200);
    assert_eq!(answered["comments_count"], 1, "what answers the answer is not counted here");
    let comments = world.get(&path).send().await.expect(200);
    assert_eq!(listed(&comments, "text"), ["hello @ada"]);
    assert_eq!(comments["items"][0]["comments_count"], 1);
}

#[tokio::test]
async fn a_comment_that_is_sent_again_is_the_same_tweet() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let (_, path) = said(&world, &ada).await;
    let (_, elsewhere) = said(&world, &ada).await;
    let post = async |path: &str, key: &str| {
        world.post(path).by(&bob).header("Idempotency-Key", key).json(&json!({"text": "once"})).send().await
    };
    let first = post(&path, "key-1").await.expect(201);
    assert_eq!(post(&path, "key-1").await.expect(201), first);
    assert_eq!(listed(&world.get(&path).send().await.expect(200), "text"), ["once"]);
    post(&elsewhere, "key-1").await.names(409, "ALREADY_EXISTS", "Idempotency-Key");
    post(&path, "two words").await.refuses("Idempotency-Key");
}

#[tokio::test]
async fn comments_have_pages_newest_first() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let (_, path) = said(&world, &ada).await;
    for n in 0..5 {
        comment(&world, &bob, &path, &format!("answer {n}")).await.expect(201);
    }
    let get = async |query: &str| world.get(&format!("{path}?{query}")).send().await;
    let first = get("limit=2").await.expect(200);
    assert_eq!((listed(&first, "text"), &first["prev_cursor"]), (vec!["answer 4", "answer 3"], &json!(null)));
    let second = get(&format!("limit=2&cursor={}", text(&first["next_cursor"]))).await.expect(200);
    assert_eq!(listed(&second, "text"), ["answer 2", "answer 1"]);
    assert_eq!(get("limit=2&page=2").await.expect(200)["items"], second["items"]);
    for (query, field) in [("limit=0", "limit"), ("page=51", "page"), ("cursor=rubbish", "cursor")] {
        get(query).await.refuses(field);
    }
    world.timeline.faults.take_calls();
    world.get(&path).by(&ada).header("Roost-Revision", &Revision(1).token()).send().await.expect(200);
    assert_eq!(world.timeline.faults.take_calls(), ["comments"]);
    assert_eq!(world.timeline.asked_at_least(), Some(Revision(1).token()));
}

#[tokio::test]
async fn the_comments_of_a_deleted_tweet_stay() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let (tweet, path) = said(&world, &ada).await;
    comment(&world, &bob, &path, "well said").await.expect(201);
    let tombstone = format!("/api/tweets/{}", text(&tweet["id"]));
    assert_eq!(world.delete(&tombstone).by(&ada).send().await.status, 204);
    world.get(&tombstone).send().await.is(404, "NOT_FOUND");
    assert_eq!(listed(&world.get(&path).send().await.expect(200), "text"), ["well said"]);
    comment(&world, &bob, &path, "too late").await.names(404, "NOT_FOUND", "id");
}

#[tokio::test]
async fn what_is_wrong_with_a_comment_is_named() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let (_, path) = said(&world, &ada).await;
    let post = async |body: Value| world.post(&path).by(&bob).json(&body).send().await;
    post(json!({})).await.refuses("text");
    post(json!({"text": "x".repeat(141)})).await.refuses("text");
    let (_, fields) = post(json!({"text": 7, "media_ids": ["1"], "place": "x"})).await.problem(400);
    assert_eq!(fields, ["text", "media_ids", "place"]);
    world.post(&path).by(&bob).send().await.names(415, "INVALID_ARGUMENT", "Content-Type");
    world.post(&path).json(&json!({"text": "hi"})).send().await.is(401, "UNAUTHENTICATED");
    comment(&world, &bob, "/api/tweets/12/comments", "hi").await.names(404, "NOT_FOUND", "id");
    world.get("/api/tweets/12/comments").send().await.names(404, "NOT_FOUND", "id");
    for id in ["x", "0", "+12", "012", "9223372036854775808"] {
        let path = format!("/api/tweets/{id}/comments");
        world.get(&path).send().await.is(404, "NOT_FOUND");
        comment(&world, &bob, &path, "hi").await.is(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn those_between_whom_a_block_stands_do_not_answer_one_another() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let (_, by_ada) = said(&world, &ada).await;
    let (_, by_bob) = said(&world, &bob).await;
    comment(&world, &bob, &by_ada, "hi").await.expect(201);
    world.post("/api/users/bob/blocks").by(&ada).send().await.expect(200);
    comment(&world, &bob, &by_ada, "let me in").await.is(403, "PERMISSION_DENIED");
    comment(&world, &ada, &by_bob, "hi").await.is(403, "PERMISSION_DENIED");
    world.get(&by_ada).by(&bob).send().await.names(404, "NOT_FOUND", "id");
    assert_eq!(listed(&world.get(&by_ada).send().await.expect(200), "text"), ["hi"]);
}
