//! `roost analytics`: the results of the real binary, and a job that is killed or told to stop.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::process::{binary, end, run};
use crate::support::{data, wait};

/// Iterations that take minutes: nobody waits for the last.
const ENDLESS: &str = "100000";

/// The Python with the libraries to compare with, which `scripts/test` installs.
pub(crate) fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("python").join("bin/python3");
    if python.exists() {
        return Some(python);
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{} must be there", python.display());
    eprintln!("skipped: {} is not there; scripts/test installs it", python.display());
    None
}

/// A data folder with a graph that was imported.
fn imported(folder: &Path, edges: &Path) -> String {
    let data = folder.join("data").to_str().expect("text").to_owned();
    run(&["graph", "import", "--data", &data, edges.to_str().expect("text")]).success();
    data
}

/// Ten people, of whom the first follows everybody; external ids 100 to 109.
fn small(folder: &Path) -> String {
    let edges = folder.join("edges");
    let lines: Vec<String> = (101..110).map(|followee| format!("100 {followee}\n")).collect();
    fs::write(&edges, lines.concat()).expect("a file can be written");
    imported(folder, &edges)
}

/// Runs a job with `--out`, and answers the lines of the file but for the first, split.
pub(crate) fn rows(data: &str, out: &Path, arguments: &[&str]) -> Vec<Vec<String>> {
    let out = out.to_str().expect("text");
    run(&[&["analytics"], arguments, &["--data", data, "--out", out]].concat()).success();
    let text = fs::read_to_string(out).expect("just written");
    let split = |line: &str| line.split(',').map(str::to_owned).collect();
    text.lines().skip(1).map(split).collect()
}

#[test]
fn results_on_ego_twitter_are_those_of_igraph() {
    let (Some(edges), Some(python)) = (data::ego_twitter(), python()) else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = imported(folder.path(), &edges);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/reference.py");
    let expected = end(Command::new(python).arg(script).arg(&edges)).success();
    let mut expected: Vec<Vec<&str>> = expected.lines().map(|line| line.split(',').collect()).collect();
    let overall = expected.pop().expect("a last line");
    let values = |job: &[&str]| {
        let rows = rows(&data, &folder.path().join(job[0]), job);
        assert_eq!(rows.len(), expected.len(), "{job:?}");
        let value = |row: Vec<String>| (row[0].clone(), row[1].clone());
        rows.into_iter().map(value).collect::<BTreeMap<String, String>>()
    };

    let pagerank = ["pagerank", "--tolerance", "1e-12", "--iterations", "1000"];
    let ranks = values(&pagerank);
    let [components, cores, triangles] = ["wcc", "kcore", "triangles"].map(|job| values(&[job]));
    let mut names = BTreeMap::new();
    for row in &expected {
        let [id, rank, component, core, corners] = row[..] else { panic!("{row:?}") };
        let (rank, found): (f64, f64) = (rank.parse().expect("a rank"), ranks[id].parse().expect("a rank"));
        assert!((rank - found).abs() < 1e-9, "{id}: {found} is not {rank}");
        assert_eq!((cores[id].as_str(), triangles[id].as_str()), (core, corners), "{id}");
        assert_eq!(names.entry(component).or_insert(&components[id]), &&components[id], "{id}");
    }
    let distinct: BTreeSet<_> = components.values().collect();
    assert_eq!(names.len(), distinct.len());
    let report = |job: &[&str]| -> Value {
        let report = run(&[&["analytics"], job, &["--data", &data, "--json"]].concat()).success();
        serde_json::from_str(&report).expect("JSON")
    };
    assert_eq!(report(&["reciprocity"])["reciprocity"].to_string(), overall[0]);
    assert_eq!(report(&["triangles"])["triangles"].to_string(), overall[1]);
    let change = report(&pagerank)["change"].as_f64().expect("a number");
    assert!(change < 1e-12, "{change}");
}

