//! Set expressions equal the same algebra on `BTreeSet`s, read no more than they must, and name what is wrong.

use std::collections::BTreeSet;
use std::time::Instant;

use base::limits::{CALLER_SET_MAX, EXPRESSION_DEPTH_MAX, EXPRESSION_OPERANDS_MAX};
use base::{Code, Direction, Error, ListRef, Relation, UserId};
use graph_store::query::Metered;
use graph_store::query::budget::LOOK_EDGES;
use graph_store::query::expression::{Combine, Expression, count_common};
use graph_store::query::members::SORTED_MAX;
use graph_store::query::page::{self, Page};
use proptest::prelude::*;
use proto::graph;
use proto::graph::expression::Node;
use roaring::RoaringBitmap;

use crate::query_model::{Model, until};

const USERS: u32 = 300;
/// Followed by nearly everybody, so that looking up a few users in its list is cheaper than reading it.
const HUB: u32 = 0;

fn wire(node: Node) -> graph::Expression {
    graph::Expression { node: Some(node) }
}

fn list(list: ListRef) -> graph::Expression {
    wire(Node::List(list.into()))
}

fn followers(user: u32) -> graph::Expression {
    list(ListRef::reverse(Relation::Follow, UserId(user)))
}

fn users(ids: impl IntoIterator<Item = u32>) -> graph::Expression {
    wire(Node::Users(graph::UserIds { ids: ids.into_iter().collect() }))
}

fn bitmap(ids: impl IntoIterator<Item = u32>) -> Vec<u8> {
    let mut bytes = Vec::new();
    ids.into_iter().collect::<RoaringBitmap>().serialize_into(&mut bytes).expect("memory takes all");
    bytes
}

fn combination(combine: graph::Combine, operands: Vec<graph::Expression>) -> graph::Expression {
    wire(Node::Combination(graph::Combination { combine: combine as i32, operands }))
}

fn expressions() -> impl Strategy<Value = graph::Expression> {
    let ids = proptest::collection::vec(0..USERS, 0..6);
    let user = prop_oneof![Just(HUB), 0..8u32];
    let any_list = (user, any::<bool>()).prop_map(|(user, forward)| {
        let direction = if forward { Direction::Forward } else { Direction::Reverse };
        list(ListRef { relation: Relation::Follow, direction, user: UserId(user) })
    });
    let leaf = prop_oneof![
        4 => any_list,
        1 => ids.clone().prop_map(users),
        1 => ids.prop_map(|ids| wire(Node::Bitmap(bitmap(ids)))),
        1 => Just(wire(Node::NamedSet("kept".to_owned()))),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let combine = prop_oneof![
            Just(graph::Combine::Intersection),
            Just(graph::Combine::Union),
            Just(graph::Combine::Difference)
        ];
        (combine, proptest::collection::vec(inner, 1..4)).prop_map(|(combine, operands)| combination(combine, operands))
    })
}

fn graphs() -> impl Strategy<Value = Model> {
    let follows = proptest::collection::btree_set((0..8u32, 0..USERS), 0..120);
    (follows, 1..USERS, proptest::collection::btree_set(0..USERS, 0..40)).prop_map(|(follows, hub, kept)| {
        let mut model = Model::of_follows(follows.into_iter().chain((hub..USERS).map(|user| (user, HUB))));
        model.sets.insert("kept".to_owned(), kept);
        model
    })
}

/// What the expression stands for, found the plain way.
fn expected(model: &Model, wire: &graph::Expression) -> BTreeSet<u32> {
    match wire.node.as_ref().expect("every generated expression has a node") {
        Node::List(list) => model.list(proto::convert::list_ref(Some(list), "list").expect("valid")),
        Node::Users(users) => users.ids.iter().copied().collect(),
        Node::Bitmap(bytes) => RoaringBitmap::deserialize_from(&bytes[..]).expect("valid").into_iter().collect(),
        Node::NamedSet(name) => model.sets[name].clone(),
        Node::Combination(combination) => {
            let mut operands = combination.operands.iter().map(|operand| expected(model, operand));
            let first = operands.next().expect("never of none");
            operands.fold(first, |found, operand| match combination.combine() {
                graph::Combine::Intersection => &found & &operand,
                graph::Combine::Union => &found | &operand,
                graph::Combine::Difference => &found - &operand,
                graph::Combine::Unspecified => unreachable!("never generated"),
            })
        }
    }
}

