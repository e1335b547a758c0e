//! Who reads: the readers whose feeds are kept, a named set in the graph.
//!
//! A reader who reads joins, and one who has not for the window leaves. The graph is told in batches. Only whom it has
//! acknowledged is *active*: pushes go by its set, so that a feed that is built earlier could miss one. In the same way, who
//! leaves is not active any more before the graph hears of it.

use base::UserId;
use parking_lot::RwLock;
use roaring::RoaringBitmap;
use tokio::sync::{Notify, watch};

/// Parts of the window: who leaves does so up to one part late.
const PARTS: u64 = 8;

/// The active readers.
#[derive(Debug)]
pub(crate) struct Active {
    readers: RwLock<Readers>,
    part_ms: u64,
    wake: Notify,
    /// Counts the batches that the graph acknowledged or refused.
    told: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Readers {
    /// Who is in the graph's set for certain.
    active: RoaringBitmap,
    /// Who waits to be added.
    joining: RoaringBitmap,
    /// Who is to be removed.
    leaving: RoaringBitmap,
    /// Who read in each part of the window, the last one first.
    read: Vec<RoaringBitmap>,
    /// The number of the part of now.
    part: u64,
}

/// What the graph is to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Update {
    pub add: Vec<u32>,
    pub remove: Vec<u32>,
}

impl Active {
    /// Nobody has read within the window.
    pub(crate) fn new(window_ms: u64) -> Self {
        let readers = Readers { read: vec![RoaringBitmap::new()], ..Readers::default() };
        Active {
            readers: RwLock::new(readers),
            part_ms: (window_ms / PARTS).max(1),
            wake: Notify::new(),
            told: watch::channel(0).0,
        }
    }

    /// The graph's set, as it is at the start: everybody in it counts as having read just now.
    pub(crate) fn load(&self, active: RoaringBitmap, now_ms: u64) {
        let mut readers = self.readers.write();
        readers.turn(now_ms / self.part_ms);
        readers.read[0] |= &active;
        readers.joining -= &active;
        readers.active = active;
        drop(readers);
        // Some of those who are active now may have been waiting for it.
        self.told.send_modify(|count| *count += 1);
    }

    /// A reader reads; whether they are active.
    pub(crate) fn read(&self, user: UserId, now_ms: u64) -> bool {
        let part = now_ms / self.part_ms;
        {
            let readers = self.readers.read();
            if readers.part == part && readers.read[0].contains(user.0) && !readers.joining.contains(user.0) {
                return readers.active.contains(user.0);
            }
        }
        let mut readers = self.readers.write();
        readers.turn(part);
        readers.read[0].insert(user.0);
        if readers.active.contains(user.0) {
            return true;
        }
        readers.joining.insert(user.0);
        readers.leaving.remove(user.0);
        self.wake.notify_one();
        false
    }

    /// Waits until a reader who has just read is active, or could not be made so.
    pub(crate) async fn joined(&self, user: UserId) -> bool {
        let mut told = self.told.subscribe();
        // The batch that is under way may not have the reader: the one after it has.
        for _ in 0..2 {
            if self.is_active(user) {
                return true;
            }
            if told.changed().await.is_err() {
                break;
            }
        }
        self.is_active(user)
    }

    /// Whether a reader is active.
    pub(crate) fn is_active(&self, user: UserId) -> bool {
        self.readers.read().active.contains(user.0)
    }

    /// Makes a reader active, where there is no graph to be told.
    pub(crate) fn join(&self, user: UserId) {
        self.readers.write().active.insert(user.0);
    }

    /// Whether nobody is: then nothing needs to be pushed.
    pub(crate) fn is_empty(&self) -> bool {
        self.readers.read().active.is_empty()
    }

    /// How many are.
    pub(crate) fn len(&self) -> u64 {
        self.readers.read().active.len()
    }

    /// Waits until somebody wants to join.
    pub(crate) async fn somebody(&self) {
        while self.readers.read().joining.is_empty() {
            self.wake.notified().await;
        }
    }

