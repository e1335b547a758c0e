//! What the fields of an account may hold. Each check answers the value in the form that is kept, or what is wrong with
//! it in words for the person who typed it.

use base::limits;
use unicode_segmentation::UnicodeSegmentation;

/// Characters of a username.
pub(crate) const USERNAME_MAX: usize = 30;
/// Bytes of an email: what a mail server's envelope can hold.
const EMAIL_MAX_BYTES: usize = 254;
/// Bytes of the part of an email before the @.
const MAILBOX_MAX_BYTES: usize = 64;
/// Characters of a password: fewer are guessed, more are a way to keep the server busy.
const PASSWORD_CHARACTERS: std::ops::RangeInclusive<usize> = 8..=128;
/// Characters, as people count them, of a name.
const NAME_MAX: usize = 50;
/// Characters, as people count them, of a description.
const DESCRIPTION_MAX: usize = 160;
/// Bytes of a URL.
const URL_MAX_BYTES: usize = 2048;

/// The value to keep, or what is wrong.
pub(crate) type Checked<T> = Result<T, String>;

/// 1 to 30 of `[a-z0-9_]`.
pub(crate) fn username(text: String) -> Checked<String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if (1..=USERNAME_MAX).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text)
    } else {
        Err(format!("must be 1 to {USERNAME_MAX} of a-z, 0-9 and _"))
    }
}

/// Something that mail could reach; kept in lower case, since no two people share one that differs in case alone.
pub(crate) fn email(text: String) -> Checked<String> {
    let plausible = text.rsplit_once('@').is_some_and(|(mailbox, domain)| {
        let labels = || domain.split('.');
        (1..=MAILBOX_MAX_BYTES).contains(&mailbox.len())
            && !mailbox.contains('@')
            && labels().count() >= 2
            && labels().all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
    });
    if text.len() > EMAIL_MAX_BYTES {
        Err(format!("must be at most {EMAIL_MAX_BYTES} bytes"))
    } else if !plausible || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Err("must be an email address".to_owned())
    } else {
        Ok(text.to_lowercase())
    }
}

/// 8 to 128 characters of any kind.
pub(crate) fn password(text: String) -> Checked<String> {
    if PASSWORD_CHARACTERS.contains(&text.chars().count()) {
        Ok(text)
    } else {
        let (least, most) = PASSWORD_CHARACTERS.into_inner();
        Err(format!("must have {least} to {most} characters"))
    }
}

/// 1 to 50 characters on one line, not all of them blank.
pub(crate) fn name(text: String) -> Checked<String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err("must be one line that is not blank".to_owned());
    }
    at_most(NAME_MAX, text)
}

/// Up to 160 characters.
pub(crate) fn description(text: String) -> Checked<String> {
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err("must not have control characters".to_owned());
    }
    at_most(DESCRIPTION_MAX, text)
}

/// The address of something on the web.
pub(crate) fn web_url(text: String) -> Checked<String> {
    let wrong = || "must be an http or https URL".to_owned();
    if text.len() > URL_MAX_BYTES {
        return Err(format!("must be at most {URL_MAX_BYTES} bytes"));
    }
    let url: http::Uri = text.parse().map_err(|_| wrong())?;
    let web = matches!(url.scheme_str(), Some("http" | "https"));
    if web && url.host().is_some_and(|host| !host.is_empty()) { Ok(text) } else { Err(wrong()) }
}

/// `YYYY-MM-DD`, before today.
pub(crate) fn date_of_birth(text: String, now_ms: u64) -> Checked<String> {
    let wrong = || "must be a date as 1990-12-31".to_owned();
    let date: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
    // The parser takes other forms of ISO 8601 as well; kept is only what it would print.
    if date.to_string() != text {
        return Err(wrong());
    }
    let now = i64::try_from(now_ms).ok().and_then(|now| jiff::Timestamp::from_millisecond(now).ok());
    let today = now.unwrap_or(jiff::Timestamp::MAX).to_zoned(jiff::tz::TimeZone::UTC).date();
    if date.year() < 1 {
        return Err(wrong());
    }
    if date < today { Ok(text) } else { Err("must be in the past".to_owned()) }
}

fn at_most(characters: usize, text: String) -> Checked<String> {
    // One character can be arbitrarily many bytes, so both have a limit.
    if text.len() > characters * limits::TWEET_BYTES_PER_CHARACTER || text.graphemes(true).count() > characters {
        Err(format!("must have at most {characters} characters"))
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(check: fn(String) -> Checked<String>, text: &str) -> bool {
        check(text.to_owned()).is_ok()
    }

    #[test]
    fn usernames_are_short_and_plain() {
        for good in ["a", "_", "ada_lovelace_1815", &"x".repeat(30)] {
            assert!(passes(username, good), "{good:?}");
        }
        for bad in ["", "Ada", "a-b", "a b", "é", "a\n", &"x".repeat(31)] {
            assert!(!passes(username, bad), "{bad:?}");
        }
    }

    #[test]
    fn emails_are_plausible_and_lower_case() {
        assert_eq!(email("Ada@Example.ORG".to_owned()), Ok("ada@example.org".to_owned()));
        let longest = format!("a@{}.org", "b".repeat(248));
        assert_eq!((longest.len(), passes(email, &longest)), (254, true));
        let too_long = format!("a@{}.org", "b".repeat(249));
        for bad in ["", "ada", "@b.c", "a@", "a@b", "a@b..c", "a@.b", "a b@c.d", "a@b@c.d", "a@-b.c", &too_long] {
            assert!(!passes(email, bad), "{bad:?}");
        }
    }

    #[test]
    fn passwords_are_counted_in_characters() {
        assert!(passes(password, "éééééééé") && passes(password, &"x".repeat(128)));
        assert!(!passes(password, "1234567") && !passes(password, &"x".repeat(129)));
    }

    #[test]
    fn names_and_descriptions_are_counted_as_people_count() {
        let family = "👩‍👩‍👧";
        assert!(passes(name, &family.repeat(50)) && !passes(name, &family.repeat(51)));
        assert!(!passes(name, "") && !passes(name, " \u{3000}") && !passes(name, "two\nlines"));
        assert!(passes(description, "") && passes(description, "two\nlines") && !passes(description, "a\u{7}"));
        assert!(passes(description, &"x".repeat(160)) && !passes(description, &"x".repeat(161)));
        assert!(!passes(name, &format!("a{}", "\u{301}".repeat(2000))));
    }

    #[test]
    fn urls_are_of_the_web() {
        assert!(passes(web_url, "https://example.org/a.png?b=c") && passes(web_url, "http://localhost:8080/x"));
        for bad in ["", "example.org", "/a.png", "javascript:alert(1)", "ftp://example.org", "https://", "http:// x"] {
            assert!(!passes(web_url, bad), "{bad:?}");
        }
        assert!(!passes(web_url, &format!("https://example.org/{}", "x".repeat(2048))));
    }

    #[test]
    fn nobody_was_born_tomorrow() {
        let noon = 1_767_225_600_000 + 12 * 3_600_000;
        let born = |text: &str| date_of_birth(text.to_owned(), noon);
        assert_eq!(born("1815-12-10"), Ok("1815-12-10".to_owned()));
        assert!(born("2025-12-31").is_ok());
        for bad in [
            "2026-01-01",
            "1815-13-01",
            "1815-02-29",
            "18151210",
            "1815-12-10T00:00:00",
            "",
            "10.12.1815",
            "-000001-01-01",
            "0000-01-01",
        ] {
            assert!(born(bad).is_err(), "{bad:?}");
        }
    }
}
