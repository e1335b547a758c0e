//! Feeds against plain lists.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::feeds::gone::Gone;

fn plain(id: u64) -> Entry {
    Entry::Plain { id: TweetId(id) }
}

fn built(ids: &[u64], covered_to: u64) -> Built {
    let about = About { covered_to: TweetId(covered_to), stamp: 1, ..About::default() };
    Built { words: ids.to_vec(), about }
}

/// Makes a feed; answers those that had to make room.
fn make(feeds: &Materialised, user: u32, built: Built, words_max: usize) -> Vec<(u32, Vec<u64>)> {
    let ticket = feeds.reserve(UserId(user), words_max).expect("nobody builds");
    let mut evicted = Vec::new();
    assert!(feeds.complete(&ticket, built, words_max, |user, built| evicted.push((user.0, built.words))));
    evicted
}

/// The ids of a feed, oldest first, and the place from which it is exact.
fn read(feeds: &Materialised, user: u32) -> Option<(Vec<u64>, u64)> {
    let mut words = Vec::new();
    let found = feeds.copy(UserId(user), &Versions::default(), &Gone::new(1).now(), 0, usize::MAX, &mut words);
    match found {
        Found::Ready(about) => Some((words, about.from.0)),
        _ => None,
    }
}

#[test]
fn what_is_delivered_while_a_feed_is_built_is_in_it_once() {
    let feeds = Materialised::new(1 << 20);
    let me = UserId(9);
    let ticket = feeds.reserve(me, 100).expect("nobody builds");
    assert!(feeds.reserve(me, 100).is_none(), "one builds");
    // 5 is in the view from which the feed is built, 7 came after it.
    for id in [5, 7] {
        assert_eq!(feeds.deliver(&[plain(id)], &[&[9]]), 1);
    }
    assert!(feeds.complete(&ticket, built(&[3, 5], 6), 100, |_, _| ()));
    assert_eq!(read(&feeds, 9), Some((vec![3, 5, 7], 0)));
    assert!(!feeds.complete(&ticket, built(&[], 9), 100, |_, _| ()), "nobody builds any more");
    let late = feeds.reserve(me, 100).expect("nobody builds");
    feeds.abandon(&late);
    feeds.reserve(me, 100).expect("nobody builds");
    assert!(!feeds.complete(&late, built(&[], 9), 100, |_, _| ()), "what came between the two would be missing");
}

#[test]
fn a_late_delivery_brings_nothing_back() {
    let feeds = Materialised::new(1 << 20);
    // 4 and 7 were deleted before the view of 7: the feed does not have them.
    make(&feeds, 1, built(&[2, 6], 7), 100);
    assert_eq!(feeds.deliver(&[4, 6, 7, 8].map(plain), &[&[1][..]; 4]), 1);
    assert_eq!(read(&feeds, 1), Some((vec![2, 6, 8], 0)));
}

#[test]
fn a_feed_that_overflowed_is_exact_from_its_oldest_entry() {
    let feeds = Materialised::new(1 << 20);
    make(&feeds, 1, built(&[1, 2], 2), 40);
    for id in 3..=50 {
        feeds.deliver(&[plain(id)], &[&[1]]);
    }
    assert_eq!(read(&feeds, 1), Some(((11..=50).collect(), 11)));
}

#[test]
fn feeds_for_other_lists_or_states_are_stale() {
    let feeds = Materialised::new(1 << 20);
    let mut one = built(&[1], 1);
    one.about.batch = 5;
    make(&feeds, 1, one, 10);
    let gone = Gone::new(1);
    let find = |versions: &Versions, gone: &Gone, batch| {
        feeds.copy(UserId(1), versions, &gone.now(), batch, 9, &mut Vec::new())
    };
    let (same, other) = (Versions::default(), Versions([base::Revision(1); 4]));
    assert!(matches!(find(&same, &gone, 5), Found::Ready(_)), "it stands for them");
    assert_eq!(find(&other, &gone, 5), Found::Stale);
    assert_eq!(find(&same, &gone, 4), Found::Newer);
    for id in 0..2 {
        gone.record(TweetId(id), 6);
        gone.turn();
    }
    assert_eq!(find(&same, &gone, 5), Found::Stale, "the epoch moved on twice");
}

proptest! {
    /// Feeds are the last entries delivered to them, whoever is evicted, and bytes are those of what is there.
    #[test]
    fn feeds_are_what_was_delivered(
        steps in prop::collection::vec((0_u32..40, 0..10), 1..200), bytes_max in 0_usize..9_000,
    ) {
        let feeds = Materialised::new(bytes_max);
        let mut model: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        for (id, (user, step)) in (1_u64..).zip(steps) {
            // Some are in the same part, some are not.
            let user = user * 17_000 % 131_072;
            match step {
                0 => {
                    prop_assert_eq!(feeds.remove(UserId(user)).map(|built| built.words), model.remove(&user));
                }
                1 | 2 => {
                    let evicted = make(&feeds, user, built(&[id], id), 64);
                    model.insert(user, vec![id]);
                    for (user, words) in evicted {
                        prop_assert_eq!(model.remove(&user), Some(words));
                    }
                }
                _ => {
                    let recipients: Vec<u32> = model.keys().copied().filter(|other| (other ^ user) % 3 > 0).chain([user]).collect();
                    let delivered = feeds.deliver(&[plain(id)], &[&recipients]);
                    let mut expected = 0;
                    for (user, ids) in &mut model {
                        if recipients.contains(user) {
                            ids.push(id);
                            let excess = ids.len().saturating_sub(64);
                            ids.drain(..excess);
                            expected += 1;
                        }
                    }
                    prop_assert_eq!(delivered, expected);
                }
            }
        }
        prop_assert_eq!(feeds.len(), model.len());
        for (user, ids) in &model {
            prop_assert_eq!(read(&feeds, *user).map(|feed| feed.0), Some(ids.clone()));
        }
        feeds.drain(|user, built| assert_eq!(model.remove(&user.0), Some(built.words)));
        prop_assert_eq!((feeds.len(), feeds.bytes()), (0, 0));
    }
}
