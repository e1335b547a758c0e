//! Work that is done in any order, on all cores, and handed on in its own.

use std::collections::BTreeMap;
use std::thread;

use parking_lot::{Condvar, Mutex, MutexGuard};

struct State<T, E, F> {
    /// The next piece that nobody has begun; beyond all pieces once a thread has panicked.
    begun: usize,
    /// The next piece to hand on.
    next: usize,
    /// What those weigh that are begun and not handed on.
    pending: u64,
    done: BTreeMap<usize, T>,
    /// Taken while somebody hands on, so that nobody else waits for that.
    hand_on: Option<F>,
    failure: Option<E>,
}

/// Ends the other threads, which would wait for this one's result, when it panics; the panic goes on to the caller.
struct Panicking<'a, T, E, F> {
    state: &'a Mutex<State<T, E, F>>,
    advanced: &'a Condvar,
}

impl<T, E, F> Drop for Panicking<'_, T, E, F> {
    fn drop(&mut self) {
        self.state.lock().begun = usize::MAX;
        self.advanced.notify_all();
    }
}

/// Does pieces of work on `threads` threads, and hands the results on one at a time, in order. Of each piece it is known
/// what it weighs: while those that are begun and not handed on weigh `pending_max` or more, no other is begun. So one
/// that takes long does not keep the other threads from going on with those after it.
///
/// # Errors
///
/// The first that comes up; no piece is begun after it.
pub(crate) fn in_order<T: Send, E: Send>(
    threads: usize,
    weights: &[u64],
    pending_max: u64,
    work: impl Fn(usize) -> Result<T, E> + Sync,
    hand_on: impl FnMut(usize, T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let hand_on = Some(hand_on);
    let state = Mutex::new(State { begun: 0, next: 0, pending: 0, done: BTreeMap::new(), hand_on, failure: None });
    let advanced = Condvar::new();
    let worker = || {
        loop {
            let piece = {
                let mut state = state.lock();
                advanced.wait_while(&mut state, |state| {
                    state.failure.is_none() && state.begun < weights.len() && state.pending >= pending_max.max(1)
                });
                if state.failure.is_some() || state.begun >= weights.len() {
                    return;
                }
                state.begun += 1;
                state.pending += weights[state.begun - 1];
                state.begun - 1
            };
            let panicking = Panicking { state: &state, advanced: &advanced };
            let result = work(piece);
            let mut state = state.lock();
            match result {
                Ok(result) => drop(state.done.insert(piece, result)),
                Err(error) => drop(state.failure.get_or_insert(error)),
            }
            if let Some(mut hand_on) = state.hand_on.take() {
                while let (None, next) = (&state.failure, state.next)
                    && let Some(result) = state.done.remove(&next)
                {
                    if let Err(error) = MutexGuard::unlocked(&mut state, || hand_on(next, result)) {
                        state.failure.get_or_insert(error);
                    }
                    state.next += 1;
                    state.pending -= weights[next];
                    advanced.notify_all();
                }
                state.hand_on = Some(hand_on);
            }
            advanced.notify_all();
            drop(state);
            std::mem::forget(panicking);
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(worker))));
    state.into_inner().failure.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_come_in_order_whoever_is_done_first() {
        let mut handed_on = Vec::new();
        let slow_first = |piece: usize| {
            (0..(100 - piece) * 50).for_each(|_| thread::yield_now());
            Ok::<_, ()>(piece * 2)
        };
        in_order(4, &[1; 100], 8, slow_first, |piece, result| {
            handed_on.push((piece, result));
            Ok(())
        })
        .expect("no failure");
        assert_eq!(handed_on, (0..100).map(|piece| (piece, piece * 2)).collect::<Vec<_>>());
    }

    #[test]
    fn the_others_go_on_while_one_piece_takes_long_as_far_as_they_may() {
        let weights = [3, 1, 1, 1, 1, 1, 1, 1];
        let done = AtomicU64::new(0);
        let first_waits_for_all_that_may_be = |piece: usize| {
            while piece == 0 && done.load(Ordering::Relaxed) < 4 {
                thread::yield_now();
            }
            // Time for those who should not go on to do so.
            thread::sleep(Duration::from_millis(if piece == 0 { 50 } else { 0 }));
            done.fetch_add(1, Ordering::Relaxed);
            Ok::<_, ()>(done.load(Ordering::Relaxed))
        };
        let mut handed_on = 0;
        in_order(2, &weights, 7, first_waits_for_all_that_may_be, |piece, done| {
            // Pieces of seven in all were begun before the first was handed on, and none more.
            assert!(piece != 0 || done == 5, "{done}");
            handed_on += 1;
            Ok(())
        })
        .expect("no failure");
        assert_eq!(handed_on, weights.len());
    }

    #[test]
    fn the_others_go_on_while_a_result_is_handed_on() {
        let begun = AtomicU64::new(0);
        let work = |_| Ok::<_, &str>(begun.fetch_add(1, Ordering::Relaxed));
        let result = in_order(2, &[1; 10], 10, work, |piece, _| {
            let mut looks = 1_000;
            while piece == 0 && begun.load(Ordering::Relaxed) < 10 {
                thread::sleep(Duration::from_millis(10));
                looks -= 1;
                if looks == 0 {
                    return Err("nobody went on");
                }
            }
            Ok(())
        });
        assert_eq!(result, Ok(()));
    }

    #[test]
    fn a_failure_of_either_part_ends_it() {
        let failing = |piece| if piece == 7 { Err("work") } else { Ok(piece) };
        assert_eq!(in_order(3, &[1; 1_000], 6, failing, |_, _| Ok(())), Err("work"));
        let mut handed_on = 0;
        let result = in_order(3, &[1; 1_000], 6, Ok, |piece, _| {
            handed_on += 1;
            if piece == 5 { Err("hand on") } else { Ok(()) }
        });
        assert_eq!((result, handed_on), (Err("hand on"), 6));
        assert_eq!(in_order(3, &[], 6, failing, |_, _| Ok(())), Ok(()));
    }

    #[test]
    fn a_panic_of_either_part_ends_it_too() {
        let panicking = |piece: usize, at: usize| if piece == at { panic!("{piece}") } else { Ok::<_, ()>(piece) };
        for (work, hand_on) in [(7, 1_000), (1_000, 5)] {
            let run = || in_order(3, &[1; 1_000], 6, |i| panicking(i, work), |i, _| panicking(i, hand_on).map(drop));
            assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        }
    }
}
