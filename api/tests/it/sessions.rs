//! Logging in and out, and staying logged in.

use api::Settings;
use serde_json::json;

use crate::support::{Fault, PASSWORD, Person, Reply, World};

async fn refresh(world: &World, token: &str) -> Reply {
    world.post("/api/token/refresh").json(&json!({"refresh_token": token})).send().await
}

#[tokio::test]
async fn one_logs_in_by_name_or_email() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for login in ["ada", "ada@example.org", "ADA@Example.ORG"] {
        let reply = world.post("/api/login").json(&json!({"login": login, "password": PASSWORD})).send().await;
        let answer = reply.expect(200);
        assert_eq!((&answer["token_type"], &answer["expires_in"]), (&json!("Bearer"), &json!(900)));
        assert_eq!(answer["user"]["id"], ada.id);
        assert_eq!(answer["user"]["last_login_at"], "2026-09-21T14:13:20.123Z");
        let nothing = json!({"following": false, "followed_by": false, "blocking": false, "muting": false});
        assert_eq!(answer["user"]["relationship"], nothing);
        world.get("/api/feed").by(&Person::of(&answer)).send().await.expect(200);
    }
}

#[tokio::test]
async fn who_has_an_account_is_not_given_away() {
    let world = World::new().await;
    world.person("ada").await;
    let mut details = Vec::new();
    for (login, password) in [("ada", "wrong"), ("ADA", PASSWORD), ("nobody", PASSWORD), ("nobody@example.org", "x")] {
        let reply = world.post("/api/login").json(&json!({"login": login, "password": password})).send().await;
        reply.is(401, "UNAUTHENTICATED");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
        details.push(reply.json()["detail"].clone());
    }
    details.dedup();
    assert_eq!(details.len(), 1, "{details:?}");
    let (_, fields) = world.post("/api/login").json(&json!({"login": null})).send().await.problem(400);
    assert_eq!(fields, ["login", "password"]);
}

#[tokio::test]
async fn an_access_token_is_good_for_a_quarter_of_an_hour() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.clock.advance(899_000);
    world.get("/api/feed").by(&ada).send().await.expect(200);
    world.clock.advance(1_000);
    world.get("/api/feed").by(&ada).send().await.is(401, "UNAUTHENTICATED");
    let later = Person::of(&refresh(&world, &ada.refresh_token).await.expect(200));
    world.get("/api/feed").by(&later).send().await.expect(200);
}

#[tokio::test]
async fn an_access_token_ends_with_its_session() {
    let longer = |settings| Settings { access_token_seconds: 2 * 86_400, refresh_token_days: 1, ..settings };
    let world = World::with(longer).await;
    let ada = world.person("ada").await;
    world.clock.advance(86_400_000 - 1);
    world.get("/api/feed").by(&ada).send().await.expect(200);
    world.clock.advance(1);
    world.get("/api/feed").by(&ada).send().await.is(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_bad_token_is_refused_even_where_none_is_needed() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for authorization in ["", "Bearer", "Bearer x", "Basic YWRhOng=", &format!("Token {}", ada.access_token)] {
        let reply = world.get("/api/users/ada").header("authorization", authorization).send().await;
        reply.is(401, "UNAUTHENTICATED");
        assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
    }
    let lower_case = format!("bearer {}", ada.access_token);
    world.get("/api/users/ada").header("authorization", &lower_case).send().await.expect(200);
}

#[tokio::test]
async fn refresh_tokens_rotate() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let first = Person::of(&refresh(&world, &ada.refresh_token).await.expect(200));
    assert_ne!(first.refresh_token, ada.refresh_token);
    let second = Person::of(&refresh(&world, &first.refresh_token).await.expect(200));
    assert_eq!(second.id, ada.id);
    world.get("/api/feed").by(&second).send().await.expect(200);
    let world = world.restart().await;
    refresh(&world, &second.refresh_token).await.expect(200);
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_the_session() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let elsewhere = world.log_in("ada").await;
    let rotated = Person::of(&refresh(&world, &ada.refresh_token).await.expect(200));
    refresh(&world, &ada.refresh_token).await.is(401, "UNAUTHENTICATED");
    refresh(&world, &rotated.refresh_token).await.is(401, "UNAUTHENTICATED");
    world.get("/api/feed").by(&rotated).send().await.is(401, "UNAUTHENTICATED");
    world.get("/api/feed").by(&elsewhere).send().await.expect(200);
    refresh(&world, &elsewhere.refresh_token).await.expect(200);
}

#[tokio::test]
async fn a_refresh_that_another_service_fails_can_be_tried_again() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for fault in [Fault::Down, Fault::Panics] {
        world.graph.faults.set(fault);
        assert!(refresh(&world, &ada.refresh_token).await.status.is_server_error(), "{fault:?}");
    }
    world.graph.faults.set(Fault::None);
    refresh(&world, &ada.refresh_token).await.expect(200);
}

#[tokio::test]
async fn of_two_refreshes_at_once_one_succeeds() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let (one, other) = tokio::join!(refresh(&world, &ada.refresh_token), refresh(&world, &ada.refresh_token));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 401]);
}

#[tokio::test]
async fn refresh_tokens_expire_and_others_are_refused() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    refresh(&world, "not one of ours").await.is(401, "UNAUTHENTICATED");
    refresh(&world, &ada.access_token).await.is(401, "UNAUTHENTICATED");
    world.post("/api/token/refresh").json(&json!({})).send().await.refuses("refresh_token");
    world.clock.advance(30 * 24 * 60 * 60 * 1000);
    refresh(&world, &ada.refresh_token).await.is(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn logging_out_ends_this_session_at_once_and_no_other() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let elsewhere = world.log_in("ada").await;
    let reply = world.post("/api/logout").by(&ada).send().await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    world.get("/api/feed").by(&ada).send().await.is(401, "UNAUTHENTICATED");
    world.post("/api/logout").by(&ada).send().await.is(401, "UNAUTHENTICATED");
    refresh(&world, &ada.refresh_token).await.is(401, "UNAUTHENTICATED");
    world.get("/api/feed").by(&elsewhere).send().await.expect(200);
    world.post("/api/logout").send().await.is(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn an_account_has_a_hundred_sessions_at_most() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    for _ in 0..99 {
        world.clock.advance(1);
        world.log_in("ada").await;
    }
    world.get("/api/feed").by(&ada).send().await.expect(200);
    world.clock.advance(1);
    let newest = world.log_in("ada").await;
    world.get("/api/feed").by(&ada).send().await.is(401, "UNAUTHENTICATED");
    world.get("/api/feed").by(&newest).send().await.expect(200);
}
