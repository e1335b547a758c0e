//! Pull, push and auto show the same, which is what the model shows, however little memory there is, however late pushes are,
//! and whoever is not pushed.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use proto::timeline::{Engagement, FeedMode, HomeTimelineRequest, Reason, Route, TimelineResponse};
use timeline_service::FeedSettings;

use crate::feeds::{self, Step, USERS, walk};
use crate::model::{Model, Shown};
use crate::support::{Harness, ids, page};

pub(crate) const MODES: [FeedMode; 3] = [FeedMode::Unspecified, FeedMode::Pull, FeedMode::Push];

/// One step of a history.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    Take(Step),
    /// Somebody reads the newest entries in a mode, and then in the others.
    Look(u32, usize),
    /// Pushes are held up, or go on.
    Hold(bool),
    /// The graph does not tell recipients, or does again.
    Fail(bool),
    /// The service is stopped and started with other settings.
    Reopen(FeedSettings),
}

/// Settings under which everything that can go wrong does: no room, a full queue, everybody over the threshold.
pub(crate) fn settings() -> impl Strategy<Value = FeedSettings> {
    let bytes = || prop::sample::select(vec![0, 600, 2_000, 1 << 20]);
    (
        (bytes(), bytes(), bytes(), prop::sample::select(vec![0, 500, 1 << 20])),
        prop::sample::select(vec![1, 2, 5, 800]),
        prop::sample::select(vec![0, 1, 2, 10_000]),
        prop::sample::select(vec![2, 5_000]),
        prop::sample::select(vec![0, 2, 65_536]),
        prop::sample::select(vec![1, 2, 65_536]),
        prop::sample::select(vec![Duration::ZERO, FeedSettings::default().ask_again]),
    )
        .prop_map(|(bytes, feed_entries, pushed_followers, pulled_followees, push_queue, gone_max, ask_again)| {
            FeedSettings {
                heads_bytes: bytes.0,
                feeds_bytes: bytes.1,
                lists_bytes: bytes.2,
                evicted_bytes: bytes.3,
                feed_entries,
                pushed_followers,
                ask_again,
                pulled_followees,
                push_queue,
                gone_max,
                ..FeedSettings::default()
            }
        })
}

pub(crate) fn a_move() -> impl Strategy<Value = Move> {
    prop_oneof![
        30 => feeds::step().prop_map(Move::Take),
        12 => (0..USERS, 0_usize..3).prop_map(|(user, mode)| Move::Look(user, mode)),
        2 => any::<bool>().prop_map(Move::Hold),
        1 => any::<bool>().prop_map(Move::Fail),
        1 => settings().prop_map(Move::Reopen),
    ]
}

pub(crate) async fn take(next: Move, harness: &mut Harness, model: &mut Model) -> Result<(), TestCaseError> {
    match next {
        Move::Take(step) => feeds::take(step, harness, model).await?,
        Move::Hold(is_held) => drop(harness.graph.1.is_held.send_replace(is_held)),
        Move::Fail(is_failing) => harness.graph.1.is_failing.store(is_failing, std::sync::atomic::Ordering::SeqCst),
        Move::Reopen(settings) => {
            harness.feeds = settings;
            harness.reopen();
        }
        Move::Look(user, first) => {
            let edges = harness.graph.0.lock().clone();
            let expected = model.shown(model.home(user, &edges), Some(user));
            for place in 0..MODES.len() {
                let mode = MODES[(first + place) % MODES.len()];
                let response = harness.home_by(mode, user, page(3, "")).await.expect("a page");
                let shown: Vec<_> = response.entries.iter().map(Shown::from).collect();
                prop_assert_eq!(&shown[..], &expected[..expected.len().min(3)], "{:?} of {}", mode, user);
                for entry in &response.entries {
                    explained(mode, user, entry)?;
                }
            }
        }
    }
    Ok(())
}

fn explained(mode: FeedMode, user: u32, entry: &proto::timeline::Entry) -> Result<(), TestCaseError> {
    let explanation = entry.explanation.as_ref().expect("it was asked for");
    let tweet = entry.tweet.as_ref().expect("an entry has its tweet");
    let expected = match (entry.retweeter, tweet.in_reply_to) {
        (Some(retweeter), _) if retweeter == user => Reason::OwnRetweet,
        (Some(_), _) => Reason::RetweeterFollowed,
        (None, _) if tweet.author == user => Reason::Own,
        (None, 0) => Reason::AuthorFollowed,
        (None, _) => Reason::ConversationFollowed,
    };
    prop_assert_eq!(explanation.reason(), expected);
    prop_assert!(explanation.route() != Route::Unspecified);
    prop_assert!(mode != FeedMode::Pull || explanation.route() == Route::Pulled);
    Ok(())
}

