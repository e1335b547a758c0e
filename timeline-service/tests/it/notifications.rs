//! Notifications: to whom of what, once, and as whoever reads them sees them now.

use std::time::Duration;

use base::{Code, Error, limits};
use proto::common::PageRequest;
use proto::timeline::{
    CreateTweetRequest, Engagement, Notification, NotificationKind, NotificationsRequest, NotificationsResponse,
    ReadNotificationsRequest, ReadNotificationsResponse, ResolvedMention, SubscribeRequest, Tweet,
};
use timeline_service::News;

use crate::durability::{damage, empty};
use crate::support::{Harness, copy_folder, new, page};

/// How long a test waits for what must come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

impl Harness {
    pub(crate) async fn notifications(&self, user: u32, page: PageRequest) -> Result<NotificationsResponse, Error> {
        let request = NotificationsRequest { user, page: Some(page), at_least: None };
        self.link().notifications(request).await
    }

    /// All that a user was notified of.
    pub(crate) async fn inbox(&self, user: u32) -> NotificationsResponse {
        self.notifications(user, page(limits::PAGE_MAX, "")).await.expect("a page")
    }

    pub(crate) async fn read(&self, user: u32, id: u64) -> Result<ReadNotificationsResponse, Error> {
        self.link().read_notifications(ReadNotificationsRequest { user, id }).await
    }

    pub(crate) async fn subscribe(&self, user: u32, author: u32, subscribed: bool) -> Result<bool, Error> {
        Ok(self.link().subscribe(SubscribeRequest { user, author, subscribed }).await?.changed)
    }

    /// Posts a tweet that names people: each by a username made of their id.
    pub(crate) async fn mention(&self, author: u32, answered: u64, users: &[u32]) -> Result<Tweet, Error> {
        let text = users.iter().map(|user| format!("@user{user} ")).collect::<String>() + "look";
        let named = |user: &u32| ResolvedMention { username: format!("user{user}"), user: *user };
        let mentions = users.iter().map(named).collect();
        self.create(CreateTweetRequest { in_reply_to: answered, mentions, ..new(author, &text) }).await
    }

    fn assert_sound(&self) {
        assert_eq!(self.service().check().expect("the check runs").findings, [""; 0]);
    }
}

/// Waits until something holds, and lets everything else go on meanwhile.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{what} never happened"));
}

/// What a notification says: kind, actors, their count, the tweet (0 for none), whether it is read.
type Said = (NotificationKind, Vec<u32>, u32, u64, bool);

fn said(notification: &Notification) -> Said {
    let tweet = notification.tweet.as_ref().map_or(0, |tweet| tweet.id);
    let Notification { actors, actors_count, read, .. } = notification;
    (notification.kind(), actors.clone(), *actors_count, tweet, *read)
}

fn all_said(response: &NotificationsResponse) -> Vec<Said> {
    response.notifications.iter().map(said).collect()
}

fn one(kind: NotificationKind, actor: u32, tweet: u64) -> Said {
    (kind, vec![actor], 1, tweet, false)
}

fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (Code, Option<String>) {
    let error = outcome.expect_err("refused");
    (error.code(), error.field().map(str::to_owned))
}

#[tokio::test]
async fn a_comment_and_a_mention_notify_each_person_once_and_nobody_of_themselves() {
    let mut harness = Harness::new();
    let tweet = harness.post(1, "a question").await;
    // To whom is answered it is a comment, named in it or not.
    let answer = harness.mention(2, tweet.id, &[1, 3, 3, 2]).await.expect("posted");
    let own = harness.mention(1, tweet.id, &[1]).await.expect("posted");
    for _ in 0..2 {
        assert_eq!(all_said(&harness.inbox(1).await), [one(NotificationKind::Comment, 2, answer.id)]);
        assert_eq!(all_said(&harness.inbox(3).await), [one(NotificationKind::Mention, 2, answer.id)]);
        assert_eq!(all_said(&harness.inbox(2).await), []);
        harness.assert_sound();
        harness.reopen();
    }
    let notification = harness.inbox(1).await.notifications.remove(0);
    assert_eq!(notification.tweet.expect("a tweet").text, answer.text);
    assert_eq!(notification.created_at_ms, answer.created_at_ms);
    assert_ne!(own.id, answer.id);
}

