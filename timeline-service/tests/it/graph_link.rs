//! What this service asks of the graph over [`GraphLink`], in this process and over gRPC: the same questions, the same
//! answers.

use std::sync::Arc;

use base::clock::SystemClock;
use base::{Code, Direction, Error, Relation, Revision, UserId};
use futures::StreamExt;
use futures::stream::BoxStream;
use proto::auth::ServiceToken;
use proto::convert;
use proto::graph::graph_store_server::{GraphStore, GraphStoreServer};
use proto::graph::*;
use proto::link::{GraphLink, TimelineLink};
use proto::status::to_status;
use proto::timeline::NotificationsRequest;
use roaring::RoaringBitmap;
use timeline_service::{ACTIVE_READERS, Begin, Graph, News, Settings, Sources, TimelineService, Told, Versions};
use tonic::{Request, Response, Status};

use crate::notifications::until;
use crate::support::{Edges, FakeGraph};

/// The newest revision that [`FakeStore`] has.
const NEWEST: Revision = Revision(5);
/// The first user id that [`FakeStore`] does not know.
const USERS: u32 = 1_000_000;

/// As much of a graph store as this service uses, over sets in memory.
#[derive(Debug, Default)]
struct FakeStore(FakeGraph);

impl FakeStore {
    fn list(&self, list: &ListRef) -> Result<RoaringBitmap, Error> {
        let list = convert::list_ref(Some(list), "list")?;
        if list.user.0 >= USERS {
            return Err(Error::invalid("list.user", "no such user"));
        }
        let Edges { follows, mutes, blocks } = self.0.0.lock().clone();
        let pairs = match list.relation {
            Relation::Follow => follows,
            Relation::Mute => mutes,
            Relation::Block => blocks,
        };
        let other = |(source, target): (u32, u32)| match list.direction {
            Direction::Forward => (source == list.user.0).then_some(target),
            Direction::Reverse => (target == list.user.0).then_some(source),
        };
        Ok(pairs.into_iter().filter_map(other).collect())
    }

    fn evaluate(&self, expression: &Expression) -> Result<RoaringBitmap, Error> {
        match &expression.node {
            Some(expression::Node::List(list)) => self.list(list),
            Some(expression::Node::Combination(combination)) if combination.combine() == Combine::Union => {
                combination.operands.iter().try_fold(RoaringBitmap::new(), |all, one| Ok(all | self.evaluate(one)?))
            }
            Some(expression::Node::Combination(Combination { combine, operands })) => {
                let operands = operands.iter().map(|one| self.evaluate(one)).collect::<Result<Vec<_>, _>>()?;
                let (one, others) = operands.split_first().expect("an operand");
                match Combine::try_from(*combine) {
                    Ok(Combine::Intersection) => Ok(others.iter().fold(one.clone(), |left, other| left & other)),
                    Ok(Combine::Difference) => Ok(others.iter().fold(one.clone(), |left, other| left - other)),
                    other => panic!("not part of this test: {other:?}"),
                }
            }
            Some(expression::Node::NamedSet(name)) => {
                assert_eq!(name, ACTIVE_READERS);
                Ok(self.0.1.active.lock().clone())
            }
            other => Err(Error::invalid("expression", format!("not part of this test: {other:?}"))),
        }
    }

    fn at_least(revision: Option<&proto::common::Revision>) -> Result<(), Error> {
        match convert::revision(revision, "at_least")? {
            Some(revision) if revision > NEWEST => Err(Error::invalid("at_least", "not given out yet")),
            _ => Ok(()),
        }
    }
}

fn answer<T>(outcome: Result<T, Error>) -> Result<Response<T>, Status> {
    outcome.map(Response::new).map_err(|error| to_status(&error))
}

macro_rules! unused {
    ($($call:ident($request:ident) -> $response:ident;)*) => {
        $(
            fn $call<'a: 'b, 'b>(
                &'a self,
                _: Request<$request>,
            ) -> futures::future::BoxFuture<'b, Result<Response<$response>, Status>>
            where
                Self: 'b,
            {
                Box::pin(async { Err(Status::unimplemented("not part of this test")) })
            }
        )*
    };
}

