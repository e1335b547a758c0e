//! What becomes of a tweet: favorites, retweets and comments, counted and listed, and its end, in both wirings and across
//! restarts.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::client::{Rest, text, texts};
use crate::support::installation::{Installation, Wiring};

const PEOPLE: [&str; 5] = ["ann", "bob", "cid", "dan", "eve"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tweets_life_in_one_process() {
    a_tweets_life(Wiring::OneProcess).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tweets_life_in_three_processes() {
    a_tweets_life(Wiring::ThreeProcesses).await;
}

async fn a_tweets_life(wiring: Wiring) {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let installation = Installation::start(wiring, &folder.path().join("data"));
    let rest = installation.rest();
    for username in PEOPLE {
        rest.join(username).await;
    }
    // Dan sees what bob does, and of ann nothing but what bob shows him.
    rest.log_in("dan").await.turn_on("/api/users/bob/followers").await;
    let liked = favoriting(&rest).await;
    retweeting(&rest, &liked).await;
    commenting(&rest).await;
    asking_again(&rest).await;
    blocking(&rest).await;
    let before = what_is_there(&rest).await;
    let installation = installation.restart();
    let rest = installation.rest();
    assert_eq!(what_is_there(&rest).await, before, "a restart changes nothing");
    deleting(&rest).await;
    let before = what_is_there(&rest).await;
    let installation = installation.restart();
    assert_eq!(what_is_there(&installation.rest()).await, before, "a restart brings nothing back");
    installation.stop();
}

/// Favorites: each counted once, listed newest first, found under who made them.
async fn favoriting(rest: &Rest) -> String {
    let (ann, bob, cid) = (rest.log_in("ann").await, rest.log_in("bob").await, rest.log_in("cid").await);
    let (liked, other) = (ann.say("ann", "I will be liked").await, ann.say("ann", "I will be liked first").await);
    let path = format!("/api/tweets/{liked}/favorites");
    let none = json!({
        "favorites_count": 0, "retweets_count": 0, "comments_count": 0, "favorited": false, "retweeted": false
    });
    let one = json!({
        "favorites_count": 1, "retweets_count": 0, "comments_count": 0, "favorited": true, "retweeted": false
    });
    bob.turn_on(&format!("/api/tweets/{other}/favorites")).await;
    for _ in 0..2 {
        assert_eq!(bob.turn_on(&path).await, one, "a favorite is counted once");
    }
    for _ in 0..2 {
        assert_eq!(bob.delete(&path).await.expect(200), none);
    }
    bob.turn_on(&path).await;
    cid.turn_on(&format!("/api/users/ann/tweets/{liked}/favorites")).await;
    let seen = bob.get(&format!("/api/tweets/{liked}")).await.expect(200);
    assert_eq!((&seen["favorites_count"], &seen["favorited"]), (&2.into(), &true.into()));
    let seen = ann.get(&format!("/api/tweets/{liked}")).await.expect(200);
    assert_eq!((&seen["favorites_count"], &seen["favorited"]), (&2.into(), &false.into()));
    for path in [path.clone(), format!("/api/users/ann/tweets/{liked}/favorites")] {
        assert_eq!(texts(&rest.all_pages(&path).await, "username"), ["cid", "bob"], "newest first");
        assert_eq!(texts(&rest.pages(&path, 1, usize::MAX).await.concat(), "username"), ["cid", "bob"], "one by one");
    }
    assert_eq!(texts(&rest.all_pages("/api/users/bob/favorites").await, "id"), [liked.clone(), other.clone()]);
    assert_eq!(texts(&rest.all_pages("/api/users/bob/activity").await, "id"), [other.clone(), liked.clone()]);
    let ignored = ann.say("ann", "nobody likes me").await;
    let favorited = texts(&rest.all_pages("/api/users/ann/tweets?favorited=true").await, "id");
    assert_eq!(favorited, [other, liked.clone()], "without {ignored}");
    assert_eq!(rest.all_pages("/api/users/ann/tweets").await.len(), 3);

    rest.switch(Method::POST, &path).await.expect(401);
    bob.switch(Method::POST, "/api/tweets/12/favorites").await.expect(404);
    bob.switch(Method::POST, &format!("/api/users/cid/tweets/{liked}/favorites")).await.expect(404);
    for (query, field) in [("limit=0", "limit"), ("cursor=x", "cursor"), ("page=2", "page")] {
        let refused = rest.get(&format!("{path}?{query}")).await.expect(400);
        assert_eq!(refused["errors"][0]["field"], field, "{refused}");
    }
    let refused = rest.get("/api/users/ann/tweets?favorited=perhaps").await.expect(400);
    assert_eq!(refused["errors"][0]["field"], "favorited");
    liked
}

/// A retweet is an entry of its own; a tweet that many retweet is in a feed once.
async fn retweeting(rest: &Rest, liked: &str) {
    let (ann, bob, dan) = (rest.log_in("ann").await, rest.log_in("bob").await, rest.log_in("dan").await);
    let path = format!("/api/tweets/{liked}/retweets");
    assert!(dan.all_pages("/api/feed").await.is_empty());
    let mut entries = Vec::new();
    for _ in 0..2 {
        for _ in 0..2 {
            let state = bob.turn_on(&path).await;
            assert_eq!((&state["retweets_count"], &state["retweeted"]), (&1.into(), &true.into()));
        }
        for (feed, what) in [
            (dan.all_pages("/api/feed").await, "who follows the retweeter sees it"),
            (rest.all_pages("/api/users/bob/tweets").await, "it is in the retweeter's timeline"),
        ] {
            assert_eq!(texts(&feed, "id"), [liked], "{what}");
            assert_eq!(
                (&feed[0]["author"]["username"], &feed[0]["retweeted_by"]["username"]),
                (&"ann".into(), &"bob".into())
            );
            entries.push(text(&feed[0]["entry_id"]).parse::<u64>().expect("an id is a number"));
        }
        for _ in 0..2 {
            let state = bob.delete(&path).await.expect(200);
            assert_eq!((&state["retweets_count"], &state["retweeted"]), (&0.into(), &false.into()));
        }
        assert!(dan.all_pages("/api/feed").await.is_empty(), "what is taken back is gone at the next read");
        assert!(rest.all_pages("/api/users/bob/tweets").await.is_empty());
        assert!(rest.all_pages(&path).await.is_empty());
    }
    assert!(entries[0] == entries[1] && entries[1] < entries[2] && entries[2] == entries[3], "{entries:?}");
    // Dan follows ann as well by now: he has seen the tweet where she said it.
    dan.turn_on("/api/users/ann/followers").await;
    bob.turn_on(&path).await;
    ann.turn_on(&path).await;
    let feed = dan.all_pages("/api/feed").await;
    let shown: Vec<_> = feed.iter().filter(|entry| entry["id"] == liked).collect();
    assert!(shown.len() == 1 && shown[0].get("retweeted_by").is_none(), "{shown:?}");
    assert_eq!(texts(&rest.all_pages(&path).await, "username"), ["ann", "bob"]);
    let profile = rest.get("/api/users/bob").await.expect(200);
    assert_eq!(profile["tweets_count"], 0, "a retweet is no tweet of bob's");
}

/// Comments are counted under what they answer, nested ones under theirs.
async fn commenting(rest: &Rest) {
    let (ann, bob, cid) = (rest.log_in("ann").await, rest.log_in("bob").await, rest.log_in("cid").await);
    let said = ann.say("ann", "what do you think?").await;
    let first = bob.comment(&said, "not much").await;
    let nested = cid.comment(&first, "how rude").await;
    let second = cid.comment(&said, "a lot").await;
    let path = format!("/api/tweets/{said}/comments");
    assert_eq!(texts(&rest.all_pages(&path).await, "id"), [second.clone(), first.clone()], "newest first");
    assert_eq!(texts(&rest.pages(&path, 1, usize::MAX).await.concat(), "id"), [second, first.clone()]);
    assert_eq!(texts(&rest.all_pages(&format!("/api/tweets/{first}/comments")).await, "id"), [nested]);
    for (id, count) in [(&said, 2), (&first, 1)] {
        assert_eq!(rest.get(&format!("/api/tweets/{id}")).await.expect(200)["comments_count"], count);
    }
    let refused = bob.post(&path, json!({ "text": "x".repeat(141) })).await.expect(400);
    assert_eq!(refused["errors"][0]["field"], "text");
    rest.post(&path, json!({ "text": "who am I?" })).await.expect(401);
    bob.post("/api/tweets/12/comments", json!({ "text": "to whom?" })).await.expect(404);
    rest.get("/api/tweets/12/comments").await.expect(404);

    let place = json!({ "name": "Brussels", "latitude": 50.8467, "longitude": 4.3525 });
    let here = bob.post(&path, json!({ "text": "here", "place": place })).await.expect(201);
    assert_eq!(rest.get(&format!("/api/tweets/{}", text(&here["id"]))).await.expect(200)["place"], place);
    let nowhere = json!({ "text": "where?", "place": { "name": "x", "latitude": 91, "longitude": 0 } });
    let refused = bob.post(&path, nowhere).await.expect(400);
    assert_eq!(refused["errors"][0]["field"], "place.latitude");
}

/// What is sent again with its key is the same comment.
async fn asking_again(rest: &Rest) {
    let ann = rest.log_in("ann").await;
    let said = ann.say("ann", "answer me once").await;
    let path = format!("/api/tweets/{said}/comments");
    let first = ann.post_with_key(&path, "once", json!({ "text": "once" })).await.expect(201);
    let again = ann.post_with_key(&path, "once", json!({ "text": "once" })).await.expect(201);
    assert_eq!(again["id"], first["id"]);
    assert_eq!(rest.all_pages(&path).await.len(), 1);
    let other = ann.post_with_key(&path, "once", json!({ "text": "twice" })).await.expect(409);
    assert_eq!(other["errors"][0]["field"], "Idempotency-Key");
}

/// Who is blocked can do nothing to a tweet but take back what they did.
async fn blocking(rest: &Rest) {
    let (ann, eve) = (rest.log_in("ann").await, rest.log_in("eve").await);
    let said = ann.say("ann", "not for everybody").await;
    let favorites = format!("/api/tweets/{said}/favorites");
    eve.turn_on(&favorites).await;
    ann.turn_on("/api/users/eve/blocks").await;
    for switch in ["favorites", "retweets"] {
        eve.switch(Method::POST, &format!("/api/tweets/{said}/{switch}")).await.expect(403);
    }
    let comments = format!("/api/tweets/{said}/comments");
    eve.post(&comments, json!({ "text": "let me in" })).await.expect(403);
    eve.get(&favorites).await.expect(404);
    eve.get(&comments).await.expect(404);
    assert!(eve.all_pages("/api/users/eve/favorites").await.is_empty(), "nor do they see what they liked");
    let state = eve.delete(&favorites).await.expect(200);
    assert_eq!((&state["favorites_count"], &state["favorited"]), (&0.into(), &false.into()));
}

/// A tweet that is deleted takes its retweets and its places in lists with it; what answered it stays, outside feeds.
async fn deleting(rest: &Rest) {
    let (ann, bob, cid) = (rest.log_in("ann").await, rest.log_in("bob").await, rest.log_in("cid").await);
    cid.turn_on("/api/users/bob/followers").await;
    cid.turn_on("/api/users/ann/followers").await;
    let before = rest.get("/api/users/ann").await.expect(200)["tweets_count"].as_u64().expect("a count");
    let said = ann.say("ann", "I did not say this").await;
    let path = format!("/api/tweets/{said}");
    for switch in ["favorites", "retweets"] {
        bob.turn_on(&format!("{path}/{switch}")).await;
    }
    let comment = bob.comment(&said, "you did").await;
    let nested = cid.comment(&comment, "she did").await;
    let places = [
        "/api/feed",
        "/api/users/ann/tweets",
        "/api/users/ann/tweets?favorited=true",
        "/api/users/bob/tweets",
        "/api/users/bob/favorites",
        "/api/users/bob/activity",
    ];
    for place in places {
        assert!(texts(&cid.all_pages(place).await, "id").contains(&said), "{place}");
    }
    assert!(texts(&cid.all_pages("/api/feed").await, "id").contains(&comment));
    bob.delete(&path).await.expect(403);
    for _ in 0..2 {
        ann.delete(&path).await.expect(204);
    }
    for place in places {
        assert!(!texts(&cid.all_pages(place).await, "id").contains(&said), "{place}");
    }
    assert!(!texts(&cid.all_pages("/api/feed").await, "id").contains(&comment), "an answer to nothing is no feed's");
    assert!(texts(&rest.all_pages("/api/users/bob/tweets").await, "id").contains(&comment), "but still its author's");
    rest.get(&path).await.expect(404);
    for switch in ["favorites", "retweets"] {
        let path = format!("{path}/{switch}");
        rest.get(&path).await.expect(404);
        cid.switch(Method::POST, &path).await.expect(404);
    }
    cid.post(&format!("{path}/comments"), json!({ "text": "too late" })).await.expect(404);
    assert_eq!(texts(&rest.all_pages(&format!("{path}/comments")).await, "id"), std::slice::from_ref(&comment));
    assert_eq!(texts(&rest.all_pages(&format!("/api/tweets/{comment}/comments")).await, "id"), [nested]);
    assert_eq!(rest.get("/api/users/ann").await.expect(200)["tweets_count"], before);
}

/// Everything that can be seen of tweets, and that each count is as long as its list.
async fn what_is_there(rest: &Rest) -> Value {
    let mut seen = json!({});
    for username in PEOPLE {
        let client = rest.log_in(username).await;
        let mut own = json!({ "feed": client.all_pages("/api/feed").await });
        for timeline in ["tweets", "tweets?favorited=true", "favorites", "activity"] {
            own[timeline] = client.all_pages(&format!("/api/users/{username}/{timeline}")).await.into();
        }
        for tweet in own["tweets"].as_array().expect("a list") {
            let id = text(&tweet["id"]);
            let mut lists = json!({});
            for (list, count) in
                [("favorites", "favorites_count"), ("retweets", "retweets_count"), ("comments", "comments_count")]
            {
                let items = rest.all_pages(&format!("/api/tweets/{id}/{list}")).await;
                assert_eq!(tweet[count], items.len(), "{list} of {tweet}");
                lists[list] = texts(&items, "id").into();
            }
            seen[id] = lists;
        }
        seen[username] = own;
    }
    seen
}
