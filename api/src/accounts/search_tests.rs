//! Tests of the search of people.

use std::sync::Arc;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tempfile::TempDir;

use super::*;
use crate::accounts::{NewAccount, ProfileChange};
use crate::database::{Database, FILE_NAME};
use crate::remembered::Confirmed;

fn query(text: &str) -> PeopleQuery {
    PeopleQuery::parse(text).unwrap_or_else(|wrong| panic!("{text:?}: {wrong}"))
}

async fn open(folder: &TempDir) -> AccountStore {
    let database = Database::open(folder.path()).await.expect("the folder is in order");
    AccountStore::new(database, 100, &Arc::new(Confirmed::new()))
}

/// The folder and the store of some people.
async fn people(people: &[(u32, &str, &str)]) -> (TempDir, AccountStore) {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let store = open(&folder).await;
    let account = |(id, username, name): &(u32, &str, &str)| NewAccount {
        id: *id,
        username: (*username).to_owned(),
        name: (*name).to_owned(),
        description: "lovelace".to_owned(),
        email: None,
        password_hash: None,
        created_at_ms: 0,
    };
    let accounts: Vec<NewAccount> = people.iter().map(account).collect();
    assert_eq!(store.import(&accounts).await.expect("new accounts"), people.len() as u64);
    (folder, store)
}

async fn found(store: &AccountStore, text: &str) -> Vec<u32> {
    store.matching(&query(text), 100).await.unwrap_or_else(|error| panic!("{text:?}: {error:?}")).ids
}

#[test]
fn a_query_has_words() {
    assert_eq!(query("ada").expression(), r#""ada" *"#);
    assert_eq!(query(" @gita_b & \tCo\0mpany").expression(), r#"username : "gita_b" * AND "Co" * AND "mpany" *"#);
    assert_eq!(query(r#"a"b OR name:*"#).expression(), r#""a""b" * AND "OR" * AND "name:*" *"#);
    for (text, wrong) in [
        ("", "letter"),
        (" @ _ \u{301} \" ", "letter"),
        (&"x".repeat(101), "100 characters"),
        (&"x ".repeat(11), "10 words"),
    ] {
        assert!(PeopleQuery::parse(text).unwrap_err().contains(wrong), "{text:?}");
    }
    assert_eq!(query(&"é".repeat(100)).words.len(), 1);
}

#[test]
fn one_word_may_be_a_handle() {
    for (text, handle) in
        [("Ada", Some("ada")), ("@ada_1 !", Some("ada_1")), ("ada lovelace", None), ("ada-1", None), ("é", None)]
    {
        assert_eq!(query(text).handle().as_deref(), handle, "{text:?}");
    }
}

#[tokio::test]
async fn beginnings_of_words_are_found_whatever_their_case_and_accents() {
    let (_folder, store) = people(&[
        (7, "ada", "Ada Lovelace"),
        (9, "gita_baker", "Gītā Baker"),
        (8, "zoe", "Zoë O'Hara 李明"),
        (10, "may", "Gita May Baker"),
        (11, "hindi", "हिन्दी"),
        (12, "ada_2", "Bake Off"),
    ])
    .await;
    for (text, expected) in [
        ("ada", &[7, 12][..]),
        ("LOVE ad", &[7]),
        ("love gita", &[]),
        ("gita", &[9, 10]),
        ("GÏTÀ bak", &[9, 10]),
        ("gi\u{304}ta\u{304}", &[9, 10]),
        ("gita_b", &[9]),
        ("@may", &[10]),
        ("@bake", &[9]),
        ("@gita may", &[]),
        ("may @may", &[10]),
        ("o'h", &[8]),
        ("hara", &[8]),
        ("李", &[8]),
        ("हिन्", &[11]),
        ("ove", &[]),
        ("2", &[12]),
    ] {
        assert_eq!(found(&store, text).await, expected, "{text:?}");
    }
}

#[tokio::test]
async fn nothing_that_is_typed_is_a_mistake_of_ours() {
    let (_folder, store) = people(&[(7, "ada", "Ada Lovelace")]).await;
    for text in ["a\"b", "\"ada\"", "NEAR(ada love, 2)", "ada*", "^ada", "-ada", "{name}:ada", "a\0da", "Ⓐ", "ada Ⓐ"]
    {
        found(&store, text).await;
    }
    assert_eq!(found(&store, "\"ada\"").await, [7]);
    assert_eq!(found(&store, "ada OR love").await, Vec::<u32>::new(), "OR is a word as any other");
}

#[tokio::test]
async fn words_follow_the_account() {
    let (_folder, store) = people(&[(7, "ada", "Ada Lovelace"), (8, "bob", "Bob")]).await;
    let change = ProfileChange { name: Some("Countess".to_owned()), ..ProfileChange::default() };
    store.update(7, change).await.expect("the account is there");
    assert_eq!((found(&store, "love").await, found(&store, "count").await), (vec![], vec![7]));
    let mut transaction = store.database.write().await.expect("a transaction");
    sqlx::query("DELETE FROM accounts WHERE id = 7").execute(&mut *transaction).await.expect("deleted");
    assert_eq!(found(&store, "count").await, [7], "not before it is committed");
    transaction.commit().await.expect("committed");
    assert_eq!((found(&store, "ada").await, found(&store, "bob").await), (vec![], vec![8]));
}

#[tokio::test]
async fn of_too_many_the_one_who_is_named_stays() {
    let (_folder, store) = people(&[(1, "ada_1", "1"), (2, "ada_2", "2"), (3, "ada", "3"), (4, "ada_4", "4")]).await;
    for (text, most, ids, named) in [
        ("@ADA", 2, &[1, 3][..], Some(3)),
        ("ada", 4, &[1, 2, 3, 4], Some(3)),
        ("ada_1", 1, &[1], Some(1)),
        ("ad", 2, &[1, 2], None),
    ] {
        let expected = Matches { ids: ids.to_vec(), named };
        assert_eq!(store.matching(&query(text), most).await.expect("an answer"), expected, "{text:?}");
    }
}

#[tokio::test]
async fn accounts_of_before_there_was_a_search_are_found() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let file = SqliteConnectOptions::new().filename(folder.path().join(FILE_NAME)).create_if_missing(true);
    let old = SqlitePool::connect_with(file).await.expect("a database");
    let first = sqlx::migrate!("./migrations").iter().take(1).cloned().collect::<Vec<_>>();
    Migrator::with_migrations(first).run(&old).await.expect("the first tables");
    let insert = "INSERT INTO accounts (id, username, name, description, created_at_ms) VALUES ($1, $2, $3, '', 0)";
    for id in 0..50 {
        let insert = sqlx::query(insert).bind(id).bind(format!("u{id}")).bind(format!("User {id}"));
        insert.execute(&old).await.expect("an account");
    }
    old.close().await;
    let store = open(&folder).await;
    assert_eq!(found(&store, "user 4").await, [&[4][..], &(40..50).collect::<Vec<_>>()].concat());
    assert_eq!(found(&store, "@u4").await.len(), 11);
}
