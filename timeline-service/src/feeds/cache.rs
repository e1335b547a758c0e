//! A map by user that is bounded in bytes: what was not used for longest goes first.
//!
//! Many small maps, each under its own lock. "Not used for longest" is told by a clock: a use sets a bit, the hand goes
//! round, clears bits, and takes what has none.

use std::sync::atomic::{AtomicUsize, Ordering};

use base::UserId;
use parking_lot::{Mutex, MutexGuard};
use rustc_hash::FxHashMap;

const SHARDS: u32 = 64;

/// What can be kept.
pub(crate) trait Weigh {
    /// Bytes that it takes, itself included.
    fn bytes(&self) -> usize;
}

/// A map by user that is bounded in bytes.
#[derive(Debug)]
pub(crate) struct Cache<V> {
    shards: Box<[Mutex<Shard<V>>]>,
    bytes: AtomicUsize,
    bytes_max: usize,
}

/// One of its maps.
#[derive(Debug)]
pub(crate) struct Shard<V> {
    places: FxHashMap<u32, u32>,
    slots: Vec<Option<Slot<V>>>,
    free: Vec<u32>,
    hand: usize,
}

#[derive(Debug)]
struct Slot<V> {
    user: u32,
    was_used: bool,
    value: V,
}

impl<V: Weigh> Cache<V> {
    /// Nothing is kept, and never more than so many bytes but for what came in last.
    pub(crate) fn new(bytes_max: usize) -> Self {
        let shard = || Shard { places: FxHashMap::default(), slots: Vec::new(), free: Vec::new(), hand: 0 };
        Cache { shards: (0..SHARDS).map(|_| Mutex::new(shard())).collect(), bytes: AtomicUsize::new(0), bytes_max }
    }

    /// The map that a user belongs to.
    pub(crate) fn lock(&self, user: UserId) -> MutexGuard<'_, Shard<V>> {
        self.shards[(user.0 % SHARDS) as usize].lock()
    }

    /// Keeps a value, in place of one that is there.
    pub(crate) fn put(&self, shard: &mut Shard<V>, user: UserId, value: V) {
        self.remove(shard, user);
        self.bytes.fetch_add(value.bytes(), Ordering::Relaxed);
        let slot = Some(Slot { user: user.0, was_used: true, value });
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
        shard.places.insert(user.0, place);
        self.shrink(shard, user);
    }

    /// Changes a value that is there.
    pub(crate) fn change<R>(&self, shard: &mut Shard<V>, user: UserId, change: impl FnOnce(&mut V) -> R) -> Option<R> {
        let place = *shard.places.get(&user.0)?;
        let slot = shard.slots[place as usize].as_mut()?;
        let before = slot.value.bytes();
        let changed = change(&mut slot.value);
        let after = slot.value.bytes();
        self.bytes.fetch_add(after.wrapping_sub(before), Ordering::Relaxed);
        if after > before {
            self.shrink(shard, user);
        }
        Some(changed)
    }

    /// Lets go of a value.
    pub(crate) fn remove(&self, shard: &mut Shard<V>, user: UserId) {
        if let Some(place) = shard.places.remove(&user.0) {
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
    fn shrink(&self, shard: &mut Shard<V>, kept: UserId) {
        while self.bytes() > self.bytes_max && shard.places.len() > 1 {
            let place = shard.hand % shard.slots.len();
            shard.hand = place + 1;
            match &mut shard.slots[place] {
                Some(slot) if slot.user == kept.0 => {}
                Some(slot) if slot.was_used => slot.was_used = false,
                Some(slot) => {
                    let user = slot.user;
                    shard.places.remove(&user);
                    self.clear(shard, place);
                }
                None => {}
            }
        }
    }

    fn clear(&self, shard: &mut Shard<V>, place: usize) {
        if let Some(slot) = shard.slots[place].take() {
            self.bytes.fetch_sub(slot.value.bytes(), Ordering::Relaxed);
            shard.free.push(place as u32);
        }
    }
}

impl<V> Shard<V> {
    /// A value, which is thereby used.
    pub(crate) fn get(&mut self, user: UserId) -> Option<&V> {
        let place = *self.places.get(&user.0)?;
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
        let user = |number: u32| UserId(number * SHARDS);
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
