//! A timer for moments that are closer together than a millisecond, to which the runtime's own are rounded.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use rustix::time::{timerfd_create, timerfd_settime};
use tokio::io::unix::AsyncFd;

/// Waits for one moment at a time.
#[derive(Debug)]
pub(super) struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    #[expect(
        deprecated,
        reason = "what took its place is unsafe; an `OwnedFd` never changes its descriptor, and is safe in both"
    )]
    pub(super) fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Timer(AsyncFd::new(timer)?))
    }

    /// Returns once a moment has come, at once where it is past.
    pub(super) async fn until(&self, moment: Instant) -> io::Result<()> {
        loop {
            let left = moment.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let nothing = Timespec { tv_sec: 0, tv_nsec: 0 };
            let after = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            let once = Itimerspec { it_interval: nothing, it_value: after };
            timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
            let mut expired = self.0.readable().await?;
            // An error is that it has not expired: the readiness was that of a moment before.
            let _ = expired.try_io(|timer| Ok(rustix::io::read(timer, &mut [0; 8])?));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn no_moment_comes_too_early() {
        let timer = Timer::new().expect("the system has timers");
        for micros in [0, 200, 50, 1500, 1] {
            let moment = Instant::now() + Duration::from_micros(micros);
            timer.until(moment).await.expect("the timer goes");
            assert!(Instant::now() >= moment);
        }
    }
}
