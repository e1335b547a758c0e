//! Who is meant by some words: a search of handles and names.
//!
//! White space separates words. Each has to be the beginning of a word of the handle or of the name, with an @ before it
//! of the handle. Case and accents do not matter. What punctuation separates within a word must be there side by side:
//! `gita_b` finds `gita_baker` and "Gita Baker", and not "Gita May Baker".
//!
//! The index is the table `account_words`, which the database keeps by itself: whoever writes an account writes its words
//! in the same transaction.

use super::AccountStore;
use super::validation::{Checked, username};
use crate::database::{StoreError, user_id};

/// Characters of a query: a handle and a name have room.
const QUERY_MAX: usize = 100;
/// Words of a query, the lists of which are merged.
const WORDS_MAX: usize = 10;

/// What to look for: at least one word.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PeopleQuery {
    words: Vec<Word>,
}

/// A beginning of a word, or some words and a beginning.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Word {
    text: String,
    /// Names do not count.
    of_handle: bool,
}

/// Whom a query finds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Matches {
    /// Different ones, ascending.
    pub(crate) ids: Vec<u32>,
    /// Whose handle the query is; among the others, too.
    pub(crate) named: Option<u32>,
}

impl PeopleQuery {
    /// What somebody typed. Words without a letter or a digit do not count.
    pub(crate) fn parse(text: &str) -> Checked<Self> {
        if text.chars().count() > QUERY_MAX {
            return Err(format!("must have at most {QUERY_MAX} characters"));
        }
        let words: Vec<Word> =
            text.split(|c: char| c.is_whitespace() || c.is_control()).filter_map(Word::parse).collect();
        match words.len() {
            0 => Err("must have a letter or a digit".to_owned()),
            1..=WORDS_MAX => Ok(PeopleQuery { words }),
            _ => Err(format!("must have at most {WORDS_MAX} words")),
        }
    }

    /// The handle that the query may be as a whole.
    fn handle(&self) -> Option<String> {
        match self.words.as_slice() {
            [word] => username(word.text.to_lowercase()).ok(),
            _ => None,
        }
    }

    /// The query in the language of FTS5: strings, in which nothing but a quotation mark has a meaning.
    fn expression(&self) -> String {
        let phrase = |word: &Word| {
            let column = if word.of_handle { "username : " } else { "" };
            format!("{column}\"{}\" *", word.text.replace('"', "\"\""))
        };
        self.words.iter().map(phrase).collect::<Vec<_>>().join(" AND ")
    }
}

impl Word {
    fn parse(text: &str) -> Option<Self> {
        let handle = text.strip_prefix('@');
        let word = Word { text: handle.unwrap_or(text).to_owned(), of_handle: handle.is_some() };
        word.text.contains(char::is_alphanumeric).then_some(word)
    }
}

impl AccountStore {
    /// Whom a query finds: of more than `most` those who came first, and in any case the one whose handle it is.
    pub(crate) async fn matching(&self, query: &PeopleQuery, most: usize) -> Result<Matches, StoreError> {
        let named = match query.handle() {
            Some(handle) => self.by_username(&handle).await?.map(|account| account.id),
            None => None,
        };
        let select = "SELECT rowid FROM account_words WHERE account_words MATCH $1 ORDER BY rowid LIMIT $2";
        let select = sqlx::query_scalar(select).bind(query.expression()).bind(most as i64);
        let found: Vec<i64> = select.fetch_all(&self.database.readers).await?;
        let mut ids = found.into_iter().map(|id| user_id("account_words.rowid", id)).collect::<Result<Vec<_>, _>>()?;
        if let Some((id, Err(place))) = named.map(|id| (id, ids.binary_search(&id))) {
            ids.truncate(most.saturating_sub(1));
            ids.insert(place.min(ids.len()), id);
        }
        Ok(Matches { ids, named })
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
