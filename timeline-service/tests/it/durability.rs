//! What was acknowledged is there after a restart; what is damaged or missing is noticed.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base::Code;
use fjall::{Database, KeyspaceCreateOptions};
use proto::timeline::{CreateTweetRequest, Engagement};
use timeline_service::{OpenError, Settings, TimelineService};

use crate::support::{Harness, copy_folder, ids, new, page};

#[tokio::test]
async fn what_was_acknowledged_survives_restarts() {
    let mut harness = Harness::new();
    harness.graph.follow(2, 1);
    let mut expected = Vec::new();
    for round in 0..3 {
        let kept = harness.post(1, &format!("round {round}")).await;
        let deleted = harness.post(1, "regretted").await;
        harness.delete(1, deleted.id).await.expect("deleted");
        expected.insert(0, kept.id);
        harness.reopen();
        assert_eq!(ids(&harness.home(2, page(10, "")).await.expect("a page")), expected);
    }
}

#[tokio::test]
async fn closing_finishes_what_was_accepted_and_is_no_end_for_readers() {
    let harness = Harness::new();
    let tweet = harness.post(1, "before").await;
    harness.service().close();
    harness.service().close();
    let late = harness.create(new(1, "after")).await.expect_err("closed");
    assert_eq!(late.code(), Code::Unavailable);
    assert_eq!(harness.get(&[tweet.id], None).await.expect("readable").len(), 1);
}

#[tokio::test]
async fn a_folder_has_one_owner_at_a_time() {
    let mut harness = Harness::new();
    let settings = Settings { folder: harness.path().to_owned(), ..Settings::default() };
    let second = TimelineService::open(settings.clone(), harness.graph.clone(), harness.clock.clone());
    let error = second.err().expect("refused");
    assert!(matches!(&error, OpenError::InUse { path } if path == harness.path()), "{error:?}");
    harness.close();
    TimelineService::open(settings, harness.graph.clone(), harness.clock.clone()).expect("free again");
}

#[tokio::test]
async fn a_journal_that_lost_its_end_is_a_shortfall() {
    let mut harness = Harness::new();
    for _ in 0..3 {
        harness.post(1, "text").await;
    }
    harness.close();
    let older = tempfile::tempdir().expect("a temporary folder");
    copy_folder(&harness.path().join("db"), &older.path().join("db"));
    harness.reopen();
    harness.post(1, "lost").await;
    harness.close();
    fs::remove_dir_all(harness.path().join("db")).expect("removed");
    copy_folder(&older.path().join("db"), &harness.path().join("db"));
    let error = harness.try_reopen().expect_err("batch 4 was acknowledged");
    assert!(matches!(error, OpenError::Shortfall { expected: 4, got: 3 }), "{error:?}");
}

#[tokio::test]
async fn tweets_without_their_mark_and_a_mark_without_its_tweets_are_noticed() {
    let mut harness = Harness::new();
    harness.post(1, "text").await;
    harness.close();
    let mark = harness.path().join("HIGH_WATER");
    let bytes = fs::read(&mark).expect("the mark");
    fs::remove_file(&mark).expect("removed");
    let error = harness.try_reopen().expect_err("no mark");
    assert!(matches!(&error, OpenError::MarkMissing { path } if *path == mark), "{error:?}");

    fs::write(&mark, b"rubbish").expect("written");
    let error = harness.try_reopen().expect_err("no mark that can be read");
    assert!(matches!(error, OpenError::Mark(_)), "{error:?}");

    fs::write(&mark, bytes).expect("written");
    fs::remove_dir_all(harness.path().join("db")).expect("removed");
    let error = harness.try_reopen().expect_err("no tweets");
    assert!(matches!(error, OpenError::Shortfall { expected: 1, got: 0 }), "{error:?}");
}

