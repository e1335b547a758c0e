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

/// The best of some candidates, best first; of those who score the same, the smaller vertex. Scores that a reader cannot tell
/// apart are the same.
pub(super) fn best(candidates: Vec<(f64, u32)>, top: usize) -> Vec<Scored> {
    let scored = |(score, vertex)| Scored { vertex, score: score as f32 };
    let mut candidates: Vec<Scored> = candidates.into_iter().map(scored).collect();
    if top < candidates.len() {
        candidates.select_nth_unstable_by(top, best_first);
        candidates.truncate(top);
    }
    candidates.sort_unstable_by(best_first);
    candidates
}

fn best_first(a: &Scored, b: &Scored) -> Ordering {
    b.score.total_cmp(&a.score).then(a.vertex.cmp(&b.vertex))
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

    #[test]
    fn scores_that_are_told_alike_are_equal() {
        let candidates = vec![(0.1 + f64::EPSILON, 7), (0.1, 4), (0.1 + 2.0 * f64::EPSILON, 9)];
        let vertices = |top| best(candidates.clone(), top).iter().map(|scored| scored.vertex).collect::<Vec<_>>();
        assert_eq!(vertices(2), [4, 7]);
        assert_eq!(vertices(3), [4, 7, 9]);
    }
}
