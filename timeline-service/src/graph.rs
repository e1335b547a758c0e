//! What this service needs of the graph, and how it asks for it.
//!
//! [`GraphLink`] answers in this process and over gRPC alike. A user whom the graph does not know is `INVALID_ARGUMENT`;
//! whoever asked names the field, see [`naming`].

use async_trait::async_trait;
use base::{Code, Error, ListRef, Relation, Revision, UserId, limits};
use futures::StreamExt;
use futures::stream::BoxStream;
use proto::graph::watch_response::Event;
use proto::graph::{
    self, BitmapOutput, Combination, Combine, ContainsRequest, Expression, Membership, Operation, Pair, RelateRequest,
    SelectRequest, UpdateSetRequest, UserIds, VersionsRequest, WatchRequest, WatchResponse, expression, select_request,
    select_response,
};
use proto::link::GraphLink;
use roaring::RoaringBitmap;

use crate::core::rules::Sources;

/// The name of the set of active readers in the graph.
pub const ACTIVE_READERS: &str = "active_readers";

/// The revisions of the last changes of what a reader follows, mutes and blocks, and of who blocks them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Versions(pub [Revision; 4]);

impl Versions {
    /// The last change of all.
    pub(crate) fn last(&self) -> Revision {
        self.0.into_iter().fold(Revision::ZERO, Revision::max)
    }
}

/// What this service needs of the graph. Every answer is at least as new as the revision that is asked for.
#[async_trait]
pub trait Graph: Send + Sync {
    /// Whom a reader follows, and who is hidden from them.
    async fn sources(&self, reader: UserId, at_least: Option<Revision>) -> Result<Sources, Error>;

    /// The versions of a reader's lists: as long as they are the same, so is what [`sources`](Self::sources) answers.
    async fn versions(&self, reader: UserId, at_least: Option<Revision>) -> Result<Versions, Error>;

    /// Who follows an author without muting them and is an active reader.
    async fn recipients(&self, author: UserId, at_least: Option<Revision>) -> Result<RoaringBitmap, Error>;

    /// The set of active readers, made where there is none.
    async fn active_readers(&self) -> Result<RoaringBitmap, Error>;

    /// Changes the set of active readers; each list has at most [`limits::CHANGES_MAX`] users.
    async fn update_active_readers(&self, add: &[u32], remove: &[u32]) -> Result<(), Error>;

    /// Who blocks a viewer.
    async fn blockers(&self, viewer: UserId, at_least: Option<Revision>) -> Result<RoaringBitmap, Error>;

    /// Which of some authors (at most [`limits::BATCH_MAX`]) block a viewer, in their order.
    async fn blocking(
        &self,
        authors: &[UserId],
        viewer: UserId,
        at_least: Option<Revision>,
    ) -> Result<Vec<bool>, Error>;

    /// Whether one of two users blocks the other.
    async fn either_blocks(&self, one: UserId, other: UserId) -> Result<bool, Error>;

    /// Whom a reader mutes or blocks, and who blocks the reader.
    async fn hidden(&self, reader: UserId, at_least: Option<Revision>) -> Result<RoaringBitmap, Error>;

    /// Which of some users (at most [`limits::BATCH_MAX`]) follow an author, with no block between them, in their order.
    async fn reachable(&self, author: UserId, users: &[UserId]) -> Result<Vec<bool>, Error>;

    /// Who begins to follow whom, in the order in which it happens, without end.
    ///
    /// # Errors
    ///
    /// `REVISION_TRIMMED`, or `INVALID_ARGUMENT` in `from`, where the graph cannot tell what happened since then.
    async fn follows(&self, begin: Begin) -> Result<Follows, Error>;
}

/// Where a stream of follows begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// After this revision.
    After(Revision),
    /// Where the graph believes that this service is, which it notes when it is asked for follows; now, if it does not know.
    Kept,
    /// Now, wherever the graph believes that this service is.
    Now,
}

/// A stream of what the graph tells. It ends with an error, or when the connection is lost.
pub type Follows = BoxStream<'static, Result<Told, Error>>;

