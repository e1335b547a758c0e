//! Readers page while writers post: no entry twice, none skipped, nothing missing below one that was seen.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::clock::SystemClock;
use proto::link::TimelineLink;
use proto::timeline::FeedMode;
use proto::timeline::{
    CommentsRequest, CreateTweetRequest, EngageRequest, EngagedRequest, EngagedResponse, Engagement,
    HomeTimelineRequest, Selection, UserTimelineRequest,
};
use timeline_service::{FeedSettings, Settings, TimelineService};

use crate::support::{FakeGraph, ids, new, page};

const WRITERS: u32 = 6;
const TWEETS_EACH: usize = 60;
/// People who favorite and retweet, for each writer.
const PEOPLE_EACH: u32 = 15;
const READER: u32 = 100;

/// A list, read from its first page to its end.
async fn read<R>(page: impl Fn(String) -> R) -> Vec<u64>
where
    R: Future<Output = (Vec<u64>, String)>,
{
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let (entries, next) = page(cursor).await;
        all.extend(entries);
        if next.is_empty() {
            return all;
        }
        cursor = next;
    }
}

/// One feed.
async fn read_all(link: &TimelineLink, limit: u32) -> Vec<u64> {
    read(async |cursor: String| {
        let page = Some(page(limit, &cursor));
        let request = HomeTimelineRequest { user: READER, page, ..HomeTimelineRequest::default() };
        let response = link.home_timeline(request).await.expect("a page");
        (ids(&response), response.next_cursor)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_appears_below_what_a_reader_has_seen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = Settings { folder: folder.path().to_owned(), ..Settings::default() };
    let graph = Arc::new(FakeGraph::default());
    for writer in 0..WRITERS {
        graph.follow(READER, writer);
    }
    let service = TimelineService::open(settings, graph, Arc::new(SystemClock)).expect("opens");
    let link = TimelineLink::Local(Arc::new(service));

    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = [1, 3, 7]
        .into_iter()
        .map(|limit| {
            let (link, done) = (link.clone(), done.clone());
            tokio::spawn(async move {
                let mut walks = Vec::new();
                loop {
                    walks.push(read_all(&link, limit).await);
                    if done.load(Ordering::SeqCst) {
                        return walks;
                    }
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|author| {
            let link = link.clone();
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for number in 0..TWEETS_EACH {
                    let posted = link.create_tweet(new(author, &format!("number {number}"))).await;
                    let id = posted.expect("posted").tweet.expect("a tweet is always answered").id;
                    // Whoever was told of a tweet sees it.
                    let seen = link
                        .get_tweets(proto::timeline::GetTweetsRequest { ids: vec![id], viewer: None, at_least: None })
                        .await;
                    assert_eq!(seen.expect("readable").tweets.len(), 1);
                    acknowledged.push(id);
                }
                acknowledged
            })
        })
        .collect();

    let mut all = BTreeSet::new();
    for writer in writers {
        let acknowledged = writer.await.expect("the writer ends");
        assert!(acknowledged.is_sorted_by(|earlier, later| earlier < later));
        all.extend(acknowledged);
    }
    done.store(true, Ordering::SeqCst);
    assert_eq!(all.len(), WRITERS as usize * TWEETS_EACH, "no id was given twice");
    let mut walks = 0;
    for reader in readers {
        for walk in reader.await.expect("the reader ends") {
            walks += 1;
            let Some(&newest) = walk.first() else { continue };
            let complete: Vec<u64> = all.range(..=newest).rev().copied().collect();
            assert_eq!(walk, complete, "a walk that began at {newest}");
        }
    }
    assert!(walks >= 3, "each reader read");
    assert_eq!(read_all(&link, 50).await, all.into_iter().rev().collect::<Vec<_>>());
}

/// Every list of one tweet and of those who engage with it, read from its first page to its end.
async fn read_lists(link: &TimelineLink, tweet: u64, limit: u32) -> Vec<Vec<u64>> {
    let mut lists = Vec::new();
    for engagement in [Engagement::Favorite, Engagement::Retweet] {
        lists.push(
            read(async |cursor: String| {
                let page = Some(page(limit, &cursor));
                let request = EngagedRequest { engagement: engagement.into(), id: tweet, page, ..Default::default() };
                let EngagedResponse { users, next_cursor, .. } = link.engaged(request).await.expect("a page");
                (users.into_iter().map(u64::from).collect(), next_cursor)
            })
            .await,
        );
    }
    lists.push(
        read(async |cursor: String| {
            let request = CommentsRequest { id: tweet, page: Some(page(limit, &cursor)), ..Default::default() };
            let response = link.comments(request).await.expect("a page");
            (ids(&response), response.next_cursor)
        })
        .await,
    );
    for selection in [Selection::Unspecified, Selection::Favorites, Selection::Activity] {
        lists.push(
            read(async |cursor: String| {
                let (page, selection) = (Some(page(limit, &cursor)), selection.into());
                let request = UserTimelineRequest { user: 0, page, selection, ..Default::default() };
                let response = link.user_timeline(request).await.expect("a page");
                (ids(&response), response.next_cursor)
            })
            .await,
        );
    }
    lists
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_appears_in_a_list_below_what_a_reader_has_seen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = Settings { folder: folder.path().to_owned(), ..Settings::default() };
    let service = TimelineService::open(settings, Arc::new(FakeGraph::default()), Arc::new(SystemClock));
    let link = TimelineLink::Local(Arc::new(service.expect("opens")));
    let tweet = link.create_tweet(new(READER, "for everybody")).await.expect("posted").tweet.expect("a tweet").id;

    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = [1, 3, 7]
        .into_iter()
        .map(|limit| {
            let (link, done) = (link.clone(), done.clone());
            tokio::spawn(async move {
                let mut walks = Vec::new();
                loop {
                    walks.push(read_lists(&link, tweet, limit).await);
                    if done.load(Ordering::SeqCst) {
                        return walks;
                    }
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let link = link.clone();
            tokio::spawn(async move {
                for number in 0..PEOPLE_EACH {
                    let answer = CreateTweetRequest { in_reply_to: tweet, ..new(writer, "an answer") };
                    let answer = link.create_tweet(answer).await.expect("posted").tweet.expect("a tweet").id;
                    let person = writer + number * WRITERS;
                    for (engagement, id, user) in [
                        (Engagement::Favorite, tweet, person),
                        (Engagement::Retweet, tweet, person),
                        (Engagement::Favorite, answer, 0),
                        (Engagement::Retweet, answer, 0),
                    ] {
                        let request = EngageRequest { engagement: engagement.into(), id, user, engaged: true };
                        assert!(link.engage(request).await.expect("done").changed);
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("the writer ends");
    }
    done.store(true, Ordering::SeqCst);
    let complete = read_lists(&link, tweet, 50).await;
    let people = (WRITERS * PEOPLE_EACH) as usize;
    let own = PEOPLE_EACH as usize;
    // The last is ordered by what it shows: what is favorited later can belong further down, so only its end is certain.
    let (activity, by_time) = complete.split_last().expect("six lists");
    assert_eq!(
        by_time.iter().map(Vec::len).collect::<Vec<_>>(),
        [people, people, people, own + people + 1, people + 1]
    );
    assert_eq!(activity.len(), people + 1);
    for reader in readers {
        for walks in reader.await.expect("the reader ends") {
            for (walk, complete) in walks.iter().zip(by_time) {
                assert!(complete.ends_with(walk), "{walk:?} is not the end of {complete:?}");
            }
            let activity = &walks[by_time.len()];
            assert!(activity.is_sorted_by(|newer, older| newer > older), "{activity:?}");
        }
    }
}

// An entry was delivered before its view was published: a feed that was built between the two was without it for ever.

/// Somebody who keeps the page that they read last.
#[derive(Default)]
struct Keeper(proto::timeline::TimelineResponse);

impl Keeper {
    /// The ids of the newest entries of a reader's feed.
    async fn newest(&mut self, link: &proto::link::TimelineLink, mode: FeedMode) -> BTreeSet<u64> {
        let request = proto::timeline::HomeTimelineRequest {
            user: READER,
            page: Some(page(1000, "")),
            mode: mode as i32,
            state: Some(self.0.state.clone()),
            ..proto::timeline::HomeTimelineRequest::default()
        };
        let page = link.home_timeline(request).await.expect("a page");
        if !page.unchanged {
            self.0 = page;
        }
        ids(&self.0).into_iter().collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_acknowledged_tweet_is_missing_and_no_deleted_one_is_back_however_late_pushes_are() {
    let settings = [
        FeedSettings::default(),
        FeedSettings { push_queue: 2, gone_max: 3, ..FeedSettings::default() },
        FeedSettings { feeds_bytes: 0, heads_bytes: 1000, feed_entries: 20, ..FeedSettings::default() },
        FeedSettings { pushed_followers: 1, gone_max: 1, ..FeedSettings::default() },
    ];
    for feeds in settings {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings = Settings { folder: folder.path().to_owned(), feeds, ..Settings::default() };
        let graph = Arc::new(FakeGraph::default());
        for writer in 0..WRITERS {
            graph.follow(READER, writer);
            graph.follow(READER + 1 + writer % 2, writer);
        }
        let service = TimelineService::open(settings, graph.clone(), Arc::new(SystemClock)).expect("opens");
        let link = proto::link::TimelineLink::Local(Arc::new(service));

        let done = Arc::new(AtomicBool::new(false));
        // Somebody else follows and unfollows, reads, and holds the worker up.
        let trouble = tokio::spawn({
            let (link, graph, done) = (link.clone(), graph.clone(), done.clone());
            async move {
                let mut reader = Keeper::default();
                while !done.load(Ordering::SeqCst) {
                    graph.1.is_held.send_replace(true);
                    for mode in [FeedMode::Push, FeedMode::Unspecified] {
                        reader.newest(&link, mode).await;
                    }
                    graph.follow(READER, WRITERS + 5);
                    graph.1.is_held.send_replace(false);
                    reader.newest(&link, FeedMode::Push).await;
                    graph.unfollow(READER, WRITERS + 5);
                }
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|author| {
                let link = link.clone();
                tokio::spawn(async move {
                    let mode = [FeedMode::Unspecified, FeedMode::Pull, FeedMode::Push][author as usize % 3];
                    let mut reader = Keeper::default();
                    let (mut kept, mut deleted) = (BTreeSet::new(), BTreeSet::new());
                    for number in 0..TWEETS_EACH / 2 {
                        let posted = link.create_tweet(new(author, "text")).await;
                        let id = posted.expect("posted").tweet.expect("a tweet is always answered").id;
                        let seen = reader.newest(&link, mode).await;
                        kept.insert(id);
                        assert!(seen.is_superset(&kept), "{mode:?}: {:?} are missing", kept.difference(&seen));
                        assert!(seen.is_disjoint(&deleted), "{mode:?}: deleted ones are back");
                        if number % 3 == 0 {
                            let request = proto::timeline::DeleteTweetRequest { id, user: author };
                            link.delete_tweet(request).await.expect("deleted");
                            kept.remove(&id);
                            deleted.insert(id);
                            assert!(!reader.newest(&link, mode).await.contains(&id), "{mode:?}: it is deleted");
                        }
                    }
                    kept
                })
            })
            .collect();
        let mut all = BTreeSet::new();
        for writer in writers {
            all.extend(writer.await.expect("the writer ends"));
        }
        done.store(true, Ordering::SeqCst);
        trouble.await.expect("the trouble ends");
        for mode in [FeedMode::Unspecified, FeedMode::Pull, FeedMode::Push] {
            assert_eq!(Keeper::default().newest(&link, mode).await, all, "{mode:?}");
        }
    }
}
