//! Threads that give way to everybody else.

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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::error::Error;

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
}
