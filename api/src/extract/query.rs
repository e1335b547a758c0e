//! The parameters of a query, taken one by one, so that everything that is wrong with them is reported at once.
//!
//! Parameters that nobody takes are not ours to judge. Of one that is given twice, the last counts.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;

use crate::accounts::validation::Checked;
use crate::error::{Answer, FieldError, Problem};

/// What stands behind the question mark, and what has been found wrong with it so far. End with [`Parameters::finish`], or
/// the wrong goes unreported.
#[derive(Debug)]
pub(crate) struct Parameters {
    given: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        match Query::<Vec<(String, String)>>::from_request_parts(parts, state).await {
            Ok(Query(given)) => Ok(Parameters { given, errors: Vec::new() }),
            Err(_) => Err(Problem::field("query", "is not a list of names and values")),
        }
    }
}

impl Parameters {
    /// The value of a parameter as it was given.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.given.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// A text that must be there. Where it is missing or wrong that is noted, and the answer stands for nothing.
    pub(crate) fn required<T: Default>(&mut self, name: &str, check: impl FnOnce(&str) -> Checked<T>) -> T {
        let checked = self.value(name).map_or_else(|| Err("must be given".to_owned()), check);
        checked.unwrap_or_else(|wrong| {
            self.refuse(name, wrong);
            T::default()
        })
    }

    /// A number from 1 to `max`. Where it is something else that is noted, and the answer is as if it were missing.
    pub(crate) fn number(&mut self, name: &str, max: u32) -> Option<u32> {
        let text = self.value(name)?;
        match text.parse::<u32>() {
            Ok(number) if (1..=max).contains(&number) && !text.starts_with('+') => Some(number),
            _ => {
                self.refuse(name, format!("must be a number from 1 to {max}"));
                None
            }
        }
    }

    /// One of some words, as what it stands for. Where it is another that is noted, and the answer is as if it were missing.
    pub(crate) fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.value(name)?;
        if let Some((_, chosen)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*chosen);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.refuse(name, format!("must be {}", words.join(" or ")));
        None
    }

    /// Notes what is wrong with a parameter.
    pub(crate) fn refuse(&mut self, name: &str, detail: impl Into<String>) {
        self.errors.push(FieldError { field: name.to_owned(), detail: detail.into() });
    }

    /// All that was noted, as one problem.
    pub(crate) fn finish(self) -> Answer<()> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid(self.errors)) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A query with these parameters.
    pub(crate) fn query(given: &[(&str, &str)]) -> Parameters {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Parameters { given, errors: Vec::new() }
    }

    #[test]
    fn words_stand_for_something_and_others_are_refused() {
        let choices = [("left", 1), ("right", 2)];
        let mut parameters = query(&[("way", "left"), ("way", "right")]);
        assert_eq!(parameters.choice("way", &choices), Some(2), "the last counts");
        assert_eq!(parameters.choice("other", &choices), None);
        parameters.finish().expect("nothing is wrong");
        for bad in ["", "Left", "left ", "up"] {
            let mut parameters = query(&[("way", bad)]);
            assert_eq!(parameters.choice("way", &choices), None, "{bad:?}");
            parameters.finish().unwrap_err();
        }
    }
}
