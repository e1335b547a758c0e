//! What whoever runs it needs: export, backup while it serves, restore, repair.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use base::{ListRef, Relation, UserId};
use proto::admin::{AdminLink, SnapshotItem, SnapshotReader};
use proto::auth::ServiceToken;
use proto::graph::{AllocateUsersRequest, ApplyRequest, Change, CountRequest, Direction, Operation, SnapshotRequest};
use serde_json::Value;

use crate::support::client::graph;
use crate::support::process::{Process, binary, end, run};
use crate::support::{data, s3};

fn name(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_str(&run(arguments).success()).expect("--json prints JSON")
}

/// A data folder with a small graph of people with external ids.
fn imported(folder: &Path) -> PathBuf {
    let (edges, data) = (folder.join("edges.txt"), folder.join("data"));
    let lines: String = (0..500).map(|n| format!("{} {}\n", 1000 + n % 40, 1000 + (n * n + 1) % 41)).collect();
    fs::write(&edges, lines).expect("a file can be written");
    run(&["graph", "import", "--data", name(&data), name(&edges)]).success();
    data
}

fn export(data: &Path, flags: &[&str], out: &Path) -> String {
    run(&[&["graph", "export", "--data", name(data)], flags, &[name(out)]].concat()).success()
}

fn lines(text: &str) -> BTreeSet<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn what_is_exported_as_text_can_be_imported_and_is_the_same_graph() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = imported(folder.path());
    let [text, again, csv] = ["text", "again", "csv"].map(|name| folder.path().join(name));
    export(&data, &[], &text);
    let report = json(&["graph", "export", "--data", name(&data), "--json", "--format", "csv", name(&csv)]);
    run(&["graph", "import", "--data", name(&again), name(&text)]).success();
    run(&["graph", "check", "--data", name(&again)]).success();
    let (first, second) = (export(&data, &[], Path::new("-")), export(&again, &[], Path::new("-")));
    assert_eq!(lines(&first), lines(&second));
    assert_eq!(lines(&first), lines(&fs::read_to_string(&text).expect("a file can be read")));
    assert_eq!(report["edges"], first.lines().count());
    let weighted = export(&data, &["--weights"], Path::new("-"));
    assert_eq!(lines(&weighted), first.lines().map(|line| format!("{line} 1")).collect());
    let csv = fs::read_to_string(&csv).expect("a file can be read").replace(',', " ");
    assert_eq!(csv.strip_prefix("source target\n").map(lines), Some(lines(&first)));
    for (format, magic) in [("parquet", &b"PAR1"[..]), ("roaring", b"ROOSTRBM")] {
        let out = folder.path().join(format);
        export(&data, &["--format", format], &out);
        let bytes = fs::read(&out).expect("a file can be read");
        assert!(bytes.starts_with(magic) && bytes.ends_with(magic), "{format}");
        run(&["graph", "export", "--data", name(&data), "--format", format, "-"]).failure(1);
    }
}

