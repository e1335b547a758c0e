//! Over random histories everybody's notifications equal those of a naive model, page by page.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use proto::timeline::{Engagement, NotificationKind, NotificationsResponse};

use crate::notifications::{PATIENCE, until};
use crate::support::{Edges, Harness, page};

const USERS: u32 = 5;

/// One step of a history. Tweets and notifications are named by their place among those there are.
#[derive(Clone, Debug)]
enum Step {
    Post(u32, Vec<u32>),
    Reply(u32, prop::sample::Index, Vec<u32>),
    Engage(Engagement, u32, prop::sample::Index, bool),
    Delete(prop::sample::Index),
    Follow(u32, u32),
    Unfollow(u32, u32),
    Mute(u32, u32),
    Unmute(u32, u32),
    Block(u32, u32),
    Unblock(u32, u32),
    Subscribe(u32, u32, bool),
    Read(u32, prop::sample::Index),
    ReadAll(u32),
    CutTheStream,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 0..USERS;
    let two = || (0..USERS, 0..USERS).prop_filter("two users", |(one, other)| one != other);
    let named = || prop::collection::vec(0..USERS, 0..3);
    let engagement = prop_oneof![Just(Engagement::Favorite), Just(Engagement::Retweet)];
    let index = || any::<prop::sample::Index>();
    prop_oneof![
        8 => (user(), named()).prop_map(|(user, named)| Step::Post(user, named)),
        6 => (user(), index(), named()).prop_map(|(user, index, named)| Step::Reply(user, index, named)),
        16 => (engagement, user(), index(), prop::bool::weighted(0.7))
            .prop_map(|(engagement, user, index, engaged)| Step::Engage(engagement, user, index, engaged)),
        2 => index().prop_map(Step::Delete),
        8 => two().prop_map(|(one, other)| Step::Follow(one, other)),
        3 => two().prop_map(|(one, other)| Step::Unfollow(one, other)),
        1 => two().prop_map(|(one, other)| Step::Mute(one, other)),
        1 => two().prop_map(|(one, other)| Step::Unmute(one, other)),
        1 => two().prop_map(|(one, other)| Step::Block(one, other)),
        1 => two().prop_map(|(one, other)| Step::Unblock(one, other)),
        5 => (two(), any::<bool>()).prop_map(|((one, other), on)| Step::Subscribe(one, other, on)),
        3 => (user(), index()).prop_map(|(user, index)| Step::Read(user, index)),
        2 => user().prop_map(Step::ReadAll),
        1 => Just(Step::CutTheStream),
        1 => Just(Step::Reopen),
    ]
}

/// What the model holds of one notification.
#[derive(Clone, Debug)]
struct Told {
    kind: NotificationKind,
    /// 0 for a follow.
    tweet: u64,
    /// All of them, the last first.
    actors: Vec<u32>,
    read: bool,
    /// As soon as the service showed it: it must stay.
    id: Option<u64>,
}

/// What a notification shows: kind, actors, their count, tweet, whether it is read.
type Shown = (NotificationKind, Vec<u32>, u32, u64, bool);

#[derive(Debug, Default)]
struct Model {
    /// Author, and whether it is deleted.
    tweets: BTreeMap<u64, (u32, bool)>,
    /// Each user's, the first first.
    inboxes: BTreeMap<u32, Vec<Told>>,
    /// Recipient, kind, tweet and actor of all that was ever told.
    told: BTreeSet<(u32, i32, u64, u32)>,
    /// Author and subscriber.
    subscribers: BTreeSet<(u32, u32)>,
    /// How often the stream of follows was waited for.
    waited: u32,
}

impl Model {
    fn notify(&mut self, recipient: u32, kind: NotificationKind, tweet: u64, actor: u32) {
        if recipient == actor || !self.told.insert((recipient, kind as i32, tweet, actor)) {
            return;
        }
        let inbox = self.inboxes.entry(recipient).or_default();
        match inbox.iter_mut().find(|told| !told.read && told.kind == kind && told.tweet == tweet) {
            Some(told) => told.actors.insert(0, actor),
            None => inbox.push(Told { kind, tweet, actors: vec![actor], read: false, id: None }),
        }
    }

