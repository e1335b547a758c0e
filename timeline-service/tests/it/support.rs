//! A graph in memory, a clock that tests move, and a service over both that can be reopened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use base::clock::ManualClock;
use base::{Code, Error, Revision, TweetId, UserId};
use futures::{StreamExt, stream};
use parking_lot::Mutex;
use proto::common::PageRequest;
use proto::link::TimelineLink;
use proto::timeline::{
    CreateTweetRequest, DeleteTweetRequest, EngageRequest, EngageResponse, Engagement, FeedMode, GetTweetsRequest,
    HomeTimelineRequest, TimelineResponse, Tweet, UserTimelineRequest,
};
use roaring::RoaringBitmap;
use tempfile::TempDir;
use timeline_service::{
    Begin, FeedSettings, Follows, Graph, News, OpenError, Settings, Sources, TimelineService, Told, Versions,
};
use tokio::sync::{Semaphore, watch};

/// When the tests begin.
pub(crate) const START_MS: u64 = TweetId::EPOCH_MS + 86_400_000;

/// Who follows, mutes and blocks whom: pairs of source and target.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edges {
    pub(crate) follows: BTreeSet<(u32, u32)>,
    pub(crate) mutes: BTreeSet<(u32, u32)>,
    pub(crate) blocks: BTreeSet<(u32, u32)>,
}

/// What the graph tells of follows.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// What happened: the revision of each is its place, from 1.
    pub(crate) news: Vec<News>,
    /// How many of the first are no longer told.
    pub(crate) trimmed: usize,
    /// How often all streams were cut off.
    pub(crate) cuts: usize,
    /// How many streams were opened.
    pub(crate) opened: usize,
}

/// A graph in memory.
#[derive(Debug)]
pub(crate) struct FakeGraph(pub(crate) Mutex<Edges>, pub(crate) Rest);

/// What a graph has besides its edges.
#[derive(Debug)]
pub(crate) struct Rest {
    pub(crate) log: watch::Sender<Log>,
    /// How many more batches of subscribers are told apart.
    pub(crate) permits: Semaphore,
    /// The revision of the last change of each list: of follows, mutes, blocks, blocks backwards.
    versions: Mutex<BTreeMap<(usize, u32), Revision>>,
    pub(crate) active: Mutex<RoaringBitmap>,
    /// Whether nobody is told who the recipients of a push are.
    pub(crate) is_held: watch::Sender<bool>,
    /// Whether everybody who asks for recipients gets an error.
    pub(crate) is_failing: AtomicBool,
    /// How often it was asked who of some people block somebody.
    pub(crate) blocking_asked: AtomicUsize,
}

const FOLLOWS: usize = 0;
const MUTES: usize = 1;
const BLOCKS: usize = 2;
const BLOCKED_BY: usize = 3;

impl Default for FakeGraph {
    fn default() -> Self {
        Edges::default().into()
    }
}

impl From<Edges> for FakeGraph {
    fn from(edges: Edges) -> Self {
        let rest = Rest {
            log: watch::Sender::default(),
            permits: Semaphore::new(Semaphore::MAX_PERMITS),
            versions: Mutex::default(),
            active: Mutex::default(),
            is_held: watch::Sender::default(),
            is_failing: AtomicBool::default(),
            blocking_asked: AtomicUsize::default(),
        };
        FakeGraph(edges.into(), rest)
    }
}

impl FakeGraph {
    /// As in the graph, a block prevents it.
    pub(crate) fn follow(&self, source: u32, target: u32) {
        let pair = (source, target);
        self.change(source, target, |edges| {
            let is_blocked = edges.blocks.contains(&pair) || edges.blocks.contains(&(target, source));
            !is_blocked && edges.follows.insert(pair)
        });
    }

    pub(crate) fn unfollow(&self, source: u32, target: u32) {
        self.change(source, target, |edges| edges.follows.remove(&(source, target)));
    }

    pub(crate) fn mute(&self, source: u32, target: u32) {
        self.change(source, target, |edges| edges.mutes.insert((source, target)));
    }

    pub(crate) fn unmute(&self, source: u32, target: u32) {
        self.change(source, target, |edges| edges.mutes.remove(&(source, target)));
    }

    pub(crate) fn tell(&self, news: News) {
        self.1.log.send_modify(|log| log.news.push(news));
    }

