//! What was acknowledged, to be looked for later.

use base::{ListRef, Relation, UserId};
use graph_store::{Store, StoreError};

/// A follow that was acknowledged as there, or as gone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Follow {
    pub(super) source: UserId,
    pub(super) target: UserId,
    pub(super) is_there: bool,
}

/// Every acknowledged change: those of one source in the order in which they were acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Acknowledged {
    follows: Vec<Follow>,
}

impl Acknowledged {
    pub(super) fn push(&mut self, follow: Follow) {
        self.follows.push(follow);
    }

    /// Takes in the changes of other sources.
    pub(super) fn extend(&mut self, other: Acknowledged) {
        self.follows.extend(other.follows);
    }

    pub(super) fn nth(&self, idx: usize) -> Option<Follow> {
        self.follows.get(idx).copied()
    }

    /// How many changes there are.
    pub fn len(&self) -> u64 {
        self.follows.len() as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.follows.is_empty()
    }

    /// How many of the last changes of their pair the store does not show, in the forward or in the reverse list.
    pub fn lost(&self, store: &Store) -> Result<u64, StoreError> {
        let mut follows = self.follows.clone();
        let pair = |follow: &Follow| (follow.source, follow.target);
        // Stable, so that the changes of one pair stay in their order.
        follows.sort_by_key(pair);
        let mut lost = 0;
        for changes in follows.chunk_by(|one, other| pair(one) == pair(other)) {
            let Some(Follow { source, target, is_there }) = changes.last().copied() else { continue };
            let forward = store.contains(ListRef::forward(Relation::Follow, source), target)?;
            let reverse = store.contains(ListRef::reverse(Relation::Follow, target), source)?;
            lost += u64::from(forward != is_there || reverse != is_there);
        }
        Ok(lost)
    }
}
