//! What the command line does with the accounts of a folder, beside a running service.

use api::{Accounts, NewAccount};
use base::Code;
use serde_json::json;

use crate::support::{PASSWORD, Person, World, settings, until};

async fn beside(world: &World) -> Accounts {
    Accounts::open(&settings(&world.folder), world.clock.clone()).await.expect("a running service does not mind")
}

fn imported(id: u32) -> NewAccount {
    NewAccount {
        id,
        username: format!("u{id}"),
        name: format!("User {id}"),
        description: "from afar".to_owned(),
        email: None,
        password_hash: None,
        created_at_ms: 1_767_225_600_000,
    }
}

#[tokio::test]
async fn a_minted_token_works_while_the_service_runs_and_can_be_revoked() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let accounts = beside(&world).await;
    let token = accounts.mint_access_token("ada", None).await.expect("ada is there");
    let own = world.get("/api/users/ada").bearer(&token).send().await.expect(200);
    assert_eq!(own["email"], "ada@example.org");
    let minted = Person { access_token: token, ..world.log_in("ada").await };
    assert_eq!(world.post("/api/logout").by(&minted).send().await.status, 204);
    world.get("/api/feed").by(&minted).send().await.is(401, "UNAUTHENTICATED");
    world.get("/api/feed").by(&ada).send().await.expect(200);
    let error = accounts.mint_access_token("nobody", None).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (Code::NotFound, Some("username")));
}

#[tokio::test]
async fn what_another_process_changes_is_seen() {
    let world = World::new().await;
    let other = World::beside(&world).await;
    let ada = world.person("ada").await;
    let described = async |world: &World| {
        let answer = world.get("/api/users/ada").by(&ada).send().await;
        (answer.status == 200).then(|| answer.json()["description"].clone())
    };
    assert_eq!(described(&other).await, Some(json!("")));
    world.patch("/api/users/ada").by(&ada).json(&json!({"description": "counts"})).send().await.expect(200);
    assert_eq!(described(&world).await, Some(json!("counts")), "at once where it was changed");
    until(async || described(&other).await == Some(json!("counts"))).await;
    assert_eq!(world.post("/api/logout").by(&ada).send().await.status, 204);
    assert_eq!(described(&world).await, None, "at once where the session was ended");
    until(async || described(&other).await.is_none()).await;
}

#[tokio::test]
async fn a_minted_token_lives_as_long_as_was_asked() {
    let world = World::new().await;
    world.person("ada").await;
    let accounts = beside(&world).await;
    let token = accounts.mint_access_token("ada", Some(7200)).await.expect("ada is there");
    world.clock.advance(7_199_000);
    world.get("/api/feed").bearer(&token).send().await.expect(200);
    world.clock.advance(1_000);
    world.get("/api/feed").bearer(&token).send().await.is(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn imported_accounts_are_seen_and_cannot_log_in() {
    let world = World::new().await;
    let accounts = beside(&world).await;
    let batch: Vec<_> = world.graph.allocate(2500).into_iter().map(imported).collect();
    assert_eq!(accounts.import_accounts(&batch).await.expect("all are new"), 2500);
    assert_eq!(accounts.import_accounts(&batch).await.expect("all are there"), 0);
    let user = world.get("/api/users/u2499").send().await.expect(200);
    assert_eq!((&user["id"], &user["name"]), (&json!("2499"), &json!("User 2499")));
    assert_eq!((&user["created_at"], &user["description"]), (&json!("2026-01-01T00:00:00.000Z"), &json!("from afar")));
    let log_in = json!({"login": "u7", "password": PASSWORD});
    world.post("/api/login").json(&log_in).send().await.is(401, "UNAUTHENTICATED");
    let token = accounts.mint_access_token("u7", None).await.expect("an operator may");
    world.get("/api/feed").bearer(&token).send().await.expect(200);
}

#[tokio::test]
async fn an_import_can_bring_passwords() {
    let world = World::new().await;
    let accounts = world.api.accounts();
    let hash = accounts.hash_password(PASSWORD).await.expect("a good password");
    let id = world.graph.allocate(1)[0];
    let guest = NewAccount { password_hash: Some(hash), email: Some("guest@example.org".to_owned()), ..imported(id) };
    accounts.import_accounts(&[guest]).await.expect("new");
    assert_eq!(world.log_in("guest@example.org").await.id, id.to_string());
    let error = accounts.hash_password("short").await.unwrap_err();
    assert_eq!((error.code(), error.field()), (Code::InvalidArgument, Some("password")));
}

#[tokio::test]
async fn an_import_is_all_or_nothing_and_says_what_is_wrong() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let accounts = world.api.accounts();
    let id = world.graph.allocate(1)[0];
    let taken = NewAccount { username: ada.name, ..imported(id) };
    let twin = NewAccount { username: imported(id).username, ..imported(id + 1) };
    for batch in [[imported(id + 1), taken], [imported(id), twin]] {
        let error = accounts.import_accounts(&batch).await.unwrap_err();
        assert_eq!((error.code(), error.field()), (Code::AlreadyExists, Some("accounts[1].username")));
    }
    let [one, other] = [id, id + 1].map(|id| NewAccount { email: Some("a@b.org".to_owned()), ..imported(id) });
    let error = accounts.import_accounts(&[one, other]).await.unwrap_err();
    assert_eq!((error.code(), error.field()), (Code::AlreadyExists, Some("accounts")));
    world.get(&format!("/api/users/u{}", id + 1)).send().await.is(404, "NOT_FOUND");
    let refused = async |wrong: NewAccount| {
        let error = accounts.import_accounts(&[imported(id), wrong]).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument);
        error.field().expect("a field").to_owned()
    };
    let new = imported(id + 1);
    assert_eq!(refused(NewAccount { username: "U".to_owned(), ..new.clone() }).await, "accounts[1].username");
    assert_eq!(refused(NewAccount { name: String::new(), ..new.clone() }).await, "accounts[1].name");
    assert_eq!(refused(NewAccount { email: Some("A@b.c".to_owned()), ..new }).await, "accounts[1].email");
    let many = vec![imported(id); api::accounts::IMPORT_MAX + 1];
    assert_eq!(accounts.import_accounts(&many).await.unwrap_err().field(), Some("accounts"));
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named() {
    let world = World::new().await;
    world.api.close().await;
    let path = world.folder.path().join("api");
    std::fs::write(path.join("jwt.key"), "short").expect("written");
    let error = Accounts::open(&settings(&world.folder), world.clock.clone()).await.unwrap_err();
    assert!(error.to_string().contains("jwt.key has 5 bytes"), "{error}");
    std::fs::write(path.join("accounts.db"), "not a database".repeat(100)).expect("written");
    for stray in ["accounts.db-wal", "accounts.db-shm"] {
        let _ = std::fs::remove_file(path.join(stray));
    }
    let error = Accounts::open(&settings(&world.folder), world.clock.clone()).await.unwrap_err();
    assert!(error.to_string().contains("accounts.db"), "{error}");
}