proptest! {
    #[test]
    fn the_algebra_is_that_of_plain_sets(
        model in graphs(),
        wire in expressions(),
        asked in proptest::collection::btree_set(0..USERS, 0..5),
    ) {
        let expected = expected(&model, &wire);
        let lists = model.metered();
        let expression = Expression::from_wire(Some(&wire), USERS, &lists).expect("valid");
        let cost = expression.cost(None, &lists).expect("readable");
        let before = lists.spent();
        let found: BTreeSet<u32> = expression.evaluate(&lists).expect("readable").into_ids().into_iter().collect();
        prop_assert_eq!(&found, &expected);
        // Beside the ids there are the sizes of the operands, asked for at each level.
        let nodes = 2 * format!("{wire:?}").matches("node").count() as u64;
        prop_assert!(lists.spent() - before <= cost + nodes * nodes, "{} for {}", lists.spent() - before, cost);
        prop_assert_eq!(expression.count(&lists).expect("readable"), expected.len() as u64);
        let within: Vec<u32> = asked.iter().copied().collect();
        let common: BTreeSet<u32> = expression.common(&within, &lists).expect("readable").into_iter().collect();
        prop_assert_eq!(common, &asked & &expected);
    }
}

/// Both pages are the same: the one of the whole set, and the one of what is found for it.
fn assert_same_page(set: &RoaringBitmap, expression: &Expression, cursor: &str, model: &Model) -> Page<UserId> {
    let whole = page::selection(set, cursor, 3).expect("valid");
    let window = expression.window(cursor, 3, &model.metered()).expect("readable");
    assert_eq!(page::selection(&window, cursor, 3).expect("valid"), whole, "{expression:?} at {cursor}");
    whole
}

proptest! {
    #[test]
    fn a_page_is_that_of_the_whole_set_whichever_way_one_comes(model in graphs(), wire in expressions()) {
        let set: RoaringBitmap = expected(&model, &wire).into_iter().collect();
        let expression = Expression::from_wire(Some(&wire), USERS, &model.metered()).expect("valid");
        let mut page = assert_same_page(&set, &expression, "", &model);
        for _ in 0..10 {
            if page.next_cursor.is_empty() {
                break;
            }
            page = assert_same_page(&set, &expression, &page.next_cursor, &model);
            assert_same_page(&set, &expression, &page.prev_cursor, &model);
        }
    }
}

#[test]
fn a_page_asks_for_no_more_than_it_shows() {
    // 100,000 who all follow both: a page looks a thousand of them up, or two.
    let many = 100_000;
    let model = Model::of_follows((1..=many).flat_map(|user| [(user, many + 1), (user, many + 2)]));
    let both = [1, 2].map(|user| ListRef::reverse(Relation::Follow, UserId(many + user)));
    let expression = Expression::intersection(both);
    let all: RoaringBitmap = (1..=many).collect();
    let second = page::selection(&all, "", 50_000).expect("valid").next_cursor;
    for cursor in [String::new(), second] {
        let lists = model.metered();
        let window = expression.window(&cursor, 3, &lists).expect("readable");
        assert!(window.len() < 3000, "{}", window.len());
        assert!(lists.spent() < u64::from(many) + 3000, "{}", lists.spent());
    }
}

/// What is found, and the lists that were read whole for it.
fn find(model: &Model, wire: &graph::Expression) -> (Vec<u32>, Vec<ListRef>) {
    let lists = model.metered();
    let expression = Expression::from_wire(Some(wire), USERS, &lists).expect("valid");
    let found = expression.evaluate(&lists).expect("readable");
    (found.into_ids(), model.read_whole())
}

