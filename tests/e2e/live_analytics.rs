//! `roost analytics --graph-store`: jobs on a graph that is being served, while it changes, and what becomes of their results.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use proto::admin::AnalyticsLink;
use proto::auth::ServiceToken;
use proto::graph::{ApplyRequest, Change, Operation, RanksRequest, Relation};
use proto::link::GraphLink;
use reqwest::Method;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::client::{graph, texts};
use crate::support::data;
use crate::support::installation::{Installation, Wiring};
use crate::support::process::{Ended, Process, binary, run};
use crate::support::wait;

/// People of a graph, whose external ids are the numbers below.
const PEOPLE: u32 = 2_000;
/// Iterations that take minutes: nobody waits for the last.
const ENDLESS: &str = "1000000";

/// Everybody follows some who are far away.
fn base_edges() -> Vec<(u32, u32)> {
    let of = |user: u32| (1..12).map(move |step| (user, (user * 7 + step * step * 31 + 1) % PEOPLE));
    (0..PEOPLE).flat_map(of).filter(|(source, target)| source != target).collect()
}

/// A data folder with a graph of these edges.
fn imported(folder: &Path, edges: &[(u32, u32)], flags: &[&str]) -> PathBuf {
    let (file, data) = (folder.join("edges"), folder.join("data"));
    let mut lines = String::new();
    for (source, target) in edges {
        writeln!(lines, "{source} {target}").expect("text");
    }
    fs::write(&file, lines).expect("a file can be written");
    run(&[&["graph", "import", "--data", text(&data)], flags, &[text(&file)]].concat()).success();
    data
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Serves the graph of a data folder.
fn serve(data: &Path) -> Process {
    let arguments = ["--data", text(data), "--grpc", "127.0.0.1:0"].map(str::to_owned);
    Process::start("graph-store", data, &arguments)
}

fn uri(server: &Process) -> String {
    format!("http://{}", server.address("grpc"))
}

/// Runs a job on a server or a folder, and gives its figures and the bytes of its rows.
fn result(place: [&str; 2], out: &Path, job: &[&str]) -> (Value, Vec<u8>) {
    let _ = fs::remove_file(out);
    let report = run(&[&["analytics"], job, &place, &["--json", "--out", text(out)]].concat()).success();
    (serde_json::from_str(&report).expect("one object"), fs::read(out).expect("just written"))
}

/// A change, with the revision that it came to.
type Written = (String, Operation, (u32, u32));

/// Follows and unfollows one after the other until it is told to stop, and counts what was acknowledged.
async fn write(graph: GraphLink, stop: Arc<AtomicBool>, acknowledged: Arc<AtomicUsize>) -> Vec<Written> {
    let mut written = Vec::new();
    let edges = || (0..PEOPLE).map(|source| (source, (source + 3) % PEOPLE));
    let changes = [Operation::Add, Operation::Remove].map(|operation| edges().map(move |edge| (operation, edge)));
    for (operation, (source, target)) in changes.into_iter().flatten().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let relation = Relation::Follow as i32;
        let changes = vec![Change { relation, operation: operation as i32, source, target, time: 0 }];
        let applied = graph.apply(ApplyRequest { changes }).await.expect("the server takes writes");
        written.push((applied.revision.expect("given").token, operation, (source, target)));
        acknowledged.store(written.len(), Ordering::Relaxed);
    }
    written
}

