//! Who of somebody's followees follows some users, against the plain sets.

use base::{Code, ListRef, Relation, UserId};
use graph_store::query::followers_you_know::{Known, followers_you_know};
use proptest::prelude::*;

use crate::query_model::Model;

const USERS: u32 = 30;

proptest! {
    #[test]
    fn the_answers_are_those_of_plain_sets(
        follows in proptest::collection::btree_set((0..USERS, 0..USERS), 0..200),
        candidates in proptest::collection::vec(0..USERS, 0..10),
        limit in 0..5usize,
    ) {
        let model = Model::of_follows(follows.into_iter().filter(|(source, target)| source != target));
        let expected = candidates.iter().map(|candidate| {
            let known: Vec<_> = (&model.followees(0) & &model.followers(*candidate)).into_iter().map(UserId).collect();
            Known {
                count: known.len() as u64,
                first: known.into_iter().take(limit).collect(),
                followers: model.followers(*candidate).len() as u64,
                followees: model.followees(*candidate).len() as u64,
            }
        });
        let expected: Vec<_> = expected.collect();
        let candidates: Vec<_> = candidates.iter().copied().map(UserId).collect();
        let found = followers_you_know(&model.metered(), UserId(0), &candidates, limit).expect("readable");
        prop_assert_eq!(found, expected);
        prop_assert_eq!(model.read_whole(), [ListRef::forward(Relation::Follow, UserId(0))]);
    }
}

#[test]
fn a_cancelled_search_stops_among_the_candidates() {
    let model = Model::of_follows((1..=1000).map(|user| (0, user)));
    let candidates: Vec<_> = (1..1000).map(UserId).collect();
    let error = followers_you_know(&model.cancelled_after(1), UserId(0), &candidates, 3).expect_err("cancelled");
    assert_eq!(error.code(), Code::DeadlineExceeded);
}
