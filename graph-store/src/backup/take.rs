//! Taking a backup of a store that serves.

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;

use base::Revision;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::manifest::{Entry, Manifest};
use super::repository::{manifest_name, object_name};
use super::{BackupError, Lease, Progress, Repository};
use crate::store::checkpoint::MANIFEST;
use crate::store::{Checkpoint, Store};

/// Records of one file of the log in a backup. Files end at multiples of it, so that those of an earlier backup serve
/// the next one.
const LOG_FILE_RECORDS: u64 = 1 << 16;
/// About how many bytes a record of the log takes, to tell how far a backup is.
const RECORD_BYTES: u64 = 14;

/// What a backup is, and what it took.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct BackupReport {
    /// The revision that the backup is of, as a token.
    pub revision: String,
    /// The number that the repository knows the backup by.
    pub backup: u64,
    /// Files of the store.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Files that were not in the repository yet.
    pub files_sent: u64,
    /// Bytes of those.
    pub bytes_sent: u64,
}

/// A file to back up.
enum Part {
    /// One that the store's manifest names.
    File(PathBuf),
    /// The records after the first revision up to the second.
    Log(Revision, Revision),
    /// The store's manifest.
    Manifest,
}

impl Repository {
    /// Backs a store up as it is now, while it serves. `progress` is told the bytes that are done and those of all,
    /// about.
    ///
    /// # Errors
    ///
    /// After any of them the repository has the backups that it had.
    pub fn back_up(&self, store: &Store, progress: Progress<'_>) -> Result<BackupReport, BackupError> {
        let lease = self.blobs.lock()?;
        let checkpoint = store.checkpoint()?;
        let revision = checkpoint.revision();
        if let Some(newest) = self.revisions()?.last().filter(|newest| **newest > revision) {
            let (repository, newest) = (self.blobs.place(), newest.0);
            return Err(BackupError::Newer { repository, newest, revision: revision.0 });
        }
        let taking = Taking {
            repository: self,
            lease: lease.as_ref(),
            parts: parts(&checkpoint),
            known: self.objects()?,
            next: AtomicUsize::new(0),
            failed: AtomicBool::new(false),
            done_bytes: AtomicU64::new(0),
            all_bytes: 0,
            checkpoint: &checkpoint,
            progress,
        };
        let (files, sent) = taking.run()?;
        let manifest = Manifest { revision: revision.0, taken_at_ms: checkpoint.taken_at_ms(), files };
        self.blobs.write(&manifest_name(revision), &manifest.encode()?, lease.as_ref())?;
        Ok(BackupReport {
            revision: revision.token(),
            backup: revision.0,
            files: manifest.files.len() as u64,
            bytes: manifest.bytes(),
            files_sent: sent.files,
            bytes_sent: sent.bytes,
        })
    }
}

/// Every file of a checkpoint, the manifest last.
fn parts(checkpoint: &Checkpoint) -> Vec<Part> {
    let mut parts: Vec<Part> = checkpoint.files().iter().cloned().map(Part::File).collect();
    let (mut after, end) = (checkpoint.log_after(), checkpoint.revision());
    loop {
        let last = Revision((after.0 / LOG_FILE_RECORDS + 1) * LOG_FILE_RECORDS).min(end);
        parts.push(Part::Log(after, last));
        if last >= end {
            break;
        }
        after = last;
    }
    parts.push(Part::Manifest);
    parts
}

#[derive(Default)]
struct Sent {
    files: u64,
    bytes: u64,
}

/// A backup that is being taken, by several threads where that helps.
struct Taking<'a> {
    repository: &'a Repository,
    lease: &'a dyn Lease,
    checkpoint: &'a Checkpoint,
    parts: Vec<Part>,
    /// Objects that were there before.
    known: BTreeSet<String>,
    next: AtomicUsize,
    failed: AtomicBool,
    done_bytes: AtomicU64,
    all_bytes: u64,
    progress: Progress<'a>,
}

impl Taking<'_> {
    /// Sends everything that is not there; the entries in the order of the parts, and what was sent.
    fn run(mut self) -> Result<(Vec<Entry>, Sent), BackupError> {
        for part in &self.parts {
            self.all_bytes += match part {
                Part::File(file) => self.checkpoint.read(file)?.len() as u64,
                Part::Log(after, last) => (last.0 - after.0) * RECORD_BYTES,
                Part::Manifest => self.checkpoint.manifest().len() as u64,
            };
        }
        let worked = thread::scope(|scope| {
            let others: Vec<_> = (1..self.repository.blobs.writers()).map(|_| scope.spawn(|| self.work())).collect();
            let mut worked = vec![self.work()];
            worked.extend(others.into_iter().map(|other| other.join().unwrap_or_else(|panic| resume_unwind(panic))));
            worked
        });
        let (mut files, mut sent) = (Vec::new(), Sent::default());
        for worked in worked {
            for (place, entry, was_sent) in worked? {
                sent.files += u64::from(was_sent);
                sent.bytes += if was_sent { entry.bytes } else { 0 };
                files.push((place, entry));
            }
        }
        files.sort_unstable_by_key(|(place, _)| *place);
        Ok((files.into_iter().map(|(_, entry)| entry).collect(), sent))
    }

    /// Takes part after part until there are no more, or one of them failed.
    fn work(&self) -> Result<Vec<(usize, Entry, bool)>, BackupError> {
        let mut entries = Vec::new();
        while !self.failed.load(Ordering::Relaxed) {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(part) = self.parts.get(place) else { break };
            let taken = self.take(part).inspect_err(|_| self.failed.store(true, Ordering::Relaxed))?;
            entries.push((place, taken.0, taken.1));
        }
        Ok(entries)
    }

    fn take(&self, part: &Part) -> Result<(Entry, bool), BackupError> {
        match part {
            Part::File(file) => self.send(file, &self.checkpoint.read(file)?),
            Part::Log(after, last) => {
                let (path, bytes) = self.checkpoint.log_file(*after, *last)?;
                self.send(&path, &bytes)
            }
            Part::Manifest => self.send(Path::new(MANIFEST), self.checkpoint.manifest()),
        }
    }

    /// Sends bytes, unless they are there.
    fn send(&self, path: &Path, bytes: &[u8]) -> Result<(Entry, bool), BackupError> {
        // Where nothing is new, nothing else does so.
        self.lease.renew()?;
        let object = digits(&Sha256::digest(bytes));
        let is_new = !self.known.contains(&object);
        if is_new {
            self.repository.blobs.write(&object_name(&object), bytes, self.lease)?;
        }
        let bytes = bytes.len() as u64;
        let done = self.done_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        BackupError::stopped((self.progress)(done.min(self.all_bytes), self.all_bytes))?;
        Ok((Entry { path: path.to_owned(), object, bytes }, is_new))
    }
}

/// Hexadecimal digits.
pub(super) fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
