//! How many people a user follows.

use std::f64::consts::TAU;

use rand_chacha::ChaCha8Rng;

use super::random::unit;

/// People whom anybody follows at the most.
pub const FOLLOWEES_MAX: u32 = 20_000;

/// The standard deviation of the logarithm of a list's length.
const SIGMA: f64 = 1.2;

/// Lengths of lists, log-normal with a given mean: exp(mu + sigma z), where z is normal, sigma is 1.2, and mu is ln mean -
/// sigma² / 2. What is behind the point is the chance of one more, which keeps the mean of short lists.
#[derive(Clone, Copy, Debug)]
pub(super) struct Degrees {
    mu: f64,
}

impl Degrees {
    pub(super) fn new(mean: f64) -> Self {
        Degrees { mu: libm::log(mean) - SIGMA * SIGMA / 2.0 }
    }

    /// The length of a list.
    pub(super) fn draw(&self, random: &mut ChaCha8Rng) -> u32 {
        // Box and Muller's way from two uniform numbers to a normal one.
        let radius = (-2.0 * libm::log(1.0 - unit(random))).sqrt();
        let normal = radius * libm::cos(TAU * unit(random));
        let length = libm::exp(self.mu + SIGMA * normal);
        ((length + unit(random)) as u32).min(FOLLOWEES_MAX)
    }
}
