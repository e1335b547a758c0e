//! Where in the data folder each service keeps what is its own.

use std::path::{Path, PathBuf};

/// The folders of the services, in the order in which the services stop.
pub(crate) const NAMES: [&str; 3] = ["accounts", "timeline", "graph"];

/// Accounts, profiles and sessions.
pub(crate) fn accounts(data: &Path) -> PathBuf {
    data.join(NAMES[0])
}

/// Tweets.
pub(crate) fn timeline(data: &Path) -> PathBuf {
    data.join(NAMES[1])
}

/// What long analytics jobs have so far.
pub(crate) fn analytics(data: &Path) -> PathBuf {
    data.join("analytics")
}

/// The follow graph.
pub(crate) fn graph(data: &Path) -> PathBuf {
    data.join(NAMES[2])
}
