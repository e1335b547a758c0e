//! Which part of something long: `?limit=&cursor=` or `?limit=&page=`.
//!
//! What a cursor says is the business of the service that gave it out; it goes through as it is.

use axum::extract::{FromRequestParts, Query};
use base::limits;
use http::request::Parts;
use proto::common::PageRequest;

use crate::error::{Answer, FieldError, Problem};

/// A part of something long.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Paging {
    limit: u32,
    cursor: String,
    number: u32,
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Answer<Self> {
        let parameters = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let Ok(Query(parameters)) = parameters else {
            return Err(Problem::field("query", "is not a list of names and values"));
        };
        Paging::read(&parameters)
    }
}

impl Paging {
    /// The page that the services speak of.
    pub(crate) fn request(&self) -> PageRequest {
        PageRequest { limit: self.limit, cursor: self.cursor.clone() }
    }

    /// The number of the page, from 1; 0 where a cursor or nothing names it.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// For what has no numbered pages.
    pub(crate) fn by_cursor_only(&self) -> Answer<()> {
        match self.number {
            0 => Ok(()),
            _ => Err(Problem::field("page", "lists of users have no numbered pages: follow next_cursor")),
        }
    }

    /// Other parameters are not ours to judge. Of one that is given twice, the last counts.
    fn read(parameters: &[(String, String)]) -> Answer<Self> {
        let value =
            |name: &str| parameters.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
        let mut errors = Vec::new();
        let mut number = |name: &'static str, max| match value(name).map(|text| (text, text.parse::<u32>())) {
            None => None,
            Some((text, Ok(number))) if (1..=max).contains(&number) && !text.starts_with('+') => Some(number),
            Some(_) => {
                errors.push(FieldError { field: name.to_owned(), detail: format!("must be a number from 1 to {max}") });
                None
            }
        };
        let limit = number("limit", limits::PAGE_MAX).unwrap_or(limits::PAGE_DEFAULT);
        let page = number("page", limits::PAGE_NUMBER_MAX).unwrap_or(0);
        let cursor = value("cursor").unwrap_or_default();
        if !cursor.is_empty() && value("page").is_some() {
            errors.push(FieldError { field: "page".to_owned(), detail: "a cursor is given as well".to_owned() });
        }
        if errors.is_empty() {
            Ok(Paging { limit, cursor: cursor.to_owned(), number: page })
        } else {
            Err(Problem::invalid(errors))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &[(&str, &str)]) -> Answer<Paging> {
        Paging::read(&query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>())
    }

    fn page(limit: u32, cursor: &str, number: u32) -> Paging {
        Paging { limit, cursor: cursor.to_owned(), number }
    }

    #[test]
    fn what_is_not_said_has_a_default() {
        assert_eq!(read(&[]).expect("nothing is wrong"), page(20, "", 0));
        assert_eq!(read(&[("limit", "1000"), ("cursor", "abc")]).expect("nothing is wrong"), page(1000, "abc", 0));
        assert_eq!(read(&[("limit", "1"), ("page", "50")]).expect("nothing is wrong"), page(1, "", 50));
    }

    #[test]
    fn limits_and_pages_are_small_numbers() {
        for bad in ["0", "1001", "-1", "+1", "x", "", "1.5", "99999999999"] {
            assert!(read(&[("limit", bad)]).is_err(), "limit={bad}");
        }
        for bad in ["0", "51", "x"] {
            assert!(read(&[("page", bad)]).is_err(), "page={bad}");
        }
    }

    #[test]
    fn a_page_is_named_in_one_way() {
        assert!(read(&[("page", "2"), ("cursor", "abc")]).is_err());
        assert!(read(&[("page", "2")]).expect("nothing is wrong").by_cursor_only().is_err());
    }
}