#[test]
fn nothing_is_read_once_an_operand_of_an_intersection_is_empty() {
    let model = Model::of_follows((1..USERS).map(|user| (user, HUB)));
    let nobody = followers(5);
    let wire = combination(graph::Combine::Intersection, vec![followers(HUB), users([1, 2]), nobody]);
    let empty = ListRef::reverse(Relation::Follow, UserId(5));
    assert_eq!(find(&model, &wire), (vec![], vec![empty]));
}

#[test]
fn a_short_list_meets_a_long_one_without_reading_it() {
    let graph = || Model::of_follows((10..USERS).map(|user| (user, HUB)).chain([(3, 7), (12, 7), (299, 7)]));
    let short = ListRef::reverse(Relation::Follow, UserId(7));
    for operands in [vec![followers(HUB), followers(7)], vec![followers(7), followers(HUB)]] {
        let intersection = combination(graph::Combine::Intersection, operands);
        assert_eq!(find(&graph(), &intersection), (vec![12, 299], vec![short]));
    }
    let difference = combination(graph::Combine::Difference, vec![followers(7), followers(HUB)]);
    assert_eq!(find(&graph(), &difference), (vec![3], vec![short]));
}

#[test]
fn an_intersection_is_counted_without_reading_the_longer_list() {
    let graph = Model::of_follows((10..USERS).map(|user| (user, HUB)).chain([(3, 7), (12, 7), (299, 7)]));
    let [hub, short] = [HUB, 7].map(|user| ListRef::reverse(Relation::Follow, UserId(user)));
    assert_eq!(count_common(hub, short, &graph).expect("readable"), 2);
    assert_eq!(count_common(short, hub, &graph).expect("readable"), 2);
    assert_eq!(Expression::List(hub).count(&graph.metered()).expect("readable"), u64::from(USERS) - 10);
    assert_eq!(graph.read_whole(), [short, short]);
}

#[test]
fn two_hubs_meet_as_the_bitmaps_that_they_are() {
    // Every id and every second one, more of either than are kept as an array.
    let most = 2 * SORTED_MAX as u32;
    let one = (0..most).map(|user| (user, most + 1));
    let mut graph = Model::of_follows(one.chain((0..2 * most).step_by(2).map(|user| (user, most + 2))));
    graph.add(Relation::Follow, 5, most + 3, 0);
    let [all, even, alone] = [1, 2, 3].map(|user| ListRef::reverse(Relation::Follow, UserId(most + user)));
    let half = u64::from(most / 2);
    let both = Expression::intersection([all, even]);
    assert_eq!(both.count(&graph.metered()).expect("readable"), half);
    assert_eq!(both.evaluate(&graph.metered()).expect("readable").len(), half);
    let operands = vec![Expression::List(all), both, Expression::List(alone)];
    let odd = Expression::Combination { combine: Combine::Difference, operands };
    assert_eq!(odd.count(&graph.metered()).expect("readable"), half - 1);
    assert_eq!(odd.common(&[1, 2, 3, 4, 5], &graph.metered()).expect("readable"), [1, 3]);
}

#[test]
fn a_selection_ends_at_its_deadline_and_when_it_is_cancelled() {
    let model = Model::of_follows((1..USERS).flat_map(|user| [(user, HUB), (user, (user + 1) % USERS)]));
    let lists = (0..USERS).map(|user| Expression::List(ListRef::reverse(Relation::Follow, UserId(user)))).collect();
    let everybody = Expression::Combination { combine: Combine::Union, operands: lists };
    let late = Metered::new(&model, until(Instant::now()));
    let error = everybody.evaluate(&late).expect_err("too late");
    assert_eq!((error.code(), error.message()), (Code::DeadlineExceeded, "not done within AN_HOUR of 3600000 ms"));
    assert!(model.read_whole().is_empty());

    // The clock is looked at every few thousand edges: lists of two are cheap, so as many are read as that.
    let many: Vec<_> = (0..40).map(|_| everybody.clone()).collect();
    let many = Expression::Combination { combine: Combine::Union, operands: many };
    assert!(many.evaluate(&model.cancelled_after(10)).is_err());
    assert!(model.read_whole().len() < 10 + LOOK_EDGES as usize, "{} lists read", model.read_whole().len());
}