/// Something that the graph tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Everything up to here has been told.
    pub revision: Revision,
    /// What happened.
    pub news: News,
}

/// What happened in the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Somebody began to follow somebody.
    Followed {
        /// Who follows.
        follower: UserId,
        /// Who is followed.
        followee: UserId,
    },
    /// Edges came in bulk.
    Imported {
        /// How many.
        edges: u64,
    },
    /// Nothing that matters here.
    Nothing,
}

/// The name under which the graph keeps its log for this service.
const CONSUMER: &str = "timeline-notifications";

#[async_trait]
impl Graph for GraphLink {
    async fn sources(&self, reader: UserId, at_least: Option<Revision>) -> Result<Sources, Error> {
        let followees = list(ListRef::forward(Relation::Follow, reader));
        let (followees, hidden) = tokio::try_join!(bitmap(self, followees, at_least), self.hidden(reader, at_least))?;
        Ok(Sources { followees, hidden })
    }

    async fn versions(&self, reader: UserId, at_least: Option<Revision>) -> Result<Versions, Error> {
        let lists = [
            ListRef::forward(Relation::Follow, reader),
            ListRef::forward(Relation::Mute, reader),
            ListRef::forward(Relation::Block, reader),
            ListRef::reverse(Relation::Block, reader),
        ];
        let request = VersionsRequest { lists: lists.map(Into::into).into(), at_least: at_least.map(Into::into) };
        let answered = GraphLink::versions(self, request).await?.versions;
        let versions: Vec<_> = answered
            .iter()
            .map(|version| proto::convert::revision(Some(version), "versions"))
            .collect::<Result<Option<_>, _>>()
            .map_err(Error::internal)?
            .unwrap_or_default();
        Ok(Versions(versions.try_into().map_err(|_| misunderstood("versions are missing"))?))
    }

    async fn recipients(&self, author: UserId, at_least: Option<Revision>) -> Result<RoaringBitmap, Error> {
        let active = Expression { node: Some(expression::Node::NamedSet(ACTIVE_READERS.to_owned())) };
        let followers = list(ListRef::reverse(Relation::Follow, author));
        let muting = list(ListRef::reverse(Relation::Mute, author));
        let both = combine(Combine::Intersection, vec![followers, active]);
        bitmap(self, combine(Combine::Difference, vec![both, muting]), at_least).await
    }

    async fn active_readers(&self) -> Result<RoaringBitmap, Error> {
        // An update that changes nothing creates the set.
        self.update_active_readers(&[], &[]).await?;
        bitmap(self, Expression { node: Some(expression::Node::NamedSet(ACTIVE_READERS.to_owned())) }, None).await
    }

    async fn update_active_readers(&self, add: &[u32], remove: &[u32]) -> Result<(), Error> {
        let request = UpdateSetRequest { name: ACTIVE_READERS.to_owned(), add: add.to_vec(), remove: remove.to_vec() };
        self.update_set(request).await.map(drop)
    }

    async fn blockers(&self, viewer: UserId, at_least: Option<Revision>) -> Result<RoaringBitmap, Error> {
        bitmap(self, list(ListRef::reverse(Relation::Block, viewer)), at_least).await
    }

    async fn blocking(
        &self,
        authors: &[UserId],
        viewer: UserId,
        at_least: Option<Revision>,
    ) -> Result<Vec<bool>, Error> {
        let request = ContainsRequest {
            list: Some(ListRef::reverse(Relation::Block, viewer).into()),
            users: authors.iter().map(|author| author.0).collect(),
            at_least: at_least.map(Into::into),
        };
        let contained = self.contains(request).await?.contained;
        if contained.len() != authors.len() {
            return Err(misunderstood("answers are missing"));
        }
        Ok(contained)
    }

    async fn either_blocks(&self, one: UserId, other: UserId) -> Result<bool, Error> {
        let pairs = vec![Pair { source: one.0, target: other.0 }];
        let response = self.relate(RelateRequest { pairs, at_least: None }).await?;
        let relationship = response.relationships.first().ok_or_else(|| misunderstood("the answer is missing"))?;
        Ok(relationship.blocking || relationship.blocked_by)
    }

