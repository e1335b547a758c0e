//! A folder of files of which readers can tell whether it is whole.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// What engines look for: it is the last file.
const SUCCESS: &str = "_SUCCESS";

/// A folder that was not there before. It is whole as soon as it has a file `_SUCCESS`, as Hadoop and Spark have it; dropped before
/// that, what is in it stays, for whoever wants to know what went wrong.
#[derive(Debug)]
pub(super) struct NewFolder(PathBuf);

impl NewFolder {
    /// Makes it.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir(path).with_context(|| format!("creating {}", path.display()))?;
        Ok(NewFolder(path.to_owned()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A new file in it, or in a folder within it.
    pub(super) fn file(&self, name: &str) -> io::Result<File> {
        let path = self.0.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        OpenOptions::new().write(true).create_new(true).open(path)
    }

    /// Puts everything on the disk, and then says that it is whole.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        let finish = || {
            sync(&self.0)?;
            self.file(SUCCESS)?.sync_all()?;
            File::open(&self.0)?.sync_all()
        };
        finish().with_context(|| format!("completing {}", self.0.display()))
    }
}

/// Syncs all files of a folder, those of folders in it, and the folders.
fn sync(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { sync(&path)? } else { File::open(&path)?.sync_all()? }
    }
    File::open(folder)?.sync_all()
}