/// The graph at a revision.
fn edges_at(revision: &Value, written: &[Written]) -> Vec<(u32, u32)> {
    let last = written.iter().rposition(|(token, _, _)| revision.as_str() == Some(token));
    let mut edges: BTreeSet<(u32, u32)> = base_edges().into_iter().collect();
    for (_, operation, edge) in &written[..last.map_or(0, |last| last + 1)] {
        match operation {
            Operation::Remove => edges.remove(edge),
            _ => edges.insert(*edge),
        };
    }
    edges.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_sees_one_revision_while_writes_go_on() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = imported(folder.path(), &base_edges(), &[]);
    let server = serve(&data);
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let writer = tokio::spawn(write(graph(&server.address("grpc")), stop.clone(), acknowledged.clone()));
    let jobs: [&[&str]; 3] =
        [&["pagerank", "--iterations", "30"], &["degrees"], &["bfs", "--source", "7", "--format", "parquet"]];
    let live = (uri(&server), folder.path().join("live"));
    let results = tokio::task::spawn_blocking(move || {
        jobs.map(|job| {
            let result = result(["--graph-store", &live.0], &live.1, job);
            // The second from now is one that had not begun when the job ended.
            let next = acknowledged.load(Ordering::Relaxed) + 2;
            wait::until("a write", wait::DEADLINE, || (acknowledged.load(Ordering::Relaxed) >= next).then_some(()));
            result
        })
    });
    let results = results.await.expect("the jobs ended");
    stop.store(true, Ordering::Relaxed);
    let written = writer.await.expect("the writer ended");
    let revisions: BTreeSet<_> = results.iter().map(|(report, _)| report["revision"].to_string()).collect();
    assert_eq!(revisions.len(), results.len(), "something was written between any two");
    for (job, (report, rows)) in jobs.iter().zip(results) {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let data = imported(folder.path(), &edges_at(&report["revision"], &written), &[]);
        let (expected, same) = result(["--data", text(&data)], &folder.path().join("closed"), job);
        assert_eq!((&report["edges"], &report["vertices"]), (&expected["edges"], &expected["vertices"]), "{job:?}");
        assert!(rows == same, "{job:?} at {}", report["revision"]);
    }
}

#[test]
fn a_job_on_a_server_gives_what_it_gives_on_the_folder() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = imported(folder.path(), &base_edges(), &[]);
    let (out, users, plot) = (folder.path().join("out"), folder.path().join("users"), folder.path().join("plot.svg"));
    fs::write(&users, "5\n1999\n77\n").expect("a file can be written");
    let jobs: [&[&str]; 7] = [
        &["wcc"],
        &["cdlp", "--undirected"],
        &["kcore", "--format", "parquet"],
        &["sssp", "--source", "1999"],
        &["similar", "--users", text(&users), "--of", "followers", "--measure", "cosine", "--top", "3"],
        &["who-to-follow", "--top", "5", "--users", text(&users)],
        &["degrees", "--plot", text(&plot), "--seed", "3", "--threads", "1"],
    ];
    let run_all = |place: [&str; 2]| {
        jobs.map(|job| {
            let (mut report, rows) = result(place, &out, job);
            let figures = report.as_object_mut().expect("an object");
            figures.retain(|name, _| name != "seconds" && name != "threads");
            let svg = fs::read_to_string(&plot).unwrap_or_default();
            let _ = fs::remove_file(&plot);
            (report, rows, svg)
        })
    };
    let server = serve(&data);
    let live = run_all(["--graph-store", &uri(&server)]);
    let people = run(&["analytics", "wcc", "--graph-store", &uri(&server)]).success();
    assert!(people.contains("1 groups") && people.contains("█"), "{people}");
    server.stop();
    let closed = run_all(["--data", text(&data)]);
    for ((job, live), closed) in jobs.iter().zip(live).zip(closed) {
        assert_eq!(live.0, closed.0, "{job:?}");
        assert!(live.1 == closed.1, "the rows of {job:?}");
        assert!(live.2 == closed.2 && live.2.is_empty() == (job[0] != "degrees"), "the picture of {job:?}");
    }
}

/// Starts a job of many iterations on a server.
fn start(uri: &str, iterations: &str, out: &Path) -> Child {
    let mut command = binary();
    command.args(["analytics", "pagerank", "--graph-store", uri, "--iterations", iterations]);
    command.args(["--checkpoint-seconds", "0", "--out", text(out)]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("roost starts")
}

fn interrupt(child: &Child) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a child has a process id");
    kill_process(pid, Signal::INT).expect("a child can be signalled");
}

/// A small job on a server that may be busy.
fn try_degrees(uri: &str) -> Ended {
    run(&["analytics", "degrees", "--graph-store", uri])
}