#[tokio::test]
async fn a_stray_file_is_named_and_nothing_panics() {
    let mut harness = Harness::new();
    harness.post(1, "text").await;
    harness.close();
    for harmless in ["notes.txt", "db/notes.txt", "db/keyspaces/notes.txt"] {
        fs::write(harness.path().join(harmless), "x").expect("written");
    }
    harness.reopen();
    harness.close();
    let stray = harness.path().join("db/keyspaces/copy of 1");
    fs::create_dir(&stray).expect("created");
    let error = harness.try_reopen().expect_err("a folder that is none of ours");
    assert!(matches!(&error, OpenError::Stray { path } if *path == stray), "{error:?}");
}

/// Changes one byte of every value of a table, through the storage engine, so that only our own checksum can tell.
pub(crate) fn damage(folder: &Path, table: &str) {
    let db = Database::builder(folder.join("db")).open().expect("the engine opens");
    let keyspace = db.keyspace(table, KeyspaceCreateOptions::default).expect("a table");
    let entries: Vec<_> = keyspace.iter().map(|guard| guard.into_inner().expect("an entry")).collect();
    assert!(!entries.is_empty(), "{table} has entries to damage");
    for (key, value) in entries {
        let mut value = value.to_vec();
        *value.last_mut().expect("a value is not empty") ^= 1;
        keyspace.insert(key, value).expect("written");
    }
    db.persist(fjall::PersistMode::SyncAll).expect("synced");
}

#[tokio::test]
async fn damaged_records_are_data_loss_and_never_wrong_data() {
    for table in ["tweets", "index", "counts"] {
        let mut harness = Harness::new();
        let tweet = harness.post(1, "text").await;
        harness.reply(1, tweet.id).await.expect("posted");
        harness.close();
        damage(harness.path(), table);
        harness.reopen();
        let error = harness.get(&[tweet.id], None).await.expect_err(table);
        assert_eq!(error.code(), Code::DataLoss, "{table}");
        let deleted = harness.delete(1, tweet.id).await.map_err(|error| error.code());
        assert_eq!(deleted, if table == "counts" { Ok(true) } else { Err(Code::DataLoss) }, "{table}");
        // The store itself goes on.
        let next = harness.post(2, "elsewhere").await;
        assert_eq!(harness.get(&[next.id], None).await.expect("readable"), [next]);
    }
    for table in ["authors", "state"] {
        let mut harness = Harness::new();
        harness.post(1, "text").await;
        harness.close();
        damage(harness.path(), table);
        let error = harness.try_reopen().expect_err(table);
        assert!(matches!(error, OpenError::Read(_)), "{table}: {error:?}");
    }
}

/// The journal of the storage engine.
fn journal(folder: &Path) -> std::path::PathBuf {
    let entries = fs::read_dir(folder.join("db")).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut journals = entries.filter(|path| path.extension().is_some_and(|extension| extension == "jnl"));
    let journal = journals.next().expect("a journal");
    assert_eq!(journals.next(), None, "one journal holds all of it");
    journal
}

/// Opens the service over a journal that was spoilt, and demands all that was acknowledged, or an error.
async fn all_or_an_error(harness: &mut Harness, acknowledged: &[u64], what: &str) -> bool {
    if harness.try_reopen().is_err() {
        return false;
    }
    let found = harness.get(acknowledged, None).await.expect("readable");
    assert_eq!(found.len(), acknowledged.len(), "{what}");
    assert_eq!(harness.service().check().expect("the check runs").findings, [""; 0], "{what}");
    true
}

