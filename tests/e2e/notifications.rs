//! Who is told of what: each kind, once, grouped while it is unread; reading one and all; in both wirings and across a restart.

use serde_json::{Value, json};

use crate::support::client::{Rest, text, texts};
use crate::support::installation::{Installation, Wiring};
use crate::support::wait;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_told_in_one_process() {
    everybody_is_told(Wiring::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_told_in_three_processes() {
    everybody_is_told(Wiring::ThreeProcesses).await;
}

async fn everybody_is_told(wiring: Wiring) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let installation = Installation::start(wiring, &folder.path().join("data"));
    let rest = installation.rest();
    for username in ["ann", "bob", "cid", "dan"] {
        rest.join(username).await;
    }
    let said = each_kind(&rest).await;
    being_told_of_tweets(&rest).await;
    what_is_wrong(&rest).await;
    let before = inbox(&rest.log_in("ann").await).await;
    let installation = installation.restart();
    let rest = installation.rest();
    let ann = rest.log_in("ann").await;
    assert_eq!(inbox(&ann).await, before, "a restart tells nothing twice and forgets nothing");
    reading(&rest, &said).await;
    let before = inbox(&ann).await;
    let installation = installation.restart();
    let ann = installation.rest().log_in("ann").await;
    assert_eq!(inbox(&ann).await, before, "what was read stays read");
    installation.stop();
}

/// Follows, favorites, retweets, comments and mentions. Gives the tweet that it happened to.
async fn each_kind(rest: &Rest) -> String {
    let (ann, bob, cid) = (rest.log_in("ann").await, rest.log_in("bob").await, rest.log_in("cid").await);
    let said = ann.say("ann", "tell me what you think").await;
    let nothing = inbox(&ann).await;
    assert_eq!((&nothing["items"], &nothing["unread_count"]), (&json!([]), &0.into()));
    for _ in 0..2 {
        bob.turn_on("/api/users/ann/followers").await;
    }
    let follow = told_of(&ann, "follow").await;
    assert!(follow["tweet"].is_null(), "{follow}");
    assert_eq!(actors(&follow), ["bob"]);
    for client in [&bob, &cid, &ann] {
        for _ in 0..2 {
            client.turn_on(&format!("/api/tweets/{said}/favorites")).await;
        }
    }
    let favorite = told_of(&ann, "favorite").await;
    assert_eq!((actors(&favorite), &favorite["actors_count"]), (vec!["cid".to_owned(), "bob".to_owned()], &2.into()));
    assert_eq!((&favorite["tweet"]["id"], &favorite["tweet"]["favorites_count"]), (&said.as_str().into(), &3.into()));
    bob.turn_on(&format!("/api/tweets/{said}/retweets")).await;
    assert_eq!(told_of(&ann, "retweet").await["tweet"]["id"], said);
    let comment = bob.comment(&said, "not much").await;
    assert_eq!(told_of(&ann, "comment").await["tweet"]["id"], comment);
    let mention = cid.say("cid", "ask @ann, not me").await;
    assert_eq!(told_of(&ann, "mention").await["tweet"]["id"], mention);
    let all = inbox(&ann).await;
    assert_eq!(all["unread_count"], 5);
    let mut kinds = texts(all["items"].as_array().expect("a list"), "kind");
    kinds.sort();
    assert_eq!(kinds, ["comment", "favorite", "follow", "mention", "retweet"], "each once");
    let pages = ann.pages("/api/notifications", 2, usize::MAX).await.concat();
    assert_eq!(&Value::from(pages), &all["items"]);
    assert_eq!(inbox(&bob).await["items"], json!([]), "nobody is told of what they do themselves");
    said
}

/// Of each tweet of somebody, for those who ask.
async fn being_told_of_tweets(rest: &Rest) {
    let (ann, bob) = (rest.log_in("ann").await, rest.log_in("bob").await);
    let path = "/api/users/bob/tweet-notifications";
    ann.turn_on("/api/users/bob/followers").await;
    for _ in 0..2 {
        assert_eq!(ann.turn_on(path).await, json!({ "tweet_notifications": true }));
    }
    let said = bob.say("bob", "to whom it may concern").await;
    let told = told_of(&ann, "tweet").await;
    assert_eq!((&told["tweet"]["id"], actors(&told)), (&said.as_str().into(), vec!["bob".to_owned()]));
    for _ in 0..2 {
        assert_eq!(ann.delete(path).await.expect(200), json!({ "tweet_notifications": false }));
    }
    bob.say("bob", "to nobody in particular").await;
    // Somebody is told of what comes later: whatever was to be told of the tweet before it has been.
    bob.say("bob", "but to @ann").await;
    wait::until_async("the second mention", async || {
        let items = ann.all_pages("/api/notifications").await;
        items.iter().any(|item| item["tweet"]["text"] == "but to @ann").then_some(())
    })
    .await;
    let kinds = texts(&ann.all_pages("/api/notifications").await, "kind");
    assert_eq!(kinds.iter().filter(|kind| *kind == "tweet").count(), 1, "{kinds:?}");
}

async fn what_is_wrong(rest: &Rest) {
    let ann = rest.log_in("ann").await;
    rest.get("/api/notifications").await.expect(401);
    for path in ["/api/notifications/read", "/api/notifications/1/read", "/api/users/bob/tweet-notifications"] {
        rest.post(path, json!({})).await.expect(401);
    }
    for (query, field) in [("limit=0", "limit"), ("cursor=x", "cursor"), ("page=2", "page")] {
        let refused = ann.get(&format!("/api/notifications?{query}")).await.expect(400);
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    let own = ann.post("/api/users/ann/tweet-notifications", json!({})).await.expect(400);
    assert_eq!(own["errors"][0]["field"], "username");
    ann.post("/api/users/nobody/tweet-notifications", json!({})).await.expect(404);
    ann.post("/api/notifications/12/read", json!({})).await.expect(404);
    // What is told to one is nobody else's to read.
    let id = text(&inbox(&ann).await["items"][0]["id"]).to_owned();
    let path = format!("/api/notifications/{id}/read");
    rest.log_in("cid").await.post(&path, json!({})).await.expect(404);
}

/// One, then all; and what comes after that begins anew.
async fn reading(rest: &Rest, said: &str) {
    let (ann, dan) = (rest.log_in("ann").await, rest.log_in("dan").await);
    let before = inbox(&ann).await;
    let unread = before["unread_count"].as_u64().expect("a count");
    assert_eq!(Some(unread), before["items"].as_array().map(|items| items.len() as u64));
    let favorite = told_of(&ann, "favorite").await;
    let path = format!("/api/notifications/{}/read", text(&favorite["id"]));
    for _ in 0..2 {
        assert_eq!(ann.turn_on(&path).await, json!({ "unread_count": unread - 1 }));
    }
    assert_eq!(told_of(&ann, "favorite").await["read"], true);
    dan.turn_on(&format!("/api/tweets/{said}/favorites")).await;
    let page = inbox(&ann).await;
    let favorites: Vec<_> =
        page["items"].as_array().expect("a list").iter().filter(|item| item["kind"] == "favorite").collect();
    assert_eq!(favorites.len(), 2, "what was read is not written on");
    assert_eq!((actors(favorites[0]), &favorites[0]["read"]), (vec!["dan".to_owned()], &false.into()));
    assert_eq!(actors(favorites[1]), ["cid", "bob"]);
    assert_eq!(page["unread_count"], unread);
    for _ in 0..2 {
        assert_eq!(ann.turn_on("/api/notifications/read").await, json!({ "unread_count": 0 }));
    }
    let page = inbox(&ann).await;
    assert!(page["items"].as_array().is_some_and(|items| items.iter().all(|item| item["read"] == true)), "{page}");
}

/// All notifications of somebody, and how many are unread.
async fn inbox(client: &Rest) -> Value {
    client.get("/api/notifications?limit=1000").await.expect(200)
}

/// The newest notification of this kind, once there is one: of a follow one is told soon, not at once.
async fn told_of(client: &Rest, kind: &str) -> Value {
    wait::until_async(kind, async || {
        let items = client.all_pages("/api/notifications").await;
        items.into_iter().find(|item| item["kind"] == kind)
    })
    .await
}

fn actors(notification: &Value) -> Vec<String> {
    texts(notification["actors"].as_array().expect("a list"), "username")
}