#[test]
fn there_is_one_job_at_a_time_and_it_ends_with_whoever_asked_for_it() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = imported(folder.path(), &base_edges(), &[]);
    let (checkpoint, out) = (data.join("analytics/pagerank.checkpoint"), folder.path().join("out"));
    let server = serve(&data);
    for killed in [false, true] {
        let mut endless = start(&uri(&server), ENDLESS, &out);
        wait::until("a checkpoint", wait::DEADLINE, || checkpoint.exists().then_some(()));
        let told = try_degrees(&uri(&server)).failure(1);
        assert!(told.contains("another job is running: try again when it is done"), "{told}");
        if killed {
            endless.kill().expect("a child can be killed");
        } else {
            interrupt(&endless);
        }
        assert_eq!(endless.wait().expect("a child ends").code(), if killed { None } else { Some(1) });
        assert!(!out.exists());
        wait::until("the job to end", wait::DEADLINE, || (try_degrees(&uri(&server)).code == Some(0)).then_some(()));
        fs::remove_file(&checkpoint).expect("it is kept for the next");
    }
    // Nor does it keep a server from stopping.
    let mut endless = start(&uri(&server), ENDLESS, &out);
    wait::until("a checkpoint", wait::DEADLINE, || checkpoint.exists().then_some(()));
    server.stop();
    assert_eq!(endless.wait().expect("a child ends").code(), Some(1));
}

#[test]
fn a_job_goes_on_where_it_was_when_its_server_was_killed() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = imported(folder.path(), &base_edges(), &[]);
    let (checkpoint, out) = (data.join("analytics/pagerank.checkpoint"), folder.path().join("out"));
    let iterations = "6000";
    let server = serve(&data);
    let mut child = start(&uri(&server), iterations, &out);
    wait::until("a checkpoint", wait::DEADLINE, || checkpoint.exists().then_some(()));
    server.kill();
    assert_eq!(child.wait().expect("a child ends").code(), Some(1), "it was done before the server was killed");
    assert!(checkpoint.exists() && !out.exists());

    let server = serve(&data);
    let job = ["pagerank", "--iterations", iterations];
    let place = uri(&server);
    let resumed = run(&[&["analytics"], &job[..], &["--graph-store", &place, "--out", text(&out)]].concat());
    assert!(resumed.stderr.contains("going on behind iteration"), "{}", resumed.stderr);
    resumed.success();
    assert!(!checkpoint.exists(), "it is not needed any more");
    server.stop();
    let (_, undisturbed) = result(["--data", text(&data)], &folder.path().join("undisturbed"), &job);
    assert!(fs::read(&out).expect("readable") == undisturbed);
}

#[test]
fn what_is_wrong_is_told_before_anything_is_computed() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = imported(folder.path(), &[(1, 2), (2, 3)], &[]);
    let arguments = ["--data", text(&data), "--grpc", "127.0.0.1:0", "--analytics-memory-mib", "1"].map(str::to_owned);
    let server = Process::start("graph-store", &data, &arguments);
    let uri = uri(&server);
    let on_server = |arguments: &[&str]| run(&[&["analytics"], arguments, &["--graph-store", &uri]].concat());
    on_server(&["wcc", "--data", text(&data)]).failure(2);
    on_server(&["wcc", "--publish"]).failure(2);
    on_server(&["who-to-follow", "--publish", "--users", "1"]).failure(2);
    on_server(&["pagerank", "--checkpoint", text(folder.path())]).failure(2);
    run(&["analytics", "wcc"]).failure(2);
    let told = on_server(&["bfs", "--source", "7"]).failure(1);
    assert!(told.contains("nobody in the graph has the id 7"), "{told}");
    let told = on_server(&["pagerank", "--memory", "59"]).failure(1);
    assert!(told.contains("pagerank needs 60 bytes of memory, and may have 59"), "{told}");
    // What the server allows is the least that counts.
    let told = on_server(&["who-to-follow", "--memory", "64G", "--threads", "1"]).failure(1);
    assert!(told.contains("and may have 1048576"), "{told}");
    on_server(&["pagerank"]).success();
    server.stop();
    let told = on_server(&["pagerank"]).failure(1);
    assert!(told.contains("a service cannot be reached"), "{told}");
}