#[test]
fn an_export_writes_over_nothing_and_leaves_nothing_half_done() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = imported(folder.path());
    let out = folder.path().join("out");
    fs::write(&out, "precious").expect("a file can be written");
    let error = run(&["graph", "export", "--data", name(&data), name(&out)]).failure(1);
    assert!(error.contains(name(&out)), "{error}");
    let other = folder.path().join("other");
    run(&["graph", "export", "--data", name(&data), "--format", "roaring", "--times", name(&other)]).failure(1);
    run(&["graph", "export", "--data", name(&data), "--format", "xml", name(&other)]).failure(2);
    assert_eq!(fs::read_to_string(&out).expect("a file can be read"), "precious");
    assert!(!other.exists() && !folder.path().join("other.partial").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_store_is_backed_up_and_restored_with_everything_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let [data, backups, restored] = ["data", "backups", "restored"].map(|name| folder.path().join(name));
    let flags = ["--data", name(&data), "--grpc", "127.0.0.1:0"].map(str::to_owned);
    let process = Process::start("graph-store", &data, &flags);
    let address = format!("http://{}", process.address("grpc"));
    let link = graph(&process.address("grpc"));
    link.allocate_users(AllocateUsersRequest { count: 50, ..Default::default() }).await.expect("ids");
    let follow = async |target| {
        let (relation, operation) = (proto::graph::Relation::Follow as i32, Operation::Add as i32);
        let change = Change { relation, operation, source: 0, target, time: 0 };
        link.apply(ApplyRequest { changes: vec![change] }).await.expect("a follow");
    };
    for target in 1..20 {
        follow(target).await;
    }
    let backup = |keep: &str| json(&["backup", "--graph-store", &address, "--json", "--keep", keep, name(&backups)]);
    let first = backup("2");
    assert_eq!(first["files"], first["files_sent"]);
    follow(20).await;
    let second = backup("2");
    assert!(second["files_sent"].as_u64() < second["files"].as_u64(), "{second}");
    follow(21).await;

    // The second backup, with the server still running; then the folder itself, which is free once it has stopped.
    let listed = json(&["backup", "--list", "--json", name(&backups)]);
    assert_eq!(listed.as_array().map(Vec::len), Some(2), "{listed}");
    let report = json(&["restore", "--data", name(&restored), "--json", name(&backups)]);
    assert_eq!(report["backup"], second["backup"]);
    run(&["graph", "check", "--data", name(&restored)]).success();
    assert_eq!(export(&restored, &[], Path::new("-")).lines().count(), 20);
    run(&["restore", "--data", name(&restored), name(&backups)]).failure(1);
    run(&["backup", "--data", name(&data), name(&backups)]).failure(1);
    process.stop();
    let third = json(&["backup", "--data", name(&data), "--json", "--keep", "1", name(&backups)]);
    assert_eq!(third["backups_forgotten"], 2);

    let process = Process::start(
        "graph-store",
        &restored,
        &["--data", name(&restored), "--grpc", "127.0.0.1:0"].map(str::to_owned),
    );
    let lists = vec![ListRef::forward(Relation::Follow, UserId(0)).into()];
    let link = graph(&process.address("grpc"));
    let counted = link.count(CountRequest { lists, at_least: None }).await.expect("a count");
    assert_eq!(counted.counts, [20]);
    process.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_object_store_takes_backups_from_a_server_and_from_a_folder_and_gives_them_back() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let environment = s3::serve(&folder.path().join("s3")).await;
    let restored = folder.path().join("restored");
    let data = imported(folder.path());
    let place = format!("s3://{}/a/prefix", s3::BUCKET);
    let with = |arguments: &[&str]| end(binary().args(arguments).envs(environment.iter().cloned()));
    let json_with =
        |arguments: &[&str]| -> Value { serde_json::from_str(&with(arguments).success()).expect("--json prints JSON") };

    // It is the server that sends: whoever asks it has no need of the settings.
    let flags = ["--data", name(&data), "--grpc", "127.0.0.1:0"].map(str::to_owned);
    let process = Process::start_in(&environment, "graph-store", &data, &flags);
    let first = json(&["backup", "--graph-store", &format!("http://{}", process.address("grpc")), "--json", &place]);
    assert_eq!((&first["files_sent"], first["files"].as_u64() > Some(2)), (&first["files"], true), "{first}");
    process.stop();

    let second = json_with(&["backup", "--data", name(&data), "--keep", "1", "--json", &place]);
    assert_eq!((&second["backup"], &second["files_sent"]), (&first["backup"], &Value::from(0)), "{second}");
    let listed = json_with(&["backup", "--list", "--json", &place]);
    assert_eq!((listed[0]["backup"] == first["backup"], listed.as_array().map(Vec::len)), (true, Some(1)), "{listed}");
    with(&["restore", "--data", name(&restored), &place]).success();
    run(&["graph", "check", "--data", name(&restored)]).success();
    assert_eq!(export(&restored, &["--times"], Path::new("-")), export(&data, &["--times"], Path::new("-")));

    let elsewhere = folder.path().join("elsewhere");
    let mut wrong = binary();
    wrong.args(["restore", "--data", name(&elsewhere), &place]).envs(environment.iter().cloned());
    let error = end(wrong.env("AWS_SECRET_ACCESS_KEY", "another")).failure(1);
    assert!(error.contains(&place) && error.contains("cannot be"), "{error}");
    assert_eq!(data::contents(&elsewhere), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_reads_the_whole_graph_at_one_revision_while_it_changes() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = imported(folder.path());
    let expected = export(&data, &["--ids", "users"], Path::new("-"));
    let process =
        Process::start("graph-store", &data, &["--data", name(&data), "--grpc", "127.0.0.1:0"].map(str::to_owned));
    let address = format!("http://{}", process.address("grpc")).parse().expect("an address makes a URI");
    let admin = AdminLink::connect(address, ServiceToken::none());
    let relations = vec![proto::graph::Relation::Follow as i32];
    let mut request = SnapshotRequest { relations, direction: Direction::Forward as i32, ..Default::default() };
    let link = graph(&process.address("grpc"));
    let mut told = BTreeSet::new();
    for number in 0..4 {
        let stream = admin.snapshot(request.clone()).await.expect("there is room");
        let mut reader = SnapshotReader::new(stream, request).await.expect("a header");
        let (relation, operation) = (proto::graph::Relation::Follow as i32, Operation::Remove as i32);
        let changes = (0..40).map(|target| Change { relation, operation, source: number, target, time: 0 });
        let changes = changes.filter(|change| change.source != change.target).collect();
        link.apply(ApplyRequest { changes }).await.expect("a change");
        // Some slots of each stream, and all the rest of the last one.
        let mut slots = 0;
        while slots < 10 || number == 3 {
            match reader.next().await.expect("the stream goes on") {
                Some(SnapshotItem::List(list)) => {
                    let user = list.list.user;
                    told.extend(list.edges.iter().map(|edge| format!("{user} {}", edge.user)));
                }
                Some(SnapshotItem::SlotDone(_)) => slots += 1,
                Some(SnapshotItem::ExternalIds(_)) => {}
                None => break,
            }
        }
        request = reader.resume();
    }
    assert_eq!(told, lines(&expected));
    process.stop();
}

#[test]
fn a_backup_needs_a_store_and_a_place() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let nothing = folder.path().join("nothing");
    run(&["backup", name(&nothing)]).failure(2);
    run(&["backup", "--data", name(&nothing)]).failure(2);
    run(&["backup", "--data", name(&nothing), "gs://bucket"]).failure(2);
    run(&["backup", "--data", name(&nothing), "--keep", "0", name(&nothing)]).failure(2);
    let error = run(&["backup", "--data", name(&nothing), name(&nothing)]).failure(1);
    assert!(error.contains("there is no graph"), "{error}");
    let error = run(&["restore", "--data", name(&nothing), name(folder.path())]).failure(1);
    assert!(error.contains("there is no backup"), "{error}");
    assert_eq!(data::contents(&nothing), []);
}

