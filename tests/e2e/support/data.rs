//! The real graphs, where they are at hand.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::process::run;

/// A file of the data sets. `None`, said aloud, where they are absent; with `CI=true` they may not be.
pub(crate) fn file(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("ROOST_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{} must be there", path.display());
    // Past the harness, which keeps to itself what a test that passes prints.
    let told = format!("skipped: {} is not there; ROOST_TEST_DATA names the folder of data sets", path.display());
    let _ = writeln!(std::io::stderr(), "{told}");
    None
}

/// The follow graph of Twitter.
pub(crate) fn ego_twitter() -> Option<PathBuf> {
    file("ego-twitter/ego-twitter.el.gz")
}

/// A data folder with that graph and an account for each of its people, made once and copied.
pub(crate) fn copy_of_ego_twitter(to: &Path) {
    static ORIGINAL: OnceLock<PathBuf> = OnceLock::new();
    let original = ORIGINAL.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ego-twitter");
        if folder.exists() {
            fs::remove_dir_all(&folder).expect("what an earlier run left can be removed");
        }
        let graph = ego_twitter().expect("asked for only where it is at hand");
        let (data, graph) = (folder.to_str().expect("text"), graph.to_str().expect("text"));
        run(&["graph", "import", "--data", data, "--with-accounts", graph]).success();
        folder
    });
    copy(original, to);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("an entry has a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("a file can be copied")),
        }
    }
}

/// Every file below a folder with its bytes, by its path: to see that nothing has changed.
pub(crate) fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.expect("the folder can be read").path();
        match path.is_dir() {
            true => files.extend(contents(&path)),
            false => files.push((path.clone(), fs::read(&path).expect("a file can be read"))),
        }
    }
    files.sort();
    files
}

/// Access tokens for these people, in their order.
pub(crate) fn tokens(data: &Path, usernames: &[String]) -> Vec<String> {
    let mut arguments = vec!["token", "--data", data.to_str().expect("text"), "--access-token-seconds", "86400"];
    for username in usernames {
        arguments.extend(["--user", username]);
    }
    let tokens: Vec<String> = run(&arguments).success().lines().map(str::to_owned).collect();
    assert_eq!(tokens.len(), usernames.len());
    tokens
}