#[tonic::async_trait]
impl GraphStore for FakeStore {
    type WatchStream = BoxStream<'static, Result<WatchResponse, Status>>;

    async fn select(&self, request: Request<SelectRequest>) -> Result<Response<SelectResponse>, Status> {
        let waits = proto::deadline::timeout(&request).map_err(|error| to_status(&error))?;
        let told = request.remote_addr().map(|_| base::limits::CALL_DEADLINE);
        assert_eq!(waits, told, "a link to an address tells how long it waits");
        let request = request.into_inner();
        answer(FakeStore::at_least(request.at_least.as_ref()).and_then(|()| {
            let expression = request.expression.ok_or_else(|| Error::invalid("expression", "must be given"))?;
            let found = self.evaluate(&expression)?;
            let output = match request.output {
                Some(select_request::Output::Contains(asked)) => {
                    let contained = asked.ids.iter().map(|&id| found.contains(id)).collect();
                    select_response::Output::Contained(Membership { contained })
                }
                _ => {
                    let mut bytes = Vec::new();
                    found.serialize_into(&mut bytes).expect("memory does not fail");
                    select_response::Output::Bitmap(bytes)
                }
            };
            Ok(SelectResponse { output: Some(output) })
        }))
    }

    async fn contains(&self, request: Request<ContainsRequest>) -> Result<Response<ContainsResponse>, Status> {
        let request = request.into_inner();
        answer(FakeStore::at_least(request.at_least.as_ref()).and_then(|()| {
            let list = self.list(&request.list.ok_or_else(|| Error::invalid("list", "must be given"))?)?;
            Ok(ContainsResponse { contained: request.users.iter().map(|&user| list.contains(user)).collect() })
        }))
    }

    async fn relate(&self, request: Request<RelateRequest>) -> Result<Response<RelateResponse>, Status> {
        let blocks = self.0.0.lock().blocks.clone();
        let relate = |pair: Pair| Relationship {
            blocking: blocks.contains(&(pair.source, pair.target)),
            blocked_by: blocks.contains(&(pair.target, pair.source)),
            ..Relationship::default()
        };
        let relationships = request.into_inner().pairs.into_iter().map(relate).collect();
        answer(Ok(RelateResponse { relationships }))
    }

    async fn versions(&self, request: Request<VersionsRequest>) -> Result<Response<VersionsResponse>, Status> {
        let request = request.into_inner();
        answer(FakeStore::at_least(request.at_least.as_ref()).and_then(|()| {
            // A list of so many members was changed so many times.
            let versions = request.lists.iter().map(|list| Ok(Revision(self.list(list)?.len()).into()));
            Ok(VersionsResponse { versions: versions.collect::<Result<_, Error>>()? })
        }))
    }

    async fn update_set(&self, request: Request<UpdateSetRequest>) -> Result<Response<UpdateSetResponse>, Status> {
        let UpdateSetRequest { name, add, remove } = request.into_inner();
        assert_eq!(name, ACTIVE_READERS);
        let mut active = self.0.1.active.lock();
        *active -= remove.into_iter().collect::<RoaringBitmap>();
        active.extend(add);
        Ok(Response::new(UpdateSetResponse::default()))
    }

