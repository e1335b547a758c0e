//! Who to follow, and which of one's followees follow somebody.

use base::Revision;
use serde_json::json;

use crate::support::{Person, World, listed, text};

/// Ada follows three people, who follow a star; two of them follow a friend as well.
async fn neighbourhood() -> (World, Person) {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for name in ["star", "friend", "stranger"] {
        world.person(name).await;
    }
    for n in 0..3 {
        let followee = world.person(&format!("followee{n}")).await;
        world.post(&format!("/api/users/followee{n}/followers")).by(&ada).send().await.expect(200);
        world.post("/api/users/star/followers").by(&followee).send().await.expect(200);
        if n < 2 {
            world.post("/api/users/friend/followers").by(&followee).send().await.expect(200);
        }
    }
    (world, ada)
}

#[tokio::test]
async fn suggestions_say_why() {
    let (world, ada) = neighbourhood().await;
    world.graph.allocate(2).into_iter().for_each(|imported| {
        // Suggested as well, and left out: there is nobody to show.
        world.graph.follow(ada.number() + 4, imported);
    });
    let page = world.get("/api/suggestions").by(&ada).send().await.expect(200);
    assert_eq!(listed(&page, "username"), ["star", "friend"]);
    assert_eq!((&page["next_cursor"], &page["prev_cursor"]), (&json!(null), &json!(null)));
    let star = &page["items"][0];
    assert_eq!((&star["reason"], &star["mutuals_count"]), (&json!("followed_by_followees"), &json!(3)));
    assert_eq!((&star["mutuals"][0]["username"], &star["followers_count"]), (&json!("followee2"), &json!(3)));
    assert_eq!(star["relationship"]["following"], false);
    let one = world.get("/api/suggestions?limit=1").by(&ada).send().await.expect(200);
    assert_eq!(listed(&one, "username"), ["star"]);
    for (query, field) in [("limit=0", "limit"), ("limit=101", "limit"), ("cursor=x", "cursor"), ("page=2", "page")] {
        world.get(&format!("/api/suggestions?{query}")).by(&ada).send().await.refuses(field);
    }
    world.get("/api/suggestions").send().await.is(401, "UNAUTHENTICATED");
    world.graph.faults.take_calls();
    world.timeline.faults.take_calls();
    let token = Revision(2).token();
    world.get("/api/suggestions").by(&ada).header("Roost-Revision", &token).send().await.expect(200);
    let mut calls = world.graph.faults.take_calls();
    calls.extend(world.timeline.faults.take_calls());
    calls.sort_unstable();
    assert_eq!(calls, ["author_stats", "count", "relate", "suggest"]);
    assert_eq!(world.graph.asked_at_least(), Some(token));
}

#[tokio::test]
async fn the_followers_whom_one_knows_have_pages() {
    let (world, ada) = neighbourhood().await;
    let get = async |path: &str| world.get(path).by(&ada).send().await;
    let known = get("/api/users/friend/followers/known").await.expect(200);
    assert_eq!(listed(&known, "username"), ["followee0", "followee1"]);
    assert_eq!(known["items"][0]["relationship"]["following"], true);
    let first = get("/api/users/star/followers/known?limit=2").await.expect(200);
    assert_eq!(listed(&first, "username"), ["followee0", "followee1"]);
    let next = format!("/api/users/star/followers/known?limit=2&cursor={}", text(&first["next_cursor"]));
    let last = get(&next).await.expect(200);
    assert_eq!((listed(&last, "username"), &last["next_cursor"]), (vec!["followee2"], &json!(null)));
    assert_eq!(get("/api/users/stranger/followers/known").await.expect(200)["items"], json!([]));
    for (query, field) in [("limit=0", "limit"), ("cursor=rubbish", "cursor"), ("page=2", "page")] {
        get(&format!("/api/users/star/followers/known?{query}")).await.refuses(field);
    }
    get("/api/users/nobody/followers/known").await.is(404, "NOT_FOUND");
    world.get("/api/users/star/followers/known").send().await.is(401, "UNAUTHENTICATED");
}
