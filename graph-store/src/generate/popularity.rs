//! Whom people follow.

use std::ops::Range;

use rand_chacha::ChaCha8Rng;

use super::random::{below, unit};

/// What is added to a rank, so that the first few are not followed by everybody.
const SHIFT: f64 = 50.0;

/// Users, drawn as often as they are popular: the popularity of the user of rank r, the first being 0, is proportional to
/// (r + 50)^-0.9, and who has which rank is a random permutation.
///
/// # How a rank is drawn
///
/// From the continuous law of the same density over ranks from -1/2 to users - 1/2, by the inverse of its distribution,
/// rounded. The integral of (x + 50)^-0.9 is 10 (x + 50)^0.1, so with a = 49.5^0.1, b = (users + 49.5)^0.1 and u
/// uniform from 0 to 1,
///
/// ```text
/// x + 50 = (a + u (b - a))^10
/// ```
///
/// which takes four multiplications, whatever the number of users. A rank then has the integral of the density over
/// r - 1/2 to r + 1/2 in place of the density at r. They differ by a factor of 1 + f''/24f = 1 + 0.9 · 1.9 / 24 (r + 50)²,
/// which is at most 1.00003. The steps of u, 2^-53, are less than 10^-5 of a rank for any number of users.
#[derive(Debug)]
pub(super) struct Popularity {
    /// The user of each rank.
    users: Vec<u32>,
    /// a, and b - a.
    law: (f64, f64),
}

impl Popularity {
    pub(super) fn new(users: u32, random: &mut ChaCha8Rng) -> Self {
        let mut of_rank: Vec<u32> = (0..users).collect();
        for rank in (1..of_rank.len()).rev() {
            of_rank.swap(rank, below(random, rank as u64 + 1) as usize);
        }
        let edge = |rank: f64| libm::pow(rank + SHIFT, 0.1);
        let (first, last) = (edge(-0.5), edge(f64::from(users) - 0.5));
        Popularity { users: of_rank, law: (first, last - first) }
    }

    /// A user.
    #[inline]
    pub(super) fn draw(&self, random: &mut ChaCha8Rng) -> u32 {
        let (first, width) = self.law;
        let root = first + unit(random) * width;
        let square = root * root;
        let fourth = square * square;
        let rank = fourth * fourth * square - (SHIFT - 0.5);
        self.users[(rank as usize).min(self.users.len() - 1)]
    }

    /// The most popular user.
    pub(super) fn first(&self) -> u32 {
        self.users[0]
    }

    /// All users.
    pub(super) fn ids(&self) -> Range<u32> {
        0..self.users.len() as u32
    }
}
