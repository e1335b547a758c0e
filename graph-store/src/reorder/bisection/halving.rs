//! One halving: users change sides in pairs until no pair gains by it.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use super::super::progress::{Cancelled, Progress};

/// How often users may change sides.
const ROUNDS_MAX: usize = 20;
/// Users whose gains one thread finds at a stretch.
const STRETCH: usize = 256;
/// From so many users on every round asks whether to go on.
const REPORT_MIN: usize = 1 << 14;
/// Costs that are looked up.
const TABLE_LEN: usize = 4096;

/// Some users, each at a *place* from 0 on, and the lists that they are in.
pub(super) trait Members: Sync {
    /// The lists that a user is in; `ids` is room for them.
    fn lists_of<'a>(&'a self, place: usize, ids: &'a mut Vec<u32>) -> &'a [u32];
}

/// Users in two halves.
pub(super) struct Halves {
    /// The left half and then the right one, each in the order of the places.
    pub(super) places: Vec<u32>,
    /// Of each list, how many of its members are left and how many are right.
    pub(super) members: Vec<[AtomicU32; 2]>,
}

/// Halves so many users, who are in lists below `lists`. The left half is the smaller one.
pub(super) fn halve<M: Members>(
    users: &M,
    len: usize,
    lists: usize,
    progress: &Progress<'_>,
) -> Result<Halves, Cancelled> {
    // There are no more users than ids.
    let mut halves = Halves { places: (0..len as u32).collect(), members: Vec::new() };
    halves.members.resize_with(lists, Default::default);
    halves.places.par_iter().with_min_len(STRETCH).enumerate().for_each_init(Vec::new, |ids, (at, place)| {
        for list in users.lists_of(*place as usize, ids) {
            halves.members[*list as usize][usize::from(at >= len / 2)].fetch_add(1, Ordering::Relaxed);
        }
    });
    for _ in 0..ROUNDS_MAX {
        let pairs = halves.exchange(users);
        if len >= REPORT_MIN {
            progress.check()?;
        }
        if pairs == 0 {
            break;
        }
    }
    let (left, right) = halves.places.split_at_mut(len / 2);
    left.par_sort_unstable();
    right.par_sort_unstable();
    Ok(halves)
}

impl Halves {
    /// Exchanges users one for one, as long as a pair gains; answers how many pairs did.
    fn exchange<M: Members>(&mut self, users: &M) -> usize {
        let members = &self.members;
        let middle = self.places.len() / 2;
        let (left, right) = self.places.split_at_mut(middle);
        let [leaving, coming] = [(&*left, 0), (&*right, 1)].map(|(places, side)| {
            let gain_of = |ids: &mut Vec<u32>, place: &u32| {
                let lists = users.lists_of(*place as usize, ids).iter();
                // Not `sum`, which begins with -0.0: who is in no list would be behind who gains nothing.
                lists.fold(0.0f32, |sum, list| sum + gain(&members[*list as usize], side))
            };
            let gains = places.par_iter().with_min_len(STRETCH).map_init(Vec::new, gain_of);
            let mut moves: Vec<(f32, u32)> = gains.zip(0..places.len() as u32).collect();
            moves.par_sort_unstable_by(|(gain, at), (other, other_at)| other.total_cmp(gain).then(at.cmp(other_at)));
            moves
        });
        let gaining = leaving.iter().zip(&coming).take_while(|((leaving, _), (coming, _))| leaving + coming > 0.0);
        let pairs: Vec<(u32, u32)> = gaining.map(|((_, left), (_, right))| (*left, *right)).collect();
        let change_sides = |ids: &mut Vec<u32>, place: u32, from: usize| {
            for list in users.lists_of(place as usize, ids) {
                members[*list as usize][from].fetch_sub(1, Ordering::Relaxed);
                members[*list as usize][1 - from].fetch_add(1, Ordering::Relaxed);
            }
        };
        pairs.par_iter().with_min_len(STRETCH).for_each_init(Vec::new, |ids, (at_left, at_right)| {
            change_sides(ids, left[*at_left as usize], 0);
            change_sides(ids, right[*at_right as usize], 1);
        });
        for (at_left, at_right) in &pairs {
            std::mem::swap(&mut left[*at_left as usize], &mut right[*at_right as usize]);
        }
        pairs.len()
    }
}

/// The bits that a list saves when one of its members leaves this side for the other.
#[inline]
fn gain(members: &[AtomicU32; 2], side: usize) -> f32 {
    let here = members[side].load(Ordering::Relaxed);
    let there = members[1 - side].load(Ordering::Relaxed);
    bits_of_one_more(there) - bits_of_one_more(here.saturating_sub(1))
}

/// By how much c(k) = k log2(k + 1) grows from `k` to `k` + 1. As both halves have as many users, the rest of the cost,
/// a log2(n), stays the same whoever moves, and what k members in a half take falls as c(k) rises.
#[inline]
fn bits_of_one_more(k: u32) -> f32 {
    match TABLE.get(k as usize) {
        Some(bits) => *bits,
        None => computed_bits_of_one_more(k),
    }
}

static TABLE: LazyLock<Vec<f32>> = LazyLock::new(|| (0..TABLE_LEN as u32).map(computed_bits_of_one_more).collect());

fn computed_bits_of_one_more(k: u32) -> f32 {
    // By `libm`, so that the result is the same on every machine.
    let c = |k: f64| k * libm::log2(k + 1.0);
    (c(f64::from(k) + 1.0) - c(f64::from(k))) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gain_is_the_difference_of_the_costs() {
        let half = 1000.0_f64;
        let cost = |left: u32, right: u32| {
            [left, right].map(f64::from).map(|members| members * (half / (members + 1.0)).log2()).iter().sum::<f64>()
        };
        for (left, right) in [(1, 0), (1, 1), (5, 0), (3, 17), (200, 4), (5000, 6000)] {
            let found = gain(&[left, right].map(AtomicU32::new), 0);
            let expected = cost(left, right) - cost(left - 1, right + 1);
            assert!((f64::from(found) - expected).abs() < 1e-3, "{left} and {right}: {found}, not {expected}");
            assert_eq!(found, gain(&[right, left].map(AtomicU32::new), 1), "{left} and {right}, mirrored");
        }
    }
}
