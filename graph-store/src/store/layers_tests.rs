//! Every interleaving of readers, an applier and a compactor, by loom.

use std::sync::Arc;

use base::Revision;
use loom::thread;

use super::*;

/// Loom's lock in place of the real one.
#[derive(Debug)]
struct Watched<T>(loom::sync::RwLock<T>);

impl<T> Lock<T> for Watched<T> {
    type Read<'a>
        = loom::sync::RwLockReadGuard<'a, T>
    where
        T: 'a;
    type Write<'a>
        = loom::sync::RwLockWriteGuard<'a, T>
    where
        T: 'a;

    fn new(value: T) -> Self {
        Watched(loom::sync::RwLock::new(value))
    }

    fn read(&self) -> Self::Read<'_> {
        self.0.read().expect("nobody panics under the lock")
    }

    fn write(&self) -> Self::Write<'_> {
        self.0.write().expect("nobody panics under the lock")
    }
}

/// Revisions, in the order in which they were applied.
type Changes = Vec<u64>;
type Tested = Layers<Changes, Changes, Watched<State<Changes, Changes>>>;

impl Layer for Changes {
    fn is_empty(&self) -> bool {
        Vec::is_empty(self)
    }
}

fn apply(layers: &Tested, revision: u64) {
    let mut state = layers.write();
    state.active.push(revision);
    state.applied = Revision(revision);
}

/// All changes, as a reader finds them.
fn read(layers: &Tested) -> Changes {
    let state = layers.read();
    let frozen = state.frozen.iter().flat_map(|layer| layer.iter());
    state.base.iter().chain(frozen).chain(&state.active).copied().collect()
}

/// What a compaction does to a slot, with files that are vectors.
fn compact(layers: &Tested, visible: Revision) {
    let frozen = layers.freeze(visible);
    let layers_written = frozen.layers.iter().flat_map(|layer| layer.iter());
    let new: Changes = frozen.base.iter().chain(layers_written).copied().collect();
    // A replay after this would begin here: nothing behind it may be missing, and nothing before it come again.
    assert_eq!(new, (1..=frozen.revision.0).collect::<Changes>(), "the segments do not hold what they stand for");
    layers.replace_base(new, frozen.revision, frozen.layers.len());
}

/// A reader who looks twice finds the changes from the first on without a gap, none of them twice, and the second time
/// no fewer.
fn look_twice(layers: &Tested) {
    let [first, second] = [read(layers), read(layers)];
    for found in [&first, &second] {
        assert_eq!(*found, (1..=found.len() as u64).collect::<Changes>(), "a change is lost or there twice");
    }
    assert!(first.len() <= second.len(), "a change was seen and is gone: {first:?}, then {second:?}");
}

#[test]
fn no_reader_sees_a_change_twice_or_lost_while_changes_are_applied_and_compacted() {
    loom::model(|| {
        let layers = Arc::new(Tested::new(vec![1], Revision(1)));
        apply(&layers, 2);
        let applier = thread::spawn({
            let layers = layers.clone();
            move || (3..=4).for_each(|revision| apply(&layers, revision))
        });
        let compactor = thread::spawn({
            let layers = layers.clone();
            move || compact(&layers, Revision(2))
        });
        look_twice(&layers);
        applier.join().expect("no assertion failed");
        compactor.join().expect("no assertion failed");
        compact(&layers, Revision(4));
        assert_eq!(read(&layers), [1, 2, 3, 4]);
    });
}

#[test]
fn two_compactions_in_turn_write_every_change_once() {
    loom::model(|| {
        let layers = Arc::new(Tested::new(vec![1], Revision(1)));
        let applier = thread::spawn({
            let layers = layers.clone();
            move || (2..=3).for_each(|revision| apply(&layers, revision))
        });
        compact(&layers, Revision(1));
        look_twice(&layers);
        compact(&layers, Revision(1));
        applier.join().expect("no assertion failed");
        assert_eq!(read(&layers), [1, 2, 3]);
    });
}

#[test]
fn an_idle_slot_stands_for_a_revision_only_if_it_has_no_changes_up_to_it() {
    loom::model(|| {
        let layers = Arc::new(Tested::new(vec![1], Revision(1)));
        let visible = Arc::new(loom::sync::atomic::AtomicU64::new(1));
        let applier = thread::spawn({
            let (layers, visible) = (layers.clone(), visible.clone());
            move || {
                apply(&layers, 2);
                // The next record is of other slots.
                visible.store(3, loom::sync::atomic::Ordering::Release);
            }
        });
        let seen = Revision(visible.load(loom::sync::atomic::Ordering::Acquire));
        let stands_for = layers.advance(seen);
        let base = layers.read().base.clone();
        assert!(stands_for < Revision(2) || base.contains(&2), "stands for {stands_for:?} with {base:?}");
        applier.join().expect("no assertion failed");
        assert_eq!(layers.advance(Revision(3)), Revision(1), "with a change over it");
        compact(&layers, Revision(2));
        assert_eq!(layers.advance(Revision(3)), Revision(3));
    });
}
