//! What the people of the demo say: tweets of their circle's matters over the last days, and answers to one another.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::community::Community;
use super::names::{ANSWERS, CIRCLES, SENTENCES};

/// How many tweets there are.
pub(super) const TWEETS: usize = 4_000;
/// The share of them that answer another.
const ANSWERED: f64 = 0.25;
/// An answer is to one of this many tweets before it.
const MEMORY: usize = 400;
/// How far back the first tweet lies.
const SPAN_MS: u64 = 4 * 24 * 3_600_000;

/// A tweet of the demo. Tweets are named by their place, which is also their order in time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Draft {
    /// The place of the person.
    pub(super) author: usize,
    pub(super) text: String,
    /// The place of the tweet that it answers.
    pub(super) in_reply_to: Option<usize>,
    /// The places of the people whom it mentions.
    pub(super) mentions: Vec<usize>,
    /// How long before now it was said.
    pub(super) age_ms: u64,
}

/// What a community says, oldest first.
pub(super) fn from_seed(seed: u64, community: &Community) -> Vec<Draft> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut ages: Vec<u64> = (0..TWEETS).map(|_| random.random_range(1_000..SPAN_MS)).collect();
    ages.sort_unstable_by(|a, b| b.cmp(a));
    let mut tweets: Vec<Draft> = Vec::with_capacity(TWEETS);
    for age_ms in ages {
        let answer = if random.random_bool(ANSWERED) { answer(&mut random, community, &tweets) } else { None };
        let mut tweet = answer.unwrap_or_else(|| statement(&mut random, community));
        tweet.age_ms = age_ms;
        tweets.push(tweet);
    }
    tweets
}

/// Somebody who follows the author of a recent tweet answers it. Nobody does where it has no follower.
fn answer(random: &mut ChaCha8Rng, community: &Community, tweets: &[Draft]) -> Option<Draft> {
    let place = random.random_range(tweets.len().saturating_sub(MEMORY)..tweets.len().max(1));
    let answered = tweets.get(place)?;
    let followers = &community.followers[answered.author];
    let author = followers.iter().nth(random.random_range(0..followers.len().max(1)))?;
    let text = format!("@{} {}", community.people[answered.author].username, pick(random, &ANSWERS));
    Some(Draft { author: *author, text, in_reply_to: Some(place), mentions: vec![answered.author], age_ms: 0 })
}

/// Somebody says something, the well-known more often than others.
fn statement(random: &mut ChaCha8Rng, community: &Community) -> Draft {
    let share = random.random::<f64>();
    let author = (share * share * community.people.len() as f64) as usize;
    let circle = &CIRCLES[community.people[author].circle];
    let mut text = pick(random, &SENTENCES).replace("{}", pick(random, &circle.subjects));
    // The subject may stand at the beginning.
    if let Some(first) = text.get(..1).map(str::to_uppercase) {
        text.replace_range(..1, &first);
    }
    let mut mentions = Vec::new();
    let followees = &community.followees[author];
    if random.random_bool(0.15)
        && let Some(friend) = followees.iter().nth(random.random_range(0..followees.len().max(1)))
    {
        text += &format!(" with @{}", community.people[*friend].username);
        mentions.push(*friend);
    }
    if random.random_bool(0.6) {
        text += &format!(" #{}", pick(random, &circle.hashtags));
    }
    Draft { author, text, in_reply_to: None, mentions, age_ms: 0 }
}

fn pick<'a>(random: &mut ChaCha8Rng, words: &[&'a str]) -> &'a str {
    words[random.random_range(0..words.len())]
}

#[cfg(test)]
mod tests {
    use super::super::SEED;
    use super::*;

    #[test]
    fn everything_said_is_short_enough_and_in_order() {
        let community = Community::from_seed(SEED);
        let tweets = from_seed(SEED, &community);
        assert_eq!(tweets.len(), TWEETS);
        assert!(tweets.iter().all(|tweet| tweet.text.chars().count() <= 140));
        assert!(tweets.is_sorted_by_key(|tweet| std::cmp::Reverse(tweet.age_ms)));
        assert_eq!(tweets, from_seed(SEED, &community));
    }

    #[test]
    fn answers_are_to_what_was_said_before_by_somebody_whom_one_follows() {
        let community = Community::from_seed(SEED);
        let tweets = from_seed(SEED, &community);
        let answers = tweets.iter().enumerate().filter_map(|(place, tweet)| Some((place, tweet, tweet.in_reply_to?)));
        let mut count = 0;
        for (place, tweet, answered) in answers {
            assert!(answered < place);
            assert!(community.followees[tweet.author].contains(&tweets[answered].author));
            count += 1;
        }
        assert!(count > TWEETS / 10, "{count} answers");
        assert!(tweets.iter().filter(|tweet| tweet.text.contains('#')).count() > TWEETS / 4);
    }
}
