//! What can go wrong, and what the caller learns of it.

use std::io;
use std::path::PathBuf;

use base::disk::HighWaterError;
use base::{Code, TweetId};

/// The store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be created, listed or locked.
    #[error("the folder {path} cannot be used")]
    Folder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
    /// Another process has it open.
    #[error("the folder {path} is in use by another process")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// Something lies there that is none of ours, where the storage engine would stumble over it.
    #[error("{path} does not belong into this folder")]
    Stray {
        /// The file or folder.
        path: PathBuf,
    },
    /// The storage engine cannot open its files.
    #[error("the tweets in {path} cannot be opened")]
    Engine {
        /// The engine's folder.
        path: PathBuf,
        /// What the engine said.
        source: fjall::Error,
    },
    /// The storage engine panicked over its files.
    #[error("the tweets in {path} are damaged: the storage engine gave up ({message})")]
    EnginePanicked {
        /// The engine's folder.
        path: PathBuf,
        /// What the engine said.
        message: String,
    },
    /// The high-water mark cannot be used.
    #[error("the high-water mark cannot be used")]
    Mark(#[from] HighWaterError),
    /// There are tweets, but the high-water mark beside them is gone.
    #[error("the high-water mark {path} is missing: nobody can tell whether tweets are missing too")]
    MarkMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A journal of the storage engine is damaged in the middle: what was acknowledged may be in what cannot be read.
    #[error("the journal {path} is damaged from byte {offset} on")]
    Journal {
        /// The journal.
        path: PathBuf,
        /// The end of what makes sense.
        offset: u64,
    },
    /// Batches that were acknowledged are gone.
    #[error("shortfall: batch {expected} was acknowledged, but the last one found is {got}")]
    Shortfall {
        /// The last batch that was acknowledged.
        expected: u64,
        /// The last batch in the store.
        got: u64,
    },
    /// What is stored cannot be read.
    #[error("what is stored cannot be read")]
    Read(#[from] StoreError),
    /// The committer, or what works in the background, could not be started.
    #[error("a thread cannot be started")]
    Thread(#[source] io::Error),
}

/// A stored value is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The value is too short to be one of ours.
    #[error("the value is cut short")]
    Truncated,
    /// The value is of a version that this program does not know.
    #[error("version {version} is unknown")]
    Version {
        /// The version found.
        version: u8,
    },
    /// The checksum does not match.
    #[error("the checksum is {got:08x}, not {expected:08x}")]
    Checksum {
        /// The checksum that is stored.
        expected: u32,
        /// The checksum of what is stored.
        got: u32,
    },
    /// Another entry, written in the same batch, says that there is one.
    #[error("the entry is missing")]
    Missing,
    /// The checksum matches, but the content cannot be decoded.
    #[error("the content cannot be decoded")]
    Content,
}

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The storage engine failed.
    #[error("the storage engine failed")]
    Engine(#[from] fjall::Error),
    /// A stored value is not what was written.
    #[error("the entry {key} of table {table} is damaged")]
    Damaged {
        /// The table.
        table: &'static str,
        /// The key, in hexadecimal digits.
        key: String,
        /// What is wrong with it.
        source: Damage,
    },
    /// A write to the disk failed before: nothing is written until the store is reopened.
    #[error("the store refuses writes since one could not be made durable")]
    ReadOnly,
    /// Too many writes are waiting.
    #[error("{waiting} writes are waiting already")]
    QueueFull {
        /// How many may wait.
        waiting: usize,
    },
    /// The write waited too long for its turn, or for the disk.
    #[error("the write waited too long")]
    Late,
    /// The store is closing.
    #[error("the store is closed")]
    Closed,
    /// What was asked for is not in memory, and the engine was not to be asked.
    #[error("not in memory")]
    NotInMemory,
    /// There are no greater tweet ids.
    #[error("the clock is past the last tweet id")]
    IdsExhausted,
    /// The state of things forbids it.
    #[error("refused")]
    Refused(#[from] Refusal),
}

/// Why a write was refused: the caller's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such tweet.
    #[error("there is no tweet {0}")]
    NoTweet(TweetId),
    /// It is somebody else's.
    #[error("only its author can delete a tweet")]
    NotTheAuthor,
    /// The tweet to be answered does not exist, or does no more.
    #[error("there is no tweet {0} to answer")]
    NothingToAnswer(TweetId),
    /// The author blocks the one who wants to engage with the tweet, or is blocked by them.
    #[error("a block stands between you and the author")]
    Blocked,
    /// The idempotency key named another tweet.
    #[error("this key was used for another tweet")]
    KeyReused,
    /// The idempotency key named a tweet that was deleted since.
    #[error("the tweet that was posted with this key has been deleted")]
    KeyOfDeleted,
    /// Nobody, or somebody else, was notified under this id, or it is too long ago.
    #[error("there is no notification {0}")]
    NoNotification(TweetId),
}

impl From<Refusal> for base::Error {
    fn from(refusal: Refusal) -> Self {
        let (code, field) = match refusal {
            Refusal::NoTweet(_) | Refusal::NoNotification(_) => (Code::NotFound, Some("id")),
            Refusal::NotTheAuthor => (Code::PermissionDenied, None),
            Refusal::NothingToAnswer(_) => (Code::NotFound, Some("in_reply_to")),
            Refusal::Blocked => (Code::PermissionDenied, None),
            Refusal::KeyReused => (Code::AlreadyExists, Some("idempotency_key")),
            Refusal::KeyOfDeleted => (Code::NotFound, Some("idempotency_key")),
        };
        let error = base::Error::new(code, refusal.to_string());
        match field {
            Some(field) => error.with_field(field),
            None => error,
        }
    }
}

impl From<StoreError> for base::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => refusal.into(),
            // All that the engine reports of its files, but for what the disk itself says, is that they are damaged.
            StoreError::Engine(fjall::Error::Storage(ref source)) if !matches!(source, fjall::LsmError::Io(_)) => {
                base::Error::new(Code::DataLoss, "what is stored is damaged; it has been logged").with_source(error)
            }
            StoreError::Damaged { .. } => {
                base::Error::new(Code::DataLoss, "a stored entry is damaged; it has been logged").with_source(error)
            }
            StoreError::ReadOnly => {
                base::Error::new(Code::ReadOnly, "tweets cannot be written until an operator reopens the store")
            }
            StoreError::QueueFull { .. } => base::Error::new(Code::ResourceExhausted, "too many writes are waiting"),
            StoreError::Late => {
                base::Error::new(Code::DeadlineExceeded, "the write waited too long; it may still have happened")
            }
            StoreError::Closed => base::Error::new(Code::Unavailable, "the service is stopping"),
            StoreError::Engine(_) | StoreError::IdsExhausted | StoreError::NotInMemory => base::Error::internal(error),
        }
    }
}
