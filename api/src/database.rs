//! The relational store of accounts and sessions: SQLite, embedded.
//!
//! One connection writes and several read. SQLite has one writer at a time anyway; a queue in front of one connection is
//! fair and never sees "database is locked" from its own process. Another process (the command line, beside a running
//! server) waits for [`BUSY_TIMEOUT`]. Write-ahead log with `synchronous = FULL`: what is committed is on the disk.
//!
//! Statements are in the subset that SQLite and PostgreSQL share, with `$1` placeholders; but for the search of people, which
//! is SQLite's FTS5.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::disk::{Disk, RealDisk};
use base::{Code, Error};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};

/// The name of the database's file in the folder of the api.
pub(crate) const FILE_NAME: &str = "accounts.db";
/// Connections that read at the same time; each is a thread.
const READERS: u32 = 4;
/// How long a statement waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request waits for a connection before it is turned away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// Why the api's folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or the database's file could not be made.
    #[error("the folder {path} cannot be used", path = path.display())]
    Folder {
        /// Which folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database could not be opened.
    #[error("the database {path} cannot be opened", path = path.display())]
    Database {
        /// Its file.
        path: PathBuf,
        /// What SQLite said.
        source: sqlx::Error,
    },
    /// The database is of a version that cannot be brought up to date.
    #[error("the database {path} cannot be brought up to date", path = path.display())]
    Migration {
        /// Its file.
        path: PathBuf,
        /// Which migration, and why.
        source: sqlx::migrate::MigrateError,
    },
    /// The key that signs access tokens could not be read or made.
    #[error("the key {path} cannot be read or made", path = path.display())]
    Key {
        /// Its file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key that signs access tokens has another length.
    #[error("the key {path} has {len} bytes instead of {expected}", path = path.display())]
    KeyLength {
        /// Its file.
        path: PathBuf,
        /// Bytes that it has.
        len: usize,
        /// Bytes that a key has.
        expected: usize,
    },
    /// Passwords cannot be hashed as the settings ask.
    #[error("passwords cannot be hashed at this cost")]
    Password(#[from] crate::sessions::password::PasswordError),
}

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the database refused a statement")]
    Database(#[from] sqlx::Error),
    #[error("{value} in the column {column} is not what this column holds")]
    Corrupt { column: &'static str, value: i64 },
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => {
                Error::new(Code::Unavailable, "too many requests are waiting for the accounts").with_source(error)
            }
            StoreError::Database(_) => Error::internal(error),
            StoreError::Corrupt { .. } => Error::new(Code::DataLoss, "an account cannot be read").with_source(error),
        }
    }
}

/// The connections.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) readers: SqlitePool,
    writer: SqlitePool,
}

impl Database {
    /// Opens the database of a folder, makes both where they are missing, and brings the tables up to date.
    pub(crate) async fn open(folder: &Path) -> Result<Self, OpenError> {
        let path = folder.join(FILE_NAME);
        make_file(folder, &path).map_err(|source| OpenError::Folder { path: folder.to_owned(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT);
        let pool = |connections| SqlitePoolOptions::new().max_connections(connections).acquire_timeout(ACQUIRE_TIMEOUT);
        let failed = |source| OpenError::Database { path: path.clone(), source };
        // Always the same connection: see `version`.
        let writer = pool(1).idle_timeout(None).max_lifetime(None);
        let writer = writer.connect_with(options.clone()).await.map_err(failed)?;
        let migrated = sqlx::migrate!("./migrations").run(&writer).await;
        migrated.map_err(|source| OpenError::Migration { path: path.clone(), source })?;
        let readers = pool(READERS).connect_with(options).await.map_err(failed)?;
        Ok(Database { readers, writer })
    }

    /// Begins a transaction that writes. It has the write lock from the start, so it can never be told halfway that
    /// what it read is out of date.
    pub(crate) async fn write(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// A number that changes with every commit of another process. It is that of the one connection that writes, which does
    /// not count its own.
    pub(crate) async fn version(&self) -> sqlx::Result<i64> {
        sqlx::query_scalar("PRAGMA data_version").fetch_one(&self.writer).await
    }

    /// Whether the database answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    /// Waits for the statements under way and closes the files.
    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Makes the folder and an empty database where they are missing. SQLite gives its other files the same permissions, and
/// would have let everybody on the machine read the password hashes.
fn make_file(folder: &Path, path: &Path) -> io::Result<()> {
    if path.is_file() {
        return Ok(());
    }
    RealDisk.create_folder(folder)?;
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?.sync_all()?;
    RealDisk.sync_folder(folder)
}

/// A user id as the database has it.
pub(crate) fn user_id(column: &'static str, value: i64) -> Result<u32, StoreError> {
    u32::try_from(value).map_err(|_| StoreError::Corrupt { column, value })
}

/// A time as the database has it.
pub(crate) fn time_ms(column: &'static str, value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Corrupt { column, value })
}

/// A time for the database; those past its range, some 292 million years off, are its last.
pub(crate) fn stored_ms(time_ms: u64) -> i64 {
    i64::try_from(time_ms).unwrap_or(i64::MAX)
}
