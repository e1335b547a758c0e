//! The change log: every change of the graph, in order, durable before it is acknowledged.
//!
//! The log is the truth for all changes since the segments that the manifest names. [`ChangeLog`] is what the store
//! needs of a log; [`FileLog`] is the embedded one, whose files are specified in [`frame`]. A replicated log can stand
//! in its place: revisions are opaque to everybody above the store.

mod file_log;
pub mod frame;
pub(crate) mod fuzz;
mod record;
mod recovery;

use std::io;
use std::path::PathBuf;

use base::Revision;
use base::disk::HighWaterError;

pub use file_log::FileLog;
pub use record::{Ended, Operation, Record};
pub use recovery::Cut;

/// An ordered, durable sequence of records, one revision each.
pub trait ChangeLog: Send + Sync + std::fmt::Debug {
    /// Appends `records` together and returns the revision of the last one, once all are durable.
    ///
    /// # Errors
    ///
    /// After any error the log refuses every further append: what reached the disk is unknown until it is reopened.
    fn append(&self, records: &[Record]) -> Result<Revision, LogError>;

    /// Refuses every further append, as after one that failed: something else left in doubt what the disk holds.
    fn refuse(&self);

    /// Whether appends are refused.
    fn refuses(&self) -> bool;

    /// Up to `limit` records after `revision` (more where records were appended together), in order.
    ///
    /// # Errors
    ///
    /// [`LogError::Trimmed`] where the log no longer reaches back that far.
    fn read(&self, after: Revision, limit: usize) -> Result<Vec<(Revision, Record)>, LogError>;

    /// Lets go of records up to and including `revision`, as far as whole files hold nothing else.
    fn trim(&self, up_to: Revision) -> Result<(), LogError>;

    /// The revision that reading can start after: every later record is here.
    fn start(&self) -> Revision;

    /// The revision of the last record.
    fn last(&self) -> Revision;

    /// Bytes of all files.
    fn bytes(&self) -> u64;

    /// Bytes of the files that have records after `revision`: what trimming up to there would leave.
    fn bytes_after(&self, revision: Revision) -> u64;
}

/// The log could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file is damaged before its end, where a power cut cannot have torn it.
    #[error("log file {path} is damaged at byte {offset}, and whole frames follow")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first damaged frame begins.
        offset: u64,
    },
    /// The files do not join: one is missing, or one has been cut.
    #[error("log file {path} begins after revision {found}, but the file before it ends at {expected}")]
    Gap {
        /// The later file.
        path: PathBuf,
        /// The last revision before it.
        expected: u64,
        /// What its name and header say.
        found: u64,
    },
    /// The log ends before what it had acknowledged.
    #[error("the log ends at revision {found}, but revision {acknowledged} was acknowledged: its tail is lost")]
    Lost {
        /// The high-water mark.
        acknowledged: u64,
        /// The last revision found.
        found: u64,
    },
    /// Reading would begin before the first record that is kept.
    #[error("the log begins after revision {start}")]
    Trimmed {
        /// The revision that reading can start after.
        start: u64,
    },
    /// An append failed before; the log takes no more until it is reopened.
    #[error("the log refuses writes since one failed")]
    Refused,
    /// The records of one append are too large together.
    #[error("{bytes} bytes of records in one append, at most {max} fit")]
    TooLarge {
        /// What they take.
        bytes: usize,
        /// What fits.
        max: usize,
    },
    /// The high-water mark is unreadable.
    #[error("the log's high-water mark is unusable")]
    Mark(#[from] HighWaterError),
    /// The disk said no.
    #[error("log file {path} cannot be {doing}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the disk said.
        source: io::Error,
    },
}
