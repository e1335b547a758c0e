//! Who posts how often, and what everybody posted.
//!
//! How often is log-normal with a median of two tweets a month, and so wide that the busiest tenth writes 80 % of all: both
//! as Pew Research counted on Twitter in 2019 (*Sizing Up Twitter Users*). Who is busy has nothing to do with who is popular.
//! An author's posts come at random, without a memory.

use std::f64::consts::TAU;

use base::{TweetId, UserId};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Tweets a day of the median author.
const MEDIAN_PER_DAY: f64 = 2.0 / 30.0;
/// The standard deviation of the logarithm: the busiest tenth writes Φ(2.12 - 1.28) = 80 %.
const SIGMA: f64 = 2.12;
/// An author's newest tweets: those of this many days, but not fewer than [`TWEETS_MIN`] and not more than [`TWEETS_MAX`].
const DAYS: f64 = 30.0;
const TWEETS_MIN: usize = 8;
const TWEETS_MAX: usize = 32;
/// There is nothing from before: ten years.
const SPAN_MS: u64 = 10 * 365 * DAY_MS;
const DAY_MS: u64 = 86_400_000;
/// Bits of a user, below the time.
const USER_BITS: u32 = 24;

/// Who posts how often.
#[derive(Debug)]
pub struct Activity {
    /// For each user the tweets a day of all up to them.
    up_to: Vec<f64>,
    random: ChaCha8Rng,
}

/// Tweet ids that rise.
#[derive(Debug, Default)]
pub struct Ids {
    last_stamp: u64,
}

impl Activity {
    /// Of so many users.
    pub fn new(users: u32, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut sum = 0.0;
        let up_to = (0..users).map(|_| {
            sum += MEDIAN_PER_DAY * (SIGMA * normal(&mut random)).exp();
            sum
        });
        Activity { up_to: up_to.collect(), random }
    }

    /// The newest tweets of everybody, oldest first.
    pub fn history(&mut self, ids: &mut Ids) -> impl Iterator<Item = (UserId, TweetId)> {
        let mut tweets = Vec::with_capacity(self.up_to.len() * (TWEETS_MIN + 4));
        let mut before = 0.0;
        for (user, up_to) in (0_u64..).zip(&self.up_to) {
            let per_day = up_to - std::mem::replace(&mut before, *up_to);
            let mut ago_ms = 0.0;
            for _ in 0..((per_day * DAYS) as usize).clamp(TWEETS_MIN, TWEETS_MAX) {
                ago_ms += gap_ms(per_day, &mut self.random);
                if ago_ms >= SPAN_MS as f64 {
                    break;
                }
                tweets.push((SPAN_MS - ago_ms as u64) << USER_BITS | user);
            }
        }
        tweets.sort_unstable();
        tweets.into_iter().map(|tweet| {
            let author = UserId((tweet & ((1 << USER_BITS) - 1)) as u32);
            (author, ids.next(tweet >> USER_BITS, author))
        })
    }

    /// Who posts next.
    pub fn author(&mut self) -> UserId {
        let all = self.up_to.last().copied().unwrap_or_default();
        let at = self.random.random::<f64>() * all;
        let place = self.up_to.partition_point(|up_to| *up_to <= at);
        UserId(place.min(self.up_to.len().saturating_sub(1)) as u32)
    }
}

impl Ids {
    /// The id of a tweet of some millisecond, greater than any before it.
    pub fn next(&mut self, tick: u64, author: UserId) -> TweetId {
        let sequences = u64::from(TweetId::SEQUENCES);
        self.last_stamp = (self.last_stamp + 1).max(tick * sequences);
        TweetId::from_parts(self.last_stamp / sequences, (self.last_stamp % sequences) as u16, author)
    }

    /// The id of a tweet that is posted now.
    pub fn now(&mut self, author: UserId) -> TweetId {
        self.next(SPAN_MS, author)
    }
}

/// From one tweet to the next.
fn gap_ms(per_day: f64, random: &mut impl Rng) -> f64 {
    -(1.0 - random.random::<f64>()).ln() / per_day * DAY_MS as f64
}

/// A normal number, by Box and Muller.
fn normal(random: &mut impl Rng) -> f64 {
    (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt() * (TAU * random.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_rise_and_nobody_has_more_than_a_head_holds() {
        let mut ids = Ids::default();
        let mut activity = Activity::new(2_000, 5);
        let mut counts = vec![0; 2_000];
        let mut last = TweetId(0);
        for (author, id) in activity.history(&mut ids) {
            assert!(id > last);
            last = id;
            counts[author.0 as usize] += 1;
        }
        assert!(counts.iter().all(|count| *count <= TWEETS_MAX) && counts.contains(&TWEETS_MAX));
        let usual = counts.iter().filter(|count| **count >= TWEETS_MIN).count();
        assert!(usual > 1_800, "only few have not written so much in ten years: {usual}");
        for _ in 0..1_000 {
            let id = ids.now(UserId(7));
            assert!(id > last);
            last = id;
        }
    }

    #[test]
    fn the_busiest_tenth_writes_four_fifths() {
        let mut activity = Activity::new(20_000, 2);
        let mut counts = vec![0_u32; 20_000];
        (0..400_000).for_each(|_| counts[activity.author().0 as usize] += 1);
        counts.sort_unstable_by(|a, b| b.cmp(a));
        let share = f64::from(counts[..2_000].iter().sum::<u32>()) / 400_000.0;
        assert!((0.7..0.9).contains(&share), "{share}");
    }
}
