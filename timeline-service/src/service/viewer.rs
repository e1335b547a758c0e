//! Who looks at a page, and whom they must not see.

use base::{Error, UserId};
use proto::common::Revision;
use roaring::RoaringBitmap;

use super::TimelineService;
use crate::graph::naming;

/// Who looks at a page, and whom they must not see.
pub(super) struct Viewer {
    /// None sees everything.
    pub(super) user: Option<UserId>,
    /// Who blocks them.
    blockers: RoaringBitmap,
}

impl Viewer {
    /// Whether what a user wrote or retweeted exists for who looks.
    pub(super) fn sees(&self, user: UserId) -> bool {
        !self.blockers.contains(user.0)
    }
}

impl TimelineService {
    /// Asks the graph once for a whole page, and before it is read: so a page has as many entries as were asked for, and
    /// what is left out is left out of the numbering of pages too.
    pub(super) async fn viewer(&self, viewer: Option<u32>, at_least: Option<&Revision>) -> Result<Viewer, Error> {
        let at_least = proto::convert::revision(at_least, "at_least")?;
        let user = viewer.map(UserId);
        let blockers = match user {
            Some(user) => self.0.graph.blockers(user, at_least).await.map_err(naming("viewer"))?,
            None => RoaringBitmap::new(),
        };
        Ok(Viewer { user, blockers })
    }
}
