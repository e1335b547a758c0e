//! One core for the server and another for who asks it.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The first and the last core that this process may use, which are the same where there is only one.
pub fn two() -> rustix::io::Result<(usize, usize)> {
    let allowed = sched_getaffinity(None)?;
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    let first = cores.next().unwrap_or_default();
    Ok((first, cores.next_back().unwrap_or(first)))
}

/// Keeps this thread, and those that it starts, on one core.
pub fn pin(core: usize) -> rustix::io::Result<()> {
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only)
}
