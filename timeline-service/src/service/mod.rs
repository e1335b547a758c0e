//! `roost.timeline.v1.TimelineService`: requests in, checked; answers out.
//!
//! - [`tweets`]: posting, deleting and getting them.
//! - [`load`]: many tweets at once, for importers.
//! - [`timelines`]: pages of them.
//! - [`home`]: the home feed.
//! - [`state`]: what a first page of it was made of.
//! - [`selections`]: a user's timelines.
//! - [`comments`]: the answers to a tweet.
//! - [`engagement`]: favoriting and retweeting, and who did.
//! - [`notifications`]: what a user was notified of.
//! - [`authors`]: figures for profiles.
//! - [`viewer`]: who looks, and whom they must not see.
//! - [`wire`]: tweets as clients see them.
//! - [`reads`]: the disk is read on threads that may block, and not on too many.
//!
//! Handlers answer [`base::Error`]; the one place that makes a status of it is here.

mod authors;
mod comments;
mod engagement;
mod home;
mod load;
mod notifications;
mod reads;
mod selections;
mod state;
mod timelines;
mod tweets;
mod viewer;
mod wire;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use base::clock::Clock;
use base::disk::RealDisk;
use base::error::chain;
use proto::status::to_status;
use proto::timeline::timeline_service_server::TimelineService as Rpc;
use proto::timeline::{
    AuthorStatsRequest, AuthorStatsResponse, CommentsRequest, CreateTweetRequest, CreateTweetResponse,
    DeleteTweetRequest, DeleteTweetResponse, EngageRequest, EngageResponse, EngagedRequest, EngagedResponse,
    GetTweetsRequest, GetTweetsResponse, HomeTimelineRequest, NotificationsRequest, NotificationsResponse,
    ReadNotificationsRequest, ReadNotificationsResponse, SubscribeRequest, SubscribeResponse, TimelineResponse,
    UserTimelineRequest,
};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status, async_trait};

pub use self::load::{LOAD_TWEETS_MAX, LoadedTweet};
use self::reads::Reads;
use crate::error::{OpenError, StoreError};
use crate::feeds::{Ephemeral, Feeds, Nowhere, OnDisk, Pusher};
use crate::graph::Graph;
use crate::notifier::Notifier;
use crate::settings::Settings;
use crate::tweets::{CheckReport, Store};

/// The timeline service. Clones are the same service; the folder is free again when the last is dropped.
#[derive(Clone)]
pub struct TimelineService(Arc<Parts>);

struct Parts {
    /// Dropped first: it works with the store.
    notifier: Notifier,
    store: Arc<Store>,
    pusher: Pusher,
    feeds: Arc<Feeds>,
    graph: Arc<dyn Graph>,
    clock: Arc<dyn Clock>,
    /// How long who insists on a materialised feed waits to be made active.
    join_deadline: Duration,
    reads: Reads,
    loads: Semaphore,
    tweet_characters: usize,
}

impl TimelineService {
    /// Opens the tweets in the settings' folder, which is created where there is none. Blocks.
    ///
    /// # Errors
    ///
    /// When the folder is in use, holds something else, or lost what was acknowledged.
    pub fn open(settings: Settings, graph: Arc<dyn Graph>, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        crate::metrics::describe();
        let tier = open_tier(&settings);
        let run = RandomState::new().build_hasher().finish();
        let feeds = Arc::new(Feeds::new(settings.feeds.clone(), tier, run));
        let store = Arc::new(Store::open(&settings, &RealDisk, clock.clone(), Arc::new(feeds.clone()))?);
        let notifier = Notifier::start(store.clone(), graph.clone()).map_err(OpenError::Thread)?;
        let pusher = Pusher::start(feeds.clone(), graph.clone(), clock.clone()).map_err(OpenError::Thread)?;
        let reads = Reads::new(settings.reads_in_flight, settings.deadline);
        Ok(TimelineService(Arc::new(Parts {
            notifier,
            store,
            pusher,
            feeds,
            graph,
            clock,
            join_deadline: settings.deadline / 2,
            reads,
            loads: Semaphore::new(load::LOADS_IN_FLIGHT_MAX),
            tweet_characters: settings.tweet_characters,
        })))
    }

