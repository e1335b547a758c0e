//! Favorites, retweets and places: what is refused, what blocks do, and what a delete leaves.

use base::{Code, Error};
use proto::timeline::{
    CommentsRequest, CreateTweetRequest, EngageRequest, EngagedRequest, Engagement, Entry, Place, Selection,
    UserTimelineRequest,
};

use crate::support::{Harness, ids, new, page};

const HOUR_MS: u64 = 3_600_000;

fn refused<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (Code, Option<String>) {
    let error = outcome.expect_err("refused");
    (error.code(), error.field().map(str::to_owned))
}

fn naming(code: Code, field: &str) -> (Code, Option<String>) {
    (code, Some(field.to_owned()))
}

/// The entries of a home feed: which tweet, and who retweeted it.
async fn home(harness: &Harness, user: u32) -> Vec<(u64, Option<u32>)> {
    let response = harness.home(user, page(50, "")).await.expect("a page");
    let entry = |entry: &Entry| (entry.tweet.as_ref().expect("an entry has its tweet").id, entry.retweeter);
    response.entries.iter().map(entry).collect()
}

fn later(harness: &Harness, by_ms: u64) {
    harness.clock.set(base::clock::Clock::now_ms(&*harness.clock) + by_ms);
}

#[tokio::test]
async fn what_cannot_be_engaged_with_names_the_field() {
    let harness = Harness::new();
    let tweet = harness.post(1, "text").await;
    let unknown = |engagement| EngageRequest { engagement, id: tweet.id, user: 2, engaged: true };
    for number in [0, 7] {
        assert_eq!(refused(harness.link().engage(unknown(number)).await), naming(Code::InvalidArgument, "engagement"));
        let request = EngagedRequest { engagement: number, id: tweet.id, ..EngagedRequest::default() };
        assert_eq!(refused(harness.link().engaged(request).await), naming(Code::InvalidArgument, "engagement"));
    }
    let nothing = [tweet.id + 1, 0, u64::MAX];
    for id in nothing {
        for engaged in [true, false] {
            let outcome = harness.engage(Engagement::Favorite, 2, id, engaged).await;
            assert_eq!(refused(outcome), naming(Code::NotFound, "id"));
        }
        let request = EngagedRequest { engagement: 1, id, ..EngagedRequest::default() };
        assert_eq!(refused(harness.link().engaged(request).await), naming(Code::NotFound, "id"));
        let request = CommentsRequest { id, ..CommentsRequest::default() };
        assert_eq!(refused(harness.link().comments(request).await), naming(Code::NotFound, "id"));
    }
    let selection = UserTimelineRequest { user: 1, selection: 9, ..UserTimelineRequest::default() };
    assert_eq!(refused(harness.link().user_timeline(selection).await), naming(Code::InvalidArgument, "selection"));
}

#[tokio::test]
async fn a_retweet_is_a_place_and_no_tweet() {
    let harness = Harness::new();
    let tweet = harness.post(1, "text").await;
    harness.engage(Engagement::Retweet, 2, tweet.id, true).await.expect("retweeted");
    let place = harness.timeline(2, None, page(5, "")).await.expect("a page").entries.remove(0);
    assert_eq!((place.tweet.map(|tweet| tweet.id), place.retweeter), (Some(tweet.id), Some(2)));
    assert!(place.id > tweet.id);
    assert_eq!(harness.get(&[place.id], None).await.expect("read"), []);
    assert_eq!(refused(harness.delete(2, place.id).await), naming(Code::NotFound, "id"));
    assert_eq!(refused(harness.reply(2, place.id).await), naming(Code::NotFound, "in_reply_to"));
    let outcome = harness.engage(Engagement::Favorite, 2, place.id, true).await;
    assert_eq!(refused(outcome), naming(Code::NotFound, "id"));
}

#[tokio::test]
async fn a_cursor_of_favorites_is_none_of_a_timeline() {
    let harness = Harness::new();
    for _ in 0..2 {
        let tweet = harness.post(1, "text").await;
        harness.engage(Engagement::Favorite, 1, tweet.id, true).await.expect("favorited");
    }
    let read = async |selection: Selection, cursor: &str| {
        let page = Some(page(1, cursor));
        let request = UserTimelineRequest { user: 1, page, selection: selection.into(), ..Default::default() };
        harness.link().user_timeline(request).await
    };
    let cursor = read(Selection::Favorites, "").await.expect("a page").next_cursor;
    read(Selection::Favorites, &cursor).await.expect("the next page");
    for selection in [Selection::Unspecified, Selection::Favorited, Selection::Activity] {
        assert_eq!(refused(read(selection, &cursor).await), naming(Code::InvalidArgument, "page.cursor"));
    }
}

#[tokio::test]
async fn a_block_refuses_what_is_new_and_keeps_what_was() {
    let harness = Harness::new();
    let tweet = harness.post(1, "text").await;
    harness.engage(Engagement::Favorite, 2, tweet.id, true).await.expect("favorited");
    harness.engage(Engagement::Favorite, 3, tweet.id, true).await.expect("favorited");
    harness.graph.block(1, 2);
    harness.graph.block(3, 1);
    for user in [2, 3] {
        let outcome = harness.engage(Engagement::Retweet, user, tweet.id, true).await;
        assert_eq!(refused(outcome), (Code::PermissionDenied, None));
        let hidden = user == 2;
        let again = harness.engage(Engagement::Favorite, user, tweet.id, true).await.expect("it was so before");
        assert_eq!((again.changed, again.tweet.is_none()), (false, hidden));
        let back = harness.engage(Engagement::Favorite, user, tweet.id, false).await.expect("always allowed");
        assert_eq!((back.changed, back.tweet.is_none()), (true, hidden));
    }
    let request = EngagedRequest { engagement: 1, id: tweet.id, viewer: Some(2), ..EngagedRequest::default() };
    assert_eq!(refused(harness.link().engaged(request).await), naming(Code::NotFound, "id"));
    let request = CommentsRequest { id: tweet.id, viewer: Some(2), ..CommentsRequest::default() };
    assert_eq!(refused(harness.link().comments(request).await), naming(Code::NotFound, "id"));
}

