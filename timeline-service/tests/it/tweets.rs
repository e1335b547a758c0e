//! Posting, deleting and getting tweets; what is refused, and with which code and field.

use std::sync::atomic::Ordering;

use base::{Code, Error, TweetId, limits};
use proto::timeline::{CreateTweetRequest, ResolvedMention, Tweet};

use crate::support::{Harness, START_MS, ids, new, page};

fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (Code, Option<String>) {
    let error = outcome.expect_err("refused");
    (error.code(), error.field().map(str::to_owned))
}

fn naming(code: Code, field: &str) -> (Code, Option<String>) {
    (code, Some(field.to_owned()))
}

#[tokio::test]
async fn a_tweet_comes_back_as_it_was_posted() {
    let harness = Harness::new();
    let mentions = vec![ResolvedMention { username: "ada".to_owned(), user: 7 }];
    let text = "👋🏽 @Ada, @nobody: #hello https://example.org!";
    let tweet = harness.create(CreateTweetRequest { mentions, ..new(3, text) }).await.expect("posted");
    assert_eq!((tweet.author, tweet.text.as_str(), tweet.created_at_ms), (3, text, START_MS));
    assert_eq!((tweet.in_reply_to, tweet.comments_count), (0, 0));
    let entities = tweet.entities.clone().expect("entities");
    assert_eq!(entities.mentions.iter().map(|mention| mention.user).collect::<Vec<_>>(), [7]);
    assert_eq!(entities.mentions[0].span.map(|span| (span.start, span.end)), Some((3, 7)));
    assert_eq!((entities.hashtags.len(), entities.urls.len()), (1, 1));
    assert_eq!(harness.get(&[tweet.id], None).await.expect("found"), [tweet]);
}

fn mentioned(tweet: &Tweet) -> Vec<u32> {
    let entities = tweet.entities.as_ref().expect("entities");
    entities.mentions.iter().map(|mention| mention.user).collect()
}

#[tokio::test]
async fn whoever_blocks_the_author_is_not_mentioned() {
    // Only the api looked: whoever called the service itself could mention people who block them.
    let harness = Harness::new();
    harness.graph.block(2, 1);
    harness.graph.block(1, 3);
    let tweet = harness.mention(1, 0, &[1, 2, 3, 4, 2]).await.expect("posted");
    assert_eq!(mentioned(&tweet), [1, 3, 4]);
    assert_eq!(harness.get(&[tweet.id], None).await.expect("found"), [tweet]);
    harness.graph.unblock(2, 1);
    assert_eq!(harness.inbox(2).await.notifications, [], "nobody hears later of what was no mention");
    assert_eq!(mentioned(&harness.mention(1, 0, &[2]).await.expect("posted")), [2]);
}

#[tokio::test]
async fn the_graph_is_asked_once_for_all_mentions_and_not_where_there_are_none() {
    let harness = Harness::new();
    let asked = || harness.graph.1.blocking_asked.swap(0, Ordering::SeqCst);
    let ada = vec![ResolvedMention { username: "ada".to_owned(), user: 7 }];
    let request = CreateTweetRequest { mentions: ada, idempotency_key: "key".to_owned(), ..new(1, "hello @ada") };
    let tweet = harness.create(request.clone()).await.expect("posted");
    assert_eq!((mentioned(&tweet), asked()), (vec![7], 1));
    harness.mention(1, tweet.id, &[2, 3, 4, 1]).await.expect("posted");
    assert_eq!(asked(), 1);
    // Nobody, oneself alone, and somebody whom the text does not name.
    harness.post(1, "nobody").await;
    harness.mention(1, 0, &[1]).await.expect("posted");
    harness
        .create(CreateTweetRequest { text: "no name".to_owned(), idempotency_key: String::new(), ..request.clone() })
        .await
        .expect("posted");
    // What was posted stays as it was, whoever blocks whom since.
    harness.graph.block(7, 1);
    assert_eq!(mentioned(&harness.create(request).await.expect("answered")), [7]);
    assert_eq!(asked(), 0);
}

