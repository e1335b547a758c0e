//! Failing disks, full queues, forgotten keys.

use std::sync::mpsc as channel;

use base::clock::ManualClock;
use base::disk::{RealDisk, SimulatedDisk};
use base::{Revision, UserId};
use proto::timeline::Entities;

use super::*;
use crate::core::merge::Order;
use crate::core::page::Between;
use crate::error::Refusal;
use crate::tweets::command::{Delete, Deliver, Follow, NewTweet, NotifyFollows, Subscribe};
use crate::tweets::inbox::Delivery;

/// How long a slow disk is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn settings(folder: &Path) -> Settings {
    Settings { folder: folder.to_owned(), deadline: PATIENCE, ..Settings::default() }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(TweetId::EPOCH_MS + 1_000))
}

fn new(author: u32, text: &str, idempotency_key: &str) -> NewTweet {
    NewTweet {
        author: UserId(author),
        text: text.to_owned(),
        in_reply_to: None,
        entities: Entities::default(),
        place: None,
        idempotency_key: idempotency_key.to_owned(),
    }
}

#[tokio::test]
async fn after_a_failed_write_the_store_only_reads_until_it_is_reopened() -> Outcome {
    let folder = tempfile::tempdir()?;
    let disk = SimulatedDisk::new();
    let store = Store::open(&settings(folder.path()), &disk, clock(), Arc::new(Arc::new(Bounds::new())))?;
    let kept = store.write(new(1, "kept", "")).await?;

    disk.cut_power_after(0);
    for _ in 0..2 {
        let refused = store.write(new(1, "lost", "")).await;
        assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
    }
    let refused = store.write(Delete { id: kept.id, user: UserId(1) }).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
    assert_eq!(store.view().tweet(kept.id)?.as_ref(), Some(&kept));
    assert_eq!(store.view().tweets_count(UserId(1))?, 1);
    drop(store);

    let store =
        Store::open(&settings(folder.path()), &disk.after_power_cut(1), clock(), Arc::new(Arc::new(Bounds::new())))?;
    let next = store.write(new(1, "goes on", "")).await?;
    assert!(next.id > kept.id);
    assert_eq!(store.view().tweet(kept.id)?, Some(kept));
    Ok(())
}

#[tokio::test]
async fn the_oldest_idempotency_keys_are_forgotten() -> Outcome {
    let folder = tempfile::tempdir()?;
    let settings = Settings { idempotency_keys: 2, ..settings(folder.path()) };
    let store = Store::open(&settings, &RealDisk, clock(), Arc::new(Arc::new(Bounds::new())))?;
    let mut made = Vec::new();
    for key in ["a", "b", "c"] {
        made.push(store.write(new(1, "text", key)).await?);
    }
    assert_eq!(store.write(new(1, "text", "b")).await?, made[1]);
    assert_eq!(store.write(new(1, "text", "c")).await?, made[2]);
    drop(store);

    let store = Store::open(&settings, &RealDisk, clock(), Arc::new(Arc::new(Bounds::new())))?;
    assert_eq!(store.write(new(1, "text", "c")).await?, made[2]);
    let again = store.write(new(1, "text", "a")).await?;
    assert!(again.id > made[2].id, "the oldest key was forgotten");
    assert_eq!(store.view().request(UserId(1), "b")?, None);
    assert_eq!(store.write(new(1, "text", "c")).await?, made[2]);
    Ok(())
}

/// A clock that does not answer until it is allowed to.
#[derive(Debug)]
struct StuckClock(Mutex<channel::Receiver<()>>);

impl Clock for StuckClock {
    fn now_ms(&self) -> u64 {
        // The sender is dropped to let everybody pass.
        let _ = self.0.lock().recv();
        TweetId::EPOCH_MS
    }
}

#[tokio::test]
async fn a_full_queue_refuses_and_what_was_accepted_is_finished_at_closing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (release, stuck) = channel::channel();
    let settings = Settings { write_queue: 2, ..settings(folder.path()) };
    let store = Arc::new(Store::open(
        &settings,
        &RealDisk,
        Arc::new(StuckClock(Mutex::new(stuck))),
        Arc::new(Arc::new(Bounds::new())),
    )?);

    // Of the writers that come while the committer is stuck, as many are accepted as the queue holds, and those that
    // the committer had taken from it.
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        writers.spawn(async move { store.write(new(1, "text", "")).await });
    }
    let refused = writers.join_next().await.expect("eight were started")?;
    assert!(matches!(refused, Err(StoreError::QueueFull { waiting: 2 })), "{refused:?}");
    drop(release);
    let outcomes = writers.join_all().await;
    let accepted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!((2..8).contains(&accepted), "{accepted}");
    store.close();
    store.close();
    let closed = store.write(new(1, "late", "")).await;
    assert!(matches!(closed, Err(StoreError::Closed)), "{closed:?}");
    assert_eq!(store.view().tweets_count(UserId(1))?, accepted as u64);
    Ok(())
}

#[tokio::test]
async fn a_write_that_waited_too_long_is_not_done() -> Outcome {
    let folder = tempfile::tempdir()?;
    let (release, stuck) = channel::channel();
    let settings = Settings { deadline: Duration::from_millis(50), ..settings(folder.path()) };
    let store =
        Store::open(&settings, &RealDisk, Arc::new(StuckClock(Mutex::new(stuck))), Arc::new(Arc::new(Bounds::new())))?;
    // The first write holds the committer up; the second waits in the queue past its deadline.
    let (first, second) = tokio::join!(store.write(new(1, "first", "")), store.write(new(1, "second", "")));
    assert!(matches!(first, Err(StoreError::Late)), "{first:?}");
    assert!(matches!(second, Err(StoreError::Late)), "{second:?}");
    drop(release);
    store.close();
    assert!(store.view().tweets_count(UserId(1))? <= 1);
    Ok(())
}