    /// Ends every stream of follows.
    pub(crate) fn cut(&self) {
        self.1.log.send_modify(|log| log.cuts += 1);
    }

    pub(crate) fn block(&self, source: u32, target: u32) {
        self.change(source, target, |edges| {
            edges.blocks.insert((source, target));
            edges.follows.remove(&(source, target));
            edges.follows.remove(&(target, source))
        });
    }

    pub(crate) fn unblock(&self, source: u32, target: u32) {
        self.change(source, target, |edges| edges.blocks.remove(&(source, target)));
    }

    /// Changes edges between two users, and the versions of the lists that thereby change.
    fn change(&self, source: u32, target: u32, change: impl FnOnce(&mut Edges) -> bool) {
        let mut edges = self.0.lock();
        let before = edges.clone();
        change(&mut edges);
        let mut versions = self.1.versions.lock();
        let revision = Revision(1 + versions.values().map(|version| version.0).max().unwrap_or(0));
        for (one, other) in [(source, target), (target, source)] {
            let pair = (one, other);
            let lists = [
                (before.follows.contains(&pair) != edges.follows.contains(&pair), (FOLLOWS, one)),
                (before.mutes.contains(&pair) != edges.mutes.contains(&pair), (MUTES, one)),
                (before.blocks.contains(&pair) != edges.blocks.contains(&pair), (BLOCKS, one)),
                (before.blocks.contains(&pair) != edges.blocks.contains(&pair), (BLOCKED_BY, other)),
            ];
            versions.extend(lists.into_iter().filter(|(changed, _)| *changed).map(|(_, list)| (list, revision)));
        }
        let pair = (source, target);
        if edges.follows.contains(&pair) && !before.follows.contains(&pair) {
            self.tell(News::Followed { follower: UserId(source), followee: UserId(target) });
        }
    }

    pub(crate) fn either_blocks(&self, one: u32, other: u32) -> bool {
        let edges = self.0.lock();
        edges.blocks.contains(&(one, other)) || edges.blocks.contains(&(other, one))
    }
}

/// Where a stream begins in what is told, and how often all were cut off before.
fn begun(log: &Log, begin: Begin) -> Result<(usize, usize), Error> {
    let at = match begin {
        Begin::After(revision) if revision.0 > log.news.len() as u64 => {
            return Err(Error::invalid("from", "not given out"));
        }
        Begin::After(Revision(at)) => at as usize,
        // This graph knows the service from the beginning on.
        Begin::Kept => 0,
        Begin::Now => log.news.len(),
    };
    if at < log.trimmed {
        return Err(Error::new(Code::RevisionTrimmed, "trimmed"));
    }
    Ok((at, log.cuts))
}

#[async_trait]
impl Graph for FakeGraph {
    async fn sources(&self, reader: UserId, _: Option<Revision>) -> Result<Sources, Error> {
        let edges = self.0.lock();
        let targets = |pairs: &BTreeSet<(u32, u32)>| {
            pairs.iter().filter(|pair| pair.0 == reader.0).map(|pair| pair.1).collect::<Vec<_>>()
        };
        let blocked_by = edges.blocks.iter().filter(|pair| pair.1 == reader.0).map(|pair| pair.0);
        Ok(Sources {
            followees: targets(&edges.follows).into_iter().collect(),
            hidden: targets(&edges.mutes).into_iter().chain(targets(&edges.blocks)).chain(blocked_by).collect(),
        })
    }

    async fn versions(&self, reader: UserId, _: Option<Revision>) -> Result<Versions, Error> {
        let _edges = self.0.lock();
        let versions = self.1.versions.lock();
        let version = |list| versions.get(&(list, reader.0)).copied().unwrap_or_default();
        Ok(Versions([FOLLOWS, MUTES, BLOCKS, BLOCKED_BY].map(version)))
    }

    async fn recipients(&self, author: UserId, _: Option<Revision>) -> Result<RoaringBitmap, Error> {
        let mut held = self.1.is_held.subscribe();
        drop(held.wait_for(|is_held| !is_held).await);
        if self.1.is_failing.load(Ordering::SeqCst) {
            return Err(Error::new(Code::Unavailable, "a test has it fail"));
        }
        let edges = self.0.lock();
        let sources = |pairs: &BTreeSet<(u32, u32)>| -> RoaringBitmap {
            pairs.iter().filter(|pair| pair.1 == author.0).map(|pair| pair.0).collect()
        };
        Ok((sources(&edges.follows) & &*self.1.active.lock()) - sources(&edges.mutes))
    }

