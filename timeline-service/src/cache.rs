//! A map that is bounded in bytes: what was not used for longest goes first.
//!
//! Many small maps, each under its own lock. "Not used for longest" is told by a clock: a use sets a bit, the hand goes
//! round, clears bits, and takes what has none.

use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::{TweetId, UserId};
use parking_lot::{Mutex, MutexGuard};
use rustc_hash::FxHashMap;

use crate::fetch::fetch;

/// How many small maps there are.
pub(crate) const SHARDS: usize = 64;

/// What can be kept.
pub(crate) trait Weigh {
    /// Bytes that it takes, itself included.
    fn bytes(&self) -> usize;
}

/// What a value can be kept by.
pub(crate) trait Key: Copy + Eq {
    /// Where the values of one map lie.
    type Places: Places<Self>;

    /// A number whose low bits are spread evenly over the keys.
    fn spread(self) -> u64;
}

/// Where the values of one map lie, by their key.
pub(crate) trait Places<K>: Default + std::fmt::Debug {
    fn get(&self, key: K) -> Option<u32>;
    fn insert(&mut self, key: K, place: u32);
    fn remove(&mut self, key: K) -> Option<u32>;
    fn len(&self) -> usize;
    /// Asks the memory for what tells where a value lies, if it is known what that is.
    fn fetch(&self, _: K) {}
}

/// User ids are dense, and so is the table: four bytes for each up to the greatest, where one look at the memory finds a place.
#[derive(Debug, Default)]
pub(crate) struct DensePlaces {
    /// By number among the users of a map: the place plus one, or 0.
    places: Vec<u32>,
    len: usize,
}

impl Places<UserId> for DensePlaces {
    fn get(&self, user: UserId) -> Option<u32> {
        self.places.get(number_of(user))?.checked_sub(1)
    }

    fn insert(&mut self, user: UserId, place: u32) {
        let number = number_of(user);
        if self.places.len() <= number {
            self.places.resize(number + 1, 0);
        }
        if std::mem::replace(&mut self.places[number], place + 1) == 0 {
            self.len += 1;
        }
    }

    fn remove(&mut self, user: UserId) -> Option<u32> {
        let place = std::mem::take(self.places.get_mut(number_of(user))?).checked_sub(1)?;
        self.len -= 1;
        Some(place)
    }

    fn len(&self) -> usize {
        self.len
    }

    fn fetch(&self, user: UserId) {
        self.places.get(number_of(user)).into_iter().for_each(fetch);
    }
}

/// The number of a user among those of the same map.
const fn number_of(user: UserId) -> usize {
    user.0 as usize / SHARDS
}

impl<K: Eq + Hash + std::fmt::Debug> Places<K> for FxHashMap<K, u32> {
    fn get(&self, key: K) -> Option<u32> {
        self.get(&key).copied()
    }

    fn insert(&mut self, key: K, place: u32) {
        self.insert(key, place);
    }

    fn remove(&mut self, key: K) -> Option<u32> {
        self.remove(&key)
    }

    fn len(&self) -> usize {
        self.len()
    }
}

impl Key for UserId {
    type Places = DensePlaces;

    fn spread(self) -> u64 {
        self.0.into()
    }
}

impl Key for TweetId {
    type Places = FxHashMap<TweetId, u32>;

    /// The sequence and the last bits of the time: the author's slot, below them, is that of few in a small community.
    fn spread(self) -> u64 {
        self.0 ^ self.0 >> 13 ^ self.0 >> 22
    }
}

/// A map that is bounded in bytes.
#[derive(Debug)]
pub(crate) struct Cache<V, K: Key = UserId> {
    shards: Box<[Mutex<Shard<V, K>>]>,
    bytes: AtomicUsize,
    bytes_max: usize,
}

/// One of its maps.
#[derive(Debug)]
pub(crate) struct Shard<V, K: Key = UserId> {
    places: K::Places,
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
        let shard = || Shard { places: K::Places::default(), slots: Vec::new(), free: Vec::new(), hand: 0 };
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
        let place = shard.places.get(key)?;
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
        if let Some(place) = shard.places.remove(key) {
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
                    shard.places.remove(key);
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
        let place = self.places.get(key)?;
        let slot = self.slots[place as usize].as_mut()?;
        slot.was_used = true;
        Some(&slot.value)
    }

    /// A value, which is not used by that.
    pub(crate) fn peek(&self, key: K) -> Option<&V> {
        self.slots[self.places.get(key)? as usize].as_ref().map(|slot| &slot.value)
    }

    /// Asks the memory for what tells where a value lies.
    pub(crate) fn fetch_place(&self, key: K) {
        self.places.fetch(key);
    }

    /// Asks the memory for a value, of which is known where it lies.
    pub(crate) fn fetch_value(&self, key: K) {
        let slot = self.places.get(key).and_then(|place| self.slots.get(place as usize));
        slot.into_iter().for_each(fetch);
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
