//! What a fuzzer calls, and plain tests too.

use super::List;

/// Parses arbitrary bytes and asks the list everything; the harness of a fuzz target.
///
/// # Panics
///
/// Where a list that validates contradicts itself, and, should there be a mistake, on bytes that merely parse.
pub fn parse_arbitrary(bytes: &[u8]) {
    let Ok(list) = List::parse(bytes, 0) else { return };
    let ids: Vec<u32> = list.iter().collect();
    let probes = [0, 1, 0x7fff_ffff, u32::MAX].into_iter().chain(ids.iter().copied().take(64));
    let answers: Vec<_> = probes
        .map(|id| (id, list.contains(id), list.rank(id), list.position_of(id), list.iter_from(id).next()))
        .collect();
    let picked: Vec<_> = (0..list.len().min(64)).map(|position| list.get(position)).collect();
    let bitmap = list.to_bitmap();
    let mut decoded = vec![];
    list.decode_into(&mut decoded);
    let middle = ids.get(ids.len() / 2).copied().unwrap_or_default();
    let mut halves = vec![];
    let starts = [0..middle, middle..u32::MAX].map(|range| list.decode_range_into(range, &mut halves));
    if list.validate().is_err() {
        return;
    }
    assert_eq!(ids.len(), list.len(), "as many ids as counted");
    assert_eq!(decoded, ids, "decoding is iterating");
    assert!(halves.iter().eq(ids.iter().filter(|id| **id != u32::MAX)), "decoding ranges is decoding");
    assert_eq!(starts, [0, list.rank(middle)], "where ranges start");
    assert_eq!((list.first(), list.last()), (ids.first().copied(), ids.last().copied()), "ends");
    assert!(bitmap.expect("a valid list is a bitmap").into_iter().eq(ids.iter().copied()), "the bitmap has the ids");
    assert!(picked.into_iter().eq(ids.iter().take(64).copied().map(Some)), "select");
    for (id, contains, rank, position, next) in answers {
        let expected = ids.binary_search(&id);
        assert_eq!(contains, expected.is_ok(), "contains {id}");
        assert_eq!(position, expected.ok(), "position of {id}");
        assert_eq!(rank, expected.unwrap_or_else(|rank| rank), "rank of {id}");
        assert_eq!(next, ids.get(rank).copied(), "first from {id}");
    }
}
