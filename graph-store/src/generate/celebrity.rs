//! Somebody whom very many follow.

use rand_chacha::ChaCha8Rng;

use super::random::below;

/// A user with an exact number of followers, each set of that many other users being as likely as any other.
#[derive(Debug)]
pub(super) struct Celebrity {
    user: u32,
    /// One bit for each user.
    followers: Vec<u64>,
}

impl Celebrity {
    /// `count` is less than `users`.
    pub(super) fn new(user: u32, count: u32, users: u32, random: &mut ChaCha8Rng) -> Self {
        let mut followers = vec![0; (users as usize).div_ceil(64)];
        let mut wanted = u64::from(count);
        for (other, left) in (0..users).filter(|other| *other != user).zip((1..u64::from(users)).rev()) {
            // Knuth's selection sampling: the chance is what is wanted among those who are left.
            if below(random, left) < wanted {
                followers[other as usize / 64] |= 1 << (other % 64);
                wanted -= 1;
            }
        }
        Celebrity { user, followers }
    }

    pub(super) fn user(&self) -> u32 {
        self.user
    }

    pub(super) fn is_followed_by(&self, user: u32) -> bool {
        self.followers[user as usize / 64] >> (user % 64) & 1 == 1
    }
}
