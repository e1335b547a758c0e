//! What fails is tried again, less and less often.

use std::time::Duration;

/// The first pause: a service that restarts is back in about this time.
const SHORTEST: Duration = Duration::from_millis(50);
/// The pause before which an outage is no hiccup any more: a restart of the graph, or the end of this process, is shorter.
const NOTABLE: Duration = SHORTEST.saturating_mul(32);
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

    /// Whether it is time to say that nothing works: once for each outage.
    pub(super) fn is_notable(&self) -> bool {
        self.next == NOTABLE
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
        let mut notable = 0;
        let mut take = || {
            notable += u32::from(pause.is_notable());
            pause.take()
        };
        let pauses: Vec<_> = (0..12).map(|_| take()).collect();
        assert_eq!(pauses[..3], [SHORTEST, SHORTEST * 2, SHORTEST * 4]);
        assert_eq!(pauses[10..], [LONGEST; 2]);
        assert_eq!(notable, 1);
        pause.reset();
        assert_eq!(pause.take(), SHORTEST);
    }
}
