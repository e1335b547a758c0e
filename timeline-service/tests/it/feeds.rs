//! Feeds and timelines equal those of the model, page by page, down and up again, over random histories.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use proto::timeline::{AuthorStatsRequest, HomeTimelineRequest, TimelineResponse};

use crate::model::{Model, Written};
use crate::support::{Harness, ids, page};

const USERS: u32 = 6;

/// One step of a history. Tweets are named by their place among those posted so far.
#[derive(Clone, Debug)]
enum Step {
    Post(u32),
    Reply(u32, prop::sample::Index),
    Delete(prop::sample::Index),
    Follow(u32, u32),
    Unfollow(u32, u32),
    Mute(u32, u32),
    Unmute(u32, u32),
    Block(u32, u32),
    Unblock(u32, u32),
    /// Moves the clock, back too.
    Clock(i64),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let user = || 0..USERS;
    let two = || (0..USERS, 0..USERS).prop_filter("two users", |(one, other)| one != other);
    prop_oneof![
        12 => user().prop_map(Step::Post),
        8 => (user(), any::<prop::sample::Index>()).prop_map(|(user, index)| Step::Reply(user, index)),
        3 => any::<prop::sample::Index>().prop_map(Step::Delete),
        8 => two().prop_map(|(one, other)| Step::Follow(one, other)),
        1 => two().prop_map(|(one, other)| Step::Unfollow(one, other)),
        1 => two().prop_map(|(one, other)| Step::Mute(one, other)),
        1 => two().prop_map(|(one, other)| Step::Unmute(one, other)),
        1 => two().prop_map(|(one, other)| Step::Block(one, other)),
        1 => two().prop_map(|(one, other)| Step::Unblock(one, other)),
        2 => (-5_000_i64..5_000).prop_map(Step::Clock),
        1 => Just(Step::Reopen),
    ]
}

async fn take(step: Step, harness: &mut Harness, model: &mut Model) -> Result<(), TestCaseError> {
    let pick = |model: &Model, index: prop::sample::Index| {
        (!model.tweets.is_empty()).then(|| *index.get(&model.tweets.keys().copied().collect::<Vec<_>>()))
    };
    match step {
        Step::Post(author) => {
            let tweet = harness.post(author, "a tweet").await;
            prop_assert!(model.tweets.keys().all(|&id| id < tweet.id), "ids rise");
            model.tweets.insert(tweet.id, Written { author, answers: None, deleted: false });
        }
        Step::Reply(author, index) => {
            let Some(answered) = pick(model, index) else { return Ok(()) };
            let target = model.tweets[&answered].clone();
            let edges = harness.graph.0.lock().clone();
            let blocked = [(author, target.author), (target.author, author)];
            let blocked = blocked.iter().any(|pair| edges.blocks.contains(pair));
            let outcome = harness.reply(author, answered).await.map_err(|error| error.code());
            match outcome {
                Ok(tweet) => {
                    prop_assert!(!target.deleted && !blocked);
                    prop_assert_eq!((tweet.in_reply_to, tweet.in_reply_to_author), (answered, target.author));
                    let answers = Some((answered, target.author));
                    model.tweets.insert(tweet.id, Written { author, answers, deleted: false });
                }
                Err(base::Code::NotFound) => prop_assert!(target.deleted),
                Err(code) => prop_assert_eq!((code, blocked), (base::Code::PermissionDenied, true)),
            }
        }
        Step::Delete(index) => {
            let Some(id) = pick(model, index) else { return Ok(()) };
            let tweet = model.tweets.get_mut(&id).expect("picked from the model");
            let changed = harness.delete(tweet.author, id).await.expect("ones own can be deleted");
            prop_assert_eq!(changed, !tweet.deleted);
            tweet.deleted = true;
        }
        Step::Block(one, other) => harness.graph.block(one, other),
        Step::Follow(one, other) => harness.graph.follow(one, other),
        Step::Clock(by) => harness.clock.set(base::clock::Clock::now_ms(&*harness.clock).saturating_add_signed(by)),
        Step::Reopen => harness.reopen(),
        Step::Unfollow(one, other) => harness.graph.unfollow(one, other),
        Step::Mute(one, other) => harness.graph.mute(one, other),
        Step::Unmute(one, other) => harness.graph.unmute(one, other),
        Step::Unblock(one, other) => harness.graph.unblock(one, other),
    }
    Ok(())
}

