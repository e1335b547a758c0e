//! Who is met in a file: external ids, as they come, in any order and from several threads.
//!
//! While edges are gathered a person is a *place*, a number that can be had without knowing who else will come. Most
//! graphs number their people from about zero, so a small external id is its own place, and being met is a bit; the
//! others get places in the order in which they are met, which is nobody's business: once everybody is known,
//! [`Settled`] says which user each place is, and new users are numbered by their external ids in ascending order. That
//! keeps the neighbourhoods that the numbering of a graph often has, and does not depend on the threads.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use base::UserId;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

/// External ids below this are their own places: a bit each, and four bytes for each person where a store has some of them
/// already.
const DIRECT_IDS: u64 = 1 << 27;
/// External ids with other places lie in as many maps, so that threads seldom wait for one another.
const SHARDS: usize = 64;
/// The place of nobody.
const NOBODY: u32 = u32::MAX;

/// More people than there are user ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("more than {} people", u32::MAX - DIRECT_IDS as u32)]
pub struct TooManyPeople;

/// Everybody met so far.
#[derive(Debug)]
pub(crate) struct People {
    /// One bit for each small external id.
    direct: Vec<AtomicU64>,
    met: [Mutex<FxHashMap<u64, u32>>; SHARDS],
    met_count: AtomicU32,
}

impl Default for People {
    fn default() -> Self {
        let direct = (0..DIRECT_IDS / 64).map(|_| AtomicU64::new(0)).collect();
        People { direct, met: std::array::from_fn(|_| Mutex::default()), met_count: AtomicU32::new(0) }
    }
}

impl People {
    /// The place of somebody, who is met hereby.
    #[inline]
    pub(crate) fn meet(&self, external_id: u64) -> Result<u32, TooManyPeople> {
        if external_id >= DIRECT_IDS {
            return self.meet_large(external_id);
        }
        let (word, bit) = (&self.direct[(external_id / 64) as usize], 1 << (external_id % 64));
        // Most are met many times, and a look does not take the cache line away from the other threads.
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Relaxed);
        }
        Ok(external_id as u32)
    }

    #[cold]
    fn meet_large(&self, external_id: u64) -> Result<u32, TooManyPeople> {
        let shard = external_id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58;
        let mut met = self.met[shard as usize].lock();
        if let Some(place) = met.get(&external_id) {
            return Ok(*place);
        }
        let more = self.met_count.fetch_add(1, Ordering::Relaxed);
        let place = more.checked_add(DIRECT_IDS as u32).filter(|place| *place != NOBODY).ok_or(TooManyPeople)?;
        met.insert(external_id, place);
        Ok(place)
    }

    /// Finds out who everybody is: `known` tells the user that an external id has already, the others get the ids from
    /// `next` on.
    pub(crate) fn settle(self, next: u32, known: impl Fn(u64) -> Option<UserId>) -> Result<Settled, TooManyPeople> {
        let mut large: Vec<(u64, u32)> = self.met.into_iter().flat_map(Mutex::into_inner).collect();
        large.sort_unstable();
        let direct: Vec<u64> = self.direct.into_iter().map(AtomicU64::into_inner).collect();
        let small = Ranks::new(&direct);
        let mut settled = Settled { first_new: next, next, ..Settled::default() };
        settled.users.reserve_exact(small.len());
        settled.new.reserve_exact(small.len() + large.len());
        for external_id in small.iter() {
            let user = settled.user_of(external_id, &known)?;
            settled.users.push(user);
        }
        settled.met.resize(large.len(), NOBODY);
        for (external_id, place) in large {
            let user = settled.user_of(external_id, &known)?;
            settled.met[(place - DIRECT_IDS as u32) as usize] = user;
        }
        settled.ascending = settled.users.iter().chain(&settled.met).is_sorted();
        if settled.users.iter().all(|user| *user >= next) {
            settled.users = Vec::new();
        }
        settled.small = small;
        Ok(settled)
    }
}

