//! Pages of a plain list.

use std::convert::Infallible;

use base::Code;

use super::*;

/// Ids in rising order, and whether each is shown.
struct Listed(Vec<(u64, bool)>);

impl Timeline for Listed {
    type Entry = ();
    type Error = Infallible;

    fn walk(&self, order: Order, between: Between, visit: impl Visit<()>) -> Result<(), Infallible> {
        let mut items: Vec<_> = self
            .0
            .iter()
            .map(|&(id, shown)| (TweetId(id), shown.then_some(())))
            .filter(|(id, _)| between.above.is_none_or(|above| *id > above))
            .filter(|(id, _)| between.below.is_none_or(|below| *id < below))
            .collect();
        if order == Order::NewestFirst {
            items.reverse();
        }
        each(items.into_iter().map(Ok), visit)
    }
}

fn shown(ids: impl IntoIterator<Item = u64>) -> Listed {
    Listed(ids.into_iter().map(|id| (id, true)).collect())
}

fn page(timeline: &Listed, position: Position, limit: usize) -> (Vec<u64>, Option<u64>, Option<u64>) {
    let page = cut(timeline, Wanted { position, limit }).expect("a list can be read");
    let ids = page.entries.iter().map(|entry| entry.0.0).collect();
    (ids, page.next.map(|id| id.0), page.previous.map(|id| id.0))
}

#[test]
fn down_and_up_again() {
    let timeline = shown(1..=7);
    assert_eq!(page(&timeline, Position::First, 3), (vec![7, 6, 5], Some(5), None));
    assert_eq!(page(&timeline, Position::OlderThan(TweetId(5)), 3), (vec![4, 3, 2], Some(2), Some(4)));
    assert_eq!(page(&timeline, Position::OlderThan(TweetId(2)), 3), (vec![1], None, Some(1)));
    assert_eq!(page(&timeline, Position::NewerThan(TweetId(1)), 3), (vec![4, 3, 2], Some(2), Some(4)));
    assert_eq!(page(&timeline, Position::NewerThan(TweetId(4)), 3), (vec![7, 6, 5], Some(5), None));
}

#[test]
fn a_page_that_ends_with_the_timeline_has_no_next() {
    let timeline = shown(1..=6);
    assert_eq!(page(&timeline, Position::OlderThan(TweetId(4)), 3), (vec![3, 2, 1], None, Some(3)));
    assert_eq!(page(&timeline, Position::First, 6), (vec![6, 5, 4, 3, 2, 1], None, None));
    assert_eq!(page(&shown([]), Position::First, 3), (vec![], None, None));
}

#[test]
fn numbered_pages_are_those_that_cursors_lead_to() {
    let timeline = shown(1..=7);
    assert_eq!(page(&timeline, Position::Number(1), 3), (vec![7, 6, 5], Some(5), None));
    assert_eq!(page(&timeline, Position::Number(2), 3), (vec![4, 3, 2], Some(2), Some(4)));
    assert_eq!(page(&timeline, Position::Number(3), 3), (vec![1], None, Some(1)));
    assert_eq!(page(&timeline, Position::Number(4), 3), (vec![], None, Some(0)));
}

#[test]
fn a_place_whose_neighbours_vanished_still_leads_both_ways() {
    let timeline = shown([3, 4]);
    assert_eq!(page(&timeline, Position::OlderThan(TweetId(3)), 5), (vec![], None, Some(2)));
    assert_eq!(page(&timeline, Position::NewerThan(TweetId(2)), 5), (vec![4, 3], None, None));
    assert_eq!(page(&timeline, Position::NewerThan(TweetId(4)), 5), (vec![], Some(5), None));
    assert_eq!(page(&timeline, Position::OlderThan(TweetId(5)), 5), (vec![4, 3], None, None));
}

#[test]
fn a_page_that_only_hidden_entries_follow_is_the_last() {
    let timeline = Listed((1..=9).map(|id| (id, id > 6)).collect());
    assert_eq!(page(&timeline, Position::First, 3), (vec![9, 8, 7], None, None));
}

#[test]
fn a_page_stops_after_enough_hidden_entries_and_goes_on_from_there() {
    let hidden = EXAMINED_MAX as u64 * 2;
    let timeline = Listed((1..=hidden).map(|id| (id, false)).chain([(hidden + 1, true)]).collect());
    let mut position = Position::NewerThan(TweetId(0));
    let mut pages = 0;
    let found = loop {
        let (ids, _, previous) = page(&timeline, position, 5);
        pages += 1;
        match previous {
            Some(place) if ids.is_empty() => position = Position::NewerThan(TweetId(place)),
            _ => break ids,
        }
    };
    assert_eq!((found, pages), (vec![hidden + 1], 2));
    let (ids, next, _) = page(&timeline, Position::OlderThan(TweetId(hidden)), 5);
    assert_eq!((ids.len(), next), (0, Some(hidden - 1 - EXAMINED_MAX as u64 - 5)));
}

#[test]
fn what_is_wrong_is_named() {
    let request = |limit, cursor: &str| PageRequest { limit, cursor: cursor.to_owned() };
    let field = |page: PageRequest, number| {
        let error = Wanted::parse(CursorKind::Feed, Some(&page), number).expect_err("refused");
        assert_eq!(error.code(), Code::InvalidArgument);
        error.field().map(str::to_owned)
    };
    let cursor = cursor::encode(CursorKind::Feed, &[7, NEWER]);
    assert_eq!(field(request(1001, ""), 0).as_deref(), Some("page.limit"));
    assert_eq!(field(request(5, "rubbish"), 0).as_deref(), Some("page.cursor"));
    assert_eq!(field(request(5, &cursor::encode(CursorKind::Timeline, &[7, 0])), 0).as_deref(), Some("page.cursor"));
    assert_eq!(field(request(5, &cursor::encode(CursorKind::Feed, &[7, 2])), 0).as_deref(), Some("page.cursor"));
    assert_eq!(field(request(5, ""), limits::PAGE_NUMBER_MAX + 1).as_deref(), Some("page_number"));
    assert_eq!(field(request(5, &cursor), 1).as_deref(), Some("page_number"));
    let wanted = Wanted::parse(CursorKind::Feed, Some(&request(5, &cursor)), 0).expect("good");
    assert_eq!(wanted, Wanted { position: Position::NewerThan(TweetId(7)), limit: 5 });
}

#[test]
fn cursors_lead_to_the_places_of_the_page() {
    let page = Page::<()> { entries: vec![], next: Some(TweetId(3)), previous: Some(TweetId(9)), beyond: None };
    let position = |cursor: String| {
        let page = PageRequest { limit: 0, cursor };
        Wanted::parse(CursorKind::Timeline, Some(&page), 0).expect("our own").position
    };
    assert_eq!(position(page.next_cursor(CursorKind::Timeline)), Position::OlderThan(TweetId(3)));
    assert_eq!(position(page.previous_cursor(CursorKind::Timeline)), Position::NewerThan(TweetId(9)));
    let alone = Page::<()> { entries: vec![], next: None, previous: None, beyond: None };
    assert_eq!(alone.next_cursor(CursorKind::Timeline) + &alone.previous_cursor(CursorKind::Timeline), "");
}
