//! The LDBC Graphalytics validation graphs: each job gives the reference output, by the specification's rules, on a store
//! and on arrays.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use analytics::jobs::{Cdlp, PageRank, Sssp, UNREACHED, bfs, cdlp, lcc, pagerank, sssp, wcc};
use analytics::{Csr, Graph, Run, SnapshotGraph, Undirected};
use graph_store::import::{Import, import};
use graph_store::store::Snapshot;

use crate::support::{data, run, store_of};

/// A vertex that is not reached, in a reference output.
const UNREACHED_OUTPUT: u64 = 9_223_372_036_854_775_807;
/// How far a number may be from the reference, as a share of it.
const EPSILON: f64 = 1e-4;

/// A graph as it is in the files.
#[derive(Default)]
struct Input {
    vertices: BTreeSet<u64>,
    edges: Vec<(u64, u64, f64)>,
}

impl Input {
    /// Lines of `vertex neighbour neighbour ...`.
    fn adjacency(path: &Path) -> Input {
        let mut input = Input::default();
        for line in read(path).lines() {
            let ids: Vec<u64> = line.split_whitespace().map(|id| id.parse().expect("an id")).collect();
            let Some((vertex, neighbours)) = ids.split_first() else { continue };
            input.vertices.extend(&ids);
            input.edges.extend(neighbours.iter().map(|neighbour| (*vertex, *neighbour, 1.0)));
        }
        input
    }

    /// Lines of `source target weight`, and the vertices in a file of their own.
    fn edge_list(stem: &Path) -> Input {
        let vertices = read(&stem.with_extension("v"));
        let vertices = vertices.lines().map(|line| line.trim().parse().expect("an id")).collect();
        let edge = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let id = |idx: usize| fields[idx].parse().expect("an id");
            (id(0), id(1), fields[2].parse().expect("a weight"))
        };
        Input { vertices, edges: read(&stem.with_extension("e")).lines().map(edge).collect() }
    }

    /// The graph in a store, as `roost graph import` would have brought it there.
    fn snapshot(&self) -> Snapshot {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let (edges, vertices) = (folder.path().join("edges.csv"), folder.path().join("vertices"));
        let mut rows = "source,target,weight\n".to_owned();
        for (source, target, weight) in &self.edges {
            writeln!(rows, "{source},{target},{weight}").expect("text");
        }
        let ids = self.vertices.iter().map(|id| format!("{id}\n")).collect::<String>();
        fs::write(&edges, rows).expect("a file can be written");
        fs::write(&vertices, ids).expect("a file can be written");
        let store = store_of(0);
        let what = Import { edges, vertices: Some(vertices), ..Import::default() };
        import(&store, &what, &|_| ()).expect("well-formed");
        store.snapshot().expect("the disk works")
    }
}

/// A job's parameters and its answer, as external ids and numbers.
enum Job {
    Bfs(u64),
    Wcc,
    Cdlp(u32),
    PageRank(u32),
    Lcc,
    Sssp(u64),
}

impl Job {
    fn values(&self, graph: &impl Graph, snapshot: &Snapshot, run: &Run<'_>) -> Vec<f64> {
        let external = |vertex: u32| snapshot.external_id(base::UserId(vertex)).expect("imported");
        let vertex = |id: u64| snapshot.user(id).expect("imported").0;
        match *self {
            Job::Bfs(source) => {
                let levels = bfs(graph, vertex(source), run).expect("readable").levels;
                let level = |level| if level == UNREACHED { UNREACHED_OUTPUT as f64 } else { f64::from(level) };
                levels.into_iter().map(level).collect()
            }
            Job::Wcc => wcc(graph, run).expect("readable").into_iter().map(|of| external(of) as f64).collect(),
            Job::Cdlp(iterations) => {
                let labels = (0..graph.vertices()).map(external).collect();
                let found = cdlp(graph, &Cdlp { iterations }, labels, run).expect("readable");
                found.labels.into_iter().map(|label| label as f64).collect()
            }
            Job::PageRank(iterations) => {
                let parameters = PageRank { damping: 0.85, iterations, tolerance: None };
                pagerank(graph, &parameters, run).expect("readable").ranks
            }
            Job::Lcc => lcc(graph, run).expect("readable"),
            Job::Sssp(source) => sssp(graph, &Sssp { source: vertex(source), weighted: true }, run).expect("readable"),
        }
    }