fn refused(wire: Option<&graph::Expression>) -> Error {
    Expression::from_wire(wire, 10, &Model::default().metered()).expect_err("not valid")
}

/// An intersection in an intersection, and so on, around a list: `depth` levels in all.
fn nested(depth: usize) -> graph::Expression {
    (1..depth).fold(followers(1), |inner, _| combination(graph::Combine::Intersection, vec![inner]))
}

#[test]
fn what_is_wrong_is_named() {
    let in_second = |operand| combination(graph::Combine::Union, vec![followers(1), operand]);
    let unknown = wire(Node::Combination(graph::Combination { combine: 7, operands: vec![followers(1)] }));
    let no_relation = wire(Node::List(graph::ListRef { relation: 0, direction: 1, user: 1 }));
    let cases = [
        (wire(Node::Users(graph::UserIds { ids: vec![9, 10] })), "expression.users.ids[1]", "no user 10"),
        (in_second(followers(10)), "expression.combination.operands[1].list.user", "no user 10"),
        (in_second(no_relation), "expression.combination.operands[1].list.relation", "no such relation"),
        (graph::Expression { node: None }, "expression", "must be given"),
        (in_second(graph::Expression { node: None }), "expression.combination.operands[1]", "must be given"),
        (unknown, "expression.combination.combine", "no such combination"),
        (combination(graph::Combine::Union, vec![]), "expression.combination.operands", "at least one must be given"),
        (wire(Node::Bitmap(bitmap([1, 10]))), "expression.bitmap", "no user 10"),
        (wire(Node::Bitmap(vec![1, 2, 3])), "expression.bitmap", "not a roaring bitmap in the portable format"),
        (
            wire(Node::Bitmap([bitmap([1]), vec![0]].concat())),
            "expression.bitmap",
            "not a roaring bitmap in the portable format",
        ),
        (
            combination(graph::Combine::Union, vec![followers(1); EXPRESSION_OPERANDS_MAX + 1]),
            "expression.combination.operands",
            "more than 256 operands in the whole expression",
        ),
        (
            users(std::iter::repeat_n(1, CALLER_SET_MAX + 1)),
            "expression.users.ids",
            "more than 1000000 ids in the sets of the whole expression",
        ),
        (
            wire(Node::Bitmap(bitmap(0..=CALLER_SET_MAX as u32))),
            "expression.bitmap",
            "more than 1000000 ids in the sets of the whole expression",
        ),
    ];
    for (wire, field, message) in cases {
        let error = refused(Some(&wire));
        assert_eq!((error.code(), error.field(), error.message()), (Code::InvalidArgument, Some(field), message));
    }
    assert_eq!(refused(None).field(), Some("expression"));
}

#[test]
fn a_named_set_that_there_is_not_is_not_found() {
    let error = refused(Some(&wire(Node::NamedSet("gone".to_owned()))));
    assert_eq!((error.code(), error.field()), (Code::NotFound, Some("expression.named_set")));
}

#[test]
fn expressions_go_as_deep_as_the_limit_and_no_deeper() {
    let deepest = nested(EXPRESSION_DEPTH_MAX);
    let model = Model::of_follows([(2, 1)]);
    let expression = Expression::from_wire(Some(&deepest), 10, &model.metered()).expect("within the limit");
    assert_eq!(expression.evaluate(&model.metered()).expect("readable").into_ids(), [2]);
    let error = refused(Some(&nested(EXPRESSION_DEPTH_MAX + 1)));
    assert_eq!((error.code(), error.message()), (Code::InvalidArgument, "nested deeper than 16"));
    assert_eq!(error.field().map(|field| field.matches("operands[0]").count()), Some(EXPRESSION_DEPTH_MAX));
}

#[test]
fn operands_are_counted_over_the_whole_expression() {
    let half = combination(graph::Combine::Union, vec![followers(1); EXPRESSION_OPERANDS_MAX / 2]);
    let error = refused(Some(&combination(graph::Combine::Union, vec![half.clone(), half])));
    assert_eq!(error.field(), Some("expression.combination.operands[1].combination.operands"));
}