/// Walks a timeline to its end and back, and compares every page with `expected`.
async fn walk<F, R>(expected: &[u64], limit: usize, read: F) -> Result<(), TestCaseError>
where
    F: Fn(String) -> R,
    R: Future<Output = TimelineResponse>,
{
    let mut cursor = String::new();
    let pages: Vec<&[u64]> = if expected.is_empty() { vec![&[]] } else { expected.chunks(limit).collect() };
    let mut last = TimelineResponse::default();
    for (number, page) in pages.iter().enumerate() {
        last = read(cursor).await;
        prop_assert_eq!(&ids(&last)[..], *page, "page {} down", number);
        prop_assert_eq!(last.prev_cursor.is_empty(), number == 0, "page {} down", number);
        prop_assert_eq!(last.next_cursor.is_empty(), number + 1 == pages.len(), "page {} down", number);
        cursor = last.next_cursor.clone();
    }
    let mut rest = &expected[..expected.len() - ids(&last).len()];
    while !rest.is_empty() {
        let (before, page) = rest.split_at(rest.len().saturating_sub(limit));
        last = read(last.prev_cursor).await;
        prop_assert_eq!(&ids(&last)[..], page, "up");
        prop_assert_eq!(last.prev_cursor.is_empty(), before.is_empty(), "up");
        let below = read(last.next_cursor.clone()).await;
        let lower = &expected[rest.len()..];
        prop_assert_eq!(&ids(&below)[..], &lower[..lower.len().min(limit)], "down again");
        rest = before;
    }
    Ok(())
}

async fn compare(harness: &Harness, model: &Model, limit: usize) -> Result<(), TestCaseError> {
    let edges = harness.graph.0.lock().clone();
    let limit_on_wire = limit as u32;
    for user in 0..USERS {
        let home = model.home(user, &edges);
        walk(&home, limit, async |cursor| harness.home(user, page(limit_on_wire, &cursor)).await.expect("a page"))
            .await?;
        for (number, expected) in (1..).zip(home.chunks(limit)) {
            let request = HomeTimelineRequest {
                user,
                page: Some(page(limit_on_wire, "")),
                page_number: number,
                ..HomeTimelineRequest::default()
            };
            let numbered = harness.link().home_timeline(request).await.expect("a page");
            prop_assert_eq!(&ids(&numbered)[..], expected, "page number {}", number);
        }
        walk(&model.of(user), limit, async |cursor| {
            harness.timeline(user, None, page(limit_on_wire, &cursor)).await.expect("a page")
        })
        .await?;
    }
    let report = harness.service().check().expect("the check runs");
    let live = model.tweets.values().filter(|tweet| !tweet.deleted).count() as u64;
    prop_assert_eq!((report.tweets, report.findings), (live, vec![]));
    let all: Vec<u64> = model.tweets.keys().copied().collect();
    let found = harness.get(&all, None).await.expect("tweets");
    let expected: Vec<_> = model.tweets.iter().filter(|(_, tweet)| !tweet.deleted).map(|(id, _)| *id).collect();
    prop_assert_eq!(found.iter().map(|tweet| tweet.id).collect::<Vec<_>>(), expected);
    for tweet in found {
        prop_assert_eq!(tweet.comments_count, model.comments(tweet.id));
    }
    let request = AuthorStatsRequest { users: (0..USERS).collect() };
    let stats = harness.link().author_stats(request).await.expect("stats").stats;
    let counts: Vec<_> = (0..USERS).map(|user| model.of(user).len() as u64).collect();
    prop_assert_eq!(stats.iter().map(|stats| stats.tweets_count).collect::<Vec<_>>(), counts);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_page_is_that_of_the_model(steps in prop::collection::vec(step(), 1..90), limit in 1_usize..8) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut harness = Harness::new();
            let mut model = Model::default();
            for step in steps {
                take(step, &mut harness, &mut model).await?;
            }
            compare(&harness, &model, limit).await?;
            harness.reopen();
            compare(&harness, &model, limit).await
        })?;
    }
}