#[test]
fn a_damaged_segment_is_found_rebuilt_and_told() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = imported(folder.path());
    let before = lines(&export(&data, &["--times"], Path::new("-")));
    let segments = data.join("graph/segments");
    let damage = |direction: &str| {
        let mut names: Vec<PathBuf> =
            fs::read_dir(&segments).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        names.retain(|path| name(path).contains(&format!("follow-{direction}")) && name(path).ends_with(".segment"));
        names.sort();
        let mut bytes = fs::read(&names[0]).expect("a file can be read");
        bytes[130] ^= 4;
        fs::write(&names[0], bytes).expect("a file can be written");
    };
    damage("reverse");
    run(&["graph", "check", "--data", name(&data)]).failure(1);
    let report = json(&["graph", "check", "--repair", "--json", "--data", name(&data)]);
    assert_eq!(report["rebuilt"].as_array().map(Vec::len), Some(1), "{report}");
    run(&["graph", "check", "--data", name(&data)]).success();
    assert_eq!(lines(&export(&data, &["--times"], Path::new("-"))), before);

    damage("reverse");
    damage("forward");
    let damaged = data::contents(&data);
    let error = run(&["graph", "check", "--repair", "--data", name(&data)]).failure(1);
    assert!(error.contains("cannot be rebuilt: follow forward lists of slot"), "{error}");
    assert!(data::contents(&data) == damaged, "nothing was changed");
}
