//! Chance that can be repeated: one seed, and a stream for each purpose.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a random stream is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// One user's list.
    User(u32),
    /// The ranks of the users.
    Ranks,
    /// The sizes of the communities.
    Communities,
    /// The followers of the celebrity.
    Celebrity,
}

/// The stream of a purpose. Streams of the same seed have nothing to do with one another.
pub(super) fn stream(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(match purpose {
        Purpose::User(user) => user.into(),
        Purpose::Ranks => 1 << 32,
        Purpose::Communities => 2 << 32,
        Purpose::Celebrity => 3 << 32,
    });
    random
}

/// A number from 0 to 1, without 1, in steps of 2^-53.
#[inline]
pub(super) fn unit(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// A number below `end`. Each comes as often as any other, but for a share of at most `end` / 2^64.
#[inline]
pub(super) fn below(random: &mut ChaCha8Rng, end: u64) -> u64 {
    ((u128::from(random.next_u64()) * u128::from(end)) >> 64) as u64
}