#[test]
fn a_result_has_external_ids_in_either_format_and_a_summary_for_people() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = small(folder.path());
    let levels = rows(&data, &folder.path().join("levels"), &["bfs", "--source", "100"]);
    assert_eq!(levels.len(), 10);
    for row in &levels {
        assert_eq!(row[1], if row[0] == "100" { "0" } else { "1" }, "{row:?}");
    }
    let back = rows(&data, &folder.path().join("back"), &["bfs", "--source", "105"]);
    assert!(back.iter().all(|row| row[1] == if row[0] == "105" { "0" } else { "9223372036854775807" }), "{back:?}");
    let degrees = rows(&data, &folder.path().join("degrees"), &["degrees"]);
    assert!(degrees.iter().all(|row| row[1..] == if row[0] == "100" { ["0", "9"] } else { ["1", "0"] }), "{degrees:?}");
    let undirected = rows(&data, &folder.path().join("both"), &["bfs", "--source", "105", "--undirected"]);
    let expected = |id: &str| match id {
        "105" => "0",
        "100" => "1",
        _ => "2",
    };
    assert!(undirected.iter().all(|row| row[1] == expected(&row[0])), "{undirected:?}");

    let parquet = folder.path().join("ranks.parquet");
    let out = parquet.to_str().expect("text");
    run(&["analytics", "pagerank", "--data", &data, "--out", out, "--format", "parquet"]).success();
    let bytes = fs::read(&parquet).expect("just written");
    assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));

    let summary = run(&["analytics", "kcore", "--data", &data]).success();
    assert!(summary.contains("degeneracy  1") && summary.contains("█"), "{summary}");
}

#[test]
fn wrong_usage_ends_with_2_and_what_cannot_be_done_with_1() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = small(folder.path());
    let with_data = |arguments: &[&str]| run(&[&["analytics"], arguments, &["--data", &data]].concat());
    for wrong in [
        &["dance"][..],
        &["bfs"],
        &["wcc", "--source", "100"],
        &["pagerank", "--damping", "1.5"],
        &["pagerank", "--threads", "0"],
        &["pagerank", "--memory", "much"],
        &["degrees", "--format", "xml"],
    ] {
        with_data(wrong).failure(2);
    }
    let told = with_data(&["bfs", "--source", "7"]).failure(1);
    assert!(told.contains("nobody in the graph has the id 7"), "{told}");
    let told = with_data(&["pagerank", "--memory", "199"]).failure(1);
    assert!(told.contains("pagerank needs 200 bytes of memory, and may have 199"), "{told}");
    let taken = folder.path().join("taken");
    fs::write(&taken, "mine").expect("a file can be written");
    let told = with_data(&["wcc", "--out", taken.to_str().expect("text")]).failure(1);
    assert!(told.contains("is there already"), "{told}");
    assert_eq!(fs::read_to_string(&taken).expect("readable"), "mine");
    let nowhere = folder.path().join("nowhere");
    let told = run(&["analytics", "wcc", "--data", nowhere.to_str().expect("text")]).failure(1);
    assert!(told.contains("there is no graph in"), "{told}");
}

/// A graph on which thousands of iterations take a while: everybody follows some who are far away.
fn large(folder: &Path) -> String {
    let edges = folder.join("edges");
    let mut lines = String::new();
    for (user, step) in (0..20_000u64).flat_map(|user| (1..20u64).map(move |step| (user, step))) {
        writeln!(lines, "{user} {}", (user * 7 + step * step * 31) % 20_000).expect("text");
    }
    fs::write(&edges, lines).expect("a file can be written");
    imported(folder, &edges)
}

fn start(data: &str, iterations: &str, out: &Path) -> Child {
    let mut command = binary();
    command.args(["analytics", "pagerank", "--data", data, "--checkpoint-seconds", "0", "--iterations", iterations]);
    command.arg("--out").arg(out).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("roost starts")
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a child has a process id");
    kill_process(pid, signal).expect("a child can be signalled");
}

