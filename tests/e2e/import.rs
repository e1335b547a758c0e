//! Real graphs in, the same graphs out: over gRPC and over REST, compared with what an independent script computes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base::{ListRef, Relation, UserId, limits};
use proto::common::PageRequest;
use proto::graph::{ExternalIds, ListRequest, ResolveRequest, resolve_request};
use proto::link::GraphLink;
use serde_json::Value;

use crate::support::client::{Rest, each, graph, texts};
use crate::support::data;
use crate::support::installation::{Installation, Wiring};
use crate::support::process::{end, run};

/// People whose lists are compared one by one.
const COMPARED: usize = 1000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_follow_graph_of_twitter_comes_back_as_it_was() {
    let Some(file) = data::ego_twitter() else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    data::copy_of_ego_twitter(&data);
    let expected = expected(&file);
    assert_eq!((&expected["users"], &expected["edges"]), (&81_306.into(), &1_768_135.into()));

    let stats = stats(&data);
    for figure in ["users", "edges", "max_followers", "max_followees"] {
        assert_eq!(stats[figure], expected[figure], "{figure}");
    }
    for figure in ["revision", "slots", "segment_bytes_forward", "segment_bytes_reverse", "index_bytes", "log_bytes"] {
        assert!(!stats[figure].is_null(), "{figure} is missing in {stats}");
    }
    for figure in ["bytes_per_edge_forward", "bytes_per_edge_reverse"] {
        let bytes = stats[figure].as_f64().unwrap_or_else(|| panic!("{figure} is no number in {stats}"));
        assert!(bytes > 0.5 && bytes < 8.0, "{bytes} bytes an edge");
    }
    check(&data);

    let installation = Installation::start(Wiring::OneProcess, &data);
    let people = expected["people"].as_object().expect("an object");
    assert_eq!(people.len(), COMPARED);
    over_grpc(&graph(&installation.graph()), people).await;
    over_rest(&installation.rest(), people).await;
    installation.stop();
}

async fn over_grpc(graph: &GraphLink, people: &serde_json::Map<String, Value>) {
    // User ids of everybody by the ids of the file, which are 1 to 81306.
    let ids: Vec<u64> = (1..=81_306).collect();
    let mut users: BTreeMap<u64, u32> = BTreeMap::new();
    for ids in ids.chunks(limits::BATCH_MAX) {
        let wanted = resolve_request::Ids::ExternalIds(ExternalIds { ids: ids.to_vec() });
        let request = ResolveRequest { ids: Some(wanted), at_least: None };
        let resolved = graph.resolve(request).await.expect("known ids resolve").resolved;
        users.extend(ids.iter().zip(resolved).map(|(id, resolved)| (*id, resolved.user.expect("everybody is known"))));
    }
    let ids: BTreeMap<u32, u64> = users.iter().map(|(id, user)| (*user, *id)).collect();
    let answers = each(people, |(person, lists)| {
        let user = UserId(users[&person.parse::<u64>().expect("an id is a number")]);
        let ids = &ids;
        async move {
            for (name, list) in [
                ("followees", ListRef::forward(Relation::Follow, user)),
                ("followers", ListRef::reverse(Relation::Follow, user)),
            ] {
                let members = whole_list(graph, list).await;
                assert!(members.is_sorted_by(|a, b| a < b), "{name} of {person} are by id, each once");
                let mut members: Vec<u64> = members.iter().map(|user| ids[user]).collect();
                members.sort_unstable();
                assert_eq!(Value::from(members), lists[name], "{name} of {person} over gRPC");
            }
        }
    });
    assert_eq!(answers.await.len(), COMPARED);
}

/// Every member of a list, page by page.
async fn whole_list(graph: &GraphLink, list: ListRef) -> Vec<u32> {
    let mut members = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = Some(PageRequest { limit: limits::PAGE_MAX, cursor });
        let request = ListRequest { list: Some(list.into()), order: 0, page, at_least: None };
        let page = graph.list(request).await.expect("a list can be read");
        members.extend(page.edges.iter().map(|edge| edge.user));
        cursor = page.next_cursor;
        if cursor.is_empty() {
            return members;
        }
    }
}

async fn over_rest(rest: &Rest, people: &serde_json::Map<String, Value>) {
    let answers = each(people, |(person, lists)| async move {
        let profile = rest.get(&format!("/api/users/u{person}")).await.expect(200);
        for name in ["followers", "followees"] {
            let expected = lists[name].as_array().expect("a list");
            let items = rest.all_pages(&format!("/api/users/u{person}/{name}")).await;
            let mut members: Vec<u64> =
                texts(&items, "username").iter().map(|name| name[1..].parse().expect("u and a number")).collect();
            members.sort_unstable();
            assert_eq!(Value::from(members), lists[name], "{name} of {person} over REST");
            assert_eq!(profile[format!("{name}_count")], expected.len(), "the number of {name} of {person}");
        }
    });
    assert_eq!(answers.await.len(), COMPARED);
}

#[test]
fn who_trusts_whom_has_its_counts() {
    counts("soc-epinions1/soc-epinions1.el.gz", 75_877, 508_836);
}

#[test]
fn friendships_of_sixteen_colleges_have_their_counts() {
    counts("fb100/fb100-union.el.gz", 68_682, 5_386_410);
}

fn counts(file: &str, users: u64, edges: u64) {
    let Some(file) = data::file(file) else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    let report = import(&data, &file, &[]);
    assert_eq!(report["edges_read"], edges, "{report}");
    assert_eq!((&report["duplicates"], &report["self_loops"]), (&0.into(), &0.into()), "{report}");
    let stats = stats(&data);
    assert_eq!((&stats["users"], &stats["edges"]), (&users.into(), &edges.into()));
    check(&data);
}