#[tokio::test]
async fn a_request_that_is_repeated_notifies_once() {
    let harness = Harness::new();
    let mentions = vec![ResolvedMention { username: "ada".to_owned(), user: 1 }];
    let request = CreateTweetRequest { mentions, idempotency_key: "key".to_owned(), ..new(2, "@ada") };
    let tweet = harness.create(request.clone()).await.expect("posted");
    assert!(harness.read(1, 0).await.expect("read").changed);
    assert_eq!(harness.create(request).await.expect("answered").id, tweet.id);
    assert_eq!(harness.inbox(1).await.notifications.len(), 1);
}

#[tokio::test]
async fn favorites_and_retweets_join_while_unread_and_each_is_told_once_for_ever() {
    let mut harness = Harness::new();
    let tweet = harness.post(1, "a tweet").await.id;
    let engage = async |harness: &Harness, engagement, user, engaged| {
        harness.engage(engagement, user, tweet, engaged).await.expect("done").changed
    };
    let (favorite, retweet) = (Engagement::Favorite, Engagement::Retweet);
    for user in [2, 3] {
        assert!(engage(&harness, favorite, user, true).await);
    }
    // Again, taken back, and again: no news. Nor is one's own favorite.
    assert!(!engage(&harness, favorite, 2, true).await);
    assert!(engage(&harness, favorite, 2, false).await);
    assert!(engage(&harness, favorite, 2, true).await);
    assert!(engage(&harness, favorite, 1, true).await);
    assert!(engage(&harness, retweet, 2, true).await);
    assert!(engage(&harness, retweet, 1, true).await);
    let favorites = (NotificationKind::Favorite, vec![3, 2], 2, tweet, false);
    let retweets = one(NotificationKind::Retweet, 2, tweet);
    let inbox = harness.inbox(1).await;
    assert_eq!((all_said(&inbox), inbox.unread_count), (vec![retweets.clone(), favorites.clone()], 2));
    let seen = inbox.notifications[0].tweet.clone().expect("a tweet");
    assert_eq!((seen.favorites_count, seen.retweets_count, seen.favorited, seen.retweeted), (3, 2, true, true));

    // What comes after it was read begins another, and those of before are not told of again.
    let (newest, first) = (inbox.notifications[0].id, inbox.notifications[1].id);
    let read = harness.read(1, first).await.expect("read");
    assert_eq!((read.changed, read.unread_count), (true, 1));
    harness.reopen();
    assert!(!harness.read(1, first).await.expect("read").changed);
    for user in [2, 3, 4] {
        engage(&harness, favorite, user, false).await;
        engage(&harness, favorite, user, true).await;
        engage(&harness, retweet, user, false).await;
        engage(&harness, retweet, user, true).await;
    }
    let inbox = harness.inbox(1).await;
    let read = (NotificationKind::Favorite, vec![3, 2], 2, tweet, true);
    let joined = (NotificationKind::Retweet, vec![4, 3, 2], 3, tweet, false);
    assert_eq!(all_said(&inbox), [one(NotificationKind::Favorite, 4, tweet), joined, read]);
    assert_eq!((inbox.notifications[1].id, inbox.notifications[2].id), (newest, first), "ids stay");
    harness.assert_sound();
}

#[tokio::test]
async fn ten_are_named_and_all_are_counted() {
    let harness = Harness::new();
    let tweet = harness.post(1, "a tweet").await.id;
    for user in 2..=14 {
        harness.engage(Engagement::Favorite, user, tweet, true).await.expect("done");
    }
    let expected = (NotificationKind::Favorite, (5..=14).rev().collect(), 13, tweet, false);
    assert_eq!(all_said(&harness.inbox(1).await), [expected]);
    harness.graph.block(1, 14);
    let expected = (NotificationKind::Favorite, (5..=13).rev().collect(), 12, tweet, false);
    assert_eq!(all_said(&harness.inbox(1).await), [expected]);
    harness.assert_sound();
}