#[tokio::test]
async fn a_journal_that_was_cut_or_changed_anywhere_is_an_error_or_harmless() {
    let mut harness = Harness::new();
    let mut acknowledged = Vec::new();
    for number in 0..5 {
        acknowledged.push(harness.post(number, "text").await.id);
    }
    harness.close();
    let journal = journal(harness.path());
    // The rest of the file is zeros that the engine laid out beforehand; some of them are enough.
    let mut bytes = fs::read(&journal).expect("the journal");
    let used = bytes.iter().rposition(|&byte| byte != 0).expect("something was written") + 1;
    bytes.truncate(used + 512);
    fs::write(&journal, &bytes).expect("written");
    let whole = tempfile::tempdir().expect("a temporary folder");
    copy_folder(harness.path(), whole.path());
    assert!(all_or_an_error(&mut harness, &acknowledged, "whole").await, "what is whole opens");
    let mut refused = 0;
    for place in (0..used).step_by(used / 25 + 1) {
        for cut in [true, false] {
            harness.close();
            fs::remove_dir_all(harness.path().join("db")).expect("removed");
            copy_folder(whole.path(), harness.path());
            let mut spoilt = bytes.clone();
            if cut {
                spoilt.truncate(place);
            } else {
                spoilt[place] ^= 0x10;
            }
            fs::write(&journal, spoilt).expect("written");
            let what = format!("{} at {place}", if cut { "cut" } else { "changed" });
            refused += usize::from(!all_or_an_error(&mut harness, &acknowledged, &what).await);
        }
    }
    assert!(refused > 25, "{refused} were refused");
}

/// Changes a byte at `place` of a journal of a store that is closed; `db` is a copy of its folder from before.
fn spoil(harness: &Harness, db: &Path, journal: &str, bytes: &[u8], place: usize) {
    fs::remove_dir_all(harness.path().join("db")).expect("removed");
    copy_folder(db, &harness.path().join("db"));
    let mut spoilt = bytes.to_vec();
    spoilt[place] ^= 0x10;
    fs::write(harness.path().join("db").join(journal), spoilt).expect("written");
}

#[tokio::test]
async fn damage_in_an_older_journal_is_not_made_up_for_by_a_newer_one() {
    // The engine cut an older journal where it was damaged, and went on with the next: the last batch was there, others not.
    let mut harness = Harness::new();
    let mut acknowledged = Vec::new();
    for number in 0..5 {
        acknowledged.push(harness.post(number, "text").await.id);
    }
    harness.close();
    let older = journal(harness.path());
    let mut bytes = fs::read(&older).expect("the journal");
    let used = bytes.iter().rposition(|&byte| byte != 0).expect("something was written") + 1;
    bytes.truncate(used + 512);
    fs::write(&older, &bytes).expect("written");
    // The engine writes into the last of its journals.
    fs::write(harness.path().join("db/9.jnl"), b"").expect("written");
    harness.reopen();
    acknowledged.push(harness.post(7, "text").await.id);
    assert!(all_or_an_error(&mut harness, &acknowledged, "whole").await, "what is whole opens");
    harness.close();
    let whole = tempfile::tempdir().expect("a temporary folder");
    copy_folder(&harness.path().join("db"), whole.path());
    let name = older.file_name().and_then(|name| name.to_str()).expect("a name");
    let mut reported = 0;
    for place in (0..used).step_by(used / 30 + 1) {
        spoil(&harness, whole.path(), name, &bytes, place);
        match harness.try_reopen() {
            Err(OpenError::Journal { path, .. }) => {
                assert_eq!(path, older, "at {place}");
                reported += 1;
                // Nothing was cut: the next start says the same.
                let again = harness.try_reopen().expect_err("still damaged");
                assert!(matches!(again, OpenError::Journal { .. }), "at {place}: {again:?}");
            }
            Err(_) => {}
            Ok(()) => {
                let found = harness.get(&acknowledged, None).await.expect("readable");
                assert_eq!(found.len(), acknowledged.len(), "at {place}");
                harness.close();
            }
        }
    }
    assert!(reported > 5, "{reported} were reported");
}

