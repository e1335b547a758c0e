//! Who keeps things in memory that must never be behind the store.

use std::sync::Arc;

use super::bounds::Bounds;
use super::command::Effect;
#[cfg(test)]
use super::command::Tweet;

/// Who keeps things in memory that must never be behind the store.
pub(crate) trait Memory: Send + Sync {
    /// Where every author's stream begins and ends.
    fn bounds(&self) -> &Arc<Bounds>;

    /// A batch is durable, and no reader sees it before this returns. Called by one thread, in the order of the batches.
    fn changed(&self, effects: &[Effect], batch: u64);

    /// Views that are taken from now on have all that was told.
    fn published(&self);
}

/// Nothing but the bounds.
#[cfg(test)]
impl Memory for Arc<Bounds> {
    fn bounds(&self) -> &Arc<Bounds> {
        self
    }

    fn changed(&self, effects: &[Effect], _: u64) {
        for effect in effects {
            match effect {
                Effect::Entered { tweet: Tweet { id, author, .. }, .. }
                | Effect::EnteredDead { id, retweeter: author } => {
                    self.enter(*author, *id, false);
                }
                _ => {}
            }
        }
    }

    fn published(&self) {}
}
