//! When a tweet is seen: a whole service over a whole graph in this process, while a celebrity posts.
//!
//! Half of the celebrity's followers are active readers, each with a materialised feed. Ordinary authors post at a steady
//! rate, whatever becomes of their tweets. As soon as one is acknowledged, the home feed of an active follower is read, again
//! and again until it shows the tweet; where the feed is read as materialised, on until it has it of its own.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use base::clock::SystemClock;
use base::disk::RealDisk;
use base::{ListRef, Relation, UserId};
use futures::stream::{self, StreamExt, TryStreamExt};
use graph_store::generate::{GraphSpec, generate};
use graph_store::import::{Import, import};
use graph_store::service::GraphService;
use graph_store::store::BulkOptions;
use graph_store::{Options, Store};
use proto::link::{GraphLink, TimelineLink};
use proto::timeline::{CreateTweetRequest, FeedMode, HomeTimelineRequest, Route};
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use roaring::RoaringBitmap;
use timeline_service::{ACTIVE_READERS, FeedSettings, Settings, TimelineService};
use tokio::task::JoinSet;

use super::Wanted;
use super::report::{Spread, Visible};
use super::sample::some_of;
use crate::progress::Progress;
use crate::times::Times;

/// Users for each follower of the celebrity.
const USERS_PER_FOLLOWER: f64 = 1.5;
/// How many others each user follows, on average, where there are enough.
const MEAN_FOLLOWEES: f64 = 200.0;
/// Followers of an ordinary author.
const ORDINARY: std::ops::RangeInclusive<u64> = 150..=250;
/// Ordinary authors who post.
const AUTHORS: usize = 1000;
/// The celebrity's tweets a second.
const CELEBRITY_POSTS_PER_SECOND: u32 = 10;
/// Posts and reads at once while everything is prepared.
const POSTS_AT_ONCE: usize = 2048;
const READS_AT_ONCE: usize = 64;
/// Who joins the active readers in one change.
const CHANGES: usize = 10_000;
/// A tweet that is not seen by then is lost.
const DEADLINE: Duration = Duration::from_secs(10);

/// What was seen of the tweets.
#[derive(Debug, Default)]
struct Seen {
    posts: Times,
    push: Times,
    auto: Times,
    delivered: Times,
    late: u64,
}

/// What one tweet's way took.
#[derive(Clone, Copy, Debug)]
struct Way {
    mode: FeedMode,
    post: Duration,
    visible: Duration,
    delivered: Option<Duration>,
    /// Reads until it was shown.
    reads: u64,
}

/// An author, and who of the active readers follows them.
#[derive(Debug)]
struct Author {
    user: UserId,
    followers: u64,
    readers: Vec<u32>,
}

/// Measures with a service in a temporary folder.
pub(super) fn measure(wanted: &Wanted) -> anyhow::Result<Visible> {
    let folder = tempfile::tempdir()?;
    let users = (f64::from(wanted.celebrity) * USERS_PER_FOLLOWER) as u32 + 2;
    let mean_followees = MEAN_FOLLOWEES.min(f64::from(users - 1) / 4.0);
    let spec = GraphSpec::new(users, mean_followees, wanted.seed)?.with_celebrity(wanted.celebrity)?;
    let store = fill(&spec, folder.path())?;
    // Their followers are sampled before the service has anything.
    let celebrity = most_followed(&store)?;
    let followers = store.members(ListRef::reverse(Relation::Follow, celebrity))?;
    let followers: Vec<u32> = followers.into_iter().collect();
    let half = followers.len() as u32 / 2;
    let active: RoaringBitmap =
        some_of(followers.len() as u32, half, wanted.seed).into_iter().map(|place| followers[place as usize]).collect();
    let authors = ordinary(&store, celebrity, &active, wanted.seed)?;
    let mean_followers = authors.iter().map(|author| author.followers).sum::<u64>() as f64 / authors.len() as f64;
    let service_follows = store.stats()?.edges;

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ids: Vec<u32> = active.iter().collect();
    for some in ids.chunks(CHANGES) {
        runtime.block_on(store.update_set(ACTIVE_READERS.to_owned(), Vec::new(), some.to_vec()))?;
    }
    let mut feeds = FeedSettings { feeds_bytes: 2 << 30, lists_bytes: 2 << 30, ..FeedSettings::default() };
    feeds.pushed_followers = wanted.pushed_followers.unwrap_or(feeds.pushed_followers);
    let settings = Settings { folder: folder.path().join("timeline"), feeds, ..Settings::default() };
    let graph = Arc::new(GraphLink::Local(Arc::new(GraphService::new(store.clone()))));
    let service = TimelineService::open(settings, graph, Arc::new(SystemClock))?;
    let timeline = TimelineLink::Local(Arc::new(service.clone()));

    let (seen, celebrity_posts) = runtime.block_on(async {
        post_before(&timeline, store.users()).await?;
        read_before(&timeline, &ids).await?;
        run(wanted, &timeline, celebrity, authors).await
    })?;
    service.close();
    store.close();
    let mut all = seen.push.clone();
    all.extend(&seen.auto);
    Ok(Visible {
        service_users: users,
        service_follows,
        service_feeds: active.len(),
        celebrity_followers: followers.len() as u64,
        celebrity_posts,
        posts: all.len(),
        mean_followers,
        post_ms: Spread::ms(&seen.posts),
        post_to_visible_ms: Spread::ms(&all),
        post_to_visible_push_ms: Spread::ms(&seen.push),
        post_to_visible_auto_ms: Spread::ms(&seen.auto),
        post_to_delivered_ms: Spread::ms(&seen.delivered),
        posts_seen_late: seen.late,
    })
}