/// Writes everything in memory out to the engine's tables, and lists these.
fn flushed_tables(folder: &Path) -> Vec<std::path::PathBuf> {
    let db = Database::builder(folder.join("db")).open().expect("the engine opens");
    for table in db.list_keyspace_names() {
        let keyspace = db.keyspace(&table, KeyspaceCreateOptions::default).expect("a table");
        keyspace.rotate_memtable_and_wait().expect("written out");
    }
    drop(db);
    let keyspaces = fs::read_dir(folder.join("db/keyspaces")).expect("a folder");
    let tables = keyspaces.map(|keyspace| keyspace.expect("an entry").path().join("tables"));
    let files = tables.filter(|tables| tables.is_dir()).flat_map(|tables| fs::read_dir(tables).expect("a folder"));
    files.map(|file| file.expect("an entry").path()).collect()
}

#[tokio::test]
async fn a_changed_byte_in_a_table_is_an_error_or_harmless() {
    let mut harness = Harness::new();
    let mut acknowledged = Vec::new();
    for number in 0..5 {
        acknowledged.push(harness.post(number, "text").await.id);
    }
    harness.close();
    let tables = flushed_tables(harness.path());
    assert!(tables.len() > 3, "{tables:?}");
    let mut noticed = 0;
    for table in tables {
        let bytes = fs::read(&table).expect("a table");
        for place in (0..bytes.len()).step_by(bytes.len() / 8 + 1) {
            let mut changed = bytes.clone();
            changed[place] ^= 0x10;
            fs::write(&table, changed).expect("written");
            if harness.try_reopen().is_ok() {
                match harness.get(&acknowledged, None).await {
                    Ok(found) => {
                        assert_eq!(found.len(), acknowledged.len(), "{} at {place}", table.display());
                        assert!(found.iter().all(|tweet| tweet.text == "text"), "{} at {place}", table.display());
                    }
                    Err(error) => {
                        noticed += 1;
                        assert_eq!(error.code(), Code::DataLoss, "{} at {place}", table.display());
                    }
                }
            } else {
                noticed += 1;
            }
            harness.close();
            fs::write(&table, &bytes).expect("written");
        }
    }
    assert!(noticed > 0, "some of it mattered");
}

/// Takes all entries of a table away.
pub(crate) fn empty(folder: &Path, table: &str) {
    let db = Database::builder(folder.join("db")).open().expect("the engine opens");
    db.keyspace(table, KeyspaceCreateOptions::default).expect("a table").clear().expect("cleared");
    db.persist(fjall::PersistMode::SyncAll).expect("synced");
}

#[tokio::test]
async fn the_check_finds_what_is_damaged_and_what_is_missing() {
    for table in [
        "tweets",
        "index",
        "replies",
        "retweets",
        "retweeted",
        "favorites",
        "user_favorites",
        "favorited",
        "favorited_tweets",
        "counts",
        "authors",
        "requests",
        "request_ages",
    ] {
        for (what, spoil) in [("damaged", damage as fn(&Path, &str)), ("missing", empty)] {
            let mut harness = Harness::new();
            let tweet = harness.post(1, "text").await;
            harness.reply(2, tweet.id).await.expect("posted");
            for engagement in [Engagement::Favorite, Engagement::Retweet] {
                harness.engage(engagement, 4, tweet.id, true).await.expect("done");
            }
            let keyed = CreateTweetRequest { idempotency_key: "key".to_owned(), ..new(3, "text") };
            harness.create(keyed).await.expect("posted");
            let report = harness.service().check().expect("the check runs");
            assert_eq!((report.tweets, report.findings), (3, vec![]));
            harness.close();
            spoil(harness.path(), table);
            match harness.try_reopen() {
                Ok(()) => {
                    let report = harness.service().check().expect("the check runs");
                    assert!(!report.findings.is_empty(), "{what} {table}: {report:?}");
                }
                Err(error) => assert_eq!((what, table), ("damaged", "authors"), "{error:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_service_is_dropped_while_others_hold_clones() {
    let harness = Harness::new();
    let clones: Vec<_> = (0..3).map(|_| Arc::new(harness.service().clone())).collect();
    drop(harness);
    for clone in clones {
        clone.close();
    }
}
