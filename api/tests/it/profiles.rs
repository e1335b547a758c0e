//! Profiles: who sees what, and how they change.

use serde_json::json;

use crate::support::{World, until};

#[tokio::test]
async fn a_profile_has_what_everybody_sees_and_counts() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    world.post("/api/users/ada/followers").by(&bob).send().await.expect(200);
    world.tweet(&ada, "hello").await;
    let reply = world.get("/api/users/ada").send().await;
    reply.expect(200);
    let expected = format!(
        concat!(
            r#"{{"id":"{id}","username":"ada","name":"ada","description":"","image_url":null,"hero_image_url":null,"#,
            r#""created_at":"2026-09-21T14:13:20.123Z","followers_count":1,"followees_count":0,"tweets_count":1}}"#
        ),
        id = ada.id
    );
    assert_eq!(reply.text, expected);
    let seen_by_bob = world.get("/api/users/ada").by(&bob).send().await.expect(200);
    let relationship = json!({"following": true, "followed_by": false, "blocking": false, "muting": false});
    assert_eq!(seen_by_bob["relationship"], relationship);
    assert_eq!(seen_by_bob.get("email"), None);
    assert_eq!(world.get("/api/users/bob").send().await.expect(200)["followees_count"], 1);
}

#[tokio::test]
async fn the_owner_sees_more_and_stands_in_no_way_to_themselves() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let own = world.get("/api/users/ada").by(&ada).send().await.expect(200);
    assert_eq!(own["email"], "ada@example.org");
    assert_eq!(own["last_login_at"], "2026-09-21T14:13:20.123Z");
    let nothing = json!({"following": false, "followed_by": false, "blocking": false, "muting": false});
    assert_eq!(own["relationship"], nothing);
}

#[tokio::test]
async fn nobody_has_a_name_that_nobody_could_have() {
    let world = World::new().await;
    world.person("ada").await;
    for name in ["nobody", "Ada", "a%20b", "%C3%A9"] {
        world.get(&format!("/api/users/{name}")).send().await.is(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn what_is_missing_stays_and_what_is_null_is_cleared() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let all = json!({
        "name": "Ada", "description": "first\nprogrammer", "image_url": "https://example.org/a.png",
        "hero_image_url": "http://example.org/h.png", "date_of_birth": "1815-12-10",
    });
    let changed = world.patch("/api/users/ada").by(&ada).json(&all).send().await.expect(200);
    for (field, value) in all.as_object().expect("an object") {
        assert_eq!(&changed[field], value, "{field}");
    }
    let unchanged = world.patch("/api/users/ada").by(&ada).json(&json!({})).send().await.expect(200);
    assert_eq!(unchanged, changed);
    let one = world.patch("/api/users/ada").by(&ada).json(&json!({"description": "x"})).send().await.expect(200);
    assert_eq!((&one["description"], &one["name"]), (&json!("x"), &json!("Ada")));
    let nulls = json!({
        "name": null, "description": null, "image_url": null, "hero_image_url": null, "date_of_birth": null,
    });
    let patch = world.patch("/api/users/ada").by(&ada).header("content-type", "application/merge-patch+json");
    let cleared = patch.body(nulls.to_string()).send().await.expect(200);
    assert_eq!((&cleared["name"], &cleared["description"]), (&json!("ada"), &json!("")));
    for field in ["image_url", "hero_image_url", "date_of_birth"] {
        assert_eq!(cleared.get(field), Some(&json!(null)), "{field}");
    }
    let world = world.restart().await;
    assert_eq!(world.get("/api/users/ada").by(&ada).send().await.expect(200), cleared);
}

#[tokio::test]
async fn the_date_of_birth_is_the_owners_alone() {
    let world = World::new().await;
    let (ada, bob) = (world.person("ada").await, world.person("bob").await);
    let change = json!({"date_of_birth": "1815-12-10"});
    world.patch("/api/users/ada").by(&ada).json(&change).send().await.expect(200);
    let seen = world.get("/api/users/ada").by(&bob).send().await.expect(200);
    let anonymous = world.get("/api/users/ada").send().await.expect(200);
    for field in ["email", "date_of_birth", "last_login_at"] {
        assert_eq!((seen.get(field), anonymous.get(field)), (None, None), "{field}");
    }
}

#[tokio::test]
async fn wrong_and_unknown_fields_are_named_and_nothing_changes() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let wrong = json!({
        "name": "x".repeat(51), "description": "x".repeat(161), "image_url": "javascript:alert(1)",
        "hero_image_url": 7, "date_of_birth": "2026-09-21", "username": "root",
    });
    let (code, fields) = world.patch("/api/users/ada").by(&ada).json(&wrong).send().await.problem(400);
    assert_eq!(code, "INVALID_ARGUMENT");
    assert_eq!(fields, ["name", "description", "image_url", "hero_image_url", "date_of_birth", "username"]);
    let half = json!({"description": "new", "nmae": "x"});
    world.patch("/api/users/ada").by(&ada).json(&half).send().await.refuses("nmae");
    assert_eq!(world.get("/api/users/ada").send().await.expect(200)["description"], "");
}

#[tokio::test]
async fn only_the_owner_changes_a_profile() {
    let world = World::new().await;
    let (_, bob) = (world.person("ada").await, world.person("bob").await);
    let change = json!({"name": "Eve"});
    world.patch("/api/users/ada").by(&bob).json(&change).send().await.is(403, "PERMISSION_DENIED");
    world.patch("/api/users/ada").json(&change).send().await.is(401, "UNAUTHENTICATED");
    world.patch("/api/users/nobody").by(&bob).json(&change).send().await.is(404, "NOT_FOUND");
    assert_eq!(world.get("/api/users/ada").send().await.expect(200)["name"], "ada");
}

#[tokio::test]
async fn changes_of_different_fields_at_once_all_stay() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let (name, description) = (json!({"name": "Ada"}), json!({"description": "new"}));
    let (one, other) = tokio::join!(
        world.patch("/api/users/ada").by(&ada).json(&name).send(),
        world.patch("/api/users/ada").by(&ada).json(&description).send(),
    );
    one.expect(200);
    other.expect(200);
    let profile = world.get("/api/users/ada").send().await.expect(200);
    assert_eq!((&profile["name"], &profile["description"]), (&json!("Ada"), &json!("new")));
}

#[tokio::test]
async fn a_change_that_nobody_waits_for_any_more_is_finished_and_seen() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let name = async || world.get("/api/users/ada").send().await.expect(200)["name"].clone();
    assert_eq!(name().await, "ada");
    let mut change = Box::pin(world.patch("/api/users/ada").by(&ada).json(&json!({"name": "Countess"})).send());
    assert!(futures::poll!(&mut change).is_pending(), "there is no answer yet");
    // The client hangs up.
    drop(change);
    until(async || name().await == "Countess").await;
}