/// The columns of a CSV file, of each line but the first.
fn rows(csv: &[u8]) -> Vec<Vec<String>> {
    let lines = String::from_utf8(csv.to_vec()).expect("text");
    lines.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_published_is_answered_also_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let people: Vec<(u32, u32)> = base_edges().into_iter().filter(|(source, _)| *source < 300).collect();
    let data = imported(folder.path(), &people, &["--with-accounts"]);
    let installation = Installation::start(Wiring::OneProcess, &data);
    let out = folder.path().join("out");
    let place = format!("http://{}", installation.graph());
    let published = |job: &'static [&'static str]| {
        let (place, out) = (place.clone(), out.clone());
        tokio::task::spawn_blocking(move || result(["--graph-store", &place], &out, job))
    };
    let (report, ranks) = published(&["pagerank", "--publish"]).await.expect("the job ended");
    let ranks = rows(&ranks);
    let link = graph(&installation.graph());
    let users: Vec<u32> = (0..ranks.len() as u32).collect();
    let answer = link.ranks(RanksRequest { users: users.clone() }).await.expect("ranks are told");
    let found: Vec<String> = answer.ranks.iter().map(|rank| format!("{rank:?}")).collect();
    assert_eq!(found, ranks.iter().map(|row| row[1].clone()).collect::<Vec<_>>());
    let run = answer.run.expect("it was published");
    assert_eq!((run.job.as_str(), run.users as usize), ("pagerank", ranks.len()));
    assert_eq!(Value::from(run.revision.expect("given").token), report["revision"]);

    let (_, suggested) = published(&["who-to-follow", "--top", "4", "--publish"]).await.expect("the job ended");
    let mut of_each: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows(&suggested) {
        of_each.entry(row[0].clone()).or_default().push(format!("u{}", row[1]));
    }
    let me = "17";
    let token = &data::tokens(&data, &[format!("u{me}")])[0];
    let suggestions = async |installation: &Installation| {
        let page = installation.rest().signed(token).get("/api/suggestions?limit=10").await.expect(200);
        texts(page["items"].as_array().expect("a page"), "username")
    };
    let expected = of_each[me].clone();
    assert_eq!(expected.len(), 4);
    let before = suggestions(&installation).await;
    assert_eq!(before[..4], expected);
    assert_eq!(before.len(), 10, "others come behind");
    // Whom I follow now is suggested no more, and the others stay where they are.
    let path = format!("/api/users/{}/followers", expected[1]);
    installation.rest().signed(token).switch(Method::POST, &path).await.expect(200);
    let now = suggestions(&installation).await;
    assert_eq!(now[..3], [&expected[0], &expected[2], &expected[3]].map(Clone::clone));
    assert!(!now.contains(&expected[1]));

    let jobs = AnalyticsLink::connect(place.parse().expect("a URI"), ServiceToken::none());
    let runs = jobs.published().await.expect("the runs are told").runs;
    assert_eq!(runs.iter().map(|run| run.job.as_str()).collect::<Vec<_>>(), ["pagerank", "who-to-follow"]);

    let installation = installation.restart();
    assert_eq!(suggestions(&installation).await, now);
    let answer = graph(&installation.graph()).ranks(RanksRequest { users }).await.expect("ranks are told");
    assert_eq!(answer.ranks.iter().map(|rank| format!("{rank:?}")).collect::<Vec<_>>(), found);
    installation.stop();

    // On the closed store it is written for the next server.
    let again = folder.path().join("again");
    let job = ["pagerank", "--publish", "--damping", "0.5"];
    let (_, others) = tokio::task::spawn_blocking({
        let data = data.clone();
        move || result(["--data", text(&data)], &again, &job)
    })
    .await
    .expect("the job ended");
    let installation = Installation::start(Wiring::OneProcess, &data);
    let answer = graph(&installation.graph()).ranks(RanksRequest { users: vec![5] }).await.expect("ranks are told");
    let parameters = answer.run.expect("it was published").parameters;
    assert!(parameters.contains("damping: 0.5"), "{parameters}");
    assert_eq!(format!("{:?}", answer.ranks[0]), rows(&others)[5][1]);
    installation.stop();
}
