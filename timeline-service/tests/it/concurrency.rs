//! Readers page while writers post: no entry twice, none skipped, nothing missing below one that was seen.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::clock::SystemClock;
use timeline_service::{Settings, TimelineService};

use crate::support::{FakeGraph, ids, new, page};

const WRITERS: u32 = 6;
const TWEETS_EACH: usize = 60;
const READER: u32 = 100;

/// One feed, read from its first page to its end.
async fn read_all(link: &proto::link::TimelineLink, limit: u32) -> Vec<u64> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let request = proto::timeline::HomeTimelineRequest {
            user: READER,
            page: Some(page(limit, &cursor)),
            ..proto::timeline::HomeTimelineRequest::default()
        };
        let response = link.home_timeline(request).await.expect("a page");
        all.extend(ids(&response));
        if response.next_cursor.is_empty() {
            return all;
        }
        cursor = response.next_cursor;
    }
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
    let link = proto::link::TimelineLink::Local(Arc::new(service));

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
