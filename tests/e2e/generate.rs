//! Made-up graphs: generated, counted by an independent script, imported, and found whole.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::data;
use crate::support::process::{end, run};

/// Generates a graph of 20,000 users in a file, and answers the report.
fn generate(seed: &str, flags: &[&str], file: &Path) -> Value {
    let shape = ["graph", "generate", "--json", "--users", "20000", "--mean-followees", "20", "--seed", seed];
    let arguments = [&shape[..], flags, &[name(file)]].concat();
    serde_json::from_str(&run(&arguments).success()).expect("--json prints JSON")
}

#[test]
fn a_generated_graph_is_imported_as_it_was_written() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for flags in [&[][..], &["--times", "--locality", "0.6", "--celebrity", "15000"]] {
        let file = folder.path().join(format!("graph-{}", flags.len()));
        let data = folder.path().join(format!("data-{}", flags.len()));
        let generated = generate("1", flags, &file);
        let expected = expected(&file);
        assert_eq!((&generated["users"], &generated["edges"]), (&20_000.into(), &expected["edges"]));
        assert_eq!(expected["times"], !flags.is_empty());
        if !flags.is_empty() {
            assert_eq!(expected["max_followers"], 15_000);
        }

        let report = run(&["graph", "import", "--json", "--data", name(&data), name(&file)]).success();
        let report: Value = serde_json::from_str(&report).expect("--json prints JSON");
        assert_eq!((&report["edges_read"], &report["added"]), (&expected["edges"], &expected["edges"]), "{report}");
        let stats = run(&["graph", "stats", "--json", "--data", name(&data)]).success();
        let stats: Value = serde_json::from_str(&stats).expect("--json prints JSON");
        for figure in ["users", "edges", "max_followers", "max_followees"] {
            assert_eq!(stats[figure], expected[figure], "{figure}");
        }
        run(&["graph", "check", "--data", name(&data)]).success();
    }
}

#[test]
fn the_same_seed_gives_the_same_file() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let [one, again, other] = ["one", "again", "other"].map(|name| folder.path().join(name));
    generate("1", &[], &one);
    generate("1", &[], &again);
    generate("2", &[], &other);
    let read = |file| fs::read(file).expect("a file can be read");
    assert!(read(&one) == read(&again), "the same seed gives other bytes");
    assert!(read(&one) != read(&other), "another seed gives the same bytes");
    assert_eq!(data::contents(folder.path()).len(), 3, "nothing else is left");
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("graph");
    fs::write(&file, "precious").expect("a file can be written");
    let error = run(&["graph", "generate", "--users", "10", "--mean-followees", "2", name(&file)]).failure(1);
    assert!(error.contains(name(&file)), "{error}");
    assert_eq!(data::contents(folder.path()), [(file, b"precious".to_vec())]);

    // What a killed run left is no obstacle.
    let file = folder.path().join("later");
    fs::write(folder.path().join("later.partial"), [7; 1 << 20]).expect("a file can be written");
    run(&["graph", "generate", "--users", "10", "--mean-followees", "2", name(&file)]).success();
    expected(&file);
    assert_eq!(data::contents(folder.path()).len(), 2, "the file has its name");
}

#[test]
fn a_graph_can_go_through_a_pipe() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let data = folder.path().join("data");
    let pipe =
        "\"$0\" graph generate --users 1000 --mean-followees 10 --times - | gzip | \"$0\" graph import --data \"$1\" -";
    let roost = env!("CARGO_BIN_EXE_roost");
    let imported = end(Command::new("bash").args(["-o", "pipefail", "-c", pipe, roost, name(&data)])).success();
    assert!(imported.contains("edges_read"), "{imported}");
    run(&["graph", "check", "--data", name(&data)]).success();
}

#[test]
fn a_file_that_was_cut_short_is_refused_with_the_place() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (file, data) = (folder.path().join("graph"), folder.path().join("data"));
    generate("1", &[], &file);
    let bytes = fs::read(&file).expect("a file can be read");
    fs::write(&file, &bytes[..24 + 8 + 100 * 8]).expect("a file can be written");
    let error = run(&["graph", "import", "--data", name(&data), name(&file)]).failure(1);
    assert!(error.contains(name(&file)) && error.contains("edge 101: cut short"), "{error}");
    assert_eq!(data::contents(&data), [], "a refused import leaves nothing in an empty place");
}

#[test]
fn wrong_arguments_are_named() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("graph");
    for (flags, named) in [
        (&[][..], "--users"),
        (&["--users", "many"], "--users"),
        (&["--users", "1"], "--users"),
        (&["--users", "4294967296"], "--users"),
        (&["--users", "100", "--mean-followees", "100"], "--mean-followees"),
        (&["--users", "100", "--mean-followees", "-1"], "--mean-followees"),
        (&["--users", "100000", "--mean-followees", "NaN"], "--mean-followees"),
        (&["--users", "1000", "--seed", "-1"], "--seed"),
        (&["--users", "1000", "--locality", "1.5"], "--locality"),
        (&["--users", "1000", "--celebrity", "1000"], "--celebrity"),
        (&["--users", "1000", "--celebrity", "0"], "--celebrity"),
    ] {
        let error = run(&[&["graph", "generate"], flags, &[name(&file)]].concat()).failure(2);
        assert!(error.contains(named), "{flags:?}: {error}");
    }
    let error = run(&["graph", "generate", "--users", "1000"]).failure(2);
    assert!(error.contains("OUT"), "{error}");
    assert_eq!(data::contents(folder.path()), [], "nothing was written");
}

/// What the independent script counts in a file.
fn expected(file: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/count_binary.py");
    let output = end(Command::new("python3").arg(script).arg(file)).success();
    serde_json::from_str(&output).expect("the script prints JSON")
}

fn name(path: &Path) -> &str {
    path.to_str().expect("the path is text")
}
