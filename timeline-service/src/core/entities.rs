//! The hashtags, mentions and links of a text, with their places in code points.
//!
//! - A *link* begins with `http://` or `https://` and goes on to the next white space, without the punctuation that
//!   closes a sentence behind it.
//! - A *hashtag* is `#` and letters, digits and `_`, of which one at least is no digit. Whatever belongs to the same
//!   character as people see it (accents, vowel signs, joiners) goes along with it.
//! - A *mention* is `@` and a username (1 to 30 of letters, digits and `_`) that the caller resolved; others stay text.
//!
//! Each begins where no word is under way, so that `a@b.example` mentions nobody. They do not overlap: what is inside a
//! link is the link's.

use std::collections::HashMap;

use base::UserId;
use proto::timeline::{Entities, Hashtag, Mention, Span, Url};
use unicode_segmentation::UnicodeSegmentation;

/// Characters of a username at the most.
const USERNAME_MAX: usize = 30;

/// Finds the entities of `text`. `mentioned` are the usernames, in lower case, that are somebody's.
pub(crate) fn find(text: &str, mentioned: &HashMap<String, UserId>) -> Entities {
    // Most texts have none, and a look at their bytes is enough to tell.
    if !text.contains(['#', '@']) && !text.contains("://") {
        return Entities::default();
    }
    let characters: Vec<char> = text.chars().collect();
    let words = Words::of(text, &characters);
    let mut entities = Entities::default();
    let mut at = 0;
    while at < characters.len() {
        let rest = &characters[at..];
        let fresh = at == 0 || !is_word(characters[at - 1]) && !matches!(characters[at - 1], '&' | '#' | '@' | '/');
        at += if fresh { take(rest, words.at(at + 1), at, mentioned, &mut entities).unwrap_or(1) } else { 1 };
    }
    entities
}

/// Takes the entity that `rest` begins with, and says how long it is. `word` is what follows its first character.
fn take(
    rest: &[char],
    word: &[char],
    start: usize,
    mentioned: &HashMap<String, UserId>,
    entities: &mut Entities,
) -> Option<usize> {
    let span = |len: usize| Some(Span { start: start as u32, end: (start + len) as u32 });
    match rest[0] {
        'h' | 'H' => {
            let len = link_len(rest)?;
            entities.urls.push(Url { url: rest[..len].iter().collect(), span: span(len) });
            Some(len)
        }
        '#' => {
            word.iter().find(|&&character| is_word(character) && !character.is_numeric())?;
            entities.hashtags.push(Hashtag { tag: word.iter().collect(), span: span(1 + word.len()) });
            Some(1 + word.len())
        }
        '@' => {
            if word.len() > USERNAME_MAX {
                return None;
            }
            let username = word.iter().collect::<String>().to_ascii_lowercase();
            let user = mentioned.get(&username)?.0;
            entities.mentions.push(Mention { username, user, span: span(1 + word.len()) });
            Some(1 + word.len())
        }
        _ => None,
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The words of a text.
struct Words<'a> {
    characters: &'a [char],
    /// For each code point, whether it is inside a character as people see it: not the first of its grapheme cluster.
    inside: Vec<bool>,
}

impl<'a> Words<'a> {
    fn of(text: &str, characters: &'a [char]) -> Self {
        let inside = text.graphemes(true).flat_map(|cluster| cluster.chars().enumerate().map(|(nth, _)| nth > 0));
        Words { characters, inside: inside.collect() }
    }

    /// The word that begins at a code point; empty where none does.
    fn at(&self, start: usize) -> &'a [char] {
        let rest = &self.characters[start..];
        let begins = rest.first().is_some_and(|&first| is_word(first));
        let goes_on = |&at: &usize| is_word(rest[at]) || self.inside[start + at];
        if begins { &rest[..(0..rest.len()).take_while(goes_on).count()] } else { &[] }
    }
}

/// How long the link is that `rest` begins with.
fn link_len(rest: &[char]) -> Option<usize> {
    let begins = |scheme: &str| {
        rest.len() >= scheme.len() && rest.iter().zip(scheme.chars()).all(|(a, b)| a.eq_ignore_ascii_case(&b))
    };
    let scheme = ["https://", "http://"].into_iter().find(|scheme| begins(scheme))?.len();
    let mut len = rest.iter().position(|character| character.is_whitespace()).unwrap_or(rest.len());
    while len > scheme && closes_a_sentence(&rest[..len]) {
        len -= 1;
    }
    rest[scheme..len].iter().any(|character| character.is_alphanumeric()).then_some(len)
}

