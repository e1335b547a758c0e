//! Wire types to and from [`base`]'s: total in one direction, checked in the other. Every error names the field.

use base::{Direction, Error, ListRef, Relation, Revision, UserId, limits};

use crate::{common, graph};

impl From<Relation> for graph::Relation {
    fn from(relation: Relation) -> Self {
        match relation {
            Relation::Follow => graph::Relation::Follow,
            Relation::Block => graph::Relation::Block,
            Relation::Mute => graph::Relation::Mute,
        }
    }
}

impl From<Direction> for graph::Direction {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Forward => graph::Direction::Forward,
            Direction::Reverse => graph::Direction::Reverse,
        }
    }
}

impl From<ListRef> for graph::ListRef {
    fn from(list: ListRef) -> Self {
        graph::ListRef {
            relation: graph::Relation::from(list.relation) as i32,
            direction: graph::Direction::from(list.direction) as i32,
            user: list.user.0,
        }
    }
}

impl From<Revision> for common::Revision {
    fn from(revision: Revision) -> Self {
        common::Revision { token: revision.token() }
    }
}

/// A relation that must be given.
pub fn relation(number: i32, field: &str) -> Result<Relation, Error> {
    match graph::Relation::try_from(number) {
        Ok(graph::Relation::Follow) => Ok(Relation::Follow),
        Ok(graph::Relation::Block) => Ok(Relation::Block),
        Ok(graph::Relation::Mute) => Ok(Relation::Mute),
        Ok(graph::Relation::Unspecified) | Err(_) => Err(Error::invalid(field, "no such relation")),
    }
}

/// A list that must be given.
pub fn list_ref(list: Option<&graph::ListRef>, field: &str) -> Result<ListRef, Error> {
    let list = list.ok_or_else(|| Error::invalid(field, "must be given"))?;
    let direction = match graph::Direction::try_from(list.direction) {
        Ok(graph::Direction::Forward) => Direction::Forward,
        Ok(graph::Direction::Reverse) => Direction::Reverse,
        Ok(graph::Direction::Unspecified) | Err(_) => {
            return Err(Error::invalid(format!("{field}.direction"), "no such direction"));
        }
    };
    Ok(ListRef { relation: relation(list.relation, &format!("{field}.relation"))?, direction, user: UserId(list.user) })
}

/// A revision that may be left out; an empty token is one left out.
pub fn revision(revision: Option<&common::Revision>, field: &str) -> Result<Option<Revision>, Error> {
    match revision {
        Some(revision) if !revision.token.is_empty() => {
            Revision::from_token(&revision.token).map(Some).map_err(|bad| Error::invalid(field, bad.to_string()))
        }
        _ => Ok(None),
    }
}

/// The limit of a page: the default for 0, an error above the maximum.
pub fn page_limit(limit: u32, field: &str) -> Result<usize, Error> {
    match limit {
        0 => Ok(limits::PAGE_DEFAULT as usize),
        1..=limits::PAGE_MAX => Ok(limit as usize),
        _ => Err(Error::invalid(format!("{field}.limit"), format!("at most {}", limits::PAGE_MAX))),
    }
}

/// Refuses a batch that is too large.
pub fn at_most(len: usize, max: usize, field: &str) -> Result<(), Error> {
    if len > max { Err(Error::invalid(field, format!("at most {max} at once, not {len}"))) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_cross_the_wire() {
        for relation in Relation::ALL {
            for direction in Direction::ALL {
                let list = ListRef { relation, direction, user: UserId(7) };
                assert_eq!(list_ref(Some(&list.into()), "list").expect("valid"), list);
            }
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let field = |error: Error| error.field().map(str::to_owned);
        assert_eq!(field(list_ref(None, "list").unwrap_err()).as_deref(), Some("list"));
        let unknown = graph::ListRef { relation: 9, direction: 1, user: 1 };
        assert_eq!(field(list_ref(Some(&unknown), "lists[2]").unwrap_err()).as_deref(), Some("lists[2].relation"));
        assert_eq!(field(page_limit(1001, "page").unwrap_err()).as_deref(), Some("page.limit"));
        let rubbish = common::Revision { token: "x".to_owned() };
        assert_eq!(field(revision(Some(&rubbish), "at_least").unwrap_err()).as_deref(), Some("at_least"));
    }
}