    /// What the graph is to be told now, at most `max` of each. Who leaves is not active from here on.
    pub(crate) fn update(&self, now_ms: u64, max: usize) -> Update {
        let mut readers = self.readers.write();
        readers.turn(now_ms / self.part_ms);
        let add = readers.joining.iter().take(max).collect();
        let gone = readers.read.iter().fold(readers.active.clone(), |left, read| left - read);
        readers.active -= &gone;
        readers.leaving |= gone;
        let remove = readers.leaving.iter().take(max).collect();
        Update { add, remove }
    }

    /// The graph acknowledged an update.
    pub(crate) fn acknowledged(&self, update: &Update) {
        let mut readers = self.readers.write();
        for &user in &update.remove {
            readers.leaving.remove(user);
        }
        for &user in &update.add {
            readers.joining.remove(user);
            readers.active.insert(user);
        }
        drop(readers);
        self.told.send_modify(|count| *count += 1);
    }

    /// The graph refused an update, or its answer was lost: nobody joins, and who was to leave is to leave again.
    pub(crate) fn refused(&self, update: &Update) {
        let mut readers = self.readers.write();
        for &user in &update.add {
            readers.joining.remove(user);
            for read in &mut readers.read {
                read.remove(user);
            }
        }
        drop(readers);
        self.told.send_modify(|count| *count += 1);
    }
}

impl Readers {
    /// Begins the part of now; what is older than the window is forgotten.
    fn turn(&mut self, part: u64) {
        if part <= self.part {
            return;
        }
        let passed = (part - self.part).min(PARTS);
        self.part = part;
        for _ in 0..passed {
            self.read.insert(0, RoaringBitmap::new());
        }
        self.read.truncate(PARTS as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: UserId = UserId(7);

    fn update(add: &[u32], remove: &[u32]) -> Update {
        Update { add: add.to_vec(), remove: remove.to_vec() }
    }

    #[test]
    fn a_reader_is_active_once_the_graph_knows_and_until_the_window_has_passed() {
        let active = Active::new(800);
        assert!(!active.read(ME, 1000));
        let joins = active.update(1000, 10);
        assert_eq!(joins, update(&[7], &[]));
        assert!(!active.read(ME, 1001), "the graph has not answered yet");
        active.acknowledged(&joins);
        assert!(active.read(ME, 1002));
        assert_eq!(active.update(1500, 10), update(&[], &[]));
        assert!(active.read(ME, 1700), "reads again");
        assert_eq!(active.update(2300, 10), update(&[], &[]));
        let leaves = active.update(2600, 10);
        assert_eq!(leaves, update(&[], &[7]));
        assert!(!active.is_active(ME), "before the graph hears of it");
        active.refused(&leaves);
        assert_eq!(active.update(2600, 10), leaves, "until the graph knows");
        active.acknowledged(&leaves);
        assert_eq!(active.update(2600, 10), update(&[], &[]));
        assert!(!active.read(ME, 2601));
        assert_eq!(active.update(2601, 10), update(&[7], &[]));
    }

    #[test]
    fn the_graphs_set_is_taken_over_and_ages() {
        let active = Active::new(800);
        active.load([1, 2].into(), 1000);
        assert!(active.read(UserId(1), 1500));
        assert_eq!(active.update(2050, 10), update(&[], &[2]));
    }

    #[test]
    fn a_refused_update_makes_nobody_active() {
        let active = Active::new(800);
        active.read(ME, 1000);
        let joins = active.update(1000, 10);
        active.refused(&joins);
        assert!(!active.is_active(ME) && active.update(1000, 10).add.is_empty());
        assert!(!active.read(ME, 1001));
        assert_eq!(active.update(1001, 10), joins, "the next read tries again");
    }

    #[tokio::test]
    async fn whoever_waits_to_be_active_is_told() {
        let active = std::sync::Arc::new(Active::new(800));
        active.read(ME, 1000);
        let waiting = tokio::spawn({
            let active = active.clone();
            async move { active.joined(ME).await }
        });
        active.somebody().await;
        active.acknowledged(&active.update(1000, 10));
        assert!(waiting.await.expect("told"));
    }
}
