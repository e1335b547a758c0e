//! Work that is done in any order, on all cores, and handed on in its own.

use std::collections::BTreeMap;
use std::thread;

use parking_lot::{Condvar, Mutex};

/// Results that may wait for an earlier one, for each thread.
const AHEAD_PER_THREAD: usize = 2;

struct State<T, E, F> {
    /// The next piece that nobody has begun; beyond all pieces once a thread has panicked.
    begun: usize,
    /// The next piece to hand on.
    next: usize,
    done: BTreeMap<usize, T>,
    hand_on: F,
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

/// Does the pieces of work from 0 to `count` on `threads` threads, and hands the results on one at a time, in order.
///
/// # Errors
///
/// The first that comes up; no piece is begun after it.
pub(crate) fn in_order<T: Send, E: Send>(
    threads: usize,
    count: usize,
    work: impl Fn(usize) -> Result<T, E> + Sync,
    hand_on: impl FnMut(usize, T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let ahead = threads * AHEAD_PER_THREAD;
    let state = Mutex::new(State { begun: 0, next: 0, done: BTreeMap::new(), hand_on, failure: None });
    let advanced = Condvar::new();
    let worker = || {
        loop {
            let piece = {
                let mut state = state.lock();
                advanced.wait_while(&mut state, |state| {
                    state.failure.is_none() && state.begun < count && state.begun >= state.next + ahead
                });
                if state.failure.is_some() || state.begun >= count {
                    return;
                }
                state.begun += 1;
                state.begun - 1
            };
            let panicking = Panicking { state: &state, advanced: &advanced };
            let result = work(piece);
            std::mem::forget(panicking);
            let state = &mut *state.lock();
            match result {
                Ok(result) => drop(state.done.insert(piece, result)),
                Err(error) => drop(state.failure.get_or_insert(error)),
            }
            while let (None, Some(result)) = (&state.failure, state.done.remove(&state.next)) {
                state.failure = (state.hand_on)(state.next, result).err();
                state.next += 1;
            }
            advanced.notify_all();
        }
    };
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(worker))));
    state.into_inner().failure.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whoever_is_done_first() {
        let mut handed_on = Vec::new();
        let slow_first = |piece: usize| {
            (0..(100 - piece) * 50).for_each(|_| thread::yield_now());
            Ok::<_, ()>(piece * 2)
        };
        in_order(4, 100, slow_first, |piece, result| {
            handed_on.push((piece, result));
            Ok(())
        })
        .expect("no failure");
        assert_eq!(handed_on, (0..100).map(|piece| (piece, piece * 2)).collect::<Vec<_>>());
    }

    #[test]
    fn a_failure_of_either_part_ends_it() {
        let failing = |piece| if piece == 7 { Err("work") } else { Ok(piece) };
        assert_eq!(in_order(3, 1_000, failing, |_, _| Ok(())), Err("work"));
        let mut handed_on = 0;
        let result = in_order(3, 1_000, Ok, |piece, _| {
            handed_on += 1;
            if piece == 5 { Err("hand on") } else { Ok(()) }
        });
        assert_eq!((result, handed_on), (Err("hand on"), 6));
        assert_eq!(in_order(3, 0, failing, |_, _| Ok(())), Ok(()));
    }
}
