//! Backups: the store at some revisions, kept in a folder or an S3-compatible store.
//!
//! A backup is taken while the store serves and holds up no write: it copies the files of a
//! [`Checkpoint`](crate::store::Checkpoint), which are the store at one revision. What is in the repository already is
//! not sent again, and most of a graph is: a segment is written once and never changed.
//!
//! - [`Repository`]: the backups of one place: takes, lists, forgets and restores them.
//! - [`Manifest`]: one backup: which files it is made of.
//! - [`Blobs`]: what a repository needs of the place it is in; `folder`, `remote`: a folder and an object store.
//! - [`Location`]: a place by its name, as people write it.
//!
//! # Layout of a repository
//!
//! | name | what |
//! |---|---|
//! | `backups/00000000000000001234.json` | the [manifest](Manifest) of the backup of revision 1234 |
//! | `objects/<64 hexadecimal digits>` | the bytes with this SHA-256 |
//! | `LOCK` | held by whoever writes; in an object store a lease, see `remote` |
//!
//! Objects are written before the manifest that names them, and the manifest is the commit. Before that there is no
//! backup, and the objects that are there already serve the next one. Objects that no manifest names are removed by
//! whoever next forgets a backup ([`Repository::keep`]).
//!
//! # What a backup is made of
//!
//! | file | what |
//! |---|---|
//! | `MANIFEST` | the store's manifest |
//! | `segments/…`, `catalog-….table`, `externals-….table` | every file that it names |
//! | `log/….log` | the log behind them up to the revision of the backup, in files of 65,536 records |
//!
//! Restored and opened, such a store replays the log, and is exactly what it was at that revision.

mod blobs;
mod error;
mod folder;
pub(crate) mod fuzz;
mod location;
mod manifest;
mod remote;
mod repository;
mod restore;
mod take;

use std::ops::ControlFlow;

pub use blobs::{Blobs, Lease};
pub use error::BackupError;
pub use folder::FolderBlobs;
pub use location::Location;
pub use manifest::{Entry, Manifest};
pub use remote::RemoteBlobs;
pub use repository::{Kept, Repository};
pub use restore::RestoreReport;
pub use take::BackupReport;

/// Is told how far a backup or a restore has come, in bytes that are done and those of all, and says whether to go on.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) -> ControlFlow<()> + Sync);
