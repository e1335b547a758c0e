//! Threads that give way to everybody else.

use std::cell::RefCell;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::thread;
use std::time::{Duration, Instant};

/// Niceness, from -20 to 19: the higher, the less of a processor that others want.
const NICENESS: i32 = 19;

/// Lets the calling thread run when nobody else wants its processor. Without the system's consent a job is only less
/// considerate, so that it is not asked for.
///
/// A thread that is merely nice keeps its processor for some milliseconds when another wakes up; of the policy
/// `SCHED_IDLE` it loses it at once, and a processor that runs such a thread counts as free.
pub(crate) fn give_way() {
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy};
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let thread = thread_priority::thread_native_id();
        let _ = thread_priority::set_thread_priority_and_policy(thread, ThreadPriority::Min, idle);
    }
    // On Linux this is about the calling thread alone.
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

/// How long a thread computes before it looks whether others want its processor.
const STRETCH: Duration = Duration::from_micros(250);

/// The share of the time that others may take before they count: one in so many. The system's own threads take less.
const OTHERS_SHARE: u32 = 100;

/// The longest rest: what a thread computes in one go may take longer, and its readers should not wait for a job that sleeps.
const REST_MAX: Duration = Duration::from_millis(5);

thread_local! {
    static PACE: RefCell<Option<Pace>> = const { RefCell::new(None) };
}

/// Rests if others wanted the processor while the calling thread computed, for as long as it did. Asked between two pieces
/// of work.
///
/// A thread that wakes up has its processor at once, unless another's is at work there: it then waits in that one's queue, for
/// a slice of some milliseconds. A processor that falls idle takes it out of there; one that goes on with a thread of the
/// lowest priority does not.
pub(crate) fn rest() {
    PACE.with_borrow_mut(|pace| match pace {
        Some(pace) => pace.rest(),
        None => *pace = Some(Pace::begin()),
    });
}

/// How a thread took turns with others since its last rest.
#[derive(Debug)]
struct Pace {
    /// What the system tells of the thread, as long as it does.
    schedule: Option<File>,
    since: Instant,
    waited: Option<Duration>,
}

impl Pace {
    fn begin() -> Self {
        let schedule = File::open("/proc/thread-self/schedstat").ok();
        let waited = schedule.as_ref().and_then(waited);
        Pace { schedule, since: Instant::now(), waited }
    }

    fn rest(&mut self) {
        let time = self.since.elapsed();
        if time < STRETCH {
            return;
        }
        let before = self.waited;
        let waited = self.schedule.as_ref().and_then(waited);
        let waited = waited.zip(before).map(|(now, before)| now.saturating_sub(before));
        if let Some(rest) = rest_after(time, waited) {
            thread::sleep(rest);
        }
        // What it waited for its processor after the rest is nobody's wish.
        self.waited = self.schedule.as_ref().and_then(self::waited);
        self.since = Instant::now();
    }
}

/// How long the thread has waited for a processor in its life, though it could have run: the second of three figures.
fn waited(schedule: &File) -> Option<Duration> {
    let mut text = [0; 64];
    let read = schedule.read_at(&mut text, 0).ok()?;
    let nanos = std::str::from_utf8(&text[..read]).ok()?.split_ascii_whitespace().nth(1)?;
    nanos.parse().ok().map(Duration::from_nanos)
}

/// How long a thread rests after some time, of which it waited so much for others; where nobody knows, they count.
fn rest_after(time: Duration, waited: Option<Duration>) -> Option<Duration> {
    let computed = time.saturating_sub(waited.unwrap_or_default());
    let wanted = waited.is_none_or(|waited| waited * OTHERS_SHARE > time);
    wanted.then(|| computed.min(REST_MAX))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::{Run, RunOptions};

    /// `SCHED_IDLE`, as `/proc` has it.
    const IDLE: &str = "5";

    /// Niceness and policy of the calling thread: fields 19 and 41 of its state, of which the second is a name that may
    /// have spaces in it.
    fn state() -> Option<(String, String)> {
        let state = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
        let fields: Vec<&str> = state.rsplit_once(')')?.1.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).map(|field| (*field).to_owned());
        field(19).zip(field(41))
    }

    #[test]
    fn threads_of_low_priority_give_way_and_no_others() -> Result<(), Box<dyn Error>> {
        let before = state();
        let run = Run::new(RunOptions { threads: 2, low_priority: true, ..RunOptions::default() })?;
        assert_eq!(run.install(state), Some(("19".to_owned(), IDLE.to_owned())));
        let run = Run::new(RunOptions { threads: 2, ..RunOptions::default() })?;
        assert_eq!(run.install(state), before);
        assert_eq!(state(), before);
        Ok(())
    }

    #[test]
    fn a_thread_rests_as_long_as_it_computed_where_others_want_its_processor() {
        let millis = Duration::from_millis;
        let rest = |time, waited| rest_after(millis(time), waited);
        assert_eq!(rest(2, Some(Duration::ZERO)), None);
        assert_eq!(rest(2, Some(Duration::from_micros(20))), None);
        assert_eq!(rest(2, Some(Duration::from_micros(500))), Some(Duration::from_micros(1500)));
        assert_eq!(rest(2, None), Some(millis(2)));
        assert_eq!(rest(80, Some(millis(20))), Some(REST_MAX));
        assert_eq!(rest(2, Some(millis(3))), Some(Duration::ZERO));
    }

    #[test]
    fn the_system_tells_how_long_a_thread_waited() {
        let pace = Pace::begin();
        let (before, schedule) = (pace.waited.expect("told"), pace.schedule.expect("open"));
        assert!(waited(&schedule).expect("told") >= before);
    }
}
