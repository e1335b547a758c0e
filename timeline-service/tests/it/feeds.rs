//! Feeds, timelines and lists equal those of the model, page by page, down and up again, over random histories.

use base::clock::Clock;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use proto::common::PageRequest;
use proto::timeline::{
    AuthorStatsRequest, CommentsRequest, EngagedRequest, EngagedResponse, Engagement, HomeTimelineRequest, Selection,
    TimelineResponse, UserTimelineRequest,
};

use crate::model::{Engaged, Model, Seen, Shown, Written};
use crate::support::{Harness, page};

pub(crate) const USERS: u32 = 6;
const HOUR_MS: i64 = 3_600_000;

/// One step of a history. Tweets are named by their place among those posted so far.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Post(u32),
    Reply(u32, prop::sample::Index),
    Delete(prop::sample::Index),
    Engage(Engagement, u32, prop::sample::Index),
    Disengage(Engagement, u32, prop::sample::Index),
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

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let user = || 0..USERS;
    let two = || (0..USERS, 0..USERS).prop_filter("two users", |(one, other)| one != other);
    let index = any::<prop::sample::Index>;
    let engagement = || prop_oneof![Just(Engagement::Favorite), Just(Engagement::Retweet)];
    prop_oneof![
        12 => user().prop_map(Step::Post),
        8 => (user(), index()).prop_map(|(user, index)| Step::Reply(user, index)),
        3 => index().prop_map(Step::Delete),
        18 => (engagement(), user(), index()).prop_map(|(what, user, index)| Step::Engage(what, user, index)),
        6 => (engagement(), user(), index()).prop_map(|(what, user, index)| Step::Disengage(what, user, index)),
        8 => two().prop_map(|(one, other)| Step::Follow(one, other)),
        1 => two().prop_map(|(one, other)| Step::Unfollow(one, other)),
        1 => two().prop_map(|(one, other)| Step::Mute(one, other)),
        1 => two().prop_map(|(one, other)| Step::Unmute(one, other)),
        1 => two().prop_map(|(one, other)| Step::Block(one, other)),
        1 => two().prop_map(|(one, other)| Step::Unblock(one, other)),
        2 => (-5_000_i64..5_000).prop_map(Step::Clock),
        // Days to the millisecond: that is where a window ends.
        4 => prop::sample::select(vec![1, 8, 16, 24, 24]).prop_map(|hours| Step::Clock(hours * HOUR_MS)),
        1 => Just(Step::Reopen),
    ]
}

