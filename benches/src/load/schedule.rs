//! When each request is to start.

use std::time::Duration;

/// Requests at a constant rate, whatever becomes of those before them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Schedule {
    /// Requests a second.
    pub rate: f64,
    /// How long they come before the first one counts.
    pub warm_up: Duration,
    /// How long those come that count.
    pub time: Duration,
}

impl Schedule {
    /// How many requests there are.
    pub fn len(&self) -> u64 {
        (self.rate * (self.warm_up + self.time).as_secs_f64()) as u64
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When a request is to start, from the start of the first.
    pub fn due(&self, number: u64) -> Duration {
        Duration::from_secs_f64(number as f64 / self.rate)
    }

    /// Whether a request counts.
    pub fn counts(&self, number: u64) -> bool {
        self.due(number) >= self.warm_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_evenly_apart_and_those_of_the_warm_up_do_not_count() {
        let schedule = Schedule { rate: 250.0, warm_up: Duration::from_secs(2), time: Duration::from_secs(8) };
        assert_eq!(schedule.len(), 2500);
        assert_eq!((schedule.due(0), schedule.due(1)), (Duration::ZERO, Duration::from_millis(4)));
        assert_eq!(schedule.due(2499), Duration::from_millis(9996));
        assert_eq!((0..2500).filter(|number| schedule.counts(*number)).count(), 2000);
        assert!(!schedule.counts(499) && schedule.counts(500));
    }

    #[test]
    fn a_long_run_does_not_drift() {
        let schedule = Schedule { rate: 3.0, warm_up: Duration::ZERO, time: Duration::from_secs(1_000_000) };
        assert_eq!(schedule.due(3_000_000), Duration::from_secs(1_000_000));
    }
}