/// Whether the last character belongs to the sentence around the link: punctuation, or a bracket that the link does not
/// open.
fn closes_a_sentence(link: &[char]) -> bool {
    let unopened = |open: char, close: char| {
        let count = |wanted: char| link.iter().filter(|&&character| character == wanted).count();
        count(close) > count(open)
    };
    match link.last() {
        Some('.' | ',' | ';' | ':' | '!' | '?' | '\'' | '"' | '<' | '>' | '…' | '”' | '’' | '»') => true,
        Some(')') => unopened('(', ')'),
        Some(']') => unopened('[', ']'),
        Some('}') => unopened('{', '}'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Entities {
        let mentioned = [("ada", 7), ("bob_2", 9)].map(|(name, user)| (name.to_owned(), UserId(user)));
        find(text, &mentioned.into())
    }

    /// What lies at a span, cut out by code points.
    fn cut(text: &str, span: Option<Span>) -> String {
        let span = span.expect("every entity has a span");
        text.chars().skip(span.start as usize).take((span.end - span.start) as usize).collect()
    }

    #[test]
    fn places_are_in_code_points() {
        let text = "👍🏽 é #Zürich @Ada see https://example.org/a?b=c#d!";
        let entities = found(text);
        assert_eq!(cut(text, entities.hashtags[0].span), "#Zürich");
        assert_eq!(entities.hashtags[0].tag, "Zürich");
        assert_eq!(cut(text, entities.mentions[0].span), "@Ada");
        assert_eq!((entities.mentions[0].username.as_str(), entities.mentions[0].user), ("ada", 7));
        assert_eq!(cut(text, entities.urls[0].span), "https://example.org/a?b=c#d");
        assert_eq!(entities.hashtags.len() + entities.mentions.len() + entities.urls.len(), 3);
    }

    #[test]
    fn only_what_begins_a_word_counts() {
        let entities = found("mail ada@bob_2.example, a#b, &#39; ##x @@ada //@ada");
        assert_eq!(entities, Entities { hashtags: entities.hashtags.clone(), ..Entities::default() });
        assert!(entities.hashtags.is_empty(), "{:?}", entities.hashtags);
    }

    #[test]
    fn a_number_is_no_hashtag_and_a_stranger_no_mention() {
        let entities = found("#1 #2nd #_ @nobody @bob_2! @bob_23");
        let tags: Vec<_> = entities.hashtags.iter().map(|hashtag| hashtag.tag.as_str()).collect();
        assert_eq!(tags, ["2nd", "_"]);
        assert_eq!(entities.mentions.iter().map(|mention| mention.user).collect::<Vec<_>>(), [9]);
    }

    #[test]
    fn a_link_ends_before_the_sentence_does() {
        let urls = |text: &str| found(text).urls.into_iter().map(|url| url.url).collect::<Vec<_>>();
        assert_eq!(urls("(http://a.example/b_(c))."), ["http://a.example/b_(c)"]);
        assert_eq!(urls("HTTPS://a.example, http://b.example"), ["HTTPS://a.example", "http://b.example"]);
        assert_eq!(urls("http:// https://... xhttp://a.example"), [""; 0]);
        assert!(found("http://a.example/#tag/@ada").hashtags.is_empty());
    }

    #[test]
    fn a_hashtag_is_as_long_in_every_script() {
        // The tag of "#हिन्दी" ended at its virama, and that of "#" with an accent over it was the accent alone.
        let tags = |text: &str| found(text).hashtags.into_iter().map(|hashtag| hashtag.tag).collect::<Vec<_>>();
        assert_eq!(tags("#हिन्दी, #தமிழ் #ไทย่ #e\u{301}te\u{301}!"), ["हिन्दी", "தமிழ்", "ไทย่", "e\u{301}te\u{301}"]);
        assert_eq!(tags("#\u{301} #\u{200d}a #\u{fe0f}\u{20e3}one #1\u{301}"), [""; 0]);
        assert_eq!(tags("#a👍🏽b #👍"), ["a"]);
    }

    #[test]
    fn no_text_is_too_strange() {
        for text in ["", "#", "@", "h", "http://", "#\u{301}", "@\u{200d}", "https://)", "\u{301}#"] {
            assert_eq!(found(text), Entities::default(), "{text:?}");
        }
    }
}
