//! Named bytes in some place that outlives the machine: what a repository needs, and no more.

use std::fmt::Debug;

use super::BackupError;

/// Named bytes. A name is of one or two parts, as `objects/1f2e`. All calls block.
pub trait Blobs: Send + Sync + Debug {
    /// Where this is, for people.
    fn place(&self) -> String;

    /// How many writes at once are worth it.
    fn writers(&self) -> usize;

    /// The second parts of all names that have this first one, sorted. None where there is none.
    fn names(&self, folder: &str) -> Result<Vec<String>, BackupError>;

    /// Gives the bytes of a name to `take`, piece by piece.
    ///
    /// # Errors
    ///
    /// What `take` says, too.
    fn read(&self, name: &str, take: &mut dyn FnMut(&[u8]) -> Result<(), BackupError>) -> Result<(), BackupError>;

    /// Keeps bytes under a name, durably, in place of any that had it: they are there whole or not at all.
    fn write(&self, name: &str, bytes: &[u8], lease: &dyn Lease) -> Result<(), BackupError>;

    /// Removes a name; nothing where it is gone already.
    fn remove(&self, name: &str) -> Result<(), BackupError>;

    /// Takes the one lock of whoever writes, and cleans up what a writer before left half done.
    ///
    /// # Errors
    ///
    /// [`BackupError::Locked`].
    fn lock(&self) -> Result<Box<dyn Lease>, BackupError>;
}

/// The lock of a repository, which ends when this is dropped.
pub trait Lease: Send + Sync + Debug {
    /// Makes certain that the lock is still held, and goes on to be.
    ///
    /// # Errors
    ///
    /// [`BackupError::LockLost`].
    fn renew(&self) -> Result<(), BackupError>;
}

/// Reads a name whole; for what is small.
///
/// # Errors
///
/// More than `max` bytes, too.
pub(super) fn read_whole(blobs: &dyn Blobs, name: &str, max: usize) -> Result<Vec<u8>, BackupError> {
    let mut bytes = Vec::new();
    blobs.read(name, &mut |piece| {
        if bytes.len() + piece.len() > max {
            return Err(BackupError::damaged(name, format!("more than {max} bytes")));
        }
        bytes.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(bytes)
}
