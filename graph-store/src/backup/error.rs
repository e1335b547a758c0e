//! What can go wrong with a backup.

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use base::Code;

use crate::store::StoreError;

/// A backup or a restore failed. The store that was to be copied is untouched; a repository has the backups that it had.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// No place that backups can be kept in.
    #[error("{location:?} is no place for backups: {problem}")]
    Location {
        /// What was given.
        location: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Somebody else writes to the repository.
    #[error("somebody else is writing to {repository}{}", until(*seconds))]
    Locked {
        /// Where it is.
        repository: String,
        /// In how many seconds the lock ends by itself, if its holder does not renew it.
        seconds: Option<u64>,
    },
    /// The lock was lost, so that somebody else may have removed what this backup counts on.
    #[error("the lock of {repository} was lost")]
    LockLost {
        /// Where it is.
        repository: String,
    },
    /// The repository's newest backup is of a later revision than the store has: it is another store's, or of a time that
    /// this one has not had.
    #[error("{repository} has a backup of revision {newest}, and the store is at {revision}: it is not of this store")]
    Newer {
        /// Where it is.
        repository: String,
        /// The newest backup.
        newest: u64,
        /// What the store is at.
        revision: u64,
    },
    /// Somebody who was told how far it is said that it should stop.
    #[error("stopped when it was asked to")]
    Stopped,
    /// There is no such backup, or none at all.
    #[error("there is no backup{} in {repository}", of_revision(*revision))]
    NotFound {
        /// Where it was looked for.
        repository: String,
        /// Which one was wanted; the newest where none is named.
        revision: Option<u64>,
    },
    /// Something in the repository is not what was written.
    #[error("{name} in the repository is damaged: {what}")]
    Damaged {
        /// Its name there.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// The folder to restore to is in use for something else.
    #[error("{folder} is not empty: a store is restored to a folder of its own")]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// The repository's place could not do what it was asked.
    #[error("{name} in {repository} cannot be {doing}")]
    Blob {
        /// Where the repository is.
        repository: String,
        /// The name in it.
        name: String,
        /// What was tried.
        doing: &'static str,
        /// What was said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A local file could not be written.
    #[error("{path} cannot be {doing}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the disk said.
        source: io::Error,
    },
    /// The store.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

fn until(seconds: Option<u64>) -> String {
    seconds.map(|seconds| format!("; should that have ended, the lock goes in {seconds} s")).unwrap_or_default()
}

fn of_revision(revision: Option<u64>) -> String {
    revision.map(|revision| format!(" of revision {revision}")).unwrap_or_default()
}

impl BackupError {
    pub(super) fn io(path: impl Into<PathBuf>, doing: &'static str) -> impl FnOnce(io::Error) -> BackupError {
        let path = path.into();
        move |source| BackupError::Io { path, doing, source }
    }

    /// What somebody who was told how far it is has said.
    pub(super) fn stopped(said: ControlFlow<()>) -> Result<(), BackupError> {
        if said.is_break() { Err(BackupError::Stopped) } else { Ok(()) }
    }

    pub(super) fn damaged(name: &str, what: impl Into<String>) -> BackupError {
        BackupError::Damaged { name: name.to_owned(), what: what.into() }
    }
}

impl From<BackupError> for base::Error {
    fn from(error: BackupError) -> Self {
        let message = error.to_string();
        let code = match error {
            BackupError::Store(error) => return error.into(),
            BackupError::Location { .. } | BackupError::NotFound { .. } => Code::InvalidArgument,
            BackupError::NotEmpty { .. } | BackupError::Newer { .. } => Code::AlreadyExists,
            BackupError::Locked { .. }
            | BackupError::LockLost { .. }
            | BackupError::Blob { .. }
            | BackupError::Stopped => Code::Unavailable,
            BackupError::Damaged { .. } => Code::DataLoss,
            BackupError::Io { .. } => Code::Internal,
        };
        base::Error::new(code, message).with_source(error)
    }
}
