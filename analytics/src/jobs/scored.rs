//! The best of many.

use std::cmp::Ordering;

/// Somebody, and how much speaks for them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Scored {
    /// Who.
    pub vertex: u32,
    /// What it measures is the job's affair; more is better.
    pub score: f32,
}

/// The best of some candidates, best first; of those who score the same, the smaller vertex.
pub(super) fn best(mut candidates: Vec<(f64, u32)>, top: usize) -> Vec<Scored> {
    if top < candidates.len() {
        candidates.select_nth_unstable_by(top, best_first);
        candidates.truncate(top);
    }
    candidates.sort_unstable_by(best_first);
    candidates.into_iter().map(|(score, vertex)| Scored { vertex, score: score as f32 }).collect()
}

fn best_first((a_score, a): &(f64, u32), (b_score, b): &(f64, u32)) -> Ordering {
    b_score.total_cmp(a_score).then(a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_first_and_the_smaller_among_equals() {
        let candidates = vec![(1.0, 7), (3.0, 4), (2.0, 9), (2.0, 1), (0.5, 0)];
        let vertices = |top| best(candidates.clone(), top).iter().map(|scored| scored.vertex).collect::<Vec<_>>();
        assert_eq!(vertices(3), [4, 1, 9]);
        assert_eq!(vertices(9), [4, 1, 9, 7, 0]);
        assert_eq!(vertices(0), [0; 0]);
    }
}