/// The first page of each reader, as it was read last.
type Kept = BTreeMap<u32, TimelineResponse>;

/// Whatever is said to be what it was is what the model shows now. What is not is read anew.
async fn compare_kept(harness: &Harness, model: &Model, kept: &mut Kept) -> Result<(), TestCaseError> {
    let edges = harness.graph.0.lock().clone();
    for user in 0..USERS {
        let limit = 1 + user % 3;
        let state = kept.get(&user).map(|page| page.state.clone()).unwrap_or_default();
        // Half of the readers never become active by this.
        let mode = MODES[user as usize % 2];
        let response = harness.home_kept(user, limit, mode, &state).await.expect("a page");
        if !response.unchanged {
            kept.insert(user, response);
        }
        let expected = model.shown(model.home(user, &edges), Some(user));
        let page = &kept[&user];
        let shown: Vec<_> = page.entries.iter().map(Shown::from).collect();
        let limit = limit as usize;
        prop_assert_eq!(&shown[..], &expected[..expected.len().min(limit)], "kept by {}", user);
        prop_assert_eq!(page.next_cursor.is_empty(), expected.len() <= limit, "kept by {}", user);
    }
    Ok(())
}

async fn compare(harness: &Harness, model: &Model, limit: usize) -> Result<(), TestCaseError> {
    for user in 0..USERS {
        let edges = harness.graph.0.lock().clone();
        let expected = model.shown(model.home(user, &edges), Some(user));
        for mode in MODES {
            walk(&expected, limit, async |page| harness.home_by(mode, user, page).await).await?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn pull_push_and_auto_show_what_the_model_shows(
        settings in settings(), moves in prop::collection::vec(a_move(), 1..120), limit in 1_usize..8,
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut harness = Harness::with(settings);
            let mut model = Model::default();
            let mut kept = Kept::new();
            for next in moves {
                take(next, &mut harness, &mut model).await?;
                compare_kept(&harness, &model, &mut kept).await?;
            }
            compare(&harness, &model, limit).await?;
            harness.reopen();
            compare(&harness, &model, limit).await
        })?;
    }
}

/// The state of a first page of two entries that was read last.
struct KeptPage {
    reader: u32,
    state: prost::bytes::Bytes,
}

impl KeptPage {
    async fn stands(&self, harness: &Harness, what: &str) {
        let page = harness.home_kept(self.reader, 2, FeedMode::Unspecified, &self.state).await.expect("a page");
        assert!(page.unchanged && page.entries.is_empty() && page.state.is_empty(), "{what}");
    }

    async fn changes(&mut self, harness: &Harness, what: &str) -> TimelineResponse {
        let page = harness.home_kept(self.reader, 2, FeedMode::Unspecified, &self.state).await.expect("a page");
        assert!(!page.unchanged && page.state != self.state, "{what}");
        self.state = page.state.clone();
        page
    }
}

#[tokio::test]
async fn a_page_that_is_kept_stands_until_something_in_it_changes() {
    const READER: u32 = 1;
    let mut harness = Harness::new();
    for followee in [2, 3] {
        harness.graph.follow(READER, followee);
    }
    let by_a_stranger = harness.post(9, "retweeted").await.id;
    harness.engage(Engagement::Retweet, 3, by_a_stranger, true).await.expect("done");
    let lower = harness.post(2, "lower").await.id;
    let upper = harness.post(2, "upper").await.id;
    let mut kept = KeptPage {
        reader: READER,
        state: harness.home_kept(READER, 2, FeedMode::Unspecified, &[]).await.expect("a page").state,
    };
    assert!(!kept.state.is_empty());
    kept.stands(&harness, "nothing happened").await;
    harness.post(8, "a stranger's").await;
    harness.graph.follow(8, READER);
    kept.stands(&harness, "strangers post and follow").await;
    harness.engage(Engagement::Favorite, 8, lower, true).await.expect("done");
    assert_eq!(kept.changes(&harness, "somebody favorites").await.entries.len(), 2);
    harness.engage(Engagement::Favorite, READER, upper, true).await.expect("done");
    assert_eq!(kept.changes(&harness, "the reader favorites").await.entries.len(), 2);
    harness.reply(8, upper).await.expect("posted");
    assert_eq!(kept.changes(&harness, "a stranger answers").await.entries.len(), 2);
    harness.delete(9, by_a_stranger).await.expect("deleted");
    assert_eq!(kept.changes(&harness, "what came after the page is gone").await.next_cursor, "");
    let newest = harness.post(3, "the newest").await.id;
    assert_eq!(kept.changes(&harness, "a followee posts").await.entries.len(), 2);
    harness.delete(3, newest).await.expect("deleted");
    assert_eq!(kept.changes(&harness, "a followee deletes").await.entries.len(), 2);
    harness.graph.mute(READER, 3);
    assert_eq!(kept.changes(&harness, "the reader mutes").await.entries.len(), 2);
    harness.graph.unfollow(READER, 2);
    assert_eq!(kept.changes(&harness, "the reader unfollows").await.entries.len(), 0);
    kept.stands(&harness, "nothing is a page, too").await;

    let state = kept.state.clone();
    for limit in [1, 3] {
        assert!(
            !harness.home_kept(READER, limit, FeedMode::Pull, &state).await.expect("a page").unchanged,
            "of {limit}"
        );
    }
    assert!(!harness.home_kept(2, 2, FeedMode::Pull, &state).await.expect("a page").unchanged, "somebody else's");
    assert!(!harness.home_kept(READER, 2, FeedMode::Pull, &state[1..]).await.expect("a page").unchanged, "no state");
    let further = HomeTimelineRequest { user: READER, page_number: 1, state: Some(state), ..Default::default() };
    let explained = HomeTimelineRequest { page_number: 0, explain: true, ..further.clone() };
    for request in [further, explained] {
        let page = harness.link().home_timeline(request).await.expect("a page");
        assert!(!page.unchanged && page.state.is_empty(), "only first pages without explanations are kept");
    }
    harness.reopen();
    assert_eq!(kept.changes(&harness, "nobody knows what happened before a restart").await.entries.len(), 0);
}

