//! The folder in which a demo grows, and its move to the data folder.
//!
//! | in the data folder | means | so |
//! |---|---|---|
//! | nothing, or only the staging folder | no demo yet, or half a one | begin (again) |
//! | the staging folder and a service's folder | a complete one on the move | move the rest |
//! | anything else | somebody's data | leave it alone |

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base::disk::{Disk, RealDisk};

use crate::roles::folders;

/// The name of the folder.
const NAME: &str = "demo.partial";

/// A demo in the making.
#[derive(Debug)]
pub(super) struct Staging {
    data: PathBuf,
    folder: PathBuf,
}

impl Staging {
    /// That of a data folder.
    pub(super) fn of(data: &Path) -> Self {
        Staging { data: data.to_owned(), folder: data.join(NAME) }
    }

    /// Whether the data folder is to be filled.
    pub(super) fn is_wanted(&self) -> io::Result<bool> {
        RealDisk.create_folder(&self.data)?;
        Ok(RealDisk.names(&self.data)?.iter().all(|name| name == NAME))
    }

    /// An empty folder to fill.
    pub(super) fn begin(&self) -> io::Result<PathBuf> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => RealDisk.create_folder(&self.folder)?,
        }
        Ok(self.folder.clone())
    }

    /// Moves what was filled to its place. False where there was nothing to move.
    pub(super) fn finish(&self) -> io::Result<bool> {
        if !self.folder.is_dir() {
            return Ok(false);
        }
        for name in folders::NAMES {
            if self.folder.join(name).is_dir() {
                RealDisk.rename(&self.folder.join(name), &self.data.join(name))?;
                RealDisk.sync_folder(&self.data)?;
            }
        }
        fs::remove_dir_all(&self.folder)?;
        RealDisk.sync_folder(&self.data)?;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A staging folder in which every service has written something.
    fn filled(data: &Path) -> io::Result<Staging> {
        let staging = Staging::of(data);
        let folder = staging.begin()?;
        for name in folders::NAMES {
            fs::create_dir(folder.join(name))?;
            fs::write(folder.join(name).join("file"), name)?;
        }
        Ok(staging)
    }

    #[test]
    fn half_a_demo_is_begun_again() -> io::Result<()> {
        let data = tempfile::tempdir()?;
        let staging = filled(data.path())?;
        assert!(staging.is_wanted()?);
        assert_eq!(RealDisk.names(&staging.begin()?)?, Vec::<String>::new());
        Ok(())
    }

    #[test]
    fn a_move_that_was_interrupted_is_finished() -> io::Result<()> {
        let data = tempfile::tempdir()?;
        let staging = filled(data.path())?;
        fs::rename(data.path().join(NAME).join("accounts"), data.path().join("accounts"))?;
        assert!(!staging.is_wanted()?);
        assert!(staging.finish()?);
        assert_eq!(RealDisk.names(data.path())?, ["accounts", "graph", "timeline"]);
        assert_eq!(fs::read(data.path().join("graph/file"))?, b"graph");
        Ok(())
    }

    #[test]
    fn somebodys_data_is_left_alone() -> io::Result<()> {
        let data = tempfile::tempdir()?;
        fs::write(data.path().join("letter"), "dear")?;
        let staging = Staging::of(data.path());
        assert!(!staging.is_wanted()?);
        assert!(!staging.finish()?);
        assert_eq!(RealDisk.names(data.path())?, ["letter"]);
        Ok(())
    }
}
