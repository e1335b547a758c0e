//! How changes and files change places under readers: a base, frozen layers over it, and an active one on top.
//!
//! ```text
//! apply ──▶ active        active             active            active
//!           frozen   ──▶  frozen, frozen ──▶ frozen, frozen ──▶ ─
//!           base   freeze base        write  base       replace new base
//! ```
//!
//! What the base and the layers hold together is the same before and after each step, and each step is one short
//! write under the lock. So whoever looks under the lock once sees every change that was applied, and sees it once.
//! What a step lets go of (a whole file's mapping, a hundred thousand deltas) is handed to the caller, to be dropped
//! when the lock is free again: readers wait for neither.
//!
//! The lock is a parameter, so that the tests can put loom's in its place and try every interleaving.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use base::Revision;
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A lock that many can read under, or one write.
pub(super) trait Lock<T> {
    type Read<'a>: Deref<Target = T>
    where
        Self: 'a;
    type Write<'a>: DerefMut<Target = T>
    where
        Self: 'a;

    fn new(value: T) -> Self;
    fn read(&self) -> Self::Read<'_>;
    fn write(&self) -> Self::Write<'_>;
}

impl<T> Lock<T> for RwLock<T> {
    type Read<'a>
        = RwLockReadGuard<'a, T>
    where
        T: 'a;
    type Write<'a>
        = RwLockWriteGuard<'a, T>
    where
        T: 'a;

    fn new(value: T) -> Self {
        RwLock::new(value)
    }

    fn read(&self) -> Self::Read<'_> {
        RwLock::read(self)
    }

    fn write(&self) -> Self::Write<'_> {
        RwLock::write(self)
    }
}

/// Changes between two revisions.
pub(super) trait Layer: Default {
    fn is_empty(&self) -> bool;
}

/// A base `B` under layers `L`.
#[derive(Debug)]
pub(super) struct Layers<B, L, K = RwLock<State<B, L>>> {
    state: K,
    _parts: std::marker::PhantomData<(B, L)>,
}

/// What there is at one moment.
#[derive(Debug)]
pub(super) struct State<B, L> {
    pub(super) base: Arc<B>,
    /// What the base stands for.
    pub(super) revision: Revision,
    /// The newest change that was applied, or what the base stands for.
    pub(super) applied: Revision,
    /// Oldest first.
    pub(super) frozen: Vec<Arc<L>>,
    pub(super) active: L,
}

/// What a new base has to hold: the old one, and the frozen layers over it.
#[derive(Debug)]
pub(super) struct Frozen<B, L> {
    pub(super) base: Arc<B>,
    /// Oldest first.
    pub(super) layers: Vec<Arc<L>>,
    /// What both together stand for.
    pub(super) revision: Revision,
}

impl<B, L: Layer, K: Lock<State<B, L>>> Layers<B, L, K> {
    pub(super) fn new(base: B, revision: Revision) -> Self {
        let state =
            State { base: Arc::new(base), revision, applied: revision, frozen: Vec::new(), active: L::default() };
        Layers { state: K::new(state), _parts: std::marker::PhantomData }
    }

    /// All that there is now. Not for long: a writer may be waiting, and readers behind it.
    pub(super) fn read(&self) -> K::Read<'_> {
        self.state.read()
    }

    /// For applying changes to the active layer.
    pub(super) fn write(&self) -> K::Write<'_> {
        self.state.write()
    }

    /// Makes the active layer immutable and begins another, unless it is empty. Every change up to `visible` must have
    /// been applied.
    pub(super) fn freeze(&self, visible: Revision) -> Frozen<B, L> {
        let mut state = self.state.write();
        if !state.active.is_empty() {
            let active = std::mem::take(&mut state.active);
            state.frozen.push(Arc::new(active));
        }
        // Changes are applied in order, so those of this slot are complete up to the newest one.
        let revision = visible.max(state.applied);
        Frozen { base: state.base.clone(), layers: state.frozen.clone(), revision }
    }

    /// Puts a base in place that holds all that the `written` oldest frozen layers held, and stands for `revision`.
    /// Returns what it replaces.
    pub(super) fn replace_base(&self, base: B, revision: Revision, written: usize) -> (Arc<B>, Vec<Arc<L>>) {
        let mut state = self.state.write();
        state.revision = revision;
        state.applied = state.applied.max(revision);
        let layers = state.frozen.drain(..written).collect();
        (std::mem::replace(&mut state.base, Arc::new(base)), layers)
    }

    /// Lets a base without layers over it stand for `visible`, up to which every change must have been applied. Returns
    /// what the base stands for then.
    pub(super) fn advance(&self, visible: Revision) -> Revision {
        let mut state = self.state.write();
        if state.frozen.is_empty() && state.active.is_empty() {
            state.revision = state.revision.max(visible);
            state.applied = state.applied.max(visible);
        }
        state.revision
    }
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