    unused! {
        allocate_users(AllocateUsersRequest) -> AllocateUsersResponse;
        resolve(ResolveRequest) -> ResolveResponse;
        apply(ApplyRequest) -> ApplyResponse;
        count(CountRequest) -> CountResponse;
        list(ListRequest) -> ListResponse;
        followers_you_know(FollowersYouKnowRequest) -> FollowersYouKnowResponse;
        path(PathRequest) -> PathResponse;
        ranks(RanksRequest) -> RanksResponse;
        suggest(SuggestRequest) -> SuggestResponse;
    }

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let WatchRequest { from, relations, users, consumer } = request.into_inner();
        assert_eq!((&relations[..], &users[..]), (&[proto::graph::Relation::Follow as i32][..], &[][..]));
        let from = convert::revision(from.as_ref(), "from").map_err(|error| to_status(&error))?;
        assert!(from.is_none() || !consumer.is_empty(), "who names a revision wants the log to be held");
        let change = |operation| {
            let relation = proto::graph::Relation::Follow as i32;
            watch_response::Event::Change(Change {
                relation,
                operation: operation as i32,
                source: 8,
                target: 9,
                time: 0,
            })
        };
        let events = [
            watch_response::Event::Progress(Progress {}),
            change(Operation::Remove),
            change(Operation::Add),
            watch_response::Event::Imported(Imported { edges: 7 }),
        ];
        let first = from.map_or(NEWEST.0, |from| from.0);
        let told = events.into_iter().zip(first..).map(|(event, revision)| {
            Ok(WatchResponse { revision: Some(Revision(revision).into()), event: Some(event) })
        });
        let end = Err(to_status(&Error::new(Code::RevisionTrimmed, "trimmed")));
        Ok(Response::new(futures::stream::iter(told.chain([end]).collect::<Vec<_>>()).boxed()))
    }
}

fn store() -> FakeStore {
    let edges = Edges {
        follows: [(1, 2), (1, 3), (1, 70_000), (2, 1)].into(),
        mutes: [(1, 3), (4, 1)].into(),
        blocks: [(1, 5), (6, 1), (5, 6)].into(),
    };
    FakeStore(edges.into())
}

async fn check(graph: &dyn Graph) {
    let (one, known) = (UserId(1), Some(Revision(5)));
    let expected = Sources { followees: [2, 3, 70_000].into(), hidden: [3, 5, 6].into() };
    assert_eq!(graph.sources(one, known).await.expect("answered"), expected);
    assert_eq!(graph.sources(UserId(999), None).await.expect("answered"), Sources::default());
    assert_eq!(graph.blockers(one, known).await.expect("answered"), [6].into());
    let authors = [UserId(2), UserId(5), UserId(6)];
    assert_eq!(graph.blocking(&authors, one, known).await.expect("answered"), [false, false, true]);
    for (other, blocks) in [(2, false), (3, false), (5, true), (6, true)] {
        assert_eq!(graph.either_blocks(one, UserId(other)).await.expect("answered"), blocks, "user {other}");
    }
    assert_eq!(graph.hidden(one, known).await.expect("answered"), [3, 5, 6].into());
    let users = [UserId(2), UserId(3), UserId(5)];
    assert_eq!(graph.reachable(one, &users).await.expect("answered"), [true, false, false]);
    for (begin, first) in [(Begin::After(Revision(2)), 2), (Begin::Now, NEWEST.0)] {
        let told: Vec<_> = graph.follows(begin).await.expect("opened").collect().await;
        let news = [
            News::Nothing,
            News::Nothing,
            News::Followed { follower: UserId(8), followee: UserId(9) },
            News::Imported { edges: 7 },
        ];
        let (last, told) = told.split_last().expect("there is an end");
        let told: Vec<_> = told.iter().map(|told| *told.as_ref().expect("told")).collect();
        let expected = news.into_iter().zip(first..);
        let expected: Vec<_> = expected.map(|(news, at)| Told { revision: Revision(at), news }).collect();
        assert_eq!(told, expected);
        assert_eq!(last.as_ref().expect_err("the end").code(), Code::RevisionTrimmed);
    }
    let versions = Versions([3, 1, 1, 1].map(Revision));
    assert_eq!(graph.versions(one, known).await.expect("answered"), versions);
    graph.update_active_readers(&[1, 4, 7, 9], &[]).await.expect("told");
    graph.update_active_readers(&[4], &[4, 9]).await.expect("told");
    assert_eq!(graph.active_readers().await.expect("answered"), [1, 4, 7].into());
    for (author, recipients) in [(2, [1].into()), (3, RoaringBitmap::new()), (1, RoaringBitmap::new())] {
        assert_eq!(graph.recipients(UserId(author), known).await.expect("answered"), recipients, "of {author}");
    }
    let unknown = graph.sources(UserId(USERS), None).await.expect_err("no such user");
    assert_eq!(unknown.code(), Code::InvalidArgument);
    let early = graph.blocking(&authors, one, Some(Revision(6))).await.expect_err("too early");
    assert_eq!((early.code(), early.field()), (Code::InvalidArgument, Some("at_least")));
}

