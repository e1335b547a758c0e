//! SIGKILL in the middle of an import: the store has what it had, nothing is left over, and the same import succeeds.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::client::texts;
use crate::support::data;
use crate::support::installation::{Installation, Wiring};
use crate::support::process::{binary, run};
use crate::support::wait::{self, DEADLINE};

/// Edges of a piece that is written at once.
const PIECE: u64 = 5_000;
/// Whom everybody in the pieces follows: those with the next numbers.
const FOLLOWEES: u64 = 50;
/// Pieces that take a moment to become lists.
const PIECES_TO_WRITE: u64 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_reads() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = small_store(folder.path());
    let before = data::contents(&data);

    let mut import = Importer::start(&data);
    let mut pieces = 0;
    let told = wait::until("edges on the disk and a line about them", DEADLINE * 2, || {
        import.feed(pieces);
        pieces += 1;
        import.last_line().filter(|_| import.spilled_bytes(&data) > 0)
    });
    for figure in ["reading: ", " edges, ", " MB, ", " edges a second"] {
        assert!(told.contains(figure), "{figure:?} is missing in {told:?}");
    }
    assert!(!told.contains('%') && !told.contains("left"), "nobody knows the end of a pipe: {told:?}");
    import.kill();
    let after = data::contents(&data);
    assert_eq!(names(&after), names(&before), "the disk has what it had");
    assert!(after == before, "a file has changed");
    is_as_before(&data).await;
    succeeds(&data, pieces);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_writes() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = small_store(folder.path());
    let manifest = || fs::read(data.join("graph/MANIFEST")).expect("a store has a manifest");
    let before = (segments(&data), manifest());

    let mut import = Importer::start(&data);
    (0..PIECES_TO_WRITE).for_each(|piece| import.feed(piece));
    import.end_of_input();
    wait::until("the first list on the disk", DEADLINE * 2, || {
        segments(&data)
            .difference(&before.0)
            .any(|path| fs::metadata(path).is_ok_and(|file| file.len() > 0))
            .then_some(())
    });
    import.kill();
    assert_eq!(manifest(), before.1, "it was over before it could be killed: PIECES_TO_WRITE is too small");
    assert!(segments(&data).is_superset(&before.0) && segments(&data) != before.0, "something is left over");

    is_as_before(&data).await;
    assert_eq!(segments(&data), before.0, "what was left over is gone");
    succeeds(&data, PIECES_TO_WRITE);
}

/// A store with two edges, and accounts for their people.
fn small_store(folder: &Path) -> PathBuf {
    let (data, file) = (folder.join("data"), folder.join("edges.txt"));
    fs::write(&file, "1 2\n2 3\n").expect("a file can be written");
    run(&["graph", "import", "--data", name(&data), "--with-accounts", name(&file)]).success();
    data
}

/// The store of [`small_store`] opens, is whole, has its two edges and answers.
async fn is_as_before(data: &Path) {
    run(&["graph", "check", "--data", name(data)]).success();
    assert_eq!(edges(data), 2);
    let installation = Installation::start(Wiring::OneProcess, data);
    let rest = installation.rest();
    assert_eq!(texts(&rest.all_pages("/api/users/u2/followers").await, "username"), ["u1"]);
    assert_eq!(texts(&rest.all_pages("/api/users/u2/followees").await, "username"), ["u3"]);
    installation.stop();
}

/// The import that was killed, once more.
fn succeeds(data: &Path, pieces: u64) {
    let mut import = Importer::start(data);
    (0..pieces).for_each(|piece| import.feed(piece));
    let report = import.finish();
    let figures = ["edges_read", "added", "duplicates", "existing"].map(|figure| report[figure].as_u64());
    assert_eq!(figures, [Some(pieces * PIECE), Some(pieces * PIECE), Some(0), Some(0)], "{report}");
    assert_eq!(edges(data), pieces * PIECE + 2);
    run(&["graph", "check", "--data", name(data)]).success();
}

fn edges(data: &Path) -> u64 {
    let output = run(&["graph", "stats", "--json", "--data", name(data)]).success();
    let stats: Value = serde_json::from_str(&output).expect("--json prints JSON");
    stats["edges"].as_u64().expect("a number of edges")
}

fn segments(data: &Path) -> BTreeSet<PathBuf> {
    let folder = fs::read_dir(data.join("graph/segments")).expect("a store has segments");
    folder.map(|entry| entry.expect("the folder can be read").path()).collect()
}

fn names(files: &[(PathBuf, Vec<u8>)]) -> Vec<&Path> {
    files.iter().map(|(path, _)| path.as_path()).collect()
}

fn name(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

/// An import of what is written to its standard input, in little memory. Dropped, it is killed.
struct Importer {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Importer {
    fn start(data: &Path) -> Importer {
        let mut command = binary();
        // With all columns an edge takes 17 bytes, and memory is soon full.
        let columns = ["--format", "text", "--columns", "source,target,time,weight"];
        command.args(["graph", "import", "--json", "--memory", "64M", "--data", name(data)]).args(columns).arg("-");
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().expect("roost starts");
        let lines = gather(child.stderr.take().expect("standard error is piped"));
        Importer { stdin: child.stdin.take(), child, lines }
    }

    /// Writes the edges of a piece.
    fn feed(&mut self, piece: u64) {
        let mut text = String::new();
        for number in piece * PIECE..(piece + 1) * PIECE {
            let source = 10 + number / FOLLOWEES;
            let target = source + 1 + number % FOLLOWEES;
            let _ = writeln!(text, "{source} {target} {number} 0.5");
        }
        let stdin = self.stdin.as_mut().expect("standard input is open");
        stdin.write_all(text.as_bytes()).expect("an import reads what it is given");
    }

    fn end_of_input(&mut self) {
        self.stdin = None;
    }

    /// The last line on standard error.
    fn last_line(&self) -> Option<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    /// Bytes of the files without a name that it has open on a data folder's disk.
    fn spilled_bytes(&self, data: &Path) -> u64 {
        let files = fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("the system tells what is open");
        let nameless = files.flatten().map(|file| file.path()).filter(|file| {
            fs::read_link(file).is_ok_and(|to| to.starts_with(data) && to.to_string_lossy().ends_with(" (deleted)"))
        });
        nameless.filter_map(|file| Some(fs::metadata(file).ok()?.len())).sum()
    }

    /// SIGKILL, of which it dies; its standard input is open until then, unless it was ended.
    fn kill(mut self) {
        self.child.kill().expect("an import can be killed");
        let status = self.child.wait().expect("an import can be waited for");
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()), "it ended by itself: {:?}", self.last_line());
    }

    /// The report of an import that ends well.
    fn finish(mut self) -> Value {
        self.end_of_input();
        let mut report = String::new();
        let mut stdout = self.child.stdout.take().expect("standard output is piped");
        stdout.read_to_string(&mut report).expect("the output can be read");
        let status = self.child.wait().expect("an import can be waited for");
        assert!(status.success(), "it failed: {:?}", self.last_line());
        serde_json::from_str(&report).expect("--json prints JSON")
    }
}

impl Drop for Importer {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn gather(stderr: ChildStderr) -> Arc<Mutex<Vec<String>>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let gathered = lines.clone();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            gathered.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
    lines
}
