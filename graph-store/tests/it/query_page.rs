//! Pages against a plain sorted list, while the set stands still and while it changes.

use std::collections::{BTreeMap, BTreeSet};

use base::{Edge, UserId};
use graph_store::query::page::{self, Page};
use proptest::prelude::*;
use roaring::RoaringBitmap;

const USERS: u32 = 60;

/// A list as the pages see it: the users with the time of each.
type List = BTreeMap<u32, u32>;

#[derive(Clone, Copy, Debug)]
enum Order {
    ById,
    NewestFirst,
}

fn page(order: Order, list: &List, cursor: &str, limit: usize) -> Page<u32> {
    match order {
        Order::ById => {
            let users: RoaringBitmap = list.keys().copied().collect();
            let page = page::by_id(&users, cursor, limit).expect("a valid cursor");
            let entries = page.entries.into_iter().map(|user| user.0).collect();
            Page { entries, next_cursor: page.next_cursor, prev_cursor: page.prev_cursor }
        }
        Order::NewestFirst => {
            let edges: Vec<_> = list.iter().map(|(user, time)| Edge { user: UserId(*user), time: *time }).collect();
            let page = page::newest_first(&edges[..], cursor, limit).expect("a valid cursor");
            let entries = page.entries.into_iter().map(|edge| edge.user.0).collect();
            Page { entries, next_cursor: page.next_cursor, prev_cursor: page.prev_cursor }
        }
    }
}

fn sorted(order: Order, list: &List) -> Vec<u32> {
    let mut users: Vec<_> = list.keys().copied().collect();
    if let Order::NewestFirst = order {
        users.sort_by_key(|user| std::cmp::Reverse((list[user], *user)));
    }
    users
}

fn orders() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::ById), Just(Order::NewestFirst)]
}

fn lists() -> impl Strategy<Value = List> {
    proptest::collection::btree_map(0..USERS, 0..5u32, 0..40)
}

/// Walks in one direction until there is no further cursor; before each page the list changes once more.
fn walk(
    order: Order,
    list: &mut List,
    cursor: &str,
    forward: bool,
    changes: &[(u32, Option<u32>)],
    limit: usize,
) -> Vec<u32> {
    let mut seen = Vec::new();
    let mut cursor = cursor.to_owned();
    let mut changes = changes.iter();
    loop {
        if let Some((user, time)) = changes.next() {
            match time {
                Some(time) => list.insert(*user, *time),
                None => list.remove(user),
            };
        }
        let mut page = page(order, list, &cursor, limit);
        if !forward {
            page.entries.reverse();
        }
        seen.extend(page.entries);
        cursor = if forward { page.next_cursor } else { page.prev_cursor };
        if cursor.is_empty() {
            return seen;
        }
    }
}

proptest! {
    #[test]
    fn pages_of_a_list_that_stands_still_are_its_parts(order in orders(), list in lists(), limit in 1..12usize) {
        let whole = sorted(order, &list);
        let mut cursor = String::new();
        let mut before: Option<Page<u32>> = None;
        for (i, part) in whole.chunks(limit).enumerate() {
            let found = page(order, &list, &cursor, limit);
            prop_assert_eq!(&found.entries, part);
            prop_assert_eq!(found.next_cursor.is_empty(), (i + 1) * limit >= whole.len());
            match before {
                None => prop_assert_eq!(&found.prev_cursor, ""),
                Some(before) => prop_assert_eq!(page(order, &list, &found.prev_cursor, limit), before),
            }
            cursor.clone_from(&found.next_cursor);
            before = Some(found);
        }
        if whole.is_empty() {
            let found = page(order, &list, "", limit);
            prop_assert_eq!(found, Page { entries: vec![], next_cursor: String::new(), prev_cursor: String::new() });
        }
    }

    #[test]
    fn who_is_there_throughout_is_seen_exactly_once(
        order in orders(),
        list in lists(),
        fleeting in proptest::collection::btree_set(0..USERS, 0..20),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), proptest::option::of(0..5u32)), 0..60),
        limit in 1..6usize,
    ) {
        // Only fleeting users come and go; the others keep their place.
        let fleeting: Vec<_> = fleeting.into_iter().collect();
        let changes: Vec<_> = changes
            .iter()
            .filter(|_| !fleeting.is_empty())
            .map(|(index, time)| (*index.get(&fleeting), *time))
            .collect();
        let lasting: List = list.iter().filter(|(user, _)| !fleeting.contains(user)).map(|(k, v)| (*k, *v)).collect();
        let expected = sorted(order, &lasting);

        let mut changing = list.clone();
        let seen = walk(order, &mut changing, "", true, &changes, limit);
        let seen_lasting: Vec<_> = seen.iter().copied().filter(|user| lasting.contains_key(user)).collect();
        prop_assert_eq!(&seen_lasting, &expected);
        if let Order::ById = order {
            prop_assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len(), "{:?}", seen);
        }

        // And back from the last page.
        let mut last = page(order, &list, "", limit);
        while !last.next_cursor.is_empty() {
            last = page(order, &list, &last.next_cursor, limit);
        }
        let mut seen: Vec<_> = last.entries.into_iter().rev().collect();
        if !last.prev_cursor.is_empty() {
            seen.extend(walk(order, &mut list.clone(), &last.prev_cursor, false, &changes, limit));
        }
        seen.reverse();
        seen.retain(|user| lasting.contains_key(user));
        prop_assert_eq!(&seen, &expected);
    }
}
