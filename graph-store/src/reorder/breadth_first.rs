//! The order in which a search along edges meets everybody.

use std::cmp::Reverse;

use base::Direction;
use rayon::prelude::*;

use super::Adjacency;
use super::progress::{Cancelled, Progress};

/// Users from one report of progress to the next.
const REPORT_EVERY: usize = 1 << 14;

/// Everybody, in the order of the search: first the user with the most edges, then their neighbours in both directions,
/// whom they follow before who follows them, then the neighbours of these; and from anew where that ends.
pub(super) fn order(graph: &dyn Adjacency, progress: &Progress<'_>) -> Result<Vec<u32>, Cancelled> {
    let users = graph.users();
    let degree = |ids: &mut Vec<u32>, user: u32| {
        ids.clear();
        read_both(graph, user, ids);
        ids.len() as u32
    };
    let degrees: Vec<u32> = (0..users).into_par_iter().map_init(Vec::new, degree).collect();
    let mut starts: Vec<u32> = (0..users).collect();
    starts.par_sort_unstable_by_key(|user| (Reverse(degrees[*user as usize]), *user));
    drop(degrees);

    let mut met = vec![false; users as usize];
    let mut order: Vec<u32> = Vec::with_capacity(users as usize);
    let mut ids = Vec::new();
    let mut searched = 0;
    for start in starts {
        if !std::mem::replace(&mut met[start as usize], true) {
            order.push(start);
        }
        // Those who were met and not searched are the queue.
        while searched < order.len() {
            ids.clear();
            read_both(graph, order[searched], &mut ids);
            searched += 1;
            for id in &ids {
                if !std::mem::replace(&mut met[*id as usize], true) {
                    order.push(*id);
                }
            }
            if searched.is_multiple_of(REPORT_EVERY) {
                progress.advance(REPORT_EVERY as u64)?;
            }
        }
    }
    progress.advance((searched % REPORT_EVERY) as u64)?;
    Ok(order)
}

fn read_both(graph: &dyn Adjacency, user: u32, ids: &mut Vec<u32>) {
    graph.neighbours(user, Direction::Forward, ids);
    graph.neighbours(user, Direction::Reverse, ids);
}
