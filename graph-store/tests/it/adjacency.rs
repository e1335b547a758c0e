//! An encoded list answers as the vector that it was made of, and no bytes make reading one panic.

use std::collections::BTreeSet;

use graph_store::adjacency::{CorruptList, Encoding, HUB_ENTRIES, List, encode, parse_arbitrary};
use proptest::prelude::*;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use roaring::RoaringBitmap;

const ENCODINGS: [Encoding; 3] = [Encoding::Auto, Encoding::Packed, Encoding::Roaring];

fn encoded(ids: &[u32], version_delta: u64, encoding: Encoding) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(ids, version_delta, encoding, &mut bytes).expect("the ids increase");
    bytes
}

/// Compares every answer of an encoded list with those of the vector, at `probes` and around its ids.
fn check(ids: &[u32], probes: impl Iterator<Item = u32>) {
    let bitmap: RoaringBitmap = ids.iter().copied().collect();
    let near = ids.iter().flat_map(|id| [id.saturating_sub(1), *id, id.saturating_add(1)]);
    let stride = (ids.len() / 500).max(1);
    let probes: Vec<u32> = near.step_by(stride).chain([0, u32::MAX]).chain(probes).collect();
    for encoding in ENCODINGS {
        let bytes = encoded(ids, 7, encoding);
        let list = List::parse(&bytes, 35).expect("encoded just now");
        assert_eq!((list.len(), list.is_empty(), list.version()), (ids.len(), ids.is_empty(), 42));
        assert_eq!((list.first(), list.last()), (ids.first().copied(), ids.last().copied()));
        assert_eq!(list.validate(), Ok(()), "{encoding:?}");
        assert!(list.iter().eq(ids.iter().copied()), "{encoding:?} iterates over other ids");
        let mut decoded = vec![77];
        list.decode_into(&mut decoded);
        assert_eq!(decoded[1..], *ids, "{encoding:?}");
        assert_eq!(list.to_bitmap().as_ref(), Ok(&bitmap), "{encoding:?}");
        for position in (0..ids.len()).step_by(stride).chain([ids.len(), usize::MAX]) {
            assert_eq!(list.get(position), ids.get(position).copied(), "{encoding:?} at {position}");
        }
        for &id in &probes {
            let expected = ids.binary_search(&id);
            let rank = expected.unwrap_or_else(|rank| rank);
            assert_eq!(list.contains(id), expected.is_ok(), "{encoding:?} contains {id}");
            assert_eq!(list.position_of(id), expected.ok(), "{encoding:?} position of {id}");
            assert_eq!(list.rank(id), rank, "{encoding:?} rank of {id}");
            let from = list.iter_from(id);
            assert_eq!(from.len(), ids.len() - rank, "{encoding:?} count from {id}");
            assert!(from.take(70).eq(ids[rank..].iter().take(70).copied()), "{encoding:?} from {id}");
            let end = id.saturating_add(1 << (id % 29));
            let expected = &ids[rank..rank + ids[rank..].partition_point(|other| *other < end)];
            let mut decoded = vec![77];
            assert_eq!(list.decode_range_into(id..end, &mut decoded), rank, "{encoding:?} position in {id}..{end}");
            assert_eq!(decoded[1..], *expected, "{encoding:?} in {id}..{end}");
        }
    }
}

/// `len` distinct ids below `universe`.
fn random_ids(random: &mut impl Rng, len: usize, universe: u32) -> Vec<u32> {
    let mut ids = BTreeSet::new();
    while ids.len() < len {
        ids.insert(random.random_range(0..universe));
    }
    ids.into_iter().collect()
}

/// Lists of every texture: spread, crowded, and runs here and there.
fn ids() -> impl Strategy<Value = Vec<u32>> {
    let sorted = |ids: BTreeSet<u32>| ids.into_iter().collect::<Vec<_>>();
    let spread = prop::collection::btree_set(any::<u32>(), 0..300).prop_map(sorted);
    let crowded = prop::collection::btree_set(0u32..2000, 0..1500).prop_map(sorted);
    let ordinary = prop::collection::btree_set(0u32..10_000_000, 0..900).prop_map(sorted);
    let runs = prop::collection::vec((any::<u32>(), 1u32..600), 0..12)
        .prop_map(|runs| {
            runs.into_iter().flat_map(|(start, len)| start..start.saturating_add(len)).collect::<BTreeSet<_>>()
        })
        .prop_map(sorted);
    let local = (prop::collection::btree_set(0u32..10_000_000, 0..200), window(), 1usize..20)
        .prop_map(|(mut ids, crowd, every)| {
            ids.extend(crowd.step_by(every));
            ids
        })
        .prop_map(sorted);
    prop_oneof![spread, crowded, ordinary, runs, local]
}

/// A stretch of ids, at either end of their range too.
fn window() -> impl Strategy<Value = std::ops::RangeInclusive<u32>> {
    let start = prop_oneof![Just(0), Just(u32::MAX - 3000), 0u32..10_000_000];
    (start, 100u32..3000).prop_map(|(start, len)| start..=start + len)
}