/// Who everybody is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settled {
    /// The external ids of the new users, ascending; their user ids are consecutive.
    pub(crate) new: Vec<u64>,
    /// The first of the new users' ids.
    pub(crate) first_new: u32,
    next: u32,
    /// The small external ids.
    small: Ranks,
    /// Who they are, by rank; empty where all of them are new, and so consecutive.
    users: Vec<u32>,
    met: Vec<u32>,
    ascending: bool,
}

impl Settled {
    fn user_of(&mut self, external_id: u64, known: impl Fn(u64) -> Option<UserId>) -> Result<u32, TooManyPeople> {
        if let Some(user) = known(external_id) {
            return Ok(user.0);
        }
        let user = self.next;
        // The last number stays free, so that the next user always has one.
        self.next = user.checked_add(1).ok_or(TooManyPeople)?;
        self.new.push(external_id);
        Ok(user)
    }

    /// The user at a place where somebody was met.
    #[inline]
    pub(crate) fn user(&self, place: u32) -> u32 {
        match place.checked_sub(DIRECT_IDS as u32) {
            Some(place) => self.met[place as usize],
            None if self.users.is_empty() => self.first_new + self.small.rank(place),
            None => self.users[self.small.rank(place) as usize],
        }
    }

    /// Who is at which place, where users ascend with their places: then what is in the order of the one is in that of
    /// the other.
    pub(crate) fn ascending(&self) -> Option<Users<'_>> {
        let gapless = self.met.is_empty() && self.users.is_empty() && self.small.are_consecutive();
        let shift = self.small.iter().next().unwrap_or_default() as u32;
        let users = match shift.checked_sub(self.first_new) {
            Some(shift) if gapless => Users::Shifted(shift),
            _ => Users::Looked(self),
        };
        self.ascending.then_some(users)
    }

    /// Gives the users that are new other ids among themselves: `new_order[i]` is the place among them, from 0, of the
    /// one that was the `i`th.
    pub(crate) fn reorder(&mut self, new_order: &[u32]) {
        let mut external_ids = vec![0; self.new.len()];
        for (external_id, place) in self.new.iter().zip(new_order) {
            external_ids[*place as usize] = *external_id;
        }
        self.new = external_ids;
    }
}

/// A set of small numbers, and how many of them are below each: two bits for each number, so that all of it lies in the
/// cache while billions are looked up, and each of them in one place.
#[derive(Clone, Debug, Default)]
struct Ranks(Vec<Group>);

/// Which of 32 consecutive numbers are in the set, and how many are below them.
#[derive(Clone, Copy, Debug)]
struct Group {
    below: u32,
    members: u32,
}

impl Ranks {
    /// The set of which each number has its bit.
    fn new(words: &[u64]) -> Self {
        let words = &words[..words.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1)];
        let mut below = 0;
        let halves = words.iter().flat_map(|word| [*word as u32, (*word >> 32) as u32]);
        let groups = halves.map(|members| {
            below += members.count_ones();
            Group { below: below - members.count_ones(), members }
        });
        Ranks(groups.collect())
    }

    /// How many are below a number that is one of them.
    #[inline]
    fn rank(&self, number: u32) -> u32 {
        let Group { below, members } = self.0[number as usize / 32];
        below + (members & ((1 << (number % 32)) - 1)).count_ones()
    }

    /// How many there are.
    fn len(&self) -> usize {
        self.0.last().map_or(0, |last| last.below as usize + last.members.count_ones() as usize)
    }

    /// All of them, ascending.
    fn iter(&self) -> impl Iterator<Item = u64> {
        (0..).step_by(32).zip(&self.0).flat_map(|(first, group)| {
            // Each step takes the lowest away.
            let left = std::iter::successors(Some(group.members), |left| Some(left & left.wrapping_sub(1)));
            left.take_while(|left| *left != 0).map(move |left| first + u64::from(left.trailing_zeros()))
        })
    }

    /// Whether none is missing between the first and the last.
    fn are_consecutive(&self) -> bool {
        let mut numbers = self.iter();
        let Some(first) = numbers.next() else { return true };
        numbers.zip(first + 1..).all(|(number, expected)| number == expected)
    }
}

