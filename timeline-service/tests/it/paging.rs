//! Pages stay whole while others write. Between any two pages of a walk through a feed anything may happen; whatever does, no
//! entry comes twice, and none is skipped that is in the feed all along. What is in the feed, the model says.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use proto::timeline::FeedMode;

use crate::feeds::USERS;
use crate::model::Model;
use crate::modes::{MODES, a_move, settings, take};
use crate::support::{Harness, page};

/// Somebody on their way through their feed, down or up.
#[derive(Debug)]
struct Walk {
    user: u32,
    mode: FeedMode,
    is_down: bool,
    cursor: String,
    /// What the next page is older than, or newer on the way up.
    place: u64,
    seen: BTreeSet<u64>,
    /// What lay ahead when the walk began and has been in the feed ever since.
    standing: BTreeSet<u64>,
}

impl Walk {
    /// Down from the top of a feed.
    fn begin(user: u32, mode: FeedMode, feed: BTreeSet<u64>) -> Self {
        Walk {
            user,
            mode,
            is_down: true,
            cursor: String::new(),
            place: u64::MAX,
            seen: BTreeSet::new(),
            standing: feed,
        }
    }

    /// Reads the next page. At the end, or where it is told to turn, the way back begins: another walk.
    async fn go_on(&mut self, harness: &Harness, model: &Model, limit: u32, turns: bool) -> Result<(), TestCaseError> {
        let feed = feed(harness, model, self.user);
        let response = harness.home_by(self.mode, self.user, page(limit, &self.cursor)).await.expect("a page");
        let ids: Vec<u64> = response.entries.iter().map(|entry| entry.id).collect();
        prop_assert!(ids.is_sorted_by(|newer, older| newer > older), "newest first: {:?} of {:?}", ids, self);
        for id in &ids {
            prop_assert!(feed.contains(id), "{} is not in the feed: {:?}", id, self);
            prop_assert!(self.seen.insert(*id), "{} comes twice: {:?}", id, self);
        }
        // An empty page lies right beside the place.
        let newest = ids.first().copied().unwrap_or(self.place.saturating_sub(1));
        let oldest = ids.last().copied().unwrap_or(self.place.saturating_add(1));
        let (onward, back, end, begin) = match self.is_down {
            true => (response.next_cursor, response.prev_cursor, oldest, newest),
            false => (response.prev_cursor, response.next_cursor, newest, oldest),
        };
        let is_passed = |id: u64| onward.is_empty() || if self.is_down { id >= end } else { id <= end };
        let skipped = self.standing.iter().find(|id| is_passed(**id) && !self.seen.contains(*id));
        prop_assert_eq!(skipped, None, "skipped by {:?}", self);
        if !onward.is_empty() && !turns {
            (self.cursor, self.place) = (onward, end);
            return Ok(());
        }
        let is_back = |id: &u64| if self.is_down { *id > begin } else { *id < begin };
        let standing: BTreeSet<u64> = feed.iter().copied().filter(is_back).collect();
        prop_assert_eq!(back.is_empty(), standing.is_empty(), "the way back of {:?}", self);
        *self = match back.is_empty() {
            true => Walk::begin(self.user, self.mode, feed),
            false => Walk {
                is_down: !self.is_down,
                cursor: back,
                place: begin,
                standing,
                ..Walk::begin(self.user, self.mode, feed)
            },
        };
        Ok(())
    }
}

/// The ids of the entries in somebody's feed.
fn feed(harness: &Harness, model: &Model, user: u32) -> BTreeSet<u64> {
    let edges = harness.graph.0.lock().clone();
    model.home(user, &edges).iter().map(|place| place.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn while_others_write_no_entry_comes_twice_and_none_is_skipped(
        settings in settings(),
        before in prop::collection::vec(a_move(), 20..80),
        rounds in prop::collection::vec((prop::collection::vec(a_move(), 0..5), prop::bool::weighted(0.1)), 10..40),
        limit in 1_u32..4,
    ) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut harness = Harness::with(settings);
            let mut model = Model::default();
            for next in before {
                take(next, &mut harness, &mut model).await?;
            }
            let everybody = (0..USERS).flat_map(|user| MODES.map(|mode| (user, mode)));
            let begin = |(user, mode)| Walk::begin(user, mode, feed(&harness, &model, user));
            let mut walks: Vec<Walk> = everybody.map(begin).collect();
            for (moves, turns) in rounds {
                for walk in &mut walks {
                    walk.go_on(&harness, &model, limit, turns).await?;
                }
                for next in moves {
                    take(next, &mut harness, &mut model).await?;
                    for walk in &mut walks {
                        let feed = feed(&harness, &model, walk.user);
                        walk.standing.retain(|id| feed.contains(id));
                    }
                }
            }
            Ok::<(), TestCaseError>(())
        })?;
    }
}