#[tokio::test]
async fn a_page_is_full_however_much_of_it_a_block_leaves_out() {
    let harness = Harness::new();
    let (blocker, other) = (harness.post(1, "not for everybody").await, harness.post(2, "for everybody").await);
    for id in [other.id, blocker.id] {
        harness.engage(Engagement::Retweet, 3, id, true).await.expect("retweeted");
    }
    harness.graph.block(1, 9);
    let first = harness.timeline(3, Some(9), page(1, "")).await.expect("a page");
    assert_eq!((ids(&first), first.next_cursor.as_str()), (vec![other.id], ""));
    assert_eq!(ids(&harness.timeline(3, None, page(1, "")).await.expect("a page")), [blocker.id]);
    assert_eq!(ids(&harness.timeline(1, Some(9), page(1, "")).await.expect("a page")), [0; 0]);
}

#[tokio::test]
async fn a_delete_takes_its_retweets_along_and_leaves_its_comments_under_a_tombstone() {
    let mut harness = Harness::new();
    harness.graph.follow(9, 2);
    let tweet = harness.post(1, "text").await;
    let answer = harness.reply(3, tweet.id).await.expect("posted");
    for engagement in [Engagement::Favorite, Engagement::Retweet] {
        harness.engage(engagement, 2, tweet.id, true).await.expect("done");
    }
    assert_eq!(home(&harness, 9).await, [(tweet.id, Some(2))]);
    harness.delete(1, tweet.id).await.expect("deleted");
    for _ in 0..2 {
        assert_eq!(home(&harness, 9).await, []);
        for selection in 0..4 {
            let request = UserTimelineRequest { user: 2, selection, ..UserTimelineRequest::default() };
            let response = harness.link().user_timeline(request).await.expect("a page");
            assert_eq!(ids(&response), [0; 0], "selection {selection}");
        }
        let request = CommentsRequest { id: tweet.id, ..CommentsRequest::default() };
        assert_eq!(ids(&harness.link().comments(request).await.expect("a page")), [answer.id]);
        let back = harness.engage(Engagement::Retweet, 2, tweet.id, false).await;
        assert_eq!(refused(back), naming(Code::NotFound, "id"));
        assert_eq!(harness.service().check().expect("the check runs").findings, [""; 0]);
        harness.reopen();
    }
}

#[tokio::test]
async fn a_tweet_that_many_retweet_shows_once_a_day() {
    let harness = Harness::new();
    for followee in [2, 3, 4] {
        harness.graph.follow(9, followee);
    }
    let tweet = harness.post(1, "of a stranger").await;
    harness.engage(Engagement::Retweet, 2, tweet.id, true).await.expect("retweeted");
    later(&harness, 23 * HOUR_MS);
    harness.engage(Engagement::Retweet, 3, tweet.id, true).await.expect("retweeted");
    assert_eq!(home(&harness, 9).await, [(tweet.id, Some(2))]);
    // Within a day of the second, which is hidden for the first's sake and counts all the same.
    later(&harness, 2 * HOUR_MS);
    harness.engage(Engagement::Retweet, 4, tweet.id, true).await.expect("retweeted");
    assert_eq!(home(&harness, 9).await, [(tweet.id, Some(2))]);
    harness.engage(Engagement::Retweet, 3, tweet.id, false).await.expect("taken back");
    assert_eq!(home(&harness, 9).await, [(tweet.id, Some(4)), (tweet.id, Some(2))]);
    harness.engage(Engagement::Retweet, 2, tweet.id, false).await.expect("taken back");
    harness.engage(Engagement::Retweet, 2, tweet.id, true).await.expect("retweeted anew, under a new id");
    assert_eq!(home(&harness, 9).await, [(tweet.id, Some(4))]);
}

#[tokio::test]
async fn a_place_comes_back_and_what_is_none_names_the_field() {
    let harness = Harness::new();
    let place = Place { name: "Zürich".to_owned(), latitude: Some(47.37), longitude: Some(8.54) };
    let at = |place: Place| CreateTweetRequest { place: Some(place), ..new(1, "here") };
    let tweet = harness.create(at(place.clone())).await.expect("posted");
    assert_eq!(tweet.place, Some(place.clone()));
    assert_eq!(harness.get(&[tweet.id], None).await.expect("found"), [tweet]);
    let half = Place { longitude: None, ..place.clone() };
    assert_eq!(refused(harness.create(at(half)).await), naming(Code::InvalidArgument, "place.longitude"));
    let nameless = Place { name: String::new(), ..place.clone() };
    assert_eq!(refused(harness.create(at(nameless)).await), naming(Code::InvalidArgument, "place.name"));
    let keyed = |place| CreateTweetRequest { idempotency_key: "key".to_owned(), ..at(place) };
    harness.create(keyed(place.clone())).await.expect("posted");
    let elsewhere = Place { name: "Bern".to_owned(), ..place };
    assert_eq!(
        refused(harness.create(keyed(elsewhere)).await),
        naming(Code::AlreadyExists, "idempotency_key"),
        "another place is another tweet"
    );
}