#[test]
fn a_job_that_was_killed_goes_on_from_its_checkpoint_to_the_same_result() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = large(folder.path());
    let checkpoint = Path::new(&data).join("analytics/pagerank.checkpoint");
    let (undisturbed, out) = (folder.path().join("undisturbed"), folder.path().join("out"));
    // Each with a checkpoint that is synced: seconds in all, of which the first few milliseconds are enough.
    let iterations = "1000";
    let mut child = start(&data, iterations, &out);
    wait::until("a checkpoint", wait::DEADLINE, || checkpoint.exists().then_some(()));
    signal(&child, Signal::KILL);
    assert!(!child.wait().expect("a child ends").success(), "it was done before it was killed");
    assert!(checkpoint.exists() && !out.exists());

    let text = out.to_str().expect("text");
    let resumed = run(&["analytics", "pagerank", "--data", &data, "--iterations", iterations, "--out", text]);
    assert!(resumed.stderr.contains("going on behind iteration"), "{}", resumed.stderr);
    resumed.success();
    assert!(!checkpoint.exists(), "it is not needed any more");
    let text = undisturbed.to_str().expect("text");
    let whole = run(&["analytics", "pagerank", "--data", &data, "--iterations", iterations, "--out", text]);
    assert!(!whole.stderr.contains("going on"), "{}", whole.stderr);
    whole.success();
    assert_eq!(fs::read(&out).expect("readable"), fs::read(&undisturbed).expect("readable"));
}

#[test]
fn a_job_that_is_told_to_stop_ends_with_1_and_leaves_its_checkpoint_but_no_result() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = large(folder.path());
    let (checkpoint, out) = (Path::new(&data).join("analytics/pagerank.checkpoint"), folder.path().join("out"));
    let mut child = start(&data, ENDLESS, &out);
    wait::until("a checkpoint", wait::DEADLINE, || checkpoint.exists().then_some(()));
    signal(&child, Signal::INT);
    assert_eq!(child.wait().expect("a child ends").code(), Some(1));
    let left: Vec<_> =
        fs::read_dir(folder.path()).expect("readable").map(|entry| entry.expect("readable").file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("out")), "{left:?}");
    // Another job on the same graph does not take it for its own.
    let told = run(&["analytics", "pagerank", "--data", &data, "--iterations", "3"]);
    assert!(told.stderr.contains("starting afresh: the checkpoint is of something else"), "{}", told.stderr);
    told.success();
}

/// Who is suggested to some people, who is like them, and what else is asked about people.
#[test]
fn some_are_asked_about_and_pictures_are_drawn() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = small(folder.path());
    let out = |name: &str| folder.path().join(name);
    // All that is known of 101 is that 100 follows them and eight others.
    let mut suggested = rows(&data, &out("suggested"), &["who-to-follow", "--users", "101", "--top", "20"]);
    suggested.sort();
    let pairs: Vec<_> = suggested.iter().map(|row| (row[0].as_str(), row[1].parse::<u64>().expect("an id"))).collect();
    assert_eq!(pairs, (102..110).map(|other| ("101", other)).collect::<Vec<_>>());
    let users = out("users");
    fs::write(&users, "103\n\n109\n").expect("a file can be written");
    let users = users.to_str().expect("text");
    let arguments = ["similar", "--users", users, "--of", "followers", "--measure", "cosine", "--top", "2"];
    let similar = rows(&data, &out("similar"), &arguments);
    let expected = [["103", "101", "1.0"], ["103", "102", "1.0"], ["109", "101", "1.0"], ["109", "102", "1.0"]];
    assert_eq!(similar, expected);
    assert!(rows(&data, &out("communities"), &["communities"]).iter().all(|row| row[1] == "100"), "all are one");
    for (job, title) in [("degrees", "Degrees of 10 vertices"), ("influence", "Distances of pairs")] {
        let picture = out(job).with_extension("svg");
        run(&["analytics", job, "--data", &data, "--plot", picture.to_str().expect("text")]).success();
        let svg = fs::read_to_string(&picture).expect("just drawn");
        assert!(svg.contains(title) && svg.contains("<circle"), "{svg}");
    }
    let report = run(&["analytics", "influence", "--data", &data, "--json"]).success();
    let report: Value = serde_json::from_str(&report).expect("one object");
    // Everybody is one edge from 100, and there is no other way.
    assert_eq!((&report["mean_distance"], &report["all_distances_seen"]), (&Value::from(1.0), &Value::from(true)));
    let unknown = run(&["analytics", "who-to-follow", "--data", &data, "--users", "7"]).failure(1);
    assert!(unknown.contains("nobody in the graph has the id 7"), "{unknown}");
}
