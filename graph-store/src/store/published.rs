//! What was published last: opened with the store, and changed under its readers at once.

use std::io;
use std::path::Path;
use std::sync::Arc;

use base::UserId;
use base::disk::{Disk, Mapped};

use super::{Store, StoreError};
use crate::published::file::Kind;
use crate::published::{PublishedRun, Ranks, Suggestions, UnusableFile};

/// The latest published results.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// Of `pagerank`.
    pub ranks: Option<Arc<Ranks>>,
    /// Of `who-to-follow`.
    pub suggestions: Option<Arc<Suggestions>>,
}

impl Published {
    /// What lies in a folder. What cannot be used is logged.
    pub(super) fn open(disk: &dyn Disk, folder: &Path) -> Result<Published, StoreError> {
        Ok(Published {
            ranks: usable(Kind::Ranks, read(disk, folder, Kind::Ranks)?, Ranks::open),
            suggestions: usable(Kind::Suggestions, read(disk, folder, Kind::Suggestions)?, Suggestions::open),
        })
    }

    /// The runs that they are from.
    pub fn runs(&self) -> impl Iterator<Item = &PublishedRun> {
        let ranks = self.ranks.iter().map(|ranks| ranks.run());
        ranks.chain(self.suggestions.iter().map(|suggestions| suggestions.run()))
    }
}

impl Store {
    /// The latest published results.
    pub fn published(&self) -> Published {
        self.0.shared.published.read().clone()
    }

    /// Makes these the ranks that the service answers from, durably: one for each user of the run.
    ///
    /// # Errors
    ///
    /// Another number of ranks; what the disk said, and then those before are still published.
    pub fn publish_ranks(&self, run: &PublishedRun, ranks: &[f64]) -> Result<(), StoreError> {
        let shared = &self.0.shared;
        self.publish(Kind::Ranks, run, ranks.len(), |disk, folder| {
            let ranks = Ranks::open(Ranks::write(disk, folder, run, ranks)?).map_err(io::Error::other)?;
            // Those before are let go of once nobody waits for the lock.
            let _before = shared.published.write().ranks.replace(Arc::new(ranks));
            Ok(())
        })
    }

    /// Makes these the suggestions that come first, durably: for each user of the run others with their scores, best first.
    ///
    /// # Errors
    ///
    /// Another number of users; what the disk said, and then those before are still published.
    pub fn publish_suggestions<S>(
        &self,
        run: &PublishedRun,
        of_each: impl ExactSizeIterator<Item = S> + Clone,
    ) -> Result<(), StoreError>
    where
        S: ExactSizeIterator<Item = (UserId, f32)>,
    {
        let shared = &self.0.shared;
        self.publish(Kind::Suggestions, run, of_each.len(), |disk, folder| {
            let bytes = Suggestions::write(disk, folder, run, of_each)?;
            let suggestions = Suggestions::open(bytes).map_err(io::Error::other)?;
            let _before = shared.published.write().suggestions.replace(Arc::new(suggestions));
            Ok(())
        })
    }

    fn publish(
        &self,
        kind: Kind,
        run: &PublishedRun,
        given: usize,
        write: impl FnOnce(&dyn Disk, &Path) -> io::Result<()>,
    ) -> Result<(), StoreError> {
        let shared = &self.0.shared;
        let (path, users) = (shared.folder.join(kind.file_name()), run.users as usize);
        if given != users {
            return Err(StoreError::Publish { users, given });
        }
        let _turn = shared.publishing.lock();
        write(shared.disk.as_ref(), &shared.folder).map_err(StoreError::io(path, "written"))
    }

    /// Tells which files of published results cannot be used.
    pub(super) fn check_published(&self, find: &mut dyn FnMut(String)) {
        let shared = &self.0.shared;
        let verify = |kind, bytes| match kind {
            Kind::Ranks => Ranks::open(bytes).map(drop),
            Kind::Suggestions => Suggestions::open(bytes).map(drop),
        };
        for kind in Kind::ALL {
            match read(shared.disk.as_ref(), &shared.folder, kind) {
                Ok(Some(bytes)) => {
                    if let Err(error) = verify(kind, bytes) {
                        find(format!("{} {error}: publish again, or remove it", kind.file_name()));
                    }
                }
                Ok(None) => {}
                Err(error) => find(base::error::chain(&error)),
            }
        }
    }
}

/// The bytes of a file; none where it is not there.
fn read(disk: &dyn Disk, folder: &Path, kind: Kind) -> Result<Option<Mapped>, StoreError> {
    let path = folder.join(kind.file_name());
    match disk.map(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::io(path, "read")(error)),
    }
}

fn usable<T>(
    kind: Kind,
    bytes: Option<Mapped>,
    open: impl FnOnce(Mapped) -> Result<T, UnusableFile>,
) -> Option<Arc<T>> {
    let told = |error: &UnusableFile| tracing::warn!(file = kind.file_name(), %error, "nothing is published from it");
    bytes.and_then(|bytes| open(bytes).inspect_err(told).ok()).map(Arc::new)
}
