//! What a fuzzer calls: see [`fuzzing`](crate::fuzzing).

use std::sync::Arc;
use std::time::Duration;

use base::cursor::{self, CursorKind};
use base::{Direction, Edge, Error, ListRef, Revision, UserId};
use prost::Message;
use proto::graph::expression::Node;
use proto::graph::{self, SelectRequest};
use roaring::RoaringBitmap;

use super::expression::Expression;
use super::{Budget, Cancellation, Lists, Metered, ProbedSet, TimeLimit, page};
use crate::fuzzing::Input;

/// Users of the graph below.
const USERS: u32 = 300;
const PAGE: usize = 7;

/// A small graph made of nothing: each follows those whose ids it divides, and the like.
struct Divisors;

impl Divisors {
    fn has(list: ListRef, id: u32) -> bool {
        let (user, other) = (list.user.0 + 1, id + 1);
        let relation = list.relation as u32 + 1;
        match list.direction {
            Direction::Forward => other.is_multiple_of(user * relation),
            Direction::Reverse => user.is_multiple_of(other * relation),
        }
    }
}

impl Lists for Divisors {
    fn ids(&self, list: ListRef) -> Result<Vec<u32>, Error> {
        Ok((0..USERS).filter(|id| Divisors::has(list, *id)).collect())
    }

    fn bitmap(&self, list: ListRef) -> Result<RoaringBitmap, Error> {
        Ok(self.ids(list)?.into_iter().collect())
    }

    fn each_common(&self, list: ListRef, within: &[u32], found: &mut dyn FnMut(u32)) -> Result<(), Error> {
        within.iter().filter(|id| **id < USERS && Divisors::has(list, **id)).for_each(|id| found(*id));
        Ok(())
    }

    fn count(&self, list: ListRef) -> Result<u64, Error> {
        Ok(self.ids(list)?.len() as u64)
    }

    fn edges(&self, list: ListRef) -> Result<Vec<Edge>, Error> {
        Ok(self.ids(list)?.into_iter().map(|id| Edge { user: UserId(id), time: id }).collect())
    }

    fn named_set(&self, name: &str) -> Result<Option<Arc<ProbedSet>>, Error> {
        Ok((name == "odd").then(|| Arc::new(RoaringBitmap::from_iter((0..USERS / 2).map(|id| 2 * id + 1)).into())))
    }

    fn popular(&self) -> Result<Arc<[UserId]>, Error> {
        Ok(Arc::from([]))
    }
}

/// A request for a selection, as it comes over the wire.
pub(crate) fn expression(input: &[u8]) {
    let Ok(request) = SelectRequest::decode(input) else { return };
    let again = SelectRequest::decode(&request.encode_to_vec()[..]);
    assert_eq!(again.as_ref(), Ok(&request), "encoded again");
    // Time enough for whoever is looking at it; the number of edges is what counts here.
    let time = TimeLimit::from_now(Duration::from_secs(3600), "an hour");
    let lists = Metered::new(&Divisors, Budget::new(time, Cancellation::default()));
    let Ok(expression) = Expression::from_wire(request.expression.as_ref(), USERS, &lists) else { return };
    let found = expression.evaluate(&lists).expect("there is time").into_bitmap();
    assert!(found.max().is_none_or(|id| id < USERS), "known users alone");
    assert_eq!(expression.count(&lists).expect("there is time"), found.len(), "counted");
    let everybody: Vec<u32> = (0..USERS).collect();
    let common = expression.common(&everybody, &lists).expect("there is time");
    assert!(found.iter().eq(common), "looked up");
    let _ = expression.cost(None, &lists).expect("there is time");
    assert_pages(&found, &expression, &lists);
    if let Some(graph::select_request::Output::Page(asked)) = &request.output {
        let window = expression.window(&asked.cursor, PAGE, &lists);
        let page = page::selection(&found, &asked.cursor, PAGE);
        assert_eq!(window.is_ok(), page.is_ok(), "the same cursors");
        assert_eq!(window.and_then(|window| page::selection(&window, &asked.cursor, PAGE)).ok(), page.ok(), "a page");
    }
}

