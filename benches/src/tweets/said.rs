//! What is loaded: tweets of 10 to 140 characters by users of a skewed activity.
//!
//! Words are made up, and come as often as words do: the n-th of [`VOCABULARY`] about 1/n as often as the first. So the texts
//! compress about as English does, and not as a few words that come again and again.

use base::UserId;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use timeline_service::LoadedTweet;

/// The length of a text, in characters.
const CHARACTERS: std::ops::RangeInclusive<usize> = 10..=140;
/// How many words there are.
const VOCABULARY: u32 = 50_000;
/// One text in so many has a link, and a hashtag.
const LINK_IN: u32 = 5;
const HASHTAG_IN: u32 = 5;
/// How letters come in English, most frequent first; a word is some of them.
const LETTERS: &[u8] =
    b"eeeeeeeeeeeetttttttttaaaaaaaaooooooooiiiiiiinnnnnnnsssssshhhhhhrrrrrrddddllllcccuuummmwwffggyyppbvk";

/// Makes tweets.
#[derive(Debug)]
pub(super) struct Said {
    random: ChaCha8Rng,
    words: Vec<String>,
    users: u32,
}

impl Said {
    /// The same for the same seed.
    pub(super) fn new(users: u32, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut word = |rank: u32| {
            // The more often a word comes, the shorter it is.
            let len = random.random_range(1..=3) + (f64::from(rank + 2).log10() * 1.5) as usize;
            (0..len).map(|_| char::from(LETTERS[random.random_range(0..LETTERS.len())])).collect()
        };
        Said { words: (0..VOCABULARY).map(&mut word).collect(), random, users }
    }

    /// The next tweet.
    pub(super) fn next(&mut self) -> LoadedTweet {
        let author = UserId(zipf(&mut self.random, self.users, 0.8));
        let len = self.random.random_range(CHARACTERS);
        let mut text = String::with_capacity(len);
        if len > 30 && self.random.random_ratio(1, LINK_IN) {
            text = format!("https://t.example/{:08x}", self.random.random::<u32>());
        }
        let hashtag = self.random.random_ratio(1, HASHTAG_IN);
        while text.len() < len {
            if !text.is_empty() {
                text.push(' ');
            }
            if hashtag && !text.contains('#') {
                text.push('#');
            }
            text.push_str(&self.words[zipf(&mut self.random, VOCABULARY, 1.0) as usize]);
        }
        text.truncate(len);
        if text.ends_with(' ') {
            text.pop();
            text.push('.');
        }
        LoadedTweet { author, text, mentions: Vec::new() }
    }
}

/// A number below `below`, the n-th about n^-exponent as often as the first: by the inverse of the integral.
fn zipf(random: &mut ChaCha8Rng, below: u32, exponent: f64) -> u32 {
    let (chance, last) = (random.random::<f64>(), f64::from(below) + 1.0);
    let at = match 1.0 - exponent {
        0.0 => last.powf(chance),
        rest => (1.0 + chance * (last.powf(rest) - 1.0)).powf(1.0 / rest),
    };
    (at as u32).clamp(1, below) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_every_length_and_some_write_more() {
        let mut said = Said::new(10_000, 7);
        let tweets: Vec<_> = (0..20_000).map(|_| said.next()).collect();
        let lengths: std::collections::BTreeSet<_> = tweets.iter().map(|tweet| tweet.text.chars().count()).collect();
        assert!(lengths.into_iter().eq(CHARACTERS));
        let by = |users: std::ops::Range<u32>| tweets.iter().filter(|tweet| users.contains(&tweet.author.0)).count();
        assert!(by(0..100) > 5 * by(9_900..10_000), "{} {}", by(0..100), by(9_900..10_000));
        assert!(by(5_000..10_000) > 1_000);
        assert_eq!(Said::new(10_000, 7).next(), tweets[0]);
    }
}
