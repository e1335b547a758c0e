//! Followers, followees, blocks and mutes.

use base::Revision;
use serde_json::{Value, json};

use crate::support::{Person, World};

fn names(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("a list");
    items.iter().map(|user| user["username"].as_str().expect("a string")).collect()
}

/// Ada, followed by five others, the last of whom came last.
async fn popular() -> (World, Person, Vec<Person>) {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let mut fans = Vec::new();
    for n in 0..5 {
        let fan = world.person(&format!("fan{n}")).await;
        world.post("/api/users/ada/followers").by(&fan).send().await.expect(200);
        fans.push(fan);
    }
    (world, ada, fans)
}

#[tokio::test]
async fn lists_are_paged_both_ways_newest_first() {
    let (world, _, _) = popular().await;
    let first = world.get("/api/users/ada/followers?limit=2").send().await.expect(200);
    assert_eq!((names(&first), &first["prev_cursor"]), (vec!["fan4", "fan3"], &json!(null)));
    let follow = async |page: &Value, cursor: &str| {
        let cursor = page[cursor].as_str().expect("there is such a page");
        world.get(&format!("/api/users/ada/followers?limit=2&cursor={cursor}")).send().await.expect(200)
    };
    let second = follow(&first, "next_cursor").await;
    assert_eq!(names(&second), ["fan2", "fan1"]);
    let last = follow(&second, "next_cursor").await;
    assert_eq!((names(&last), &last["next_cursor"]), (vec!["fan0"], &json!(null)));
    assert_eq!(names(&follow(&second, "prev_cursor").await), ["fan4", "fan3"]);
}

#[tokio::test]
async fn each_end_of_a_follow_is_in_the_others_list() {
    let (world, ada, fans) = popular().await;
    let followees = world.get("/api/users/fan0/followees").send().await.expect(200);
    assert_eq!(names(&followees), ["ada"]);
    assert_eq!(followees["items"][0]["id"], ada.id);
    assert_eq!(followees["items"][0]["followers_count"], 5);
    assert_eq!(names(&world.get("/api/users/ada/followees").send().await.expect(200)), Vec::<&str>::new());
    assert_eq!(followees["items"][0].get("relationship"), None);
    let seen = world.get("/api/users/fan1/followees").by(&fans[0]).send().await.expect(200);
    assert_eq!(seen["items"][0]["relationship"]["following"], true);
    let with_oneself = world.get("/api/users/ada/followers").by(&fans[4]).send().await.expect(200);
    let nothing = json!({"following": false, "followed_by": false, "blocking": false, "muting": false});
    assert_eq!(with_oneself["items"][0]["relationship"], nothing);
    assert_eq!(with_oneself["items"][0]["email"], "fan4@example.org");
    assert_eq!(with_oneself["items"][1].get("email"), None);
}

#[tokio::test]
async fn a_page_costs_the_same_calls_whatever_its_length() {
    let (world, _, fans) = popular().await;
    let mut costs = Vec::new();
    for limit in [1, 5] {
        world.graph.faults.take_calls();
        world.timeline.faults.take_calls();
        let path = format!("/api/users/ada/followers?limit={limit}");
        world.get(&path).by(&fans[0]).send().await.expect(200);
        let mut calls = world.graph.faults.take_calls();
        calls.extend(world.timeline.faults.take_calls());
        calls.sort_unstable();
        costs.push(calls);
    }
    assert_eq!(costs, [["author_stats", "count", "list", "relate"]; 2]);
}

#[tokio::test]
async fn users_without_an_account_are_left_out_and_the_page_goes_on() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let id = ada.id.parse().expect("a number");
    for imported in world.graph.allocate(3) {
        world.graph.follow(imported, id);
    }
    let page = world.get("/api/users/ada/followers?limit=2").send().await.expect(200);
    assert_eq!(names(&page), Vec::<&str>::new());
    assert_eq!(page["prev_cursor"], json!(null));
    let cursor = page["next_cursor"].as_str().expect("the last one is still to come");
    let last = world.get(&format!("/api/users/ada/followers?limit=2&cursor={cursor}")).send().await.expect(200);
    assert_eq!(last["next_cursor"], json!(null));
    assert_eq!(world.get("/api/users/ada").send().await.expect(200)["followers_count"], 3);
}

#[tokio::test]
async fn blocks_and_mutes_are_the_callers_own() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    world.person("carl").await;
    world.post("/api/users/bob/blocks").by(&ada).send().await.expect(200);
    world.post("/api/users/carl/mutes").by(&ada).send().await.expect(200);
    let blocks = world.get("/api/blocks").by(&ada).send().await.expect(200);
    assert_eq!((names(&blocks), &blocks["items"][0]["relationship"]["blocking"]), (vec!["bob"], &json!(true)));
    let mutes = world.get("/api/mutes").by(&ada).send().await.expect(200);
    assert_eq!((names(&mutes), &mutes["items"][0]["relationship"]["muting"]), (vec!["carl"], &json!(true)));
    for path in ["/api/blocks", "/api/mutes"] {
        let empty = world.get(path).by(&bob).send().await;
        empty.expect(200);
        assert_eq!(empty.text, r#"{"items":[],"next_cursor":null,"prev_cursor":null}"#);
        world.get(path).send().await.is(401, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_page_is_named() {
    let (world, ada, _) = popular().await;
    for path in ["/api/users/ada/followers", "/api/users/ada/followees", "/api/blocks", "/api/mutes"] {
        let get = async |query: &str| world.get(&format!("{path}?{query}")).by(&ada).send().await;
        for limit in ["0", "1001", "-1", "many", ""] {
            get(&format!("limit={limit}")).await.refuses("limit");
        }
        get("cursor=rubbish").await.refuses("cursor");
        get("page=2").await.refuses("page");
        get("limit=1000").await.expect(200);
    }
    world.get("/api/users/nobody/followers").send().await.is(404, "NOT_FOUND");
    world.get("/api/users/nobody/followees").send().await.is(404, "NOT_FOUND");
}

#[tokio::test]
async fn reads_pass_the_revision_on_and_refuse_a_bad_one() {
    let (world, ada, _) = popular().await;
    let token = Revision(3).token();
    for path in ["/api/users/ada", "/api/users/ada/followers", "/api/users/ada/followees", "/api/blocks", "/api/mutes"]
    {
        world.get(path).by(&ada).send().await.expect(200);
        assert_eq!(world.graph.asked_at_least(), None, "{path}");
        world.get(path).by(&ada).header("Roost-Revision", &token).send().await.expect(200);
        assert_eq!(world.graph.asked_at_least().as_deref(), Some(token.as_str()), "{path}");
        for bad in ["", "17", "rubbish"] {
            world.get(path).by(&ada).header("Roost-Revision", bad).send().await.refuses("Roost-Revision");
        }
    }
}