#[tokio::test]
async fn a_graph_in_this_process_is_understood() {
    check(&GraphLink::Local(Arc::new(store()))).await;
}

/// A link to a store behind an address, and the server there.
async fn serve() -> (GraphLink, tokio::task::JoinHandle<Result<(), tonic::transport::Error>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let server = tonic::transport::Server::builder().add_service(GraphStoreServer::new(store()));
    let server = tokio::spawn(server.serve_with_incoming(incoming));
    let address = format!("http://{address}").parse().expect("an address is a URI");
    (GraphLink::connect(address, ServiceToken::none()), server)
}

#[tokio::test]
async fn a_graph_behind_an_address_is_understood() {
    let (link, server) = serve().await;
    check(&link).await;
    server.abort();
}

#[tokio::test]
async fn follows_notify_wherever_the_graph_is() {
    let (remote, server) = serve().await;
    for graph in [GraphLink::Local(Arc::new(store())), remote] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let settings = Settings { folder: folder.path().to_owned(), ..Settings::default() };
        let service = TimelineService::open(settings, Arc::new(graph), Arc::new(SystemClock)).expect("opens");
        let link = TimelineLink::Local(Arc::new(service));
        let request = NotificationsRequest { user: 9, ..NotificationsRequest::default() };
        let told = async || link.notifications(request.clone()).await.expect("a page").notifications;
        until("a follow", async || !told().await.is_empty()).await;
        let told = told().await;
        assert_eq!(told.iter().map(|one| &one.actors[..]).collect::<Vec<_>>(), [[8]]);
    }
    server.abort();
}

#[tokio::test]
async fn unknown_users_and_revisions_are_passed_on_with_their_field() {
    use proto::timeline::{GetTweetsRequest, HomeTimelineRequest, UserTimelineRequest};

    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = Settings { folder: folder.path().to_owned(), ..Settings::default() };
    let graph = Arc::new(GraphLink::Local(Arc::new(store())));
    let service = TimelineService::open(settings, graph, Arc::new(SystemClock)).expect("opens");
    let link = TimelineLink::Local(Arc::new(service));
    let posted = link.create_tweet(crate::support::new(2, "text")).await.expect("posted").tweet.expect("a tweet");

    let field = |error: Error| (error.code(), error.field().map(str::to_owned));
    let named = |field: &str| (Code::InvalidArgument, Some(field.to_owned()));
    let home = HomeTimelineRequest { user: USERS, ..HomeTimelineRequest::default() };
    assert_eq!(field(link.home_timeline(home.clone()).await.expect_err("unknown")), named("user"));
    let early = HomeTimelineRequest { user: 1, at_least: Some(Revision(6).into()), ..home };
    assert_eq!(field(link.home_timeline(early).await.expect_err("too early")), named("at_least"));
    let timeline = UserTimelineRequest { user: 2, viewer: Some(USERS), ..UserTimelineRequest::default() };
    assert_eq!(field(link.user_timeline(timeline).await.expect_err("unknown")), named("viewer"));
    let at_least = Some(Revision(6).into());
    let early = UserTimelineRequest { user: 2, viewer: Some(1), at_least, ..UserTimelineRequest::default() };
    assert_eq!(field(link.user_timeline(early).await.expect_err("too early")), named("at_least"));
    let get = GetTweetsRequest { ids: vec![posted.id], viewer: Some(USERS), at_least: None };
    assert_eq!(field(link.get_tweets(get.clone()).await.expect_err("unknown")), named("viewer"));
    let early = GetTweetsRequest { viewer: Some(1), at_least: Some(Revision(6).into()), ..get };
    assert_eq!(field(link.get_tweets(early).await.expect_err("too early")), named("at_least"));
}
