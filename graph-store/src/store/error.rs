//! What can go wrong in the store, and what its callers are told.

use std::io;
use std::path::PathBuf;

use base::{Code, UserId};

use crate::log::LogError;
use crate::segment::SegmentError;

/// The store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has the data directory open.
    #[error("{folder} is in use by another process")]
    InUse {
        /// The store's folder.
        folder: PathBuf,
    },
    /// There are segments or records, but no manifest that says what they are.
    #[error("{folder} has data but no manifest")]
    NoManifest {
        /// The store's folder.
        folder: PathBuf,
    },
    /// A restore to the folder was cut short.
    #[error("the restore to {folder} was cut short: restore again")]
    HalfRestored {
        /// The store's folder.
        folder: PathBuf,
    },
    /// A file that is not covered by a more telling variant is damaged.
    #[error("{path} is damaged: {what}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The store has another number of slots than was asked for.
    #[error("the store has {found} slots, not {wanted}: the number is fixed when a store is created")]
    Slots {
        /// What the manifest says.
        found: u16,
        /// What was asked for.
        wanted: u16,
    },
    /// Records between the segments and the log are missing.
    #[error("the log begins after revision {start}, but the segments end at {needed}")]
    MissingRecords {
        /// The revision that the log can be read after.
        start: u64,
        /// The revision that the oldest segments stand for.
        needed: u64,
    },
    /// No such id was given out.
    #[error("user {user} is not known")]
    UnknownUser {
        /// The id.
        user: UserId,
    },
    /// No more ids can be given out.
    #[error("{wanted} more user ids are not to be had")]
    UsersExhausted {
        /// How many were asked for.
        wanted: u64,
    },
    /// The same idempotency key came with another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// There are as many named sets as there may be.
    #[error("{max} named sets exist, which is the most")]
    TooManySets {
        /// The limit.
        max: usize,
    },
    /// More changes are waiting than may.
    #[error("more than {max} changes are waiting")]
    Busy {
        /// The limit.
        max: usize,
    },
    /// The overlay has reached its bound and compaction did not catch up in time.
    #[error("{bytes} bytes of changes are waiting for compaction, {max} may")]
    OverlayFull {
        /// What the changes in memory take.
        bytes: usize,
        /// The bound.
        max: usize,
    },
    /// A result that is to be published is not of its run.
    #[error("a run over {users} users has results for {given}")]
    Publish {
        /// How many users the run was over.
        users: usize,
        /// How many have a result.
        given: usize,
    },
    /// A revision did not come in time.
    #[error("revision {wanted} was not reached in time; the newest is {newest}")]
    RevisionWait {
        /// What the reader asked for.
        wanted: u64,
        /// What there is.
        newest: u64,
    },
    /// A write failed before, and the store refuses writes until it is reopened.
    #[error("the store refuses writes since one failed")]
    Refused,
    /// The store is being closed.
    #[error("the store is closing")]
    Closing,
    /// The change log.
    #[error("the change log failed")]
    Log(#[from] LogError),
    /// A segment file.
    #[error("a segment failed")]
    Segment(#[from] SegmentError),
    /// The disk said no.
    #[error("{path} cannot be {doing}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the disk said.
        source: io::Error,
    },
}

impl StoreError {
    pub(crate) fn io(path: impl Into<PathBuf>, doing: &'static str) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.into();
        move |source| StoreError::Io { path, doing, source }
    }
}

impl From<StoreError> for base::Error {
    fn from(error: StoreError) -> Self {
        let told = |code, message: String| base::Error::new(code, message);
        match error {
            StoreError::Log(error) => error.into(),
            StoreError::UnknownUser { user } => told(Code::InvalidArgument, format!("user {user} is not known")),
            StoreError::UsersExhausted { .. } => told(Code::ResourceExhausted, error.to_string()),
            StoreError::KeyReused => told(Code::AlreadyExists, error.to_string()).with_field("idempotency_key"),
            StoreError::TooManySets { .. } => base::Error::invalid("name", error.to_string()),
            StoreError::Busy { .. } => told(Code::ResourceExhausted, error.to_string()),
            StoreError::OverlayFull { .. } | StoreError::Closing | StoreError::InUse { .. } => {
                told(Code::Unavailable, error.to_string())
            }
            StoreError::RevisionWait { .. } => {
                told(Code::DeadlineExceeded, "the revision was not reached in time".to_owned()).with_field("at_least")
            }
            StoreError::Refused => told(Code::ReadOnly, error.to_string()),
            StoreError::NoManifest { .. }
            | StoreError::HalfRestored { .. }
            | StoreError::Damaged { .. }
            | StoreError::Slots { .. }
            | StoreError::MissingRecords { .. }
            | StoreError::Segment(_) => {
                told(Code::DataLoss, "the store's files are damaged".to_owned()).with_source(error)
            }
            StoreError::Io { .. } | StoreError::Publish { .. } => base::Error::internal(error),
        }
    }
}