/// Who is at which place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Users<'a> {
    /// Places less a constant are users, as in a new store whose people are numbered without gaps.
    Shifted(u32),
    /// Somebody who has to be looked up.
    Looked(&'a Settled),
}

impl Users<'_> {
    /// The user at a place where somebody was met.
    #[inline]
    pub(crate) fn at(self, place: u32) -> u32 {
        match self {
            Users::Shifted(by) => place - by,
            Users::Looked(settled) => settled.user(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_people_are_numbered_by_their_external_ids() {
        let people = People::default();
        for external_id in [u64::MAX, 70, DIRECT_IDS, 3, 70, DIRECT_IDS - 1, u64::MAX] {
            people.meet(external_id).expect("few");
        }
        let [maximum, seventy] = [u64::MAX, 70].map(|external_id| people.meet(external_id).expect("few"));
        let settled = people.settle(5, |external_id| (external_id == 70).then_some(UserId(2))).expect("few");
        assert_eq!(settled.new, [3, DIRECT_IDS - 1, DIRECT_IDS, u64::MAX]);
        assert_eq!((settled.user(seventy), settled.user(3), settled.user(maximum)), (2, 5, 8));
        assert_eq!((settled.next, settled.ascending().is_some()), (9, false));
    }

    #[test]
    fn only_new_people_are_reordered() {
        let people = People::default();
        (10..14).for_each(|external_id| assert_eq!(people.meet(external_id), Ok(external_id as u32)));
        let mut settled = people.settle(1, |external_id| (external_id == 11).then_some(UserId(0))).expect("few");
        assert!(settled.ascending().is_none());
        settled.reorder(&[2, 0, 1]);
        assert_eq!(settled.new, [12, 13, 10]);
    }

    #[test]
    fn users_without_gaps_are_their_places_less_a_constant() {
        let settle = |external_ids: &[u64]| {
            let people = People::default();
            external_ids.iter().try_for_each(|external_id| people.meet(*external_id).map(|_| ())).expect("few");
            people.settle(0, |_| None).expect("few")
        };
        let (dense, gap) = (settle(&[7, 5, 6]), settle(&[5, 7]));
        assert!(matches!(dense.ascending(), Some(users @ Users::Shifted(5)) if users.at(7) == 2));
        assert!(matches!(gap.ascending(), Some(users @ Users::Looked(_)) if users.at(7) == 1));
        assert_eq!(settle(&[]).next, 0);
    }

    #[test]
    fn the_rank_of_a_number_is_how_many_are_below_it() {
        let numbers: Vec<u32> = (0..3_000).filter(|number| number % 7 == 3 || number / 64 % 3 == 1).collect();
        let mut words = vec![0; 60];
        numbers.iter().for_each(|number| words[*number as usize / 64] |= 1 << (number % 64));
        let ranks = Ranks::new(&words);
        assert!(ranks.iter().eq(numbers.iter().copied().map(u64::from)));
        assert!((0..).zip(&numbers).all(|(rank, number)| ranks.rank(*number) == rank));
        assert!(!ranks.are_consecutive());
        assert_eq!(ranks.len(), numbers.len());
        assert_eq!((Ranks::default().iter().next(), Ranks::default().are_consecutive()), (None, true));
    }

    #[test]
    fn user_ids_end_before_the_last_number() {
        let people = People::default();
        people.meet(1).and(people.meet(2)).expect("few");
        assert_eq!(people.settle(u32::MAX - 1, |_| None).err(), Some(TooManyPeople));
    }
}
