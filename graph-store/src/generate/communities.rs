//! Who is near whom.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;

use super::random::below;

/// Users of a community: at least, and at most. A graph of fewer is one community.
const SIZES: (u32, u32) = (500, 1000);

/// All users, cut into communities of consecutive ids, and the share of everybody's followees that is from their own,
/// where everybody is as popular as everybody else.
#[derive(Debug)]
pub(super) struct Communities {
    /// The first user of each, and the number of users.
    starts: Vec<u32>,
    locality: f64,
}

impl Communities {
    pub(super) fn new(users: u32, locality: f64, random: &mut ChaCha8Rng) -> Self {
        let (least, most) = SIZES;
        let mut starts = vec![0];
        let mut rest = users;
        while rest > most {
            // What is left must be enough for one more.
            let sizes = least..=most.min(rest - least);
            let size = sizes.start() + below(random, u64::from(sizes.end() - sizes.start()) + 1) as u32;
            rest -= size;
            starts.push(users - rest);
        }
        starts.push(users);
        Communities { starts, locality }
    }

    /// The community of a user.
    pub(super) fn of(&self, user: u32) -> Range<u32> {
        let next = self.starts.partition_point(|start| *start <= user);
        self.starts[next - 1]..self.starts[next]
    }

    pub(super) fn locality(&self) -> f64 {
        self.locality
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::{Purpose, stream};
    use super::*;

    #[test]
    fn everybody_is_in_one_community_of_the_right_size() {
        for users in [2, 499, 500, 1000, 1001, 1499, 1501, 2000, 40_000] {
            let communities = Communities::new(users, 0.5, &mut stream(users.into(), Purpose::Communities));
            let mut next = 0;
            while next < users {
                let community = communities.of(next);
                assert_eq!(community.start, next, "of {users} users");
                assert_eq!(communities.of(community.end - 1), community, "of {users} users");
                let size = community.end - community.start;
                assert!((SIZES.0.min(users)..=SIZES.1).contains(&size), "{size} of {users} users");
                next = community.end;
            }
            assert_eq!(next, users);
        }
    }
}
