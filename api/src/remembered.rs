//! Rows that are read with every request, in memory: who an id, a name or a session stands for.
//!
//! What is remembered is what the database says, at every moment:
//!
//! - A writer of this process [forgets](Remembered::forget) what it changes, after its commit. A reader that was under way
//!   meanwhile may have read the old row: it asks for a [`Ticket`] before it reads, and a ticket from before the change
//!   puts nothing in.
//! - Other processes write to the same database. [`Watch`] asks every [`LOOK_INTERVAL`] whether one has, and everything is
//!   forgotten then. What was not confirmed for [`CONFIRMED_FOR`] is not used: so nobody is believed for longer than
//!   that after another process ended their session, whatever becomes of the watch.
//!
//! Memory is bounded by a number of rows, those that are not asked for out first.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// How often it is asked whether another process wrote.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(250);
/// For how long an answer to that is good.
pub(crate) const CONFIRMED_FOR: Duration = Duration::from_secs(1);
/// A change makes the tickets of one in so many keys worthless.
const SHARDS: usize = 1024;

/// Rows by a key.
pub(crate) struct Remembered<K, V> {
    rows: quick_cache::sync::Cache<K, V>,
    hasher: RandomState,
    /// For each shard of the keys, how many changes there were.
    changes: Box<[Mutex<u64>]>,
    /// And how many there were that anybody else can see.
    visible: Box<[AtomicU64]>,
    confirmed: Arc<Confirmed>,
}

/// Leave to put in what is about to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    changes: u64,
}

/// Leave to put in whatever is about to be read.
#[derive(Debug)]
pub(crate) struct TicketForAll(Box<[Ticket]>);

/// Some rows as they were at one moment.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    shards: Box<[u16]>,
    /// Those that others can see, in all of them. Each only grows, and so does the sum.
    changes: u64,
}

impl Standing {
    /// Bytes that it takes beside itself.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.shards)
    }
}

/// Until when what is remembered is known to be what the database says.
#[derive(Debug)]
pub(crate) struct Confirmed {
    begun: Instant,
    /// Milliseconds after `begun`.
    until_ms: AtomicU64,
}

impl Confirmed {
    /// Nothing is confirmed yet.
    pub(crate) fn new() -> Self {
        Confirmed { begun: Instant::now(), until_ms: AtomicU64::new(0) }
    }

    /// Nothing of before `asked_at` was changed by others without having been forgotten.
    pub(crate) fn renew(&self, asked_at: Instant) {
        let until = asked_at + CONFIRMED_FOR - self.begun;
        self.until_ms.store(until.as_millis() as u64, Ordering::Release);
    }

    fn holds(&self) -> bool {
        (self.begun.elapsed().as_millis() as u64) < self.until_ms.load(Ordering::Acquire)
    }
}

impl<K, V> std::fmt::Debug for Remembered<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remembered").finish_non_exhaustive()
    }
}

impl<K: Hash + Eq + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Remembered<K, V> {
    /// Nothing, and at most `rows_max` rows.
    pub(crate) fn new(rows_max: usize, confirmed: Arc<Confirmed>) -> Self {
        let rows = quick_cache::sync::Cache::new(rows_max);
        Remembered {
            rows,
            hasher: RandomState::new(),
            changes: (0..SHARDS).map(|_| Mutex::new(0)).collect(),
            visible: (0..SHARDS).map(|_| AtomicU64::new(0)).collect(),
            confirmed,
        }
    }

