//! Pages of a list where it lies are those of the same edges in memory, whatever lies in segments and what in memory.

use base::disk::SimulatedDisk;
use base::{Edge, ListRef, Relation, UserId};
use graph_store::log::Operation;
use graph_store::query::page::{self, Page};
use graph_store::store::{Change, Wanted};
use graph_store::{Options, Store};
use proptest::prelude::*;
use roaring::RoaringBitmap;

use crate::support::{NOW, change, open_with, two_slots};

/// Who might follow user 0.
const USERS: u32 = 400;

#[derive(Clone, Debug)]
enum Step {
    /// Users come or go: the first, how many, every which, and the age of their follows.
    Apply(bool, u32, u32, u32, u32),
    Compact,
    /// The first page, and how many entries it has.
    Begin(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), 1..USERS, 1..USERS, 1..5u32, 0..4u32)
            .prop_map(|(removal, first, count, step, age)| Step::Apply(removal, first, count, step, age)),
        2 => Just(Step::Compact),
        2 => (1..200usize).prop_map(Step::Begin),
    ]
}

fn store(time_ordered_entries: u32) -> Store {
    let options = Options { time_ordered_entries, ..two_slots() };
    let (store, _) = open_with(&SimulatedDisk::new(), options).expect("an empty disk");
    store.allocate_blocking(Wanted::Count(USERS), String::new()).expect("the disk works");
    store
}

fn followers() -> ListRef {
    ListRef::reverse(Relation::Follow, UserId(0))
}

/// The page of a list where it lies, after it was compared with the same in memory.
fn compared(store: &Store, newest_first: bool, cursor: &str, limit: usize) -> Page<Edge> {
    let (view, edges) = (store.view(followers()), store.edges(followers()).expect("readable"));
    if newest_first {
        let page = view.newest_first(cursor, limit).expect("a cursor that was given out");
        assert_eq!(page, page::newest_first(&edges[..], cursor, limit).expect("as good here"));
        return page;
    }
    let page = view.by_id(cursor, limit).expect("a cursor that was given out");
    let users: RoaringBitmap = edges.iter().map(|edge| edge.user.0).collect();
    let expected = page::by_id(&users, cursor, limit).expect("as good here");
    assert_eq!((&page.next_cursor, &page.prev_cursor), (&expected.next_cursor, &expected.prev_cursor));
    assert!(page.entries.iter().map(|edge| edge.user).eq(expected.entries), "{page:?}");
    assert!(page.entries.iter().all(|edge| edges.contains(edge)), "{page:?} has other times");
    page
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pages_are_those_of_all_edges(
        steps in prop::collection::vec(any_step(), 1..24),
        time_ordered_entries in prop_oneof![Just(3), Just(50), Just(100_000)],
    ) {
        let store = store(time_ordered_entries);
        // Cursors from every state that there was: each goes on from where it is.
        let mut cursors: Vec<(bool, String, usize)> = Vec::new();
        for step in steps {
            match step {
                Step::Apply(removal, first, count, every, age) => {
                    let operation = if removal { Operation::Remove } else { Operation::Add };
                    let users = (first..USERS.min(first + count)).step_by(every as usize);
                    let changes = users.map(|user| Change {
                        time: NOW - age * (user % 7),
                        ..change(Relation::Follow, operation, user, 0)
                    });
                    store.apply_blocking(changes.collect()).expect("the disk works");
                }
                Step::Compact => drop(store.compact().expect("the disk works")),
                Step::Begin(limit) => {
                    cursors.extend([false, true].map(|newest_first| (newest_first, String::new(), limit)));
                }
            }
            cursors = cursors
                .into_iter()
                .flat_map(|(newest_first, cursor, limit)| {
                    let page = compared(&store, newest_first, &cursor, limit);
                    [page.next_cursor, page.prev_cursor].map(|cursor| (newest_first, cursor, limit))
                })
                .filter(|(_, cursor, _)| !cursor.is_empty())
                .take(64)
                .collect();
        }
        let report = store.check(&|_| {});
        prop_assert!(report.is_clean(), "{:?}", report);
    }
}

#[test]
fn a_list_of_one_time_is_in_order_of_time_by_itself() {
    let store = store(3);
    let follow = |users: std::ops::Range<u32>| {
        let changes = users.map(|user| change(Relation::Follow, Operation::Add, user, 0));
        store.apply_blocking(changes.collect()).expect("the disk works");
    };
    follow(1..300);
    store.compact().expect("the disk works");
    let first = compared(&store, true, "", 100);
    assert_eq!(first.entries.first().map(|edge| edge.user), Some(UserId(299)));
    follow(300..310);
    let before = compared(&store, true, &first.next_cursor, 100);
    let again = compared(&store, true, &before.prev_cursor, 200);
    assert_eq!(again.entries.len(), 110);
    assert_eq!(again.entries.first().map(|edge| edge.user), Some(UserId(309)));
}