proptest! {
    #[test]
    fn a_list_is_the_vector_it_was_made_of(ids in ids(), probes in prop::collection::vec(any::<u32>(), 0..20)) {
        check(&ids, probes.into_iter());
    }

    #[test]
    fn arbitrary_bytes_never_panic(head in any::<u8>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        parse_arbitrary(&bytes);
        parse_arbitrary(&[&[head, 40], &bytes[..]].concat());
        parse_arbitrary(&[&[0x80 | head & 0x1f, 40, 30, 5, 100], &bytes[..]].concat());
        parse_arbitrary(&[&[0x40, 40, 0x3a, 0x30, 0, 0, 2, 0, 0, 0], &bytes[..]].concat());
    }

    #[test]
    fn damaged_lists_never_panic_and_are_never_longer_than_their_bytes(
        ids in ids(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        for encoding in ENCODINGS {
            let mut bytes = encoded(&ids, 0, encoding);
            for (at, value) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *value;
            }
            parse_arbitrary(&bytes);
            parse_arbitrary(&bytes[..cut.index(bytes.len())]);
            let len = List::parse(&bytes, 0).map_or(0, |list| list.len());
            prop_assert!(len <= bytes.len() * 8, "{} ids in {} bytes", len, bytes.len());
        }
    }
}

#[test]
fn long_lists_of_every_density_answer_as_their_vectors() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for (len, universe) in
        [(1000, 1100), (5000, 10_000_000), (30_000, 40_000), (100_000, 10_000_000), (70_000, u32::MAX)]
    {
        let ids = random_ids(&mut random, len, universe);
        let probes: Vec<u32> = (0..200).map(|_| random.random_range(0..universe)).collect();
        check(&ids, probes.into_iter());
    }
}

#[test]
fn long_lists_whose_ids_crowd_together_answer_as_their_vectors() {
    let crowd = 3_000_000..3_050_000;
    let ids: Vec<u32> =
        (0..20_000).map(|i| i * 100).chain(crowd).chain((0..2000).map(|i| 4_000_000 + i * 60_000)).collect();
    check(&ids, (0..2000).map(|i| i * 2111));
}

#[test]
fn the_ends_of_the_range_of_ids_fit() {
    check(&[0], [1, u32::MAX].into_iter());
    check(&[u32::MAX], [1, u32::MAX - 1].into_iter());
    check(&[0, u32::MAX], [1, u32::MAX - 1].into_iter());
    check(&(u32::MAX - 100_000..=u32::MAX).collect::<Vec<_>>(), [0, u32::MAX - 100_001].into_iter());
}

#[test]
fn the_worked_example_of_the_documentation_is_what_encoding_gives() {
    let bytes = encoded(&[2, 3, 5, 7, 11, 13, 24], 200, Encoding::Auto);
    assert_eq!(bytes, [0x22, 0xc8, 0x01, 0x07, 0xde, 0xc7, 0x56, 0x04]);
    let list = List::parse(&bytes, 100).expect("encoded just now");
    assert_eq!((list.version(), list.iter().collect()), (300, vec![2, 3, 5, 7, 11, 13, 24]));
}

#[test]
fn the_worked_example_of_a_window_is_what_encoding_gives() {
    let ids =
        [9, 700_000, 700_001, 700_002, 700_004, 700_005, 700_007, 700_008, 700_009, 700_011, 1_000_000, 1_300_000];
    let bytes = encoded(&ids, 0, Encoding::Auto);
    let head = [0x93, 0x0c, 0x09, 0xe0, 0xdc, 0x2a, 0x0c];
    let window = [0xb7, 0x0b];
    let rest = [0x09, 0x00, 0xa0, 0x11, 0x3a, 0x85, 0xf5, 0x2a];
    assert_eq!(bytes, [&head[..], &window, &rest].concat());
    check(&ids, [700_003, 700_006, 700_010, 700_012].into_iter());
}

#[test]
fn a_window_takes_less_than_packing_and_a_list_without_a_crowd_has_none() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for (far, crowd, step) in [(80, 120, 6), (10, 15, 40), (5000, 5000, 9), (1000, 30_000, 2), (3, 400, 1)] {
        let crowd = (0..crowd).map(|i| 5_000_000 + i * step + i % step);
        let ids: BTreeSet<u32> = random_ids(&mut random, far, 10_000_000).into_iter().chain(crowd).collect();
        let ids: Vec<u32> = ids.into_iter().collect();
        let [auto, packed] = [Encoding::Auto, Encoding::Packed].map(|encoding| encoded(&ids, 0, encoding));
        assert_eq!((auto[0] >> 6, packed[0] >> 6), (2, 0), "{far} far from the crowd");
        assert!(auto.len() < packed.len(), "{} bytes instead of {}", auto.len(), packed.len());
        check(&ids, (0..50).map(|i| 4_990_000 + i * 997));
    }
    for len in [5, 10, 20, 200, 3000] {
        let ids = random_ids(&mut random, len, 10_000_000);
        assert_eq!(encoded(&ids, 0, Encoding::Auto), encoded(&ids, 0, Encoding::Packed), "{len} spread ids");
    }
}