    fn posted(&mut self, id: u64, author: u32, answered: Option<u32>, named: &[u32], edges: &Edges) {
        self.tweets.insert(id, (author, false));
        let mut told = BTreeSet::from([author]);
        let comment = answered.map(|user| (user, NotificationKind::Comment));
        let mentions = named.iter().filter(|&&user| !edges.blocks.contains(&(user, author)));
        let mentions = mentions.map(|&user| (user, NotificationKind::Mention));
        let subscribers = self.subscribers.clone();
        let subscribers =
            subscribers.iter().filter(|pair| pair.0 == author && edges.follows.contains(&(pair.1, author)));
        let tweets = subscribers.map(|pair| (pair.1, NotificationKind::Tweet));
        for (user, kind) in comment.into_iter().chain(mentions).chain(tweets) {
            if told.insert(user) {
                self.notify(user, kind, id, author);
            }
        }
    }

    /// What a user sees, newest first, and with it the place in their inbox.
    fn seen(&self, user: u32, edges: &Edges) -> Vec<(usize, Shown)> {
        let hidden = |other: u32| {
            edges.mutes.contains(&(user, other))
                || edges.blocks.contains(&(user, other))
                || edges.blocks.contains(&(other, user))
        };
        let inbox = self.inboxes.get(&user).map_or(&[][..], |inbox| inbox);
        let seen = inbox.iter().enumerate().rev().filter_map(|(place, told)| {
            let actors: Vec<u32> = told.actors.iter().copied().filter(|&actor| !hidden(actor)).collect();
            let deleted = told.tweet != 0 && self.tweets[&told.tweet].1;
            let count = actors.len() as u32;
            (count > 0 && !deleted).then_some((place, (told.kind, actors, count, told.tweet, told.read)))
        });
        seen.collect()
    }
}

fn shown(response: &NotificationsResponse) -> Vec<Shown> {
    let each = |one: &proto::timeline::Notification| {
        let tweet = one.tweet.as_ref().map_or(0, |tweet| tweet.id);
        (one.kind(), one.actors.clone(), one.actors_count, tweet, one.read)
    };
    response.notifications.iter().map(each).collect()
}

async fn take(step: Step, harness: &mut Harness, model: &mut Model) -> Result<(), TestCaseError> {
    let edges = harness.graph.0.lock().clone();
    let pick = |model: &Model, index: prop::sample::Index| {
        (!model.tweets.is_empty()).then(|| *index.get(&model.tweets.keys().copied().collect::<Vec<_>>()))
    };
    let blocked = |one: u32, other: u32| edges.blocks.contains(&(one, other)) || edges.blocks.contains(&(other, one));
    match step {
        Step::Post(author, named) => {
            let id = harness.mention(author, 0, &named).await.expect("posted").id;
            model.posted(id, author, None, &named, &edges);
        }
        Step::Reply(author, index, named) => {
            let Some(answered) = pick(model, index) else { return Ok(()) };
            let (to, deleted) = model.tweets[&answered];
            let outcome = harness.mention(author, answered, &named).await;
            prop_assert_eq!(outcome.is_ok(), !deleted && !blocked(author, to));
            if let Ok(tweet) = outcome {
                model.posted(tweet.id, author, Some(to), &named, &edges);
            }
        }
        Step::Engage(engagement, user, index, engaged) => {
            let Some(id) = pick(model, index) else { return Ok(()) };
            let author = model.tweets[&id].0;
            let changed = harness.engage(engagement, user, id, engaged).await.is_ok_and(|answer| answer.changed);
            let kind = match engagement {
                Engagement::Retweet => NotificationKind::Retweet,
                _ => NotificationKind::Favorite,
            };
            if changed && engaged {
                model.notify(author, kind, id, user);
            }
        }
        Step::Delete(index) => {
            let Some(id) = pick(model, index) else { return Ok(()) };
            let tweet = model.tweets.get_mut(&id).expect("picked from the model");
            tweet.1 = true;
            harness.delete(tweet.0, id).await.expect("ones own can be deleted");
        }
        Step::Follow(one, other) => {
            if !blocked(one, other) {
                harness.graph.follow(one, other);
                if !edges.follows.contains(&(one, other)) {
                    model.notify(other, NotificationKind::Follow, 0, one);
                }
            }
        }
        Step::Subscribe(user, author, subscribed) => {
            let changed = harness.subscribe(user, author, subscribed).await.expect("stored");
            let before = match subscribed {
                true => !model.subscribers.insert((author, user)),
                false => !model.subscribers.remove(&(author, user)),
            };
            prop_assert_eq!(changed, !before);
        }
        Step::Read(user, index) => {
            let seen = model.seen(user, &edges);
            if seen.is_empty() {
                return Ok(());
            }
            let told = &mut model.inboxes.get_mut(&user).expect("something is seen")[index.get(&seen).0];
            let answer = harness.read(user, told.id.expect("it was shown")).await.expect("it is there");
            prop_assert_eq!(answer.changed, !told.read);
            told.read = true;
        }
        Step::ReadAll(user) => {
            let answer = harness.read(user, 0).await.expect("read");
            let inbox = model.inboxes.entry(user).or_default();
            prop_assert_eq!((answer.changed, answer.unread_count), (inbox.iter().any(|told| !told.read), 0));
            inbox.iter_mut().for_each(|told| told.read = true);
        }
        Step::CutTheStream => harness.graph.cut(),
        Step::Reopen => harness.reopen(),
        Step::Block(one, other) => harness.graph.block(one, other),
        Step::Unfollow(one, other) => drop(harness.graph.0.lock().follows.remove(&(one, other))),
        Step::Mute(one, other) => drop(harness.graph.0.lock().mutes.insert((one, other))),
        Step::Unmute(one, other) => drop(harness.graph.0.lock().mutes.remove(&(one, other))),
        Step::Unblock(one, other) => drop(harness.graph.0.lock().blocks.remove(&(one, other))),
    }
    Ok(())
}