    async fn active_readers(&self) -> Result<RoaringBitmap, Error> {
        Ok(self.1.active.lock().clone())
    }

    async fn update_active_readers(&self, add: &[u32], remove: &[u32]) -> Result<(), Error> {
        let mut active = self.1.active.lock();
        *active -= remove.iter().copied().collect::<RoaringBitmap>();
        active.extend(add);
        Ok(())
    }

    async fn blockers(&self, viewer: UserId, _: Option<Revision>) -> Result<RoaringBitmap, Error> {
        let edges = self.0.lock();
        Ok(edges.blocks.iter().filter(|pair| pair.1 == viewer.0).map(|pair| pair.0).collect())
    }

    async fn blocking(&self, authors: &[UserId], viewer: UserId, _: Option<Revision>) -> Result<Vec<bool>, Error> {
        self.1.blocking_asked.fetch_add(1, Ordering::SeqCst);
        let edges = self.0.lock();
        Ok(authors.iter().map(|author| edges.blocks.contains(&(author.0, viewer.0))).collect())
    }

    async fn either_blocks(&self, one: UserId, other: UserId) -> Result<bool, Error> {
        Ok(FakeGraph::either_blocks(self, one.0, other.0))
    }

    async fn hidden(&self, reader: UserId, at_least: Option<Revision>) -> Result<RoaringBitmap, Error> {
        Ok(self.sources(reader, at_least).await?.hidden)
    }

    async fn reachable(&self, author: UserId, users: &[UserId]) -> Result<Vec<bool>, Error> {
        // A test can hold this up; a permit is used once.
        self.1.permits.acquire().await.map_err(Error::internal)?.forget();
        let edges = self.0.lock();
        let blocked = |user: u32| [(user, author.0), (author.0, user)].iter().any(|pair| edges.blocks.contains(pair));
        Ok(users.iter().map(|user| edges.follows.contains(&(user.0, author.0)) && !blocked(user.0)).collect())
    }

    async fn follows(&self, begin: Begin) -> Result<Follows, Error> {
        let mut log = self.1.log.subscribe();
        let begun = begun(&log.borrow_and_update(), begin);
        // Whoever sees that it is open can cut it.
        self.1.log.send_modify(|log| log.opened += 1);
        let (at, cuts) = begun?;
        // As graph-store does: whoever begins now is told at once where that is.
        let now = (begin == Begin::Now).then_some(Ok(Told { revision: Revision(at as u64), news: News::Nothing }));
        let next = move |(mut log, at): (watch::Receiver<Log>, usize)| async move {
            let told = match log.wait_for(|log| log.cuts > cuts || log.news.len() > at).await {
                Ok(log) if log.cuts > cuts => return None,
                Ok(log) => Told { revision: Revision(at as u64 + 1), news: log.news[at] },
                Err(_) => return None,
            };
            Some((Ok(told), (log, at + 1)))
        };
        Ok(stream::iter(now).chain(stream::unfold((log, at), next)).boxed())
    }
}

/// A service that can be closed and opened again.
pub(crate) struct Harness {
    pub(crate) folder: TempDir,
    pub(crate) graph: Arc<FakeGraph>,
    pub(crate) clock: Arc<ManualClock>,
    /// What it is opened with the next time.
    pub(crate) feeds: FeedSettings,
    service: Option<TimelineService>,
}

impl Harness {
    /// An empty service.
    pub(crate) fn new() -> Self {
        Harness::with(FeedSettings { evicted_bytes: 0, ..FeedSettings::default() })
    }

    /// An empty service with other settings.
    pub(crate) fn with(feeds: FeedSettings) -> Self {
        Harness::over(tempfile::tempdir().expect("a temporary folder"), feeds)
    }

    /// A service over a copy of a folder that is closed. To create a store takes hundreds of syncs, to copy one none.
    pub(crate) fn copy_of(closed: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        copy_folder(closed, folder.path());
        Harness::over(folder, FeedSettings { evicted_bytes: 0, ..FeedSettings::default() })
    }

