//! A graph in which nobody follows anybody: what is measured is the tweets.

use base::{Error, Revision, UserId};
use futures::StreamExt;
use roaring::RoaringBitmap;
use timeline_service::{Begin, Follows, Graph, Sources, Versions};

/// A graph without an edge.
#[derive(Debug)]
pub(super) struct Nobody;

#[tonic::async_trait]
impl Graph for Nobody {
    async fn sources(&self, _: UserId, _: Option<Revision>) -> Result<Sources, Error> {
        Ok(Sources::default())
    }

    async fn versions(&self, _: UserId, _: Option<Revision>) -> Result<Versions, Error> {
        Ok(Versions::default())
    }

    async fn recipients(&self, _: UserId, _: Option<Revision>) -> Result<RoaringBitmap, Error> {
        Ok(RoaringBitmap::new())
    }

    async fn active_readers(&self) -> Result<RoaringBitmap, Error> {
        Ok(RoaringBitmap::new())
    }

    async fn update_active_readers(&self, _: &[u32], _: &[u32]) -> Result<(), Error> {
        Ok(())
    }

    async fn blockers(&self, _: UserId, _: Option<Revision>) -> Result<RoaringBitmap, Error> {
        Ok(RoaringBitmap::new())
    }

    async fn blocking(&self, authors: &[UserId], _: UserId, _: Option<Revision>) -> Result<Vec<bool>, Error> {
        Ok(vec![false; authors.len()])
    }

    async fn either_blocks(&self, _: UserId, _: UserId) -> Result<bool, Error> {
        Ok(false)
    }

    async fn hidden(&self, _: UserId, _: Option<Revision>) -> Result<RoaringBitmap, Error> {
        Ok(RoaringBitmap::new())
    }

    async fn reachable(&self, _: UserId, users: &[UserId]) -> Result<Vec<bool>, Error> {
        Ok(vec![false; users.len()])
    }

    async fn follows(&self, _: Begin) -> Result<Follows, Error> {
        Ok(futures::stream::pending().boxed())
    }
}