#[tokio::test]
async fn what_cannot_be_posted_names_the_field() {
    let harness = Harness::new();
    let post = async |request| refused(harness.create(request).await);
    assert_eq!(post(new(1, " \n")).await, naming(Code::InvalidArgument, "text"));
    assert_eq!(post(new(1, &"é".repeat(141))).await, naming(Code::InvalidArgument, "text"));
    assert_eq!(post(new(1, "a\u{7}")).await, naming(Code::InvalidArgument, "text"));
    let idempotency_key = "k".repeat(limits::NAME_MAX_BYTES + 1);
    let request = CreateTweetRequest { idempotency_key, ..new(1, "text") };
    assert_eq!(post(request).await, naming(Code::InvalidArgument, "idempotency_key"));
    let mentions = vec![ResolvedMention::default(); 141];
    assert_eq!(
        post(CreateTweetRequest { mentions, ..new(1, "text") }).await,
        naming(Code::InvalidArgument, "mentions")
    );
    let request = CreateTweetRequest { in_reply_to: u64::MAX, ..new(1, "text") };
    assert_eq!(post(request).await, naming(Code::NotFound, "in_reply_to"));
    let too_many = vec![1; limits::TWEETS_BATCH_MAX + 1];
    assert_eq!(refused(harness.get(&too_many, None).await), naming(Code::InvalidArgument, "ids"));
    assert_eq!(refused(harness.home(1, page(1001, "")).await), naming(Code::InvalidArgument, "page.limit"));
    assert_eq!(refused(harness.home(1, page(5, "x")).await), naming(Code::InvalidArgument, "page.cursor"));
}

#[tokio::test]
async fn a_cursor_of_a_feed_is_none_of_a_timeline() {
    let harness = Harness::new();
    for _ in 0..3 {
        harness.post(1, "text").await;
    }
    let cursor = harness.home(1, page(1, "")).await.expect("a page").next_cursor;
    assert_eq!(
        refused(harness.timeline(1, None, page(1, &cursor)).await),
        naming(Code::InvalidArgument, "page.cursor")
    );
}

#[tokio::test]
async fn only_the_author_deletes_and_only_once() {
    let harness = Harness::new();
    let tweet = harness.post(1, "a secret").await;
    let other = harness.post(1, "another").await;
    assert_eq!(refused(harness.delete(2, tweet.id).await), (Code::PermissionDenied, None));
    assert_eq!(refused(harness.delete(1, tweet.id + 1).await), naming(Code::NotFound, "id"));
    assert!(harness.delete(1, tweet.id).await.expect("deleted"));
    assert!(!harness.delete(1, tweet.id).await.expect("no error"));
    assert_eq!(refused(harness.delete(2, tweet.id).await), (Code::PermissionDenied, None));
    assert_eq!(harness.get(&[tweet.id, other.id, 17], None).await.expect("found"), std::slice::from_ref(&other));
    assert_eq!(ids(&harness.home(1, page(5, "")).await.expect("a page")), [other.id]);
    assert_eq!(refused(harness.reply(2, tweet.id).await), naming(Code::NotFound, "in_reply_to"));
}

#[tokio::test]
async fn comments_of_a_deleted_tweet_leave_every_feed_and_stay_with_their_author() {
    // A comment whose answered tweet was deleted went on being shown in home feeds.
    let mut harness = Harness::new();
    harness.graph.follow(2, 1);
    harness.graph.follow(3, 1);
    harness.graph.follow(3, 2);
    let tweet = harness.post(1, "a question").await;
    let answer = harness.reply(2, tweet.id).await.expect("posted");
    let nested = harness.reply(1, answer.id).await.expect("posted");
    let own = harness.reply(1, tweet.id).await.expect("posted");
    let feed = async |harness: &Harness, user| ids(&harness.home(user, page(9, "")).await.expect("a page"));
    assert_eq!(feed(&harness, 3).await, [own.id, nested.id, answer.id, tweet.id]);
    let top = harness.home(3, page(1, "")).await.expect("a page");
    assert_eq!(ids(&top), [own.id]);

    harness.delete(1, tweet.id).await.expect("deleted");
    let below = harness.home(3, page(1, &top.next_cursor)).await.expect("a page from a hidden place on");
    assert_eq!(ids(&below), [nested.id]);
    assert_eq!((below.next_cursor.as_str(), below.prev_cursor.as_str()), ("", ""), "neither side has anything to show");
    harness.reopen();
    for reader in [3, 2] {
        assert_eq!(feed(&harness, reader).await, [nested.id], "what answers the comment is not under the tombstone");
    }
    assert_eq!(ids(&harness.timeline(2, None, page(9, "")).await.expect("a page")), [answer.id]);
    let found = harness.get(&[answer.id], Some(3)).await.expect("found");
    assert_eq!(found.iter().map(|tweet| (tweet.id, tweet.in_reply_to)).collect::<Vec<_>>(), [(answer.id, tweet.id)]);
}

