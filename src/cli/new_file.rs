//! A file that comes into being whole or not at all.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A file that is written under a name of its own, `NAME.partial`, and gets its name when it is complete and on the disk.
/// Dropped before that, it is removed; what a killed process left of it is written over by the next.
#[derive(Debug)]
pub(super) struct NewFile {
    file: File,
    partial: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl NewFile {
    /// A file that must not be there yet.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        refuse_existing(path)?;
        let mut partial = OsString::from(path);
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&partial);
        let file = opened.with_context(|| format!("creating {}", partial.display()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => anyhow::bail!("another process is writing {}", partial.display()),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", partial.display()));
            }
        }
        // Whoever had the lock may have finished since: then what was opened has the other name now.
        refuse_existing(path)?;
        file.set_len(0).with_context(|| format!("emptying {}", partial.display()))?;
        Ok(NewFile { file, partial, path: path.to_owned(), finished: false })
    }

    /// Syncs the file, gives it its name, and makes that certain.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        let name = || {
            self.file.sync_all()?;
            fs::rename(&self.partial, &self.path)?;
            let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        refuse_existing(&self.path)?;
        name().with_context(|| format!("completing {}", self.path.display()))?;
        self.finished = true;
        Ok(())
    }
}

fn refuse_existing(path: &Path) -> anyhow::Result<()> {
    let exists = path.try_exists().with_context(|| format!("looking for {}", path.display()))?;
    anyhow::ensure!(!exists, "{} is there already, and is not written over", path.display());
    Ok(())
}

impl Write for NewFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.finished {
            // Should it stay, the next run writes over it.
            let _ = fs::remove_file(&self.partial);
        }
    }
}