    fn assert_same(&self, found: &[f64], reference: &[f64], name: &str) {
        assert_eq!(found.len(), reference.len(), "{name}");
        match self {
            Job::Bfs(_) | Job::Cdlp(_) => assert_eq!(found, reference, "{name}"),
            Job::Wcc => {
                // The same up to other names: each name of the one stands for one name of the other, and back.
                let pairs = || found.iter().zip(reference).map(|(one, other)| (*one as u64, *other as u64));
                let there: BTreeMap<u64, u64> = pairs().collect();
                let back: BTreeMap<u64, u64> = pairs().map(|(one, other)| (other, one)).collect();
                assert!(pairs().all(|(one, other)| there[&one] == other && back[&other] == one), "{name}: {found:?}");
            }
            Job::PageRank(_) | Job::Lcc | Job::Sssp(_) => {
                for (found, reference) in found.iter().zip(reference) {
                    let same = found == reference || (found - reference).abs() <= EPSILON * reference.abs();
                    assert!(same, "{name}: {found} is not {reference}");
                }
            }
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A reference output: the value of each vertex, by id.
fn reference(path: &Path) -> BTreeMap<u64, f64> {
    let line = |line: &str| {
        let (id, value) = line.split_once(' ').expect("an id and a value");
        (id.parse().expect("an id"), value.trim().parse().expect("a number"))
    };
    read(path).lines().filter(|line| !line.trim().is_empty()).map(line).collect()
}

fn check(job: &Job, input: &Input, directed: bool, output: &Path) {
    let name = output.display().to_string();
    let (snapshot, run) = (input.snapshot(), run());
    let vertex = |id: &u64| snapshot.user(*id).expect("imported").0;
    let by_id = |values: Vec<f64>| input.vertices.iter().map(|id| values[vertex(id) as usize]).collect::<Vec<_>>();
    let expected = reference(output);
    assert!(expected.keys().eq(&input.vertices), "{name}: {expected:?}");
    let expected: Vec<f64> = expected.into_values().collect();

    let graph = SnapshotGraph::new(&snapshot);
    assert_eq!(graph.vertices() as usize, input.vertices.len());
    let edges = input.edges.iter().map(|(source, target, weight)| (vertex(source), vertex(target), *weight));
    let arrays = Csr::from_weighted_edges(graph.vertices(), edges.collect());
    let (of_store, of_arrays) = if directed {
        (job.values(&graph, &snapshot, &run), job.values(&arrays, &snapshot, &run))
    } else {
        let undirected = Undirected::new(graph, &run).expect("readable");
        let arrays = Undirected::new(arrays, &run).expect("readable");
        (job.values(&undirected, &snapshot, &run), job.values(&arrays, &snapshot, &run))
    };
    assert_eq!(of_store, of_arrays, "{name}");
    job.assert_same(&by_id(of_store), &expected, &name);
}

fn folder() -> Option<PathBuf> {
    data("ldbc-graphalytics-validation/validation-graphs")
}

/// A graph of its own for each job, directed and undirected. The parameters are those of `test-*.properties`.
fn check_own(name: &str, [directed, undirected]: [Job; 2]) {
    let Some(folder) = folder() else { return };
    for (job, prefix) in [(directed, "dir"), (undirected, "undir")] {
        let path = |what: &str| folder.join(name).join(format!("{prefix}-{what}"));
        let input = if name == "sssp" { Input::edge_list(&path("input")) } else { Input::adjacency(&path("input")) };
        check(&job, &input, prefix == "dir", &path("output"));
    }
}

#[test]
fn bfs_has_the_reference_levels() {
    check_own("bfs", [Job::Bfs(1), Job::Bfs(1)]);
}

#[test]
fn wcc_has_the_reference_components() {
    check_own("wcc", [Job::Wcc, Job::Wcc]);
}

#[test]
fn cdlp_has_the_reference_labels() {
    check_own("cdlp", [Job::Cdlp(5), Job::Cdlp(5)]);
}

#[test]
fn pagerank_has_the_reference_ranks() {
    check_own("pr", [Job::PageRank(14), Job::PageRank(26)]);
}

#[test]
fn lcc_has_the_reference_coefficients() {
    check_own("lcc", [Job::Lcc, Job::Lcc]);
}

#[test]
fn sssp_has_the_reference_distances() {
    check_own("sssp", [Job::Sssp(1), Job::Sssp(1)]);
}

/// One graph for all jobs, directed and undirected, which is there as an edge list with weights and as an adjacency list.
#[test]
fn every_job_has_the_reference_output_of_the_examples() {
    let Some(folder) = folder() else { return };
    let folder = folder.join("example");
    for (name, directed, source) in [("example-directed", true, 1), ("example-undirected", false, 2)] {
        let jobs = [
            ("BFS", Job::Bfs(source)),
            ("CDLP", Job::Cdlp(2)),
            ("LCC", Job::Lcc),
            ("PR", Job::PageRank(2)),
            ("SSSP", Job::Sssp(source)),
            ("WCC", Job::Wcc),
        ];
        for (of_job, job) in jobs {
            let output = folder.join(format!("{name}-{of_job}"));
            check(&job, &Input::edge_list(&folder.join(name)), directed, &output);
            if of_job != "SSSP" {
                let input = Input::adjacency(&folder.join(format!("{name}-input")));
                check(&job, &input, directed, &output);
            }
        }
    }
}
