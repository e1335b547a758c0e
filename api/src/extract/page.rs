//! Which part of something long: `?limit=&cursor=` or `?limit=&page=`.
//!
//! What a cursor says is the business of the service that gave it out; it goes through as it is.

use axum::extract::FromRequestParts;
use base::limits;
use http::request::Parts;
use proto::common::PageRequest;

use super::Parameters;
use crate::error::{Answer, Problem};

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
        let mut parameters = Parameters::from_request_parts(parts, state).await?;
        let paging = Paging::take(&mut parameters);
        parameters.finish()?;
        Ok(paging)
    }
}

impl Paging {
    /// The part that a query names, for those who take more of it than that.
    pub(crate) fn take(parameters: &mut Parameters) -> Self {
        let limit = parameters.number("limit", limits::PAGE_MAX).unwrap_or(limits::PAGE_DEFAULT);
        let number = parameters.number("page", limits::PAGE_NUMBER_MAX).unwrap_or(0);
        let cursor = parameters.value("cursor").unwrap_or_default().to_owned();
        if !cursor.is_empty() && parameters.value("page").is_some() {
            parameters.refuse("page", "a cursor is given as well");
        }
        Paging { limit, cursor, number }
    }

    /// The page that the services speak of.
    pub(crate) fn request(&self) -> PageRequest {
        PageRequest { limit: self.limit, cursor: self.cursor.clone() }
    }

    /// How many entries the first page may have; none where another is asked for.
    pub(crate) fn first(&self) -> Option<u32> {
        (self.cursor.is_empty() && self.number == 0).then_some(self.limit)
    }

    /// The number of the page, from 1; 0 where a cursor or nothing names it.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    /// For what has no numbered pages.
    pub(crate) fn by_cursor_only(&self) -> Answer<()> {
        match self.number {
            0 => Ok(()),
            _ => Err(Problem::field("page", "there are no numbered pages here: follow next_cursor")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::query::tests::query;
    use super::*;

    fn read(given: &[(&str, &str)]) -> Answer<Paging> {
        let mut parameters = query(given);
        let paging = Paging::take(&mut parameters);
        parameters.finish().map(|()| paging)
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
