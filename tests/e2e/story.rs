//! The life of some people over REST, in both wirings: whatever one process does, three do as well.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Rest, password, text, texts};
use crate::support::installation::{Installation, Wiring};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_life_in_one_process() {
    a_life(Wiring::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_life_in_three_processes() {
    a_life(Wiring::ThreeProcesses).await;
}

async fn a_life(wiring: Wiring) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let installation = Installation::start(wiring, &folder.path().join("data"));
    let rest = installation.rest();
    arriving(&rest).await;
    profiles(&rest).await;
    sessions(&rest).await;
    following(&rest).await;
    posting(&rest).await;
    blocking(&rest).await;
    muting(&rest).await;
    reading_ones_writes(&rest).await;
    let before = what_is_there(&rest).await;
    let installation = installation.restart();
    assert_eq!(what_is_there(&installation.rest()).await, before, "a restart changes nothing");
    let late = installation.rest().join("late").await;
    let id = post(&late, "late", "as if nothing had happened").await;
    let newest = before["feed"][0]["id"].as_str().map(|id| id.parse::<u64>().expect("a number"));
    assert!(newest.expect("there is a feed") < id.parse().expect("a number"), "ids rise across a restart");
    installation.stop();
}

/// Signing up, and all that is wrong with a sign up at once.
async fn arriving(rest: &Rest) {
    for username in ["ann", "bob", "cid", "dan", "eve"] {
        rest.join(username).await;
    }
    let again = json!({ "username": "ann", "email": "other@example.org", "password": "long enough", "name": "Ann" });
    let taken = rest.post("/api/users", again).await;
    assert_eq!(taken.headers["content-type"], "application/problem+json");
    let taken = taken.expect(409);
    assert_eq!((&taken["code"], &taken["status"]), (&"ALREADY_EXISTS".into(), &409.into()), "{taken}");
    assert_eq!(taken["errors"][0]["field"], "username");
    let wrong = json!({ "username": "Not A Name", "email": "nowhere", "password": "short" });
    let wrong = rest.post("/api/users", wrong).await.expect(400);
    let mut fields = texts(wrong["errors"].as_array().expect("errors"), "field");
    fields.sort();
    assert_eq!(fields, ["email", "password", "username"]);
    rest.get("/api/users/nobody").await.expect(404);
    rest.get("/api/feed").await.expect(401);
}

async fn profiles(rest: &Rest) {
    let ann = rest.log_in("ann").await;
    let change =
        json!({ "name": "Ann Example", "description": "Here since the beginning", "date_of_birth": "1990-05-17" });
    let changed = ann.patch("/api/users/ann", change).await.expect(200);
    assert_eq!((&changed["name"], &changed["date_of_birth"]), (&"Ann Example".into(), &"1990-05-17".into()));
    let seen = rest.get("/api/users/ann").await.expect(200);
    assert_eq!(seen["description"], "Here since the beginning");
    assert!(seen["date_of_birth"].is_null() && seen["email"].is_null(), "seen by the owner alone: {seen}");
    ann.patch("/api/users/bob", json!({ "name": "Not Bob" })).await.expect(403);
    let unknown = ann.patch("/api/users/ann", json!({ "shoe_size": 39 })).await.expect(400);
    assert_eq!(unknown["errors"][0]["field"], "shoe_size");
}

/// Refresh tokens rotate, and a log out is at once.
async fn sessions(rest: &Rest) {
    let credentials = json!({ "login": "bob@example.org", "password": password("bob") });
    let first = rest.post("/api/login", credentials).await.expect(200);
    assert_eq!((&first["token_type"], &first["user"]["username"]), (&"Bearer".into(), &"bob".into()));
    let refresh = |token: &Value| rest.clone().refresh(text(token).to_owned());
    let second = refresh(&first["refresh_token"]).await.expect(200);
    let bob = rest.signed(text(&second["access_token"]));
    bob.get("/api/feed").await.expect(200);
    refresh(&first["refresh_token"]).await.expect(401);
    refresh(&second["refresh_token"]).await.expect(401);
    bob.get("/api/feed").await.expect(401);
    let bob = rest.log_in("bob").await;
    bob.post("/api/logout", Value::Null).await.expect(204);
    bob.get("/api/feed").await.expect(401);
    rest.post("/api/login", json!({ "login": "bob", "password": "something else" })).await.expect(401);
}

async fn following(rest: &Rest) {
    let ann = rest.log_in("ann").await;
    for _ in 0..2 {
        let state = ann.switch(Method::POST, "/api/users/bob/followers").await;
        assert!(state.headers.contains_key("roost-revision"), "a write of the graph names its revision");
        assert_eq!(state.expect(200)["relationship"]["following"], true);
    }
    ann.switch(Method::POST, "/api/users/cid/followers").await.expect(200);
    rest.log_in("bob").await.switch(Method::POST, "/api/users/ann/followers").await.expect(200);
    assert_eq!(texts(&rest.all_pages("/api/users/ann/followees").await, "username"), ["cid", "bob"], "newest first");
    let bob = ann.get("/api/users/bob").await.expect(200);
    let expected = json!({ "following": true, "followed_by": true, "blocking": false, "muting": false });
    assert_eq!(bob["relationship"], expected);
    assert_eq!((&bob["followers_count"], &bob["followees_count"]), (&1.into(), &1.into()));
    for _ in 0..2 {
        let state = ann.delete("/api/users/cid/followers").await.expect(200);
        assert_eq!(state["relationship"]["following"], false);
    }
    ann.switch(Method::POST, "/api/users/ann/followers").await.expect(400);
    ann.switch(Method::POST, "/api/users/nobody/followers").await.expect(404);
    rest.switch(Method::POST, "/api/users/bob/followers").await.expect(401);
}

async fn posting(rest: &Rest) {
    let (ann, bob, cid) = (rest.log_in("ann").await, rest.log_in("bob").await, rest.log_in("cid").await);
    let hello = post(&bob, "bob", "Hello @ann, this is my #first tweet: https://example.org/x").await;
    let tweet = rest.get(&format!("/api/tweets/{hello}")).await.expect(200);
    assert_eq!(tweet["author"]["username"], "bob");
    assert_eq!(tweet["entities"]["hashtags"], json!([{ "tag": "first", "start": 23, "end": 29 }]));
    assert_eq!(tweet["entities"]["mentions"][0]["username"], "ann");
    assert_eq!(tweet["entities"]["urls"][0]["url"], "https://example.org/x");

    // A flag is one character to a person, eight bytes and two code points to a machine.
    let long = "🇪🇺".repeat(140);
    let flags = post(&bob, "bob", &long).await;
    let longer = bob.post("/api/users/bob/tweets", json!({ "text": format!("{long}!") })).await.expect(400);
    assert_eq!(longer["errors"][0]["field"], "text");
    bob.post("/api/users/ann/tweets", json!({ "text": "in another's name" })).await.expect(403);

    // Ann follows bob and not cid: of what cid and bob answer one another she sees nothing, of bob's answers to her all.
    let stranger = post(&cid, "cid", "nobody follows me").await;
    answer(&bob, "bob", &stranger, "you will find friends").await;
    let mine = post(&ann, "ann", "my own").await;
    let to_me = answer(&bob, "bob", &mine, "well said").await;
    let feed = ann.all_pages("/api/feed").await;
    assert_eq!(texts(&feed, "id"), [to_me, mine, flags, hello.clone()]);
    assert_eq!(feed[0]["in_reply_to"], feed[1]["id"]);

    let gone = post(&bob, "bob", "I did not say this").await;
    let path = format!("/api/tweets/{gone}");
    ann.delete(&path).await.expect(403);
    bob.delete(&path).await.expect(204);
    bob.delete(&path).await.expect(204);
    rest.get(&path).await.expect(404);
    assert_eq!(ann.all_pages("/api/feed").await.len(), 4);
    let timeline = rest.get("/api/users/bob/tweets?limit=2").await.expect(200);
    assert_eq!(timeline["items"].as_array().map(Vec::len), Some(2));
    assert!(timeline["prev_cursor"].is_null() && timeline["next_cursor"].is_string());
    let second = rest.get("/api/users/bob/tweets?limit=2&page=2").await.expect(200);
    let next = format!("/api/users/bob/tweets?limit=2&cursor={}", text(&timeline["next_cursor"]));
    assert_eq!(rest.get(&next).await.expect(200)["items"], second["items"]);
    for (query, field) in [("limit=0", "limit"), ("limit=1001", "limit"), ("cursor=x", "cursor"), ("page=99", "page")] {
        let refused = ann.get(&format!("/api/feed?{query}")).await.expect(400);
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
}

/// A block ends the follows both ways, prevents new ones, and hides both from one another.
async fn blocking(rest: &Rest) {
    let (dan, eve) = (rest.log_in("dan").await, rest.log_in("eve").await);
    dan.switch(Method::POST, "/api/users/eve/followers").await.expect(200);
    eve.switch(Method::POST, "/api/users/dan/followers").await.expect(200);
    let said = post(&eve, "eve", "to whom it may concern").await;
    assert_eq!(texts(&dan.all_pages("/api/feed").await, "id"), std::slice::from_ref(&said));

    let state = eve.switch(Method::POST, "/api/users/dan/blocks").await.expect(200);
    assert_eq!(
        state["relationship"],
        json!({ "following": false, "followed_by": false, "blocking": true, "muting": false })
    );
    assert!(dan.all_pages("/api/feed").await.is_empty());
    assert!(dan.all_pages("/api/users/eve/tweets").await.is_empty());
    dan.get(&format!("/api/tweets/{said}")).await.expect(404);
    for path in ["/api/users/eve/followers", "/api/users/dan/followers"] {
        assert!(rest.all_pages(path).await.is_empty(), "{path}");
    }
    dan.switch(Method::POST, "/api/users/eve/followers").await.expect(403);
    eve.switch(Method::POST, "/api/users/dan/followers").await.expect(403);
    let comment = json!({ "text": "let me in", "in_reply_to": said });
    let refused = dan.post("/api/users/dan/tweets", comment).await.status;
    assert!(refused == 403 || refused == 404, "a comment on a tweet of somebody who blocks one was answered {refused}");
    assert_eq!(texts(&eve.all_pages("/api/blocks").await, "username"), ["dan"]);

    eve.delete("/api/users/dan/blocks").await.expect(200);
    assert!(rest.all_pages("/api/users/eve/followers").await.is_empty(), "the end of a block brings no follow back");
    dan.switch(Method::POST, "/api/users/eve/followers").await.expect(200);
    assert_eq!(texts(&dan.all_pages("/api/feed").await, "id"), [said]);
}

/// A mute hides, and nobody learns of it.
async fn muting(rest: &Rest) {
    let (dan, eve) = (rest.log_in("dan").await, rest.log_in("eve").await);
    let before = dan.all_pages("/api/feed").await;
    dan.switch(Method::POST, "/api/users/eve/mutes").await.expect(200);
    assert!(dan.all_pages("/api/feed").await.is_empty());
    assert_eq!(texts(&rest.all_pages("/api/users/eve/followers").await, "username"), ["dan"]);
    assert_eq!(eve.get("/api/users/dan").await.expect(200)["relationship"]["followed_by"], true);
    assert_eq!(texts(&dan.all_pages("/api/mutes").await, "username"), ["eve"]);
    dan.delete("/api/users/eve/mutes").await.expect(200);
    assert_eq!(dan.all_pages("/api/feed").await, before);
}

/// A read that names a revision answers from a state at least as new.
async fn reading_ones_writes(rest: &Rest) {
    let ann = rest.log_in("ann").await;
    let state = ann.switch(Method::POST, "/api/users/eve/followers").await;
    let revision = state.headers["roost-revision"].to_str().expect("a token is text").to_owned();
    let followers = rest.get_at("/api/users/eve/followers", &revision).await.expect(200);
    let followers = texts(followers["items"].as_array().expect("a page has items"), "username");
    assert!(followers.iter().any(|follower| follower == "ann"), "{followers:?}");
    let refused = rest.get_at("/api/users/eve/followers", "tomorrow").await.expect(400);
    assert_eq!(refused["errors"][0]["field"], "Roost-Revision");
}

/// Everything that can be seen.
async fn what_is_there(rest: &Rest) -> Value {
    let ann = rest.log_in("ann").await;
    let mut seen = json!({ "feed": ann.all_pages("/api/feed").await });
    for username in ["ann", "bob", "cid", "dan", "eve"] {
        let profile = ann.get(&format!("/api/users/{username}")).await.expect(200);
        seen[username] = json!({
            "profile": { "name": profile["name"], "relationship": profile["relationship"], "id": profile["id"] },
            "tweets": ann.all_pages(&format!("/api/users/{username}/tweets")).await,
            "followers": texts(&ann.all_pages(&format!("/api/users/{username}/followers")).await, "username"),
            "followees": texts(&ann.all_pages(&format!("/api/users/{username}/followees")).await, "username"),
        });
    }
    seen
}

async fn post(client: &Rest, username: &str, said: &str) -> String {
    let tweet = client.post(&format!("/api/users/{username}/tweets"), json!({ "text": said })).await.expect(201);
    assert_eq!(tweet["text"], said);
    text(&tweet["id"]).to_owned()
}

async fn answer(client: &Rest, username: &str, answered: &str, said: &str) -> String {
    let body = json!({ "text": said, "in_reply_to": answered });
    let tweet = client.post(&format!("/api/users/{username}/tweets"), body).await.expect(201);
    text(&tweet["id"]).to_owned()
}
