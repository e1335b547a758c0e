//! Threads that give way to everybody else.

use std::cell::Cell;
use std::fs;
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

/// How long it takes until a thread looks whether others want its processor: some microseconds of work.
const STRETCH: Duration = Duration::from_micros(500);

/// The share of a thread's time that others may take before they count: one in so many. The system's own threads take less.
const OTHERS_SHARE: u32 = 100;

/// The longest rest: nobody who waits for a job should wait for one that sleeps.
const REST_MAX: Duration = Duration::from_millis(5);

thread_local! {
    static TURN: Cell<Option<Turn>> = const { Cell::new(None) };
}

/// Rests if others wanted the processor while the calling thread computed, for as long as it did. Asked between two pieces
/// of work.
///
/// A thread that wakes up has its processor at once, unless another's is at work there: it then waits in that one's queue, for
/// a slice of some milliseconds. A processor that falls idle takes it out of there; one that goes on with a thread of the
/// lowest priority does not.
pub(crate) fn rest() {
    let Some(turn) = TURN.get() else { return TURN.set(Some(Turn::begin())) };
    let time = turn.since.elapsed();
    if time < STRETCH {
        return;
    }
    let waited = waited().zip(turn.waited_before).map(|(now, before)| now.saturating_sub(before));
    if let Some(rest) = rest_after(time, waited) {
        thread::sleep(rest);
    }
    // What the thread waits for its processor after a rest is nobody's wish.
    TURN.set(Some(Turn::begin()));
}

/// What a thread does between two looks at others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Turn {
    since: Instant,
    /// How long it had waited before in its life.
    waited_before: Option<Duration>,
}

impl Turn {
    fn begin() -> Self {
        Turn { since: Instant::now(), waited_before: waited() }
    }
}

/// How long the calling thread has waited for a processor in its life, though it could have run; none where the system does
/// not tell.
fn waited() -> Option<Duration> {
    waited_of(&fs::read_to_string("/proc/thread-self/schedstat").ok()?)
}

/// Nanoseconds with a processor and without, and how often it was given one: not once, by a system that does not count.
fn waited_of(schedule: &str) -> Option<Duration> {
    let fields: Vec<u64> = schedule.split_ascii_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    match fields[..] {
        [_, waited, turns] if turns > 0 => Some(Duration::from_nanos(waited)),
        _ => None,
    }
}

/// How long a thread rests after some time, of which it waited so much for a processor; where nobody knows, others wanted it.
fn rest_after(time: Duration, waited: Option<Duration>) -> Option<Duration> {
    let wanted = waited.is_none_or(|waited| waited * OTHERS_SHARE > time);
    wanted.then(|| time.saturating_sub(waited.unwrap_or_default()).min(REST_MAX))
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
        let micros = Duration::from_micros;
        let rest = |time, waited| rest_after(micros(time), Some(micros(waited)));
        assert_eq!(rest(2000, 0), None);
        assert_eq!(rest(2000, 20), None);
        assert_eq!(rest(2000, 21), Some(micros(1979)));
        assert_eq!(rest(80_000, 20_000), Some(REST_MAX));
        assert_eq!(rest_after(micros(900), None), Some(micros(900)));
    }

    #[test]
    fn the_system_tells_of_each_thread_how_long_it_awaited_a_processor() {
        assert_eq!(waited_of("343809 17 3\n"), Some(Duration::from_nanos(17)));
        for untold in ["0 0 0\n", "", "343809 17", "a b c"] {
            assert_eq!(waited_of(untold), None, "{untold:?}");
        }
        assert!(waited().is_some());
    }

    #[test]
    fn jobs_of_low_priority_rest_between_two_pieces_of_work_and_no_others() -> Result<(), Box<dyn Error>> {
        for low_priority in [true, false] {
            let run = Run::new(RunOptions { threads: 1, low_priority, ..RunOptions::default() })?;
            let since = Instant::now().checked_sub(STRETCH).ok_or("the machine has just started")?;
            let long_ago = Some(Turn { since, waited_before: None });
            let has_rested = run.install(|| {
                TURN.set(long_ago);
                run.check().map(|()| TURN.get() != long_ago)
            })?;
            assert_eq!(has_rested, low_priority);
        }
        Ok(())
    }
}