/// All pages of a selection, one after the other, are all of it.
fn assert_pages(found: &RoaringBitmap, expression: &Expression, lists: &Metered<'_, Divisors>) {
    let (mut walked, mut cursor) = (vec![], String::new());
    loop {
        let window = expression.window(&cursor, PAGE, lists).expect("a cursor of ours");
        let page = page::selection(&window, &cursor, PAGE).expect("a cursor of ours");
        walked.extend(page.entries.iter().map(|user| user.0));
        assert!(walked.len() as u64 <= found.len(), "no page comes twice");
        cursor = page.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    assert!(found.iter().eq(walked), "walked");
}

/// A token; and the tokens of the fields that the same bytes are (a byte for the kind, `u64` each).
pub(crate) fn cursor(input: &[u8]) {
    const KINDS: [CursorKind; 6] = [
        CursorKind::Revision,
        CursorKind::ListById,
        CursorKind::ListByTime,
        CursorKind::Selection,
        CursorKind::Timeline,
        CursorKind::Feed,
    ];
    if let Ok(token) = std::str::from_utf8(input) {
        for kind in KINDS {
            assert_reads_back::<1>(kind, token);
            assert_reads_back::<2>(kind, token);
            assert_reads_back::<3>(kind, token);
        }
        turn_pages(token);
    }
    let mut fields = Input(input);
    let kind = KINDS[fields.number::<1>() as usize % KINDS.len()];
    let numbers = [(); 3].map(|()| fields.number::<8>());
    for count in 1..=numbers.len() {
        turn_pages(&cursor::encode(kind, &numbers[..count]));
    }
    assert_eq!(Revision::from_token(&Revision(numbers[0]).token()), Ok(Revision(numbers[0])), "a revision");
}

fn assert_reads_back<const N: usize>(kind: CursorKind, token: &str) {
    if let Ok(fields) = cursor::decode::<N>(kind, token) {
        assert_eq!(cursor::encode(kind, &fields), token, "a place has one token");
    }
}

/// Whatever the token, a page is in order, no longer than asked for, and names the way on as one can go it.
fn turn_pages(token: &str) {
    let _ = Revision::from_token(token);
    let ids: RoaringBitmap = [0, 1, 2, 3, 5, 8, 13, 21, 1 << 20, u32::MAX - 1, u32::MAX].into_iter().collect();
    if let Ok(page) = page::by_id(&ids, token, PAGE) {
        assert!(page.entries.len() <= PAGE && page.entries.is_sorted_by(|one, next| one.0 < next.0), "by id");
        for cursor in [page.next_cursor, page.prev_cursor] {
            page::by_id(&ids, &cursor, PAGE).expect("a cursor of ours");
        }
    }
    let edges: Vec<Edge> = ids.iter().map(|id| Edge { user: UserId(id), time: id.rotate_left(7) }).collect();
    if let Ok(page) = page::newest_first(&edges[..], token, PAGE) {
        assert!(page.entries.len() <= PAGE && page.entries.is_sorted_by_key(|edge| !edge.time), "newest first");
        for cursor in [page.next_cursor, page.prev_cursor] {
            page::newest_first(&edges[..], &cursor, PAGE).expect("a cursor of ours");
        }
    }
}

/// Selections of each kind of operand.
pub(crate) fn expression_seeds() -> Vec<Vec<u8>> {
    let node = |node| graph::Expression { node: Some(node) };
    let list = |relation, direction, user| node(Node::List(graph::ListRef { relation, direction, user }));
    let users = node(Node::Users(graph::UserIds { ids: vec![1, 2, 3, 200] }));
    let named = node(Node::NamedSet("odd".to_owned()));
    let mut bytes = vec![];
    let bitmap: RoaringBitmap = (10..200).collect();
    bitmap.serialize_into(&mut bytes).expect("memory takes all");
    let bitmap = node(Node::Bitmap(bytes));
    let combined = |combine: graph::Combine, operands: &[&graph::Expression]| {
        let operands = operands.iter().map(|operand| (*operand).clone()).collect();
        node(Node::Combination(graph::Combination { combine: combine as i32, operands }))
    };
    let both = combined(graph::Combine::Intersection, &[&list(1, 1, 1), &bitmap]);
    let either = combined(graph::Combine::Union, &[&both, &users, &named]);
    let without = combined(graph::Combine::Difference, &[&either, &list(1, 2, 59)]);
    let page = proto::common::PageRequest { limit: 5, cursor: cursor::encode(CursorKind::Selection, &[17, 0]) };
    let output = Some(graph::select_request::Output::Page(page));
    let requests = [list(2, 2, 250), users, named, bitmap, both, either, without];
    let seeds = requests.map(|expression| {
        SelectRequest { expression: Some(expression), output: output.clone(), ..SelectRequest::default() }
            .encode_to_vec()
    });
    seeds.to_vec()
}

/// Tokens of each kind, and fields.
pub(crate) fn cursor_seeds() -> Vec<Vec<u8>> {
    vec![
        Revision(7).token().into_bytes(),
        cursor::encode(CursorKind::ListById, &[5, 0]).into_bytes(),
        cursor::encode(CursorKind::ListByTime, &[1 << 20, 21, 1]).into_bytes(),
        cursor::encode(CursorKind::Selection, &[1 << 32, 1]).into_bytes(),
        [&[1][..], &13u64.to_le_bytes(), &1u64.to_le_bytes()].concat(),
        [&[2][..], &[0; 24]].concat(),
    ]
}