#[test]
fn duplicates_and_self_loops_are_dropped_and_counted() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    let file = folder.path().join("edges.txt");
    fs::write(&file, "# who follows whom\n1 2\n1\t2\n2,1\r\n3 3\n\n18446744073709551615 1\n")
        .expect("a file can be written");
    let report = import(&data, &file, &[]);
    let figures = ["edges_read", "duplicates", "self_loops"].map(|figure| report[figure].as_u64());
    assert_eq!(figures, [Some(5), Some(1), Some(1)], "{report}");
    let stats = stats(&data);
    assert_eq!((&stats["users"], &stats["edges"]), (&3.into(), &3.into()));
    check(&data);
}

/// Standard input asked for twice gave all its lines to the people, and an import without edges was reported as done.
#[test]
fn edges_and_people_come_from_different_places() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    let error = run(&["graph", "import", "--data", name(&data), "--vertices", "-", "-"]).failure(1);
    assert!(error.contains("cannot both be read from -"), "{error}");
    assert_eq!(data::contents(&data), []);
}

#[test]
fn lists_are_encoded_as_asked_for_and_are_the_same() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("edges.txt");
    // Most near the user, so that a window takes less than packing; some far away, so that bitmaps take more.
    let near = |user: u64| (1..=30).map(move |step| user + step);
    let far = |user: u64| (1..=5).map(move |step| user + step * 3_001 + user * step % 1_000);
    let edges = (0..20_000u64).flat_map(|user| near(user).chain(far(user)).map(move |target| (user, target % 20_000)));
    let lines: String = edges.map(|(source, target)| format!("{source} {target}\n")).collect();
    fs::write(&file, lines).expect("a file can be written");
    let imported = |flags: &[&str]| {
        let data = folder.path().join(flags.last().unwrap_or(&"default"));
        import(&data, &file, flags);
        check(&data);
        let bytes = stats(&data)["segment_bytes_forward"].as_u64().expect("a number of bytes");
        (bytes, run(&["graph", "export", "--data", name(&data), "--format", "text", "-"]).success())
    };
    let (default, expected) = imported(&[]);
    let [auto, packed, roaring] = ["auto", "packed", "roaring"].map(|encoding| {
        let (bytes, edges) = imported(&["--encoding", encoding]);
        assert!(edges == expected, "other edges came out of {encoding} lists");
        bytes
    });
    assert_eq!(default, auto);
    assert!(2 * auto < packed && 3 * packed < 2 * roaring, "{auto}, {packed} and {roaring} bytes");
    run(&["graph", "import", "--data", name(folder.path()), "--encoding", "zip", name(&file)]).failure(2);
}

#[test]
fn a_malformed_line_stops_an_import_and_nothing_has_changed() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    let (good, bad) = (folder.path().join("good.txt"), folder.path().join("bad.txt"));
    fs::write(&good, "1 2\n2 3\n").expect("a file can be written");
    fs::write(&bad, "4 5\n5 6\n6 seven\n7 8\n").expect("a file can be written");

    let refused = |data: &Path| {
        let error = run(&["graph", "import", "--data", name(data), "--with-accounts", name(&bad)]).failure(1);
        assert!(error.contains("line 3") && error.contains("6 seven"), "{error}");
    };
    refused(&data);
    assert_eq!(data::contents(&data), [], "a refused import leaves nothing in an empty place");

    import(&data, &good, &["--with-accounts"]);
    let before = data::contents(&data);
    assert!(!before.is_empty());
    refused(&data);
    let after = data::contents(&data);
    let names = |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before));
    for ((path, after), (_, before)) in after.iter().zip(&before) {
        assert!(after == before, "{} has changed", path.display());
    }
    assert_eq!(stats(&data)["edges"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vertices_become_people_without_followers_who_have_accounts() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    let (edges, vertices) = (folder.path().join("edges.txt"), folder.path().join("vertices.txt"));
    fs::write(&edges, "1 2\n").expect("a file can be written");
    fs::write(&vertices, "1\n2\n77\n").expect("a file can be written");
    import(&data, &edges, &["--vertices", name(&vertices), "--with-accounts"]);
    assert_eq!(stats(&data)["users"], 2, "only those with an edge are counted");

    let installation = Installation::start(Wiring::OneProcess, &data);
    let rest = installation.rest();
    let lonely = rest.get("/api/users/u77").await.expect(200);
    assert_eq!((&lonely["followers_count"], &lonely["followees_count"]), (&0.into(), &0.into()));
    assert_eq!(texts(&rest.all_pages("/api/users/u2/followers").await, "username"), ["u1"]);
    let login = serde_json::json!({ "login": "u77", "password": "anything at all" });
    rest.post("/api/login", login).await.expect(401);
    installation.stop();
}

/// What the independent script says of a graph.
fn expected(file: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/expected.py");
    let output = end(Command::new("python3").arg(script).arg(file).arg(COMPARED.to_string())).success();
    serde_json::from_str(&output).expect("the script prints JSON")
}

/// Imports a file and answers the report.
fn import(data: &Path, file: &Path, flags: &[&str]) -> Value {
    let arguments = [&["graph", "import", "--json", "--data", name(data)], flags, &[name(file)]].concat();
    serde_json::from_str(&run(&arguments).success()).expect("--json prints JSON")
}

fn stats(data: &Path) -> Value {
    let output = run(&["graph", "stats", "--json", "--data", name(data)]).success();
    serde_json::from_str(&output).expect("--json prints JSON")
}

fn check(data: &Path) {
    run(&["graph", "check", "--data", name(data)]).success();
}

fn name(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}
