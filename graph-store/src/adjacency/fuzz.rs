//! What a fuzzer calls, and plain tests too: see [`fuzzing`](crate::fuzzing).

use roaring::RoaringBitmap;

use super::{Encoding, Head, List, encode};

/// Ids of a page, and places that are looked at one by one.
const PAGE: usize = 64;

/// Parses arbitrary bytes and asks the list everything; the body of a fuzz target.
///
/// # Panics
///
/// Where a list that validates contradicts itself, and, should there be a mistake, on bytes that merely parse.
pub fn parse_arbitrary(bytes: &[u8]) {
    let head = Head::parse(bytes, 0);
    let Ok(list) = List::parse(bytes, 0) else { return };
    let head = head.expect("it is a part of the list");
    assert_eq!((head.version, head.len), (list.version(), list.len()), "the head is that of the list");
    let ids: Vec<u32> = list.iter().collect();
    let probes = [0, 1, 0x7fff_ffff, u32::MAX].into_iter().chain(ids.iter().copied().take(PAGE));
    let answers: Vec<_> = probes
        .map(|id| (id, list.contains(id), list.rank(id), list.position_of(id), list.iter_from(id).next()))
        .collect();
    let picked: Vec<_> = (0..list.len().min(PAGE)).map(|position| list.get(position)).collect();
    let bitmap = list.to_bitmap();
    let mut decoded = vec![];
    list.decode_into(&mut decoded);
    let middle = ids.get(ids.len() / 2).copied().unwrap_or_default();
    let mut halves = vec![];
    let starts = [0..middle, middle..u32::MAX].map(|range| list.decode_range_into(range, &mut halves));
    let page: Vec<u32> = list.iter_from(middle).take(PAGE).collect();
    let backwards: Vec<_> = (0..list.rank(middle)).rev().take(PAGE).map(|position| list.get(position)).collect();
    if list.validate().is_err() {
        return;
    }
    assert_eq!(ids.len(), list.len(), "as many ids as counted");
    assert!(ids.is_sorted_by(|one, next| one < next), "ids increase");
    assert_eq!(decoded, ids, "decoding is iterating");
    assert!(halves.iter().eq(ids.iter().filter(|id| **id != u32::MAX)), "decoding ranges is decoding");
    assert_eq!(starts, [0, list.rank(middle)], "where ranges start");
    assert_eq!((list.first(), list.last()), (ids.first().copied(), ids.last().copied()), "ends");
    assert_eq!(page, ids[ids.len() / 2..][..page.len()], "a page is a part");
    assert!(backwards.into_iter().eq(ids[..ids.len() / 2].iter().rev().take(PAGE).copied().map(Some)), "a page before");
    assert!(picked.into_iter().eq(ids.iter().take(PAGE).copied().map(Some)), "select");
    for (id, contains, rank, position, next) in answers {
        let expected = ids.binary_search(&id);
        assert_eq!(contains, expected.is_ok(), "contains {id}");
        assert_eq!(position, expected.ok(), "position of {id}");
        assert_eq!(rank, expected.unwrap_or_else(|rank| rank), "rank of {id}");
        assert_eq!(next, ids.get(rank).copied(), "first from {id}");
    }
    let bitmap = bitmap.expect("a valid list is a bitmap");
    assert!(bitmap.iter().eq(ids.iter().copied()), "the bitmap has the ids");
    let other: RoaringBitmap = ids.iter().step_by(3).map(|id| id ^ 1).collect();
    let common = other.iter().filter(|id| list.contains(*id));
    assert!((&bitmap & &other).iter().eq(common), "an intersection is what both contain");
    assert_encodes_again(&list, &ids);
}

/// In whichever form it is written, it is the same list.
fn assert_encodes_again(list: &List<'_>, ids: &[u32]) {
    for encoding in [Encoding::Auto, Encoding::Packed, Encoding::Roaring] {
        let mut bytes = vec![];
        encode(ids, list.version(), encoding, &mut bytes).expect("ids increase");
        let again = List::parse(&bytes, 0).expect("written just now");
        assert_eq!(again.validate(), Ok(()), "{encoding:?}");
        assert_eq!(again.version(), list.version(), "{encoding:?}");
        assert!(again.iter().eq(ids.iter().copied()), "{encoding:?}");
    }
}

/// A list of each form, and with samples, a window of each kind and containers of each kind.
pub(crate) fn fuzz_seeds() -> Vec<Vec<u8>> {
    let crowd = |step: u32| (0..60).map(|i| i * 100_000).chain((0..80).map(move |i| 7_000_000 + i * step)).collect();
    let lists: [(Vec<u32>, Encoding); 9] = [
        (vec![], Encoding::Auto),
        (vec![0], Encoding::Auto),
        (vec![2, 3, 5, 7, 11, 13, 24], Encoding::Auto),
        ((0..700).map(|i| i * 31 + i * i % 29).collect(), Encoding::Packed),
        (vec![0, u32::MAX], Encoding::Packed),
        (crowd(3), Encoding::Auto),
        (crowd(200), Encoding::Auto),
        ((0..300).map(|i| i * 1000).collect(), Encoding::Roaring),
        ((0..5000).chain(70_000..70_010).collect(), Encoding::Roaring),
    ];
    let encoded = lists.iter().zip(0..).map(|((ids, encoding), version)| {
        let mut bytes = vec![];
        encode(ids, version % 3 * 100, *encoding, &mut bytes).expect("ids increase");
        bytes
    });
    encoded.collect()
}
