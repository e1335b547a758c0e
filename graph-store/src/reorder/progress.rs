//! How far a new order is, and whether it is still wanted.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Hears the share that is done, from 0 to 1, and says whether to go on.
pub type Tell<'a> = dyn Fn(f64) -> ControlFlow<()> + Sync + 'a;

/// Whoever wanted a new order wants it no more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cancelled;

/// How many times the share is told while it rises from 0 to 1.
const TOLD: u64 = 1024;

/// Counts steps, of which it knows how many there will be.
pub(super) struct Progress<'a> {
    tell: &'a Tell<'a>,
    done: AtomicU64,
    total: u64,
    cancelled: AtomicBool,
}

impl<'a> Progress<'a> {
    pub(super) fn new(tell: &'a Tell<'a>, steps: u64) -> Self {
        Progress { tell, done: AtomicU64::new(0), total: steps.max(1), cancelled: AtomicBool::new(false) }
    }

    /// So many more steps are done.
    pub(super) fn advance(&self, steps: u64) -> Result<(), Cancelled> {
        let before = self.done.fetch_add(steps, Ordering::Relaxed);
        if before * TOLD / self.total == (before + steps) * TOLD / self.total {
            return Ok(());
        }
        self.check()
    }

    /// Whether to go on.
    pub(super) fn check(&self) -> Result<(), Cancelled> {
        let share = self.done.load(Ordering::Relaxed) as f64 / self.total as f64;
        // Once is enough: the other threads must not ask again and get another answer.
        if self.cancelled.load(Ordering::Relaxed) || (self.tell)(share).is_break() {
            self.cancelled.store(true, Ordering::Relaxed);
            return Err(Cancelled);
        }
        Ok(())
    }
}
