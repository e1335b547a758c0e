//! Suggestions against the rules computed the plain way.

use std::collections::BTreeSet;

use base::{Code, ListRef, Relation, UserId};
use graph_store::query::suggest::{
    FOLLOWEES_SAMPLED_MAX, LIST_READ_MAX, MUTUALS_NAMED_MAX, Reason, SUGGEST_EDGES_MAX, Suggestion, suggest,
};
use proptest::prelude::*;

use crate::query_model::Model;

const USERS: u32 = 30;

fn ids(suggestions: &[Suggestion]) -> Vec<(u32, Reason)> {
    suggestions.iter().map(|suggestion| (suggestion.user.0, suggestion.reason)).collect()
}

fn related(model: &Model, relation: Relation, user: u32) -> BTreeSet<u32> {
    model.list(ListRef::forward(relation, UserId(user)))
}

/// Whom the rules name for user 0, best first, behind the published ones, on a graph so small that nothing is sampled.
fn expected(model: &Model, times: &[(u32, u32, u32)], published: &[UserId]) -> Vec<(u32, Reason)> {
    let followees = model.followees(0);
    let blocked_by: BTreeSet<u32> =
        (0..USERS).filter(|user| related(model, Relation::Block, *user).contains(&0)).collect();
    let open = |user: &u32| {
        *user != 0
            && !followees.contains(user)
            && !related(model, Relation::Block, 0).contains(user)
            && !blocked_by.contains(user)
            && !related(model, Relation::Mute, 0).contains(user)
    };
    let score = |user: &u32| {
        let followers = model.followers(*user);
        (&followers & &followees).len() as f64 / (followers.len() as f64 + 100.0).sqrt()
    };
    let mut near: Vec<u32> = (0..USERS).filter(open).filter(|user| score(user) > 0.0).collect();
    near.sort_by(|a, b| score(b).total_cmp(&score(a)).then(a.cmp(b)));
    let mut fans: Vec<_> = times.iter().filter(|(_, target, _)| *target == 0).map(|edge| (edge.2, edge.0)).collect();
    fans.sort_unstable();
    let mut popular: Vec<u32> = (0..USERS).filter(|user| !model.followers(*user).is_empty()).collect();
    popular.sort_by_key(|user| (std::cmp::Reverse(model.followers(*user).len()), *user));

    let shared = |user: &u32| (&model.followees(*user) & &followees).len();
    let likeness = |user: &u32| shared(user) as f64 / (model.followees(*user).len() as f64).sqrt();
    let mut similar: Vec<u32> = (0..USERS).filter(|user| shared(user) >= 2).collect();
    similar.sort_by(|a, b| likeness(b).total_cmp(&likeness(a)).then(a.cmp(b)));

    let mut taken = BTreeSet::new();
    let friends = |one: u32, other: u32| model.followees(one).contains(&other) && model.followees(other).contains(&one);
    let why_near = |user| {
        let mutual = (0..USERS).any(|between| friends(0, between) && friends(between, user));
        if mutual { Reason::MutualConnections } else { Reason::FollowedByFollowees }
    };
    let published = published.iter().map(|UserId(user)| {
        let reason = match *user {
            user if score(&user) > 0.0 => why_near(user),
            user if model.followees(user).contains(&0) => Reason::FollowsYou,
            user if shared(&user) >= 2 => Reason::SimilarFollowees,
            _ => Reason::NearYou,
        };
        (*user, reason)
    });
    let near = near.into_iter().map(|user| (user, why_near(user)));
    let similar = similar.into_iter().map(|user| (user, Reason::SimilarFollowees));
    let fans = fans.into_iter().rev().map(|(_, user)| (user, Reason::FollowsYou));
    let popular = popular.into_iter().map(|user| (user, Reason::Popular));
    let others = near.chain(fans).chain(similar).chain(popular);
    published.chain(others).filter(|(user, _)| open(user) && taken.insert(*user)).collect()
}

