//! Following, blocking, muting: switches.

use serde_json::{Value, json};

use crate::support::{Fault, World};

fn relationship(following: bool, followed_by: bool, blocking: bool, muting: bool) -> Value {
    let relationship =
        json!({"following": following, "followed_by": followed_by, "blocking": blocking, "muting": muting});
    json!({"relationship": relationship})
}

#[tokio::test]
async fn each_switch_answers_the_new_state_and_the_same_again() {
    let world = World::new().await;
    let (_, bob) = (world.person("ada").await, world.person("bob").await);
    for (path, on) in [
        ("/api/users/ada/followers", relationship(true, false, false, false)),
        ("/api/users/ada/blocks", relationship(false, false, true, false)),
        ("/api/users/ada/mutes", relationship(false, false, false, true)),
    ] {
        for _ in 0..2 {
            assert_eq!(world.post(path).by(&bob).send().await.expect(200), on, "POST {path}");
        }
        for _ in 0..2 {
            let off = world.delete(path).by(&bob).send().await.expect(200);
            assert_eq!(off, relationship(false, false, false, false), "DELETE {path}");
        }
    }
}

#[tokio::test]
async fn the_answer_is_byte_for_byte_and_a_body_is_not_read() {
    let world = World::new().await;
    let (_, bob) = (world.person("ada").await, world.person("bob").await);
    let reply = world.post("/api/users/ada/followers").by(&bob).json(&json!({})).send().await;
    reply.expect(200);
    let expected = r#"{"relationship":{"following":true,"followed_by":false,"blocking":false,"muting":false}}"#;
    assert_eq!(reply.text, expected);
    let rubbish = world.post("/api/users/ada/followers").by(&bob).body("{rubbish").send().await;
    assert_eq!(rubbish.expect(200), reply.json());
}

#[tokio::test]
async fn writes_answer_with_the_revision_that_they_made() {
    let world = World::new().await;
    let (_, bob) = (world.person("ada").await, world.person("bob").await);
    let followed = world.post("/api/users/ada/followers").by(&bob).send().await;
    let revision = followed.header("roost-revision").expect("a revision").to_owned();
    assert_eq!(world.graph.asked_at_least(), Some(revision.clone()), "the answer is read at least as new");
    let muted = world.post("/api/users/ada/mutes").by(&bob).send().await;
    assert_ne!(muted.header("roost-revision"), Some(revision.as_str()));
}

#[tokio::test]
async fn both_ends_see_a_follow() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    world.post("/api/users/ada/followers").by(&bob).send().await.expect(200);
    let back = world.post("/api/users/bob/followers").by(&ada).send().await.expect(200);
    assert_eq!(back, relationship(true, true, false, false));
}

#[tokio::test]
async fn a_block_ends_follows_and_refuses_new_ones_both_ways() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    world.post("/api/users/ada/followers").by(&bob).send().await.expect(200);
    let blocked = world.post("/api/users/bob/blocks").by(&ada).send().await.expect(200);
    assert_eq!(blocked, relationship(false, false, true, false));
    world.post("/api/users/ada/followers").by(&bob).send().await.is(403, "PERMISSION_DENIED");
    world.post("/api/users/bob/followers").by(&ada).send().await.is(403, "PERMISSION_DENIED");
    let seen = world.get("/api/users/ada").by(&bob).send().await.expect(200);
    assert_eq!(json!({"relationship": seen["relationship"]}), relationship(false, false, false, false));
    world.delete("/api/users/bob/blocks").by(&ada).send().await.expect(200);
    world.post("/api/users/ada/followers").by(&bob).send().await.expect(200);
}

#[tokio::test]
async fn nobody_follows_themselves_or_nobody() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for switch in ["followers", "blocks", "mutes"] {
        let path = format!("/api/users/ada/{switch}");
        world.post(&path).by(&ada).send().await.refuses("username");
        world.delete(&path).by(&ada).send().await.refuses("username");
        world.post(&path).send().await.is(401, "UNAUTHENTICATED");
        world.delete(&path).send().await.is(401, "UNAUTHENTICATED");
        world.post(&format!("/api/users/nobody/{switch}")).by(&ada).send().await.is(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_store_that_refuses_writes_says_when_to_come_back() {
    let world = World::new().await;
    let (_, bob) = (world.person("ada").await, world.person("bob").await);
    world.graph.faults.set(Fault::ReadOnly);
    let reply = world.post("/api/users/ada/followers").by(&bob).send().await;
    reply.is(503, "READ_ONLY");
    assert_eq!(reply.header("retry-after"), Some("60"));
}
