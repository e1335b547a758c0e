//! How full the overlay is, and what that asks of writers and of the compactor.
//!
//! ```text
//! 0                    1/2           3/4            bound
//! ├─────────────────────┼─────────────┼───────────────┤
//!       nothing to do      compaction     writes slow     writes wait,
//!                          at its pace    down, compaction    then are refused
//!                                         at full speed
//! ```
//!
//! Writes slow down with the square of the way from three quarters to the bound, so that the rate at which they come
//! settles where compaction keeps up, instead of stopping and starting.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// What a change costs its writer where the overlay is all but full.
const DELAY_PER_CHANGE_MAX: Duration = Duration::from_micros(400);
/// What one group is held back at the most, whatever its size.
const DELAY_MAX: Duration = Duration::from_millis(100);

/// How many bytes the overlay takes, of how many that it may.
#[derive(Debug)]
pub(super) struct Pressure {
    bound: usize,
    bytes: AtomicUsize,
    freed: Condvar,
    /// Guards nothing: who waits for room must not miss that there is some.
    turn: Mutex<()>,
}

impl Pressure {
    pub(super) fn new(bound: usize) -> Self {
        Pressure { bound, bytes: AtomicUsize::new(0), freed: Condvar::new(), turn: Mutex::new(()) }
    }

    pub(super) fn bound(&self) -> usize {
        self.bound
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// So many bytes more are taken.
    pub(super) fn grow(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// So many bytes are free again.
    pub(super) fn free(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        let _turn = self.turn.lock();
        self.freed.notify_all();
    }

    /// Whether slots should be compacted.
    pub(super) fn wants_compaction(&self) -> bool {
        self.bytes() > 0 && self.bytes() >= self.bound / 2
    }

    /// Whether compaction should use all that the disk can give.
    pub(super) fn is_urgent(&self) -> bool {
        self.bytes() >= self.slow_from()
    }

    /// How long a group of so many changes is to be held back.
    pub(super) fn delay(&self, changes: usize) -> Duration {
        let over = self.bytes().saturating_sub(self.slow_from()) as f64;
        let share = (over / (self.bound - self.slow_from()).max(1) as f64).min(1.0);
        DELAY_PER_CHANGE_MAX.mul_f64(share * share * changes as f64).min(DELAY_MAX)
    }

    /// Waits until there is room, and says whether there is.
    pub(super) fn wait_for_room(&self, at_most: Duration) -> bool {
        let deadline = Instant::now() + at_most;
        let mut turn = self.turn.lock();
        while self.bytes() >= self.bound {
            if self.freed.wait_until(&mut turn, deadline).timed_out() {
                return self.bytes() < self.bound;
            }
        }
        true
    }

    fn slow_from(&self) -> usize {
        self.bound / 4 * 3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_slow_down_smoothly_from_three_quarters_and_stop_at_the_bound() {
        let pressure = Pressure::new(4_000);
        let mut before = Duration::ZERO;
        for filled in (0..4_000).step_by(100) {
            assert_eq!(pressure.wants_compaction(), filled >= 2_000, "{filled}");
            assert_eq!(pressure.is_urgent(), filled >= 3_000, "{filled}");
            assert!(pressure.wait_for_room(Duration::ZERO), "{filled}");
            let delay = pressure.delay(100);
            assert!(if filled <= 3_000 { delay.is_zero() } else { delay > before }, "{filled}: {delay:?}");
            before = delay;
            pressure.grow(100);
        }
        assert_eq!(pressure.delay(100), DELAY_PER_CHANGE_MAX * 100);
        assert_eq!(pressure.delay(1_000_000), DELAY_MAX);
        assert!(!pressure.wait_for_room(Duration::ZERO));
        pressure.free(1);
        assert!(pressure.wait_for_room(Duration::ZERO));
    }

    #[test]
    fn who_waits_for_room_is_woken_when_there_is_some() {
        let pressure = Pressure::new(10);
        pressure.grow(10);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| pressure.wait_for_room(Duration::from_secs(60)));
            pressure.free(10);
            assert!(waiting.join().expect("no panic"));
        });
    }
}