    fn over(folder: TempDir, feeds: FeedSettings) -> Self {
        let clock = Arc::new(ManualClock::new(START_MS));
        let mut harness = Harness { folder, graph: Arc::default(), clock, feeds, service: None };
        harness.reopen();
        harness
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Closes the service, so that its folder can be looked at.
    pub(crate) fn close(&mut self) {
        if let Some(service) = self.service.take() {
            service.close();
        }
    }

    /// Opens the service, closed before if it was open.
    pub(crate) fn try_reopen(&mut self) -> Result<(), OpenError> {
        self.close();
        let feeds = self.feeds.clone();
        let folder = self.path().to_owned();
        // A slow disk is no failure of what is tested.
        let settings = Settings { folder, feeds, deadline: Duration::from_secs(60), ..Settings::default() };
        self.service = Some(TimelineService::open(settings, self.graph.clone(), self.clock.clone())?);
        Ok(())
    }

    pub(crate) fn reopen(&mut self) {
        self.try_reopen().expect("the service opens");
    }

    pub(crate) fn service(&self) -> &TimelineService {
        self.service.as_ref().expect("the service is open")
    }

    /// The service as the other services call it.
    pub(crate) fn link(&self) -> TimelineLink {
        TimelineLink::Local(Arc::new(self.service().clone()))
    }

    pub(crate) async fn post(&self, author: u32, text: &str) -> Tweet {
        self.create(new(author, text)).await.expect("posted")
    }

    pub(crate) async fn reply(&self, author: u32, answered: u64) -> Result<Tweet, Error> {
        self.create(CreateTweetRequest { in_reply_to: answered, ..new(author, "an answer") }).await
    }

    pub(crate) async fn create(&self, request: CreateTweetRequest) -> Result<Tweet, Error> {
        Ok(self.link().create_tweet(request).await?.tweet.expect("a tweet is always answered"))
    }

    pub(crate) async fn delete(&self, user: u32, id: u64) -> Result<bool, Error> {
        Ok(self.link().delete_tweet(DeleteTweetRequest { id, user }).await?.changed)
    }

    pub(crate) async fn engage(
        &self,
        engagement: Engagement,
        user: u32,
        id: u64,
        engaged: bool,
    ) -> Result<EngageResponse, Error> {
        self.link().engage(EngageRequest { engagement: engagement.into(), id, user, engaged }).await
    }

    pub(crate) async fn get(&self, ids: &[u64], viewer: Option<u32>) -> Result<Vec<Tweet>, Error> {
        Ok(self.link().get_tweets(GetTweetsRequest { ids: ids.to_vec(), viewer, at_least: None }).await?.tweets)
    }

    pub(crate) async fn home(&self, user: u32, page: PageRequest) -> Result<TimelineResponse, Error> {
        self.home_by(FeedMode::Unspecified, user, page).await
    }

    pub(crate) async fn home_by(
        &self,
        mode: FeedMode,
        user: u32,
        page: PageRequest,
    ) -> Result<TimelineResponse, Error> {
        let mode = mode as i32;
        let request =
            HomeTimelineRequest { user, page: Some(page), mode, explain: true, ..HomeTimelineRequest::default() };
        self.link().home_timeline(request).await
    }

    /// The first page as somebody asks for it who kept one with this state, or none where it is empty.
    pub(crate) async fn home_kept(
        &self,
        user: u32,
        limit: u32,
        mode: FeedMode,
        state: &[u8],
    ) -> Result<TimelineResponse, Error> {
        let (page, state, mode) = (Some(page(limit, "")), Some(state.to_vec().into()), mode as i32);
        let request = HomeTimelineRequest { user, page, mode, state, ..HomeTimelineRequest::default() };
        self.link().home_timeline(request).await
    }

    pub(crate) async fn timeline(
        &self,
        user: u32,
        viewer: Option<u32>,
        page: PageRequest,
    ) -> Result<TimelineResponse, Error> {
        let request = UserTimelineRequest { user, viewer, page: Some(page), ..UserTimelineRequest::default() };
        self.link().user_timeline(request).await
    }
}

pub(crate) fn new(author: u32, text: &str) -> CreateTweetRequest {
    CreateTweetRequest { author, text: text.to_owned(), ..CreateTweetRequest::default() }
}

pub(crate) fn page(limit: u32, cursor: &str) -> PageRequest {
    PageRequest { limit, cursor: cursor.to_owned() }
}

pub(crate) fn ids(response: &TimelineResponse) -> Vec<u64> {
    response.entries.iter().map(|entry| entry.tweet.as_ref().expect("an entry has its tweet").id).collect()
}

/// Copies all files of a folder.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}
