//! Which texts may be posted, counted as people count.
//!
//! A character is an extended grapheme cluster (Unicode Standard Annex 29): a letter with all its accents is one, and so
//! is a family of four emoji. Since a cluster can be arbitrarily long, the bytes have a limit of their own.

use base::{Error, limits};
use unicode_segmentation::UnicodeSegmentation;

/// Why a text may not be posted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TextError {
    #[error("there is nothing to read in it")]
    Blank,
    #[error("at most {max} characters, not {got}")]
    TooManyCharacters { max: usize, got: usize },
    #[error("at most {max} bytes, not {got}")]
    TooManyBytes { max: usize, got: usize },
    #[error("the control character U+{character:04X} is not allowed")]
    Control { character: u32 },
}

impl From<TextError> for Error {
    fn from(error: TextError) -> Self {
        Error::invalid("text", error.to_string())
    }
}

/// Refuses a text that has nothing to read, is longer than `max_characters`, or has control characters other than line
/// feed and tab.
pub(crate) fn check(text: &str, max_characters: usize) -> Result<(), TextError> {
    // The bytes first: counting clusters of an arbitrarily long text is work that nobody should be able to ask for.
    let max_bytes = max_characters.saturating_mul(limits::TWEET_BYTES_PER_CHARACTER);
    if text.len() > max_bytes {
        return Err(TextError::TooManyBytes { max: max_bytes, got: text.len() });
    }
    if let Some(control) = text.chars().find(|&character| character.is_control() && !matches!(character, '\n' | '\t')) {
        return Err(TextError::Control { character: control as u32 });
    }
    if text.chars().all(|character| character.is_whitespace() || is_invisible(character)) {
        return Err(TextError::Blank);
    }
    // The one cluster of several ASCII characters begins with a carriage return, which is refused above.
    let characters = if text.is_ascii() { text.len() } else { text.graphemes(true).count() };
    if characters > max_characters {
        return Err(TextError::TooManyCharacters { max: max_characters, got: characters });
    }
    Ok(())
}

/// Characters that take no room or show nothing, and are no white space: a text of these alone looks empty.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_as_people_count_them() {
        // Four people joined, a flag, an e with its accent apart, and a Hangul syllable in its parts.
        let text = "👨‍👩‍👧‍👦🇨🇭e\u{301}\u{1112}\u{1161}\u{11ab}";
        assert_eq!(check(text, 4), Ok(()));
        assert_eq!(check(text, 3), Err(TextError::TooManyCharacters { max: 3, got: 4 }));
    }

    #[test]
    fn the_limit_itself_is_allowed() {
        assert_eq!(check(&"ä".repeat(140), 140), Ok(()));
        assert_eq!(check(&"ä".repeat(141), 140), Err(TextError::TooManyCharacters { max: 140, got: 141 }));
    }

    #[test]
    fn one_character_of_a_thousand_accents_is_too_many_bytes() {
        let text = format!("e{}", "\u{301}".repeat(1000));
        assert_eq!(check(&text, 10), Err(TextError::TooManyBytes { max: 640, got: 2001 }));
        assert_eq!(check(&text, 140), Ok(()));
    }

    #[test]
    fn a_text_that_looks_empty_is_refused() {
        for text in ["", " ", "\n\t \u{a0}", "\u{200b}\u{feff}", "\u{3164}", "\u{2800}\u{2800}"] {
            assert_eq!(check(text, 140), Err(TextError::Blank), "{text:?}");
        }
        assert_eq!(check("\u{200b}.", 140), Ok(()));
    }

    #[test]
    fn line_feed_and_tab_are_the_only_control_characters() {
        assert_eq!(check("one\n\ttwo", 140), Ok(()));
        for character in ['\0', '\r', '\u{1b}', '\u{7f}', '\u{85}'] {
            let refused = Err(TextError::Control { character: character as u32 });
            assert_eq!(check(&format!("a{character}b"), 140), refused);
        }
    }
}
