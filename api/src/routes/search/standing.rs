//! Where people stand among those whom a search finds, and pages of them.
//!
//! Whoever has the query as their handle comes first, the others by their rank in the latest published run of PageRank,
//! then by how many follow them, and then by id. A cursor names a standing, not a count of people: so walking through all
//! pages shows everybody once but those whose standing changes meanwhile.

use std::cmp::Reverse;

use base::cursor::{self, CursorKind};
use proto::common::PageRequest;

use crate::error::{Answer, Problem};

/// The place of a user; who comes first is the least.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Standing {
    named: Reverse<bool>,
    /// The bits of the rank, which order as ranks do: none is below 0.
    rank: Reverse<u64>,
    followers: Reverse<u64>,
    user: u32,
}

/// Some of those who were found, and how to go on from there.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Page<'a> {
    pub(super) standings: &'a [Standing],
    /// Empty where nobody comes after them.
    pub(super) next_cursor: String,
    /// Empty where nobody comes before them.
    pub(super) prev_cursor: String,
}

impl Standing {
    /// Before everybody.
    const FIRST: Standing =
        Standing { named: Reverse(true), rank: Reverse(u64::MAX), followers: Reverse(u64::MAX), user: 0 };

    /// That of a user whose handle the query is or is not, who has this rank, or 0, and whom so many follow.
    pub(super) fn new(named: bool, rank: f64, followers: u64, user: u32) -> Self {
        let rank = rank.max(0.0).to_bits();
        Standing { named: Reverse(named), rank: Reverse(rank), followers: Reverse(followers), user }
    }

    /// Who stands there.
    pub(super) fn user(&self) -> u32 {
        self.user
    }

    fn fields(self) -> [u64; 4] {
        [self.named.0.into(), self.rank.0, self.followers.0, self.user.into()]
    }

    fn of_fields([named, rank, followers, user]: [u64; 4]) -> Option<Self> {
        let user = user.try_into().ok()?;
        Some(Standing { named: Reverse(named != 0), rank: Reverse(rank), followers: Reverse(followers), user })
    }
}

/// The page of some standings, in order, that is asked for.
pub(super) fn page<'a>(standings: &'a [Standing], asked: &PageRequest) -> Answer<Page<'a>> {
    let (border, back) = match asked.cursor.as_str() {
        "" => (Standing::FIRST, false),
        cursor => read(cursor).ok_or_else(|| Problem::field("cursor", cursor::BadCursor.to_string()))?,
    };
    let (middle, limit) = (standings.partition_point(|standing| *standing < border), asked.limit as usize);
    let page = match back {
        false => middle..standings.len().min(middle + limit),
        true => middle.saturating_sub(limit)..middle,
    };
    // Where the page ends with the last of all, the border that led here is as good as the place after them.
    let border_at = |place: usize| standings.get(place).copied().unwrap_or(border);
    let next_cursor = if page.end < standings.len() { write(border_at(page.end), false) } else { String::new() };
    let prev_cursor = if page.start > 0 { write(border_at(page.start), true) } else { String::new() };
    Ok(Page { standings: &standings[page], next_cursor, prev_cursor })
}

/// A cursor to those from a standing on, or back to those before it.
fn write(border: Standing, back: bool) -> String {
    let [named, rank, followers, user] = border.fields();
    cursor::encode(CursorKind::PeopleSearch, &[named, rank, followers, user, back.into()])
}

fn read(cursor: &str) -> Option<(Standing, bool)> {
    let [standing @ .., back] = cursor::decode::<5>(CursorKind::PeopleSearch, cursor).ok()?;
    Some((Standing::of_fields(standing)?, back != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standings() -> Vec<Standing> {
        let mut standings = vec![
            Standing::new(false, 0.25, 3, 5),
            Standing::new(true, 0.0, 0, 9),
            Standing::new(false, 0.25, 3, 4),
            Standing::new(false, 0.25, 70, 8),
            Standing::new(false, 1e-9, 99, 1),
        ];
        standings.sort_unstable();
        standings
    }

    fn users(page: &Page<'_>) -> Vec<u32> {
        page.standings.iter().map(Standing::user).collect()
    }

    fn turn<'a>(standings: &'a [Standing], cursor: &str) -> Page<'a> {
        page(standings, &PageRequest { limit: 2, cursor: cursor.to_owned() }).expect("a cursor of ours")
    }

    #[test]
    fn pages_go_on_and_back() {
        let all = standings();
        let first = turn(&all, "");
        assert_eq!((users(&first), first.prev_cursor.as_str()), (vec![9, 8], ""));
        let second = turn(&all, &first.next_cursor);
        assert_eq!(users(&second), [4, 5]);
        let last = turn(&all, &second.next_cursor);
        assert_eq!((users(&last), last.next_cursor.as_str()), (vec![1], ""));
        assert_eq!(turn(&all, &last.prev_cursor), second);
        assert_eq!(turn(&all, &second.prev_cursor), first);
    }

    #[test]
    fn a_page_stays_in_its_place_while_others_come_and_go() {
        let mut all = standings();
        let (on, back) = (turn(&all, "").next_cursor, turn(&all, &turn(&all, "").next_cursor).prev_cursor);
        all.insert(1, Standing::new(false, 0.5, 0, 2));
        assert_eq!((users(&turn(&all, &on)), users(&turn(&all, &back))), (vec![4, 5], vec![2, 8]));
        all.retain(|standing| standing.user() != 4);
        assert_eq!(users(&turn(&all, &on)), [5, 1]);
        let (rest, gone) = all.split_at(3);
        let beyond = turn(rest, &on);
        assert_eq!((users(&beyond), beyond.next_cursor.as_str()), (vec![], ""));
        assert_eq!(users(&turn(rest, &beyond.prev_cursor)), [2, 8]);
        let before = turn(gone, &back);
        assert_eq!((users(&before), before.prev_cursor.as_str()), (vec![], ""));
        assert_eq!(users(&turn(gone, &before.next_cursor)), [5, 1]);
    }

    #[test]
    fn a_cursor_that_is_none_is_named() {
        let foreign = cursor::encode(CursorKind::Selection, &[0; 5]);
        let nobody = cursor::encode(CursorKind::PeopleSearch, &[0, 0, 0, u64::MAX, 0]);
        for cursor in ["rubbish", &foreign, &nobody] {
            page(&standings(), &PageRequest { limit: 2, cursor: cursor.to_owned() }).unwrap_err();
        }
    }
}