    async fn hidden(&self, reader: UserId, at_least: Option<Revision>) -> Result<RoaringBitmap, Error> {
        let hidden = [
            ListRef::forward(Relation::Mute, reader),
            ListRef::forward(Relation::Block, reader),
            ListRef::reverse(Relation::Block, reader),
        ];
        bitmap(self, combine(Combine::Union, hidden.map(list).into()), at_least).await
    }

    async fn reachable(&self, author: UserId, users: &[UserId]) -> Result<Vec<bool>, Error> {
        let followers = [
            ListRef::reverse(Relation::Follow, author),
            ListRef::forward(Relation::Block, author),
            ListRef::reverse(Relation::Block, author),
        ];
        let ids = users.iter().map(|user| user.0).collect();
        let request = SelectRequest {
            expression: Some(combine(Combine::Difference, followers.map(list).into())),
            output: Some(select_request::Output::Contains(UserIds { ids })),
            at_least: None,
        };
        match self.select(request).await?.output {
            Some(select_response::Output::Contained(Membership { contained })) if contained.len() == users.len() => {
                Ok(contained)
            }
            _ => Err(misunderstood("an answer for each user was asked for")),
        }
    }

    async fn follows(&self, begin: Begin) -> Result<Follows, Error> {
        let (from, consumer) = match begin {
            Begin::After(revision) => (Some(revision.into()), CONSUMER),
            Begin::Kept => (None, CONSUMER),
            Begin::Now => (None, ""),
        };
        let relations = vec![graph::Relation::Follow as i32];
        let request = WatchRequest { from, relations, users: Vec::new(), consumer: consumer.to_owned() };
        Ok(self.watch(request).await?.map(|item| told(&item?)).boxed())
    }
}

fn told(response: &WatchResponse) -> Result<Told, Error> {
    let revision = proto::convert::revision(response.revision.as_ref(), "revision");
    let revision = revision.ok().flatten().ok_or_else(|| misunderstood("a revision is missing"))?;
    let news = match &response.event {
        Some(Event::Change(change))
            if change.relation() == graph::Relation::Follow && change.operation() == Operation::Add =>
        {
            News::Followed { follower: UserId(change.source), followee: UserId(change.target) }
        }
        Some(Event::Imported(imported)) => News::Imported { edges: imported.edges },
        Some(Event::Change(_) | Event::Progress(_)) | None => News::Nothing,
    };
    Ok(Told { revision, news })
}

/// The graph's error, where it is about the argument that came in as `field`.
pub(crate) fn naming(field: &'static str) -> impl Fn(Error) -> Error {
    move |error| match (error.code(), error.field()) {
        (Code::InvalidArgument, Some("at_least")) => error,
        (Code::InvalidArgument, _) => error.with_field(field),
        _ => error,
    }
}

fn combine(combine: Combine, operands: Vec<Expression>) -> Expression {
    Expression { node: Some(expression::Node::Combination(Combination { combine: combine as i32, operands })) }
}

fn list(list: ListRef) -> Expression {
    Expression { node: Some(expression::Node::List(list.into())) }
}

async fn bitmap(graph: &GraphLink, expression: Expression, at_least: Option<Revision>) -> Result<RoaringBitmap, Error> {
    let request = SelectRequest {
        expression: Some(expression),
        output: Some(select_request::Output::Bitmap(BitmapOutput {})),
        at_least: at_least.map(Into::into),
    };
    match graph.select(request).await?.output {
        // The reader checks what it reads; `deserialize_unchecked_from` would not.
        Some(select_response::Output::Bitmap(bytes)) if bytes.len() <= limits::GRPC_MESSAGE_MAX_BYTES => {
            RoaringBitmap::deserialize_from(&bytes[..]).map_err(Error::internal)
        }
        _ => Err(misunderstood("a bitmap was asked for")),
    }
}

fn misunderstood(what: &'static str) -> Error {
    Error::internal(format!("the graph answered something else: {what}"))
}