    /// The row of a key, if it is remembered.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        if self.confirmed.holds() { self.rows.get(key) } else { None }
    }

    /// Leave to put a row in that is read from the database after this.
    pub(crate) fn ticket<Q: Hash + ?Sized>(&self, key: &Q) -> Ticket
    where
        K: Borrow<Q>,
    {
        Ticket { changes: *self.shard(key).lock() }
    }

    /// Puts in what was read after the ticket was given out, unless it may have been changed since.
    pub(crate) fn put(&self, key: K, row: V, ticket: Ticket) {
        let changes = self.shard(&key).lock();
        if *changes == ticket.changes {
            self.rows.insert(key, row);
        }
    }

    /// Leave to put rows in that are read from the database after this, whichever they are.
    pub(crate) fn ticket_for_all(&self) -> TicketForAll {
        TicketForAll(self.changes.iter().map(|changes| Ticket { changes: *changes.lock() }).collect())
    }

    /// Puts in what was read after leave was given, unless it may have been changed since.
    pub(crate) fn put_with(&self, key: K, row: V, tickets: &TicketForAll) {
        let ticket = tickets.0[self.shard_of(&key)];
        self.put(key, row, ticket);
    }

    /// Rows as they are, whether they are remembered or not: to be asked for before they are read.
    pub(crate) fn standing<'a, Q: Hash + ?Sized + 'a>(&self, keys: impl Iterator<Item = &'a Q>) -> Standing
    where
        K: Borrow<Q>,
    {
        let shards: Box<[u16]> = keys.map(|key| self.shard_of(key) as u16).collect();
        let changes = self.changes_in(&shards);
        Standing { shards, changes }
    }

    /// Whether these rows are known to be as they were.
    pub(crate) fn stands(&self, standing: &Standing) -> bool {
        self.confirmed.holds() && self.changes_in(&standing.shards) == standing.changes
    }

    fn changes_in(&self, shards: &[u16]) -> u64 {
        shards.iter().map(|&shard| self.visible[usize::from(shard)].load(Ordering::Acquire)).sum()
    }

    /// Forgets a row that was changed.
    pub(crate) fn forget<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.forget_in_private(key);
        // Whoever finds the count as it is now finds no row, and reads it anew.
        self.visible[self.shard_of(key)].fetch_add(1, Ordering::Release);
    }

    /// Forgets a row of which nothing was changed that anybody else can see.
    pub(crate) fn forget_in_private<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut changes = self.shard(key).lock();
        *changes += 1;
        self.rows.remove(key);
    }

    /// Forgets everything.
    pub(crate) fn forget_all(&self) {
        let mut shards: Vec<_> = self.changes.iter().map(Mutex::lock).collect();
        shards.iter_mut().for_each(|changes| **changes += 1);
        self.rows.clear();
        for changes in &self.visible {
            changes.fetch_add(1, Ordering::Release);
        }
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &Mutex<u64> {
        &self.changes[self.shard_of(key)]
    }

    fn shard_of<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        (self.hasher.hash_one(key) % SHARDS as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remembered() -> Remembered<u32, &'static str> {
        let confirmed = Arc::new(Confirmed::new());
        confirmed.renew(Instant::now() + Duration::from_secs(3600));
        Remembered::new(100, confirmed)
    }

    #[test]
    fn a_row_is_remembered_until_it_changes() {
        let rows = remembered();
        rows.put(7, "old", rows.ticket(&7));
        assert_eq!(rows.get(&7), Some("old"));
        rows.forget(&7);
        assert_eq!(rows.get(&7), None);
        rows.put(7, "new", rows.ticket(&7));
        assert_eq!(rows.get(&7), Some("new"));
    }

    #[test]
    fn what_was_read_before_a_change_is_not_put_in_after_it() {
        let rows = remembered();
        let before = rows.ticket(&7);
        rows.forget(&7);
        rows.put(7, "old", before);
        assert_eq!(rows.get(&7), None);
        let before = rows.ticket(&7);
        rows.forget_all();
        rows.put(7, "old", before);
        assert_eq!(rows.get(&7), None);
    }

    #[test]
    fn what_is_read_for_all_is_put_in_where_nothing_changed() {
        let rows = remembered();
        let tickets = rows.ticket_for_all();
        rows.forget(&7);
        rows.put_with(7, "old", &tickets);
        assert_eq!(rows.get(&7), None);
        let untouched = (0..100).find(|key| rows.shard_of(key) != rows.shard_of(&7)).expect("one of another shard");
        rows.put_with(untouched, "row", &tickets);
        assert_eq!(rows.get(&untouched), Some("row"));
    }

    #[test]
    fn rows_stand_until_one_of_them_changes() {
        let rows = remembered();
        let stand = |keys: &[u32]| rows.standing(keys.iter());
        let (some, none) = (stand(&[7, 8, 7]), stand(&[]));
        rows.put(8, "row", rows.ticket(&8));
        rows.forget_in_private(&8);
        let other = (0..10_000).find(|key| !some.shards.contains(&(rows.shard_of(key) as u16)));
        rows.forget(&other.expect("one of another shard"));
        assert!(rows.stands(&some) && rows.stands(&none));
        assert_eq!(rows.get(&8), None);
        rows.forget(&8);
        assert!(!rows.stands(&some));
        let some = stand(&[7, 8]);
        assert!(rows.stands(&some));
        rows.forget_all();
        assert!(!rows.stands(&some) && rows.stands(&none));
        rows.confirmed.renew(Instant::now().checked_sub(CONFIRMED_FOR).unwrap_or_else(Instant::now));
        assert!(!rows.stands(&none), "the last look is too long ago");
    }

    #[test]
    fn nothing_is_believed_that_was_not_confirmed() {
        let confirmed = Arc::new(Confirmed::new());
        let rows = Remembered::new(100, confirmed.clone());
        rows.put(7, "row", rows.ticket(&7));
        assert_eq!(rows.get(&7), None, "nobody has looked yet");
        confirmed.renew(Instant::now() + Duration::from_secs(3600));
        assert_eq!(rows.get(&7), Some("row"));
        confirmed.renew(Instant::now().checked_sub(CONFIRMED_FOR).unwrap_or_else(Instant::now));
        assert_eq!(rows.get(&7), None, "the last look is too long ago");
    }
}
