//! What this service needs of the graph, and how it asks for it.
//!
//! [`GraphLink`] answers in this process and over gRPC alike. A user whom the graph does not know is `INVALID_ARGUMENT`;
//! whoever asked names the field, see [`naming`].

use async_trait::async_trait;
use base::{Code, Error, ListRef, Relation, Revision, UserId, limits};
use proto::graph::{
    BitmapOutput, Combination, Combine, ContainsRequest, Expression, Pair, RelateRequest, SelectRequest, expression,
    select_request, select_response,
};
use proto::link::GraphLink;
use roaring::RoaringBitmap;

use crate::core::rules::Sources;

/// What this service needs of the graph. Every answer is at least as new as the revision that is asked for.
#[async_trait]
pub trait Graph: Send + Sync {
    /// Whom a reader follows, and who is hidden from them.
    async fn sources(&self, reader: UserId, at_least: Option<Revision>) -> Result<Sources, Error>;

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
}

#[async_trait]
impl Graph for GraphLink {
    async fn sources(&self, reader: UserId, at_least: Option<Revision>) -> Result<Sources, Error> {
        let followees = list(ListRef::forward(Relation::Follow, reader));
        let hidden = [
            ListRef::forward(Relation::Mute, reader),
            ListRef::forward(Relation::Block, reader),
            ListRef::reverse(Relation::Block, reader),
        ];
        let hidden = expression::Node::Combination(Combination {
            combine: Combine::Union as i32,
            operands: hidden.map(list).into(),
        });
        let (followees, hidden) = tokio::try_join!(
            bitmap(self, followees, at_least),
            bitmap(self, Expression { node: Some(hidden) }, at_least),
        )?;
        Ok(Sources { followees, hidden })
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
}

/// The graph's error, where it is about the argument that came in as `field`.
pub(crate) fn naming(field: &'static str) -> impl Fn(Error) -> Error {
    move |error| match (error.code(), error.field()) {
        (Code::InvalidArgument, Some("at_least")) => error,
        (Code::InvalidArgument, _) => error.with_field(field),
        _ => error,
    }
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