/// What a user sees, once that is what is expected, or for good.
async fn settled(harness: &Harness, user: u32, expected: &[Shown]) -> Vec<Shown> {
    let begun = Instant::now();
    loop {
        let seen = shown(&harness.inbox(user).await);
        if seen == expected || begun.elapsed() > PATIENCE {
            return seen;
        }
        tokio::task::yield_now().await;
    }
}

/// Waits until all subscribers are told: whom a tweet concerns is decided when they are, not when it is posted.
async fn delivered(harness: &Harness) {
    until("all subscribers are told", async || harness.service().check().expect("the check runs").deliveries == 0)
        .await;
}

/// Waits until all follows are told: those that are hidden would not be missed before they are shown. The stream is in
/// order, so one more follow, of somebody whom no history knows, is told after all of them.
async fn followed(harness: &Harness, model: &mut Model) {
    const NOBODY: u32 = 999;
    model.waited += 1;
    harness.graph.follow(NOBODY + model.waited, NOBODY);
    let told = async || harness.inbox(NOBODY).await.notifications.iter().map(|one| one.actors_count).sum::<u32>();
    until("all follows are told", async || told().await == model.waited).await;
}

/// Waits until what is told in the background has come, and compares everybody's notifications, walked down and up again.
async fn compare(harness: &Harness, model: &mut Model, limit: usize) -> Result<(), TestCaseError> {
    delivered(harness).await;
    followed(harness, model).await;
    let edges = harness.graph.0.lock().clone();
    for user in 0..USERS {
        let seen = model.seen(user, &edges);
        let (places, expected): (Vec<usize>, Vec<Shown>) = seen.into_iter().unzip();
        prop_assert_eq!(settled(harness, user, &expected).await, &expected[..], "user {}", user);
        let unread = expected.iter().filter(|one| !one.4).count() as u32;
        let read = async |cursor: &str| harness.notifications(user, page(limit as u32, cursor)).await.expect("a page");
        let mut last = read("").await;
        let mut begin = 0;
        loop {
            let end = (begin + limit).min(expected.len());
            prop_assert_eq!(&shown(&last)[..], &expected[begin..end]);
            prop_assert_eq!((last.unread_count, last.next_cursor.is_empty()), (unread, end == expected.len()));
            prop_assert_eq!(last.prev_cursor.is_empty(), begin == 0);
            for (notification, place) in last.notifications.iter().zip(&places[begin..end]) {
                let told = &mut model.inboxes.get_mut(&user).expect("something is seen")[*place];
                prop_assert_eq!(*told.id.get_or_insert(notification.id), notification.id, "ids stay");
            }
            if end == expected.len() {
                break;
            }
            begin = end;
            last = read(&last.next_cursor).await;
        }
        while begin > 0 {
            last = read(&last.prev_cursor).await;
            let above = begin.saturating_sub(limit);
            prop_assert_eq!(&shown(&last)[..], &expected[above..begin], "up");
            begin = above;
        }
    }
    let report = harness.service().check().expect("the check runs");
    prop_assert_eq!(report.findings, [""; 0]);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn everybody_is_notified_as_in_the_model(steps in prop::collection::vec(step(), 1..100), limit in 1_usize..6) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut harness = Harness::new();
            let mut model = Model::default();
            for step in steps {
                let shows = !matches!(step, Step::CutTheStream | Step::Reopen);
                take(step, &mut harness, &mut model).await?;
                if shows {
                    compare(&harness, &mut model, limit).await?;
                }
            }
            harness.reopen();
            compare(&harness, &mut model, limit).await
        })?;
    }
}
