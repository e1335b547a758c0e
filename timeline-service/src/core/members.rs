//! A set of users that is asked about one user after another, each time about somebody else.
//!
//! A read asks a dozen times whether its reader follows somebody, and what is asked lies in no cache. A bitmap, or a list that is
//! searched, waits for the memory several times for one answer, each time to learn where to look next. Here the number of
//! a user says where they are, or right behind it: one wait, and [`fetch`](Members::fetch) has many of them at once.

use base::UserId;
use roaring::RoaringBitmap;

use crate::fetch::fetch;

/// Nobody is in a place.
const FREE: u32 = u32::MAX;

/// A set of users: 6 to 12 bytes each.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Members {
    /// A power of two of places, of which at least a third are free.
    places: Box<[u32]>,
    len: usize,
    /// Whether the user is in it whose number stands for a free place.
    has_last: bool,
}

impl From<&RoaringBitmap> for Members {
    fn from(users: &RoaringBitmap) -> Self {
        let len = users.len() as usize;
        let places = vec![FREE; (len + len / 2 + 1).next_power_of_two()].into();
        let mut members = Members { places, len, has_last: users.contains(FREE) };
        for user in users.iter().filter(|user| *user != FREE) {
            let place = members.place_of(user);
            members.places[place] = user;
        }
        members
    }
}

impl Members {
    /// Whether a user is one of them.
    #[inline]
    pub(crate) fn contains(&self, user: UserId) -> bool {
        if user.0 == FREE { self.has_last } else { self.places[self.place_of(user.0)] == user.0 }
    }

    /// Asks the memory for what it takes to answer whether a user is one of them.
    #[inline]
    pub(crate) fn fetch(&self, user: UserId) {
        fetch(&self.places[self.first_place_of(user.0)]);
    }

    /// How many they are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// All of them, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = UserId> {
        let last = self.has_last.then_some(UserId(FREE));
        self.places.iter().filter(|user| **user != FREE).map(|user| UserId(*user)).chain(last)
    }

    /// Bytes beside itself.
    pub(crate) const fn bytes(&self) -> usize {
        self.places.len() * size_of::<u32>()
    }

    /// Where a user is looked for first.
    #[inline]
    fn first_place_of(&self, user: u32) -> usize {
        // Numbers that follow on one another are spread evenly by the golden ratio.
        (u64::from(user).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & (self.places.len() - 1)
    }

    /// Where a user is, or would be: there always is a free place.
    fn place_of(&self, user: u32) -> usize {
        let mut place = self.first_place_of(user);
        while self.places[place] != user && self.places[place] != FREE {
            place = (place + 1) & (self.places.len() - 1);
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn users() -> impl Strategy<Value = BTreeSet<u32>> {
        let user = prop_oneof![0..300_u32, any::<u32>(), Just(FREE), (0..40_u32).prop_map(|number| number << 26)];
        prop::collection::btree_set(user, 0..200)
    }

    proptest! {
        #[test]
        fn they_are_those_that_it_was_made_of(users in users(), others in users()) {
            let members = Members::from(&users.iter().copied().collect());
            prop_assert_eq!(members.len(), users.len());
            prop_assert_eq!(members.iter().map(|user| user.0).collect::<BTreeSet<_>>(), users.clone());
            for user in users.union(&others) {
                members.fetch(UserId(*user));
                prop_assert_eq!(members.contains(UserId(*user)), users.contains(user));
            }
            prop_assert!(members.bytes() <= 12 * users.len().max(1));
        }
    }
}
