//! A service to call, in this process or behind an address: the caller cannot tell.
//!
//! Every call has the deadline [`limits::CALL_DEADLINE`], tells a service behind an address so as any client of gRPC would
//! (`grpc-timeout`), and answers base's error. A call whose caller goes away is cancelled, here and there.

use std::sync::Arc;

use base::{Code, Error, limits};
use futures::stream::{BoxStream, StreamExt};
use tonic::Request;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::auth::ServiceToken;
use crate::graph::graph_store_client::GraphStoreClient;
use crate::server::KEEPALIVE;
use crate::status::from_status;
use crate::timeline::timeline_service_client::TimelineServiceClient;
use crate::{LocalGraphStore, LocalTimelineService, graph, timeline};

pub(crate) type Signed = InterceptedService<Channel, ServiceToken>;

/// `roost.graph.v1.GraphStore`.
#[derive(Clone)]
pub enum GraphLink {
    /// In this process: a plain call.
    Local(Arc<LocalGraphStore>),
    /// Behind an address: connects at the first call, and again whenever the connection was lost.
    Remote(GraphStoreClient<Signed>),
}

/// `roost.timeline.v1.TimelineService`.
#[derive(Clone)]
pub enum TimelineLink {
    /// In this process: a plain call.
    Local(Arc<LocalTimelineService>),
    /// Behind an address: connects at the first call, and again whenever the connection was lost.
    Remote(TimelineServiceClient<Signed>),
}

macro_rules! calls {
    ($link:ident, $package:ident: $($(#[$doc:meta])* $call:ident($request:ident) -> $response:ident;)*) => {
        impl $link {
            $(
                $(#[$doc])*
                pub async fn $call(&self, request: $package::$request) -> Result<$package::$response, Error> {
                    let answer = async {
                        match self {
                            $link::Local(service) => service.$call(Request::new(request)).await,
                            $link::Remote(client) => client.clone().$call(timed(request)).await,
                        }
                    };
                    match tokio::time::timeout(limits::CALL_DEADLINE, answer).await {
                        Ok(Ok(response)) => Ok(response.into_inner()),
                        Ok(Err(status)) => Err(from_status(&status)),
                        Err(_) => Err(Error::new(Code::DeadlineExceeded, "a service took too long to answer")),
                    }
                }
            )*
        }
    };
}

calls! { GraphLink, graph:
    /// Gives out user ids.
    allocate_users(AllocateUsersRequest) -> AllocateUsersResponse;
    /// External ids to user ids, or back.
    resolve(ResolveRequest) -> ResolveResponse;
    /// Changes edges.
    apply(ApplyRequest) -> ApplyResponse;
    /// How pairs of users stand to each other.
    relate(RelateRequest) -> RelateResponse;
    /// Which of some users are in a list.
    contains(ContainsRequest) -> ContainsResponse;
    /// The sizes of lists.
    count(CountRequest) -> CountResponse;
    /// The revision of each list's last change.
    versions(VersionsRequest) -> VersionsResponse;
    /// A page of a list.
    list(ListRequest) -> ListResponse;
    /// Set algebra.
    select(SelectRequest) -> SelectResponse;
    /// Changes a named set.
    update_set(UpdateSetRequest) -> UpdateSetResponse;
    /// Who of somebody's followees follows some users.
    followers_you_know(FollowersYouKnowRequest) -> FollowersYouKnowResponse;
    /// Who to follow.
    suggest(SuggestRequest) -> SuggestResponse;
    /// A shortest path.
    path(PathRequest) -> PathResponse;
    /// The published ranks of users.
    ranks(RanksRequest) -> RanksResponse;
}

calls! { TimelineLink, timeline:
    /// Posts a tweet.
    create_tweet(CreateTweetRequest) -> CreateTweetResponse;
    /// Hides a tweet.
    delete_tweet(DeleteTweetRequest) -> DeleteTweetResponse;
    /// Some tweets by id.
    get_tweets(GetTweetsRequest) -> GetTweetsResponse;
    /// What one user posted, or favorited.
    user_timeline(UserTimelineRequest) -> TimelineResponse;
    /// What a user and those whom they follow posted.
    home_timeline(HomeTimelineRequest) -> TimelineResponse;
    /// The answers to a tweet.
    comments(CommentsRequest) -> TimelineResponse;
    /// Favorites or retweets a tweet, or takes that back.
    engage(EngageRequest) -> EngageResponse;
    /// Who favorited or retweeted a tweet.
    engaged(EngagedRequest) -> EngagedResponse;
    /// Figures of authors.
    author_stats(AuthorStatsRequest) -> AuthorStatsResponse;
    /// What a user was notified of.
    notifications(NotificationsRequest) -> NotificationsResponse;
    /// Marks notifications as read.
    read_notifications(ReadNotificationsRequest) -> ReadNotificationsResponse;
    /// Asks to be notified of each tweet of an author, or no longer.
    subscribe(SubscribeRequest) -> SubscribeResponse;
}

impl GraphLink {
    /// The store behind an address.
    pub fn connect(address: Uri, token: ServiceToken) -> Self {
        let client = GraphStoreClient::with_interceptor(channel(address), token);
        GraphLink::Remote(client.max_decoding_message_size(limits::GRPC_MESSAGE_MAX_BYTES))
    }

    /// Every effective change from a revision on. Only the opening of the stream has a deadline.
    pub async fn watch(
        &self,
        request: graph::WatchRequest,
    ) -> Result<BoxStream<'static, Result<graph::WatchResponse, Error>>, Error> {
        let opened = async {
            match self {
                GraphLink::Local(service) => Ok(service.watch(Request::new(request)).await?.into_inner()),
                GraphLink::Remote(client) => Ok(client.clone().watch(request).await?.into_inner().boxed()),
            }
        };
        match tokio::time::timeout(limits::CALL_DEADLINE, opened).await {
            Ok(Ok(stream)) => Ok(stream.map(|item| item.map_err(|status| from_status(&status))).boxed()),
            Ok(Err(status)) => Err(from_status(&status)),
            Err(_) => Err(Error::new(Code::DeadlineExceeded, "a service took too long to answer")),
        }
    }
}

impl TimelineLink {
    /// The service behind an address.
    pub fn connect(address: Uri, token: ServiceToken) -> Self {
        let client = TimelineServiceClient::with_interceptor(channel(address), token);
        TimelineLink::Remote(client.max_decoding_message_size(limits::GRPC_MESSAGE_MAX_BYTES))
    }
}

/// A request that says how long its caller waits.
pub(crate) fn timed<T>(request: T) -> Request<T> {
    let mut request = Request::new(request);
    request.set_timeout(limits::CALL_DEADLINE);
    request
}

/// A connection that asks whether the server is still there where it says nothing: a stream has no deadline of its own.
pub(crate) fn channel(address: Uri) -> Channel {
    Endpoint::from(address)
        .connect_timeout(limits::CALL_DEADLINE)
        .tcp_nodelay(true)
        .tcp_keepalive(Some(KEEPALIVE))
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .connect_lazy()
}