/// Generates the graph and imports it.
fn fill(spec: &GraphSpec, folder: &Path) -> anyhow::Result<Store> {
    let edges = folder.join("edges");
    generate(spec, BufWriter::with_capacity(1 << 20, File::create(&edges)?), &|_, _| {})?;
    let (store, _) = Store::open(Arc::new(RealDisk), Arc::new(SystemClock), &folder.join("graph"), Options::default())?;
    let options = BulkOptions { spill_folder: folder.to_owned(), ..BulkOptions::default() };
    let report = import(&store, &Import { edges: edges.clone(), options, ..Import::default() }, &|_| {})?;
    eprintln!("{} follows imported", report.bulk.added);
    std::fs::remove_file(edges)?;
    Ok(store)
}

fn followers(store: &Store, user: UserId) -> anyhow::Result<u64> {
    Ok(store.count(ListRef::reverse(Relation::Follow, user))?)
}

/// The celebrity.
fn most_followed(store: &Store) -> anyhow::Result<UserId> {
    let mut most = (0, UserId(0));
    for user in (0..store.users()).map(UserId) {
        most = most.max((followers(store, user)?, user));
    }
    Ok(most.1)
}

/// Authors with some 200 followers, some of whom are active readers.
fn ordinary(store: &Store, celebrity: UserId, active: &RoaringBitmap, seed: u64) -> anyhow::Result<Vec<Author>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut authors = Vec::new();
    for _ in 0..AUTHORS * 100 {
        let user = UserId(random.random_range(0..store.users()));
        let count = followers(store, user)?;
        if user == celebrity || !ORDINARY.contains(&count) {
            continue;
        }
        let readers = store.members(ListRef::reverse(Relation::Follow, user))? & active;
        if !readers.is_empty() {
            authors.push(Author { user, followers: count, readers: readers.into_iter().collect() });
        }
        if authors.len() == AUTHORS {
            break;
        }
    }
    ensure!(!authors.is_empty(), "nobody has 150 to 250 followers: a greater --celebrity");
    Ok(authors)
}

/// One tweet of everybody.
async fn post_before(timeline: &TimelineLink, users: u32) -> anyhow::Result<()> {
    let progress = Progress::new("service's tweets", users.into());
    let mut posts = stream::iter(0..users).map(|author| post(timeline, UserId(author))).buffer_unordered(POSTS_AT_ONCE);
    let mut done = 0;
    while posts.try_next().await?.is_some() {
        done += 1;
        progress.set(done, String::new);
    }
    Ok(())
}

/// Every active reader reads, so that each has a feed.
async fn read_before(timeline: &TimelineLink, readers: &[u32]) -> anyhow::Result<()> {
    let progress = Progress::new("service's feeds", readers.len() as u64);
    let read = |reader: &u32| {
        let reader = *reader;
        async move { timeline.home_timeline(home(reader, FeedMode::Push)).await }
    };
    let mut reads = stream::iter(readers).map(read).buffer_unordered(READS_AT_ONCE);
    let mut done = 0;
    while let Some(feed) = reads.try_next().await? {
        ensure!(!feed.entries.is_empty(), "a feed is empty");
        done += 1;
        progress.set(done, String::new);
    }
    Ok(())
}

