//! What people say: 10 to 140 characters, now and then with a mention, a link or a hashtag.

use rand::RngExt;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// The length of a text, in characters.
pub(super) const CHARACTERS: std::ops::RangeInclusive<usize> = 10..=140;
/// One text in so many mentions somebody, where it is long enough; one in so many has a link, and a hashtag.
const MENTION_IN: u32 = 3;
const LINK_IN: u32 = 5;
const HASHTAG_IN: u32 = 5;
const WORDS: [&str; 32] = [
    "the", "a", "of", "and", "to", "we", "you", "morning", "coffee", "train", "late", "again", "garden", "rain",
    "music", "old", "new", "reading", "about", "birds", "bread", "city", "sea", "walk", "home", "friends", "today",
    "never", "better", "than", "this", "slowly",
];

/// What one person says, and whom it mentions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Text {
    pub(super) text: String,
    /// A place in the list of people.
    pub(super) mentions: Option<usize>,
}

/// A text of any length, the same for the same chance.
pub(super) fn say(people: &[String], random: &mut ChaCha8Rng) -> Text {
    let len = random.random_range(CHARACTERS);
    let (mut text, mut mentions) = (String::with_capacity(len), None);
    let add = |text: &mut String, part: &str| {
        let fits = text.len() + usize::from(!text.is_empty()) + part.len() <= len;
        if fits {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(part);
        }
        fits
    };
    if random.random_ratio(1, MENTION_IN) {
        let person = random.random_range(0..people.len());
        mentions = add(&mut text, &format!("@{}", people[person])).then_some(person);
    }
    if random.random_ratio(1, LINK_IN) {
        add(&mut text, &format!("https://example.org/{:06x}", random.random_range(0..1 << 24)));
    }
    if random.random_ratio(1, HASHTAG_IN) {
        add(&mut text, &format!("#{}", WORDS.choose(random).unwrap_or(&"words")));
    }
    while add(&mut text, WORDS.choose(random).unwrap_or(&"words")) {}
    while text.len() < len {
        text.push('.');
    }
    Text { text, mentions }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn texts_have_every_length_and_mention_who_is_there() {
        let people: Vec<String> = (0..100).map(|person| format!("u{person}")).collect();
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let said: Vec<Text> = (0..20_000).map(|_| say(&people, &mut random)).collect();
        let lengths: std::collections::BTreeSet<usize> = said.iter().map(|text| text.text.chars().count()).collect();
        assert!(lengths.into_iter().eq(CHARACTERS));
        for text in &said {
            let named = text.mentions.map(|person| format!("@{}", people[person]));
            assert!(text.text.starts_with(named.as_deref().unwrap_or_default()), "{text:?}");
        }
        let with = |what: &str| said.iter().filter(|text| text.text.contains(what)).count();
        assert!((5000..7000).contains(&with("@")) && (3000..4200).contains(&with("https://")), "{}", with("@"));
        let again = say(&people, &mut ChaCha8Rng::seed_from_u64(7));
        assert_eq!(again, said[0]);
    }
}