/// Reads until the newest entry came by a route: for that the worker must have got so far.
async fn until_routed(harness: &Harness, user: u32, id: u64, route: Route) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let response = harness.home_by(FeedMode::Push, user, page(1, "")).await.expect("a page");
        let entry = response.entries.first().expect("there is one");
        assert_eq!(entry.id, id, "late or not, it is there");
        if entry.explanation.as_ref().expect("it was asked for").route() == route {
            return;
        }
        assert!(std::time::Instant::now() < deadline, "it never came as {route:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_tweet_is_under_way_until_it_is_delivered() {
    let harness = Harness::new();
    harness.graph.follow(2, 1);
    let first = harness.post(1, "before there is a feed").await;
    until_routed(&harness, 2, first.id, Route::Pushed).await;
    harness.graph.1.is_held.send_replace(true);
    let second = harness.post(1, "held up").await;
    until_routed(&harness, 2, second.id, Route::UnderWay).await;
    harness.graph.1.is_held.send_replace(false);
    until_routed(&harness, 2, second.id, Route::Pushed).await;
    let own = harness.post(2, "one's own").await;
    until_routed(&harness, 2, own.id, Route::Pushed).await;
}

#[tokio::test]
async fn an_author_over_the_threshold_is_pulled_and_merged() {
    let harness = Harness::with(FeedSettings { pushed_followers: 1, evicted_bytes: 0, ..FeedSettings::default() });
    for reader in [2, 3] {
        harness.graph.follow(reader, 1);
        harness.graph.follow(reader, 4);
        harness.home_by(FeedMode::Push, reader, page(1, "")).await.expect("a page");
    }
    let before = harness.post(2, "of somebody without followers").await;
    until_routed(&harness, 2, before.id, Route::Pushed).await;
    let celebrated = harness.post(1, "to both").await;
    until_routed(&harness, 2, celebrated.id, Route::Pulled).await;
    let page = harness.home_by(FeedMode::Push, 2, page(9, "")).await.expect("a page");
    let routes = page.entries.iter().map(|entry| entry.explanation.as_ref().expect("asked for").route());
    assert_eq!(routes.collect::<Vec<_>>(), [Route::Pulled, Route::Pushed]);
}

#[tokio::test]
async fn an_author_who_falls_below_the_threshold_is_pushed_again() {
    let settings =
        FeedSettings { pushed_followers: 1, ask_again: Duration::ZERO, evicted_bytes: 0, ..Default::default() };
    let harness = Harness::with(settings);
    for reader in [2, 3] {
        harness.graph.follow(reader, 1);
        harness.home_by(FeedMode::Push, reader, page(1, "")).await.expect("a page");
    }
    let celebrated = harness.post(1, "to both").await;
    until_routed(&harness, 2, celebrated.id, Route::Pulled).await;
    harness.graph.unfollow(3, 1);
    let ordinary = harness.post(1, "to one").await;
    until_routed(&harness, 2, ordinary.id, Route::Pushed).await;
    let page = harness.home_by(FeedMode::Push, 2, page(9, "")).await.expect("a page");
    assert_eq!(ids(&page), [ordinary.id, celebrated.id], "what was not pushed before is there as well");
}

