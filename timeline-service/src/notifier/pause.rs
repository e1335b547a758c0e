//! What fails is tried again, less and less often.

use std::time::Duration;

/// The first pause: a service that restarts is back in about this time.
const SHORTEST: Duration = Duration::from_millis(50);
/// The longest one: how late a notification is at the most once all is well again.
const LONGEST: Duration = Duration::from_secs(10);

/// The pauses between attempts: each twice as long as the one before, up to a limit.
#[derive(Debug)]
pub(super) struct Pause {
    next: Duration,
}

impl Pause {
    pub(super) const fn new() -> Self {
        Pause { next: SHORTEST }
    }

    /// Something worked.
    pub(super) const fn reset(&mut self) {
        self.next = SHORTEST;
    }

    /// Whether nothing worked since the last pause.
    pub(super) fn repeats(&self) -> bool {
        self.next > SHORTEST
    }

    /// Waits.
    pub(super) async fn wait(&mut self) {
        tokio::time::sleep(self.take()).await;
    }

    fn take(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(LONGEST);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_begin_anew() {
        let mut pause = Pause::new();
        assert!(!pause.repeats());
        let pauses: Vec<_> = (0..12).map(|_| pause.take()).collect();
        assert_eq!(pauses[..3], [SHORTEST, SHORTEST * 2, SHORTEST * 4]);
        assert_eq!(pauses[10..], [LONGEST; 2]);
        assert!(pause.repeats());
        pause.reset();
        assert_eq!(pause.take(), SHORTEST);
    }
}
