//! What must stay on the disk while somebody copies it.
//!
//! A compaction removes the files that it has replaced and trims the log behind them. While a copy is under way, both
//! wait: files are noted and removed with the last pin, and the log is kept from the oldest pinned revision on. Should
//! the process end before, the next open removes the files as what nothing names.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base::Revision;
use parking_lot::Mutex;

/// Which revisions are being copied, and the files that wait to be removed.
#[derive(Debug, Default)]
pub(super) struct Pins(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many copies need the log after each revision.
    log_after: BTreeMap<Revision, usize>,
    waiting: Vec<PathBuf>,
}

impl Pins {
    /// Keeps every file that is there, and the log after a revision.
    pub(super) fn pin(&self, log_after: Revision) {
        *self.0.lock().log_after.entry(log_after).or_default() += 1;
    }

    /// Takes a pin back; answers the files that nobody keeps any more.
    pub(super) fn unpin(&self, log_after: Revision) -> Vec<PathBuf> {
        let mut state = self.0.lock();
        if let Some(pins) = state.log_after.get_mut(&log_after) {
            *pins -= 1;
            if *pins == 0 {
                state.log_after.remove(&log_after);
            }
        }
        if state.log_after.is_empty() { std::mem::take(&mut state.waiting) } else { Vec::new() }
    }

    /// Those of these files that can go at once; where something is pinned, they go with the last pin.
    pub(super) fn removable(&self, obsolete: &[PathBuf]) -> Vec<PathBuf> {
        let mut state = self.0.lock();
        if state.log_after.is_empty() {
            return obsolete.to_vec();
        }
        state.waiting.extend_from_slice(obsolete);
        Vec::new()
    }

    /// How far the log may be trimmed, at the most to `needed`.
    pub(super) fn trimmable(&self, needed: Revision) -> Revision {
        self.0.lock().log_after.keys().next().map_or(needed, |pinned| needed.min(*pinned))
    }
}
