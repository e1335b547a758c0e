//! The backups of one place.

use std::collections::BTreeSet;
use std::sync::Arc;

use base::Revision;
use serde::Serialize;

use super::blobs::read_whole;
use super::manifest::{MANIFEST_MAX_BYTES, Manifest, is_object};
use super::{BackupError, Blobs};

/// The folder of the manifests.
pub(super) const BACKUPS: &str = "backups";
/// The folder of the objects.
pub(super) const OBJECTS: &str = "objects";

/// The backups of one place: of one store, at some of its revisions.
#[derive(Clone, Debug)]
pub struct Repository {
    pub(super) blobs: Arc<dyn Blobs>,
}

/// What was left after older backups were forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Kept {
    /// Backups that are there.
    pub backups: usize,
    /// Backups that were forgotten.
    pub forgotten: usize,
    /// Objects that no backup needed any more, and that were removed.
    pub objects_removed: usize,
}

impl Repository {
    /// The backups that are kept there.
    pub fn new(blobs: Arc<dyn Blobs>) -> Self {
        Repository { blobs }
    }

    /// The revisions of all backups, oldest first.
    ///
    /// # Errors
    ///
    /// A place that cannot be read.
    pub fn revisions(&self) -> Result<Vec<Revision>, BackupError> {
        let mut revisions: Vec<Revision> =
            self.blobs.names(BACKUPS)?.iter().filter_map(|name| Manifest::revision_of(name)).collect();
        revisions.sort_unstable();
        Ok(revisions)
    }

    /// The manifest of a backup.
    ///
    /// # Errors
    ///
    /// A manifest that cannot be read, is damaged, or is another's.
    pub fn manifest(&self, revision: Revision) -> Result<Manifest, BackupError> {
        let name = manifest_name(revision);
        let bytes = read_whole(self.blobs.as_ref(), &name, MANIFEST_MAX_BYTES)?;
        let manifest = Manifest::decode(&name, &bytes)?;
        if manifest.revision != revision.0 {
            return Err(BackupError::damaged(&name, format!("it is of revision {}", manifest.revision)));
        }
        Ok(manifest)
    }

    /// Forgets all backups but the newest so many, at least one, and removes the objects that only they needed.
    ///
    /// # Errors
    ///
    /// Where the manifest of a backup that is to be kept cannot be read, nothing has been removed.
    pub fn keep(&self, backups: usize) -> Result<Kept, BackupError> {
        let lease = self.blobs.lock()?;
        let revisions = self.revisions()?;
        let (old, kept) = revisions.split_at(revisions.len().saturating_sub(backups.max(1)));
        let mut needed = BTreeSet::new();
        for revision in kept {
            needed.extend(self.manifest(*revision)?.files.into_iter().map(|file| file.object));
        }
        // Manifests first: one that is there has all its objects.
        for revision in old {
            lease.renew()?;
            self.blobs.remove(&manifest_name(*revision))?;
        }
        let mut report = Kept { backups: kept.len(), forgotten: old.len(), objects_removed: 0 };
        for object in self.objects()?.difference(&needed) {
            lease.renew()?;
            self.blobs.remove(&object_name(object))?;
            report.objects_removed += 1;
        }
        Ok(report)
    }

    /// The objects that are there.
    pub(super) fn objects(&self) -> Result<BTreeSet<String>, BackupError> {
        Ok(self.blobs.names(OBJECTS)?.into_iter().filter(|name| is_object(name)).collect())
    }
}

pub(super) fn manifest_name(revision: Revision) -> String {
    format!("{BACKUPS}/{}", Manifest::name(revision))
}

pub(super) fn object_name(object: &str) -> String {
    format!("{OBJECTS}/{object}")
}
