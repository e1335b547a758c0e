//! What must not lie in the folder.
//!
//! The storage engine takes its folders for its own: a file or folder whose name it cannot read makes it fail without
//! saying which, or panic. So the folders are looked through before it opens them.

use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};

/// The first file or folder in the engine's `folder` that it would stumble over.
pub(super) fn find(folder: &Path) -> io::Result<Option<PathBuf>> {
    let journal = |entry: &DirEntry| {
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { return Ok(false) };
        match name.rsplit_once('.') {
            Some((number, "jnl")) => Ok(entry.file_type()?.is_file() && is_number(number)),
            Some((_, extension)) => Ok(!extension.eq_ignore_ascii_case("jnl")),
            None => Ok(true),
        }
    };
    let keyspace =
        |entry: &DirEntry| Ok(entry.file_type()?.is_file() || entry.file_name().to_str().is_some_and(is_number));
    let table =
        |entry: &DirEntry| Ok(entry.file_type()?.is_file() && entry.file_name().to_str().is_some_and(is_number));

    if let Some(stray) = first_not(folder, journal)? {
        return Ok(Some(stray));
    }
    let keyspaces = folder.join("keyspaces");
    if let Some(stray) = first_not(&keyspaces, keyspace)? {
        return Ok(Some(stray));
    }
    for keyspace in entries(&keyspaces)? {
        if let Some(stray) = first_not(&keyspace.path().join("tables"), table)? {
            return Ok(Some(stray));
        }
    }
    Ok(None)
}

fn first_not(folder: &Path, belongs: impl Fn(&DirEntry) -> io::Result<bool>) -> io::Result<Option<PathBuf>> {
    for entry in entries(folder)? {
        if !belongs(&entry)? {
            return Ok(Some(entry.path()));
        }
    }
    Ok(None)
}

/// The entries of a folder; none where it does not exist or is a file.
fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    std::fs::read_dir(folder)?.collect()
}

fn is_number(name: &str) -> bool {
    name.parse::<u64>().is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_what_the_engine_stumbles_over_is_stray() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path();
        fs::create_dir_all(path.join("keyspaces/1/tables"))?;
        for harmless in ["lock", "version", "0.jnl", "notes.txt", "keyspaces/notes.txt", "keyspaces/1/tables/17"] {
            fs::write(path.join(harmless), "")?;
        }
        assert_eq!(find(path)?, None);
        assert_eq!(find(&path.join("nowhere"))?, None);
        for file in ["copy.jnl", "0.JNL", "keyspaces/1/tables/17.old"] {
            fs::write(path.join(file), "")?;
            assert_eq!(find(path)?, Some(path.join(file)));
            fs::remove_file(path.join(file))?;
        }
        for stray in ["7.jnl", "keyspaces/old", "keyspaces/1/tables/18"] {
            fs::create_dir(path.join(stray))?;
            assert_eq!(find(path)?, Some(path.join(stray)));
            fs::remove_dir(path.join(stray))?;
        }
        Ok(())
    }
}