    /// Makes durable what was accepted, and accepts no more writes: they are `UNAVAILABLE`. Reads go on. Blocks; a
    /// second call does nothing.
    pub fn close(&self) {
        self.0.notifier.stop();
        self.0.store.close();
        self.0.pusher.stop();
        self.0.feeds.put_all_aside();
    }

    /// Reads everything that is stored, and says what does not fit together. Blocks, for as long as that takes; reads
    /// and writes go on.
    ///
    /// # Errors
    ///
    /// When the storage engine fails; a damaged entry is a finding.
    pub fn check(&self) -> Result<CheckReport, StoreError> {
        self.0.store.check()
    }
}

/// Where feeds go that memory has no room for. They are copies: without such a place everything works.
fn open_tier(settings: &Settings) -> Box<dyn Ephemeral> {
    if settings.feeds.evicted_bytes == 0 {
        return Box::new(Nowhere);
    }
    let folder = settings.folder.join("feeds");
    match OnDisk::open(&folder, settings.feeds.evicted_bytes) {
        Ok(tier) => Box::new(tier),
        Err(error) => {
            tracing::warn!(folder = %folder.display(), error = %chain(&error), "feeds cannot be put aside");
            Box::new(Nowhere)
        }
    }
}

/// The response or the status of an outcome. Our own faults are logged here, once.
fn answer<T>(doing: &'static str, outcome: Result<T, base::Error>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|error| {
        error.log(doing);
        to_status(&error)
    })
}

#[async_trait]
impl Rpc for TimelineService {
    async fn create_tweet(
        &self,
        request: Request<CreateTweetRequest>,
    ) -> Result<Response<CreateTweetResponse>, Status> {
        answer("posting a tweet", self.create(request.into_inner()).await)
    }

    async fn delete_tweet(
        &self,
        request: Request<DeleteTweetRequest>,
    ) -> Result<Response<DeleteTweetResponse>, Status> {
        answer("deleting a tweet", self.delete(request.into_inner()).await)
    }

    async fn get_tweets(&self, request: Request<GetTweetsRequest>) -> Result<Response<GetTweetsResponse>, Status> {
        answer("getting tweets", self.get(request.into_inner()).await)
    }

    async fn user_timeline(&self, request: Request<UserTimelineRequest>) -> Result<Response<TimelineResponse>, Status> {
        answer("reading a user's timeline", self.user(request.into_inner()).await)
    }

    async fn home_timeline(&self, request: Request<HomeTimelineRequest>) -> Result<Response<TimelineResponse>, Status> {
        answer("reading a home feed", self.home(request.into_inner()).await)
    }

    async fn author_stats(
        &self,
        request: Request<AuthorStatsRequest>,
    ) -> Result<Response<AuthorStatsResponse>, Status> {
        answer("counting authors' tweets", self.stats(request.into_inner()).await)
    }

    async fn comments(&self, request: Request<CommentsRequest>) -> Result<Response<TimelineResponse>, Status> {
        answer("reading the answers to a tweet", self.answers(request.into_inner()).await)
    }

    async fn engage(&self, request: Request<EngageRequest>) -> Result<Response<EngageResponse>, Status> {
        answer("engaging with a tweet", self.change_engagement(request.into_inner()).await)
    }

    async fn engaged(&self, request: Request<EngagedRequest>) -> Result<Response<EngagedResponse>, Status> {
        answer("reading who engaged with a tweet", self.who_engaged(request.into_inner()).await)
    }

    async fn notifications(
        &self,
        request: Request<NotificationsRequest>,
    ) -> Result<Response<NotificationsResponse>, Status> {
        answer("reading notifications", self.notified(request.into_inner()).await)
    }

    async fn read_notifications(
        &self,
        request: Request<ReadNotificationsRequest>,
    ) -> Result<Response<ReadNotificationsResponse>, Status> {
        answer("marking notifications as read", self.read(request.into_inner()).await)
    }

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<SubscribeResponse>, Status> {
        answer("subscribing to an author", self.subscribed(request.into_inner()).await)
    }
}