#[tokio::test]
async fn what_is_hidden_or_deleted_now_is_neither_shown_nor_counted() {
    let harness = Harness::new();
    let tweet = harness.post(1, "a tweet").await.id;
    let mut answers = Vec::new();
    for user in 2..=5 {
        answers.push(harness.reply(user, tweet).await.expect("posted").id);
    }
    let shown = async || {
        let inbox = harness.inbox(1).await;
        let ids: Vec<_> = all_said(&inbox).into_iter().map(|said| said.3).collect();
        assert_eq!(inbox.unread_count as usize, ids.len());
        ids
    };
    assert_eq!(shown().await, [answers[3], answers[2], answers[1], answers[0]]);
    harness.graph.block(2, 1);
    harness.graph.block(1, 3);
    harness.graph.0.lock().mutes.insert((1, 4));
    assert_eq!(shown().await, [answers[3]]);
    harness.delete(5, answers[3]).await.expect("deleted");
    assert_eq!(shown().await, [0; 0]);
    harness.graph.0.lock().blocks.clear();
    assert_eq!(shown().await, [answers[1], answers[0]], "as it is now");
    assert!(harness.read(1, 0).await.expect("read").changed);
    assert_eq!(harness.inbox(1).await.unread_count, 0);
    harness.assert_sound();
}

#[tokio::test]
async fn what_cannot_be_asked_for_names_the_field() {
    let harness = Harness::new();
    harness.mention(2, 0, &[1]).await.expect("posted");
    let id = harness.inbox(1).await.notifications[0].id;
    for (user, id) in [(2, id), (1, id + 1), (1, u64::MAX)] {
        assert_eq!(refused(harness.read(user, id).await), (Code::NotFound, Some("id".to_owned())));
    }
    let invalid = |field: &str| (Code::InvalidArgument, Some(field.to_owned()));
    assert_eq!(refused(harness.subscribe(1, 1, true).await), invalid("author"));
    assert_eq!(refused(harness.notifications(1, page(1001, "")).await), invalid("page.limit"));
    assert_eq!(refused(harness.notifications(1, page(5, "x")).await), invalid("page.cursor"));
    assert_eq!(harness.inbox(7).await, NotificationsResponse::default());
    let read = harness.read(7, 0).await.expect("nothing to read");
    assert_eq!((read.changed, read.unread_count), (false, 0));
}

#[tokio::test]
async fn subscribers_who_follow_are_told_of_each_tweet() {
    let mut harness = Harness::new();
    for user in [2, 3, 4, 5] {
        if user != 3 {
            harness.graph.follow(user, 1);
        }
        assert!(harness.subscribe(user, 1, true).await.expect("stored"));
        assert!(!harness.subscribe(user, 1, true).await.expect("stored"));
    }
    assert!(harness.subscribe(4, 1, false).await.expect("stored"));
    assert!(!harness.subscribe(4, 1, false).await.expect("stored"));
    harness.reopen();
    let tweet = harness.post(1, "a tweet").await.id;
    let other = harness.mention(1, 0, &[2]).await.expect("posted").id;
    // By the time that the last is told, all are.
    until("the second delivery", async || harness.inbox(5).await.notifications.len() == 2).await;
    let told = [one(NotificationKind::Tweet, 1, other), one(NotificationKind::Tweet, 1, tweet)];
    assert_eq!(all_said(&harness.inbox(5).await), told);
    let mentioned = all_said(&harness.inbox(2).await);
    assert_eq!(mentioned.iter().filter(|said| said.3 == other).count(), 1, "one notification of one tweet");
    assert!(mentioned.contains(&one(NotificationKind::Mention, 1, other)));
    assert!(mentioned.contains(&one(NotificationKind::Tweet, 1, tweet)));
    for nobody in [3, 4] {
        assert_eq!(all_said(&harness.inbox(nobody).await), [], "{nobody} follows no more, or asked no more");
    }
    harness.assert_sound();
}