#[tokio::test]
async fn an_idempotency_key_makes_one_tweet() {
    let mut harness = Harness::new();
    let keyed = |author, text| CreateTweetRequest { idempotency_key: "key".to_owned(), ..new(author, text) };
    let first = harness.create(keyed(1, "once")).await.expect("posted");
    assert_eq!(harness.create(keyed(1, "once")).await.expect("answered"), first);
    assert_eq!(refused(harness.create(keyed(1, "twice")).await), naming(Code::AlreadyExists, "idempotency_key"));
    assert_ne!(harness.create(keyed(2, "once")).await.expect("another author's").id, first.id);
    harness.reopen();
    assert_eq!(harness.create(keyed(1, "once")).await.expect("answered after a restart"), first);
    assert!(harness.delete(1, first.id).await.expect("deleted"));
    assert_eq!(refused(harness.create(keyed(1, "once")).await), naming(Code::NotFound, "idempotency_key"));
}

#[tokio::test]
async fn a_repeated_comment_is_answered_whatever_happened_since() {
    let harness = Harness::new();
    let tweet = harness.post(1, "a question").await;
    let request =
        CreateTweetRequest { in_reply_to: tweet.id, idempotency_key: "key".to_owned(), ..new(2, "an answer") };
    let answer = harness.create(request.clone()).await.expect("posted");
    harness.graph.block(1, 2);
    harness.delete(1, tweet.id).await.expect("deleted");
    assert_eq!(harness.create(request).await.expect("answered"), answer);
}

#[tokio::test]
async fn a_block_keeps_comments_and_looks_away() {
    let harness = Harness::new();
    let blocker = harness.post(1, "of the one who blocks").await;
    let blocked = harness.post(2, "of the one who is blocked").await;
    harness.graph.block(1, 2);
    assert_eq!(refused(harness.reply(2, blocker.id).await), (Code::PermissionDenied, None));
    assert_eq!(refused(harness.reply(1, blocked.id).await), (Code::PermissionDenied, None));
    harness.reply(3, blocker.id).await.expect("no block here");

    let both = [blocker.id, blocked.id];
    let seen = async |viewer| {
        let tweets = harness.get(&both, viewer).await.expect("tweets");
        tweets.iter().map(|tweet| tweet.author).collect::<Vec<_>>()
    };
    assert_eq!(seen(Some(2)).await, [2]);
    assert_eq!(seen(Some(1)).await, [1, 2]);
    assert_eq!(seen(None).await, [1, 2]);
    let timeline = async |viewer| ids(&harness.timeline(1, viewer, page(5, "")).await.expect("a page"));
    assert_eq!(timeline(Some(2)).await, [0; 0]);
    assert_eq!(timeline(Some(1)).await, [blocker.id]);
    assert_eq!(timeline(Some(3)).await, [blocker.id]);
}

#[tokio::test]
async fn nobody_moves_the_clock_of_all_tweets() {
    // A known idempotency key sent with a made-up in_reply_to used up the ids of everybody: the next tweets were dated
    // 2095, and after a few more nothing could be posted at all.
    let harness = Harness::new();
    let keyed = || CreateTweetRequest { idempotency_key: "key".to_owned(), ..new(1, "text") };
    harness.create(keyed()).await.expect("posted");
    for made_up in [u64::MAX >> 1, ((1 << 50) - 2) << 13, 1 << 62] {
        let request = CreateTweetRequest { in_reply_to: made_up, ..keyed() };
        assert_eq!(refused(harness.create(request).await), naming(Code::AlreadyExists, "idempotency_key"));
        let request = CreateTweetRequest { in_reply_to: made_up, ..new(1, "text") };
        assert_eq!(refused(harness.create(request).await), naming(Code::NotFound, "in_reply_to"));
        assert_eq!(harness.post(2, "text").await.created_at_ms, START_MS);
    }
}

#[tokio::test]
async fn ids_rise_across_restarts_and_steps_of_the_clock() {
    let mut harness = Harness::new();
    let mut last = 0;
    for now_ms in [START_MS, START_MS - 3_600_000, 0, START_MS + 1, START_MS] {
        harness.clock.set(now_ms);
        for author in [8191, 0] {
            let tweet = harness.post(author, "text").await;
            assert!(tweet.id > last, "{} is not greater than {last}", tweet.id);
            let answer = harness.reply(0, tweet.id).await.expect("posted");
            assert!(answer.id > tweet.id);
            last = answer.id;
        }
        harness.reopen();
    }
    assert_eq!(TweetId(last).slot().0, 0);
}