/// What a list is in bytes never changes, however long: told by a checksum, since the bytes are many.
#[test]
fn the_bytes_of_long_lists_are_those_of_the_first_release() {
    let sampled: Vec<u32> = (0..3000).map(|i| i * 3331 + i * i % 1009).collect();
    let crowd = (0..2000).map(|i| 12_000_000 + i * 7 + i % 5);
    let windowed: Vec<u32> = sampled.iter().copied().chain(crowd).chain([20_000_000, 30_000_000]).collect();
    let hub: Vec<u32> = (0..HUB_ENTRIES as u32).map(|i| i * 5 + i % 3).collect();
    let told = [(&sampled, 0), (&windowed, 2), (&hub, 1)].map(|(ids, form)| {
        let bytes = encoded(ids, 5, Encoding::Auto);
        assert_eq!(bytes[0] >> 6, form);
        check(ids, (0..100).map(|i| i * 123_457));
        (bytes.len(), crc32c::crc32c(&bytes))
    });
    assert_eq!(told, [(5132, 3_595_581_446), (6937, 316_509_163), (41_013, 849_669_143)]);
}

#[test]
fn an_emptied_list_keeps_its_version_and_an_untouched_one_has_no_bytes() {
    for encoding in ENCODINGS {
        let bytes = encoded(&[], 5, encoding);
        assert_eq!(bytes, [0x20, 5, 0]);
        let list = List::parse(&bytes, 10).expect("encoded just now");
        assert_eq!((list.len(), list.version(), list.validate()), (0, 15, Ok(())));
    }
    let untouched = List::parse(&[], 10).expect("no bytes are a list");
    assert_eq!((untouched.len(), untouched.version()), (0, 0));
    assert_eq!((untouched.first(), untouched.last(), untouched.rank(7)), (None, None, 0));
}

#[test]
fn a_roaring_list_is_readable_by_any_roaring_library_and_a_packed_one_is_not_called_roaring() {
    let ids: Vec<u32> = (0..HUB_ENTRIES as u32).map(|i| i * 3).collect();
    let bytes = encoded(&ids, 0, Encoding::Auto);
    let list = List::parse(&bytes, 0).expect("encoded just now");
    let portable = list.roaring_bytes().expect("a hub is roaring");
    assert!(RoaringBitmap::deserialize_from(portable).expect("a bitmap").into_iter().eq(ids.iter().copied()));
    let bytes = encoded(&ids, 0, Encoding::Packed);
    assert_eq!(List::parse(&bytes, 0).expect("encoded just now").roaring_bytes(), None);
}

#[test]
fn heads_that_nobody_writes_are_refused() {
    let refused = |bytes: &[u8]| List::parse(bytes, u64::MAX - 1).expect_err("nobody writes this");
    assert_eq!(refused(&[0xc0, 1, 1]), CorruptList::Form { head: 0xc0 });
    assert_eq!(refused(&[0x41, 1, 1]), CorruptList::Form { head: 0x41 });
    assert_eq!(refused(&[0x20, 0, 0]), CorruptList::Number, "a version that is the base's has no bytes");
    assert_eq!(refused(&[0x20, 2, 0]), CorruptList::Number, "the version overflows");
    assert_eq!(refused(&[0x00]), CorruptList::Number);
    assert_eq!(refused(&[0x00, 1]), CorruptList::Length);
    assert_eq!(refused(&[0x00, 0, 1]), CorruptList::Length);
    assert_eq!(refused(&[0x00, 1, 1, 0]), CorruptList::Length, "the last byte has the last one");
    assert_eq!(refused(&[0x1f, 1, 1, 0, 0, 0, 0x80, 1]), CorruptList::Length, "the id is past 32 bits");
}

#[test]
fn every_changed_bit_of_a_list_gives_another_list_or_an_error() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let spread = random_ids(&mut random, 700, 500_000);
    let [bitmap, sparse] = [(2, 300), (20, 200)].map(|(step, len)| {
        let crowd = (0..len).map(|i| 250_000 + i * step + i % step);
        random_ids(&mut random, 80, 250_000).into_iter().chain(crowd).chain([400_000, 499_999]).collect()
    });
    let lists = [(Encoding::Auto, bitmap), (Encoding::Auto, sparse)].into_iter();
    for (encoding, ids) in lists.chain(ENCODINGS.map(|encoding| (encoding, spread.clone()))) {
        let bytes = encoded(&ids, 3, encoding);
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let Ok(list) = List::parse(&changed, 0) else { continue };
            if list.validate().is_ok() {
                assert!(list.version() != 3 || !list.iter().eq(ids.iter().copied()), "{encoding:?} bit {bit}");
                parse_arbitrary(&changed);
            }
        }
    }
}