#[tokio::test]
async fn deliveries_go_on_where_a_crash_left_them() {
    const SUBSCRIBERS: u32 = 2_300;
    let mut harness = Harness::new();
    // One call of the graph checks each subscription; those of the deliveries are held up.
    let subscribers: Vec<u32> = (10..10 + SUBSCRIBERS).collect();
    harness.graph.0.lock().follows.extend(subscribers.iter().map(|user| (*user, 1)));
    let outcomes = subscribers.iter().map(|user| harness.subscribe(*user, 1, true));
    assert!(futures::future::join_all(outcomes).await.into_iter().all(|outcome| outcome.is_ok_and(|changed| changed)));
    let free = harness.graph.1.permits.available_permits();
    harness.graph.1.permits.forget_permits(free);

    let tweet = harness.post(1, "a tweet").await.id;
    let gone = harness.post(1, "regretted").await.id;
    harness.delete(1, gone).await.expect("deleted");
    let told = async |harness: &Harness, user: u32| harness.inbox(user).await.notifications.len();
    let mut crashed = Vec::new();
    for part in 0..2 {
        harness.graph.1.permits.add_permits(1);
        let last = subscribers[part * 1000 + 999];
        until("a part", async || told(&harness, last).await == 1).await;
        assert_eq!(told(&harness, last + 1).await, 0, "the next part waits for the graph");
        let image = tempfile::tempdir().expect("a temporary folder");
        copy_folder(harness.path(), image.path());
        crashed.push(image);
        harness.reopen();
    }
    harness.graph.1.permits.add_permits(free / 2);
    for image in crashed {
        harness.close();
        harness.folder = image;
        harness.reopen();
        let last = *subscribers.last().expect("there are some");
        until("the last part", async || told(&harness, last).await == 1).await;
        for &user in subscribers.iter().step_by(97).chain([&1009, &1010, &2009, &2010]) {
            assert_eq!(all_said(&harness.inbox(user).await), [one(NotificationKind::Tweet, 1, tweet)], "{user}");
        }
        harness.assert_sound();
    }
}

/// Waits until the service has read all that the graph told.
pub(crate) async fn until_followers(harness: &Harness, user: u32, count: u32) {
    let said = async || harness.inbox(user).await.notifications.iter().map(|one| one.actors_count).sum::<u32>();
    until("the last follow", async || said().await >= count).await;
    assert_eq!(said().await, count, "each once");
}

#[tokio::test]
async fn each_follow_is_told_once_however_often_the_stream_breaks() {
    let mut harness = Harness::new();
    let opened = |harness: &Harness| harness.graph.1.log.borrow().opened;
    until("a stream", async || opened(&harness) > 0).await;
    for follower in 2..62 {
        let before = opened(&harness);
        harness.graph.follow(follower, 1);
        match follower % 12 {
            0 => harness.graph.cut(),
            6 => harness.reopen(),
            9 => drop(harness.read(1, 0).await.expect("read")),
            11 => {
                harness.graph.0.lock().follows.remove(&(follower, 1));
                harness.graph.follow(follower, 1);
            }
            _ => {}
        }
        if follower % 6 == 0 {
            until("the next stream", async || opened(&harness) > before).await;
        }
    }
    until_followers(&harness, 1, 60).await;
    let inbox = harness.inbox(1).await;
    assert!(inbox.notifications.iter().all(|one| one.kind() == NotificationKind::Follow && one.tweet.is_none()));

    // Follows of while it was closed are told of as well.
    harness.close();
    harness.graph.follow(100, 1);
    harness.reopen();
    until_followers(&harness, 1, 61).await;
    harness.assert_sound();
}