/// A clock that panics.
#[derive(Debug)]
struct BrokenClock;

impl Clock for BrokenClock {
    fn now_ms(&self) -> u64 {
        panic!("this clock is broken")
    }
}

#[tokio::test]
async fn without_its_committer_the_store_only_reads() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store =
        Store::open(&settings(folder.path()), &RealDisk, Arc::new(BrokenClock), Arc::new(Arc::new(Bounds::new())))?;
    for _ in 0..2 {
        let refused = store.write(new(1, "text", "")).await;
        assert!(matches!(refused, Err(StoreError::ReadOnly)), "{refused:?}");
    }
    assert_eq!(store.view().tweets_count(UserId(1))?, 0);
    Ok(())
}

#[tokio::test]
async fn commands_of_one_batch_see_one_another() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&settings(folder.path()), &RealDisk, clock(), Arc::new(Arc::new(Bounds::new())))?;
    let view = store.view();
    let mut draft = super::super::command::Draft::new(&view, StateRecord::default());
    let first = new(1, "first", "key").apply(TweetId(100), &mut draft)?;
    assert_eq!(new(1, "first", "key").apply(TweetId(200), &mut draft)?, first);
    let refused = new(1, "second", "key").apply(TweetId(200), &mut draft).expect_err("another text");
    assert!(matches!(refused, StoreError::Refused(Refusal::KeyReused)), "{refused}");
    let answer = NewTweet { in_reply_to: Some(first.id), ..new(2, "answer", "") }.apply(TweetId(300), &mut draft)?;
    assert_eq!((answer.record.in_reply_to, answer.record.in_reply_to_author), (100, 1));
    assert!(Delete { id: first.id, user: UserId(1) }.apply(TweetId(500), &mut draft)?);
    assert!(!Delete { id: first.id, user: UserId(1) }.apply(TweetId(500), &mut draft)?);
    let refused = NewTweet { in_reply_to: Some(first.id), ..new(2, "late", "") }.apply(TweetId(400), &mut draft);
    let refused = refused.expect_err("the answered one is deleted");
    assert!(matches!(refused, StoreError::Refused(Refusal::NothingToAnswer(_))), "{refused}");
    Ok(())
}

/// How many notifications a user has.
fn told(store: &Store, user: u32) -> Result<usize, StoreError> {
    let user = UserId(user);
    let view = store.view();
    let Some(oldest) = view.oldest_notification(user)? else { return Ok(0) };
    let all = Between { above: None, below: None };
    let told = view.notifications(user, oldest, Order::NewestFirst, all).collect::<Result<Vec<_>, _>>()?;
    Ok(told.iter().map(|(_, record)| record.actors_count as usize).sum())
}

#[tokio::test]
async fn a_part_of_a_delivery_is_done_once_however_often_it_is_asked_for() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&settings(folder.path()), &RealDisk, clock(), Arc::new(Arc::new(Bounds::new())))?;
    let author = UserId(1);
    for user in [2, 3] {
        assert!(store.write(Subscribe { user: UserId(user), author, subscribed: true }).await?);
    }
    let tweet = store.write(new(1, "to be told", "")).await?.id;
    let waiting = || store.view().deliveries(TweetId(0)).collect::<Result<Vec<_>, _>>();
    assert_eq!(waiting()?, [Delivery { tweet, author, from: UserId(2) }]);
    let first = Deliver { tweet, author, from: UserId(2), next: Some(UserId(3)), recipients: vec![UserId(2)] };
    let second = Deliver { from: UserId(3), next: None, recipients: vec![UserId(3)], ..first.clone() };
    for _ in 0..2 {
        store.write(first.clone()).await?;
        assert_eq!((told(&store, 2)?, told(&store, 3)?), (1, 0));
        assert_eq!(waiting()?, [Delivery { tweet, author, from: UserId(3) }]);
    }
    for part in [&second, &second, &first] {
        store.write(part.clone()).await?;
        assert_eq!((told(&store, 2)?, told(&store, 3)?, waiting()?), (1, 1, vec![]));
    }

    let deleted = store.write(new(1, "regretted", "")).await?.id;
    store.write(Delete { id: deleted, user: author }).await?;
    store.write(Deliver { tweet: deleted, ..first }).await?;
    assert_eq!((told(&store, 2)?, waiting()?), (1, vec![]));
    assert_eq!(store.check()?.findings, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn follows_that_are_told_again_are_told_once() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&settings(folder.path()), &RealDisk, clock(), Arc::new(Arc::new(Bounds::new())))?;
    let follow =
        |revision, follower| Follow { revision: Revision(revision), follower: UserId(follower), followee: UserId(1) };
    let command = |follows: &[Follow], revision| NotifyFollows {
        follows: follows.to_vec(),
        revision: Revision(revision),
        anew: false,
    };
    store.write(command(&[follow(3, 2), follow(4, 2), follow(5, 3)], 6)).await?;
    assert_eq!((told(&store, 1)?, store.view().follows_told()?), (2, Some(Revision(6))));
    // A stream that goes on from an older revision moves nothing back.
    store.write(command(&[follow(5, 4)], 5)).await?;
    assert_eq!((told(&store, 1)?, store.view().follows_told()?), (2, Some(Revision(6))));
    // A graph of an older state begins anew.
    store.write(NotifyFollows { anew: true, ..command(&[follow(2, 3), follow(2, 4)], 2) }).await?;
    assert_eq!((told(&store, 1)?, store.view().follows_told()?), (3, Some(Revision(2))));
    assert_eq!(store.check()?.findings, [""; 0]);
    Ok(())
}
