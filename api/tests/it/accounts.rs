//! Signing up.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::{Fault, PASSWORD, World};

fn sign_up(username: &str, email: &str) -> Value {
    json!({"username": username, "email": email, "password": PASSWORD, "name": "Ada Lovelace"})
}

#[tokio::test]
async fn a_newcomer_is_answered_byte_for_byte() {
    let world = World::new().await;
    world.graph.allocate(7);
    let reply = world.post("/api/users").json(&sign_up("ada", "Ada@Example.org")).send().await;
    reply.expect(201);
    assert_eq!(
        reply.text,
        concat!(
            r#"{"id":"7","username":"ada","name":"Ada Lovelace","description":"","image_url":null,"#,
            r#""hero_image_url":null,"created_at":"2026-09-21T14:13:20.123Z","followers_count":0,"#,
            r#""followees_count":0,"tweets_count":0,"email":"ada@example.org","date_of_birth":null,"#,
            r#""last_login_at":null}"#
        )
    );
    assert_eq!(reply.header("location"), Some("/api/users/ada"));
    let revision = reply.header("roost-revision").expect("a write to the graph has a revision");
    world.get("/api/users/ada").header("Roost-Revision", revision).send().await.expect(200);
    assert_eq!(world.graph.asked_at_least().as_deref(), Some(revision));
}

#[tokio::test]
async fn without_a_name_the_username_is_the_name() {
    let world = World::new().await;
    for name in [json!(null), json!("Bob")] {
        let username = if name.is_null() { "nameless" } else { "bob" };
        let mut body = sign_up(username, &format!("{username}@example.org"));
        body["name"] = name.clone();
        let user = world.post("/api/users").json(&body).send().await.expect(201);
        assert_eq!(user["name"], if name.is_null() { json!("nameless") } else { name });
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let world = World::new().await;
    let body = json!({"username": "Ada", "email": "ada", "password": "short", "name": " "});
    let (code, fields) = world.post("/api/users").json(&body).send().await.problem(400);
    assert_eq!(
        (code.as_str(), fields),
        ("INVALID_ARGUMENT", ["username", "email", "password", "name"].map(String::from).into())
    );
    let (_, fields) = world.post("/api/users").json(&json!({})).send().await.problem(400);
    assert_eq!(fields, ["username", "email", "password"]);
    let body = json!({"username": 7, "email": "a@example.org", "password": PASSWORD});
    world.post("/api/users").json(&body).send().await.refuses("username");
    assert_eq!(world.graph.faults.take_calls().len(), 0, "nobody was given an id");
}

#[tokio::test]
async fn a_taken_username_or_email_is_named() {
    let world = World::new().await;
    world.post("/api/users").json(&sign_up("ada", "ada@example.org")).send().await.expect(201);
    let conflict = |field: &str| ("ALREADY_EXISTS".to_owned(), vec![field.to_owned()]);
    let same_name = world.post("/api/users").json(&sign_up("ada", "other@example.org")).send().await;
    assert_eq!(same_name.problem(409), conflict("username"));
    let same_email = world.post("/api/users").json(&sign_up("other", "ADA@example.org")).send().await;
    assert_eq!(same_email.problem(409), conflict("email"));
}

#[tokio::test]
async fn of_those_who_want_a_name_at_the_same_time_one_gets_it() {
    let world = World::new().await;
    let bodies: Vec<_> = (0..8).map(|n| sign_up("ada", &format!("ada{n}@example.org"))).collect();
    let calls = bodies.iter().map(|body| world.post("/api/users").json(body).send());
    let replies = futures::future::join_all(calls).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
    assert_eq!(made.len(), 1);
    for reply in refused {
        assert_eq!(reply.problem(409), ("ALREADY_EXISTS".to_owned(), vec!["username".to_owned()]));
    }
    let made = made[0].json();
    assert_eq!(world.get("/api/users/ada").send().await.expect(200)["id"], made["id"]);
    assert_eq!(world.log_in(made["email"].as_str().expect("a string")).await.name, "ada");
}

#[tokio::test]
async fn of_those_who_want_an_email_at_the_same_time_one_gets_it() {
    let world = World::new().await;
    let bodies: Vec<_> = (0..8).map(|n| sign_up(&format!("ada{n}"), "ada@example.org")).collect();
    let replies = futures::future::join_all(bodies.iter().map(|body| world.post("/api/users").json(body).send())).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
    assert_eq!(made.len(), 1);
    for reply in refused {
        assert_eq!(reply.problem(409), ("ALREADY_EXISTS".to_owned(), vec!["email".to_owned()]));
    }
}

#[tokio::test]
async fn what_is_kept_is_its_owners_alone() {
    let world = World::new().await;
    world.person("ada").await;
    let files = std::fs::read_dir(world.folder.path().join("api")).expect("a folder");
    let mut names = Vec::new();
    for file in files {
        let file = file.expect("an entry");
        let mode = file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file:?} has mode {mode:o}");
        names.push(file.file_name().into_string().expect("UTF-8"));
    }
    names.sort_unstable();
    assert_eq!(names, ["accounts.db", "accounts.db-shm", "accounts.db-wal", "jwt.key"]);
}

#[tokio::test]
async fn nobody_is_made_while_the_graph_gives_out_no_ids() {
    let world = World::new().await;
    world.graph.faults.set(Fault::Down);
    let reply = world.post("/api/users").json(&sign_up("ada", "ada@example.org")).send().await;
    reply.is(503, "UNAVAILABLE");
    assert_eq!(reply.header("retry-after"), Some("1"));
    world.graph.faults.set(Fault::None);
    world.get("/api/users/ada").send().await.is(404, "NOT_FOUND");
    world.post("/api/users").json(&sign_up("ada", "ada@example.org")).send().await.expect(201);
}

#[tokio::test]
async fn accounts_survive_a_restart() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let world = world.restart().await;
    assert_eq!(world.get("/api/users/ada").by(&ada).send().await.expect(200)["id"], ada.id);
    assert_eq!(world.log_in("ada@example.org").await.id, ada.id);
}
