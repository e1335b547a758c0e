//! Other engines read what is exported for them, and compute the same: the programs in docs/analytics.md, as they stand there.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::analytics::{python, rows};
use crate::support::process::{Ended, end, run};

const DOCUMENTATION: &str = include_str!("../../docs/analytics.md");
const ITERATIONS: &str = "20";
/// Relative to the rank.
const ERROR_MAX: f64 = 1e-9;

/// The program of a section.
fn program(section: &str) -> &'static str {
    let section = DOCUMENTATION.split_once(&format!("\n### {section}\n")).expect("the section is there").1;
    let program = section.split_once("```python\n").expect("it has a program").1;
    program.split_once("```").expect("the program ends").0
}

#[test]
fn pagerank_in_duckdb_and_polars_is_ours() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (edges, vertices) = (folder.path().join("edges"), folder.path().join("vertices"));
    // Everybody follows a few, by squares; every seventh nobody, and some are alone.
    let followees = |user: u64| (1..=user % 7).map(move |n| (user * user + n * n * n) % 400);
    let lines = (0..400).flat_map(|user| followees(user).map(move |followee| (user, followee)));
    let lines = lines.filter(|(user, followee)| user != followee);
    let lines: String = lines.map(|(user, followee)| format!("{} {}\n", 10 * user, 10 * followee)).collect();
    fs::write(&edges, lines).expect("a file can be written");
    fs::write(&vertices, (0..450).map(|user| format!("{}\n", 10 * user)).collect::<String>()).expect("the same");
    let [edges, vertices] = [edges, vertices].map(|path| path.to_str().expect("text").to_owned());
    let data = folder.path().join("data").to_str().expect("text").to_owned();
    run(&["graph", "import", "--data", &data, "--vertices", &vertices, &edges]).success();

    let ranks = rows(&data, &folder.path().join("ranks"), &["pagerank", "--iterations", ITERATIONS]);
    let graph = folder.path().join("graph");
    export(&data, &graph, "3").success();
    assert!(graph.join("_SUCCESS").exists());
    assert_eq!(["edges", "vertices"].map(|kind| fs::read_dir(graph.join(kind)).expect("a folder").count()), [3, 3]);
    for engine in ["DuckDB", "Polars"] {
        let script = folder.path().join(engine).with_extension("py");
        fs::write(&script, program(engine)).expect("a file can be written");
        let printed = end(Command::new(&python).arg(&script).arg(&graph).arg(ITERATIONS)).success();
        let mut lines = printed.lines();
        assert_eq!(lines.next(), Some("id,value"));
        let theirs: Vec<(&str, &str)> = lines.map(|line| line.split_once(',').expect("two columns")).collect();
        assert_eq!(theirs.len(), 450);
        for (row, (id, rank)) in ranks.iter().zip(theirs) {
            let (ours, theirs): (f64, f64) = (row[1].parse().expect("a rank"), rank.parse().expect("a rank"));
            assert!(row[0] == id && (ours / theirs - 1.0).abs() < ERROR_MAX, "{engine}: {id} {theirs}, {row:?}");
        }
    }
    let again = export(&data, &graph, "3").failure(1);
    assert!(again.contains("graph"), "it says what is there already: {again}");
}

fn export(data: &str, out: &Path, partitions: &str) -> Ended {
    let out = out.to_str().expect("text");
    run(&["graph", "export", "--data", data, "--format", "parquet", "--partitions", partitions, out])
}
