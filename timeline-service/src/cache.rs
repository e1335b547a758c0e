//! A map that is bounded in bytes: what was not used for longest goes first.
//!
//! Many small maps, each under its own lock. "Not used for longest" is told by a clock: a use sets a bit, the hand goes
//! round, clears bits, and takes what has none.

use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::{TweetId, UserId};
use parking_lot::{Mutex, MutexGuard};
use rustc_hash::FxHashMap;

/// How many small maps there are.
pub(crate) const SHARDS: usize = 64;

/// What can be kept.
pub(crate) trait Weigh {
    /// Bytes that it takes, itself included.
    fn bytes(&self) -> usize;
}

/// What a value can be kept by.
pub(crate) trait Key: Copy + Eq + Hash {
    /// A number whose low bits are spread evenly over the keys.
    fn spread(self) -> u64;
}

impl Key for UserId {
    fn spread(self) -> u64 {
        self.0.into()
    }
}

impl Key for TweetId {
    /// The sequence and the last bits of the time: the author's slot, below them, is that of few in a small community.
    fn spread(self) -> u64 {
        self.0 ^ self.0 >> 13 ^ self.0 >> 22
    }
}

/// A map that is bounded in bytes.
#[derive(Debug)]
pub(crate) struct Cache<V, K = UserId> {
    shards: Box<[Mutex<Shard<V, K>>]>,
    bytes: AtomicUsize,
    bytes_max: usize,
}

/// One of its maps.
#[derive(Debug)]
pub(crate) struct Shard<V, K = UserId> {
    places: FxHashMap<K, u32>,
    slots: Vec<Option<Slot<V, K>>>,
    free: Vec<u32>,
    hand: usize,
}

#[derive(Debug)]
struct Slot<V, K> {
    key: K,
    was_used: bool,
    value: V,
}

impl<V: Weigh, K: Key> Cache<V, K> {
    /// Nothing is kept, and never more than so many bytes but for what came in last.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let shard = || Shard { places: FxHashMap::default(), slots: Vec::new(), free: Vec::new(), hand: 0 };
        Cache { shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(), bytes: AtomicUsize::new(0), bytes_max }
    }

    /// The map that a key belongs to.
    pub(crate) fn lock(&self, key: K) -> MutexGuard<'_, Shard<V, K>> {
        self.shards[Self::shard_of(key)].lock()
    }

    /// Which of the maps that is.
    pub(crate) fn shard_of(key: K) -> usize {
        (key.spread() % SHARDS as u64) as usize
    }

    /// Keeps a value, in place of one that is there.
    pub(crate) fn put(&self, shard: &mut Shard<V, K>, key: K, value: V) {
        self.remove(shard, key);
        self.bytes.fetch_add(value.bytes(), Ordering::Relaxed);
        let slot = Some(Slot { key, was_used: true, value });
        let place = match shard.free.pop() {
            Some(place) => {
                shard.slots[place as usize] = slot;
                place
            }
            None => {
                shard.slots.push(slot);
                shard.slots.len() as u32 - 1
            }
        };
        shard.places.insert(key, place);
        self.shrink(shard, key);
    }

    /// Changes a value that is there.
    pub(crate) fn change<R>(&self, shard: &mut Shard<V, K>, key: K, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let place = *shard.places.get(&key)?;
        let slot = shard.slots[place as usize].as_mut()?;
        let before = slot.value.bytes();
        let changed = change(&mut slot.value);
        let after = slot.value.bytes();
        self.bytes.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
        if after > before {
            self.shrink(shard, key);
        }
        Some(changed)
    }

    /// Lets go of a value.
    pub(crate) fn remove(&self, shard: &mut Shard<V, K>, key: K) {
        if let Some(place) = shard.places.remove(&key) {
            self.clear(shard, place as usize);
        }
    }

    /// Bytes that everything takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How many values are kept.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().places.len()).sum()
    }

    /// Lets go of others of this map until all maps are within their bound, or nothing else is left in this one.
    fn shrink(&self, shard: &mut Shard<V, K>, kept: K) {
        while self.bytes() > self.bytes_max && shard.places.len() > 1 {
            let place = shard.hand % shard.slots.len();
            shard.hand = place + 1;
            match &mut shard.slots[place] {
                Some(slot) if slot.key == kept => {}
                Some(slot) if slot.was_used => slot.was_used = false,
                Some(slot) => {
                    let key = slot.key;
                    shard.places.remove(&key);
                    self.clear(shard, place);
                }
                None => {}
            }
        }
    }

    fn clear(&self, shard: &mut Shard<V, K>, place: usize) {
        if let Some(slot) = shard.slots[place].take() {
            self.bytes.fetch_sub(slot.value.bytes(), Ordering::Relaxed);
            shard.free.push(place as u32);
        }
    }
}

impl<V, K: Key> Shard<V, K> {
    /// A value, which is thereby used.
    pub(crate) fn get(&mut self, key: K) -> Option<&V> {
        let place = *self.places.get(&key)?;
        let slot = self.slots[place as usize].as_mut()?;
        slot.was_used = true;
        Some(&slot.value)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl Weigh for Vec<u8> {
        fn bytes(&self) -> usize {
            self.len()
        }
    }

    #[test]
    fn what_was_used_stays_longest() {
        let cache = Cache::new(30);
        // All of one map.
        let user = |number: u32| UserId(number * SHARDS as u32);
        for number in 0..3 {
            cache.put(&mut cache.lock(user(number)), user(number), vec![0_u8; 10]);
        }
        cache.put(&mut cache.lock(user(3)), user(3), vec![0; 10]);
        assert_eq!((cache.len(), cache.bytes()), (3, 30));
        assert!(cache.lock(user(1)).get(user(1)).is_some());
        cache.put(&mut cache.lock(user(4)), user(4), vec![0; 10]);
        assert!(cache.lock(user(1)).get(user(1)).is_some(), "it was used since the hand came by");
        assert!(cache.lock(user(2)).get(user(2)).is_none());
    }

    proptest! {
        #[test]
        fn bytes_are_those_of_what_is_kept(steps in prop::collection::vec((0_u32..200, 0_usize..40, 0..4), 0..200)) {
            let cache = Cache::new(300);
            for (user, len, step) in steps {
                let user = UserId(user);
                let mut shard = cache.lock(user);
                match step {
                    0 => cache.remove(&mut shard, user),
                    1 => drop(cache.change(&mut shard, user, |value: &mut Vec<u8>| value.resize(len, 0))),
                    _ => cache.put(&mut shard, user, vec![0; len]),
                }
                drop(shard);
                let kept: usize = (0..200).filter_map(|user| Some(cache.lock(UserId(user)).get(UserId(user))?.len())).sum();
                prop_assert_eq!(cache.bytes(), kept);
            }
        }
    }
}