/// The celebrity and the others post; answers what was seen of the others' tweets, and how many were the celebrity's.
async fn run(
    wanted: &Wanted,
    timeline: &TimelineLink,
    celebrity: UserId,
    authors: Vec<Author>,
) -> anyhow::Result<(Seen, u64)> {
    let over = Arc::new(AtomicBool::new(false));
    let celebrity_posts = Arc::new(AtomicU64::new(0));
    let posting = tokio::spawn({
        let (timeline, over, posts) = (timeline.clone(), over.clone(), celebrity_posts.clone());
        async move {
            let mut due = tokio::time::interval(Duration::from_secs(1) / CELEBRITY_POSTS_PER_SECOND);
            while !over.load(Ordering::Relaxed) {
                due.tick().await;
                post(&timeline, celebrity).await?;
                posts.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        }
    });
    let mut random = ChaCha8Rng::seed_from_u64(wanted.seed);
    let mut due = tokio::time::interval(Duration::from_secs(1) / wanted.posts_per_second);
    let mut ways = JoinSet::new();
    let posts = wanted.seconds * u64::from(wanted.posts_per_second);
    let progress = Progress::new("service", posts);
    for number in 0..posts {
        due.tick().await;
        let author = authors.choose(&mut random).context("there are authors")?;
        let reader = *author.readers.choose(&mut random).context("each has an active follower")?;
        let mode = if number % 2 == 0 { FeedMode::Push } else { FeedMode::Unspecified };
        ways.spawn(follow(timeline.clone(), author.user, reader, mode));
        progress.set(number, String::new);
    }
    let mut seen = Seen::default();
    while let Some(way) = ways.join_next().await {
        seen.take(way??);
    }
    over.store(true, Ordering::Relaxed);
    posting.await??;
    Ok((seen, celebrity_posts.load(Ordering::Relaxed)))
}

/// Posts, and reads until it is seen.
async fn follow(timeline: TimelineLink, author: UserId, reader: u32, mode: FeedMode) -> anyhow::Result<Way> {
    let begin = Instant::now();
    let id = post(&timeline, author).await?;
    let acknowledged = Instant::now();
    let mut visible = None;
    let mut reads = 0;
    loop {
        let feed = timeline.home_timeline(HomeTimelineRequest { explain: true, ..home(reader, mode) }).await?;
        let took = acknowledged.elapsed();
        let entry = feed.entries.into_iter().find(|entry| entry.id == id);
        if visible.is_none() {
            reads += 1;
        }
        if let Some(entry) = entry {
            let visible = *visible.get_or_insert(took);
            let is_delivered = entry.explanation.is_some_and(|explanation| explanation.route() == Route::Pushed);
            if is_delivered || mode != FeedMode::Push {
                let delivered = is_delivered.then_some(took);
                return Ok(Way { mode, post: acknowledged - begin, visible, delivered, reads });
            }
        }
        ensure!(took < DEADLINE, "tweet {id} of {author} is not in the feed of {reader}");
    }
}

impl Seen {
    fn take(&mut self, way: Way) {
        self.posts.record(way.post);
        match way.mode {
            FeedMode::Push => self.push.record(way.visible),
            _ => self.auto.record(way.visible),
        }
        // Reads that take what is cheapest end when they have seen it: only those of the others tell when it is delivered.
        if way.mode == FeedMode::Push
            && let Some(delivered) = way.delivered
        {
            self.delivered.record(delivered);
        }
        self.late += u64::from(way.reads > 1);
    }
}

/// A tweet of an author; its id, once it is durable.
async fn post(timeline: &TimelineLink, author: UserId) -> anyhow::Result<u64> {
    let text = format!("What {author} has to say.");
    let request = CreateTweetRequest { author: author.0, text, ..CreateTweetRequest::default() };
    Ok(timeline.create_tweet(request).await?.tweet.context("an answer without the tweet")?.id)
}

/// The newest page of a reader.
fn home(reader: u32, mode: FeedMode) -> HomeTimelineRequest {
    HomeTimelineRequest { user: reader, mode: mode as i32, ..HomeTimelineRequest::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_counted_by_mode() {
        let ms = Duration::from_millis;
        let mut seen = Seen::default();
        let way = Way { mode: FeedMode::Push, post: ms(5), visible: ms(1), delivered: Some(ms(3)), reads: 1 };
        seen.take(way);
        seen.take(Way { mode: FeedMode::Unspecified, visible: ms(9), reads: 2, ..way });
        assert_eq!(
            (seen.posts.len(), seen.push.len(), seen.auto.len(), seen.delivered.len(), seen.late),
            (2, 1, 1, 1, 1)
        );
        assert!((seen.auto.quantile_ms(1.0) - 9.0).abs() < 0.1);
    }
}