pub(crate) async fn take(step: Step, harness: &mut Harness, model: &mut Model) -> Result<(), TestCaseError> {
    let pick = |model: &Model, index: prop::sample::Index| {
        (!model.tweets.is_empty()).then(|| *index.get(&model.tweets.keys().copied().collect::<Vec<_>>()))
    };
    match step {
        Step::Post(author) => {
            let tweet = harness.post(author, "a tweet").await;
            prop_assert!(model.tweets.keys().chain(model.retweets.keys()).all(|&id| id < tweet.id), "ids rise");
            model.tweets.insert(tweet.id, Written { author, answers: None, deleted: false });
        }
        Step::Reply(author, index) => {
            let Some(answered) = pick(model, index) else { return Ok(()) };
            let target = model.tweets[&answered].clone();
            let blocked = harness.graph.either_blocks(author, target.author);
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
        Step::Engage(what, user, index) => {
            let Some(id) = pick(model, index) else { return Ok(()) };
            engage(what, user, id, true, harness, model).await?;
        }
        Step::Disengage(what, user, index) => {
            // Mostly of what is there.
            let there: Vec<_> = model.engagements(what).values().copied().collect();
            let (user, id) = match pick(model, index) {
                None => return Ok(()),
                Some(_) if !there.is_empty() => {
                    let Engaged { user, tweet } = *index.get(&there);
                    (user, tweet)
                }
                Some(id) => (user, id),
            };
            engage(what, user, id, false, harness, model).await?;
        }
        Step::Block(one, other) => harness.graph.block(one, other),
        Step::Follow(one, other) => harness.graph.follow(one, other),
        Step::Clock(by) => harness.clock.set(harness.clock.now_ms().saturating_add_signed(by)),
        Step::Reopen => harness.reopen(),
        Step::Unfollow(one, other) => harness.graph.unfollow(one, other),
        Step::Mute(one, other) => harness.graph.mute(one, other),
        Step::Unmute(one, other) => harness.graph.unmute(one, other),
        Step::Unblock(one, other) => harness.graph.unblock(one, other),
    }
    Ok(())
}

/// Favorites or retweets, or takes it back, twice: the second time changes nothing.
async fn engage(
    what: Engagement,
    user: u32,
    tweet: u64,
    engaged: bool,
    harness: &Harness,
    model: &mut Model,
) -> Result<(), TestCaseError> {
    let target = model.tweets[&tweet].clone();
    let was = model.engaged(what, tweet).contains(&user);
    let blocked = harness.graph.either_blocks(user, target.author);
    let outcome = harness.engage(what, user, tweet, engaged).await.map_err(|error| error.code());
    if target.deleted {
        prop_assert_eq!(outcome.err(), Some(base::Code::NotFound));
        return Ok(());
    }
    if engaged && blocked {
        prop_assert_eq!(outcome.err(), Some(base::Code::PermissionDenied));
        return Ok(());
    }
    let answer = outcome.expect("allowed");
    prop_assert_eq!(answer.changed, was != engaged);
    if answer.changed && engaged {
        let place = match what {
            // The top of one's own timeline.
            Engagement::Retweet => harness.timeline(user, None, page(1, "")).await.expect("a page").entries[0].id,
            // Any number that rises.
            _ => model.favorites.last_key_value().map_or(0, |(last, _)| last + 1),
        };
        prop_assert!(what != Engagement::Retweet || place > tweet, "a retweet comes after what it retweets");
        model.engagements_mut(what).insert(place, Engaged { user, tweet });
    } else if answer.changed {
        model.engagements_mut(what).retain(|_, other| (other.user, other.tweet) != (user, tweet));
    }
    prop_assert_eq!(answer.tweet.as_ref().map(Seen::from), Some(model.seen(tweet, Some(user))));
    let again = harness.engage(what, user, tweet, engaged).await.expect("so it is already");
    prop_assert_eq!((again.changed, again.tweet), (false, answer.tweet));
    Ok(())
}

/// A page, whatever is on it.
pub(crate) struct Answer<E> {
    entries: Vec<E>,
    next: String,
    previous: String,
}

impl From<TimelineResponse> for Answer<Shown> {
    fn from(response: TimelineResponse) -> Self {
        let TimelineResponse { entries, next_cursor: next, prev_cursor: previous, .. } = response;
        Answer { entries: entries.iter().map(Shown::from).collect(), next, previous }
    }
}

impl From<EngagedResponse> for Answer<u32> {
    fn from(response: EngagedResponse) -> Self {
        Answer { entries: response.users, next: response.next_cursor, previous: response.prev_cursor }
    }
}

/// Walks a list to its end and back, and compares every page with `expected`.
pub(crate) async fn walk<E, F, R, P>(expected: &[E], limit: usize, read: F) -> Result<(), TestCaseError>
where
    E: PartialEq + std::fmt::Debug,
    F: Fn(PageRequest) -> R,
    R: Future<Output = Result<P, base::Error>>,
    P: Into<Answer<E>>,
{
    let read = async |cursor: &str| -> Answer<E> { read(page(limit as u32, cursor)).await.expect("a page").into() };
    let mut cursor = String::new();
    let pages: Vec<&[E]> = if expected.is_empty() { vec![&[]] } else { expected.chunks(limit).collect() };
    let mut last = Answer { entries: vec![], next: String::new(), previous: String::new() };
    for (number, page) in pages.iter().enumerate() {
        last = read(&cursor).await;
        prop_assert_eq!(&last.entries[..], *page, "page {} down", number);
        prop_assert_eq!(last.previous.is_empty(), number == 0, "page {} down", number);
        prop_assert_eq!(last.next.is_empty(), number + 1 == pages.len(), "page {} down", number);
        cursor = last.next.clone();
    }
    let mut rest = &expected[..expected.len() - last.entries.len()];
    while !rest.is_empty() {
        let (before, page) = rest.split_at(rest.len().saturating_sub(limit));
        last = read(&last.previous).await;
        prop_assert_eq!(&last.entries[..], page, "up");
        prop_assert_eq!(last.previous.is_empty(), before.is_empty(), "up");
        let below = read(&last.next).await;
        let lower = &expected[rest.len()..];
        prop_assert_eq!(&below.entries[..], &lower[..lower.len().min(limit)], "down again");
        rest = before;
    }
    Ok(())
}

async fn compare(harness: &Harness, model: &Model, limit: usize) -> Result<(), TestCaseError> {
    for user in 0..USERS {
        compare_home(harness, model, limit, user).await?;
        for viewer in [None, Some(user), Some((user + 1) % USERS)] {
            compare_timelines(harness, model, limit, user, viewer).await?;
        }
    }
    for (number, &id) in model.tweets.keys().enumerate() {
        let viewer = [None, Some(number as u32 % USERS)][number % 2];
        compare_lists(harness, model, limit, id, viewer).await?;
    }
    let report = harness.service().check().expect("the check runs");
    let live = model.living(|_, _| true).len() as u64;
    prop_assert_eq!((report.tweets, report.findings), (live, vec![]));
    let mut all: Vec<u64> = model.tweets.keys().copied().collect();
    all.extend(model.retweets.keys());
    let edges = harness.graph.0.lock().clone();
    for viewer in [None, Some(0)] {
        let found = harness.get(&all, viewer).await.expect("tweets");
        let sees = |author: u32| viewer.is_none_or(|viewer| !edges.blocks.contains(&(author, viewer)));
        let expected = model.living(|_, tweet| sees(tweet.author));
        let expected: Vec<_> = expected.iter().rev().map(|place| model.seen(place.id, viewer)).collect();
        prop_assert_eq!(found.iter().map(Seen::from).collect::<Vec<_>>(), expected);
    }
    let request = AuthorStatsRequest { users: (0..USERS).collect() };
    let stats = harness.link().author_stats(request).await.expect("stats").stats;
    let counts: Vec<_> = (0..USERS).map(|user| model.tweets_count(user)).collect();
    prop_assert_eq!(stats.iter().map(|stats| stats.tweets_count).collect::<Vec<_>>(), counts);
    Ok(())
}

async fn compare_home(harness: &Harness, model: &Model, limit: usize, user: u32) -> Result<(), TestCaseError> {
    let edges = harness.graph.0.lock().clone();
    let expected = model.shown(model.home(user, &edges), Some(user));
    walk(&expected, limit, async |page| harness.home(user, page).await).await?;
    for (page_number, expected) in (1..).zip(expected.chunks(limit)) {
        let page = Some(page(limit as u32, ""));
        let request = HomeTimelineRequest { user, page, page_number, ..HomeTimelineRequest::default() };
        let numbered = Answer::from(harness.link().home_timeline(request).await.expect("a page"));
        prop_assert_eq!(&numbered.entries[..], expected, "page number {}", page_number);
    }
    Ok(())
}

async fn compare_timelines(
    harness: &Harness,
    model: &Model,
    limit: usize,
    user: u32,
    viewer: Option<u32>,
) -> Result<(), TestCaseError> {
    let edges = harness.graph.0.lock().clone();
    for selection in [Selection::Unspecified, Selection::Favorited, Selection::Favorites, Selection::Activity] {
        let expected = model.shown(model.timeline(user, selection, viewer, &edges), viewer);
        let request = UserTimelineRequest { user, viewer, selection: selection.into(), ..Default::default() };
        walk(&expected, limit, async |page| {
            harness.link().user_timeline(UserTimelineRequest { page: Some(page), ..request.clone() }).await
        })
        .await?;
    }
    Ok(())
}

async fn compare_lists(
    harness: &Harness,
    model: &Model,
    limit: usize,
    id: u64,
    viewer: Option<u32>,
) -> Result<(), TestCaseError> {
    let edges = harness.graph.0.lock().clone();
    let request = CommentsRequest { id, viewer, ..CommentsRequest::default() };
    let comments = model.comments(id, viewer, &edges);
    let exists = comments.is_some();
    match comments {
        Some(comments) => {
            walk(&model.shown(comments, viewer), limit, async |page| {
                harness.link().comments(CommentsRequest { page: Some(page), ..request.clone() }).await
            })
            .await?;
        }
        None => {
            let refused = harness.link().comments(request).await.map_err(|error| error.code());
            prop_assert_eq!(refused, Err(base::Code::NotFound));
        }
    }
    for what in [Engagement::Favorite, Engagement::Retweet] {
        let request = EngagedRequest { engagement: what.into(), id, viewer, ..EngagedRequest::default() };
        if exists && !model.tweets[&id].deleted {
            walk(&model.engaged(what, id), limit, async |page| {
                harness.link().engaged(EngagedRequest { page: Some(page), ..request.clone() }).await
            })
            .await?;
        } else {
            let refused = harness.link().engaged(request).await.map_err(|error| error.code());
            prop_assert_eq!(refused, Err(base::Code::NotFound));
        }
    }
    Ok(())
}

#[test]
fn every_page_is_that_of_the_model() {
    let mut empty = Harness::new();
    empty.close();
    let config = ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::with_source_file(file!()) };
    let histories = (prop::collection::vec(step(), 1..120), 1_usize..8);
    let outcome = TestRunner::new(config).run(&histories, |(steps, limit)| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut harness = Harness::copy_of(empty.path());
            let mut model = Model::default();
            for step in steps {
                take(step, &mut harness, &mut model).await?;
            }
            compare(&harness, &model, limit).await?;
            harness.reopen();
            compare(&harness, &model, limit).await
        })
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
