//! By which numbers users are known outside.

use base::UserId;

use super::{ExportError, Ids};
use crate::store::Snapshot;

/// The number of each user of a snapshot.
#[derive(Debug)]
pub struct Names {
    /// By user id; empty where user ids are what is wanted.
    external: Vec<u64>,
}

impl Names {
    /// Looks everybody up once: eight bytes a user are less than a search for each edge.
    ///
    /// # Errors
    ///
    /// Two users who would have the same number.
    pub fn new(snapshot: &Snapshot, ids: Ids) -> Result<Self, ExportError> {
        if ids == Ids::Users {
            return Ok(Names { external: Vec::new() });
        }
        let name = |user: UserId| match (snapshot.external_id(user), snapshot.user(user.0.into())) {
            (Some(external_id), _) => Ok(external_id),
            (None, None) => Ok(user.0.into()),
            (None, Some(other)) => Err(ExportError::Ambiguous { user, other }),
        };
        Ok(Names { external: (0..snapshot.users()).map(UserId).map(name).collect::<Result<_, _>>()? })
    }

    /// The number of a user.
    pub fn of(&self, user: UserId) -> u64 {
        self.external.get(user.0 as usize).copied().unwrap_or_else(|| user.0.into())
    }
}
