//! The results of analytics jobs that the service answers from: ranks, and whom to suggest.
//!
//! Each is one file beside the segments, the latest of its kind, and read where it lies. It is a copy of a computation and
//! can be computed again, so it is in no manifest and no backup, and a damaged one is the same as none: the log says so when
//! the store is opened, and a check of the store as often as it is asked.
//!
//! - [`Ranks`]: a number for each user.
//! - [`Suggestions`]: other users for each, best first.
//! - `file`: what both have in common; here is the layout.
//!
//! # Layout
//!
//! Numbers are little-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `ROOSTPUB` |
//! | 4 | version, now 1 |
//! | 4 | kind: 1 for ranks, 2 for suggestions |
//! | 8 | the revision of the graph that the job read |
//! | 8 | when it had finished, in seconds since 1970 |
//! | 4 | n, the number of user ids that were given out then |
//! | 4 + as many as it says | the name of the job, UTF-8, at most 64 bytes |
//! | 4 + as many as it says | its parameters as text, UTF-8, at most 4,096 bytes |
//! | | of ranks: |
//! | 8 n | the rank of each user, binary64 |
//! | | of suggestions: |
//! | 8 (n + 1) | for each user, how many suggestions come before theirs; then how many there are in all |
//! | 8 each | a suggestion: the user id, 4 bytes, and its score, binary32; best first |
//! | 4 | CRC-32C of all before |
//!
//! A file is verified as a whole when the store is opened, which takes a tenth of a second for ten million ranks.
//!
//! # Worked example
//!
//! The ranks 0.75 and 0.25 of the users 0 and 1:
//!
//! ```text
//! 52 4f 4f 53 54 50 55 42    ROOSTPUB
//! 01 00 00 00  01 00 00 00   version, ranks
//! 07 00 00 00 00 00 00 00    revision 7
//! 80 ee 36 00 00 00 00 00    3600000 seconds after 1970
//! 02 00 00 00                two users
//! 08 00 00 00                the job is named by eight bytes:
//! 70 61 67 65 72 61 6e 6b    pagerank
//! 03 00 00 00  64 3d 31      its parameters are d=1
//! 00 00 00 00 00 00 e8 3f    0.75
//! 00 00 00 00 00 00 d0 3f    0.25
//! .. .. .. ..                checksum
//! ```

pub(crate) mod file;
pub(crate) mod fuzz;
pub(crate) mod ranks;
pub(crate) mod suggestions;

use base::Revision;

pub use file::{JOB_MAX_BYTES, PARAMETERS_MAX_BYTES, UnusableFile};
pub use ranks::Ranks;
pub use suggestions::Suggestions;

/// A run of a job whose result was published.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublishedRun {
    /// The name of the job, at most [`JOB_MAX_BYTES`].
    pub job: String,
    /// What it was told, at most [`PARAMETERS_MAX_BYTES`].
    pub parameters: String,
    /// What the graph was when it was looked at.
    pub revision: Revision,
    /// In seconds since 1970.
    pub finished_at: u64,
    /// User ids that were given out then.
    pub users: u32,
}

impl From<&PublishedRun> for proto::graph::PublishedRun {
    fn from(run: &PublishedRun) -> Self {
        proto::graph::PublishedRun {
            job: run.job.clone(),
            revision: Some(run.revision.into()),
            finished_at: run.finished_at,
            users: run.users,
            parameters: run.parameters.clone(),
        }
    }
}
