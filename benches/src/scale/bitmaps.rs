//! A map of bitmaps, as is often written: what it takes for some of the lists, and what it would take for all.

use std::collections::HashMap;

use anyhow::Result;
use base::{Direction, ListRef, Relation, UserId};
use roaring::RoaringBitmap;
use serde_json::{Map, Value};

use super::process::own_bytes;
use super::questions::Questions;
use super::{Scale, figures};

/// Users whose lists are taken.
const SAMPLE: usize = 200_000;

pub(super) fn bitmaps(scale: &Scale) -> Result<Map<String, Value>> {
    let store = scale.open()?;
    let people = Questions::new(store.users(), 3).people(SAMPLE.min(store.users() as usize));
    let mut bytes_per_edge = 0.0;
    // Both stay, since what a map gives up is not given back to the system, and would cost the next one nothing.
    let mut maps = Vec::new();
    for direction in Direction::ALL {
        let list = |user: UserId| ListRef { relation: Relation::Follow, direction, user };
        // What reading takes is taken before.
        let edges = people.iter().try_fold(0, |edges, user| anyhow::Ok(edges + store.ids(list(*user))?.len()))?;
        let before = own_bytes()?;
        let mut bitmaps: HashMap<u32, RoaringBitmap> = HashMap::with_capacity(people.len());
        for user in &people {
            bitmaps.insert(user.0, RoaringBitmap::from_sorted_iter(store.ids(list(*user))?)?);
        }
        bytes_per_edge += own_bytes()?.saturating_sub(before) as f64 / edges.max(1) as f64;
        maps.push(bitmaps);
    }
    drop(maps);
    store.close();
    Ok(figures([("roaring_map_bytes_per_edge", bytes_per_edge.into())]))
}
