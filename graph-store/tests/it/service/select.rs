//! Selections equal the same algebra over plain sets, whichever way they are asked for.

use std::collections::BTreeSet;

use base::{Direction, Relation};
use graph_store::service::GraphService;
use proto::common::PageRequest;
use proto::graph;
use proto::graph::Combine;
use proto::graph::expression::Node;
use proto::graph::graph_store_server::GraphStore;
use proto::graph::select_request::Output as Wanted;
use proto::graph::select_response::Output;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use roaring::RoaringBitmap;
use tonic::Request;

use super::{apply, list_of, ok, wire_change, with_users};
use crate::support::Model;

const USERS: u32 = 60;

type Pair = (graph::Expression, BTreeSet<u32>);

fn expression(node: Node) -> graph::Expression {
    graph::Expression { node: Some(node) }
}

fn combined(combine: Combine, pairs: Vec<Pair>) -> Pair {
    let (operands, sets): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let set = sets.into_iter().reduce(|found, set| match combine {
        Combine::Union => &found | &set,
        Combine::Difference => &found - &set,
        _ => &found & &set,
    });
    let combination = graph::Combination { combine: combine as i32, operands };
    (expression(Node::Combination(combination)), set.expect("never of none"))
}

async fn select(service: &GraphService, expression: &graph::Expression, wanted: Wanted) -> Output {
    let request = graph::SelectRequest { expression: Some(expression.clone()), output: Some(wanted), at_least: None };
    ok(service.select(Request::new(request)).await).output.expect("given")
}

/// Asks in all four ways.
async fn assert_selects(service: &GraphService, (expression, expected): &Pair) {
    let members: Vec<u32> = expected.iter().copied().collect();
    let counted = select(service, expression, Wanted::Count(graph::CountOutput {})).await;
    assert_eq!(counted, Output::Count(members.len() as u64), "{expression:?}");

    let everybody = graph::UserIds { ids: (0..USERS).rev().collect() };
    let contained = (0..USERS).rev().map(|id| expected.contains(&id)).collect();
    let found = select(service, expression, Wanted::Contains(everybody)).await;
    assert_eq!(found, Output::Contained(graph::Membership { contained }), "{expression:?}");

    let Output::Bitmap(bytes) = select(service, expression, Wanted::Bitmap(graph::BitmapOutput {})).await else {
        panic!("a bitmap was asked for")
    };
    let bitmap = RoaringBitmap::deserialize_from(&bytes[..]).expect("portable");
    assert_eq!(bitmap.iter().collect::<Vec<_>>(), members, "{expression:?}");

    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let wanted = Wanted::Page(PageRequest { limit: 7, cursor });
        let Output::Page(page) = select(service, expression, wanted).await else { panic!("a page was asked for") };
        assert!(page.users.len() <= 7);
        paged.extend(page.users);
        cursor = page.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(paged, members, "{expression:?}");
}

#[tokio::test]
async fn selections_equal_the_algebra_of_plain_sets() {
    use rand::RngExt;
    let service = with_users(USERS).await;
    let mut chance = ChaCha8Rng::seed_from_u64(7);
    let mut model = Model::default();
    let mut changes = Vec::new();
    for _ in 0..1500 {
        let source = chance.random_range(0..USERS);
        let target = (source + chance.random_range(1..USERS)) % USERS;
        let (relation, wire) = match chance.random_range(0..10) {
            0 => (Relation::Block, graph::Relation::Block),
            1 => (Relation::Mute, graph::Relation::Mute),
            _ => (Relation::Follow, graph::Relation::Follow),
        };
        model.apply(&crate::support::change(relation, graph_store::log::Operation::Add, source, target));
        changes.push(wire_change(wire, graph::Operation::Add, source, target));
    }
    apply(&service, changes).await;
    let active: BTreeSet<u32> = (0..USERS).filter(|user| user % 3 != 0).collect();
    let request = graph::UpdateSetRequest {
        name: "active".to_owned(),
        add: active.iter().copied().collect(),
        remove: Vec::new(),
    };
    ok(service.update_set(Request::new(request)).await);

    let list = |relation, direction, user| -> Pair {
        let wire = list_of(relation, direction, user);
        let list = base::ListRef { relation, direction, user: base::UserId(user) };
        (expression(Node::List(wire)), model.edges(list).into_iter().map(|(id, _)| id).collect())
    };
    let followees = |user| list(Relation::Follow, Direction::Forward, user);
    let followers = |user| list(Relation::Follow, Direction::Reverse, user);
    let named = || (expression(Node::NamedSet("active".to_owned())), active.clone());
    let sent = |ids: &[u32]| -> Pair {
        (expression(Node::Users(graph::UserIds { ids: ids.to_vec() })), ids.iter().copied().collect())
    };
    let bitmap = |ids: std::ops::Range<u32>| -> Pair {
        let mut bytes = Vec::new();
        ids.clone().collect::<RoaringBitmap>().serialize_into(&mut bytes).expect("memory takes every byte");
        (expression(Node::Bitmap(bytes)), ids.collect())
    };
    for user in 0..8 {
        let friends = combined(Combine::Intersection, vec![followees(user), followers(user)]);
        let known = combined(Combine::Intersection, vec![followers(user + 1), followees(user), named()]);
        let muted = list(Relation::Mute, Direction::Forward, user);
        let blocked = list(Relation::Block, Direction::Reverse, user);
        let unwanted = combined(Combine::Union, vec![muted, blocked, sent(&[user, 3, 3, 59])]);
        let near = combined(Combine::Union, vec![friends.clone(), known.clone(), bitmap(20..45)]);
        let recipients = combined(Combine::Difference, vec![near, unwanted.clone(), followers(user + 2)]);
        for pair in [followees(user), named(), friends, known, unwanted, recipients] {
            assert_selects(&service, &pair).await;
        }
    }
}
