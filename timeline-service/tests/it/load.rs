//! Many tweets at once, for importers.

use base::{Code, UserId};
use proto::timeline::{NotificationsRequest, ResolvedMention};
use timeline_service::{LOAD_TWEETS_MAX, LoadedTweet};

use crate::support::{Harness, ids, page};

fn tweet(author: u32, text: &str) -> LoadedTweet {
    LoadedTweet { author: UserId(author), text: text.to_owned(), mentions: Vec::new() }
}

#[tokio::test]
async fn loaded_tweets_are_as_any_others() {
    let mut harness = Harness::new();
    harness.graph.follow(9, 1);
    harness.graph.follow(9, 2);
    let before = harness.post(1, "before").await;
    let tweets: Vec<_> = (0..600).map(|number| tweet(1 + number % 3, &format!("number {number}"))).collect();
    let loaded = harness.service().load(tweets.clone()).await.expect("loaded");
    let after = harness.post(2, "after").await;
    assert!(loaded.is_sorted_by(|a, b| a < b) && before.id < loaded[0].0 && loaded[599].0 < after.id);
    for _ in 0..2 {
        let all: Vec<u64> = loaded.iter().map(|id| id.0).collect();
        let found = harness.get(&all, None).await.expect("readable");
        for (found, tweet) in found.iter().zip(&tweets) {
            assert_eq!((found.author, &found.text), (tweet.author.0, &tweet.text));
        }
        assert_eq!(found.len(), 600);
        let of = |author: usize| loaded.iter().skip(author - 1).step_by(3).map(|id| id.0);
        let mut expected: Vec<u64> = of(1).chain(of(2)).chain([before.id, after.id]).collect();
        expected.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(ids(&harness.home(9, page(1000, "")).await.expect("a page")), expected);
        let timeline = harness.timeline(3, None, page(1000, "")).await.expect("a page");
        assert_eq!(ids(&timeline), of(3).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>());
        let report = harness.service().check().expect("the check runs");
        assert_eq!((report.tweets, report.findings), (602, vec![]));
        harness.service().settle().expect("settled");
        harness.reopen();
    }
}

#[tokio::test]
async fn nobody_is_notified_of_what_was_loaded() {
    let harness = Harness::new();
    let mentions = vec![ResolvedMention { username: "ada".to_owned(), user: 7 }];
    let mentioning = LoadedTweet { mentions, ..tweet(1, "hello @ada, #hello") };
    let loaded = harness.service().load(vec![mentioning]).await.expect("loaded");
    let found = harness.get(&[loaded[0].0], None).await.expect("readable");
    let entities = found[0].entities.as_ref().expect("entities");
    assert_eq!((entities.mentions[0].user, entities.hashtags[0].tag.as_str()), (7, "hello"));
    let request = NotificationsRequest { user: 7, page: Some(page(10, "")), ..NotificationsRequest::default() };
    let notified = harness.link().notifications(request).await.expect("a page");
    assert_eq!((notified.unread_count, notified.notifications), (0, vec![]));
}

#[tokio::test]
async fn a_load_is_written_whole_or_not_at_all() {
    let harness = Harness::new();
    assert_eq!(harness.service().load(Vec::new()).await.expect("nothing to do"), []);
    let blank = harness.service().load(vec![tweet(1, "fine"), tweet(1, " ")]).await.expect_err("blank");
    let many = harness.service().load(vec![tweet(1, "fine"); LOAD_TWEETS_MAX + 1]).await.expect_err("too many");
    assert_eq!((blank.code(), many.code()), (Code::InvalidArgument, Code::InvalidArgument));
    assert!(ids(&harness.timeline(1, None, page(10, "")).await.expect("a page")).is_empty());
    harness.service().close();
    let late = harness.service().load(vec![tweet(1, "fine")]).await.expect_err("closed");
    assert_eq!(late.code(), Code::Unavailable);
}

#[tokio::test]
async fn loads_and_posts_side_by_side_keep_their_order() {
    let harness = Harness::new();
    let load = || harness.service().load(vec![tweet(1, "many"); LOAD_TWEETS_MAX]);
    let post = || async { harness.post(2, "one").await.id };
    let (a, b, c, one, two) = futures::join!(load(), load(), load(), post(), post());
    let mut all: Vec<u64> = [one, two].into();
    for loaded in [a, b, c] {
        let loaded = loaded.expect("loaded");
        assert!(loaded.is_sorted_by(|a, b| a < b));
        all.extend(loaded.iter().map(|id| id.0));
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 3 * LOAD_TWEETS_MAX + 2);
    let report = harness.service().check().expect("the check runs");
    assert_eq!((report.tweets, report.findings), (all.len() as u64, vec![]));
}