#[tokio::test]
async fn follows_that_the_graph_cannot_tell_any_more_are_missed_and_the_next_are_told() {
    let mut harness = Harness::new();
    harness.graph.follow(2, 1);
    until_followers(&harness, 1, 1).await;
    harness.close();
    // The log lost a follow, and edges came in bulk.
    harness.graph.follow(3, 1);
    harness.graph.1.log.send_modify(|log| log.trimmed = log.news.len());
    let opened = harness.graph.1.log.borrow().opened;
    harness.reopen();
    // Once under no name, to learn where the graph is, and then under the service's own.
    until("a new beginning", async || harness.graph.1.log.borrow().opened >= opened + 3).await;
    harness.graph.tell(News::Imported { edges: 7 });
    harness.graph.follow(4, 1);
    until_followers(&harness, 1, 2).await;
    assert_eq!(harness.inbox(1).await.notifications[0].actors, [4, 2]);

    // The graph came back from a backup: it never gave out the revision that was told last.
    harness.close();
    harness.graph.1.log.send_modify(|log| (log.news, log.trimmed) = (Vec::new(), 0));
    let opened = harness.graph.1.log.borrow().opened;
    harness.reopen();
    until("a new beginning", async || harness.graph.1.log.borrow().opened >= opened + 3).await;
    harness.graph.follow(5, 1);
    until_followers(&harness, 1, 3).await;
    harness.assert_sound();
}

#[tokio::test]
async fn only_the_newest_thousand_are_kept() {
    let mut harness = Harness::new();
    let tweet = harness.post(1, "a tweet").await.id;
    harness.engage(Engagement::Favorite, 2, tweet, true).await.expect("done");
    harness.engage(Engagement::Retweet, 2, tweet, true).await.expect("done");
    let first = harness.inbox(1).await.notifications[1].id;
    harness.read(1, first).await.expect("read");
    let mut answers = Vec::new();
    for _ in 0..5 {
        let posted = (0..201).map(|_| harness.reply(3, tweet));
        answers.extend(futures::future::join_all(posted).await.into_iter().map(|answer| answer.expect("posted").id));
    }
    answers.sort_unstable_by(|one, other| other.cmp(one));
    harness.reopen();
    let inbox = harness.inbox(1).await;
    let told: Vec<_> = inbox.notifications.iter().map(|one| said(one).3).collect();
    assert_eq!((told, inbox.unread_count, inbox.next_cursor.as_str()), (answers[..1000].to_vec(), 1000, ""));
    assert_eq!(refused(harness.read(1, first).await), (Code::NotFound, Some("id".to_owned())));
    // What is kept no longer was told all the same: its actors are no news, and others begin anew.
    for user in [2, 4] {
        for engaged in [false, true] {
            harness.engage(Engagement::Favorite, user, tweet, engaged).await.expect("done");
        }
    }
    let inbox = harness.inbox(1).await;
    assert_eq!(said(&inbox.notifications[0]), one(NotificationKind::Favorite, 4, tweet));
    assert_eq!((inbox.notifications.len(), inbox.unread_count), (1000, 1000));
    harness.assert_sound();
    assert!(harness.read(1, 0).await.expect("read").changed);
    assert_eq!(harness.inbox(1).await.unread_count, 0);
    harness.assert_sound();
}

#[tokio::test]
async fn the_check_finds_damaged_and_missing_notifications() {
    let tables = ["notifications", "open_groups", "notified", "unread", "inboxes", "subscribers", "deliveries"];
    for table in tables {
        for (what, spoil) in [("damaged", damage as fn(&std::path::Path, &str)), ("missing", empty)] {
            // Nothing else says that somebody asked for tweets, or that some are still to be told.
            if what == "missing" && matches!(table, "subscribers" | "deliveries") {
                continue;
            }
            let mut harness = Harness::new();
            let tweet = harness.mention(1, 0, &[2]).await.expect("posted").id;
            harness.engage(Engagement::Favorite, 2, tweet, true).await.expect("done");
            harness.subscribe(2, 1, true).await.expect("stored");
            harness.graph.1.permits.forget_permits(harness.graph.1.permits.available_permits());
            harness.post(1, "to be told").await;
            harness.assert_sound();
            harness.close();
            spoil(harness.path(), table);
            harness.reopen();
            let report = harness.service().check().expect("the check runs");
            assert!(!report.findings.is_empty(), "{what} {table}: {report:?}");
        }
    }
}