#[tokio::test]
async fn what_was_skipped_after_a_newer_entry_of_others_is_missed() {
    let harness = Harness::with(FeedSettings { push_queue: 2, ..FeedSettings::default() });
    harness.graph.follow(2, 1);
    let first = harness.post(1, "before there is a feed").await;
    until_routed(&harness, 2, first.id, Route::Pushed).await;
    harness.graph.1.is_held.send_replace(true);
    let waiting = harness.post(1, "waits").await;
    for text in ["waits, too", "finds no room"] {
        harness.post(3, text).await;
    }
    until_routed(&harness, 2, waiting.id, Route::UnderWay).await;
    harness.graph.1.is_failing.store(true, std::sync::atomic::Ordering::SeqCst);
    harness.graph.1.is_held.send_replace(false);
    // The feed is built anew as soon as the entry is neither under way nor delivered.
    until_routed(&harness, 2, waiting.id, Route::Pushed).await;
}

#[tokio::test]
async fn a_late_push_brings_nothing_back() {
    let harness = Harness::new();
    harness.graph.follow(2, 1);
    let kept = harness.post(1, "kept").await;
    until_routed(&harness, 2, kept.id, Route::Pushed).await;
    harness.graph.1.is_held.send_replace(true);
    let regretted = harness.post(1, "regretted").await;
    until_routed(&harness, 2, regretted.id, Route::UnderWay).await;
    harness.delete(1, regretted.id).await.expect("deleted");
    until_routed(&harness, 2, kept.id, Route::Pushed).await;
    harness.graph.1.is_held.send_replace(false);
    let last = harness.post(1, "after it").await;
    until_routed(&harness, 2, last.id, Route::Pushed).await;
    let page = harness.home_by(FeedMode::Push, 2, page(9, "")).await.expect("a page");
    assert_eq!(crate::support::ids(&page), [last.id, kept.id]);
}

#[tokio::test]
async fn a_retweet_of_what_answers_a_deleted_tweet_is_in_no_feed_whenever_that_was_deleted() {
    let mut harness = Harness::new();
    harness.graph.follow(2, 1);
    let kept = harness.post(1, "kept").await;
    let question = harness.post(2, "a question").await;
    let answer = harness.reply(1, question.id).await.expect("an answer");
    harness.delete(2, question.id).await.expect("deleted");
    // What was deleted before a start nobody remembers but the store.
    harness.reopen();
    until_routed(&harness, 2, kept.id, Route::Pushed).await;
    assert!(harness.engage(Engagement::Retweet, 1, answer.id, true).await.expect("retweeted").changed);
    let newest = harness.post(1, "the newest").await;
    until_routed(&harness, 2, newest.id, Route::Pushed).await;
    for mode in MODES {
        let page = harness.home_by(mode, 2, page(9, "")).await.expect("a page");
        assert_eq!(crate::support::ids(&page), [newest.id, kept.id], "{mode:?}");
    }
}

#[tokio::test]
async fn a_feed_that_was_put_aside_comes_back_after_a_restart() {
    let mut harness = Harness::with(FeedSettings { feed_entries: 10, ..FeedSettings::default() });
    harness.graph.follow(2, 1);
    let mut expected = Vec::new();
    for _ in 0..15 {
        expected.insert(0, harness.post(1, "text").await.id);
    }
    until_routed(&harness, 2, expected[0], Route::Pushed).await;
    harness.reopen();
    // What was deleted before the feed came back must not come back with it.
    harness.delete(1, expected.remove(3)).await.expect("deleted");
    expected.insert(0, harness.post(1, "meanwhile").await.id);
    for mode in MODES {
        let page = harness.home_by(mode, 2, page(20, "")).await.expect("a page");
        assert_eq!(crate::support::ids(&page), expected, "{mode:?}");
    }
}

#[tokio::test]
async fn active_readers_are_kept_in_the_graph_and_age_out() {
    let mut harness = Harness::new();
    harness.home_by(FeedMode::Push, 7, page(1, "")).await.expect("a page");
    assert!(harness.graph.1.active.lock().contains(7));
    harness.reopen();
    // Once somebody could join, the worker has taken the graph's set over.
    harness.home_by(FeedMode::Push, 6, page(1, "")).await.expect("a page");
    assert!(harness.graph.1.active.lock().contains(7));
    harness.clock.set(crate::support::START_MS + FeedSettings::default().active_window.as_millis() as u64 * 2);
    // Whoever comes makes the worker look.
    harness.home_by(FeedMode::Push, 8, page(1, "")).await.expect("a page");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    for reader in 9.. {
        if !harness.graph.1.active.lock().contains(7) {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "7 has not read for long");
        harness.home_by(FeedMode::Push, reader, page(1, "")).await.expect("a page");
    }
    assert!(harness.graph.1.active.lock().contains(8));
}