fn edges(count: usize) -> impl Strategy<Value = BTreeSet<(u32, u32)>> {
    proptest::collection::btree_set((0..USERS, 0..USERS).prop_filter("no self-loops", |(a, b)| a != b), 0..count)
}

proptest! {
    #[test]
    fn suggestions_are_those_of_the_rules(
        follows in edges(120),
        blocks in edges(60),
        mutes in edges(60),
        published in proptest::collection::vec((0..USERS).prop_map(UserId), 0..12),
        limit in 1..20usize,
    ) {
        let mut model = Model::default();
        let forbidden = |a: u32, b: u32| blocks.contains(&(a, b)) || blocks.contains(&(b, a));
        let times: Vec<_> = follows
            .iter()
            .filter(|(source, target)| !forbidden(*source, *target))
            .map(|(source, target)| (*source, *target, (source * 7 + target) % 5))
            .collect();
        for (source, target, time) in &times {
            model.add(Relation::Follow, *source, *target, *time);
        }
        for (source, target) in blocks {
            model.add(Relation::Block, source, target, 0);
        }
        for (source, target) in mutes {
            model.add(Relation::Mute, source, target, 0);
        }
        let found = suggest(&model.metered(), UserId(0), &published, limit).expect("readable");
        let mut expected = expected(&model, &times, &published);
        expected.truncate(limit);
        prop_assert_eq!(ids(&found), expected);
        for suggestion in found {
            let mutuals: Vec<_> = (&model.followers(suggestion.user.0) & &model.followees(0)).into_iter().collect();
            prop_assert_eq!(suggestion.mutuals_count, mutuals.len() as u64);
            let named: Vec<_> = mutuals.into_iter().take(MUTUALS_NAMED_MAX).map(UserId).collect();
            prop_assert_eq!(suggestion.mutuals, named);
        }
    }
}

#[test]
fn of_two_with_the_same_mutuals_the_less_famous_comes_first() {
    let follows = [(0, 1), (0, 2), (1, 10), (2, 10), (1, 11), (2, 11)];
    let model = Model::of_follows(follows.into_iter().chain((100..600).map(|user| (user, 10))));
    let found = suggest(&model.metered(), UserId(0), &[], 2).expect("readable");
    assert_eq!(ids(&found), [(11, Reason::FollowedByFollowees), (10, Reason::FollowedByFollowees)]);
    assert_eq!(found[1].mutuals, [UserId(1), UserId(2)]);
}

#[test]
fn mutual_connections_are_counted_beyond_the_sample() {
    let followees = 3 * FOLLOWEES_SAMPLED_MAX as u32;
    let model = Model::of_follows((1..=followees).flat_map(|user| [(0, user), (user, 100_000)]));
    let found = suggest(&model.metered(), UserId(0), &[], 1).expect("readable");
    assert_eq!(ids(&found), [(100_000, Reason::FollowedByFollowees)]);
    assert_eq!(found[0].mutuals_count, u64::from(followees));
    assert!(model.read_whole().len() < 2 * FOLLOWEES_SAMPLED_MAX, "{} lists read", model.read_whole().len());
}

#[test]
fn the_order_is_by_mutual_connections_counted_in_full() {
    // Every third followee is in the sample, which knows 50 as five follow them, and 60 as four do.
    let mut follows: Vec<_> = (1000..1000 + 3 * FOLLOWEES_SAMPLED_MAX as u32).map(|user| (0, user)).collect();
    follows.extend((0..5).map(|i| (1000 + 3 * i, 50)));
    follows.extend((0..4).map(|i| (1000 + 3 * i, 60)));
    follows.extend((0..100).map(|i| (1001 + 3 * i, 60)));
    let found = suggest(&Model::of_follows(follows).metered(), UserId(0), &[], 2).expect("readable");
    assert_eq!(ids(&found), [(60, Reason::FollowedByFollowees), (50, Reason::FollowedByFollowees)]);
    assert_eq!(found.iter().map(|suggestion| suggestion.mutuals_count).collect::<Vec<_>>(), [104, 5]);
}

#[test]
fn who_follows_very_many_recommends_nobody() {
    let many = LIST_READ_MAX as u32 + 1;
    let model = Model::of_follows((100..100 + many).map(|user| (1, user)).chain([(0, 1), (0, 2), (2, 50)]));
    let found = suggest(&model.metered(), UserId(0), &[], 1).expect("readable");
    assert_eq!(ids(&found), [(50, Reason::FollowedByFollowees)]);
    assert!(!model.read_whole().contains(&ListRef::forward(Relation::Follow, UserId(1))));
}

#[test]
fn published_candidates_are_suggested_even_where_nothing_else_speaks_for_them() {
    let mut model = Model::of_follows([(1, 2), (3, 2), (0, 7)]);
    model.add(Relation::Mute, 0, 6, 0);
    let published = [5, 7, 6, 0, 4, 5].map(UserId);
    let found = suggest(&model.metered(), UserId(0), &published, 10).expect("readable");
    assert_eq!(ids(&found), [(5, Reason::NearYou), (4, Reason::NearYou), (2, Reason::Popular)]);
    let found = suggest(&model.metered(), UserId(0), &published, 1).expect("readable");
    assert_eq!(ids(&found), [(5, Reason::NearYou)]);
}

#[test]
fn a_newcomer_is_shown_the_most_followed() {
    let model = Model::of_follows([(1, 2), (3, 2), (4, 5)]);
    let found = suggest(&model.metered(), UserId(0), &[], 10).expect("readable");
    assert_eq!(ids(&found), [(2, Reason::Popular), (5, Reason::Popular)]);
}

#[test]
fn somebody_who_follows_the_same_people_is_similar() {
    // 5 follows all whom 0 follows, 6 follows them and many others, 7 only one of them.
    let follows = [1, 2, 3].into_iter().flat_map(|user| [(0, user), (5, user), (6, user)]);
    let others = (100..120).map(|user| (6, user)).chain([(7, 1)]);
    let found = suggest(&Model::of_follows(follows.chain(others)).metered(), UserId(0), &[], 3).expect("readable");
    let similar = [(5, Reason::SimilarFollowees), (6, Reason::SimilarFollowees)];
    assert_eq!(ids(&found)[..2], similar);
    assert_eq!(found[2].reason, Reason::Popular);
}

#[test]
fn of_a_long_list_some_ids_at_even_distances_count() {
    // 1 follows 20,000, every fourth of whom is in the sample; 2 follows one of these.
    let follows = (100..20_100).map(|user| (1, user)).chain([(0, 1), (0, 2), (2, 104)]);
    let found = suggest(&Model::of_follows(follows).metered(), UserId(0), &[], 3).expect("readable");
    assert_eq!(found.iter().map(|suggestion| suggestion.user.0).collect::<Vec<_>>(), [104, 100, 108]);
}

#[test]
fn a_sample_stops_before_it_has_looked_at_too_many_edges() {
    let each = LIST_READ_MAX as u32;
    let follows = (1..=20).flat_map(|user| (0..each).map(move |i| (user, 1000 + i)).chain([(0, user)]));
    let model = Model::of_follows(follows);
    let lists = model.metered();
    assert_eq!(suggest(&lists, UserId(0), &[], 1).expect("readable").len(), 1);
    let of_followees =
        |list: &&ListRef| (1..=20).any(|user| **list == ListRef::forward(Relation::Follow, UserId(user)));
    let read = model.read_whole().iter().filter(of_followees).count();
    assert_eq!(read as u64, SUGGEST_EDGES_MAX / u64::from(each));
}

#[test]
fn a_cancelled_search_for_suggestions_stops() {
    let follows = (1..=400).flat_map(|user| (0..100).map(move |i| (user, 1000 + user + i)).chain([(0, user)]));
    let model = Model::of_follows(follows);
    let error = suggest(&model.cancelled_after(20), UserId(0), &[], 5).expect_err("cancelled");
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert!(model.read_whole().len() < 100, "{} lists read", model.read_whole().len());
}
